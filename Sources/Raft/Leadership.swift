import Wire

/// What only a leader has. It ends with the leadership.
struct Leadership: Sendable {
    /// By member slot. The leader's own place is unused.
    var followers: [Follower]
    /// When it began.
    let beganTick: UInt64
    /// Where the log ended then, before the first entry of this term.
    let inherited: LogIndex
    /// When it was last looked who takes entries, and where the log ended then.
    var paceTick: UInt64
    var paceIndex: LogIndex
    /// Ticks since everyone was last sent a heartbeat.
    var heartbeatElapsedTicks = 0
    /// The newest read round that has begun.
    var round: UInt64 = 0
    var reads = ReadQueue()
    var lease = LeaseRounds()
    var handover: Handover?
    /// When something was last committed.
    var commitTick: UInt64 = 0
    /// What the entries past the commit index weigh.
    var uncommittedBytes: Int
}

/// Reads that a leader has accepted and not answered.
struct ReadQueue: Sendable {
    enum Origin: Sendable {
        case local([ReadTicket], mustConfirm: Bool)
        case remote(NodeID, ReadBatch)

        /// What it counts for in ``RaftSettings/readsWaitingMax``.
        var weight: Int {
            switch self {
            case .local(let tickets, _): tickets.count
            case .remote: 1
            }
        }
    }

    /// Reads that share one confirmation: a quorum must answer a heartbeat sent after it began.
    struct Round: Sendable {
        let number: UInt64
        let index: LogIndex
        let reads: [Origin]
    }

    /// Arrived; the next round takes them all.
    private(set) var waiting: [Origin] = []
    /// At most one round is under way.
    private(set) var underWay: Round?
    private(set) var weight = 0

    mutating func add(_ read: Origin) {
        waiting.append(read)
        weight += read.weight
    }

    /// All waiting reads join the round that begins now.
    mutating func beginRound(number: UInt64, index: LogIndex) {
        precondition(underWay == nil && !waiting.isEmpty)
        underWay = Round(number: number, index: index, reads: waiting)
        waiting.removeAll(keepingCapacity: true)
    }

    /// Takes out what waits and may be answered without a round.
    mutating func takeLeasable() -> [Origin] {
        var taken: [Origin] = []
        waiting.removeAll { read in
            if case .local(_, mustConfirm: true) = read { return false }
            taken.append(read)
            return true
        }
        weight -= taken.reduce(0) { $0 + $1.weight }
        return taken
    }

    mutating func endRound() -> Round? {
        guard let round = underWay else { return nil }
        underWay = nil
        weight -= round.reads.reduce(0) { $0 + $1.weight }
        if planted("readsJoinLate") {
            let late = takeLeasable()
            return Round(number: round.number, index: round.index, reads: round.reads + late)
        }
        return round
    }

    /// Tickets of this node that will get no answer from here.
    var localTickets: [ReadTicket] {
        ((underWay?.reads ?? []) + waiting).flatMap { read in
            switch read {
            case .local(let tickets, _): tickets
            case .remote: [ReadTicket]()
            }
        }
    }
}

/// Reads of a follower that are with the leader.
struct ForwardedReads: Sendable {
    private struct Question: Sendable {
        let batch: ReadBatch
        let tickets: [ReadTicket]
        let askedTick: UInt64
    }

    private var nextNumber: UInt64
    /// Asked of the leader, oldest first.
    private var asked: [Question] = []
    /// Arrived in this turn.
    private var unasked: [ReadTicket] = []
    /// Tickets held.
    private(set) var count = 0

    /// - Parameter firstNumber: drawn at random, so that no answer given to an earlier process
    ///   matches a question of this one.
    init(firstNumber: UInt64) {
        nextNumber = firstNumber
    }

    mutating func add(_ tickets: [ReadTicket]) {
        unasked += tickets
        count += tickets.count
    }

    /// Turns what arrived in this turn into one question.
    mutating func ask(at tick: UInt64) -> ReadBatch? {
        guard !unasked.isEmpty else { return nil }
        let batch = ReadBatch(number: nextNumber)
        nextNumber &+= 1
        asked.append(Question(batch: batch, tickets: unasked, askedTick: tick))
        unasked.removeAll(keepingCapacity: true)
        return batch
    }

    /// The tickets that an answer to `batch` settles. None if it was asked by nobody, or settled.
    mutating func settle(_ batch: ReadBatch) -> [ReadTicket] {
        guard let position = asked.firstIndex(where: { $0.batch == batch }) else { return [] }
        let question = asked.remove(at: position)
        count -= question.tickets.count
        return question.tickets
    }

    /// Gives up on questions asked at or before `tick`.
    mutating func expire(askedBy tick: UInt64) -> [ReadTicket] {
        let old = asked.prefix { $0.askedTick <= tick }
        let tickets = old.flatMap { $0.tickets }
        asked.removeFirst(old.count)
        count -= tickets.count
        return tickets
    }

    /// Gives up on everything.
    mutating func drain() -> [ReadTicket] {
        let tickets = asked.flatMap { $0.tickets } + unasked
        asked.removeAll()
        unasked.removeAll()
        count = 0
        return tickets
    }
}
