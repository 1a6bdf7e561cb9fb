import Glibc
import Wire

/// What makes a snapshot file this one and no other: files of equal labels have equal bytes.
package struct SnapshotLabel: Sendable, Equatable {
    /// The last entry whose effect the snapshot contains.
    package let index: UInt64
    /// The term of that entry.
    package let term: UInt64
    /// The replicated configuration as of `index`, as its owner encodes it.
    package let configuration: [UInt8]
    /// Bytes of the whole file.
    package let bytes: UInt64
    /// 32 bytes: the digest over the whole file, which are its last bytes, too.
    package let digest: [UInt8]

    private static let formatVersion: UInt8 = 1
    private static let magic: [UInt8] = Array("HFLABEL\n".utf8)
    private static let encodedBytesMax = StoreLimits.configurationBytesMax + 128

    /// - Parameter digest: 32 bytes.
    package init(
        index: UInt64,
        term: UInt64,
        configuration: [UInt8],
        bytes: UInt64,
        digest: [UInt8]
    ) {
        self.index = index
        self.term = term
        self.configuration = configuration
        self.bytes = bytes
        self.digest = digest
    }

    /// The label of a whole file that was written, or verified, just now.
    ///
    /// - Throws: ``StoreError/damagedSnapshot(_:)`` when it is too short for any.
    package init(of manifest: SnapshotManifest, at path: String) throws(StoreError) {
        let file = try ChunkFile(reading: path)
        let size = try file.size()
        let digestBytes = UInt64(StoreLimits.digestBytes)
        guard size > digestBytes else { throw .damagedSnapshot("file ends early") }
        self.init(
            index: manifest.index,
            term: manifest.term,
            configuration: manifest.configuration,
            bytes: size,
            digest: try file.read(at: size - digestBytes, atMost: StoreLimits.digestBytes)
        )
    }

    /// Layout: magic 8 · format u8 · index, term, bytes u64 each · digest 32 · configuration blob ·
    /// CRC-32C u32 over all before it.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 80 + configuration.count)
        writer.writeBytes(Self.magic)
        writer.writeUInt8(Self.formatVersion)
        for number in [index, term, bytes] { writer.writeUInt64(number) }
        writer.writeBytes(digest)
        writer.writeBlob(configuration)
        writer.writeUInt32(crc32c(writer.bytes))
        return writer.bytes
    }

    init(decoding encoded: [UInt8]) throws(WireError) {
        var reader = ByteReader(encoded)
        guard try reader.readBytes(Self.magic.count) == Self.magic else {
            throw .malformed("it does not begin as a label does")
        }
        let format = try reader.readUInt8()
        guard format == Self.formatVersion else { throw .malformed("label format \(format)") }
        index = try reader.readUInt64()
        term = try reader.readUInt64()
        bytes = try reader.readUInt64()
        digest = try reader.readBytes(StoreLimits.digestBytes)
        configuration = try reader.readBlob(atMost: StoreLimits.configurationBytesMax)
        let checksum = try reader.readUInt32()
        try reader.finish()
        guard checksum == crc32c(encoded.dropLast(4)) else {
            throw .malformed("label fails its checksum")
        }
    }

    // MARK: Beside its file

    /// Says durably what the file at `path` is.
    package func write(beside path: String) throws(StoreError) {
        do throws(StoreError) {
            try replaceFile(Self.path(of: path), with: encoded(), in: parentFolder(of: path))
        } catch .system(ENOSPC, _, _) {
            throw .full
        }
    }

    /// What the file at `path` is said to be; nil when nothing readable says it.
    package static func read(beside path: String) -> SnapshotLabel? {
        do {
            guard let file = try FileDescriptor.open(Self.path(of: path), O_RDONLY) else {
                return nil
            }
            return try SnapshotLabel(decoding: try file.read(encodedBytesMax + 1, at: 0))
        } catch {
            return nil
        }
    }

    /// From here on nothing says what the file at `path` is.
    package static func remove(beside path: String) throws(StoreError) {
        try removeFile(Self.path(of: path))
    }

    private static func path(of path: String) -> String { path + ".label" }
}
