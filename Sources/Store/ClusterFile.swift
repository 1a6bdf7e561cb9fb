import Glibc

/// A copy of the ``ClusterRecord`` beside the database, for the day on which the database cannot
/// be read: a node must know whom it belongs to before it can ask the others for its state.
///
/// The record has its own checksum. The boot counter in it is as of the last other change.
struct ClusterFile: Sendable {
    static let name = "cluster"
    let folder: String

    private var path: String { folder + "/" + Self.name }

    /// The copy, or nil when it is missing or damaged.
    func read() -> ClusterRecord? {
        do throws(StoreError) {
            guard let file = try FileDescriptor.open(path, O_RDONLY) else { return nil }
            let bytes = try file.read(ClusterRecord.encodedBytesMax + 1, at: 0)
            return try ClusterRecord(decoding: bytes)
        } catch {
            return nil
        }
    }

    /// Replaces the copy durably.
    func write(_ record: ClusterRecord) throws(StoreError) {
        try replaceFile(path, with: record.encoded(), in: folder)
    }
}

/// Gives `path` new content, durably: there is the old or the new, at any moment.
func replaceFile(_ path: String, with bytes: [UInt8], in folder: String) throws(StoreError) {
    let temporary = path + ".new"
    try removeFile(temporary)
    do {
        guard let file = try FileDescriptor.open(temporary, O_WRONLY | O_CREAT | O_EXCL) else {
            throw .system(code: ENOENT, operation: "open", path: temporary)
        }
        try file.write(bytes, at: 0)
        file.sync()
    }
    try renameDurably(temporary, to: path, in: folder)
}
