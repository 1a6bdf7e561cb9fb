package import Raft
package import Store
import Wire

/// Work for the one thread that owns the write transaction.
package enum StorageJob: Sendable {
    case persist(Persist)
    /// Replace everything by the snapshot that arrived.
    case install(SnapshotPoint, PersistToken, file: String)
    /// An evaluated entry, to be applied with the next append.
    case apply(OverlayLayer, Term)
    /// The entry whose layer comes next brought a configuration.
    case reconfigured(AppliedConfiguration)
    case compact(through: LogIndex)
    /// Write something, however little, so that a disk that hangs shows.
    case probe
    /// Whatever else needs the write transaction, such as a repair. Handles its own errors.
    case maintain(@Sendable () -> Void)
}

/// What the storage machine says to the core.
package protocol StoragePorts {
    /// Must not be dropped and must keep its order.
    func tellCore(_ input: CoreInput)
    /// The state was this after a checkpoint's entry.
    func reached(_ checkpoint: Checkpoint)
}

extension StoragePorts {
    /// Nobody compares.
    package func reached(_ checkpoint: Checkpoint) {}
}

/// The storage thread's work without the thread: one transaction a turn.
///
/// A turn takes everything that waits: truncations, appends, hard state, and what was evaluated.
/// Its flushes are shared by all of it. It owns no thread, clock or file, so the same code runs
/// under the simulator; any error it throws is the end of its process.
package final class StorageMachine {
    private let storage: any ReplicaStorage
    private let ports: any StoragePorts
    /// Evaluated, not yet applied, ascending.
    private var layers: [(layer: OverlayLayer, term: Term)] = []
    /// Configurations that committed entries brought, not yet applied, ascending.
    private var configurations: [AppliedConfiguration] = []
    /// When the first of them came.
    private var oldestLayer: Moment
    private var applied: LogIndex
    private var compactThrough = LogIndex.zero
    private var compacted: LogIndex
    /// What found no room, in order, and is tried again before anything else.
    private var backlog: [StorageJob] = []
    /// Waiting for the next transaction, in token order.
    private var persists: [Persist] = []
    /// How much room is left, as last told to the core.
    package private(set) var space = SpaceState.ample
    private let state: ReplicaStart
    /// Told before and after everything that waits for the disk.
    private let watch: DiskWatch
    /// Whether the turn under way has come to the disk.
    private var hasWritten = false
    private var savedVote: (term: UInt64, vote: UInt64?)
    /// The revision of the configuration in the tables when this began, or that a snapshot
    /// brought since: it may be later than what the log has applied, and nothing older replaces it.
    private var toldRevision: UInt64
    private let checkpointEntries: UInt64

    /// Begins where `state` says that the storage stands. Call ``begin()`` before the first turn.
    package init(
        storage: any ReplicaStorage,
        ports: any StoragePorts,
        state: ReplicaStart,
        watch: DiskWatch,
        checkpointEntries: UInt64 = Limits.checkpointEntries,
        now: Moment
    ) {
        self.storage = storage
        self.ports = ports
        self.state = state
        self.watch = watch
        self.checkpointEntries = checkpointEntries
        oldestLayer = now
        applied = state.applied
        compacted = state.logBase
        savedVote = (state.hardState.term.number, state.hardState.vote?.number)
        let told = try? Configuration(decoding: state.cluster.configuration)
        toldRevision = told?.revision ?? 0
    }

    /// Records that this start happened, before anything that follows from it.
    package func begin() throws(WorkFailure) {
        var turn = StorageTurn()
        turn.start = (state.cluster, state.hardState)
        watch.begin()
        defer { watch.end(hasWritten: true) }
        do throws(StoreError) {
            _ = try storage.commit(turn)
        } catch {
            throw WorkFailure(error, while: "recording the start")
        }
    }

    /// How long the next turn may be awaited. With evaluated layers waiting: not long, to apply
    /// them alone. Otherwise a slow idle beat.
    package var waitMilliseconds: Int {
        if isOutOfRoom {
            Limits.retryWithoutRoomMilliseconds
        } else if compactThrough > compacted && compacted < applied {
            Limits.compactionPauseMilliseconds
        } else if !layers.isEmpty {
            Limits.applyAloneAfterMilliseconds
        } else {
            1_000
        }
    }

    /// Handles what has come; nothing after ``waitMilliseconds`` of silence, which is a reason to
    /// do what was put off.
    package func turn(
        _ jobs: [StorageJob],
        now: Moment
    ) throws(WorkFailure) {
        watch.begin()
        hasWritten = false
        defer { watch.end(hasWritten: hasWritten) }
        do throws(StoreError) {
            try perform(backlog.isEmpty ? jobs : backlog + jobs, now)
            tell(storage.space)
        } catch .full {
            // The tables are as they were, and no entry is acknowledged: all of it is tried again.
            acknowledgeVotes()
            tell(.exhausted)
        } catch {
            throw WorkFailure(error, while: "writing to the data folder")
        }
    }

    /// Whether something waits for room.
    private var isOutOfRoom: Bool { !backlog.isEmpty || !persists.isEmpty }

    private func tell(_ space: SpaceState) {
        guard space != self.space else { return }
        self.space = space
        ports.tellCore(.space(space))
    }

    /// A term or a vote is durable as soon as the vote file has it, which needs no room. The tables
    /// follow with the next transaction, as they do after a crash between the two. Entries that
    /// wait before it are acknowledged by nothing until they are written.
    private func acknowledgeVotes() {
        let isVotesOnly =
            persists.allSatisfy { $0.entries.isEmpty && $0.truncateFrom == nil }
            || planted("acknowledgesWithoutRoom")
        var durable = PersistToken(number: 0)
        if isVotesOnly, let last = persists.last {
            persists.removeAll { $0.hardState == nil }
            if persists.count > 1 { persists.removeFirst(persists.count - 1) }
            durable = last.token
            ports.tellCore(.raft(.durable(durable)))
        }
        let voted = (persists + backlogPersists).last(where: \.votesChanged)
        guard let voted, voted.token > durable else { return }
        ports.tellCore(.raft(.voteDurable(voted.token)))
    }

    /// What waits behind a snapshot that finds no room.
    private var backlogPersists: [Persist] {
        backlog.compactMap { if case .persist(let persist) = $0 { persist } else { nil } }
    }

    /// Extends the file ahead of need: for when nothing waits.
    ///
    /// - Returns: whether there is more to do.
    package func preallocate() throws(WorkFailure) -> Bool {
        watch.begin()
        // Where there is more to do, something was done.
        var isMoreToDo = false
        defer { watch.end(hasWritten: isMoreToDo) }
        do throws(StoreError) {
            defer { tell(storage.space) }
            isMoreToDo = try storage.preallocateIfNeeded()
            return isMoreToDo
        } catch {
            throw WorkFailure(error, while: "writing to the data folder")
        }
    }

    private func perform(
        _ jobs: [StorageJob],
        _ now: Moment
    ) throws(StoreError) {
        backlog = []
        var isProbe = false
        for (position, job) in jobs.enumerated() {
            switch job {
            case .persist(let persist):
                persists.append(persist)
            case .apply(let layer, let term):
                if layers.isEmpty { oldestLayer = now }
                if layer.index > applied.number { layers.append((layer, term)) }
            case .reconfigured(let configuration):
                // What a new node was told is later than what its log has at first.
                guard configuration.revision > toldRevision else { break }
                if configuration.index > applied { configurations.append(configuration) }
            case .compact(let index):
                compactThrough = max(compactThrough, index)
            case .probe:
                isProbe = true
            case .maintain(let body):
                body()
                hasWritten = true
            case .install(let point, let token, let file):
                hasWritten = true
                do throws(StoreError) {
                    // Everything asked for before the snapshot is written before it.
                    try commit(isApplying: true)
                    try install(point, token, file)
                } catch {
                    backlog = Array(jobs[position...])
                    for persist in backlogPersists { try saveVoteIfChanged(persist) }
                    throw error
                }
            }
        }
        // Layers alone wait for an append to ride with; the empty turn means that none came.
        let isIdle = jobs.isEmpty
        let isOverdue = layers.count >= Limits.overlayLayersMax / 2
        guard !persists.isEmpty || isIdle || isOverdue || isProbe else { return }
        try commit(isApplying: isIdle || isApplyDue(now), isProbe: isProbe)
    }

    /// Layers are applied many at a time: their records lie all over the tree, and a transaction
    /// writes each page that it touches once, however many of them share it.
    private func isApplyDue(_ now: Moment) -> Bool {
        layers.count >= Limits.applyLayersMin
            || now.nanoseconds(since: oldestLayer)
                >= Int64(Limits.applyAloneAfterMilliseconds) * 1_000_000
    }

    private func commit(isApplying: Bool, isProbe: Bool = false) throws(StoreError) {
        var turn = StorageTurn()
        turn.persists = persists
        turn.isProbe = isProbe
        if isApplying { addLayers(to: &turn) }
        turn.compaction = nextCompaction()
        guard !turn.isEmpty else { return }
        hasWritten = true
        for persist in persists { try saveVoteIfChanged(persist) }
        let base = try storage.commit(turn).map { LogIndex(number: $0) }
        persists = []
        if planted("prunesUnapplied") {
            storage.pruneOverlay(through: layers.last?.layer.index ?? 0)
        }
        if let last = turn.persists.last { ports.tellCore(.raft(.durable(last.token))) }
        if let last = turn.layers.last {
            layers.removeFirst(turn.layers.count)
            applied = LogIndex(number: last.index)
            configurations.removeAll { $0.index <= applied }
            storage.pruneOverlay(through: last.index)
            ports.tellCore(.applied(applied))
            if isCheckpoint(last.index), let reached = try storage.checkpoint() {
                ports.reached(reached)
            }
        }
        if let base, base > compacted {
            // Perhaps less than asked for: a transaction frees a bounded number of pages.
            compacted = base
            ports.tellCore(.raft(.compacted(through: base)))
        }
    }

    /// The vote goes to its own file first: losing it is the one thing that can break safety.
    private func saveVoteIfChanged(_ persist: Persist) throws(StoreError) {
        guard let hard = persist.hardState else { return }
        let vote = (term: hard.term.number, vote: hard.vote?.number)
        // One that is tried again, because the tables had no room for it, may be older than what
        // the file has by now.
        let isNewer =
            vote.term > savedVote.term
            || (vote.term == savedVote.term && savedVote.vote == nil && vote.vote != nil)
            || planted("savesOlderVotes")
        guard isNewer, !planted("savesNoVotes") else { return }
        try storage.saveVote(term: vote.term, vote: vote.vote)
        savedVote = vote
    }

    private func isCheckpoint(_ index: UInt64) -> Bool { index % checkpointEntries == 0 }

    /// The oldest layers, up to the bound of bytes in one transaction. One ends exactly at each
    /// checkpoint, because there the state is compared.
    private func addLayers(to turn: inout StorageTurn) {
        var bytes = 0
        var count = 0
        while count < layers.count, bytes < Limits.applyBytesPerTurnMax {
            bytes += layers[count].layer.byteCount
            turn.layers.append(layers[count].layer)
            turn.appliedTerm = layers[count].term
            count += 1
            if isCheckpoint(turn.layers[count - 1].index) { break }
        }
        let last = turn.layers.last?.index ?? 0
        turn.configuration = configurations.last { $0.index.number <= last }
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
        let installed = try storage.installSnapshot(file)
        precondition(
            installed.index == point.index.number && installed.term == point.term.number,
            "the snapshot file is not the one that arrived"
        )
        layers.removeAll { $0.layer.index <= point.index.number }
        configurations.removeAll { $0.index <= point.index }
        toldRevision = point.configuration.revision
        applied = point.index
        compacted = point.index
        compactThrough = point.index
        storage.pruneOverlay(through: point.index.number)
        try storage.removeSnapshot(file)
        ports.tellCore(.raft(.durable(token)))
        ports.tellCore(.applied(point.index))
    }
}
