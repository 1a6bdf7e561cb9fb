package import Raft
package import Store

/// What became of a proposal before it was in the log.
package enum ProposeOutcome: Sendable, Equatable {
    /// In the leader's log at this position. Whether it commits is told by ``CommitOutcome``.
    case appended(Term, LogIndex)
    /// It was prepared on a state that has changed since: prepare again once `after` is evaluated.
    /// Definitely not in the log.
    case conflict(after: LogIndex)
    /// Definitely not in the log; the leader, where known, may take it.
    case refused(Refusal)
}

/// What became of an entry.
package enum CommitOutcome: Sendable, Equatable {
    /// Durable on a majority, evaluated and visible.
    case applied
    /// The same request had been applied at this index before; nothing happened twice.
    case duplicate(of: LogIndex)
    /// Committed, but one of its checks failed: it changed nothing.
    case rejected
    /// Another leader's entry took the position: definitely not applied.
    case superseded
    /// The deadline passed first. It may have been applied.
    case unknown
}

/// The end of a read's wait.
package enum ReadOutcome: Sendable, Equatable {
    /// A view opened from now on sees everything acknowledged before the read was asked.
    case ready(LogIndex, ReadProof = ReadProof())
    /// No leader confirmed the read; nothing was read.
    case refused(Refusal)
}

/// What vouches for a read, on this node's own clock.
package struct ReadProof: Sendable, Equatable {
    /// The state holds everything acknowledged, anywhere, before this moment. `nil`: not known.
    package var currentAsOf: Moment?
    /// A read lease vouches: what was read counts only if the clock has not reached this moment
    /// once it *was* read. Else ask again, with `mustConfirm`. `nil`: a majority confirmed it.
    package var validUntil: Moment?

    /// - Parameters: as the properties.
    package init(
        currentAsOf: Moment? = nil,
        validUntil: Moment? = nil
    ) {
        self.currentAsOf = currentAsOf
        self.validUntil = validUntil
    }
}

/// A batch on its way into the log.
package struct BatchProposal: Sendable {
    /// The batch, for the conflict check.
    package let batch: WriteBatch
    /// Its encoding, which becomes the entry's body.
    package let body: [UInt8]
    /// What some member had evaluated before the first attempt at this request: no attempt at it is
    /// committed at or below. The leader appends no attempt so far above it that evaluation could
    /// have forgotten an earlier one.
    package let since: LogIndex
    /// When the client's patience ends.
    package let deadline: Moment
    /// Called once, on the core's thread: keep it short.
    package let onProposed: @Sendable (ProposeOutcome) -> Void
    /// Called once after `.appended`, on the evaluation thread; nil when another node waits.
    package let onCommitted: (@Sendable (CommitOutcome) -> Void)?

    /// Pairs a batch with whoever waits for it.
    ///
    /// - Parameter since: nil when this is the only batch that is made of the request: what it was
    ///   prepared on.
    package init(
        batch: WriteBatch,
        since: LogIndex? = nil,
        deadline: Moment,
        onProposed: @escaping @Sendable (ProposeOutcome) -> Void,
        onCommitted: (@Sendable (CommitOutcome) -> Void)?
    ) {
        self.batch = batch
        self.body = batch.encoded()
        self.since = since ?? LogIndex(number: batch.baseIndex)
        self.deadline = deadline
        self.onProposed = onProposed
        self.onCommitted = onCommitted
    }
}

/// A membership change on its way into the log.
package struct MembershipProposal: Sendable {
    /// The whole next configuration, with what entitles the change.
    package let entry: ConfigurationEntry
    /// When the wait for its commit ends.
    package let deadline: Moment
    /// Called once, on the core's thread. Refusals say why in words.
    package let onProposed: @Sendable (ProposeOutcome) -> Void
    /// Called once after `.appended`, on the evaluation thread: `.applied` when it is committed.
    /// A joint configuration is not left yet then; see ``ReplicaStatus/configuration``.
    package let onCommitted: @Sendable (CommitOutcome) -> Void

    /// Pairs a change with whoever waits for it.
    package init(
        entry: ConfigurationEntry,
        deadline: Moment,
        onProposed: @escaping @Sendable (ProposeOutcome) -> Void,
        onCommitted: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        self.entry = entry
        self.deadline = deadline
        self.onProposed = onProposed
        self.onCommitted = onCommitted
    }

    func waiter(_ index: LogIndex, _ term: Term) -> CommitWaiter {
        CommitWaiter(index: index, term: term, deadline: deadline, completion: onCommitted)
    }
}

/// Someone who waits for an entry that another node's leader appended.
package struct CommitWaiter: Sendable {
    let index: LogIndex
    let term: Term
    let deadline: Moment
    let completion: @Sendable (CommitOutcome) -> Void

    /// - Parameters:
    ///   - index, term: where the leader appended it, and in which term.
    ///   - deadline: when it is given up as unknown.
    ///   - completion: called once, on the evaluation thread.
    package init(
        index: LogIndex,
        term: Term,
        deadline: Moment,
        completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        self.index = index
        self.term = term
        self.deadline = deadline
        self.completion = completion
    }
}

/// Someone who wants another node to lead.
package struct TransferRequest: Sendable {
    let target: NodeID?
    let deadline: Moment
    let completion: @Sendable (TransferOutcome) -> Void

    /// - Parameters:
    ///   - target: a voter; nil for the fittest.
    ///   - deadline: when `completion` is told that it timed out; it may still happen.
    ///   - completion: called once, on the core's thread.
    package init(
        target: NodeID?,
        deadline: Moment,
        completion: @escaping @Sendable (TransferOutcome) -> Void
    ) {
        self.target = target
        self.deadline = deadline
        self.completion = completion
    }
}

/// Someone who waits for a linearizable view.
package struct ReadWaiter: Sendable {
    let deadline: Moment
    /// No lease will do: a majority has to confirm it.
    let mustConfirm: Bool
    let completion: @Sendable (ReadOutcome) -> Void
    /// Filled in on its way.
    var proof = ReadProof()

    /// - Parameters:
    ///   - deadline: when it is refused.
    ///   - mustConfirm: no lease will do.
    ///   - completion: called once, on the core's or the evaluation thread.
    package init(
        deadline: Moment,
        mustConfirm: Bool = true,
        completion: @escaping @Sendable (ReadOutcome) -> Void
    ) {
        self.deadline = deadline
        self.mustConfirm = mustConfirm
        self.completion = completion
    }
}
