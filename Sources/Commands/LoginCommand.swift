import ArgumentParser
import Client
import Wire

struct LoginCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Log in, or check a token, and keep the token for later calls.",
        discussion: """
            The token, password, secret id or JWT is typed without echo, or read from standard \
            input; a certificate is shown with -client-cert and -client-key. The token is kept in \
            ~/.vault-token, readable by its owner only; HOLDFAST_TOKEN wins over that file.
            """
    )

    @Option(name: long("method"), help: "token, userpass, approle, jwt or cert")
    var method = LoginMethod.token
    @Option(name: long("path"), help: "where the method is enabled (default: its name)")
    var path: String?
    @Flag(name: long("no-store"), help: "only check the token, or log in") var isForgotten = false
    @OptionGroup var connection: ConnectionOptions

    @Argument(help: "username=…, role_id=…, role=… or name=…, as the method needs")
    var items: [String] = []

    func validate() throws { try method.check(items) }

    func perform(_ session: Session) throws -> ExitStatus {
        var settings = try connection.settings(session)
        let secret = try method.ask(session.terminal)
        settings.token = method == .token ? secret : nil
        let client = try VaultClient(settings)
        let mount = APIPath.clean(path ?? method.rawValue)
        let request = try method.request(items, mount: mount, secret: secret, session.terminal)
        let envelope = try client.call(request).map(Envelope.init)
        let auth = envelope?.document["auth"]?.asObject
        let token = (method == .token ? secret : auth?["client_token"]?.asString) ?? ""
        guard !token.isEmpty else {
            throw CommandFailure(
                .server,
                "the answer to the login holds no token",
                "check that \(mount) is an auth method of this kind: holdfast read sys/auth"
            )
        }
        if !isForgotten { try keep(token, session) }
        // The token itself is not shown.
        var shown = (method == .token ? envelope?.data : envelope?.tokenFields) ?? JSONObject()
        shown["id"] = nil
        if !isForgotten { shown["token"] = nil }
        for warning in envelope?.warnings ?? [] { session.terminal.say("warning: \(warning)") }
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(shown))
        case .table: session.printText(ResultText.table(shown).text())
        }
        return .done
    }

    private func keep(_ token: String, _ session: Session) throws {
        guard let file = session.environment.tokenFile else {
            throw CommandFailure(
                .refused,
                "HOME is not set, so the token cannot be kept",
                "holdfast login -no-store"
            )
        }
        try LocalFile.writePrivate(file, Array(token.utf8))
        session.terminal.say("the token is kept in \(file)")
        if let (name, _) = session.environment.value("TOKEN") {
            session.terminal.say("warning: \(name) is set and wins over that file")
        }
    }
}
