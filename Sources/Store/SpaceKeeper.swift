import CLMDB
import Glibc

/// Extends the database file ahead of need and knows how much room is left. Writer thread only.
///
/// A step is reserved with `posix_fallocate`, which costs no time, then filled with zeros a slice
/// at a time when the writer is idle: a commit into blocks that were never written also has to
/// flush the file system's record of them (measured here: 229 µs instead of 312 µs a commit).
/// Zeros go only beyond LMDB's last used page, with no transaction open, so nothing is overwritten.
struct SpaceKeeper {
    /// Zeros written by one call.
    static let sliceBytes: UInt64 = 2 << 20
    /// A write transaction is refused when less than this is certain: failing half-way in a commit
    /// would end the process.
    static let transactionRoomBytes: UInt64 = 8 << 20

    private let environment: Environment
    private let stepBytes: UInt64
    private let reserveBytes: UInt64
    private let descriptor: Int32
    private var fileBytes: UInt64 = 0
    private var zeroedBytes: UInt64 = 0

    init(_ environment: Environment, options: StoreOptions) throws(StoreError) {
        self.environment = environment
        stepBytes = options.preallocateStepBytes
        reserveBytes = options.reserveBytes
        descriptor = try environment.dataDescriptor()
        fileBytes = try Self.size(descriptor, environment.folder.databasePath)
        // Whether an earlier process finished its zeros is not known, and only speed depends on it.
        zeroedBytes = fileBytes
    }

    /// A few milliseconds of work towards having one step ahead, at most.
    ///
    /// - Returns: bytes of zeros that were written and synced; 0 when there is nothing to do.
    /// - Throws: ``StoreError/full`` when the disk has no room for a step; that is no damage.
    mutating func extend() throws(StoreError) -> UInt64 {
        let used = environment.usedBytes
        if fileBytes < min(used + stepBytes, environment.mapBytes) {
            try allocate()
        }
        let start = max(zeroedBytes, used)
        let end = min(fileBytes, start + Self.sliceBytes)
        guard start < end else { return 0 }
        try writeZeros(start, end)
        zeroedBytes = end
        return end - start
    }

    /// Whether ``extend()`` has more to do.
    var isBehind: Bool {
        max(zeroedBytes, environment.usedBytes) < fileBytes
    }

    /// Called before a write transaction.
    ///
    /// - Throws: ``StoreError/full`` when its pages might find no room.
    mutating func requireRoom() throws(StoreError) {
        let used = environment.usedBytes
        if fileBytes >= used + Self.transactionRoomBytes { return }
        do throws(StoreError) {
            try allocate()
        } catch .full {
            let reusable = try reusableBytes()
            guard fileBytes + reusable >= used + Self.transactionRoomBytes / 2 else { throw .full }
        }
    }

    /// Bytes that the database can still grow by. Below the reserve, pages inside the file that
    /// are free again count too, so that deleting makes room; counting them takes a walk, so not
    /// otherwise.
    func roomBytes() throws(StoreError) -> UInt64 {
        let used = environment.usedBytes
        let ahead = fileBytes - min(used, fileBytes)
        let disk = ahead + (try diskRoomBytes(environment.folder.path))
        let map = environment.mapBytes - min(used, environment.mapBytes)
        let room = min(disk, map)
        return room > reserveBytes ? room : room + (try reusableBytes())
    }

    private mutating func allocate() throws(StoreError) {
        let target = min(fileBytes + stepBytes, environment.mapBytes)
        guard target > fileBytes else { throw .full }
        var code: Int32
        repeat {
            code = posix_fallocate(descriptor, off_t(fileBytes), off_t(target - fileBytes))
        } while code == EINTR
        // A failed call may have extended the file part of the way.
        fileBytes = try Self.size(descriptor, environment.folder.databasePath)
        switch code {
        case 0: return
        case ENOSPC, EDQUOT, EFBIG: throw .full
        default:
            throw .system(
                code: code,
                operation: "posix_fallocate",
                path: environment.folder.databasePath
            )
        }
    }

    private func writeZeros(_ start: UInt64, _ end: UInt64) throws(StoreError) {
        let zeros = [UInt8](repeating: 0, count: Int(end - start))
        let written = unsafe zeros.withUnsafeBytes { bytes in
            unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(start))
        }
        // The blocks are reserved already; what is not written stays correct and only slower.
        guard written == zeros.count else { throw .full }
        guard fdatasync(descriptor) == 0 else {
            endProcess("fdatasync", on: environment.folder.databasePath, code: errno)
        }
    }

    /// Pages inside the file that LMDB may use again, from its free list (table 0).
    private func reusableBytes() throws(StoreError) -> UInt64 {
        var begun: OpaquePointer?
        try check(
            unsafe mdb_txn_begin(environment.handle, nil, UInt32(MDB_RDONLY), &begun),
            "mdb_txn_begin"
        )
        guard let transaction = unsafe begun else { return 0 }
        defer { unsafe mdb_txn_abort(transaction) }
        var pages: UInt64 = 0
        var cursor = try Cursor(0, in: unsafe Transaction(transaction))
        while try cursor.next() {
            let count = unsafe cursor.value
            guard count.count >= 8 else { continue }
            pages += unsafe count.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        }
        return pages * environment.pageBytes
    }

    private static func size(_ descriptor: Int32, _ path: String) throws(StoreError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .system(code: errno, operation: "fstat", path: path)
        }
        return UInt64(max(0, status.st_size))
    }
}
