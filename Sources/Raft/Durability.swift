import Wire

/// What is on disk, what is on its way, and what was not handed over yet.
///
/// `durableIndex` speaks of the log as it is in memory now: truncation lowers it, and lowers what
/// any persist under way may still claim. So a late completion never counts entries that were
/// rewritten since, even when they have the same indexes.
struct Durability: Sendable {
    private struct Outstanding: Sendable {
        let token: PersistToken
        var lastIndex: LogIndex
    }

    /// Last token given out.
    private(set) var newest = PersistToken(number: 0)
    /// Last token known to be on disk.
    private(set) var durable = PersistToken(number: 0)
    /// Last token of which term and vote are known to be on disk, if that is later: the disk has no
    /// room for entries.
    private var durableVotes = PersistToken(number: 0)
    /// Entries through here are on disk.
    private(set) var durableIndex: LogIndex
    /// The hard state of the newest persist.
    private(set) var hardState: HardState
    /// The newest persist that changed term or vote.
    private var votesToken = PersistToken(number: 0)
    /// Ascending by token.
    private var outstanding: [Outstanding] = []
    /// First entry that no persist holds yet.
    private(set) var unflushedFrom: LogIndex
    /// Where the disk's log must be cut first, if its end was replaced.
    private(set) var truncateFrom: LogIndex?

    init(hardState: HardState, lastIndex: LogIndex) {
        self.hardState = hardState
        durableIndex = lastIndex
        unflushedFrom = lastIndex.next
    }

    /// What an acknowledgement that leaves now must wait for.
    var acknowledgementGate: PersistToken? { newest > durable ? newest : nil }

    /// What anything said in the persisted term must wait for.
    var votesGate: PersistToken? {
        votesToken > max(durable, durableVotes) ? votesToken : nil
    }

    /// True when this choice is in a persist (perhaps not a durable one).
    func holds(term: Term, vote: NodeID?) -> Bool {
        hardState.term == term && hardState.vote == vote
    }

    /// The log in memory was cut: it ends before `index` now.
    mutating func truncated(from index: LogIndex) {
        if index < unflushedFrom {
            truncateFrom = min(truncateFrom ?? index, index)
            unflushedFrom = index
        }
        limitClaims(to: index.previous)
    }

    /// A snapshot replaces log and state. What was committed stays durable in the old state until
    /// the new one is.
    mutating func replaced(by base: LogIndex, committed: LogIndex) -> PersistToken {
        precondition(truncateFrom == nil, "flush before a snapshot")
        limitClaims(to: committed)
        unflushedFrom = base.next
        return issue(lastIndex: base)
    }

    /// Gives out the next token for a persist that leaves the log ending at `lastIndex`.
    mutating func flushed(hardState: HardState, lastIndex: LogIndex) -> PersistToken {
        precondition(hardState.commit <= lastIndex)
        let isVoteChange = !holds(term: hardState.term, vote: hardState.vote)
        self.hardState = hardState
        truncateFrom = nil
        unflushedFrom = lastIndex.next
        let token = issue(lastIndex: lastIndex)
        if isVoteChange {
            votesToken = token
        }
        return token
    }

    /// Everything through `token` is on disk. Late and repeated reports change nothing.
    mutating func completed(_ token: PersistToken) {
        precondition(token <= newest, "durable() for a token that was never issued")
        guard token > durable else { return }
        durable = token
        while let first = outstanding.first, first.token <= token {
            durableIndex = max(durableIndex, first.lastIndex)
            outstanding.removeFirst()
        }
    }

    /// Terms and votes through `token` are on disk. That says nothing about any entry: what is
    /// acknowledged waits on.
    ///
    /// A vote may be told before the entries that it was weighed against are durable. If the
    /// process ends in between, they are as if they had never come: nobody was told that they are
    /// here. What was acknowledged is on the disk, and was in the log that the vote was weighed
    /// against.
    mutating func completedVotes(_ token: PersistToken) {
        precondition(token <= newest, "voteDurable() for a token that was never issued")
        durableVotes = max(durableVotes, token)
    }

    private mutating func issue(lastIndex: LogIndex) -> PersistToken {
        newest = PersistToken(number: newest.number + 1)
        outstanding.append(Outstanding(token: newest, lastIndex: lastIndex))
        return newest
    }

    private mutating func limitClaims(to index: LogIndex) {
        if planted("countsRewrittenEntries") { return }
        durableIndex = min(durableIndex, index)
        for position in outstanding.indices {
            outstanding[position].lastIndex = min(outstanding[position].lastIndex, index)
        }
    }
}
