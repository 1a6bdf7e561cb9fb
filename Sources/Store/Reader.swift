import CLMDB
import Synchronization

/// One pooled read transaction and what a view over it sees. Exactly one thread has it between
/// taking it from the pool and giving it back, hence `@unchecked Sendable`.
@safe final class Reader: @unchecked Sendable {
    let transaction: OpaquePointer
    /// Keeps LMDB open until the transaction is gone.
    let environment: Environment
    let tables: Tables
    let requestsRetained: UInt64
    /// How long a scan may go on in one transaction.
    let secondsMax: UInt64
    private let nanoseconds: @Sendable () -> UInt64
    /// Odd while lent; a handle remembers the number and is dead once it changed.
    private(set) var generation: UInt64 = 0
    private(set) var overlay = Overlay()
    /// Position of the first overlay layer that the transaction does not contain yet.
    private(set) var layersFrom = 0
    private(set) var appliedIndex: UInt64 = 0
    private(set) var evaluatedIndex: UInt64 = 0
    /// What the view did not find, or found damaged.
    private(set) var doubts = ViewDoubts()
    /// What was noted since a recording began.
    private var recorded = RestedBuckets()
    private(set) var edition = StateEdition(database: 0, transaction: 0)
    /// Its owner was told that it has been open for too long.
    private(set) var hasExpired = false
    /// When the transaction was begun, on the monotonic clock, in nanoseconds; 0 while idle.
    fileprivate let begunAt = Atomic<UInt64>(0)

    init(_ transaction: OpaquePointer, in environment: Environment, options: StoreOptions) {
        unsafe self.transaction = unsafe transaction
        self.environment = environment
        tables = environment.tables
        requestsRetained = options.requestsRetained
        secondsMax = options.viewSecondsMax
        nanoseconds = options.nanoseconds
    }

    deinit { unsafe mdb_txn_abort(transaction) }

    /// Begins a view. The overlay was taken before the transaction began, so a layer that is
    /// missing in it is in the transaction.
    func open(_ overlay: Overlay, pending: [OverlayLayer]) throws(StoreError) {
        appliedIndex = try HardPoint.readAppliedIndex(unsafe Transaction(transaction), tables)
        self.overlay = overlay
        self.overlay.markEvaluated(through: appliedIndex)
        for layer in pending where layer.index > self.overlay.evaluatedIndex {
            self.overlay.append(layer)
        }
        layersFrom = self.overlay.position(after: appliedIndex)
        evaluatedIndex = self.overlay.evaluatedIndex
        edition = environment.edition(shownBy: unsafe Transaction(transaction))
        doubts = ViewDoubts()
        recorded = RestedBuckets()
        generation += 1
    }

    func noteAsked(_ key: StorageKey) {
        doubts.noteAsked(key)
        recorded.asked.insert(key.bucket)
    }

    func noteFound(_ key: StorageKey) {
        doubts.noteFound(key)
        recorded.found.insert(key.bucket)
    }

    func noteMiss(_ key: StorageKey) {
        doubts.noteMiss(key)
        recorded.absent.insert(key.bucket)
    }

    func noteDamage(_ key: StorageKey) { doubts.noteDamage(key) }

    func noteScan(_ directory: DirectoryPrefix) {
        doubts.noteScan(directory)
        recorded.asked.insert(directory.bucket)
        recorded.absent.insert(directory.bucket)
    }

    func note(_ rested: RestedBuckets) {
        doubts.note(rested)
        recorded.formUnion(rested)
    }

    /// Begins a recording.
    ///
    /// - Returns: what one around it has so far.
    func beginRecording() -> RestedBuckets {
        let outer = recorded
        recorded = RestedBuckets()
        return outer
    }

    /// - Parameter outer: as the beginning gave it. Gets what was noted since, too.
    /// - Returns: what was noted since.
    func endRecording(within outer: RestedBuckets) -> RestedBuckets {
        let own = recorded
        recorded.formUnion(outer)
        return own
    }

    /// Pages that an open transaction can see are not used again, so the file would grow for as
    /// long as one stays open under writes.
    ///
    /// - Throws: ``StoreError/viewExpired(seconds:)`` when it has been open for `seconds`.
    func requireYounger(than seconds: UInt64) throws(StoreError) {
        guard isYounger(than: seconds) else {
            hasExpired = true
            throw .viewExpired(seconds: seconds)
        }
    }

    func isYounger(than seconds: UInt64) -> Bool {
        let begun = begunAt.load(ordering: .relaxed)
        return max(begun, nanoseconds()) - begun < seconds * 1_000_000_000
    }

    func close() {
        generation += 1
        overlay = Overlay()
        hasExpired = false
    }
}

/// Read transactions, kept open but reset between uses: beginning one again costs no lock.
@safe final class ReaderPool: Sendable {
    private let options: StoreOptions
    private let state: Mutex<State>
    private let expired = Atomic<UInt64>(0)

    private struct State {
        /// Where new transactions begin.
        var environment: Environment
        var idle: [Reader] = []
        /// Readers in `environment`, idle or lent.
        var all: [Reader] = []
        /// As many as `all`, and those that are about to begin.
        var count = 0
    }

    init(_ environment: Environment, options: StoreOptions) {
        self.options = options
        state = Mutex(State(environment: environment))
    }

    /// From now on transactions begin in another database. Those that are lent go on in the old
    /// one, which is closed with the last of them.
    func adopt(_ environment: Environment) {
        let former = state.withLock { state in
            let former = state
            state = State(environment: environment)
            return former
        }
        // Idle ones end here, outside the lock.
        _ = consume former
    }

    /// A reader with a transaction begun now.
    ///
    /// - Throws: ``StoreError/lmdb(code:operation:)`` with `MDB_READERS_FULL` when
    ///   ``StoreOptions/readersMax`` views are open.
    func take() throws(StoreError) -> Reader {
        enum Choice {
            case reuse(Reader)
            case begin(Environment)
            case refuse
        }
        let choice = state.withLock { state -> Choice in
            if let reader = state.idle.popLast() { return .reuse(reader) }
            guard state.count < options.readersMax else { return .refuse }
            state.count += 1
            return .begin(state.environment)
        }
        switch choice {
        case .reuse(let reader):
            do throws(StoreError) {
                try check(unsafe mdb_txn_renew(reader.transaction), "mdb_txn_renew")
            } catch {
                lost(in: reader.environment, reader)
                throw error
            }
            reader.begunAt.store(max(1, options.nanoseconds()), ordering: .relaxed)
            return reader
        case .begin(let environment):
            do throws(StoreError) {
                let reader = try begin(in: environment)
                reader.begunAt.store(max(1, options.nanoseconds()), ordering: .relaxed)
                state.withLock { state in
                    if environment === state.environment { state.all.append(reader) }
                }
                return reader
            } catch {
                lost(in: environment)
                throw error
            }
        case .refuse:
            throw .lmdb(code: MDB_READERS_FULL, operation: "mdb_txn_begin")
        }
    }

    /// Ends the reader's transaction and keeps it for the next view.
    func give(_ reader: Reader) {
        if reader.hasExpired { expired.wrappingAdd(1, ordering: .relaxed) }
        reader.close()
        reader.begunAt.store(0, ordering: .relaxed)
        unsafe mdb_txn_reset(reader.transaction)
        state.withLock { state in
            if reader.environment === state.environment { state.idle.append(reader) }
        }
    }

    /// Of the database where transactions begin.
    var newestEdition: StateEdition { state.withLock { $0.environment }.newestEdition }

    /// Transactions that were ended because they had been open for too long.
    var expiredCount: UInt64 { expired.load(ordering: .relaxed) }

    /// For how long the oldest open transaction in the live database has been open, in
    /// nanoseconds; 0 without one.
    var oldestAgeNanoseconds: UInt64 {
        let begun = state.withLock { state in
            state.all.map { $0.begunAt.load(ordering: .relaxed) }.filter { $0 > 0 }.min()
        }
        return begun.map { max($0, options.nanoseconds()) - $0 } ?? 0
    }

    /// A reader could not begin, so it is none.
    private func lost(in environment: Environment, _ reader: Reader? = nil) {
        state.withLock { state in
            guard environment === state.environment else { return }
            state.count -= 1
            state.all.removeAll { $0 === reader }
        }
    }

    private func begin(in environment: Environment) throws(StoreError) -> Reader {
        var begun: OpaquePointer?
        try check(
            unsafe mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &begun),
            "mdb_txn_begin"
        )
        guard let transaction = unsafe begun else {
            throw .lmdb(code: 0, operation: "mdb_txn_begin")
        }
        return unsafe Reader(transaction, in: environment, options: options)
    }
}
