import Wire

/// What a part of table `state` adds up to: how many records, and the sum of their hashes.
///
/// The sum is over 256-bit numbers modulo 2²⁵⁶, so a record can be taken out of it without looking
/// at the others, and the order of writes does not matter. Two members with equal buckets hold the
/// same records. Against accidents, not against forgery: additive sums can be solved for.
package struct StateBucket: Sendable, Equatable {
    /// Records.
    package internal(set) var count: UInt64 = 0
    /// The sum, lowest word first.
    package internal(set) var words = SIMD4<UInt64>()
    /// A damaged record was replaced or removed, so what to take out of the sum was not known. Only
    /// comparing the records themselves with another member's makes it trustworthy again.
    package internal(set) var isSuspect = false

    /// Of all storage keys, those with the same first byte share a bucket: so a bucket is one range
    /// of the table, and a directory lies in one bucket.
    package static let countOfBuckets = 256

    /// An empty bucket.
    package init() {}

    /// A bucket that somebody else has added up: a simulated store.
    ///
    /// - Parameter words: the sum, lowest word first.
    package init(count: UInt64, words: SIMD4<UInt64>, isSuspect: Bool) {
        self.count = count
        self.words = words
        self.isSuspect = isSuspect
    }

    /// Equal in what they add up to, whatever is suspected.
    package func matches(_ other: StateBucket) -> Bool {
        count == other.count && words == other.words
    }

    /// Why the records that were found are not the ones that this bucket stands for, or nil.
    package func difference(from found: StateBucket) -> String? {
        if isSuspect { return "what it should add up to is not known" }
        if found.isSuspect { return "a record in it is damaged" }
        if count != found.count { return "it has \(found.count) records, not \(count)" }
        return words == found.words ? nil : "its records do not add up to its digest"
    }

    mutating func insert(_ hash: [UInt8]) {
        count &+= 1
        words = Self.sum(words, Self.words(of: hash))
    }

    mutating func remove(_ hash: [UInt8]) {
        count &-= 1
        // Minus x is the complement of x plus one.
        words = Self.sum(Self.sum(words, ~Self.words(of: hash)), [1, 0, 0, 0])
    }

    /// Adds what changed; counts and sums wrap, so a change may stand for removals.
    mutating func add(_ change: StateBucket) {
        count &+= change.count
        words = Self.sum(words, change.words)
        isSuspect = isSuspect || change.isSuspect
    }

    /// Count and sum, big-endian: what the root is hashed over.
    func write(into writer: inout ByteWriter) {
        writer.writeUInt64(count)
        for position in [3, 2, 1, 0] { writer.writeUInt64(words[position]) }
    }

    init(from reader: inout ByteReader) throws(WireError) {
        count = try reader.readUInt64()
        for position in [3, 2, 1, 0] { words[position] = try reader.readUInt64() }
    }

    private static func words(of hash: [UInt8]) -> SIMD4<UInt64> {
        SIMD4(
            bigEndianWord(hash, at: 24),
            bigEndianWord(hash, at: 16),
            bigEndianWord(hash, at: 8),
            bigEndianWord(hash, at: 0)
        )
    }

    private static func sum(
        _ left: SIMD4<UInt64>,
        _ right: SIMD4<UInt64>
    ) -> SIMD4<UInt64> {
        var result = SIMD4<UInt64>()
        var carry: UInt64 = 0
        for position in 0..<4 {
            let (partial, first) = left[position].addingReportingOverflow(right[position])
            let (whole, second) = partial.addingReportingOverflow(carry)
            result[position] = whole
            carry = first || second ? 1 : 0
        }
        return result
    }
}

/// All buckets of table `state`, and the remembered requests, at one applied index.
package struct StateDigest: Sendable, Equatable {
    /// The entry after which the state was this.
    package let appliedIndex: UInt64
    /// One for each first byte of a storage key.
    package let buckets: [StateBucket]
    /// The requests that are remembered: the same on all members, because each transaction forgets
    /// exactly those whose time is over.
    package let requests: StateBucket
    /// 32 bytes over all of it: equal on all members at an equal applied index.
    package let root: [UInt8]

    init(appliedIndex: UInt64, sum: StateSum, digest: DigestFunction) {
        self.appliedIndex = appliedIndex
        buckets = sum.buckets
        requests = sum.requests
        root = sum.root(digest)
    }

    /// Whether every sum is known. If not, `root` says nothing.
    package var isTrustworthy: Bool {
        !requests.isSuspect && !buckets.contains { $0.isSuspect }
    }
}

/// Adds records and requests up as they are met: what a walk over tables or a file finds, or what
/// table `digest` says.
struct StateSum {
    private(set) var buckets = [StateBucket](
        repeating: StateBucket(),
        count: StateBucket.countOfBuckets
    )
    private(set) var requests = StateBucket()

    /// Nothing was met yet.
    init() {}

    /// What is stored.
    init(buckets: [StateBucket], requests: StateBucket) {
        precondition(buckets.count == StateBucket.countOfBuckets)
        self.buckets = buckets
        self.requests = requests
    }

    /// 32 bytes over all sums.
    func root(_ digest: DigestFunction) -> [UInt8] {
        var writer = ByteWriter(capacity: 56 + 40 * buckets.count)
        writer.writeBytes(Array("holdfast/state/2".utf8))
        for bucket in buckets { bucket.write(into: &writer) }
        requests.write(into: &writer)
        return digest(writer.bytes)
    }

    mutating func insert(request id: [UInt8], at index: UInt64, _ digest: DigestFunction) {
        requests.insert(RememberedRequest.hash(id, index, digest))
    }

    mutating func insert(_ key: StorageKey, _ record: Span<UInt8>, _ digest: DigestFunction) {
        buckets[key.bucket].insert(Record.hash(key, record, digest))
    }

    mutating func insert(_ record: StoredRecord, _ digest: DigestFunction) {
        buckets[record.key.bucket].insert(record.hash(digest))
    }

    /// A record is there and cannot be read.
    mutating func suspect(_ key: StorageKey) {
        buckets[key.bucket].count &+= 1
        buckets[key.bucket].isSuspect = true
    }
}

extension StorageKey {
    /// Which of the 256 buckets the key is in: its first byte.
    package var bucket: Int { Int(words.0 >> 56) }

    /// The lowest key of a bucket.
    package static func first(ofBucket bucket: Int) -> StorageKey {
        precondition((0..<StateBucket.countOfBuckets).contains(bucket))
        return StorageKey(words: (UInt64(bucket) << 56, 0, 0, 0))
    }
}

extension Record {
    /// What a record is to the digest: H(key ‖ header ‖ tags). The header has the checksum over the
    /// whole record, and the tags (the last 16 bytes of each box) authenticate what is in them, so
    /// a record of a megabyte costs no more than a small one.
    ///
    /// - Precondition: the record was checked: the lengths in its header are its own.
    static func hash(_ key: StorageKey, _ bytes: Span<UInt8>, _ digest: DigestFunction) -> [UInt8] {
        let tags = tags(in: bytes)
        let both = Array(bytes, tags.name) + Array(bytes, tags.value)
        return hash(key, bytes.extracting(0..<headerBytes), tags: both, digest)
    }

    /// The same from the parts that count.
    ///
    /// - Parameter tags: of the name box, then of the value box.
    static func hash(
        _ key: StorageKey,
        _ header: Span<UInt8>,
        tags: [UInt8],
        _ digest: DigestFunction
    ) -> [UInt8] {
        var writer = ByteWriter(capacity: 32 + headerBytes + 2 * tagBytes)
        key.write(into: &writer)
        for position in 0..<headerBytes { writer.writeUInt8(header[position]) }
        writer.writeBytes(tags)
        return digest(writer.bytes)
    }

    /// Where the tags lie in a record with this header: the last bytes of each box, all of a
    /// shorter one.
    static func tags(in header: Span<UInt8>) -> (name: Range<Int>, value: Range<Int>) {
        let nameEnd = headAndNameBytes(in: header)
        let end = statedBytes(in: header)
        return (
            max(headerBytes, nameEnd - tagBytes)..<nameEnd, max(nameEnd, end - tagBytes)..<end
        )
    }

    private static let tagBytes = 16
}
