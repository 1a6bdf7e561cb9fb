import Glibc
import Wire

extension LocalStore {
    /// Seconds that a copy may take: ``StoreOptions/exportSecondsMax``.
    package var exportSecondsMax: UInt64 { options.exportSecondsMax }

    /// Copies what is applied to a file, at disk speed, while reads and writes go on.
    ///
    /// One read transaction is held for the copy only. The file appears under `path` when it is
    /// complete and durable; until then it is `path` + ".partial".
    ///
    /// - Parameters:
    ///   - configuration: the configuration as of the applied index; nil for the stored one.
    ///   - progress: told the bytes so far after each chunk of about 256 KiB; false stops.
    /// - Throws: ``StoreError/unsuitableSnapshot(_:)`` when nothing is applied yet,
    ///   ``StoreError/damagedRecord(key:reason:)`` and other damage (see ``ScrubFinding``),
    ///   ``StoreError/cancelled``,
    ///   ``StoreError/viewExpired(seconds:)`` after ``StoreOptions/exportSecondsMax``.
    @discardableResult
    package func exportSnapshot(
        to path: String,
        configuration: [UInt8]? = nil,
        progress: @escaping (UInt64) -> Bool = { _ in true }
    ) throws(StoreError) -> SnapshotManifest {
        let partial = path + ".partial"
        do throws(StoreError) {
            let manifest = try copy(to: partial, configuration, progress)
            try renameDurably(partial, to: path, in: parentFolder(of: path))
            return manifest
        } catch {
            _ = try? removeFile(partial)
            throw error
        }
    }

    /// Reads a whole snapshot file and verifies it.
    ///
    /// - Throws: ``StoreError/damagedSnapshot(_:)``.
    package static func verifySnapshot(
        at path: String,
        digest: @escaping DigestFunction
    ) throws(StoreError) -> SnapshotManifest {
        try SnapshotReader(path, digest: digest).read(
            onRecord: { _, _ in },
            onRequest: { _, _ in }
        )
    }

    private func copy(
        to partial: String,
        _ configuration: [UInt8]?,
        _ progress: @escaping (UInt64) -> Bool
    ) throws(StoreError) -> SnapshotManifest {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        let tables = reader.tables
        guard let point = try HardPoint.read(transaction, tables),
            var cluster = try ClusterRecord.read(transaction, tables), point.appliedIndex > 0
        else { throw .unsuitableSnapshot("nothing is applied yet") }
        if let configuration { cluster.configuration = configuration }
        let isBase = point.appliedIndex == point.base.index
        let end =
            isBase
            ? point.base : try logHeader(at: point.appliedIndex, in: transaction, tables).point
        try removeFile(partial)
        guard let file = try FileDescriptor.open(partial, O_WRONLY | O_CREAT | O_EXCL) else {
            throw .system(code: ENOENT, operation: "open", path: partial)
        }
        let secondsMax = options.exportSecondsMax
        var writer = try SnapshotWriter(file, digest: digest) { bytes in
            progress(bytes) && reader.isYounger(than: secondsMax)
        }
        do throws(StoreError) {
            try writer.writeRecords(transaction, tables)
            try writer.writeRequests(transaction, tables)
        } catch {
            if error == .cancelled { try reader.requireYounger(than: secondsMax) }
            throw error
        }
        return try writer.finish(at: end, of: cluster, time: point.time)
    }
}
