import ArgumentParser
import Client
import Wire

struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "What the vault does by itself, and what keeps it.",
        subcommands: [JobsListCommand.self]
    )
}

struct JobsListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the jobs under way: how far they are, and why they fail."
    )

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let response = try client.send(ClientRequest(.get, "sys/jobs", query: [("list", "true")]))
        let format = try connection.format.chosen(session)
        let isNothing = response.status == 404 && response.errors.isEmpty
        let answer =
            isNothing ? JSONObject() : try VaultClient.object(of: response) ?? JSONObject()
        switch format {
        case .json: session.printJSON(.object(answer))
        case .table where isNothing: session.printText("no jobs are under way\n")
        case .table: session.printText(table(Envelope(answer).data ?? JSONObject()).text())
        }
        return .done
    }

    private func table(_ data: JSONObject) -> Table {
        var table = Table([
            "Job", "Kind", "State", "Done", "Failures", "Next attempt", "Last error",
        ])
        let facts = data["key_info"]?.asObject ?? JSONObject()
        for id in data["keys"]?.asArray?.compactMap(\.asString) ?? [] {
            let job = facts[id]?.asObject ?? JSONObject()
            func cell(_ name: String) -> String { job[name].map(ResultText.cell) ?? "" }
            table.add([
                id, cell("kind"), cell("state"), cell("done"), cell("failures"),
                cell("next_attempt"), cell("last_error"),
            ])
        }
        return table
    }
}
