import Glibc
import Wire

/// A snapshot file that is arriving, and that an arrival can go on with after a crash.
///
/// Beside the bytes lie two files: the ``SnapshotLabel``, written once, and a progress mark that
/// says how many bytes are surely on disk. The mark is written after the bytes were synced, and
/// never synced itself: an older mark costs some bytes that are sent again, nothing else. What
/// arrived after the mark is cut off when the arrival goes on.
///
/// Mark: bytes u64 · CRC-32C u32 over them and the label's digest, so it goes with no other file.
package struct PartialSnapshot: ~Copyable {
    /// What the file will be when it is whole.
    package let label: SnapshotLabel
    /// Bytes written.
    package private(set) var offset: UInt64
    private var settled: UInt64
    private let path: String
    private let file: ChunkFile
    private let mark: ChunkFile

    /// Bytes that a crash may cost. They are written at once; only the flush waits.
    static let unsettledBytesMax: UInt64 = 32 << 20
    private static let markBytes = 12

    /// Begins anew, in the place of whatever is at `path`.
    package init(creating path: String, label: SnapshotLabel) throws(StoreError) {
        try Self.remove(path)
        let file = try ChunkFile(creating: path)
        let mark = try ChunkFile(creating: Self.markPath(path))
        try label.write(beside: path)
        self.init(path, label, offset: 0, file, mark)
    }

    /// What is at `path`, to go on with; nil when nothing there is of use.
    package static func resume(_ path: String) throws(StoreError) -> PartialSnapshot? {
        guard let label = SnapshotLabel.read(beside: path) else { return nil }
        guard let file = try ChunkFile.existing(path) else { return nil }
        guard let mark = try ChunkFile.existing(markPath(path)) else { return nil }
        guard let settled = try Self.read(mark, label), settled > 0, settled <= label.bytes,
            try file.size() >= settled
        else { return nil }
        try file.cut(to: settled)
        return PartialSnapshot(path, label, offset: settled, file, mark)
    }

    private init(
        _ path: String,
        _ label: SnapshotLabel,
        offset: UInt64,
        _ file: consuming ChunkFile,
        _ mark: consuming ChunkFile
    ) {
        self.path = path
        self.label = label
        self.offset = offset
        settled = offset
        self.file = file
        self.mark = mark
    }

    /// All bytes are written.
    package var isWhole: Bool { offset == label.bytes }

    /// Adds bytes at the end, and has them written, so that no sync of the log beside them finds
    /// many waiting.
    ///
    /// - Throws: ``StoreError/full`` when the disk has no room; nothing was added then.
    package mutating func append(_ bytes: [UInt8]) throws(StoreError) {
        precondition(UInt64(bytes.count) <= label.bytes - offset, "more than the whole file")
        do throws(StoreError) {
            try file.write(bytes, at: offset)
        } catch .system(ENOSPC, _, _) {
            throw .full
        }
        try file.writeOut(offset, UInt64(bytes.count))
        offset += UInt64(bytes.count)
        if offset - settled >= Self.unsettledBytesMax || isWhole { try settle() }
    }

    /// Has everything that was written put on disk, and says so in the mark.
    package mutating func settle() throws(StoreError) {
        guard offset > settled else { return }
        try file.settle()
        file.forget(settled, offset - settled)
        settled = offset
        var writer = ByteWriter(capacity: Self.markBytes)
        writer.writeUInt64(settled)
        writer.writeUInt32(crc32c(label.digest, continuing: crc32c(writer.bytes)))
        try mark.write(writer.bytes, at: 0)
    }

    /// Gives the file, whole, its own name, and removes what lies beside it.
    package consuming func finish(as newPath: String) throws(StoreError) {
        precondition(isWhole, "only a whole file has a name of its own")
        try SnapshotLabel.remove(beside: path)
        try removeFile(Self.markPath(path))
        try ChunkFile.rename(path, to: newPath)
    }

    /// Removes the file and what lies beside it. What is not there is fine.
    package static func remove(_ path: String) throws(StoreError) {
        // The label first: without it nothing means anything.
        try SnapshotLabel.remove(beside: path)
        try removeFile(markPath(path))
        try removeFile(path)
    }

    private static func markPath(_ path: String) -> String { path + ".mark" }

    private static func read(
        _ mark: borrowing ChunkFile,
        _ label: SnapshotLabel
    ) throws(StoreError) -> UInt64? {
        var reader = ByteReader(try mark.read(at: 0, atMost: markBytes + 1))
        do throws(WireError) {
            let settled = try reader.readUInt64()
            let checksum = try reader.readUInt32()
            try reader.finish()
            var writer = ByteWriter(capacity: markBytes)
            writer.writeUInt64(settled)
            let sum = crc32c(label.digest, continuing: crc32c(writer.bytes))
            return sum == checksum ? settled : nil
        } catch {
            return nil
        }
    }
}
