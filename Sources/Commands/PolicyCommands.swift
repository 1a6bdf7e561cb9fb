import ArgumentParser
import Client
import Wire

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "What tokens may do: why, since when, and back.",
        discussion: """
            write, read, list and delete work on a policy; versions, diff and rollback on its \
            history; explain says which rule allows or denies something.
            """,
        subcommands: [
            PolicyExplainCommand.self, PolicyWriteCommand.self, PolicyReadCommand.self,
            PolicyListCommand.self, PolicyDeleteCommand.self, PolicyVersionsCommand.self,
            PolicyDiffCommand.self, PolicyRollbackCommand.self,
        ]
    )
}

/// Paths of the API about one policy.
enum PolicyAPI {
    static func policy(_ name: String) -> String { "sys/policies/acl/\(name)" }
    static func versions(_ name: String) -> String { "sys/policies/versions/acl/\(name)" }
    static func diff(_ name: String) -> String { "sys/policies/diff/acl/\(name)" }
    static func rollback(_ name: String) -> String { "sys/policies/rollback/acl/\(name)" }

    /// Reads a path; says what is missing if there is nothing.
    static func read(
        _ path: String,
        query: [(String, String)] = [],
        of name: String,
        _ client: VaultClient
    ) throws -> JSONObject {
        let response = try client.send(ClientRequest(.get, path, query: query))
        if response.status == 404, response.errors.isEmpty {
            throw CommandFailure(.server, "no policy named \(name)", "holdfast policy list")
        }
        return try VaultClient.object(of: response) ?? JSONObject()
    }
}

struct PolicyWriteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Write a policy from a file, or - for standard input.",
        discussion: """
            The policy's cases are tried first; if one fails, nothing is written unless -force is \
            given. -cases names a JSON file with a list of cases, which replaces those that the \
            policy has.
            """
    )

    @Argument(help: "name of the policy") var name: String
    @Argument(help: "file with the text, or -") var file: String
    @Option(name: long("cases"), help: "JSON file with the cases") var cases: String?
    @Option(name: long("cas"), help: "write only over this version; -1: only a new policy")
    var checkAndSet: Int?
    @Flag(name: long("force"), help: "write although cases fail") var isForced = false
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var body = JSONObject()
        body["policy"] = .string(try text(session))
        if let cases { body["cases"] = .string(try Self.text(of: cases)) }
        if let checkAndSet { body["cas"] = .number(JSONNumber(checkAndSet)) }
        if isForced { body["force"] = true }
        let client = try connection.client(session)
        let request = ClientRequest(.put, PolicyAPI.policy(name), body: .object(body))
        let answer = try client.call(request)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "policy written: \(name)")
        return .done
    }

    private func text(_ session: Session) throws -> String {
        file == "-" ? try session.terminal.inputText() : try Self.text(of: file)
    }

    private static func text(of file: String) throws -> String {
        try Terminal.text(of: LocalFile.read(file, atMost: Terminal.inputBytesMax), from: file)
    }
}

struct PolicyReadCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Print a policy's text, of now or of an earlier version."
    )

    @Argument(help: "name of the policy") var name: String
    @Option(name: long("version"), help: "an earlier version") var version: Int?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let query = version.map { [("version", String($0))] } ?? []
        let path = version == nil ? PolicyAPI.policy(name) : PolicyAPI.versions(name)
        let answer = try PolicyAPI.read(path, query: query, of: name, client)
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(Envelope(answer).document))
        case .table: session.printField(Envelope(answer).data?["policy"] ?? "")
        }
        return .done
    }
}

struct PolicyListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the policies."
    )

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let nothing = CommandFailure(.server, "there are no policies", "holdfast status")
        let path = "sys/policies/acl"
        return try ListCommand.list(path, client, session, connection.format, otherwise: nothing)
    }
}

struct PolicyDeleteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete a policy. Its history stays, and a rollback brings it back.",
        discussion: """
            With -history, what is left of a policy that was deleted before is removed for good.
            """
    )

    @Argument(help: "name of the policy") var name: String
    @Flag(name: long("history"), help: "remove the history of a deleted policy")
    var isHistory = false
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let path = isHistory ? PolicyAPI.versions(name) : PolicyAPI.policy(name)
        var answer = try client.call(ClientRequest(.delete, path))
        // One call removes a bounded number of versions, and says so while there are more.
        while isHistory, answer != nil { answer = try client.call(ClientRequest(.delete, path)) }
        let format = try connection.format.chosen(session)
        let what = isHistory ? "history removed (if there was one)" : "policy deleted (if it was)"
        try session.show(answer, format, silence: "\(what): \(name)")
        return .done
    }
}

struct PolicyVersionsCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "versions",
        abstract: "List the versions of a policy: when, by whom, digest."
    )

    @Argument(help: "name of the policy") var name: String
    @Option(name: long("before"), help: "only versions before this one") var before: Int?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let path = PolicyAPI.versions(name)
        let query = before.map { [("before", String($0))] } ?? []
        let answer = try PolicyAPI.read(path, query: query, of: name, client)
        let data = Envelope(answer).data ?? JSONObject()
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(Envelope(answer).document))
        case .table:
            session.printText(table(data).text())
            if let earlier = data["earlier"]?.asInt, earlier > 0 {
                let next = "holdfast policy versions \(name) -before=\(earlier + 1)"
                session.terminal.say("\(earlier) earlier ones: \(next)")
            }
        }
        return .done
    }

    /// A row fits 100 columns: times without fractions and the beginnings of digests, which tell
    /// versions apart. JSON has all of both.
    private func table(_ data: JSONObject) -> Table {
        var table = Table(["Version", "Modified", "Author", "Cases", "SHA-256", ""])
        for value in data["versions"]?.asArray ?? [] {
            let facts = value.asObject ?? JSONObject()
            func cell(_ name: String) -> String { facts[name].map(ResultText.cell) ?? "" }
            var note = facts["version"] == data["current"] ? "in force" : ""
            if facts["restored_from"] != nil {
                note += (note.isEmpty ? "" : ", ") + "as \(cell("restored_from"))"
            }
            table.add([
                cell("version"), Self.toSeconds(cell("modified")), cell("author"),
                cell("case_count"), String(cell("digest").prefix(8)), note,
            ])
        }
        return table
    }

    private static func toSeconds(_ time: String) -> String {
        guard let point = time.utf8.firstIndex(of: UInt8(ascii: ".")) else { return time }
        return String(time[..<point]) + "Z"
    }
}

struct PolicyDiffCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Show what changed between two versions, by default the last two."
    )

    @Argument(help: "name of the policy") var name: String
    @Option(name: long("from"), help: "the older version") var from: Int?
    @Option(name: long("to"), help: "the newer version") var to: Int?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var query: [(String, String)] = []
        if let from { query.append(("from", String(from))) }
        if let to { query.append(("to", String(to))) }
        let client = try connection.client(session)
        let answer = try PolicyAPI.read(PolicyAPI.diff(name), query: query, of: name, client)
        let data = Envelope(answer).data ?? JSONObject()
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(Envelope(answer).document))
        case .table:
            let text = data["diff"]?.asString ?? ""
            if text.isEmpty {
                session.terminal.say("the texts are the same")
            } else {
                session.printField(.string(text))
            }
            if data["options_changed"]?.asBool == true {
                session.terminal.say("options or cases differ, too")
            }
        }
        return .done
    }
}

struct PolicyRollbackCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Put an earlier version of a policy in force again, as a new version."
    )

    @Argument(help: "name of the policy") var name: String
    @Option(name: long("version"), help: "the version to go back to") var version: Int
    @Option(name: long("cas"), help: "only if this version is in force now")
    var checkAndSet: Int?
    @Flag(name: long("force"), help: "go back although its cases fail") var isForced = false
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var body: JSONObject = ["version": .number(JSONNumber(version))]
        if let checkAndSet { body["cas"] = .number(JSONNumber(checkAndSet)) }
        if isForced { body["force"] = true }
        let client = try connection.client(session)
        let request = ClientRequest(.put, PolicyAPI.rollback(name), body: .object(body))
        let answer = try client.call(request)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "policy \(name) is as in version \(version)")
        return .done
    }
}
