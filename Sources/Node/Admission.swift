import Raft
import Wire

/// What a node that joins has to know before it can start: whom it belongs to.
///
/// Layout: format u8 · cluster id 32 · epoch, format level u64 each · configuration blob.
struct Admission: Equatable, Sendable {
    /// Digest of the canonical initial configuration, 32 bytes.
    let clusterID: [UInt8]
    /// Of the cluster, as the leader has it.
    let epoch: UInt64
    let formatLevel: UInt64
    /// With the new node in it.
    let configuration: Configuration

    private static let formatVersion: UInt8 = 2

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 512)
        writer.writeUInt8(Self.formatVersion)
        writer.writeBytes(clusterID)
        writer.writeUInt64(epoch)
        writer.writeUInt64(formatLevel)
        writer.writeBlob(configuration.encoded())
        return writer.bytes
    }

    init(
        clusterID: [UInt8],
        epoch: UInt64,
        formatLevel: UInt64,
        configuration: Configuration
    ) {
        precondition(clusterID.count == 32, "a cluster id has 32 bytes")
        self.clusterID = clusterID
        self.epoch = epoch
        self.formatLevel = formatLevel
        self.configuration = configuration
    }

    /// - Throws: `WireError` for anything that ``encoded()`` cannot have made.
    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(Self.formatVersion, of: "an admission")
        clusterID = try reader.readBytes(32)
        epoch = try reader.readUInt64()
        formatLevel = try reader.readUInt64()
        configuration = try Configuration(decoding: try reader.readBlob(atMost: 64 << 10))
        try reader.finish()
    }
}
