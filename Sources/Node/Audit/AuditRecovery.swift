import Audit
import Barrier
import Cryptography
import Logging
import Raft
import Replica
import Store
import Synchronization
import Wire

/// After a crash: says of every write that was announced and never answered what is known of it.
///
/// Leaves can be read with the keys only, so it runs at the first unseal after a start. It goes
/// back through the segments of earlier processes as far as the last time, of which a leaf tells.
final class AuditRecovery: Sendable {
    private let keeper: AuditKeeper
    private let store: LocalStore
    private let replica: LocalReplica
    private let workers: Workers
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let isDone = Atomic(false)

    /// The path of the leaf that says how far was looked.
    static let markPath = "sys/audit-recovery"

    init(
        keeper: AuditKeeper,
        parts: (store: LocalStore, replica: LocalReplica, workers: Workers),
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.keeper = keeper
        (store, replica, workers) = parts
        self.clock = clock
        self.logger = logger
    }

    /// Looks once per process, as soon as this node knows what became of its writes.
    func nodeUnsealed(_ unsealed: Unsealed) {
        guard !isDone.load(ordering: .acquiring) else { return }
        replica.waitForRead(deadline: .now + .seconds(Limits.requestSeconds)) { [self] outcome in
            // Without a leader nothing is known; the next unseal tries again.
            guard case .ready = outcome else { return }
            keeper.whenOpen { [self] folder, firstSegment in
                workers.submit { [self] isTaken in
                    guard isTaken, !isDone.exchange(true, ordering: .acquiringAndReleasing) else {
                        return
                    }
                    recover(folder, before: firstSegment, unsealed)
                }
            }
        }
    }

    private func recover(_ folder: String, before first: UInt64, _ unsealed: Unsealed) {
        do {
            let pair = try unsealed.keyring.audit.keyPair()
            let open = try Self.unanswered(in: folder, before: first, with: pair.privateKey)
            guard first > 1 else { return }
            let format = AuditFormat(hash: ValueHash(key: unsealed.keyring.audit.hash))
            for intent in open {
                keeper.write(format.line(try outcome(of: intent)), isOwed: true) { _ in }
            }
            keeper.write(format.line(mark(through: first - 1)), isOwed: true) { _ in }
            guard !open.isEmpty else { return }
            logger.notice("\(open.count) writes had no recorded outcome; the audit log says so now")
        } catch let error as any OperatorError {
            logger.error(
                "the audit log of the last process cannot be read: \(error.summary)",
                metadata: ["remedy": "\(error.remedy)"]
            )
        } catch {
            logger.error("the audit log of the last process cannot be read: \(error)")
        }
    }

    // MARK: Reading

    /// A write of which only the announcement is there.
    struct Intent: Sendable, Equatable {
        let index: UInt64
        let requestID: String
        let operation: String
        let path: String
    }

    /// The announced writes of this node's clients that no record answers, in their order.
    static func unanswered(
        in folder: String,
        before first: UInt64,
        with key: borrowing HPKERecipient.PrivateKey
    ) throws(AuditError) -> [Intent] {
        var answered: Set<String> = []
        var intents: [Intent] = []
        var stop: UInt64 = 0
        for number in try AuditReader.segments(in: folder).reversed() where number < first {
            guard number > stop else { break }
            let entries = try AuditReader.records(ofSegment: number, in: folder, with: key)
            for entry in entries.reversed() {
                guard let record = Line(entry) else { continue }
                if record.isMark {
                    stop = max(stop, record.markedSegment)
                } else if record.isResponse {
                    answered.insert(record.intent.requestID)
                } else if !record.isForwarded, !answered.contains(record.intent.requestID) {
                    intents.append(record.intent)
                }
            }
        }
        return intents.reversed()
    }

    /// What recovery looks at in a record.
    private struct Line {
        let intent: Intent
        let isResponse: Bool
        let isForwarded: Bool
        let markedSegment: UInt64
        var isMark: Bool { markedSegment > 0 }

        init?(_ entry: AuditReader.Entry) {
            let limits = JSONLimits(stringsMax: .max, memoryBytesMax: 256 << 20)
            guard let line = (try? JSONScanner.parse(entry.record, limits: limits))?.asObject,
                let request = line["request"]?.asObject, let id = request["id"]?.asString
            else { return nil }
            let path = request["path"]?.asString ?? ""
            intent = Intent(
                index: entry.index,
                requestID: id,
                operation: request["operation"]?.asString ?? "",
                path: path
            )
            isResponse = line["type"]?.asString == "response"
            isForwarded = line["forwarded_from"]?.asString != nil
            let through = request["data"]?.asObject?["through_segment"]?.asInt ?? 0
            markedSegment = path == AuditRecovery.markPath ? UInt64(clamping: through) : 0
        }
    }

    // MARK: Writing

    private func outcome(of intent: Intent) throws -> AuditRecord {
        let id = uuidBytes(intent.requestID)
        let (entry, looked) = try store.view { view throws(StoreError) in
            (
                try id.flatMap { id throws(StoreError) in try view.requestIndex(id) },
                view.evaluatedIndex
            )
        }
        var record = AuditRecord(
            time: clock(),
            request: AuditRequest(
                id: intent.requestID,
                operation: intent.operation,
                path: intent.path
            )
        )
        record.response = AuditResponse()
        let known =
            entry.map { "entry \($0) of the log carries it out" }
            ?? "up to entry \(looked) of the log nothing shows that it was carried out"
        record.error =
            "outcome unknown: the node ended before it recorded an answer to leaf \(intent.index); "
            + known
        return record
    }

    private func mark(through segment: UInt64) -> AuditRecord {
        var request = AuditRequest(
            id: uuidText([UInt8](repeating: 0, count: 16)),
            operation: "update",
            path: Self.markPath
        )
        request.data = ["through_segment": .number(JSONNumber(segment))]
        var record = AuditRecord(time: clock(), request: request)
        record.response = AuditResponse()
        return record
    }
}
