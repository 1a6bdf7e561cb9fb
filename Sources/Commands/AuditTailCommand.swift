import ArgumentParser
import Audit
import Client
import Cryptography
import Wire

struct AuditTailCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Show the newest records of a log, and with -follow what comes.",
        discussion: """
            The files are sealed: their key is asked for, once for each segment, at a node that is \
            unsealed; any member will do, also for the files of one that is down. That takes \
            update and sudo on sys/audit-key. Secrets are shown as the digests that stand in the \
            record. A line begins with the record's leaf, which audit prove takes. With \
            -format=json each record is one line. Exit code 1 if something cannot be read.
            """
    )

    @Option(name: long("folder"), help: "the folder with the log's files, audit-….log")
    var folder: String
    @Option(
        name: [
            .customShort("n"), .customLong("lines"), .customLong("lines", withSingleDash: true),
        ],
        help: "show so many of the newest records"
    )
    var lines = 10
    @Flag(
        name: [
            .customShort("f"), .customLong("follow"), .customLong("follow", withSingleDash: true),
        ],
        help: "go on with what comes"
    )
    var follows = false
    @Option(name: long("path"), help: "only of paths that begin so, without /v1/") var path: String?
    @Option(name: long("accessor"), help: "only of the token with this accessor, or its digest")
    var accessor: String?
    @Option(name: long("entity"), help: "only of the entity with this id") var entity: String?
    @Flag(name: long("errors"), help: "only what was denied or failed") var errorsOnly = false
    @OptionGroup var connection: ConnectionOptions

    static let linesMax = 100_000

    func validate() throws {
        guard (0...Self.linesMax).contains(lines) else {
            throw ValidationError("-n takes 0 to \(Self.linesMax)")
        }
    }

    func perform(_ session: Session) async throws -> ExitStatus {
        let segments = try AuditReader.segments(in: folder)
        guard !segments.isEmpty else { throw AuditError.empty(path: folder) }
        let filter = AuditLine.Filter(
            path: path,
            accessor: accessor,
            entity: entity,
            errorsOnly: errorsOnly
        )
        var reader = AuditTailReader(
            folder: folder,
            client: try connection.client(session),
            filter: filter,
            session: session,
            format: try connection.format.chosen(session)
        )
        let tail = try reader.showLast(lines, of: segments)
        if follows { try await reader.follow(tail) }
        return reader.hasDamage ? .refused : .done
    }
}

/// Reads, selects and prints records for ``AuditTailCommand``.
private struct AuditTailReader {
    let folder: String
    let client: VaultClient
    var filter: AuditLine.Filter
    let session: Session
    let format: OutputFormat
    /// Whether anything could not be read.
    private(set) var hasDamage = false
    private var isAccessorKnown = false

    /// Between two looks at a file that has nothing new, which are a few system calls.
    private static let pause = Duration.milliseconds(500)
    /// Between two attempts at a node that cannot be asked.
    private static let retryPause = Duration.seconds(2)

    init(
        folder: String,
        client: VaultClient,
        filter: AuditLine.Filter,
        session: Session,
        format: OutputFormat
    ) {
        self.folder = folder
        self.client = client
        self.filter = filter
        self.session = session
        self.format = format
    }

    // MARK: what is there

    /// Prints the newest records, going back through as many segments as it takes.
    ///
    /// - Returns: where to go on: behind what was read of the newest segment.
    mutating func showLast(_ count: Int, of segments: [UInt64]) throws -> AuditTail {
        precondition(!segments.isEmpty, "the caller has looked")
        var found: [AuditLine] = []
        var newest: AuditTail?
        var later: UInt64?
        for number in segments.reversed() where newest == nil || found.count < count {
            if let later, later != number + 1 { say(.missingSegments(after: number, next: later)) }
            later = number
            var tail = AuditTail(folder: folder, segment: number)
            let more = try drain(&tail, atMost: count - found.count, isNewest: newest == nil)
            found = more + found
            newest = newest ?? tail
        }
        for line in found { show(line) }
        guard let newest else { preconditionFailure("there is a segment") }
        return newest
    }

    /// The last records of one segment that are wanted.
    private mutating func drain(
        _ tail: inout AuditTail,
        atMost count: Int,
        isNewest: Bool
    ) throws -> [AuditLine] {
        var found: [AuditLine] = []
        while true {
            switch try tail.next() {
            case .opened(let opening): try unlock(&tail, opening)
            case .leaves(let leaves):
                // Without a filter the others need not even be opened.
                let candidates = filter.isEmpty ? leaves.suffix(count) : leaves[...]
                found = Array((found + select(candidates, tail)).suffix(count))
            case .idle(let bytes):
                if isNewest, bytes > 0 { sayUnfinished(bytes) }
                return found
            case .over: return found
            case .damaged(let error), .gap(let error):
                say(error)
                return found
            }
        }
    }

    // MARK: what comes

    /// Prints what comes until nobody reads it any more, or until it cannot be read.
    mutating func follow(_ start: AuditTail) async throws {
        var tail = start
        var unfinishedBytes = 0
        var isTold = false
        var damagedSegment: UInt64 = hasDamage ? start.segment : 0
        while !StandardStreams.isClosed(StandardStreams.output) {
            switch try tail.next() {
            case .opened(let opening): try await unlockPatiently(&tail, opening)
            case .leaves(let leaves):
                isTold = false
                for line in select(leaves[...], tail) { show(line) }
            case .idle(let bytes):
                // One look may meet a write under way; the same bytes again do not.
                if bytes > 0, bytes == unfinishedBytes, !isTold {
                    sayUnfinished(bytes)
                    isTold = true
                }
                unfinishedBytes = bytes
                try await Task.sleep(for: Self.pause)
            case .over: _ = try tail.advance()
            case .damaged(let error):
                if damagedSegment != tail.segment { say(error) }
                damagedSegment = tail.segment
                guard try tail.advance() else { return }
            case .gap(let error): say(error)
            }
        }
    }

    /// A node that was started again is sealed for a while.
    private mutating func unlockPatiently(
        _ tail: inout AuditTail,
        _ opening: SegmentOpening
    ) async throws {
        var isTold = false
        while !StandardStreams.isClosed(StandardStreams.output) {
            do {
                return try unlock(&tail, opening)
            } catch let error as ClientError where Self.mayPass(error) {
                if !isTold { session.terminal.say("\(error.summary); waiting for it") }
                isTold = true
                try await Task.sleep(for: Self.retryPause)
            }
        }
    }

    private static func mayPass(_ error: ClientError) -> Bool {
        switch error {
        case .unreachable, .notSent, .outcomeUnknown: true
        case .server(let status, _, _): status == 429 || status >= 500
        default: false
        }
    }

    // MARK: parts

    /// Asks the node for the segment's key, and, once, for what records show for the accessor.
    private mutating func unlock(_ tail: inout AuditTail, _ opening: SegmentOpening) throws {
        var body: JSONObject = ["opening": .string(Base64.encode(opening.encoded()))]
        let isAsking = filter.accessor?.hasPrefix("hmac-sha256:") == false && !isAccessorKnown
        if isAsking, let accessor = filter.accessor { body["input"] = .string(accessor) }
        let request = ClientRequest(.put, "sys/audit-key", body: .object(body))
        let data = Envelope(try client.call(request) ?? JSONObject()).data ?? JSONObject()
        guard var bytes = data["key"]?.asString.flatMap(Base64.decode),
            bytes.count == XAESKey.keyBytes
        else {
            throw ClientError.badAnswer(client.settings.address.text, reason: "it has no key")
        }
        if isAsking {
            guard let hash = data["hash"]?.asString else {
                throw ClientError.badAnswer(client.settings.address.text, reason: "it has no hash")
            }
            filter.accessor = hash
            isAccessorKnown = true
        }
        try tail.unlock(with: SecretBytes(wiping: &bytes))
    }

    private mutating func select(_ leaves: ArraySlice<LeafBox>, _ tail: AuditTail) -> [AuditLine] {
        var lines: [AuditLine] = []
        for leaf in leaves {
            do {
                let line = try AuditLine(try tail.open(leaf), leaf: leaf.index)
                if filter.takes(line) { lines.append(line) }
            } catch let error as AuditError {
                say(error)
            } catch {
                say(.cryptography("leaf \(leaf.index) is not a record: it is no JSON"))
            }
        }
        return lines
    }

    private func show(_ line: AuditLine) {
        switch format {
        case .json: session.terminal.result(line.json)
        case .table: session.terminal.result(line.text(isCut: session.terminal.outputIsTerminal))
        }
    }

    private mutating func say(_ error: AuditError) {
        hasDamage = true
        session.terminal.say(error.summary)
        session.terminal.hint("holdfast audit verify -folder=\(folder) -key=KEY")
    }

    private func sayUnfinished(_ bytes: Int) {
        session.terminal.say(
            "\(bytes) bytes at the end are not a whole write: one under way, or torn by a crash"
        )
    }
}
