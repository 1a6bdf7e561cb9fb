import ArgumentParser
import Client
import Wire

/// Both spellings of a long option: `--name` and, as other clients of this API have it, `-name`.
func long(_ name: String) -> NameSpecification {
    [.customLong(name), .customLong(name, withSingleDash: true)]
}

/// A command that talks to a person through a ``Session`` and ends with an exit status.
protocol OperatorCommand: ParsableCommand {
    func perform(_ session: Session) async throws -> ExitStatus
}

/// What a command has at hand.
package struct Session: Sendable {
    let terminal: Terminal
    let environment: ClientEnvironment
}

/// The form of a result.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case table
    case json
}

/// Options of every command that prints a result.
struct FormatOptions: ParsableArguments {
    @Option(name: long("format"), help: "table or json (default: HOLDFAST_FORMAT, else table)")
    var format: OutputFormat?

    /// The format asked for, by option or environment.
    func chosen(_ session: Session) throws -> OutputFormat {
        if let format { return format }
        guard let (name, text) = session.environment.value("FORMAT") else { return .table }
        guard let format = OutputFormat(rawValue: text) else {
            throw ClientError.badVariable(name: name, want: "table or json")
        }
        return format
    }
}

/// Options of every command that asks a server.
struct ConnectionOptions: ParsableArguments {
    @Option(name: long("address"), help: "URL of a node (default: HOLDFAST_ADDR)")
    var address: String?

    @Option(name: long("ca-cert"), help: "PEM file with trusted certificates (HOLDFAST_CACERT)")
    var certificates: String?

    @Option(name: long("client-cert"), help: "PEM file shown to the node (HOLDFAST_CLIENT_CERT)")
    var clientCertificates: String?

    @Option(name: long("client-key"), help: "PEM file with its key (HOLDFAST_CLIENT_KEY)")
    var clientKey: String?

    @Option(
        name: long("tls-server-name"),
        help: "name that the certificate must carry (HOLDFAST_TLS_SERVER_NAME)"
    )
    var serverName: String?

    @Flag(name: long("tls-skip-verify"), help: "accept any certificate; for trying out only")
    var skipsVerification = false

    @Option(name: long("namespace"), help: "namespace of the request (HOLDFAST_NAMESPACE)")
    var namespace: String?

    @OptionGroup var format: FormatOptions

    // A token on the command line is refused here, before anything could repeat it.
    @Option(name: long("token"), help: .hidden)
    var token: String?

    func validate() throws {
        if token != nil {
            throw ValidationError(
                "a token is never an argument; set HOLDFAST_TOKEN or use holdfast login"
            )
        }
        guard (clientCertificates == nil) == (clientKey == nil) else {
            throw ValidationError("-client-cert and -client-key go together")
        }
    }

    /// Settings from the environment, overruled by what was typed.
    func settings(_ session: Session) throws -> ClientSettings {
        var settings = try session.environment.settings(address: address)
        if let certificates { settings.trust = .file(certificates) }
        if skipsVerification { settings.trust = .anything }
        if let clientCertificates, let clientKey {
            settings.identity = ClientSettings.Identity(
                certificates: clientCertificates,
                key: clientKey
            )
        }
        if let serverName { settings.serverName = serverName }
        if let namespace { settings.namespace = namespace }
        return settings
    }

    func client(_ session: Session) throws -> VaultClient {
        try VaultClient(settings(session))
    }
}
