/// Appends what ``ByteReader`` reads. Cannot fail: limits are checked where values are made.
package struct ByteWriter: Sendable {
    /// Everything written so far.
    package private(set) var bytes: [UInt8]

    /// - Parameter capacity: bytes to reserve; a hint, not a limit.
    package init(capacity: Int = 64) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// Bytes written so far.
    package var count: Int { bytes.count }

    /// One byte.
    package mutating func writeUInt8(_ value: UInt8) {
        bytes.append(value)
    }

    /// Two bytes, big-endian.
    package mutating func writeUInt16(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
        bytes.append(UInt8(truncatingIfNeeded: value))
    }

    /// Four bytes, big-endian.
    package mutating func writeUInt32(_ value: UInt32) {
        for shift in stride(from: UInt32(24), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Eight bytes, big-endian.
    package mutating func writeUInt64(_ value: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// 1 to 10 bytes, seven bits each, least significant first, always the shortest form.
    package mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// The bytes alone; the reader must know the count.
    package mutating func writeBytes(_ value: [UInt8]) {
        bytes.append(contentsOf: value)
    }

    /// The bytes alone; the reader must know the count.
    package mutating func writeBytes(_ value: ArraySlice<UInt8>) {
        bytes.append(contentsOf: value)
    }

    /// A varint length, then the bytes.
    package mutating func writeBlob(_ value: [UInt8]) {
        writeVarint(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// A varint length in bytes, then the text as UTF-8.
    package mutating func writeString(_ value: String) {
        writeVarint(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// A varint count, then each text as ``writeString(_:)`` writes it.
    package mutating func writeTexts(_ texts: [String]) {
        writeVarint(UInt64(texts.count))
        for text in texts { writeString(text) }
    }

    /// One byte, 0 or 1.
    package mutating func writeBool(_ value: Bool) {
        bytes.append(value ? 1 : 0)
    }
}
