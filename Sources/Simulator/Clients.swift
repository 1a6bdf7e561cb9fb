import Raft
import Replica
import Store
import Synchronization

/// What a client asks for.
enum OperationKind: Equatable {
    case put, checkedPut, pairOfPuts, delete
    /// A linearizable read; no lease will do, or whatever vouches for it.
    case read(mustConfirm: Bool)
    /// A read of a state that may be so old, in nanoseconds of the node's clock.
    case staleRead(bound: UInt64)
    /// All keys of a folder, linearizable.
    case list

    var isRead: Bool {
        switch self {
        case .read, .staleRead, .list: true
        case .put, .checkedPut, .pairOfPuts, .delete: false
        }
    }

    /// Whether a node that knows no leader can do nothing about it.
    var needsLeader: Bool {
        if case .staleRead = self { false } else { true }
    }
}

/// What a read finds.
enum Shown {
    /// Nil: there is none.
    case record(Record?)
    case list([StorageKey])
}

/// One operation of a client, through all its attempts.
struct Operation {
    let serial: UInt64
    let kind: OperationKind
    /// Positions of the keys.
    let keys: [Int]
    let requestID: [UInt8]
    /// What some client had seen when this one was asked: its effect comes later.
    let floor: UInt64
    /// When it was asked.
    let call: UInt64
    /// When the client gives up.
    let deadline: UInt64
    /// The node that it is first asked of; nil: any.
    var firstNode: Int?
    /// The process that the client talks to.
    var holder = -1
    /// Answers to an earlier attempt are of no interest.
    var attempt: UInt64 = 0
    /// An attempt's outcome is not known: it may have been applied.
    var isUncertain = false
    /// What the first node that was asked had evaluated then.
    var since: LogIndex?
    /// Batches that were made of it.
    var proposals = 0
    /// The versions that the newest of them checks, one for each key; empty: none.
    var versions: [UInt64] = []
    /// A stale read that no other member has confirmed.
    var isAlone = false
    /// What a read has found, as of which index, while something confirms it.
    var shown: (Shown, index: UInt64)?
}

/// Answers on their way from a machine's callbacks to the world, which handles them after the turn.
final class AnswerBox: Sendable {
    enum Answer: Sendable {
        case proposed(ProposeOutcome)
        case committed(CommitOutcome)
        case read(ReadOutcome)
        /// What was in the way of a batch can be seen.
        case evaluated(ReadOutcome)
        /// A damaged bucket that a read waits for.
        case mended(Bool)
        case presence(PresenceVerdict)
        /// Of a change of members, by its serial number.
        case changeProposed(ProposeOutcome)
        case changeCommitted(CommitOutcome)
    }

    struct Addressed: Sendable {
        let process: Int
        let operation: UInt64
        let attempt: UInt64
        let answer: Answer
    }

    private let waiting = Mutex<[Addressed]>([])

    /// What a machine of `process` calls in the end, about an operation or a change of members.
    func hearing(
        from process: Int,
        about operation: UInt64,
        attempt: UInt64 = 0
    ) -> @Sendable (Answer) -> Void {
        { [self] answer in
            let addressed = Addressed(
                process: process,
                operation: operation,
                attempt: attempt,
                answer: answer
            )
            waiting.withLock { $0.append(addressed) }
        }
    }

    func take() -> [Addressed] {
        waiting.withLock { waiting in
            guard !waiting.isEmpty else { return [] }
            defer { waiting = [] }
            return waiting
        }
    }
}

enum ClientEvent {
    /// A forwarded proposal is at the node that may lead.
    case forwarded(operation: UInt64, attempt: UInt64, process: Int)
    /// Its answer is back at the node that the client talks to.
    case replied(operation: UInt64, attempt: UInt64, process: Int, ProposeOutcome)
    case attempt(operation: UInt64)
    case attemptTimeout(operation: UInt64, attempt: UInt64)
    /// The node opens a view for a read that something vouches for.
    case serve(operation: UInt64, attempt: UInt64, process: Int, ReadProof)
}

/// Everybody who wants something from the cluster.
struct Clients {
    /// By serial number; few at a time.
    private(set) var open: [Operation] = []
    private(set) var nextSerial: UInt64 = 1
    var isActive = false
    /// The first free number of an attempt.
    var attempts: UInt64 = 0
    /// Writes that were acknowledged, with the index of their effect, for the last check.
    var acknowledged: [(id: [UInt8], index: UInt64)] = []
    /// Requests that were refused for certain, on every attempt.
    var refused: [[UInt8]] = []
    /// Keys of the archive that somebody has begun to write; the next ones never were.
    private(set) var archived = 0
    /// What everybody asked and was told.
    private(set) var history = ClientHistory()

    mutating func record(
        _ operation: Operation,
        _ outcome: ClientHistory.Outcome,
        at time: UInt64
    ) {
        history.add(operation, outcome, at: time)
    }

    func position(of serial: UInt64) -> Int? {
        var low = 0
        var high = open.count
        while low < high {
            let middle = low + (high - low) / 2
            if open[middle].serial < serial { low = middle + 1 } else { high = middle }
        }
        return low < open.count && open[low].serial == serial ? low : nil
    }

    subscript(position: Int) -> Operation {
        get { open[position] }
        set { open[position] = newValue }
    }

    mutating func begin(_ make: (UInt64) -> Operation) -> UInt64 {
        let serial = nextSerial
        nextSerial += 1
        open.append(make(serial))
        return serial
    }

    mutating func end(_ position: Int) { open.remove(at: position) }

    /// The position of a key that nobody has written; nil once there are enough.
    mutating func nextArchived() -> Int? {
        guard archived < Keyspace.archivedMost else { return nil }
        defer { archived += 1 }
        return Keyspace.archive + archived
    }
}

/// The keys that clients use: two folders, and a marker for each in a third. Each folder is in a
/// bucket of its own, and so is the archive: its keys are written once, without a check, and read
/// from then on. No entry's evaluation looks at them, so what a disk loses of them can do no harm
/// but to readers.
enum Keyspace {
    /// The first position of the archive; the other keys are below.
    static let archive = 1_000
    static let archivedMost = 200

    static func isArchived(_ position: Int) -> Bool { position >= archive }

    static func key(_ position: Int) -> StorageKey {
        let folder = isArchived(position) ? 4 : UInt64(position % 2) + 1
        return StorageKey(
            words: (folder << 60 | 9, folder, 9, TraceHash.scramble(UInt64(position) + 100))
        )
    }

    static func marker(of position: Int) -> StorageKey {
        StorageKey(words: (3 << 60 | 9, 3, 9, UInt64(position % 2) + 1))
    }
}
