import CLMDB
import Wire

/// A record as another member has it, or that it has none.
package struct RepairedRecord: Sendable, Equatable {
    /// Its key.
    package let key: StorageKey
    /// The encoded record; nil: there is none under this key.
    package let bytes: [UInt8]?

    package init(key: StorageKey, bytes: [UInt8]?) {
        self.key = key
        self.bytes = bytes
    }
}

extension WriteTransaction {
    /// Writes an entry's body once more. The header, which is intact, says what it must be.
    ///
    /// - Returns: false when the entry is not in the log any more: nothing is changed.
    /// - Throws: ``StoreError/damagedLogBody(index:reason:)`` when `body` is not that entry's,
    ///   ``StoreError/damagedLogHeader(index:reason:)``.
    package mutating func repairBody(
        at index: UInt64,
        term: UInt64,
        body: [UInt8]
    ) throws(StoreError) -> Bool {
        guard index > point.base.index, index <= point.last.index else { return false }
        let header = try logHeader(at: index, in: transaction, tables)
        guard header.term == term else { return false }
        guard body.count == header.bodyBytes, digest(body) == header.bodyDigest else {
            throw .damagedLogBody(index: index, reason: "what was fetched is not its body")
        }
        for chunk in 0..<header.chunkCount {
            let start = chunk * StoreLimits.bodyChunkBytes
            let end = min(start + StoreLimits.bodyChunkBytes, body.count)
            try transaction.put(
                body.span.extracting(start..<end),
                under: BodyKey(index: index, chunk: UInt32(chunk)),
                in: tables.logBodies
            )
        }
        return true
    }

    /// Puts records of one bucket back, and keeps them only if the bucket then adds up to what it
    /// should. So whatever was fetched, from whatever moment, nothing wrong is ever kept.
    ///
    /// Comes alone in its transaction: the digest must be the one on disk.
    ///
    /// - Parameters:
    ///   - records: what to write or remove, all in `bucket`.
    ///   - bucket: its number.
    ///   - expected: what another member's bucket adds up to at exactly this applied index; nil:
    ///     what our own digest says, which must not be suspect.
    /// - Throws: ``StoreError/damagedBucket(number:reason:)`` when it does not add up,
    ///   ``StoreError/damagedRecord(key:reason:)`` for a record that fails its checksum.
    package mutating func repairRecords(
        _ records: [RepairedRecord],
        bucket number: Int,
        expected: StateBucket? = nil
    ) throws(StoreError) {
        changesBesideEntries()
        let table = RecordTable(tables, in: transaction)
        for record in records {
            guard record.key.bucket == number else {
                throw .misuse("a record of bucket \(record.key.bucket) cannot repair \(number)")
            }
            guard let bytes = record.bytes else {
                try table.remove(record.key)
                continue
            }
            guard Record.isIntact(bytes.span) else {
                throw .damagedRecord(key: record.key.hex, reason: "what was fetched is damaged")
            }
            try table.put(bytes.span, under: record.key)
        }
        let stored = try DigestTable.read(number, transaction, tables)
        let wanted = expected ?? stored
        let found = try sum(ofBucket: number)
        if let reason = wanted.difference(from: found), !planted("keepsUnfitRepairs") {
            throw .damagedBucket(number: number, reason: "after a repair, \(reason)")
        }
        try DigestTable.write(found, number, transaction, tables)
    }

    private borrowing func sum(ofBucket number: Int) throws(StoreError) -> StateBucket {
        var sum = StateBucket()
        var walk = try RecordWalk(over: .init(bucket: number), tables, in: transaction)
        while let record = try walk.next() {
            if let fault = record.fault {
                throw .damagedRecord(key: record.key.hex, reason: "it is damaged, too: \(fault)")
            }
            sum.insert(record.hash(digest))
        }
        return sum
    }
}
