import Wire

/// The first half of a storage key. All records of one directory share it, so a directory is one
/// contiguous range of the `state` table.
package struct DirectoryPrefix: Hashable, Comparable, Sendable {
    /// 16 bytes as two big-endian words, most significant first.
    package let words: (UInt64, UInt64)

    init(words: (UInt64, UInt64)) {
        self.words = words
    }

    /// - Parameter bytes: exactly 16, else nil.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 16 else { return nil }
        words = (bigEndianWord(bytes, at: 0), bigEndianWord(bytes, at: 8))
    }

    /// The 16 bytes.
    package var bytes: [UInt8] {
        var writer = ByteWriter(capacity: 16)
        writer.writeUInt64(words.0)
        writer.writeUInt64(words.1)
        return writer.bytes
    }

    /// The lowest key that can be in this directory.
    package var firstKey: StorageKey { StorageKey(words: (words.0, words.1, 0, 0)) }

    package static func == (left: DirectoryPrefix, right: DirectoryPrefix) -> Bool {
        left.words == right.words
    }

    /// The order of the bytes.
    package static func < (left: DirectoryPrefix, right: DirectoryPrefix) -> Bool {
        left.words < right.words
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
    }
}

/// Names one record: 16 bytes that stand for its directory and 16 that stand for its full path.
/// Both are HMACs made by the barrier, so a key tells nothing about the name.
package struct StorageKey: Hashable, Comparable, Sendable {
    /// 32 bytes as four big-endian words, most significant first, so that comparing words is
    /// comparing bytes and a key needs no heap.
    package let words: (UInt64, UInt64, UInt64, UInt64)

    /// The key of these words.
    package init(words: (UInt64, UInt64, UInt64, UInt64)) {
        self.words = words
    }

    /// - Parameter bytes: exactly 32, else nil.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == StoreLimits.storageKeyBytes else { return nil }
        words = (
            bigEndianWord(bytes, at: 0), bigEndianWord(bytes, at: 8),
            bigEndianWord(bytes, at: 16), bigEndianWord(bytes, at: 24)
        )
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var writer = ByteWriter(capacity: StoreLimits.storageKeyBytes)
        write(into: &writer)
        return writer.bytes
    }

    /// The first 16 bytes.
    package var directory: DirectoryPrefix { DirectoryPrefix(words: (words.0, words.1)) }

    package static func == (left: StorageKey, right: StorageKey) -> Bool {
        left.words == right.words
    }

    /// The order of the bytes, which is LMDB's order.
    package static func < (left: StorageKey, right: StorageKey) -> Bool {
        left.words < right.words
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    func write(into writer: inout ByteWriter) {
        writer.writeUInt64(words.0)
        writer.writeUInt64(words.1)
        writer.writeUInt64(words.2)
        writer.writeUInt64(words.3)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        let first = try reader.readUInt64()
        let second = try reader.readUInt64()
        let third = try reader.readUInt64()
        words = (first, second, third, try reader.readUInt64())
    }
}

/// Eight bytes of `bytes` from `offset`, big-endian. The caller has checked the count.
func bigEndianWord(_ bytes: [UInt8], at offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for position in offset..<offset + 8 {
        word = word << 8 | UInt64(bytes[position])
    }
    return word
}

extension StorageKey {
    /// For error texts. A key is an HMAC and tells nothing about the name.
    package var hex: String { Hex.encode(bytes) }
}
