import ArgumentParser
import Client
import Logging
import Node
import Wire

/// Commands that are a node, or that look after one on its own machine.
let serverCommands: [any ParsableCommand.Type] = [
    ServerCommand.self, DevCommand.self, IdentityCommand.self, VersionCommand.self,
    CheckStoreCommand.self,
]

struct ServerCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "server",
        abstract: "Run a node until it is told to stop.",
        discussion: """
            Settings come from a TOML file; HOLDFAST_ and the setting's name in capitals overrides \
            one. SIGTERM or SIGINT stops the node; a second one ends it at once.
            """
    )

    @Option(name: long("config"), help: "the settings file") var config: String

    func perform(_ session: Session) async throws -> ExitStatus {
        let settings = try SettingsReader.read(
            NodeFile.text(config),
            path: config,
            environment: session.environment.all
        )
        let loggers = NodeLog.loggers(settings.logLevel, settings.logFormat)
        let node = try await HoldfastNode.start(settings, loggers: loggers)
        try await StopSignal.next()
        loggers[.core].notice("stopping")
        await node.stop()
        return .done
    }
}

struct DevCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev",
        abstract: "Run one unsealed node with a temporary folder, for trying out.",
        discussion: """
            Speaks plain HTTP on loopback, has a KV mount of version 2 at secret/, and prints the \
            address and the root token. All data is gone when it stops.
            """
    )

    @Option(name: long("listen"), help: "loopback address and port for clients; port 0: any")
    var listen = "127.0.0.1:8200"
    @Option(name: long("log-level"), help: "trace, debug, info, notice, warning or error")
    var logLevel = "warning"
    @OptionGroup var format: FormatOptions

    func perform(_ session: Session) async throws -> ExitStatus {
        let format = try format.chosen(session)
        let parent = session.environment.plain("TMPDIR") ?? "/tmp"
        let folder = try LocalFolder.makeTemporary(in: parent, prefix: "holdfast-dev-")
        defer {
            do {
                try LocalFolder.remove(folder)
            } catch {
                session.terminal.say("warning: not removed: \(error.summary)")
            }
        }
        let pin = try NodeKey.pin(data: folder)
        let settings = try settings(folder: folder, pin: pin)
        let node = try await HoldfastNode.start(settings, loggers: NodeLog.loggers(logLevel, .text))
        do {
            let token = try await open(node.apiAddress)
            tell(node.apiAddress, token, session, format)
            try await StopSignal.next()
        } catch {
            await node.stop()
            throw error
        }
        await node.stop()
        return .done
    }

    /// A cluster of one member, whose settings nobody has to write.
    private func settings(folder: String, pin: String) throws -> Settings {
        guard NodeLog.levels.contains(logLevel) else {
            throw ValidationError(
                "-log-level must be one of \(NodeLog.levels.joined(separator: ", "))"
            )
        }
        // Through the reader, so that the checks of a real settings file hold here too.
        let text = """
            node = "dev"
            data = "\(folder)"
            api_listen = "\(listen)"
            api_address = "http://\(listen)"
            peer_listen = "127.0.0.1:0"
            cluster_name = "dev"
            plain_http_on_loopback = true
            allow_unlocked_memory = true
            log_level = "\(logLevel)"
            [[member]]
            name = "dev"
            region = "local"
            peer_address = "127.0.0.1:1"
            api_address = "http://\(listen)"
            pin = "\(pin)"
            """
        return try SettingsReader.read(text, path: "of dev", environment: [:])
    }

    /// Makes a vault with one share, opens it, mounts secret/, and gives the root token.
    private func open(_ address: String) async throws -> String {
        var settings = ClientSettings(address: try ServerAddress(address))
        settings.retriesMax = 10
        let stranger = try VaultClient(settings)
        let made = try stranger.call(
            ClientRequest(
                .put,
                "sys/init",
                body: ["secret_shares": 1, "secret_threshold": 1]
            )
        )
        guard let key = made?["keys"]?.asArray?.first, let token = made?["root_token"]?.asString
        else { throw ClientError.badAnswer(address, reason: "no root token") }
        _ = try stranger.call(ClientRequest(.put, "sys/unseal", body: ["key": key]))
        settings.token = token
        let client = try VaultClient(settings)
        let mounts = try client.call(ClientRequest(.get, "sys/mounts"))
        if mounts?["data"]?.asObject?["secret/"] == nil {
            let body: JSONValue = ["type": "kv", "options": ["version": "2"]]
            _ = try client.call(ClientRequest(.post, "sys/mounts/secret", body: body))
        }
        return token
    }

    private func tell(
        _ address: String,
        _ token: String,
        _ session: Session,
        _ format: OutputFormat
    ) {
        switch format {
        case .json:
            session.printJSON(["address": .string(address), "root_token": .string(token)])
        case .table:
            session.printText(
                """
                export HOLDFAST_ADDR=\(address) BAO_ADDR=\(address)
                export HOLDFAST_TOKEN=\(token) BAO_TOKEN=\(token)
                """
            )
        }
        session.terminal.say("the node runs until Ctrl-C; then all its data is gone")
        session.terminal.hint("in another shell: the two lines above, then holdfast status")
    }
}

struct IdentityCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity",
        abstract: "Print a node's name and pin; make its key if absent.",
        discussion: "The settings of every member need the pins of all."
    )

    @Option(name: long("config"), help: "the node's settings file, which need not be complete")
    var config: String?
    @Option(name: long("data"), help: "the node's data folder, if there are no settings yet")
    var data: String?
    @OptionGroup var format: FormatOptions

    func validate() throws {
        if (config == nil) == (data == nil) {
            throw ValidationError("one of -config and -data is needed")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        var node: String?
        var folder = data ?? ""
        if let config {
            let place = try NodeKey.place(inSettings: NodeFile.text(config), path: config)
            node = place.node
            folder = place.data
        }
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        try LocalFolder.make(folder)
        let pin = try NodeKey.pin(data: folder)
        switch try format.chosen(session) {
        case .json:
            session.printJSON(["node": node.map(JSONValue.string) ?? nil, "pin": .string(pin)])
        case .table:
            var fields: JSONObject = ["pin": .string(pin)]
            if let node { fields["node"] = .string(node) }
            session.printText(ResultText.table(fields).text())
        }
        return .done
    }
}

/// What a node runs on its own database after a crash; also for an operator whose node is down.
struct CheckStoreCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: StoreCheck.command,
        abstract: "Read all of a stopped node's database and say whether it is sound.",
        discussion: """
            Changes no data: it does what the start of a node does before it serves, and then \
            reads. A folder that no node has used is refused. A process that ends by a signal \
            means: damaged.
            """
    )

    @Option(name: long("data"), help: "the node's data folder") var data: String

    func perform(_ session: Session) throws -> ExitStatus {
        let rows = try StoreCheck.walk(data: data)
        session.printText("sound: \(rows) rows")
        return .done
    }
}

struct VersionCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version of this program."
    )

    @OptionGroup var format: FormatOptions

    func perform(_ session: Session) throws -> ExitStatus {
        switch try format.chosen(session) {
        case .json:
            session.printJSON([
                "version": .string(Version.number), "date": .string(Version.date),
            ])
        case .table: session.printText("holdfast \(Version.number)")
        }
        return .done
    }
}

/// Settings files.
enum NodeFile {
    static func text(_ path: String) throws -> String {
        do {
            return try Terminal.text(of: LocalFile.read(path, atMost: 1 << 20), from: path)
        } catch LocalError.failed(_, let reason) {
            throw SettingsError.unreadable(path: path, reason: reason)
        }
    }
}
