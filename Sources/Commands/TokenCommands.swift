import ArgumentParser
import Client
import Wire

struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Make, look up, renew and revoke tokens.",
        discussion: """
            A token is never an argument. Without options a command is about the token that asks; \
            -accessor names another by its accessor; -ask takes another from standard input, or \
            asks for it without echo.
            """,
        subcommands: [
            TokenCreateCommand.self, TokenLookupCommand.self, TokenRenewCommand.self,
            TokenRevokeCommand.self, TokenCapabilitiesCommand.self,
        ]
    )
}

/// Which token a command is about.
struct TokenSubject: ParsableArguments {
    @Option(name: long("accessor"), help: "the token with this accessor")
    var accessor: String?
    @Flag(name: long("ask"), help: "a token from standard input, or typed without echo")
    var isAsked = false

    // A token on the command line is refused without being repeated.
    @Argument(help: .hidden) var refused: [String] = []

    func validate() throws {
        if !refused.isEmpty {
            throw ValidationError("a token is never an argument; use -ask, or -accessor")
        }
        if accessor != nil, isAsked {
            throw ValidationError("-accessor and -ask name two tokens")
        }
    }

    /// The endpoint and the parameter that stand for it.
    ///
    /// - Parameters:
    ///   - verb: of the endpoint: `lookup`.
    ///   - asked: the endpoint that takes the token itself; nil: named as the verb.
    func call(
        _ verb: String,
        asked: String? = nil,
        body given: JSONObject = JSONObject(),
        _ session: Session
    ) throws -> ClientRequest {
        var body = given
        if let accessor {
            body["accessor"] = .string(accessor)
            return ClientRequest(.post, "auth/token/\(verb)-accessor", body: .object(body))
        }
        guard isAsked else {
            let path = "auth/token/\(verb)-self"
            return verb == "lookup"
                ? ClientRequest(.get, path) : ClientRequest(.put, path, body: .object(body))
        }
        body["token"] = .string(try session.terminal.secret("token"))
        return ClientRequest(.put, "auth/token/\(asked ?? verb)", body: .object(body))
    }
}

struct TokenCreateCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a token that dies with the one that asks.",
        discussion: "Without -policy it has the policies of the token that asks."
    )

    @Option(name: long("policy"), parsing: .singleValue, help: "a policy; may be repeated")
    var policies: [String] = []
    @Option(name: long("role"), help: "a role of auth/token/roles") var role: String?
    @Option(name: long("ttl"), help: "how long it lives: 90m") var lifetime: String?
    @Option(name: long("explicit-max-ttl"), help: "how long it may live at most")
    var explicitMax: String?
    @Option(name: long("period"), help: "what every renewal gives, without end")
    var period: String?
    @Option(name: long("use-limit"), help: "requests that it is good for") var uses: Int?
    @Option(name: long("display-name"), help: "what logs call it") var displayName: String?
    @Option(name: long("metadata"), parsing: .singleValue, help: "key=value; may be repeated")
    var metadata: [String] = []
    @Option(name: long("type"), help: "service or batch") var type: String?
    @Flag(name: long("orphan"), help: "it lives on when the token that asks dies")
    var isOrphan = false
    @Flag(name: long("no-default-policy"), help: "without the policy default")
    var omitsDefaultPolicy = false
    @Flag(name: long("not-renewable"), help: "it ends when its time does") var isFixed = false
    @Option(name: long("field"), help: "print this field alone") var field: String?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if role != nil, isOrphan {
            throw ValidationError("whether its tokens are orphans is what a role says")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var body = JSONObject()
        if !policies.isEmpty { body["policies"] = .array(policies.map { .string($0) }) }
        let texts = [
            ("ttl", lifetime), ("explicit_max_ttl", explicitMax), ("period", period),
            ("display_name", displayName), ("type", type),
        ]
        for (name, text) in texts {
            if let text { body[name] = .string(text) }
        }
        if let uses { body["num_uses"] = .number(JSONNumber(uses)) }
        if !metadata.isEmpty {
            body["meta"] = .object(try DataArguments(metadata, session.terminal).object)
        }
        if omitsDefaultPolicy { body["no_default_policy"] = true }
        if isFixed { body["renewable"] = false }
        let endpoint = role.map { "create/\($0)" } ?? (isOrphan ? "create-orphan" : "create")
        let client = try connection.client(session)
        let request = ClientRequest(.post, "auth/token/\(endpoint)", body: .object(body))
        let answer = try client.call(request)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, field: field, silence: "the answer is empty")
        return .done
    }
}

struct TokenLookupCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "lookup",
        abstract: "Show what is known about a token. The token itself is not shown."
    )

    @OptionGroup var subject: TokenSubject
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let answer = try client.call(try subject.call("lookup", session))
        var shown = answer.map(Envelope.init)?.data ?? JSONObject()
        shown["id"] = nil
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(shown))
        case .table: session.printText(ResultText.table(shown).text())
        }
        return .done
    }
}

struct TokenRenewCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "renew",
        abstract: "Let a token live longer."
    )

    @OptionGroup var subject: TokenSubject
    @Option(name: long("increment"), help: "from now: 30m (default: as it was made)")
    var increment: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var body = JSONObject()
        if let increment { body["increment"] = .string(increment) }
        let client = try connection.client(session)
        let answer = try client.call(try subject.call("renew", body: body, session))
        let envelope = answer.map(Envelope.init)
        for warning in envelope?.warnings ?? [] { session.terminal.say("warning: \(warning)") }
        var shown = envelope?.tokenFields ?? JSONObject()
        shown["token"] = nil
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(shown))
        case .table: session.printText(ResultText.table(shown).text())
        }
        return .done
    }
}

struct TokenRevokeCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Take a token back, with every token that was made with it.",
        discussion: """
            -self, -accessor or -ask says which one. With -orphan, the tokens that were made with \
            it live on.
            """
    )

    @Flag(name: long("self"), help: "the token that asks") var isSelf = false
    @Flag(name: long("orphan"), help: "only this token (with -ask)") var isAlone = false
    @OptionGroup var subject: TokenSubject
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        let isNamed = subject.isAsked || subject.accessor != nil
        guard isSelf != isNamed else {
            throw ValidationError("say which token: -self, -accessor or -ask")
        }
        guard !isAlone || subject.isAsked else { throw ValidationError("-orphan needs -ask") }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let asked = isAlone ? "revoke-orphan" : nil
        let answer = try client.call(try subject.call("revoke", asked: asked, session))
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "token revoked (if it was one)")
        return .done
    }
}

struct TokenCapabilitiesCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "capabilities",
        abstract: "Show what a token may do at a path."
    )

    @Argument(help: "path, without /v1/") var path: String
    @Option(name: long("accessor"), help: "the token with this accessor") var accessor: String?
    @Flag(name: long("ask"), help: "a token from standard input, or typed without echo")
    var isAsked = false
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if accessor != nil, isAsked {
            throw ValidationError("-accessor and -ask name two tokens")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var body: JSONObject = ["paths": [.string(APIPath.clean(path))]]
        var endpoint = "sys/capabilities-self"
        if let accessor {
            body["accessor"] = .string(accessor)
            endpoint = "sys/capabilities-accessor"
        } else if isAsked {
            body["token"] = .string(try session.terminal.secret("token"))
            endpoint = "sys/capabilities"
        }
        let client = try connection.client(session)
        let answer = try client.call(ClientRequest(.post, endpoint, body: .object(body)))
        let found = answer.map(Envelope.init)?.data?["capabilities"] ?? []
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(found)
        case .table:
            let names = found.asArray?.compactMap(\.asString) ?? []
            session.printText(names.joined(separator: ", "))
        }
        return .done
    }
}
