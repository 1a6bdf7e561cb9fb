package import Wire

/// Records of one bucket, as a member lends them to another for a repair.
package struct LentBucket: Sendable, Equatable {
    /// The entry after which the records were these.
    package let appliedIndex: UInt64
    /// What the whole bucket adds up to then.
    package let bucket: StateBucket
    /// In key order. None is damaged: a damaged one is left out and ``isComplete`` is false.
    package let records: [RepairedRecord]
    /// Go on from this key; nil: the bucket's end was reached.
    package let next: StorageKey?
    /// Whether no record between the first and the last was left out.
    package let isComplete: Bool

    /// All that a store lends at once.
    package init(
        at appliedIndex: UInt64,
        _ bucket: StateBucket,
        records: [RepairedRecord],
        next: StorageKey?,
        isComplete: Bool
    ) {
        self.appliedIndex = appliedIndex
        self.bucket = bucket
        self.records = records
        self.next = next
        self.isComplete = isComplete
    }
}

extension LentBucket {
    /// Applied index u64 · is complete bool · count u64 · sum 32 · suspect bool · has next bool ·
    /// next key 32 · number of records u32 · for each: key 32, record blob.
    package func write(into writer: inout ByteWriter) {
        writer.writeUInt64(appliedIndex)
        writer.writeBool(isComplete)
        bucket.write(into: &writer)
        writer.writeBool(bucket.isSuspect)
        writer.writeBool(next != nil)
        (next ?? StorageKey.first(ofBucket: 0)).write(into: &writer)
        writer.writeUInt32(UInt32(records.count))
        for record in records {
            record.key.write(into: &writer)
            writer.writeBlob(record.bytes ?? [])
        }
    }

    /// - Throws: `WireError` for anything that ``write(into:)`` cannot have made.
    package init(from reader: inout ByteReader) throws(WireError) {
        appliedIndex = try reader.readUInt64()
        isComplete = try reader.readBool()
        var bucket = try StateBucket(from: &reader)
        bucket.isSuspect = try reader.readBool()
        self.bucket = bucket
        let hasNext = try reader.readBool()
        let key = try StorageKey(from: &reader)
        next = hasNext ? key : nil
        var records: [RepairedRecord] = []
        for _ in 0..<(try reader.readUInt32()) {
            let key = try StorageKey(from: &reader)
            let bytes = try reader.readBlob(atMost: StoreLimits.recordBytesMax)
            guard !bytes.isEmpty else { throw .malformed("a lent record is empty") }
            records.append(RepairedRecord(key: key, bytes: bytes))
        }
        self.records = records
    }
}
