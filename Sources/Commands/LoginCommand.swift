import ArgumentParser
import Client
import Wire

struct LoginCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Check a token and keep it for later calls.",
        discussion: """
            The token is typed without echo, or read from standard input. It is kept in \
            ~/.vault-token, readable by its owner only; HOLDFAST_TOKEN wins over that file.
            """
    )

    @Flag(name: long("no-store"), help: "only check the token") var isForgotten = false
    @OptionGroup var connection: ConnectionOptions

    // A token on the command line is refused without being repeated.
    @Argument(help: .hidden) var refused: [String] = []

    func validate() throws {
        if !refused.isEmpty {
            throw ValidationError(
                "a token is never an argument; it is asked for or read from "
                    + "standard input"
            )
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var settings = try connection.settings(session)
        let token = try session.terminal.secret("token")
        settings.token = token
        let client = try VaultClient(settings)
        let answer = try client.call(ClientRequest(.get, "auth/token/lookup-self"))
        if !isForgotten {
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
        var shown = answer.map(Envelope.init)?.data ?? JSONObject()
        shown["id"] = nil  // The token itself is not shown.
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(shown))
        case .table: session.printText(ResultText.table(shown).text())
        }
        return .done
    }
}
