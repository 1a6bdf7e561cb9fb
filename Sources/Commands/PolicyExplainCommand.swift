import ArgumentParser
import Client
import Wire

struct PolicyExplainCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say which rule allows or denies something, and what would be needed.",
        discussion: """
            OPERATION is write (what a write would be now), create, read, update, patch, delete, \
            list or scan. Without -policy and -accessor it is about the caller's own token. Exit \
            code 0: allowed; 2: denied.
            """
    )

    @Argument(help: "what is to be done: write, read, list, …") var operation: String
    @Argument(help: "path, without /v1/") var path: String
    @Argument(help: "key=value: parameters of the request") var items: [String] = []
    @Option(name: long("policy"), help: "ask about these policies; again for more")
    var policies: [String] = []
    @Option(name: long("accessor"), help: "ask about the token with this accessor")
    var accessor: String?
    @Option(name: long("wrap-ttl"), help: "as if the answer were to be wrapped this long")
    var wrapping: String?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if accessor != nil, !policies.isEmpty {
            throw ValidationError("-policy and -accessor exclude each other")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var body: JSONObject = ["path": .string(path), "operation": .string(operation)]
        let parameters = try DataArguments(items, session.terminal).object
        if !parameters.isEmpty { body["parameters"] = .object(parameters) }
        if !policies.isEmpty { body["policies"] = .array(policies.map { .string($0) }) }
        if let accessor { body["accessor"] = .string(accessor) }
        if let wrapping { body["wrap_ttl"] = .string(wrapping) }
        let client = try connection.client(session)
        let request = ClientRequest(.put, "sys/policies/explain", body: .object(body))
        let answer = Envelope(try client.call(request) ?? JSONObject())
        let data = answer.data ?? JSONObject()
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(answer.document))
        case .table: session.printText(text(data))
        }
        return data["allowed"]?.asBool == true ? .done : .server
    }

    private func text(_ data: JSONObject) -> String {
        var blocks = [data["reason"]?.asString ?? ""]
        if let remedy = data["remedy"]?.asString { blocks.append("needed: \(remedy)") }
        var rules = Table(["Rule", "Capabilities", "From", "Decides"])
        for value in data["matches"]?.asArray ?? [] {
            let match = value.asObject ?? JSONObject()
            let origins = (match["from"]?.asArray ?? []).map { origin -> String in
                let origin = origin.asObject ?? JSONObject()
                let line = origin["line"]?.asInt ?? 0
                return (origin["policy"]?.asString ?? "") + (line > 0 ? ":\(line)" : "")
            }
            let names = match["capabilities"]?.asArray?.compactMap(\.asString) ?? []
            let loses = match["yields_because"]?.asString.map { "no: \($0)" }
            rules.add([
                match["path"]?.asString ?? "", names.joined(separator: ", "),
                origins.joined(separator: ", "), loses ?? "yes",
            ])
        }
        if !rules.rows.isEmpty { blocks.append(rules.text()) }
        var policies = Table(["Policy", "Version", "SHA-256 of the text"])
        for value in data["policies"]?.asArray ?? [] {
            let policy = value.asObject ?? JSONObject()
            policies.add([
                policy["name"]?.asString ?? "", String(policy["version"]?.asInt ?? 0),
                policy["digest"]?.asString ?? "",
            ])
        }
        if !policies.rows.isEmpty { blocks.append(policies.text()) }
        return blocks.joined(separator: "\n\n")
    }
}
