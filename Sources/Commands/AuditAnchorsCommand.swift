import ArgumentParser
import Client
import Wire

struct AuditAnchorsCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchors",
        abstract: "Fetch what the cluster knows of every node's audit log.",
        discussion: """
            Anchors are signed checkpoints of the nodes' logs, kept by all members. Ask a node \
            other than the one whose files are in doubt, and keep them where neither can write. \
            With -out they go into a file for audit verify -anchors.
            """
    )

    @Option(name: long("out"), help: "write the anchors into this file") var out: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let request = ClientRequest(.get, "sys/audit-anchors")
        let answer = Envelope(try client.call(request) ?? JSONObject())
        let data = answer.data ?? JSONObject()
        let notes = Self.notes(data)
        if let out { try LocalFile.writePrivate(out, Array(notes.joined(separator: "\n").utf8)) }
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(.object(answer.document))
        case .table:
            var table = Table(["Key", "Value"])
            table.add(["Verifier Key", data["key"]?.asString ?? ""])
            table.add(["Anchors", "\(notes.count) kept, \(data["size"]?.asInt ?? 0) in all"])
            session.printText(table.text())
            if out == nil { session.printText(notes.joined(separator: "\n")) }
        }
        if let out {
            session.terminal.hint(
                "holdfast audit verify -folder=FOLDER -key=KEY -anchors=\(out)"
            )
        }
        return .done
    }

    /// Each once: the newest ones of logs that have been quiet for long, then the last of all.
    private static func notes(_ data: JSONObject) -> [String] {
        var notes = texts(data["anchors"])
        for note in texts(data["newest"]) where !notes.contains(where: { utf8Equals($0, note) }) {
            notes.insert(note, at: 0)
        }
        return notes
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        value?.asArray?.compactMap(\.asString) ?? []
    }
}
