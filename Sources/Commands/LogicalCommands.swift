import ArgumentParser
import Client
import Wire

struct ReadCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "read",
        abstract: "Read any path of the API."
    )

    @Argument(help: "path, without /v1/") var path: String
    @Argument(help: "key=value: fields of the query") var items: [String] = []
    @Option(name: long("field"), help: "print this field alone") var field: String?
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let query = try DataArguments(items, session.terminal).object.members.map {
            ($0.name, ResultText.cell($0.value))
        }
        let client = try connection.client(session)
        let path = APIPath.clean(path)
        let response = try client.send(ClientRequest(.get, path, query: query))
        if response.status == 404, response.errors.isEmpty {
            throw CommandFailure.nothing(at: path, typed: path, list: "list")
        }
        let answer = try VaultClient.object(of: response)
        let format = try connection.format.chosen(session)
        try session.show(answer, format, field: field, silence: "the answer is empty")
        return .done
    }
}

struct WriteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "write",
        abstract: "Write to any path of the API.",
        discussion: "key=value, key=@file, key=- for standard input, - or @file for a JSON object."
    )

    @Argument(help: "path, without /v1/") var path: String
    @Argument(help: "key=value, or - or @file") var items: [String] = []
    @Flag(
        name: [
            .customShort("f"), .customLong("force"), .customLong("force", withSingleDash: true),
        ],
        help: "write without data"
    )
    var isForced = false
    @Option(name: long("field"), help: "print this field of the answer alone") var field: String?
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if items.isEmpty, !isForced {
            throw ValidationError("no data was given; -force writes without")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let data = try DataArguments(items, session.terminal).object
        let body: JSONValue = isForced && data.isEmpty ? nil : .object(data)
        let client = try connection.client(session)
        let path = APIPath.clean(path)
        let answer = try client.call(ClientRequest(.put, path, body: body))
        let format = try connection.format.chosen(session)
        try session.show(answer, format, field: field, silence: "data written to: \(path)")
        return .done
    }
}

struct ListCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the names under any path of the API."
    )

    @Argument(help: "path, without /v1/") var path: String
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let path = APIPath.clean(path)
        let nothing = CommandFailure.nothing(at: path, typed: path, list: "list")
        return try Self.list(path, client, session, connection.format, otherwise: nothing)
    }

    /// Prints the names under `path`; without any it fails with `nothing`.
    static func list(
        _ path: String,
        _ client: VaultClient,
        _ session: Session,
        _ format: FormatOptions,
        otherwise nothing: CommandFailure
    ) throws -> ExitStatus {
        let request = ClientRequest(.get, path, query: [("list", "true")])
        let response = try client.send(request)
        if response.status == 404, response.errors.isEmpty { throw nothing }
        let answer = try VaultClient.object(of: response)
        guard let keys = answer.map(Envelope.init)?.keys else { throw nothing }
        switch try format.chosen(session) {
        case .json: session.printJSON(.array(keys.map { .string($0) }))
        case .table:
            var table = Table(["Keys"])
            for key in keys { table.add([key]) }
            session.printText(table.text())
        }
        return .done
    }
}

struct DeleteCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete at any path of the API."
    )

    @Argument(help: "path, without /v1/") var path: String
    @OptionGroup var connection: ConnectionOptions

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        let path = APIPath.clean(path)
        let answer = try client.call(ClientRequest(.delete, path))
        let format = try connection.format.chosen(session)
        try session.show(answer, format, silence: "data deleted (if it existed) at: \(path)")
        return .done
    }
}

/// Paths as people type them.
enum APIPath {
    /// Without white space at the ends, and without empty parts.
    static func clean(_ text: String) -> String {
        text.trimmingWhitespace().split(separator: "/").joined(separator: "/")
    }
}
