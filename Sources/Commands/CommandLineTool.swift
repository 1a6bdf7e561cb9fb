import ArgumentParser
import Client
import Glibc
import Wire

/// The whole command line, from arguments to exit code.
package enum CommandLineTool {
    /// Runs the command of this process and ends it.
    package static func runProcess() async -> Never {
        StandardStreams.ignoreBrokenPipes()
        let status = await run(
            Array(CommandLine.arguments.dropFirst()),
            environment: StandardStreams.environment(),
            terminal: .ofProcess()
        )
        exit(status)
    }

    /// Runs one command.
    ///
    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: variables by name.
    /// - Returns: the exit code.
    package static func run(
        _ arguments: [String],
        environment: [String: String],
        terminal: Terminal
    ) async -> Int32 {
        let session = Session(
            terminal: terminal,
            environment: ClientEnvironment(environment)
        )
        do {
            var command = try HoldfastCommand.parseAsRoot(arguments)
            guard let ours = command as? any OperatorCommand else {
                // A command with subcommands only: it shows its help.
                try command.run()
                return ExitStatus.done.rawValue
            }
            return try await ours.perform(session).rawValue
        } catch let error as any OperatorError {
            terminal.say(error.summary)
            terminal.hint(Hint.text(for: error))
            return Hint.exitStatus(for: error).rawValue
        } catch {
            return report(error, arguments, terminal)
        }
    }

    /// Help goes to standard output; a wrong command line is told like any other failure.
    private static func report(
        _ error: any Error,
        _ arguments: [String],
        _ terminal: Terminal
    ) -> Int32 {
        if HoldfastCommand.exitCode(for: error) == .success {
            terminal.result(HoldfastCommand.fullMessage(for: error))
            return ExitStatus.done.rawValue
        }
        guard HoldfastCommand.exitCode(for: error) == .validationFailure else {
            terminal.say("\(error)")
            terminal.hint("holdfast --help")
            return ExitStatus.refused.rawValue
        }
        var message = HoldfastCommand.message(for: error)
        message = message.prefix(1).lowercased() + message.dropFirst()
        while message.hasSuffix(".") { message.removeLast() }
        terminal.say(message.split(separator: "\n").joined(separator: "; "))
        terminal.hint("\(typedCommand(arguments)) --help")
        return ExitStatus.usage.rawValue
    }

    /// The leading arguments that name commands: `holdfast kv get`.
    private static func typedCommand(_ arguments: [String]) -> String {
        var names = ["holdfast"]
        var commands = HoldfastCommand.configuration.subcommands
        for argument in arguments {
            guard
                let next = commands.first(where: { $0.configuration.commandName == argument })
            else { break }
            names.append(argument)
            commands = next.configuration.subcommands
        }
        return names.joined(separator: " ")
    }
}

struct HoldfastCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "holdfast",
        abstract: "A distributed, replicated key vault that survives the loss of a region.",
        discussion: """
            Addresses and tokens come from HOLDFAST_ADDR, HOLDFAST_TOKEN and HOLDFAST_CACERT, \
            then the same names with BAO_ and VAULT_.
            """,
        subcommands: [
            InitCommand.self, UnsealCommand.self, SealCommand.self, StatusCommand.self,
            KVCommand.self, ReadCommand.self, WriteCommand.self, ListCommand.self,
            DeleteCommand.self, LoginCommand.self, PolicyCommand.self, ClusterCommand.self,
            AuditCommand.self, MountsCommand.self, JobsCommand.self, TokenCommand.self,
            LeaseCommand.self,
        ] + serverCommands
    )
}
