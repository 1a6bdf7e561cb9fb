import Glibc
import Wire

/// Puts a damaged database aside and makes room for a new one, which the other members fill.
///
/// The new one begins a new life: an incarnation that nobody has admitted, so this node's votes
/// and acknowledgements count for nothing until the members have taken it back. The vote file
/// stays if it is sound, so the node does not even go back in term.
///
/// Steps, each durable before the next; a crash anywhere is finished by the next start, because
/// `REBUILD` says how far it came:
/// ```
/// REBUILD (stage 1: reason, new cluster record)
///   database → quarantine/, FORMAT removed
/// REBUILD (stage 2)
///   new database with the new cluster record, vote file if there is none, FORMAT
/// REBUILD removed
/// ```
struct Rebuild: Equatable {
    enum Stage: UInt8 {
        /// The old database may still be in its place.
        case moving = 1
        /// It is in quarantine; the new one may be incomplete.
        case making = 2
    }

    static let name = "REBUILD"
    static let quarantineName = "quarantine"
    /// Bytes of a reason that are kept.
    static let reasonBytesMax = 4 << 10

    var stage: Stage
    let reason: String
    /// Of the new life.
    let cluster: ClusterRecord

    /// Layout: stage u8 · reason string · cluster record blob.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(stage.rawValue)
        writer.writeString(String(reason.prefix(Self.reasonBytesMax / 4)))
        writer.writeBlob(cluster.encoded())
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    init(stage: Stage, reason: String, cluster: ClusterRecord) {
        self.stage = stage
        self.reason = reason
        self.cluster = cluster
    }

    /// The rebuild that an earlier process began in this folder, if any.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` for a file that cannot be read.
    init?(in folder: String) throws(StoreError) {
        guard let file = try FileDescriptor.open(folder + "/" + Self.name, O_RDONLY) else {
            return nil
        }
        let size = ClusterRecord.encodedBytesMax + Self.reasonBytesMax + 64
        let bytes = try file.read(size, at: 0)
        var reader = ByteReader(bytes.dropLast(4))
        var checksum = ByteReader(bytes.suffix(4))
        do {
            guard try checksum.readUInt32() == crc32c(bytes.dropLast(4)) else {
                throw WireError.malformed("checksum")
            }
            let code = try reader.readUInt8()
            guard let stage = Stage(rawValue: code) else {
                throw WireError.malformed("stage \(code)")
            }
            self.stage = stage
            reason = try reader.readString(atMost: Self.reasonBytesMax)
            cluster = try ClusterRecord(
                decoding: try reader.readBlob(atMost: ClusterRecord.encodedBytesMax)
            )
            try reader.finish()
        } catch {
            throw .corrupt("\(Self.name) is damaged; move the data folder away and join again")
        }
    }

    func write(in folder: String) throws(StoreError) {
        try replaceFile(folder + "/" + Self.name, with: encoded(), in: folder)
    }

    /// Moves the old files away. Only the newest quarantine is kept.
    func moveAway(from folder: DataFolder) throws(StoreError) {
        let target = folder.path + "/" + Self.quarantineName
        guard unsafe mkdir(target, 0o700) == 0 || errno == EEXIST else {
            throw .system(code: errno, operation: "mkdir", path: target)
        }
        if let _ = try FileDescriptor.open(folder.databasePath, O_RDONLY) {
            guard unsafe rename(folder.databasePath, target + "/holdfast.mdb") == 0 else {
                throw .system(code: errno, operation: "rename", path: folder.databasePath)
            }
            try replaceFile(target + "/REASON", with: Array((reason + "\n").utf8), in: target)
        }
        try removeFile(folder.databasePath + "-lock")
        try removeFile(folder.formatPath)
        try syncFolder(folder.path)
    }
}

extension LocalStore {
    /// Puts the database of a folder into `quarantine/` and makes an empty one that belongs to the
    /// same cluster, in a new life. The folder must not be open in this process.
    ///
    /// - Parameters:
    ///   - reason: for whoever looks at the quarantined file later.
    ///   - cluster: with an incarnation that this node never had.
    /// - Throws: a ``StoreError``; the next ``open(folder:options:digest:)`` goes on.
    package static func quarantine(
        folder path: String,
        reason: String,
        cluster: ClusterRecord
    ) throws(StoreError) {
        let folder = try DataFolder(path)
        let rebuild = Rebuild(stage: .moving, reason: reason, cluster: cluster)
        try rebuild.write(in: folder.path)
        // The marker spoke of the old database.
        try SuspectMarker.clear(in: folder.path)
    }

    /// The cluster record as of its last change, from its copy beside the database; nil when that
    /// is missing or damaged too.
    package static func clusterCopy(folder: String) -> ClusterRecord? {
        ClusterFile(folder: folder).read()
    }

    /// For whoever wants to look at a folder that ``open(folder:options:digest:)`` would make.
    ///
    /// - Throws: ``StoreError/system(code:operation:path:)`` when no node ever kept anything there.
    package static func requireMade(folder: String) throws(StoreError) {
        let names = ["/FORMAT", "/" + Rebuild.name]
        guard !names.contains(where: { unsafe access(folder + $0, F_OK) == 0 }) else { return }
        throw .system(code: errno, operation: "looking for a database", path: folder)
    }
}

extension StoreError {
    /// Whether this is damage of the database or vote file: what is there cannot be trusted, and
    /// the other members have it all. Not for faults that a new database would have as well.
    package var isDamage: Bool {
        switch self {
        case .corrupt, .damagedLogHeader, .damagedLogBody, .logGap, .logTailMissing,
            .damagedHardState, .damagedVoteFile, .damagedRecord, .damagedBucket, .damagedRequests:
            true
        default: false
        }
    }
}
