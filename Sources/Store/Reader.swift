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
    /// Odd while lent; a handle remembers the number and is dead once it changed.
    private(set) var generation: UInt64 = 0
    private(set) var overlay = Overlay()
    /// Position of the first overlay layer that the transaction does not contain yet.
    private(set) var layersFrom = 0
    private(set) var appliedIndex: UInt64 = 0
    private(set) var evaluatedIndex: UInt64 = 0
    /// What the view did not find, or found damaged.
    private(set) var doubts = ViewDoubts()

    init(_ transaction: OpaquePointer, in environment: Environment, requestsRetained: UInt64) {
        unsafe self.transaction = unsafe transaction
        self.environment = environment
        tables = environment.tables
        self.requestsRetained = requestsRetained
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
        doubts = ViewDoubts()
        generation += 1
    }

    func noteMiss(_ key: StorageKey) { doubts.noteMiss(key) }

    func noteDamage(_ key: StorageKey) { doubts.noteDamage(key) }

    func noteScan(_ directory: DirectoryPrefix) { doubts.noteScan(directory) }

    func close() {
        generation += 1
        overlay = Overlay()
    }
}

/// Read transactions, kept open but reset between uses: beginning one again costs no lock.
@safe final class ReaderPool: Sendable {
    private let readersMax: Int
    private let requestsRetained: UInt64
    private let state: Mutex<State>

    private struct State {
        /// Where new transactions begin.
        var environment: Environment
        var idle: [Reader] = []
        /// Readers in `environment`, idle or lent.
        var count = 0
    }

    init(_ environment: Environment, options: StoreOptions) {
        state = Mutex(State(environment: environment))
        readersMax = options.readersMax
        requestsRetained = options.requestsRetained
    }

    /// From now on transactions begin in another database. Those that are lent go on in the old
    /// one, which is closed with the last of them.
    func adopt(_ environment: Environment) {
        let idle = state.withLock { state in
            let idle = state.idle
            state = State(environment: environment)
            return idle
        }
        // They end here, outside the lock.
        _ = consume idle
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
            guard state.count < readersMax else { return .refuse }
            state.count += 1
            return .begin(state.environment)
        }
        switch choice {
        case .reuse(let reader):
            do throws(StoreError) {
                try check(unsafe mdb_txn_renew(reader.transaction), "mdb_txn_renew")
            } catch {
                lost(in: reader.environment)
                throw error
            }
            return reader
        case .begin(let environment):
            do throws(StoreError) {
                return try begin(in: environment)
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
        reader.close()
        unsafe mdb_txn_reset(reader.transaction)
        state.withLock { state in
            if reader.environment === state.environment { state.idle.append(reader) }
        }
    }

    /// A reader could not begin, so it is none.
    private func lost(in environment: Environment) {
        state.withLock { state in
            if environment === state.environment { state.count -= 1 }
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
        return unsafe Reader(
            transaction,
            in: environment,
            requestsRetained: requestsRetained
        )
    }
}
