package import Raft
package import Store

/// Everything that one write transaction makes durable together, in the order in which it is
/// written: who the node is, truncations and appends, hard state, what was evaluated, and what the
/// log no longer needs.
package struct StorageTurn: Sendable {
    /// Whom the node belongs to and where it starts; only the first turn after a start.
    package internal(set) var start: (cluster: ClusterRecord, hardState: HardState)?
    /// In token order.
    package internal(set) var persists: [Persist] = []
    /// Evaluated entries to be applied, ascending.
    package internal(set) var layers: [OverlayLayer] = []
    /// The term of the last of them.
    package internal(set) var appliedTerm = Term.zero
    /// The newest configuration that applying these layers brings into the state.
    package internal(set) var configuration: AppliedConfiguration?
    /// Drop the log's beginning through here, or as much as fits one transaction.
    package internal(set) var compaction: LogIndex?
    /// Reach the disk even if there is nothing else to write.
    package internal(set) var isProbe = false

    /// Nothing to write.
    package init() {}

    /// Adds a persist, behind those that are in it.
    package mutating func append(_ persist: Persist) { persists.append(persist) }

    /// Whether there is nothing to write.
    package var isEmpty: Bool {
        start == nil && persists.isEmpty && layers.isEmpty && compaction == nil && !isProbe
    }

    /// Carries the turn out.
    ///
    /// - Returns: the log's base, when the turn drops entries.
    package func write(
        to transaction: inout some StorageTransaction & ~Copyable
    ) throws(StoreError) -> UInt64? {
        if let (cluster, hardState) = start {
            try transaction.setCluster(cluster)
            // The vote file may be ahead of the tables: a crash came between the two. The core
            // counts its start as persisted, so entries of that term may come next.
            try transaction.setHardState(
                term: hardState.term.number,
                vote: hardState.vote?.number,
                commit: transaction.point.commitIndex
            )
        }
        if isProbe { transaction.touch() }
        for persist in persists { try Self.write(persist, to: &transaction) }
        if let last = layers.last {
            try transaction.apply(
                layers: layers,
                appliedIndex: last.index,
                appliedTerm: appliedTerm.number
            )
        }
        if let configuration {
            try transaction.setConfiguration(
                configuration.bytes,
                formatLevel: configuration.formatLevel
            )
        }
        guard let compaction else { return nil }
        return try transaction.dropLog(
            through: compaction.number,
            entriesMax: Limits.compactEntriesPerTurnMax
        )
    }

    private static func write(
        _ persist: Persist,
        to transaction: inout some StorageTransaction & ~Copyable
    ) throws(StoreError) {
        if let from = persist.truncateFrom {
            try transaction.truncateLog(from: from.number)
        }
        if !persist.entries.isEmpty {
            try transaction.appendEntries(
                persist.entries.map {
                    StoredEntry(
                        index: $0.index.number,
                        term: $0.term.number,
                        kind: $0.kind.rawValue,
                        body: $0.body
                    )
                }
            )
        }
        if let hard = persist.hardState {
            try transaction.setHardState(
                term: hard.term.number,
                vote: hard.vote?.number,
                commit: max(hard.commit.number, transaction.point.commitIndex)
            )
        }
    }
}

/// A configuration on its way into the hard state, where it stands for "as of the applied index".
///
/// Snapshots and the next start take it from there: the state and who the members were when it
/// was so are written together. Configurations after the applied index are in the log, which is
/// where a truncation finds them too.
package struct AppliedConfiguration: Equatable, Sendable {
    /// The entry that brought it.
    package let index: LogIndex
    /// ``Raft/Configuration/revision``.
    package let revision: UInt64
    /// ``Raft/Configuration/encoded()``.
    package let bytes: [UInt8]
    /// ``Raft/Configuration/formatLevel``.
    package let formatLevel: UInt64

    init(_ configuration: Configuration, at index: LogIndex) {
        self.index = index
        revision = configuration.revision
        bytes = configuration.encoded()
        formatLevel = configuration.formatLevel
    }
}
