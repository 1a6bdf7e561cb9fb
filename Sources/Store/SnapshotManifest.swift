import Wire

/// What a snapshot file is of. The last chunk of the file.
package struct SnapshotManifest: Sendable, Equatable {
    /// The last entry whose effect the snapshot contains.
    package let index: UInt64
    /// The term of that entry.
    package let term: UInt64
    /// 32 bytes: the hash over the log up to that entry.
    package let chainHash: [UInt8]
    /// 32 bytes.
    package let clusterID: [UInt8]
    /// How many disaster recoveries the cluster had seen.
    package let epoch: UInt64
    /// The level of operations that all members knew.
    package let formatLevel: UInt64
    /// The replicated configuration as of `index`, as the caller encoded it.
    package let configuration: [UInt8]
    /// Rows of table `state`.
    package let recordCount: UInt64
    /// Remembered request ids.
    package let requestCount: UInt64
    /// Chunks before the manifest's own.
    package let chunkCount: UInt64
    /// Bytes before the manifest's chunk.
    package let contentBytes: UInt64
    /// 32 bytes over all of it, as ``StateDigest/root``; nil in files of format 1.
    package let stateRoot: [UInt8]?
    /// Cluster time as of `index`, nanoseconds since 1970; 0 in files of formats 1 and 2.
    package let time: UInt64

    private static let formatVersion: UInt8 = 3
    private static let formatWithoutTime: UInt8 = 2
    private static let formatWithoutRoot: UInt8 = 1

    init(
        at end: LogPoint,
        of cluster: ClusterRecord,
        time: UInt64,
        counts: SnapshotCounts,
        stateRoot: [UInt8]
    ) {
        self.stateRoot = stateRoot
        self.time = time
        index = end.index
        term = end.term
        chainHash = end.chainHash
        clusterID = cluster.clusterID
        epoch = cluster.epoch
        formatLevel = cluster.formatLevel
        configuration = cluster.configuration
        recordCount = counts.records
        requestCount = counts.requests
        chunkCount = counts.chunks
        contentBytes = counts.bytes
    }

    var counts: SnapshotCounts {
        SnapshotCounts(
            records: recordCount,
            requests: requestCount,
            chunks: chunkCount,
            bytes: contentBytes
        )
    }

    var end: LogPoint { LogPoint(index: index, term: term, chainHash: chainHash) }

    /// Layout: format u8 · index u64 · term u64 · chain hash 32 · cluster id 32 · epoch, format
    /// level, records, requests, chunks, content bytes u64 each · configuration blob · state root
    /// 32 · cluster time u64. Format 2 ends before the time, format 1 before the root.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 160 + configuration.count)
        writer.writeUInt8(stateRoot == nil ? Self.formatWithoutRoot : Self.formatVersion)
        end.write(into: &writer)
        writer.writeBytes(clusterID)
        for number in [epoch, formatLevel, recordCount, requestCount, chunkCount, contentBytes] {
            writer.writeUInt64(number)
        }
        writer.writeBlob(configuration)
        if let stateRoot {
            writer.writeBytes(stateRoot)
            writer.writeUInt64(time)
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readUInt8()
        guard (Self.formatWithoutRoot...Self.formatVersion).contains(format) else {
            throw .malformed("manifest format \(format)")
        }
        let end = try LogPoint(from: &reader)
        index = end.index
        term = end.term
        chainHash = end.chainHash
        clusterID = try reader.readBytes(StoreLimits.digestBytes)
        epoch = try reader.readUInt64()
        formatLevel = try reader.readUInt64()
        recordCount = try reader.readUInt64()
        requestCount = try reader.readUInt64()
        chunkCount = try reader.readUInt64()
        contentBytes = try reader.readUInt64()
        configuration = try reader.readBlob(atMost: StoreLimits.configurationBytesMax)
        stateRoot =
            format == Self.formatWithoutRoot
            ? nil : try reader.readBytes(StoreLimits.digestBytes)
        time = format > Self.formatWithoutTime ? try reader.readUInt64() : 0
        try reader.finish()
    }
}

/// How much a snapshot file has before its manifest.
struct SnapshotCounts: Sendable, Equatable {
    var records: UInt64 = 0
    var requests: UInt64 = 0
    var chunks: UInt64 = 0
    var bytes: UInt64 = 0
}

/// Shape of a snapshot file: header 16 bytes (magic 8 · format u32 · zero u32), chunks, and 32
/// bytes of digest.
///
/// A chunk is: kind u8 · payload bytes u32 · CRC-32C u32 over kind, length and payload · payload.
/// The digest runs over the file: D₀ = H(header), Dᵢ = H(Dᵢ₋₁ ‖ chunk i), the manifest's chunk
/// last, so it needs no streaming hash.
enum SnapshotShape {
    static let formatVersion: UInt32 = 1
    static let magic: [UInt8] = Array("HFSNAPSH".utf8)
    static let headerBytes = 16
    static let chunkHeaderBytes = 9
    /// A chunk ends with the record that takes it over its target size.
    static let payloadBytesMax =
        StoreLimits.snapshotChunkBytes + StoreLimits.storageKeyBytes + 8
        + Record.headerBytes + StoreLimits.nameBoxBytesMax + StoreLimits.valueBoxBytesMax

    enum Kind: UInt8 {
        /// Records in key order: storage key 32 · record blob.
        case records = 1
        /// Remembered requests in index order: index u64 · id 16.
        case requests = 2
        case manifest = 3
    }

    static var header: [UInt8] {
        var writer = ByteWriter(capacity: headerBytes)
        writer.writeBytes(magic)
        writer.writeUInt32(formatVersion)
        writer.writeUInt32(0)
        return writer.bytes
    }

    static func chunk(_ kind: Kind, _ payload: [UInt8]) -> [UInt8] {
        var writer = ByteWriter(capacity: chunkHeaderBytes + payload.count)
        writer.writeUInt8(kind.rawValue)
        writer.writeUInt32(UInt32(payload.count))
        writer.writeUInt32(crc32c(payload, continuing: crc32c(writer.bytes)))
        writer.writeBytes(payload)
        return writer.bytes
    }
}
