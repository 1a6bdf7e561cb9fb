import ArgumentParser
import Client
import Node
import Wire

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "The cluster as a whole.",
        subcommands: [
            ClusterStatusCommand.self, JoinTokenCommand.self, JoinCommand.self,
            PromoteCommand.self, DemoteCommand.self, ReplaceCommand.self, RemoveCommand.self,
            TransferCommand.self,
        ]
    )
}

struct ClusterStatusCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show every member, who leads, and what the cluster survives.",
        discussion: "Every member is asked itself, so its address must be reachable from here."
    )

    @Option(name: long("timeout"), help: "seconds to wait for each member, 0.1 to 600")
    var timeout = 2.0
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (0.1...600).contains(timeout) else {
            throw ValidationError("-timeout must be from 0.1 to 600 seconds")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let view: ClusterView
        do {
            view = try ClusterView.load(client, timeoutSeconds: timeout, now: WallClock.now)
        } catch let error as ClientError {
            guard case .unreachable = error else { throw error }
            throw CommandFailure(
                .refused,
                error.summary,
                "ask another member: holdfast cluster status -address=https://HOST:PORT"
            )
        }
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(ClusterReport.json(view))
        case .table:
            let hasColours =
                session.terminal.outputIsTerminal && session.environment.plain("NO_COLOR") == nil
            // What members say is made harmless here, since the colours are to go through.
            let text = ClusterReport.text(view, hasColours: hasColours, now: WallClock.now())
            session.terminal.result(text)
        }
        return .done
    }
}
