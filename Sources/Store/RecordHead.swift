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

    init(_ bytes: Span<UInt8>, under key: StorageKey) throws(StoreError) {
        guard bytes.count >= Record.headerBytes, bytes[0] == Record.formatVersion else {
            throw .damagedRecord(key: key.hex, reason: "record header of \(bytes.count) bytes")
        }
        let name = Int(number(bytes, at: 14, count: 4))
        let value = Int(number(bytes, at: 18, count: 4))
        guard bytes.count == Record.headerBytes + name + value else {
            throw .damagedRecord(key: key.hex, reason: "record lengths \(name) and \(value)")
        }
        flags = bytes[1]
        dataKeyID = UInt32(truncatingIfNeeded: number(bytes, at: 2, count: 4))
        modificationIndex = number(bytes, at: 6, count: 8)
        valueBoxBytes = value
        nameBox = [UInt8](capacity: name) { output in
            for position in Record.headerBytes..<Record.headerBytes + name {
                output.append(bytes[position])
            }
        }
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
