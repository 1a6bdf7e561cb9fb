import CLMDB
import Glibc
import Synchronization

/// Owns one `MDB_env`, its named tables, and the folder they are in with its lock: the lock is let
/// go only after LMDB has closed its files.
///
/// Flags are few on purpose. Never `MDB_NOMETASYNC`, nor `MDB_NOSYNC` in a database that is or was
/// live (a commit would not be durable; one that is still being filled has no commits to lose),
/// `MDB_WRITEMAP` (wild writes reach the tree), `MDB_NOMEMINIT` (stale heap, perhaps a secret,
/// reaches the disk). `MDB_NOTLS` lets a pooled read transaction move between threads.
@safe final class Environment: @unchecked Sendable {
    // Sendable: all fields are constants or atomic; LMDB's own rule, one thread per write
    // transaction, is kept by `LocalStore`.
    let handle: OpaquePointer
    let tables: Tables
    let pageBytes: UInt64
    let folder: DataFolder
    /// The database file.
    let path: String
    /// The generation of that file.
    private let generation: UInt64
    /// The last write transaction that changed records otherwise than by entries; 0: none since it
    /// was opened. Told before that one commits.
    private let lastRepair = Atomic<UInt64>(0)

    /// - Parameters:
    ///   - generation: of the database file; nil for the live one.
    ///   - isNew: makes file and tables; otherwise a missing one is an error.
    ///   - format: of the folder; tables that it did not have yet are made.
    /// - Throws: ``StoreError/corrupt(_:)``, ``StoreError/lmdb(code:operation:)``.
    init(
        _ folder: DataFolder,
        generation: UInt64? = nil,
        options: StoreOptions,
        isNew: Bool,
        format: UInt64 = DataFolder.formatVersion
    ) throws(StoreError) {
        let generation = generation ?? folder.liveGeneration
        let path = folder.databasePath(generation)
        var created: OpaquePointer?
        try check(unsafe mdb_env_create(&created), "mdb_env_create")
        guard let handle = unsafe created else {
            throw .lmdb(code: 0, operation: "mdb_env_create")
        }
        do throws(StoreError) {
            try unsafe Self.open(handle, path, options)
            try unsafe Self.checkFileLength(handle, path)
            if isNew {
                // Nothing may follow a header that is not whole: see `StoreOpening`.
                try checkCommit(unsafe mdb_env_sync(handle, 1), path)
            }
            tables = try unsafe Tables(
                in: handle,
                path,
                format: isNew ? 0 : format
            )
        } catch {
            unsafe mdb_env_close(handle)
            throw error
        }
        var status = MDB_stat()
        _ = unsafe mdb_env_stat(handle, &status)
        unsafe self.handle = unsafe handle
        self.folder = folder
        self.path = path
        self.generation = generation
        pageBytes = UInt64(status.ms_psize)
    }

    deinit { unsafe mdb_env_close(handle) }

    /// Bytes of the file that LMDB has ever used; what is beyond is preallocated.
    var usedBytes: UInt64 {
        (UInt64(unsafe info.me_last_pgno) + 1) * pageBytes
    }

    /// Rises by one with each write transaction that changed something.
    var lastTransactionID: UInt64 { UInt64(unsafe info.me_last_txnid) }

    /// A write transaction is about to commit that changes records otherwise than by entries.
    func willRepair(in transaction: Transaction) {
        lastRepair.store(transaction.id, ordering: .sequentiallyConsistent)
    }

    /// What a read transaction shows, which has begun.
    ///
    /// Whatever the number is, it shows exactly the repairs up to that one, so two views with the
    /// same number never differ in a repair. A repair that it shows was told before it committed,
    /// so before this looks: then the last one told is the last one shown. Where one was told that
    /// it does not show, its own number stands for all that it shows.
    func edition(shownBy transaction: Transaction) -> StateEdition {
        let last = lastRepair.load(ordering: .sequentiallyConsistent)
        return StateEdition(database: generation, transaction: min(last, transaction.id))
    }

    /// With all repairs that were told.
    var newestEdition: StateEdition {
        StateEdition(
            database: generation,
            transaction: lastRepair.load(ordering: .sequentiallyConsistent)
        )
    }

    /// Bytes that the database may grow to.
    var mapBytes: UInt64 { UInt64(unsafe info.me_mapsize) }

    /// Whether commits from here on are durable, and with true all before. The writer's thread.
    func setSynced(_ isSynced: Bool) throws(StoreError) {
        let code = unsafe mdb_env_set_flags(handle, UInt32(MDB_NOSYNC), isSynced ? 0 : 1)
        try check(code, "mdb_env_set_flags")
        if isSynced { try sync() }
    }

    /// Puts what was committed on disk. An error ends the process.
    private func sync() throws(StoreError) { try checkCommit(unsafe mdb_env_sync(handle, 1), path) }

    /// Has what was committed written, and waits for it, without a flush.
    func writeOut() throws(StoreError) {
        let isWritten = Store.writeOut(try dataDescriptor(), 0, try fileBytes())
        if !isWritten { try sync() }
    }

    /// The data file's descriptor. Lent: LMDB closes it.
    func dataDescriptor() throws(StoreError) -> Int32 {
        var number: Int32 = -1
        try check(unsafe mdb_env_get_fd(handle, &number), "mdb_env_get_fd")
        return number
    }

    /// Bytes in the file.
    func fileBytes() throws(StoreError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(try dataDescriptor(), &status) == 0 else {
            throw .system(code: errno, operation: "fstat", path: path)
        }
        return UInt64(max(0, status.st_size))
    }

    private var info: MDB_envinfo {
        var info = unsafe MDB_envinfo()
        _ = unsafe mdb_env_info(handle, &info)
        return unsafe info
    }

    private static func open(
        _ handle: OpaquePointer,
        _ path: String,
        _ options: StoreOptions
    ) throws(StoreError) {
        try check(unsafe mdb_env_set_maxdbs(handle, Tables.countMax), "mdb_env_set_maxdbs")
        try check(unsafe mdb_env_set_mapsize(handle, Int(options.mapBytes)), "mdb_env_set_mapsize")
        try check(
            // Two more than the pool lends: one to count free pages, one to open tables.
            unsafe mdb_env_set_maxreaders(handle, UInt32(options.readersMax) + 2),
            "mdb_env_set_maxreaders"
        )
        let code = unsafe mdb_env_set_assert(handle) { _, text in unsafe assertionFailed(text) }
        try check(code, "mdb_env_set_assert")
        let flags = UInt32(MDB_NOSUBDIR) | UInt32(MDB_NOTLS)
        try check(unsafe mdb_env_open(handle, path, flags, 0o600), "mdb_env_open")
        // LMDB 0.9.24 lets children inherit this descriptor, unlike its others.
        var data: Int32 = -1
        try check(unsafe mdb_env_get_fd(handle, &data), "mdb_env_get_fd")
        guard fcntl(data, F_SETFD, FD_CLOEXEC) == 0 else {
            throw .system(code: errno, operation: "fcntl", path: path)
        }
        // Slots of readers that died with an earlier process would pin pages for ever.
        var cleared: Int32 = 0
        try check(unsafe mdb_reader_check(handle, &cleared), "mdb_reader_check")
    }

    /// LMDB maps the file without comparing its length with the page count in its header; reading
    /// beyond the end would kill the process with SIGBUS.
    private static func checkFileLength(
        _ handle: OpaquePointer,
        _ path: String
    ) throws(StoreError) {
        var info = unsafe MDB_envinfo()
        var status = MDB_stat()
        try check(unsafe mdb_env_info(handle, &info), "mdb_env_info")
        try check(unsafe mdb_env_stat(handle, &status), "mdb_env_stat")
        guard let file = try FileDescriptor.open(path, O_RDONLY) else {
            throw .corrupt("database file is missing")
        }
        let have = try file.size()
        let want = UInt64(unsafe info.me_last_pgno + 1) * UInt64(status.ms_psize)
        // A new file's second header page may not have been followed by data yet.
        guard have >= want else {
            throw .corrupt("database file has \(have) bytes, its header says \(want)")
        }
    }
}

/// LMDB's assertions end the process with their text instead of `abort()`.
private func assertionFailed(_ text: UnsafePointer<CChar>?) {
    let reason = unsafe text.map { unsafe String(cString: $0) } ?? "unknown"
    let finding = "LMDB found its own data inconsistent: \(reason)"
    SuspectMarker.leave(because: finding)
    endProcess(finding)
}

/// Handles of the named tables, opened once.
struct Tables: Sendable {
    /// `maxdbs`: room for the tables of later steps.
    static let countMax: UInt32 = 16

    let hard: UInt32
    let logHeaders: UInt32
    let logBodies: UInt32
    let state: UInt32
    let requests: UInt32
    let digest: UInt32
    /// What a row of `state` has no room for: see ``RecordShape``.
    let pieces: UInt32

    /// Every table, for what looks at everything.
    var all: [UInt32] { [hard, logHeaders, logBodies, state, requests, digest, pieces] }

    /// - Parameter format: the folder's. Format 1 had no table `digest`, and none below 4 table
    ///   `pieces`; 0 had none at all.
    init(
        in environment: OpaquePointer,
        _ path: String,
        format: UInt64
    ) throws(StoreError) {
        var begun: OpaquePointer?
        let mode = format < DataFolder.formatVersion ? 0 : UInt32(MDB_RDONLY)
        try check(unsafe mdb_txn_begin(environment, nil, mode, &begun), "mdb_txn_begin")
        guard let transaction = unsafe begun else {
            throw .lmdb(code: 0, operation: "mdb_txn_begin")
        }
        func flags(since first: UInt64) -> UInt32 { format < first ? UInt32(MDB_CREATE) : 0 }
        let create = flags(since: 1)
        do throws(StoreError) {
            hard = try unsafe Self.open("hard", create, transaction)
            logHeaders = try unsafe Self.open("lhdr", create | UInt32(MDB_INTEGERKEY), transaction)
            logBodies = try unsafe Self.open("lbody", create, transaction)
            state = try unsafe Self.open("state", create, transaction)
            requests = try unsafe Self.open("requests", create, transaction)
            digest = try unsafe Self.open("digest", flags(since: 2), transaction)
            pieces = try unsafe Self.open("pieces", flags(since: 4), transaction)
        } catch {
            unsafe mdb_txn_abort(transaction)
            throw error
        }
        try checkCommit(unsafe mdb_txn_commit(transaction), path)
    }

    private static func open(
        _ name: String,
        _ flags: UInt32,
        _ transaction: OpaquePointer
    ) throws(StoreError) -> UInt32 {
        var table: UInt32 = 0
        let code = unsafe mdb_dbi_open(transaction, name, flags, &table)
        if code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE {
            throw .corrupt("table \(name) is missing from the database or is of another kind")
        }
        try check(code, "mdb_dbi_open")
        return table
    }
}

/// Turns an LMDB code into an error.
func check(_ code: Int32, _ operation: String) throws(StoreError) {
    switch code {
    case MDB_SUCCESS: return
    case MDB_MAP_FULL: throw .full
    case MDB_PANIC: endProcess("\(operation) reports that an earlier write failed half-way")
    // A transaction is bad after one of its own calls failed, and every failure that is seen here
    // ends it: what is left is damage that LMDB met on its own account. A key exists only where one
    // is appended that follows the log's end by all that is known: then the table's end is wrong.
    case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_PAGE_FULL,
        MDB_CURSOR_FULL, MDB_BAD_TXN, MDB_KEYEXIST:
        if SuspectMarker.isArmed {
            let reason = "\(operation) found the database damaged (LMDB code \(code))"
            // A walk that only reads may not meet what a writer met.
            SuspectMarker.leave(because: reason)
            endProcess(reason)
        }
        throw .corrupt(StoreError.lmdb(code: code, operation: operation).summary)
    default: throw .lmdb(code: code, operation: operation)
    }
}

/// As ``check(_:_:)`` inside a write transaction, where LMDB may already write pages: an error
/// number of the system ends the process.
func checkWrite(_ code: Int32, _ operation: String) throws(StoreError) {
    let isCallerError = code == EINVAL || code == EACCES || code == ENOMEM
    if code > 0 && !isCallerError {
        endProcess("\(operation) (a write of pages)", on: DataFolder.databaseName, code: code)
    }
    try check(code, operation)
}

/// As ``check(_:_:)`` for a commit to the file at `path`: every error number of the system ends
/// the process. LMDB does not tell which of its calls failed.
func checkCommit(_ code: Int32, _ path: String) throws(StoreError) {
    if code > 0 {
        HeaderCheck.takeOut(after: path)
        endProcess("commit (write, fdatasync, O_DSYNC write of the header)", on: path, code: code)
    }
    try check(code, "mdb_txn_commit")
}
