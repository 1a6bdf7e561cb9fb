/// What the body of an entry is.
package enum EntryKind: UInt8, Sendable {
    /// Empty. Each leader opens its term with one, because only an entry of its own term tells
    /// it what is committed.
    case noop = 0
    /// A batch of conditional byte operations. The core never looks inside.
    case batch = 1
    /// A ``ConfigurationEntry``: from here on in the log, this is who takes part.
    case configuration = 2
}

/// One position of the replicated log.
package struct LogEntry: Equatable, Sendable {
    /// Its position, 1 or above.
    package let index: LogIndex
    /// The term of the leader that created it.
    package let term: Term
    package let kind: EntryKind
    /// At most ``Limits/entryBodyBytesMax`` bytes, opaque.
    package let body: [UInt8]

    package init(index: LogIndex, term: Term, kind: EntryKind, body: [UInt8]) {
        self.index = index
        self.term = term
        self.kind = kind
        self.body = body
    }

    /// What the entry counts for in every byte limit.
    package var bytes: Int { body.count + Limits.entryOverheadBytes }
}

/// What must survive a restart beside the log. `commit` is only a head start: it may lag.
package struct HardState: Equatable, Sendable {
    /// The highest term this node has been in.
    package let term: Term
    /// Whom this node chose in `term`.
    package let vote: NodeID?
    /// Known to be committed when this was written.
    package let commit: LogIndex

    package init(term: Term, vote: NodeID?, commit: LogIndex) {
        self.term = term
        self.vote = vote
        self.commit = commit
    }

    /// A node that has never run.
    package static let initial = HardState(term: .zero, vote: nil, commit: .zero)
}

/// The state a snapshot holds: everything through `index`, and who the members were there.
package struct SnapshotPoint: Equatable, Sendable {
    /// The last entry whose effect is in the state.
    package let index: LogIndex
    /// Term of the entry at `index`.
    package let term: Term
    /// The members as of `index`.
    package let configuration: Configuration

    package init(index: LogIndex, term: Term, configuration: Configuration) {
        self.index = index
        self.term = term
        self.configuration = configuration
    }
}
