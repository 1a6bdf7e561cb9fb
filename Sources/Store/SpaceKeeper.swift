import Glibc

/// Extends the database file ahead of need and knows how much room is left. Writer thread only.
///
/// A step is reserved with `posix_fallocate`, which costs no time, then filled with zeros a slice
/// at a time when the writer is idle: a commit into blocks that were never written also has to
/// flush the file system's record of them (measured here: 229 µs instead of 312 µs a commit).
/// Zeros go only beyond LMDB's last used page, with no transaction open, so nothing is overwritten.
///
/// Beyond the step lies the reserve: blocks of the file system that are this database's already, so
/// that a disk which others have filled still takes votes, truncations and deletes.
struct SpaceKeeper {
    /// Zeros written by one call.
    static let sliceBytes: UInt64 = 2 << 20
    /// A write transaction is refused when less than this is certain: failing half-way in a commit
    /// would end the process.
    static let transactionRoomBytes: UInt64 = 8 << 20
    /// What is left to others of a disk's last room: small files in the data folder (the copy of
    /// the cluster record, the marker of the live database) are written anew, beside the old one.
    static let spareBytes: UInt64 = 4 << 20

    private let environment: Environment
    private let stepBytes: UInt64
    private let reserveBytes: UInt64
    /// Less than this of the disk's last room is not worth a call.
    private static let smallestStepBytes: UInt64 = 1 << 20
    private let descriptor: Int32
    private var fileBytes: UInt64 = 0
    private var zeroedBytes: UInt64 = 0
    private var zeroTarget: UInt64 = 0
    /// The last call for room failed; the next is made when the writer is idle.
    private var isDiskFull = false

    init(_ environment: Environment, options: StoreOptions) throws(StoreError) {
        self.environment = environment
        stepBytes = options.preallocateStepBytes
        reserveBytes = options.reserveBytes
        descriptor = try environment.dataDescriptor()
        fileBytes = try environment.fileBytes()
        // Whether an earlier process finished its zeros is not known, and only speed depends on it.
        zeroedBytes = fileBytes - min(fileBytes, reserveBytes)
        zeroTarget = zeroedBytes
    }

    /// A few milliseconds of work towards having one step ahead, at most.
    ///
    /// - Returns: bytes of zeros that were written and synced; 0 when there is nothing to do.
    /// - Throws: ``StoreError/full`` when the disk has no room for a step; that is no damage.
    mutating func extend() throws(StoreError) -> UInt64 {
        let used = environment.usedBytes
        if fileBytes < min(used + stepBytes + reserveBytes, environment.mapBytes) {
            try allocate()
        }
        let start = max(zeroedBytes, used)
        // Half a step at a time: each page that is taken would be a slice of its own otherwise.
        if start < min(fileBytes, used + stepBytes / 2) {
            zeroTarget = min(fileBytes, used + stepBytes)
        }
        let end = min(zeroTarget, start + Self.sliceBytes)
        guard start < end else { return 0 }
        try writeZeros(start, end)
        zeroedBytes = end
        return end - start
    }

    /// Whether ``extend()`` has more to do.
    var isBehind: Bool {
        max(zeroedBytes, environment.usedBytes) < zeroTarget
    }

    /// Called before a write transaction.
    ///
    /// - Throws: ``StoreError/full`` when its pages might find no room.
    mutating func requireRoom() throws(StoreError) {
        let used = environment.usedBytes
        let ahead = fileBytes - min(used, fileBytes)
        if ahead >= Self.transactionRoomBytes && (isDiskFull || ahead >= reserveBytes) { return }
        do throws(StoreError) {
            try allocate()
        } catch .full {
            if ahead >= Self.transactionRoomBytes { return }
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
        let disk = ahead + (try unspared())
        let map = environment.mapBytes - min(used, environment.mapBytes)
        let room = min(disk, map)
        return room > reserveBytes ? room : room + (try reusableBytes())
    }

    /// Bytes of the disk that the file may take.
    private func unspared() throws(StoreError) -> UInt64 {
        let free = try diskRoomBytes(environment.folder.path)
        return free - min(free, Self.spareBytes)
    }

    /// Reserves a step and what is missing of the reserve, or as much of it as the disk has left.
    private mutating func allocate() throws(StoreError) {
        let wanted = max(fileBytes + stepBytes, environment.usedBytes + stepBytes + reserveBytes)
        var target = min(wanted, environment.mapBytes, fileBytes + (try unspared()))
        isDiskFull = true
        guard target > fileBytes else { throw .full }
        let before = fileBytes
        while true {
            do throws(StoreError) {
                try allocate(through: target)
                isDiskFull = fileBytes < min(wanted, environment.mapBytes)
                return
            } catch .full {
                let missing = target - min(target, fileBytes)
                target = fileBytes + missing / 2
                if missing / 2 >= Self.smallestStepBytes { continue }
                if fileBytes > before { return }
                throw .full
            }
        }
    }

    private mutating func allocate(through target: UInt64) throws(StoreError) {
        var code: Int32
        repeat {
            code = posix_fallocate(descriptor, off_t(fileBytes), off_t(target - fileBytes))
        } while code == EINTR
        // A failed call may have extended the file part of the way.
        fileBytes = try environment.fileBytes()
        switch code {
        case 0: return
        case ENOSPC, EDQUOT, EFBIG: throw .full
        default:
            throw .system(
                code: code,
                operation: "posix_fallocate",
                path: environment.path
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
            endProcess("fdatasync", on: environment.path, code: errno)
        }
    }

    /// Pages inside the file that LMDB may use again.
    private func reusableBytes() throws(StoreError) -> UInt64 {
        try environment.withFreshRead { (transaction) throws(StoreError) in
            try FreeList(transaction).pages * environment.pageBytes
        } ?? 0
    }
}
