import ArgumentParser
import Client
import Wire

struct MountsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mounts",
        abstract: "Mounts that were unmounted, and how to get them back.",
        discussion: """
            An unmounted mount waits before it is destroyed: seven days, unless delay says \
            otherwise. Until then restore brings it back with everything in it. All of this \
            needs the capability sudo on sys/retired-mounts/*.
            """,
        subcommands: [
            MountsRetiredCommand.self, MountsRestoreCommand.self, MountsDelayCommand.self,
        ]
    )
}

/// Paths of the API about unmounted mounts.
enum RetiredMountsAPI {
    static let all = "sys/retired-mounts"
    static let config = "sys/retired-mounts/config"
    static func restore(_ id: String) -> String { "sys/retired-mounts/\(id)/restore" }
}

struct MountsRetiredCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "retired",
        abstract: "List what was unmounted, and until when it can be restored."
    )

    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let request = ClientRequest(.get, RetiredMountsAPI.all, query: [("list", "true")])
        let response = try client.send(request)
        if response.status == 404, response.errors.isEmpty {
            throw CommandFailure(.server, "no mount is retired", "holdfast read sys/mounts")
        }
        let answer = try VaultClient.object(of: response) ?? JSONObject()
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(Envelope(answer).document))
        case .table: session.printText(table(Envelope(answer).data ?? JSONObject()).text())
        }
        return .done
    }

    private func table(_ data: JSONObject) -> Table {
        var table = Table(["Path", "Type", "Unmounted", "Restorable until", "Id"])
        for (id, value) in data["key_info"]?.asObject?.members ?? [] {
            let facts = value.asObject ?? JSONObject()
            func cell(_ name: String) -> String { facts[name].map(ResultText.cell) ?? "" }
            let isRestorable = facts["restorable"]?.asBool ?? false
            table.add([
                cell("path"), cell("type"), cell("retired_time"),
                isRestorable ? cell("restorable_until") : "over", id,
            ])
        }
        return table
    }
}

struct MountsRestoreCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Bring an unmounted mount back, with everything in it.",
        discussion: """
            The id is that of holdfast mounts retired. What was about the mount and not in it does \
            not come back: rate limits, and the tokens of those who had logged in there.
            """
    )

    @Argument(help: "id of the mount") var id: String
    @Option(name: long("path"), help: "where to, if not to its old path") var path: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        var body = JSONObject()
        if let path { body["path"] = .string(path) }
        let client = try connection.client(session)
        let request = ClientRequest(.put, RetiredMountsAPI.restore(id), body: .object(body))
        let response = try client.send(request)
        if response.status == 404, response.errors.isEmpty {
            throw CommandFailure(.server, "no mount \(id) is retired", "holdfast mounts retired")
        }
        let answer = try VaultClient.object(of: response)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "mount restored: \(id)")
        return .done
    }
}

struct MountsDelayCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "delay",
        abstract: "Show or set how long unmounted mounts can be restored.",
        discussion: "What is set holds for mounts that are unmounted from then on; 0: not at all."
    )

    @Argument(help: "a duration such as 168h or 7d") var delay: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let format = try connection.format.chosen(session)
        guard let delay else {
            let answer = try client.call(ClientRequest(.get, RetiredMountsAPI.config))
            try session.show(answer, format, silence: "")
            return .done
        }
        let body: JSONValue = ["shred_delay": .string(delay)]
        let request = ClientRequest(.put, RetiredMountsAPI.config, body: body)
        let answer = try client.call(request)
        try session.show(answer, format, silence: "delay set: \(delay)")
        return .done
    }
}
