import CLMDB
import Glibc
import Synchronization

/// What one node has on disk and what it has evaluated since: the only way to either.
///
/// Writing belongs to one thread (``write(_:)``, ``saveVote(term:vote:)``,
/// ``preallocateIfNeeded()``, ``importSnapshot(from:)``); everything else may be called from any.
@safe package final class LocalStore: @unchecked Sendable {
    // Sendable: constants, locked or atomic values, and variables that only the writer thread
    // touches once there is one; `claimWriter` ends the process otherwise.
    private var environment: Environment
    let folder: DataFolder
    /// What snapshots have beside the live database.
    let beside = Mutex(BesideLive())
    let spent: SpentFiles
    let readers: ReaderPool
    let options: StoreOptions
    let digest: DigestFunction
    private let overlay = Mutex(Overlay())
    /// What was applied last. Written by the writer's thread, after the commit.
    let recent = Mutex(RecentChanges())
    private let tally = Tally()
    private let spaceState = Atomic<UInt8>(SpaceState.ample.rawValue)
    private let writerThread = Atomic<UInt>(0)

    private var isWriting = false
    private var voteFile: VoteFile
    private var spaceKeeper: SpaceKeeper
    private var commitsUntilSpaceCheck = 0
    private var usedAtSpaceCheck: UInt64 = 0
    /// What the copy of the cluster record should say, when there was no room to write it.
    private var dueCopy: ClusterRecord?

    /// Opens the data folder of a node, and makes it if there is none.
    ///
    /// - Parameters:
    ///   - path: the folder; made with mode 0700, its parent must exist.
    ///   - digest: SHA-256.
    /// - Throws: a ``StoreError`` that says what is wrong with the folder. Nothing is repaired, and
    ///   nothing that holds data is made anew.
    package static func open(
        folder path: String,
        options: StoreOptions = StoreOptions(),
        digest: @escaping DigestFunction
    ) throws(StoreError) -> LocalStore {
        let files = try StoreOpening(options: options, digest: digest).open(DataFolder(path))
        return try LocalStore(files, options, digest)
    }

    private init(
        _ files: consuming OpenedFiles,
        _ options: StoreOptions,
        _ digest: @escaping DigestFunction
    ) throws(StoreError) {
        let environment = files.environment
        spaceKeeper = try SpaceKeeper(environment, options: options)
        self.environment = environment
        folder = environment.folder
        spent = SpentFiles(in: environment.folder.path)
        self.options = options
        self.digest = digest
        readers = ReaderPool(environment, options: options)
        voteFile = files.voteFile
        try refreshSpace()
    }

    // MARK: start

    /// What the node had when it stopped, verified: the retained log entry by entry, hard state and
    /// vote file against each other. Call it before there is a writer thread.
    ///
    /// A damaged body of an entry does not end it: see ``StoredState/damagedBodies``.
    ///
    /// - Throws: a ``StoreError`` that names what is damaged or missing.
    package func load() throws(StoreError) -> StoredState {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        guard let point = try HardPoint.read(transaction, reader.tables) else {
            throw .damagedHardState("point record is missing")
        }
        if let contradiction = point.contradiction { throw .damagedHardState(contradiction) }
        markEvaluated(through: point.appliedIndex, at: point.time)
        let loader = LogLoader(
            transaction: transaction,
            tables: reader.tables,
            digest: digest
        )
        let log = try loader.load(point)
        let stored = Ballot(term: point.term, vote: point.vote)
        return StoredState(
            ballot: try voteFile.ballot.merged(with: stored),
            point: point,
            cluster: try ClusterRecord.read(transaction, reader.tables),
            entries: log.entries,
            damagedBodies: log.damaged
        )
    }

    /// As ``load()``, for a node that starts: entries that are applied need their bodies no more,
    /// so the log is cut off behind the last applied one whose body is lost, as compaction would.
    ///
    /// - Precondition: there is no writer thread yet.
    package func loadForStart() throws(StoreError) -> StoredState {
        precondition(writerThread.load(ordering: .acquiring) == 0, "a writer has begun already")
        let state = try load()
        let applied = state.point.appliedIndex
        guard let last = state.damagedBodies.last(where: { $0.index <= applied }) else {
            return state
        }
        var base = state.point.base.index
        while base < last.index {
            base = try transact(on: environment) { (transaction) throws(StoreError) in
                try transaction.dropLog(through: last.index, entriesMax: 256)
            }
        }
        return try load()
    }

    // MARK: writer thread

    /// Makes the calling thread the writer. The first thread that writes becomes it anyway.
    ///
    /// - Precondition: no other thread is it.
    package func claimWriter() {
        let this = UInt(pthread_self())
        let (isFirst, owner) = writerThread.compareExchange(
            expected: 0,
            desired: this,
            ordering: .acquiringAndReleasing
        )
        precondition(isFirst || owner == this, "a store was written to off its writer thread")
    }

    /// Runs `body` in the one write transaction and returns when its changes are on disk.
    ///
    /// `body` cannot suspend, so LMDB's rule that a transaction stays on its thread holds by shape.
    /// An error thrown by `body` drops the transaction; nothing of it remains. An error of the
    /// commit ends the process.
    ///
    /// - Throws: what `body` throws; ``StoreError/full`` when there is no room, with nothing
    ///   changed.
    package func write<Value>(
        _ body: (inout WriteTransaction) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        claimWriter()
        precondition(!isWriting, "write transactions do not nest")
        isWriting = true
        defer { isWriting = false }
        try spaceKeeper.requireRoom()
        let transactionID = environment.lastTransactionID
        let value = try transact(on: environment, body)
        if environment.lastTransactionID != transactionID { tally.countCommit() }
        let grown = environment.usedBytes - min(environment.usedBytes, usedAtSpaceCheck)
        if commitsUntilSpaceCheck == 0 || grown > options.reserveBytes / 16 {
            commitsUntilSpaceCheck = 256
            try refreshSpace()
        }
        commitsUntilSpaceCheck -= 1
        return value
    }

    /// Runs `body` in a write transaction on the live database, or on one beside it that no view
    /// and no writer knows yet.
    func transact<Value>(
        on environment: Environment,
        _ body: (inout WriteTransaction) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        var begun: OpaquePointer?
        try check(unsafe mdb_txn_begin(environment.handle, nil, 0, &begun), "mdb_txn_begin")
        guard let pointer = unsafe begun else { throw .lmdb(code: 0, operation: "mdb_txn_begin") }
        let value: Value
        var cluster: ClusterRecord?
        var applied: AppliedChanges
        do throws(StoreError) {
            var transaction = try WriteTransaction(
                unsafe Transaction(pointer),
                environment.tables,
                options: options,
                digest: digest
            )
            value = try body(&transaction)
            cluster = transaction.storedCluster
            applied = transaction.applied
            try transaction.finish()
        } catch {
            unsafe mdb_txn_abort(pointer)
            throw error
        }
        recent.withLock { applied.announce(to: &$0) }
        if applied.isOther { environment.willRepair(in: unsafe Transaction(pointer)) }
        try checkCommit(unsafe mdb_txn_commit(pointer), environment.path)
        recent.withLock { applied.tell(&$0) }
        if let cluster { try copy(cluster) }
        return value
    }

    /// Keeps the copy of the cluster record current. Not for the boot counter alone: it would
    /// cost two flushes at each start, and a new life counts anew.
    ///
    /// Without room the copy stays as it is, whole, until there is some: the record itself is in
    /// the database already, and a full disk must not end a node.
    private func copy(_ record: ClusterRecord) throws(StoreError) {
        let file = ClusterFile(folder: environment.folder.path)
        var known = file.read()
        known?.bootCounter = record.bootCounter
        dueCopy = nil
        if known == record { return }
        do throws(StoreError) {
            try file.write(record)
        } catch .system(let code, _, _) where code == ENOSPC || code == EDQUOT {
            dueCopy = record
        }
    }

    /// Stores term and vote durably in the vote file: two copies, sync, two copies, sync. Comes
    /// before the write transaction with the same hard state, and before any message about either.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` for a lower term or a second vote in a term.
    package func saveVote(term: UInt64, vote: UInt64?) throws(StoreError) {
        claimWriter()
        let flushes = voteFile.flushes
        try voteFile.save(Ballot(term: term, vote: vote))
        tally.countVoteFlushes(voteFile.flushes - flushes)
    }

    /// Extends the file ahead of need: a few milliseconds of work, for when the writer is idle.
    ///
    /// - Returns: whether there is more to do; call again when idle.
    @discardableResult
    package func preallocateIfNeeded() throws(StoreError) -> Bool {
        claimWriter()
        precondition(!isWriting, "preallocation inside a write transaction")
        if let dueCopy { try copy(dueCopy) }
        do throws(StoreError) {
            if try spaceKeeper.extend() > 0 { tally.countPreallocationFlush() }
        } catch .full {
            // A full disk is no damage: `space` says so and the operator is told.
            try refreshSpace()
            return false
        }
        try refreshSpace()
        return spaceKeeper.isBehind
    }

    /// Makes a database live that ``LiveMarker`` names already.
    ///
    /// - Returns: the one that was.
    func adopt(_ prepared: PreparedSnapshot) -> Environment {
        precondition(!isWriting, "the live database is switched inside a write transaction")
        let old = environment
        folder.setLive(prepared.generation)
        environment = prepared.environment
        do throws(StoreError) {
            spaceKeeper = try SpaceKeeper(environment, options: options)
        } catch {
            endProcess("the new database could not be looked at: \(error.summary)")
        }
        readers.adopt(environment)
        commitsUntilSpaceCheck = 0
        return old
    }

    private func refreshSpace() throws(StoreError) {
        let room = try spaceKeeper.roomBytes()
        let state: SpaceState =
            if room > options.reserveBytes {
                .ample
            } else {
                room > options.reserveBytes / 2 ? .reserved : .exhausted
            }
        usedAtSpaceCheck = environment.usedBytes
        spaceState.store(state.rawValue, ordering: .relaxed)
    }

    // MARK: any thread

    /// Lends `body` one consistent moment: the overlay, then LMDB, then the pending layers.
    ///
    /// - Parameters:
    ///   - pending: layers of entries that are not committed yet, in rising order, for a leader
    ///     that prepares on top of them; those already evaluated are left out.
    ///   - body: must be quick: pages that it can see are not reused while it runs.
    /// - Throws: what `body` throws.
    package func view<Value: ~Copyable, Failure: Error>(
        pending: [OverlayLayer] = [],
        _ body: (borrowing ReadView) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let snapshot = overlay.withLock { $0 }
        let reader = openReader(snapshot, pending)
        defer { readers.give(reader) }
        let view = ReadView(reader)
        return try body(view)
    }

    private func openReader(_ snapshot: Overlay, _ pending: [OverlayLayer]) -> Reader {
        while true {
            do throws(StoreError) {
                let reader = try readers.take()
                try reader.open(snapshot, pending: pending)
                return reader
            } catch .lmdb(code: MDB_READERS_FULL, _) {
                // All slots are lent. Views are short, so one comes back at once.
                usleep(100)
            } catch {
                endProcess("a read view could not be opened: \(error.summary)")
            }
        }
    }

    /// Adds what the next committed entry changes. Later views see it.
    ///
    /// Layers come in rising order of index. One at or below the evaluated index is left out: a
    /// snapshot that was installed while the entry was being evaluated contains it.
    package func appendLayer(_ layer: OverlayLayer) {
        overlay.withLock { $0.append(layer) }
    }

    /// Entries through `index` were evaluated and those without a layer changed nothing: no-ops,
    /// configurations, duplicates, rejected batches. Raises what later views call evaluated.
    package func markEvaluated(through index: UInt64, at time: UInt64 = 0) {
        overlay.withLock { $0.markEvaluated(through: index, at: time) }
    }

    /// Forgets layers through `index`. Only after the write transaction that applied them returned.
    package func pruneOverlay(through index: UInt64) {
        overlay.withLock { $0.removeLayers(through: index) }
    }

    /// Layers that are evaluated and not applied.
    package var overlayCount: Int { overlay.withLock { $0.layers.count } }

    /// Bytes in those layers, roughly.
    package var overlayBytes: Int { overlay.withLock { $0.byteCount } }

    /// Whether the overlay is at its bound: apply before evaluating more.
    package var overlayIsFull: Bool {
        overlay.withLock {
            $0.layers.count >= options.overlayLayersMax || $0.byteCount >= options.overlayBytesMax
        }
    }

    /// The layers above `index` and up to `last`, oldest first: what a turn applies.
    package func layers(after index: UInt64, through last: UInt64) -> [OverlayLayer] {
        overlay.withLock { overlay in
            Array(overlay.layers[overlay.position(after: index)..<overlay.position(after: last)])
        }
    }

    /// The highest index evaluated since the start, as a view opened now would say unless LMDB is
    /// ahead. While it stays the same, so does what views show. Costs a lock.
    package var evaluatedIndex: UInt64 { overlay.withLock { $0.evaluatedIndex } }

    /// The edition of the state that a view opened now shows, at least; see ``StateEdition``. While
    /// a repair commits it is ahead of them. Costs a lock.
    package var edition: StateEdition { readers.newestEdition }

    /// Cluster time as of that index, nanoseconds since 1970; 0 in a new vault. Never goes back,
    /// and says nothing of how long ago that was. Costs a lock.
    package var evaluatedTime: UInt64 { overlay.withLock { $0.time } }

    /// How much room is left. Refreshed by ``preallocateIfNeeded()``, every 256 transactions and
    /// whenever the file took a sixteenth of the reserve.
    package var space: SpaceState {
        SpaceState(rawValue: spaceState.load(ordering: .relaxed)) ?? .exhausted
    }

    /// What was done to the disk since the store was opened.
    package var counters: StoreCounters { tally.counters }
}

/// What a node had when it stopped.
package struct StoredState: Sendable {
    /// Term and vote: the vote file and the hard state, merged. This counts, not `point`'s.
    package let ballot: Ballot
    /// Commit, applied, log end and log base.
    package let point: HardPoint
    /// Whom the node belongs to; nil when it never was told: a new node. The caller compares the
    /// cluster id with its own.
    package let cluster: ClusterRecord?
    /// The retained log, from `point.base.index + 1` to `point.last.index`, without the entries in
    /// ``damagedBodies``.
    package let entries: [StoredEntry]
    /// Entries whose body has to be fetched from another member before the log can be used. The
    /// node has them: it must not act as if it did not.
    package let damagedBodies: [DamagedBody]
}
