import Wire

/// Appends on their way to one follower, oldest first.
struct InFlight: Sendable {
    private struct Shipment: Sendable {
        let lastIndex: LogIndex
        let bytes: Int
    }

    private var shipments: [Shipment] = []
    private(set) var bytes = 0

    var isEmpty: Bool { shipments.isEmpty }

    func isFull(messagesMax: Int, bytesMax: Int) -> Bool {
        shipments.count >= messagesMax || bytes >= bytesMax
    }

    mutating func add(lastIndex: LogIndex, bytes: Int) {
        shipments.append(Shipment(lastIndex: lastIndex, bytes: bytes))
        self.bytes += bytes
    }

    /// Everything that ends at or before `index` has arrived.
    mutating func release(through index: LogIndex) {
        let arrived = shipments.prefix { $0.lastIndex <= index }
        bytes -= arrived.reduce(0) { $0 + $1.bytes }
        shipments.removeFirst(arrived.count)
    }

    mutating func clear() {
        shipments.removeAll(keepingCapacity: true)
        bytes = 0
    }
}

/// How a leader feeds one follower.
package enum Progress: Equatable, Sendable {
    /// We do not know where its log ends. One append at a time; none while waiting for the
    /// answer. After silence the question goes without entries, so that it stays cheap.
    case probe(isWaiting: Bool, carriesEntries: Bool)
    /// It follows. Entries between `match` and `next` are in flight.
    case replicate
    /// It needs entries we no longer have. Streaming, or delivered and not answered yet.
    case snapshot(isDelivered: Bool)
}

/// What a leader knows about one other member.
struct Follower: Sendable {
    /// Its log equals ours through here, durably. Below `next`. Grows only.
    private(set) var match = LogIndex.zero
    /// First entry to send.
    private(set) var next: LogIndex
    private(set) var progress = Progress.probe(isWaiting: false, carriesEntries: true)
    private(set) var inFlight = InFlight()
    /// What it last said it has received.
    private(set) var received = LogIndex.zero
    /// Ticks since it took anything while something was due.
    private(set) var quietTicks = 0
    /// Where it was when its pace was last looked at.
    private var pacedMatch = LogIndex.zero
    /// Between the last two looks it took nothing, although it lacked something all the time.
    private(set) var isStuck = false
    /// When it last said anything in this term; at first, when we began to lead.
    var heardTick: UInt64
    /// The newest read round it has answered.
    var round: UInt64 = 0
    /// The newest round in which it promised to vote for nobody.
    var leasedRound: UInt64 = 0
    /// `nil` until it said so in this term.
    var isSealed: Bool?
    /// As its last heartbeat response says.
    var isDiskStalled = false
    /// As its last heartbeat response says.
    var isShortOfRoom = false
    /// Under which incarnation it spoke last; `nil` while it has not.
    var incarnation: UInt64?
    /// In which of its starts it spoke last, relays not counted.
    var boot: UInt64 = 0
    /// In which of its starts it said what is being looked at, relays counted.
    var answerBoot: UInt64 = 0
    /// The newest of them in which it acknowledged `match`, through a relay or not.
    private(set) var matchBoot: UInt64 = 0
    /// Since when it rejects, in that same start, what it has acknowledged, with no word to the
    /// contrary.
    var deniedTick: UInt64?
    /// The highest format level it said it knows; 0 until then.
    var formatLevel: UInt64 = 0
    /// The highest commit index it was told.
    var commitTold = LogIndex.zero

    init(next: LogIndex, heardTick: UInt64) {
        self.next = next
        self.heardTick = heardTick
    }

    /// At the beginning of a leadership: taken to have our whole log, which nearly always holds
    /// after an election. To ask first would hold back what clients write until the answer, which
    /// waits for the follower's disk. One that lacks something says so, and is asked then.
    init(following last: LogIndex, heardTick: UInt64) {
        self.init(next: last.next, heardTick: heardTick)
        progress = .replicate
    }

    /// Something is on its way that it has not acknowledged.
    private var isOutstanding: Bool { match < next.previous }

    mutating func tick() {
        quietTicks += 1
    }

    /// A look at its pace. `index`: the log reached at least that far at the look before.
    mutating func notePace(owedThrough index: LogIndex) {
        isStuck = match == pacedMatch && match < index
        pacedMatch = match
    }

    /// An append left that ends at `lastIndex`. An empty one is free.
    mutating func sent(lastIndex: LogIndex, bytes: Int) {
        precondition(lastIndex >= next.previous)
        switch progress {
        case .probe:
            progress = .probe(isWaiting: true, carriesEntries: false)
            quietTicks = 0
        case .replicate:
            guard lastIndex >= next else { return }
            if !isOutstanding {
                quietTicks = 0
            }
            inFlight.add(lastIndex: lastIndex, bytes: bytes)
            next = lastIndex.next
        case .snapshot:
            preconditionFailure("nothing is sent beside a snapshot")
        }
    }

    /// It has everything through `index`, durably.
    mutating func acknowledged(through index: LogIndex) {
        if index > match {
            match = index
            quietTicks = 0
        }
        if index >= match { matchBoot = max(matchBoot, answerBoot) }
        received = max(received, match)
        inFlight.release(through: match)
        next = max(next, match.next)
    }

    /// It took an append: everything through `index` is there, durably, and more may follow.
    /// `base` is the last entry we have dropped.
    mutating func accepted(through index: LogIndex, base: LogIndex) {
        acknowledged(through: index)
        switch progress {
        case .probe:
            beginReplicating(from: match.next)
        case .snapshot where match >= base:
            beginReplicating(from: match.next)
        case .replicate, .snapshot:
            break
        }
    }

    /// It says how far it got. A hint: it may forget the part that is not durable.
    mutating func reported(received index: LogIndex, base: LogIndex, resendTicks: Int) {
        if index > received {
            quietTicks = 0
        }
        received = index
        switch progress {
        case .replicate where planted("neverResends"): break
        case .replicate where isOutstanding && quietTicks >= resendTicks:
            // It answers, yet has not moved: what was in flight is lost, or it forgot in a
            // restart what it had not on disk. Unless it has all of it and its disk is slow.
            if index < next.previous {
                beginProbing(from: max(match, index).next, carriesEntries: false)
            }
        case .probe(isWaiting: true, _) where quietTicks >= resendTicks:
            beginProbing(from: max(match, index).next, carriesEntries: false)
        case .snapshot where index >= base:
            beginReplicating(from: max(match, index).next)
        case .replicate, .probe, .snapshot:
            break
        }
    }

    /// It does not have the entry at `previous`. Returns false when that is old news.
    mutating func rejected(previous: LogIndex, candidate: LogIndex) -> Bool {
        switch progress {
        case .replicate where previous > match: break
        case .probe where previous == next.previous && previous > match: break
        default: return false
        }
        beginProbing(from: max(match, candidate).next, carriesEntries: true)
        return true
    }

    /// The connection broke and took what was in flight along: ask where its log ends.
    mutating func linkLost() {
        switch progress {
        // A new leader that has heard nothing yet goes on where it began: from 1 it would find a
        // snapshot needed.
        case .replicate where max(match, received) > .zero:
            beginProbing(from: max(match, received).next, carriesEntries: false)
        case .replicate, .probe: beginProbing(from: next, carriesEntries: false)
        case .snapshot: break
        }
    }

    mutating func beginProbing(from index: LogIndex, carriesEntries: Bool) {
        precondition(index > match)
        next = index
        inFlight.clear()
        progress = .probe(isWaiting: false, carriesEntries: carriesEntries)
        quietTicks = 0
    }

    /// A snapshot did not arrive: the next question waits for a sign of life.
    mutating func beginWaiting() {
        next = match.next
        inFlight.clear()
        progress = .probe(isWaiting: true, carriesEntries: false)
        quietTicks = 0
    }

    mutating func beginSnapshot() {
        inFlight.clear()
        progress = .snapshot(isDelivered: false)
        quietTicks = 0
    }

    mutating func snapshotDelivered() {
        guard case .snapshot(isDelivered: false) = progress else { return }
        progress = .snapshot(isDelivered: true)
        quietTicks = 0
    }

    private mutating func beginReplicating(from index: LogIndex) {
        precondition(index > match)
        next = index
        inFlight.clear()
        progress = .replicate
        quietTicks = 0
    }
}
