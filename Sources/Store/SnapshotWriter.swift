import Glibc
import Wire

/// Writes a snapshot file from one read transaction.
struct SnapshotWriter: ~Copyable {
    private let file: FileDescriptor
    private let digest: DigestFunction
    private let progress: (UInt64) -> Bool
    private var running: [UInt8]
    private var counts = SnapshotCounts()
    private var sum = StateSum()
    private var payload = ByteWriter(capacity: StoreLimits.snapshotChunkBytes)

    /// - Parameter progress: told the bytes written so far after each chunk; false stops.
    init(
        _ file: consuming FileDescriptor,
        digest: @escaping DigestFunction,
        progress: @escaping (UInt64) -> Bool
    ) throws(StoreError) {
        let header = SnapshotShape.header
        try file.write(header, at: 0)
        self.file = file
        self.digest = digest
        self.progress = progress
        running = digest(header)
        counts.bytes = UInt64(header.count)
    }

    /// Copies all records. Damage stops it, and so do records that do not add up to what table
    /// `digest` says: a snapshot must not spread either.
    ///
    /// - Throws: ``StoreError/damagedRecord(key:reason:)``,
    ///   ``StoreError/damagedBucket(number:reason:)``.
    mutating func writeRecords(
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) {
        var walk = try RecordWalk(over: .init(), tables, in: transaction)
        while let stored = try walk.next() {
            let record = try stored.record()
            stored.key.write(into: &payload)
            payload.writeBlob(record.encoded())
            counts.records += 1
            sum.insert(stored, digest)
            if payload.count >= StoreLimits.snapshotChunkBytes { try endChunk(.records) }
        }
        if payload.count > 0 { try endChunk(.records) }
        let stored = try DigestTable.read(transaction, tables)
        for (number, bucket) in stored.buckets.enumerated() {
            if let reason = bucket.difference(from: sum.buckets[number]),
                !planted("exportsShortBuckets")
            {
                throw .damagedBucket(number: number, reason: reason)
            }
        }
    }

    /// Copies the remembered requests. Damage stops it, too.
    ///
    /// - Throws: ``StoreError/damagedRequests(_:)``.
    mutating func writeRequests(
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) {
        var cursor = try Cursor(tables.requests, in: transaction)
        var isFound = try cursor.seek(RequestTable.indexKey(0))
        while isFound {
            let (index, id) = try RequestTable.decodeIndexRow(cursor)
            payload.writeUInt64(index)
            payload.writeBytes(id)
            counts.requests += 1
            sum.insert(request: id, at: index, digest)
            if payload.count >= StoreLimits.snapshotChunkBytes { try endChunk(.requests) }
            isFound = try cursor.next()
        }
        if payload.count > 0 { try endChunk(.requests) }
        let stored = try DigestTable.read(DigestTable.requests, transaction, tables)
        if let reason = stored.difference(from: sum.requests) {
            throw .damagedRequests(reason)
        }
    }

    /// Writes manifest and digest and makes the file durable.
    consuming func finish(
        at end: LogPoint,
        of cluster: ClusterRecord,
        time: UInt64
    ) throws(StoreError) -> SnapshotManifest {
        let manifest = SnapshotManifest(
            at: end,
            of: cluster,
            time: time,
            counts: counts,
            stateRoot: sum.root(digest)
        )
        payload.writeBytes(manifest.encoded())
        try endChunk(.manifest)
        try file.write(running, at: counts.bytes)
        file.sync()
        return manifest
    }

    private mutating func endChunk(_ kind: SnapshotShape.Kind) throws(StoreError) {
        let chunk = SnapshotShape.chunk(kind, payload.bytes)
        try file.write(chunk, at: counts.bytes)
        // So that no sync of the database beside it finds many bytes waiting.
        if !writeOut(file.number, counts.bytes, UInt64(chunk.count)) { file.sync() }
        forgetPages(file.number, counts.bytes, UInt64(chunk.count))
        running = digest(running + chunk)
        counts.bytes += UInt64(chunk.count)
        counts.chunks += 1
        payload = ByteWriter(capacity: StoreLimits.snapshotChunkBytes)
        guard progress(counts.bytes) else { throw .cancelled }
    }
}
