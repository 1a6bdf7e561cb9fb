/// What a listing needs of a record. The whole record's checksum is not verified, because that
/// would read the value; the name box carries its own authentication.
package struct RecordHead: Sendable, Equatable {
    /// The barrier's flags.
    package let flags: UInt8
    /// Which data key sealed the boxes.
    package let dataKeyID: UInt32
    /// The log index that wrote the record.
    package let modificationIndex: UInt64
    /// The sealed name.
    package let nameBox: [UInt8]
    /// Bytes in the value box.
    package let valueBoxBytes: Int

    /// - Parameter bytes: header and name box, or more, of a record whose lengths were checked.
    init(checked bytes: Span<UInt8>) {
        let end = Record.headAndNameBytes(in: bytes)
        flags = bytes[1]
        dataKeyID = UInt32(truncatingIfNeeded: number(bytes, at: 2, count: 4))
        modificationIndex = number(bytes, at: 6, count: 8)
        valueBoxBytes = Record.statedBytes(in: bytes) - end
        nameBox = Array(bytes, Record.headerBytes..<end)
    }
}

extension Record {
    /// The modification index of an encoded record, or nil if it has no such header.
    package static func index(of bytes: [UInt8]) -> UInt64? { modificationIndex(in: bytes.span) }

    /// The modification index in an encoded record's header, or nil if it has no such header.
    static func modificationIndex(in bytes: Span<UInt8>) -> UInt64? {
        guard bytes.count >= headerBytes, bytes[0] == formatVersion else { return nil }
        return number(bytes, at: 6, count: 8)
    }
}

/// An integer of `count` bytes, big-endian. The caller has checked the length.
func number(_ bytes: Span<UInt8>, at offset: Int, count: Int) -> UInt64 {
    var value: UInt64 = 0
    for position in offset..<offset + count {
        value = value << 8 | UInt64(bytes[position])
    }
    return value
}

extension [UInt8] {
    /// Some of lent bytes, copied.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        self.init(capacity: range.count) { output in
            for position in range { output.append(bytes[position]) }
        }
    }
}
