import ArgumentParser
import Client
import Wire

struct LeaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Look up, list, renew and revoke leases.",
        subcommands: [
            LeaseLookupCommand.self, LeaseListCommand.self, LeaseRenewCommand.self,
            LeaseRevokeCommand.self,
        ]
    )
}

struct LeaseLookupCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookup",
        abstract: "Show a lease: what it is for and how long it lasts."
    )

    @Argument(help: "id of the lease") var id: String
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let body: JSONObject = ["lease_id": .string(id)]
        let client = try connection.client(session)
        let answer = try client.call(
            ClientRequest(.put, "sys/leases/lookup", body: .object(body))
        )
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "the answer is empty")
        return .done
    }
}

struct LeaseListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List leases, a folder at a time."
    )

    @Argument(help: "what their ids begin with: auth/token/create") var prefix = ""
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let clean = APIPath.clean(prefix)
        let path = clean.isEmpty ? "sys/leases/lookup" : "sys/leases/lookup/\(clean)"
        let nothing = CommandFailure(
            .server,
            "no leases below \(clean.isEmpty ? "the root" : clean)",
            "holdfast lease list"
        )
        return try ListCommand.list(path, client, session, connection.format, otherwise: nothing)
    }
}

struct LeaseRenewCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Let a lease last longer. Tokens are renewed with: holdfast token renew."
    )

    @Argument(help: "id of the lease") var id: String
    @Option(name: long("increment"), help: "from now: 30m") var increment: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var body: JSONObject = ["lease_id": .string(id)]
        if let increment { body["increment"] = .string(increment) }
        let client = try connection.client(session)
        let answer = try client.call(
            ClientRequest(.put, "sys/leases/renew", body: .object(body))
        )
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "the answer is empty")
        return .done
    }
}

struct LeaseRevokeCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take back what was leased, at once.",
        discussion: """
            With -prefix, everything whose lease begins so. With -force as well, also what could \
            not be taken back where it is.
            """
    )

    @Argument(help: "id of the lease, or what ids begin with") var id: String
    @Flag(name: long("prefix"), help: "everything below") var isPrefix = false
    @Flag(name: long("force"), help: "give up what cannot be taken back (with -prefix)")
    var isForced = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard !isForced || isPrefix else { throw ValidationError("-force needs -prefix") }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let request: ClientRequest
        if isPrefix {
            let endpoint = isForced ? "revoke-force" : "revoke-prefix"
            let path = "sys/leases/\(endpoint)/\(APIPath.clean(id))"
            request = ClientRequest(.put, path, body: .object(JSONObject()))
        } else {
            let body: JSONObject = ["lease_id": .string(id)]
            request = ClientRequest(.put, "sys/leases/revoke", body: .object(body))
        }
        let answer = try client.call(request)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "revoked (if there was anything): \(id)")
        return .done
    }
}
