import ArgumentParser
import Client
import Wire

struct KVCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kv",
        abstract: "Key-value secrets: put, get, list, delete and more.",
        subcommands: [
            KVPutCommand.self, KVGetCommand.self, KVListCommand.self, KVDeleteCommand.self,
            KVUndeleteCommand.self, KVDestroyCommand.self, KVMetadataCommand.self,
        ]
    )
}

struct KVPutCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Write a secret; a new version of it.",
        discussion: "key=value, key=@file, key=- for standard input, - or @file for a JSON object."
    )

    @Argument(help: "path of the secret") var path: String
    @Argument(help: "key=value, or - or @file") var items: [String]
    @Option(name: long("cas"), help: "write only if the current version is this; 0: if absent")
    var expected: Int?
    @Option(name: long("field"), help: "print this field of the answer alone") var field: String?
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let data = try DataArguments(items, session.terminal).object
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        let format = try options.connection.format.chosen(session)
        let target = mount.path("data")
        guard mount.hasVersions else {
            guard expected == nil else { throw Self.casWithoutVersions(mount) }
            let answer = try client.call(ClientRequest(.put, target, body: .object(data)))
            let silence = "data written to: \(target)"
            try session.show(answer, format, field: field, silence: silence)
            return .done
        }
        var settings = JSONObject()
        if let expected { settings["cas"] = .number(JSONNumber(expected)) }
        let body: JSONValue = ["data": .object(data), "options": .object(settings)]
        let answer = try put(body, to: target, client)
        if format == .table, field == nil, let metadata = answer.map(Envelope.init)?.data {
            KVText.print(metadata: metadata, at: target, session)
        } else {
            try session.show(answer, format, field: field, silence: "data written to: \(target)")
        }
        return .done
    }

    private func put(
        _ body: JSONValue,
        to target: String,
        _ client: VaultClient
    ) throws -> JSONObject? {
        do {
            return try client.call(ClientRequest(.put, target, body: body))
        } catch {
            guard case .server(400, let errors, _) = error,
                errors.contains(where: { $0.contains("check-and-set") })
            else { throw error }
            throw CommandFailure(
                .server,
                "nothing was written: \(ClientError.line(errors))",
                "holdfast kv get \(path), then put with -cas=VERSION"
            )
        }
    }

    private static func casWithoutVersions(_ mount: KVMount) -> CommandFailure {
        CommandFailure(
            .refused,
            "\(mount.mount) is a KV mount of version 1, which knows no -cas",
            "holdfast kv put without -cas"
        )
    }
}

struct KVGetCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Read a secret."
    )

    @Argument(help: "path of the secret") var path: String
    @Option(name: long("version"), help: "an older version") var version: Int?
    @Option(name: long("field"), help: "print this field alone") var field: String?
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        let format = try options.connection.format.chosen(session)
        if version != nil { try mount.requireVersions() }
        let target = mount.path("data")
        let query = version.map { [("version", String($0))] } ?? []
        let response = try client.send(ClientRequest(.get, target, query: query))
        if response.status == 404 {
            return try gone(response, target, session, format, hasVersions: mount.hasVersions)
        }
        guard let answer = try VaultClient.object(of: response) else {
            throw nothing(at: target)
        }
        let envelope = Envelope(answer)
        for warning in envelope.warnings { session.terminal.say("warning: \(warning)") }
        let inner = mount.hasVersions ? envelope.data?["data"]?.asObject : envelope.data
        if let field {
            guard let value = inner?[field] else { throw CommandFailure.noField(field) }
            session.printField(value)
        } else if format == .json {
            session.printJSON(.object(envelope.document))
        } else if mount.hasVersions {
            let metadata = envelope.data?["metadata"]?.asObject ?? JSONObject()
            KVText.print(metadata: metadata, data: inner ?? JSONObject(), at: target, session)
        } else {
            KVText.print(metadata: nil, data: inner ?? JSONObject(), at: nil, session)
        }
        return .done
    }

    private func nothing(at target: String) -> CommandFailure {
        CommandFailure.nothing(at: target, typed: path, list: "kv list")
    }

    /// A version that is deleted or destroyed still has metadata to show; anything else does not.
    private func gone(
        _ response: ClientResponse,
        _ target: String,
        _ session: Session,
        _ format: OutputFormat,
        hasVersions: Bool
    ) throws -> ExitStatus {
        guard hasVersions, let answer = response.object,
            let metadata = answer["data"]?.asObject?["metadata"]?.asObject
        else { throw nothing(at: target) }
        if field == nil {
            switch format {
            case .json: session.printJSON(.object(Envelope(answer).document))
            case .table: KVText.print(metadata: metadata, at: target, session)
            }
        }
        let number = metadata["version"].map(ResultText.cell) ?? "?"
        let isDestroyed = metadata["destroyed"]?.asBool ?? false
        throw CommandFailure(
            .server,
            "version \(number) of \(path) is \(isDestroyed ? "destroyed" : "deleted")",
            isDestroyed
                ? "holdfast kv metadata get \(path)"
                : "holdfast kv undelete -versions=\(number) \(path)"
        )
    }
}

struct KVListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the secrets in a folder."
    )

    @Argument(help: "path of the folder") var path: String = ""
    @OptionGroup var options: KVOptions

    func validate() throws {
        if path.isEmpty, options.mount == nil {
            throw ValidationError("a path or -mount is needed")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        let target = mount.path("metadata")
        let nothing = CommandFailure.nothing(at: target, typed: path, list: "kv list")
        return try ListCommand.list(
            target,
            client,
            session,
            options.connection.format,
            otherwise: nothing
        )
    }
}

struct KVDeleteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete the newest version of a secret, or some versions.",
        discussion: "Deleted versions can be brought back with `holdfast kv undelete`."
    )

    @Argument(help: "path of the secret") var path: String
    @Option(name: long("versions"), help: "versions to delete, as 1,2,3")
    var versions: VersionList?
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        let format = try options.connection.format.chosen(session)
        let answer: JSONObject?
        if let versions {
            try mount.requireVersions()
            let body: JSONValue = ["versions": versions.json]
            answer = try client.call(ClientRequest(.put, mount.path("delete"), body: body))
        } else {
            answer = try client.call(ClientRequest(.delete, mount.path("data")))
        }
        let target = mount.path("data")
        try session.show(answer, format, silence: "data deleted (if it existed) at: \(target)")
        return .done
    }
}

struct KVUndeleteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "undelete",
        abstract: "Bring deleted versions of a secret back."
    )

    @Argument(help: "path of the secret") var path: String
    @Option(name: long("versions"), help: "versions to bring back, as 1,2,3")
    var versions: VersionList
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        try KVText.change("undelete", path, versions, options, session, "data brought back at: ")
    }
}

struct KVDestroyCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
        abstract: "Destroy versions of a secret for good."
    )

    @Argument(help: "path of the secret") var path: String
    @Option(name: long("versions"), help: "versions to destroy, as 1,2,3")
    var versions: VersionList
    @OptionGroup var options: KVOptions

    func perform(_ session: Session) throws -> ExitStatus {
        try KVText.change("destroy", path, versions, options, session, "data destroyed at: ")
    }
}

/// What the KV commands have in common.
enum KVText {
    /// Prints path, metadata and data as blocks, each with a heading; a nil one is left out.
    static func print(
        metadata: JSONObject?,
        data: JSONObject? = nil,
        at path: String?,
        _ session: Session
    ) {
        var blocks: [String] = []
        if let path {
            let side = String(repeating: "=", count: max(2, (path.count - 13 + 1) / 2))
            blocks.append("\(side) Secret Path \(side)\n\(path)")
        }
        if var metadata {
            if metadata["deletion_time"]?.asString == "" { metadata["deletion_time"] = "n/a" }
            let table = ResultText.table(metadata)
            blocks.append(ResultText.heading("Metadata", above: table) + "\n" + table.text())
        }
        if let data {
            let table = ResultText.table(data)
            blocks.append(ResultText.heading("Data", above: table) + "\n" + table.text())
        }
        session.printText(blocks.joined(separator: "\n\n"))
    }

    /// Undeletes or destroys versions.
    static func change(
        _ purpose: String,
        _ path: String,
        _ versions: VersionList,
        _ options: KVOptions,
        _ session: Session,
        _ silence: String
    ) throws -> ExitStatus {
        let client = try options.connection.client(session)
        let mount = try KVMount(path, mount: options.mount, client)
        try mount.requireVersions()
        let target = mount.path(purpose)
        let body: JSONValue = ["versions": versions.json]
        let answer = try client.call(ClientRequest(.put, target, body: body))
        let format = try options.connection.format.chosen(session)
        try session.show(answer, format, silence: silence + mount.path("data"))
        return .done
    }
}
