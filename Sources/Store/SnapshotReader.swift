import Glibc
import Wire

/// Walks a snapshot file that may be damaged or hostile, and verifies everything on the way.
struct SnapshotReader: ~Copyable {
    private let file: FileDescriptor
    private let digest: DigestFunction
    private let fileBytes: UInt64
    private var running: [UInt8] = []
    private var counts = SnapshotCounts()
    private var sum = StateSum()
    private var lastKey: StorageKey?
    private var lastRequestIndex: UInt64?

    /// - Throws: ``StoreError/damagedSnapshot(_:)`` for a missing file.
    init(_ path: String, digest: @escaping DigestFunction) throws(StoreError) {
        guard let file = try FileDescriptor.open(path, O_RDONLY) else {
            throw .damagedSnapshot("file is missing")
        }
        fileBytes = try file.size()
        self.file = file
        self.digest = digest
    }

    /// Reads the file once, from its first byte to its last.
    ///
    /// - Parameters:
    ///   - onRecord: one row of `state`, in key order, its record checked.
    ///   - onRequest: index and id of one remembered request, in index order.
    /// - Returns: the manifest, after everything was found to match it.
    /// - Throws: ``StoreError/damagedSnapshot(_:)``, or what a closure throws. Closures may have
    ///   been called before damage is found.
    consuming func read(
        onRecord: (StorageKey, Record) throws(StoreError) -> Void,
        onRequest: (UInt64, [UInt8]) throws(StoreError) -> Void
    ) throws(StoreError) -> SnapshotManifest {
        let header = try take(SnapshotShape.headerBytes)
        guard header == SnapshotShape.header else {
            throw .damagedSnapshot("it does not begin as a snapshot file of format 1 does")
        }
        running = digest(header)
        while true {
            let before = counts
            let (kind, payload) = try nextChunk()
            switch kind {
            case .records: try readRecords(payload, onRecord)
            case .requests: try readRequests(payload, onRequest)
            case .manifest: return try finish(payload, before)
            }
        }
    }

    private mutating func take(_ count: Int) throws(StoreError) -> [UInt8] {
        let bytes = try file.read(count, at: counts.bytes)
        guard bytes.count == count else {
            throw .damagedSnapshot("file ends early, at byte \(fileBytes)")
        }
        counts.bytes += UInt64(count)
        return bytes
    }

    private mutating func nextChunk() throws(StoreError) -> (SnapshotShape.Kind, [UInt8]) {
        let number = counts.chunks
        let head = try take(SnapshotShape.chunkHeaderBytes)
        let length = Int(head[1]) << 24 | Int(head[2]) << 16 | Int(head[3]) << 8 | Int(head[4])
        guard let kind = SnapshotShape.Kind(rawValue: head[0]),
            length <= SnapshotShape.payloadBytesMax
        else { throw .damagedSnapshot("chunk \(number) has kind \(head[0]), \(length) bytes") }
        let payload = try take(length)
        let chunk = SnapshotShape.chunk(kind, payload)
        guard chunk[5..<9] == head[5..<9] else {
            throw .damagedSnapshot("chunk \(number) fails its checksum")
        }
        running = digest(running + chunk)
        counts.chunks += 1
        return (kind, payload)
    }

    private mutating func readRecords(
        _ payload: [UInt8],
        _ onRecord: (StorageKey, Record) throws(StoreError) -> Void
    ) throws(StoreError) {
        guard lastRequestIndex == nil else {
            throw .damagedSnapshot("chunk \(counts.chunks): records after requests")
        }
        var reader = ByteReader(payload)
        let limit = SnapshotShape.payloadBytesMax
        while reader.remaining > 0 {
            let key: StorageKey
            let record: Record
            do {
                key = try StorageKey(from: &reader)
                record = try Record(decoding: try reader.readBlob(atMost: limit))
            } catch {
                throw .damagedSnapshot("chunk \(counts.chunks): \(error)")
            }
            if let lastKey, key <= lastKey {
                throw .damagedSnapshot("chunk \(counts.chunks): record keys are out of order")
            }
            lastKey = key
            counts.records += 1
            sum.insert(key, record.encoded().span, digest)
            try onRecord(key, record)
        }
    }

    private mutating func readRequests(
        _ payload: [UInt8],
        _ onRequest: (UInt64, [UInt8]) throws(StoreError) -> Void
    ) throws(StoreError) {
        var reader = ByteReader(payload)
        while reader.remaining > 0 {
            let index: UInt64
            let id: [UInt8]
            do throws(WireError) {
                index = try reader.readUInt64()
                id = try reader.readBytes(StoreLimits.requestIDBytes)
            } catch {
                throw .damagedSnapshot("chunk \(counts.chunks): \(error.summary)")
            }
            if let last = lastRequestIndex, index <= last {
                throw .damagedSnapshot("chunk \(counts.chunks): requests are out of order")
            }
            lastRequestIndex = index
            counts.requests += 1
            sum.insert(request: id, at: index, digest)
            try onRequest(index, id)
        }
    }

    private mutating func finish(
        _ payload: [UInt8],
        _ before: SnapshotCounts
    ) throws(StoreError) -> SnapshotManifest {
        let wholeDigest = running
        guard try take(StoreLimits.digestBytes) == wholeDigest, counts.bytes == fileBytes else {
            throw .damagedSnapshot("it does not match its digest")
        }
        let manifest: SnapshotManifest
        do throws(WireError) {
            manifest = try SnapshotManifest(decoding: payload)
        } catch {
            throw .damagedSnapshot("manifest: \(error.summary)")
        }
        guard manifest.counts == before else {
            throw .damagedSnapshot("it does not have what its manifest lists")
        }
        let root = sum.root(digest)
        guard manifest.stateRoot ?? root == root else {
            throw .damagedSnapshot("it does not add up to what its manifest says")
        }
        if let last = lastRequestIndex, last > manifest.index {
            throw .damagedSnapshot("it has a request from entry \(last), after \(manifest.index)")
        }
        return manifest
    }
}
