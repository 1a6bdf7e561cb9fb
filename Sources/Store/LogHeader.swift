import Wire

/// One log entry as the store keeps it.
package struct StoredEntry: Sendable, Equatable {
    /// Its place in the log.
    package let index: UInt64
    /// The term of the leader that made it.
    package let term: UInt64
    /// Meaning belongs to the caller.
    package let kind: UInt8
    /// At most ``StoreLimits/entryBytesMax``.
    package let body: [UInt8]

    package init(index: UInt64, term: UInt64, kind: UInt8, body: [UInt8]) {
        self.index = index
        self.term = term
        self.kind = kind
        self.body = body
    }
}

/// SHA-256, given by the caller because this module has no cryptography: any bytes to 32 bytes.
package typealias DigestFunction = @Sendable ([UInt8]) -> [UInt8]

/// A log entry's identity, kept apart from its body so that a damaged body leaves it intact.
///
/// Layout of a row of `lhdr`: format u8 · kind u8 · term u64 · body bytes u32 · body digest 32 ·
/// chain hash 32 · CRC-32C u32 over the index (big-endian) and all before it.
struct LogHeader: Sendable, Equatable {
    static let formatVersion: UInt8 = 1
    static let encodedBytes = 14 + 2 * StoreLimits.digestBytes + 4

    let index: UInt64
    let term: UInt64
    let kind: UInt8
    let bodyBytes: Int
    let bodyDigest: [UInt8]
    /// H(chain hash of the entry before ‖ index ‖ format, kind, term, body bytes ‖ body digest):
    /// two logs with equal hashes at an index are equal up to it.
    let chainHash: [UInt8]

    /// The header of an entry that follows the one with `previousHash`.
    init(_ entry: StoredEntry, after previousHash: [UInt8], digest: DigestFunction) {
        index = entry.index
        term = entry.term
        kind = entry.kind
        bodyBytes = entry.body.count
        bodyDigest = digest(entry.body)
        chainHash = Self.chain(
            previousHash,
            index,
            Self.identity(kind, term, entry.body.count),
            bodyDigest,
            digest
        )
    }

    /// Reads a row and checks its checksum.
    ///
    /// - Throws: ``StoreError/damagedLogHeader(index:reason:)``.
    init(decoding bytes: [UInt8], index: UInt64) throws(StoreError) {
        guard bytes.count == Self.encodedBytes else {
            throw .damagedLogHeader(index: index, reason: "it has \(bytes.count) bytes")
        }
        var reader = ByteReader(bytes)
        do throws(WireError) {
            let format = try reader.readUInt8()
            kind = try reader.readUInt8()
            term = try reader.readUInt64()
            bodyBytes = Int(try reader.readUInt32())
            bodyDigest = try reader.readBytes(StoreLimits.digestBytes)
            chainHash = try reader.readBytes(StoreLimits.digestBytes)
            let stored = try reader.readUInt32()
            guard stored == Self.checksum(bytes.dropLast(4), index) else {
                throw .malformed("checksum")
            }
            guard format == Self.formatVersion, bodyBytes <= StoreLimits.entryBytesMax else {
                throw .malformed("format \(format), body of \(bodyBytes) bytes")
            }
        } catch {
            throw .damagedLogHeader(index: index, reason: error.summary)
        }
        self.index = index
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: Self.encodedBytes)
        writer.writeBytes(Self.identity(kind, term, bodyBytes))
        writer.writeBytes(bodyDigest)
        writer.writeBytes(chainHash)
        writer.writeUInt32(Self.checksum(writer.bytes[...], index))
        return writer.bytes
    }

    /// Whether the chain hash is the one that follows `previousHash`.
    func follows(_ previousHash: [UInt8], digest: DigestFunction) -> Bool {
        let identity = Self.identity(kind, term, bodyBytes)
        return chainHash == Self.chain(previousHash, index, identity, bodyDigest, digest)
    }

    /// Rows of `lbody` that the body takes.
    var chunkCount: Int {
        (bodyBytes + StoreLimits.bodyChunkBytes - 1) / StoreLimits.bodyChunkBytes
    }

    var point: LogPoint { LogPoint(index: index, term: term, chainHash: chainHash) }

    private static func identity(_ kind: UInt8, _ term: UInt64, _ bodyBytes: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: 14)
        writer.writeUInt8(formatVersion)
        writer.writeUInt8(kind)
        writer.writeUInt64(term)
        writer.writeUInt32(UInt32(bodyBytes))
        return writer.bytes
    }

    private static func chain(
        _ previousHash: [UInt8],
        _ index: UInt64,
        _ identity: [UInt8],
        _ bodyDigest: [UInt8],
        _ digest: DigestFunction
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.writeBytes(previousHash)
        writer.writeUInt64(index)
        writer.writeBytes(identity)
        writer.writeBytes(bodyDigest)
        return digest(writer.bytes)
    }

    private static func checksum(_ bytes: ArraySlice<UInt8>, _ index: UInt64) -> UInt32 {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(index)
        return crc32c(bytes, continuing: crc32c(writer.bytes))
    }
}
