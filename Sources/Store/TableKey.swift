/// Something that LMDB can use as a key: lends its bytes without allocating.
protocol TableKey {
    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value
}

extension StorageKey: TableKey {
    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let raw = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian
        )
        return try unsafe withUnsafeBytes(of: raw, body)
    }

    /// The key from LMDB's bytes, or nil if there are not exactly 32.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == StoreLimits.storageKeyBytes else { return nil }
        let first = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let second = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        let third = unsafe bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        let fourth = unsafe bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
        self.init(
            words: (first.bigEndian, second.bigEndian, third.bigEndian, fourth.bigEndian)
        )
    }
}

/// A log index as key of `lhdr`: native byte order, as `MDB_INTEGERKEY` wants it.
struct IndexKey: TableKey {
    let index: UInt64

    init(_ index: UInt64) {
        self.index = index
    }

    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try unsafe withUnsafeBytes(of: index, body)
    }

    /// The index from LMDB's bytes, or nil if there are not exactly eight.
    static func index(_ bytes: UnsafeRawBufferPointer) -> UInt64? {
        guard bytes.count == 8 else { return nil }
        return unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
    }
}

/// A piece of a log entry's body as key of `lbody`: index, then number of the piece, big-endian.
struct BodyKey: TableKey, Equatable {
    let index: UInt64
    let chunk: UInt32

    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let high = UInt32(truncatingIfNeeded: index >> 32)
        let low = UInt32(truncatingIfNeeded: index)
        let raw = (high.bigEndian, low.bigEndian, chunk.bigEndian)
        return try unsafe withUnsafeBytes(of: raw, body)
    }

    init(index: UInt64, chunk: UInt32) {
        self.index = index
        self.chunk = chunk
    }

    /// The key from LMDB's bytes, or nil if there are not exactly twelve.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 12 else { return nil }
        let index = unsafe bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        let chunk = unsafe bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
        self.init(index: index.bigEndian, chunk: chunk.bigEndian)
    }
}

/// A piece of a record as key of `pieces`: storage key, then number of the piece, big-endian.
struct PieceKey: TableKey, Comparable {
    private static let bytes = StoreLimits.storageKeyBytes + 2

    let record: StorageKey
    let number: UInt16

    init(_ record: StorageKey, _ number: Int) {
        self.record = record
        self.number = UInt16(number)
    }

    /// The key from LMDB's bytes, or nil if there are not exactly 34.
    init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.bytes,
            let record = unsafe StorageKey(
                UnsafeRawBufferPointer(rebasing: bytes.prefix(StoreLimits.storageKeyBytes))
            )
        else { return nil }
        self.record = record
        let number = unsafe bytes.loadUnaligned(
            fromByteOffset: StoreLimits.storageKeyBytes,
            as: UInt16.self
        )
        self.number = number.bigEndian
    }

    static func < (left: PieceKey, right: PieceKey) -> Bool {
        left.record == right.record ? left.number < right.number : left.record < right.record
    }

    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        let words = record.words
        let raw = (
            words.0.bigEndian, words.1.bigEndian, words.2.bigEndian, words.3.bigEndian,
            number.bigEndian
        )
        return try unsafe withUnsafeBytes(of: raw, body)
    }
}

/// A short key that is made of bytes already.
struct ByteKey: TableKey {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    func withKeyBytes<Value>(
        _ body: (UnsafeRawBufferPointer) throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        try unsafe bytes.span.bytes.withUnsafeBytes(body)
    }
}
