import Raft

/// The clock as the driver knows it: one look a turn, taken after the turn's inputs.
struct TurnClock {
    private var first: Moment?
    /// The last look; `nil` before the first.
    private(set) var now: Moment?

    /// - Returns: nanoseconds for the core, 1 at the first look.
    mutating func look(at now: Moment) -> UInt64 {
        let first = first ?? now
        self.first = first
        self.now = now
        return UInt64(now.nanoseconds(since: first)) + 1
    }

    /// The moment that the core calls `nanoseconds`.
    func instant(_ nanoseconds: UInt64) -> Moment? {
        first?.advanced(byNanoseconds: Int64(clamping: nanoseconds) - 1)
    }
}

/// How current this node's state is known to be.
///
/// A leader that answers a question of this node with an index had committed through there after
/// the question was asked. So a state evaluated through that index holds everything acknowledged
/// before the asking, whatever happened since. Nothing else is a proof: not a heartbeat, whose
/// leader may have been replaced, and not the time of an entry.
struct Freshness {
    /// Answered, and not evaluated through there yet. Ascending in both; bounded.
    private var pending: [(index: LogIndex, askedAt: Moment)] = []
    /// The evaluated state holds everything acknowledged before this moment.
    private(set) var currentAsOf: Moment?

    /// A question asked at `askedAt` was answered with `index`.
    mutating func answered(at index: LogIndex, askedAt: Moment) {
        // What is later and needs no more makes an earlier one pointless, never the reverse.
        while let last = pending.last, last.index >= index, last.askedAt <= askedAt {
            pending.removeLast()
        }
        if let last = pending.last, last.index >= index || last.askedAt >= askedAt { return }
        if pending.count == Limits.freshnessPendingMax { pending.removeLast() }
        pending.append((index, askedAt))
    }

    /// A view opened from now on shows everything through `index`.
    mutating func evaluated(through index: LogIndex) {
        let count = pending.prefix { $0.index <= index }.count
        guard count > 0 else { return }
        currentAsOf = max(currentAsOf ?? pending[count - 1].askedAt, pending[count - 1].askedAt)
        pending.removeFirst(count)
    }
}
