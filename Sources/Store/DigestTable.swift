import Wire

/// The rows of table `digest`: one for each bucket and one for the remembered requests, always
/// there.
///
/// Layout of a row under its number (u8, or u16 from 256 on): format u8 · suspect u8 · count u64 ·
/// sum 32 · CRC-32C u32 over the number and all before.
enum DigestTable {
    /// The number of the row for table `requests`, after those of the buckets.
    static let requests = StateBucket.countOfBuckets

    private static let formatVersion: UInt8 = 1
    private static let encodedBytes = 46

    /// All rows. What a row that is damaged or missing stands for is suspect: its sum is not known.
    static func read(
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> StateSum {
        var buckets: [StateBucket] = []
        buckets.reserveCapacity(StateBucket.countOfBuckets)
        for number in 0..<StateBucket.countOfBuckets {
            buckets.append(try read(number, transaction, tables))
        }
        return StateSum(
            buckets: buckets,
            requests: try read(requests, transaction, tables)
        )
    }

    /// One row.
    static func read(
        _ number: Int,
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> StateBucket {
        let bytes = try transaction.value(of: key(number), in: tables.digest)
        guard let bytes, let bucket = decode(bytes, number) else {
            var unknown = StateBucket()
            unknown.isSuspect = true
            return unknown
        }
        return bucket
    }

    static func write(
        _ bucket: StateBucket,
        _ number: Int,
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) {
        try transaction.put(encode(bucket, number).span, under: key(number), in: tables.digest)
    }

    static func write(
        all sum: StateSum,
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) {
        for (number, bucket) in sum.buckets.enumerated() {
            try write(bucket, number, transaction, tables)
        }
        try write(sum.requests, requests, transaction, tables)
    }

    private static func key(_ number: Int) -> ByteKey { ByteKey(name(number)) }

    private static func name(_ number: Int) -> [UInt8] {
        number < StateBucket.countOfBuckets
            ? [UInt8(number)] : [UInt8(number >> 8), UInt8(number & 0xFF)]
    }

    private static func encode(_ bucket: StateBucket, _ number: Int) -> [UInt8] {
        var writer = ByteWriter(capacity: encodedBytes)
        writer.writeUInt8(formatVersion)
        writer.writeBool(bucket.isSuspect)
        bucket.write(into: &writer)
        writer.writeUInt32(crc32c(writer.bytes, continuing: crc32c(name(number))))
        return writer.bytes
    }

    private static func decode(_ bytes: [UInt8], _ number: Int) -> StateBucket? {
        guard bytes.count == encodedBytes else { return nil }
        let crc = crc32c(bytes.dropLast(4), continuing: crc32c(name(number)))
        var reader = ByteReader(bytes)
        do throws(WireError) {
            guard try reader.readUInt8() == formatVersion else { return nil }
            let isSuspect = try reader.readBool()
            var bucket = try StateBucket(from: &reader)
            bucket.isSuspect = isSuspect
            guard try reader.readUInt32() == crc else { return nil }
            return bucket
        } catch {
            return nil
        }
    }
}

/// What one write transaction changes in the digest, until it ends.
struct DigestChanges {
    /// Empty until something changes; then one for each bucket, nil where nothing did.
    private var buckets: [StateBucket?] = []
    private var requests: StateBucket?
    private let digest: DigestFunction

    init(_ digest: @escaping DigestFunction) {
        self.digest = digest
    }

    /// A record is written. Bytes that are none, which no batch can bring, are counted and make
    /// their bucket suspect, as they would if they had become so on the disk.
    mutating func insert(_ key: StorageKey, _ record: Span<UInt8>) {
        guard Record.isIntact(record) else {
            return change(key.bucket) { bucket in
                bucket.count &+= 1
                bucket.isSuspect = true
            }
        }
        let hash = Record.hash(key, record, digest)
        change(key.bucket) { $0.insert(hash) }
    }

    /// What is stored under a key goes away. Call it before the tables are changed.
    ///
    /// A damaged record is let go: what it was counted as is not known any more, and the bucket
    /// becomes suspect instead of wrong.
    ///
    /// - Parameter isWhole: whether ``StoredRecord/fault`` is nil.
    mutating func remove(_ stored: StoredRecord, isWhole: Bool) {
        let hash = isWhole ? stored.hash(digest) : nil
        change(stored.key.bucket) { bucket in
            if let hash {
                bucket.remove(hash)
            } else {
                bucket.count &-= 1
                bucket.isSuspect = true
            }
        }
    }

    /// A request is remembered.
    mutating func insert(request id: [UInt8], at index: UInt64) {
        var sum = requests ?? StateBucket()
        sum.insert(RememberedRequest.hash(id, index, digest))
        requests = sum
    }

    /// A request is forgotten.
    mutating func remove(request id: [UInt8], at index: UInt64) {
        var sum = requests ?? StateBucket()
        sum.remove(RememberedRequest.hash(id, index, digest))
        requests = sum
    }

    private mutating func change(_ number: Int, _ body: (inout StateBucket) -> Void) {
        if buckets.isEmpty {
            buckets = Array(repeating: nil, count: StateBucket.countOfBuckets)
        }
        var bucket = buckets[number] ?? StateBucket()
        body(&bucket)
        buckets[number] = bucket
    }

    /// Writes the changed rows.
    func write(_ transaction: Transaction, _ tables: Tables) throws(StoreError) {
        for (number, change) in buckets.enumerated() {
            guard let change else { continue }
            var bucket = try DigestTable.read(number, transaction, tables)
            bucket.add(change)
            try DigestTable.write(bucket, number, transaction, tables)
        }
        guard let requests else { return }
        var sum = try DigestTable.read(DigestTable.requests, transaction, tables)
        sum.add(requests)
        try DigestTable.write(sum, DigestTable.requests, transaction, tables)
    }
}
