import Dispatch
import Logging
package import Raft
package import Store

/// Work for the one thread that owns the write transaction.
package enum StorageJob: Sendable {
    case persist(Persist)
    /// Replace everything by the snapshot that arrived.
    case install(SnapshotPoint, PersistToken, file: String)
    /// An evaluated entry, to be applied with the next append.
    case apply(OverlayLayer, Term)
    case compact(through: LogIndex)
}

/// The storage thread's loop: one transaction a turn.
///
/// A turn takes everything that waits: truncations, appends, hard state, and what was evaluated.
/// Its flushes are shared by all of it. Any error of a sync ends the process inside `Store`.
final class StorageWorker {
    private let store: LocalStore
    private let mailbox: Mailbox<StorageJob>
    private let core: Mailbox<CoreInput>
    private let logger: Logger
    /// Evaluated, not yet applied, ascending.
    private var layers: [(layer: OverlayLayer, term: Term)] = []
    /// When the first of them came.
    private var oldestLayer = ContinuousClock.now
    private var applied: LogIndex
    private var compactThrough = LogIndex.zero
    private var compacted: LogIndex
    private let cluster: ClusterRecord
    private let startState: HardState
    private var savedVote: (term: UInt64, vote: UInt64?)

    init(
        store: LocalStore,
        mailbox: Mailbox<StorageJob>,
        core: Mailbox<CoreInput>,
        state: ReplicaStart,
        logger: Logger
    ) {
        self.store = store
        self.mailbox = mailbox
        self.core = core
        self.logger = logger
        applied = state.applied
        compacted = state.logBase
        cluster = state.cluster
        startState = state.hardState
        savedVote = (state.hardState.term.number, state.hardState.vote?.number)
    }

    /// Runs until the mailbox is closed.
    func run() {
        do throws(StoreError) {
            try store.write { transaction throws(StoreError) in
                try transaction.setCluster(cluster)
                // The vote file may be ahead of the tables: a crash came between the two. The
                // core counts its start as persisted, so entries of that term may come next.
                try transaction.setHardState(
                    term: startState.term.number,
                    vote: startState.vote?.number,
                    commit: transaction.point.commitIndex
                )
            }
        } catch {
            Halt.now(error, while: "recording the start", logger: logger)
        }
        while let jobs = mailbox.take(most: Limits.inputsPerTurnMax, until: nextDeadline) {
            do throws(StoreError) {
                try turn(jobs)
            } catch {
                Halt.now(error, while: "writing to the data folder", logger: logger)
            }
        }
    }

    /// With evaluated layers waiting: soon, to apply them alone. Otherwise a slow idle beat.
    private var nextDeadline: DispatchTime {
        let wait =
            if compactThrough > compacted && compacted < applied {
                Limits.compactionPauseMilliseconds
            } else if !layers.isEmpty {
                Limits.applyAloneAfterMilliseconds
            } else {
                1_000
            }
        return .now() + .milliseconds(wait)
    }

    private func turn(_ jobs: [StorageJob]) throws(StoreError) {
        var persists: [Persist] = []
        var isAppendWaiting = false
        for job in jobs {
            switch job {
            case .persist(let persist):
                persists.append(persist)
                isAppendWaiting = true
            case .apply(let layer, let term):
                if layers.isEmpty { oldestLayer = .now }
                if layer.index > applied.number { layers.append((layer, term)) }
            case .compact(let index):
                compactThrough = max(compactThrough, index)
            case .install(let point, let token, let file):
                // Everything asked for before the snapshot is written before it.
                try commit(persists, isIdle: true)
                persists = []
                try install(point, token, file)
            }
        }
        // Layers alone wait for an append to ride with; the empty turn means that none came.
        let isIdle = jobs.isEmpty
        let isOverdue = layers.count >= Limits.overlayLayersMax / 2
        if isAppendWaiting || isIdle || isOverdue { try commit(persists, isIdle: isIdle) }
        if isIdle {
            while try store.preallocateIfNeeded() && mailbox.count == 0 {}
        }
    }

    /// Layers are applied many at a time: their records lie all over the tree, and a transaction
    /// writes each page that it touches once, however many of them share it.
    private func isApplyDue(isIdle: Bool) -> Bool {
        isIdle || layers.count >= Limits.applyLayersMin
            || ContinuousClock.now - oldestLayer
                >= .milliseconds(Limits.applyAloneAfterMilliseconds)
    }

    private func commit(_ persists: [Persist], isIdle: Bool) throws(StoreError) {
        let riding = isApplyDue(isIdle: isIdle) ? takeLayers() : []
        let compaction = nextCompaction()
        guard !persists.isEmpty || !riding.isEmpty || compaction != nil else { return }
        for persist in persists { try saveVoteIfChanged(persist) }
        let done = riding.last
        let base = try store.write { transaction throws(StoreError) -> LogIndex? in
            for persist in persists {
                try Self.write(persist, to: &transaction)
            }
            if let done {
                try transaction.apply(
                    layers: riding.map(\.layer),
                    appliedIndex: done.layer.index,
                    appliedTerm: done.term.number
                )
            }
            guard let compaction else { return nil }
            return LogIndex(
                number: try transaction.dropLog(
                    through: compaction.number,
                    entriesMax: Limits.compactEntriesPerTurnMax
                )
            )
        }
        if let last = persists.last { core.post(.raft(.durable(last.token))) }
        if let done {
            applied = LogIndex(number: done.layer.index)
            store.pruneOverlay(through: done.layer.index)
            core.post(.applied(applied))
        }
        if let base, base > compacted {
            // Perhaps less than asked for: a transaction frees a bounded number of pages.
            compacted = base
            core.post(.raft(.compacted(through: base)))
        }
    }

    private static func write(
        _ persist: Persist,
        to transaction: inout WriteTransaction
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

    /// The vote goes to its own file first: losing it is the one thing that can break safety.
    private func saveVoteIfChanged(_ persist: Persist) throws(StoreError) {
        guard let hard = persist.hardState else { return }
        let vote = (hard.term.number, hard.vote?.number)
        guard vote != savedVote else { return }
        try store.saveVote(term: vote.0, vote: vote.1)
        savedVote = vote
    }

    /// The oldest layers, up to the bound of bytes in one transaction.
    private func takeLayers() -> [(layer: OverlayLayer, term: Term)] {
        var bytes = 0
        var count = 0
        while count < layers.count, bytes < Limits.applyBytesPerTurnMax {
            bytes += layers[count].layer.byteCount
            count += 1
        }
        let taken = Array(layers[..<count])
        layers.removeFirst(count)
        return taken
    }

    /// The next step of the log's compaction, never beyond what is applied.
    private func nextCompaction() -> LogIndex? {
        guard compactThrough > compacted else { return nil }
        let step = compacted.advanced(by: UInt64(Limits.compactEntriesPerTurnMax))
        let through = min(compactThrough, step, applied)
        return through > compacted ? through : nil
    }

    private func install(
        _ point: SnapshotPoint,
        _ token: PersistToken,
        _ file: String
    ) throws(StoreError) {
        let manifest = try store.importSnapshot(from: file)
        precondition(
            manifest.index == point.index.number && manifest.term == point.term.number,
            "the snapshot file is not the one that arrived"
        )
        layers.removeAll { $0.layer.index <= point.index.number }
        applied = point.index
        compacted = point.index
        compactThrough = point.index
        store.pruneOverlay(through: point.index.number)
        try ChunkFile.remove(file)
        core.post(.raft(.durable(token)))
        core.post(.applied(point.index))
    }
}
