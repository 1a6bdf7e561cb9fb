/// Everything the core can ask for, to be performed in the order given.
///
/// `send` with a token may leave only when that token is durable, and never leaves if the process
/// dies first, or if the core is in a later term than the message by then: the sync that let it go
/// may have replaced what it vouches for. One that acknowledges no entries
/// (``Message/acknowledgesEntries``) may leave when `voteDurable` is known of its token, too: all
/// that it vouches for are term and vote. Persists and snapshot installations happen in token
/// order. That is the whole durability contract; there is no other rule.
package enum Effect: Equatable, Sendable {
    /// `after == nil`: at once. Else only when that persist is durable.
    case send(Message, to: NodeID, after: PersistToken?)
    /// One atomic durable step. Report `durable(token)`.
    case persist(Persist)
    /// Entries through here are committed and locally durable: evaluate them. Grows only.
    case commit(through: LogIndex)
    /// The proposal is in the leader's log. It is committed only if this index commits in this
    /// term.
    case appended(Ticket, Term, LogIndex)
    /// The proposal is definitely in no log.
    case refused(Ticket, Refusal)
    /// Serve these reads once evaluated ≥ the index. With `until`, a lease vouches for them, and
    /// nothing that was read may be used when the node's clock has reached it: ask again then,
    /// to be confirmed.
    case readReady([ReadTicket], LogIndex, until: UInt64? = nil)
    /// These reads cannot be answered now: retry, perhaps elsewhere.
    case readRefused([ReadTicket], Refusal)
    /// What became of a `transferRequested`.
    case transferEnded(Ticket, TransferOutcome)
    /// Leader: this follower needs a snapshot whose index is at least this. Start one stream and
    /// report `snapshotStreamed`, whatever becomes of it.
    case streamSnapshot(to: NodeID, atLeast: LogIndex)
    /// Follower: replace log and state by the file that arrived. Report `durable(token)`.
    case installSnapshot(SnapshotPoint, token: PersistToken)
    /// Role, term or known leader changed.
    case roleChanged(Role, term: Term, leader: NodeID?)
    /// The configuration in effect changed: by an append, a truncation or a snapshot.
    case configurationChanged(Configuration)
    /// Something that cannot happen did. The core went on as if it had not.
    case raise(Alarm)
}

/// What must be on disk together: truncate, append, replace the hard state, in one transaction.
package struct Persist: Equatable, Sendable {
    /// Report `durable` with it.
    package let token: PersistToken
    /// The new hard state, when it differs from the last persisted one.
    package let hardState: HardState?
    /// Delete the entry here and everything after it, before appending.
    package let truncateFrom: LogIndex?
    /// Consecutive; the first follows what is left on disk.
    package let entries: [LogEntry]
    /// Term or vote differ from the last persisted ones, so the vote file is due as well.
    package let votesChanged: Bool

    package init(
        token: PersistToken,
        hardState: HardState?,
        truncateFrom: LogIndex?,
        entries: [LogEntry],
        votesChanged: Bool
    ) {
        self.token = token
        self.hardState = hardState
        self.truncateFrom = truncateFrom
        self.entries = entries
        self.votesChanged = votesChanged
    }
}

/// Why something was not done. It is certain that it was not.
package enum Refusal: Equatable, Sendable {
    /// This node does not lead. The hint is who might.
    case notLeader(hint: NodeID?)
    /// A bound is reached; later it may work.
    case overloaded
    /// The body is over ``Limits/entryBodyBytesMax``.
    case tooLarge
    /// The entry cannot be read.
    case unsupported
    /// The configuration cannot be the next one.
    case membership(MembershipError)
}

/// What a node is in its term.
package enum Role: UInt8, Sendable {
    case follower
    /// Asks whether an election could be won, without disturbing anyone's term.
    case preCandidate
    case candidate
    case leader
}
