import CLMDB
import Glibc
import Synchronization
import Wire

/// The folder of one node: who may use it, which format it has, where its files are.
///
/// `FORMAT` is written last when a folder is made. So where it is, vote file and database must be;
/// where it is not, the making was interrupted and may be done again, as long as nothing was
/// stored. The lock is held until this value goes.
final class DataFolder: Sendable {
    /// The format that this program writes, and the highest that it opens.
    ///
    /// Format 1 had no table `digest`, format 2 no row for the requests in it: a program that knows
    /// no other does not keep it. Format 3 had no records in pieces: they would look damaged to it.
    /// Up to format 4 the file had no checksum: one flipped bit made the folder one of a newer
    /// program, which nobody repairs, or of an older one, whose digest is added up anew from what
    /// is left. Format 5 had no transaction in its hard point: a program that knows no other would
    /// call today's damaged, and put the database aside.
    static let formatVersion: UInt64 = 6
    private static let formatPrefix = "holdfast store "

    let path: String
    private let lock: FileDescriptor

    /// The database of generation 0; later generations have their number in the name.
    static let databaseName = "holdfast.mdb"
    /// The generation that ``LiveMarker`` names.
    private let live: Atomic<UInt64>
    /// The highest generation that has, or had, a file.
    private let newest: Atomic<UInt64>

    /// The live database.
    var databasePath: String { databasePath(liveGeneration) }
    var liveGeneration: UInt64 { live.load(ordering: .acquiring) }
    var votePath: String { path + "/vote" }
    var formatPath: String { path + "/FORMAT" }

    /// Makes the folder durably if it is missing (mode 0700), refuses network file systems, and
    /// takes the lock.
    ///
    /// - Throws: ``StoreError/lockedByAnother(processID:)``,
    ///   ``StoreError/networkFileSystem(path:kind:)``,
    ///   ``StoreError/system(code:operation:path:)``.
    init(_ given: String) throws(StoreError) {
        var path = given
        while path.count > 1 && path.hasSuffix("/") { path.removeLast() }
        let isMade = unsafe mkdir(path, 0o700) == 0
        guard isMade || errno == EEXIST else {
            throw .system(code: errno, operation: "mkdir", path: path)
        }
        guard unsafe chmod(path, 0o700) == 0 else {
            throw .system(code: errno, operation: "chmod", path: path)
        }
        try Self.refuseNetworkFileSystem(path)
        if isMade { try syncFolder(parentFolder(of: path)) }
        let lock = try Self.takeLock(path + "/LOCK")
        let generations = try Self.generations(in: path)
        self.path = path
        self.lock = lock
        live = Atomic(try LiveMarker.generation(in: path, among: generations))
        newest = Atomic(generations.max() ?? 0)
    }

    /// A generation that no file has or had.
    func nextGeneration() -> UInt64 {
        newest.add(1, ordering: .relaxed).newValue
    }

    /// ``LiveMarker`` names another generation now.
    func setLive(_ generation: UInt64) {
        live.store(generation, ordering: .releasing)
    }

    /// The folder's format, or nil when its making never finished.
    ///
    /// - Throws: ``StoreError/wrongFormat(have:want:)`` for a newer one.
    func format() throws(StoreError) -> UInt64? {
        guard let file = try FileDescriptor.open(formatPath, O_RDONLY) else { return nil }
        let bytes = try file.read(64, at: 0)
        guard let version = Self.version(saidBy: bytes) else {
            throw .corrupt("FORMAT does not say \"\(Self.formatPrefix)\(Self.formatVersion)\"")
        }
        guard version <= Self.formatVersion else {
            throw .wrongFormat(have: version, want: Self.formatVersion)
        }
        return version
    }

    /// Nil when it is not exactly what a program writes.
    private static func version(saidBy bytes: [UInt8]) -> UInt64? {
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(formatPrefix),
            let version = UInt64(text.dropFirst(formatPrefix.count).prefix { $0.isWholeNumber }),
            version > 0, formatText(version) == text
        else { return nil }
        return version
    }

    private static func formatText(_ version: UInt64) -> String {
        let text = "\(formatPrefix)\(version)"
        guard version > 4 else { return text + "\n" }
        var writer = ByteWriter(capacity: 4)
        writer.writeUInt32(crc32c(Array(text.utf8)))
        return "\(text) \(Hex.encode(writer.bytes))\n"
    }

    /// Says durably that the folder is complete.
    func writeFormat() throws(StoreError) {
        let text = Self.formatText(Self.formatVersion)
        try replaceFile(formatPath, with: Array(text.utf8), in: path)
    }

    private static func takeLock(_ path: String) throws(StoreError) -> FileDescriptor {
        guard let file = try FileDescriptor.open(path, O_RDWR | O_CREAT) else {
            throw .system(code: ENOENT, operation: "open", path: path)
        }
        guard try lock(file) else {
            let text = String(decoding: try file.read(16, at: 0), as: UTF8.self)
            throw .lockedByAnother(processID: Int32(text.prefix { $0.isNumber }))
        }
        guard ftruncate(file.number, 0) == 0 else { throw file.failure("ftruncate") }
        try file.write(Array("\(getpid())\n".utf8), at: 0)
        return file
    }

    /// Takes the lock, asking for a second: an owner that has just ended may have left a child
    /// between fork and exec, which holds the lock until then.
    private static func lock(_ file: borrowing FileDescriptor) throws(StoreError) -> Bool {
        for attempt in 0..<StoreLimits.lockAttemptsMax {
            if attempt > 0 { usleep(StoreLimits.lockPauseMicroseconds) }
            if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return true }
            guard errno == EWOULDBLOCK else { throw file.failure("flock") }
        }
        return false
    }

    /// LMDB needs a coherent map and locks that work: no network file system gives both.
    private static func refuseNetworkFileSystem(_ path: String) throws(StoreError) {
        var status = statfs()
        guard unsafe statfs(path, &status) == 0 else {
            throw .system(code: errno, operation: "statfs", path: path)
        }
        let magic = UInt32(truncatingIfNeeded: status.f_type)
        if let kind = networkFileSystems.first(where: { $0.magic == magic }) {
            throw .networkFileSystem(path: path, kind: kind.name)
        }
    }

    /// Magic numbers of `statfs(2)` and `linux/magic.h`.
    private static let networkFileSystems: [(magic: UInt32, name: String)] = [
        (0x6969, "NFS"), (0xFF53_4D42, "CIFS"), (0xFE53_4D42, "SMB2"), (0x517B, "SMB"),
        (0x00C3_6400, "Ceph"), (0x5346_414F, "AFS"), (0x7375_7245, "Coda"), (0x564C, "NCP"),
        (0x0BD0_0BD0, "Lustre"), (0x0102_1997, "9P"),
    ]
}

/// Bytes that an unprivileged process can still write on the file system of `path`.
func diskRoomBytes(_ path: String) throws(StoreError) -> UInt64 {
    var status = statfs()
    guard unsafe statfs(path, &status) == 0 else {
        throw .system(code: errno, operation: "statfs", path: path)
    }
    return UInt64(max(0, status.f_bsize)) &* UInt64(status.f_bavail)
}
