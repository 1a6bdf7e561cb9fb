import Wire

/// One sealed value as it is stored: a header in the clear and two boxes.
///
/// Layout, big-endian: format u8 · flags u8 · data-key id u32 · modification index u64 ·
/// name box bytes u32 · value box bytes u32 · CRC-32C u32 over all the rest · name box · value box.
/// The record keeps its encoding, so storing and sharing it copies nothing; each box is copied when
/// it is asked for.
package struct Record: Sendable, Equatable {
    /// The format that this program writes, and the highest that it reads.
    package static let formatVersion: UInt8 = 1
    /// Bytes before the boxes.
    package static let headerBytes = 26

    private let bytes: [UInt8]

    /// A record from its parts.
    ///
    /// - Precondition: the boxes are within ``StoreLimits``; the barrier checked the sizes.
    /// - Parameters:
    ///   - flags: meaning belongs to the barrier; part of the boxes' associated data.
    ///   - dataKeyID: which data key sealed the boxes.
    ///   - modificationIndex: 0 in a batch; the log index that wrote it once evaluated.
    package init(
        flags: UInt8,
        dataKeyID: UInt32,
        modificationIndex: UInt64 = 0,
        nameBox: [UInt8],
        valueBox: [UInt8]
    ) {
        precondition(nameBox.count <= StoreLimits.nameBoxBytesMax, "name box is too long")
        precondition(valueBox.count <= StoreLimits.valueBoxBytesMax, "value box is too long")
        var writer = ByteWriter(capacity: Self.headerBytes + nameBox.count + valueBox.count)
        writer.writeUInt8(Self.formatVersion)
        writer.writeUInt8(flags)
        writer.writeUInt32(dataKeyID)
        writer.writeUInt64(modificationIndex)
        writer.writeUInt32(UInt32(nameBox.count))
        writer.writeUInt32(UInt32(valueBox.count))
        writer.writeUInt32(0)
        writer.writeBytes(nameBox)
        writer.writeBytes(valueBox)
        self.init(sealing: writer.bytes)
    }

    /// Reads an encoded record and checks all of it.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` with the reason.
    package init(decoding bytes: [UInt8]) throws(StoreError) {
        if let reason = Self.fault(in: bytes.span) { throw .corrupt(reason) }
        self.bytes = bytes
    }

    /// Bytes that this process encoded or already checked.
    package init(trusted bytes: [UInt8]) {
        self.bytes = bytes
    }

    private init(sealing bytes: [UInt8]) {
        var bytes = bytes
        let crc = Self.checksum(ofFirst: bytes.span)
        for position in 0..<4 {
            bytes[22 + position] = UInt8(truncatingIfNeeded: crc >> (24 - 8 * UInt32(position)))
        }
        self.bytes = bytes
    }

    /// The stored form.
    package func encoded() -> [UInt8] { bytes }

    /// The barrier's flags.
    package var flags: UInt8 { bytes[1] }
    /// Which data key sealed the boxes.
    package var dataKeyID: UInt32 { Self.readUInt32(bytes, at: 2) }
    /// The log index that wrote this record; 0 inside a batch.
    package var modificationIndex: UInt64 { bigEndianWord(bytes, at: 6) }
    /// The sealed name. Copies it.
    package var nameBox: [UInt8] { Array(bytes[Self.headerBytes..<valueStart]) }
    /// The sealed value. Copies it.
    package var valueBox: [UInt8] { Array(bytes[valueStart...]) }
    /// Bytes in the value box, without copying it.
    package var valueBoxBytes: Int { bytes.count - valueStart }
    /// Bytes in the stored form.
    package var encodedBytes: Int { bytes.count }

    private var valueStart: Int { Self.headerBytes + Int(Self.readUInt32(bytes, at: 14)) }

    /// The same record with another modification index and a fresh checksum.
    func stamped(_ index: UInt64) -> Record {
        var bytes = bytes
        for position in 0..<8 {
            bytes[6 + position] = UInt8(truncatingIfNeeded: index >> (56 - 8 * UInt64(position)))
        }
        return Record(sealing: bytes)
    }

    /// Whether these bytes are a record that passes every check.
    static func isIntact(_ bytes: Span<UInt8>) -> Bool { fault(in: bytes) == nil }

    /// Why these bytes are no record, or nil.
    private static func fault(in bytes: Span<UInt8>) -> String? {
        if let fault = headerFault(in: bytes) { return fault }
        let stated = statedBytes(in: bytes)
        guard bytes.count == stated else {
            return "record of \(bytes.count) bytes where \(stated) are stated"
        }
        return checksum(ofFirst: bytes) == statedChecksum(in: bytes) ? nil : "record checksum"
    }

    /// Why these bytes do not begin with a record's header, or nil. Nothing behind it is looked at.
    static func headerFault(in bytes: Span<UInt8>) -> String? {
        guard bytes.count >= headerBytes else { return "record of \(bytes.count) bytes" }
        guard bytes[0] == formatVersion else { return "record format \(bytes[0])" }
        let name = number(bytes, at: 14, count: 4)
        let value = number(bytes, at: 18, count: 4)
        guard name <= StoreLimits.nameBoxBytesMax, value <= StoreLimits.valueBoxBytesMax else {
            return "record boxes of \(name) and \(value) bytes"
        }
        return nil
    }

    /// Bytes of the record that begins with this header.
    static func statedBytes(in header: Span<UInt8>) -> Int {
        headAndNameBytes(in: header) + Int(number(header, at: 18, count: 4))
    }

    /// Of those, header and name box.
    static func headAndNameBytes(in header: Span<UInt8>) -> Int {
        headerBytes + Int(number(header, at: 14, count: 4))
    }

    /// The CRC that the header states.
    static func statedChecksum(in header: Span<UInt8>) -> UInt32 {
        UInt32(truncatingIfNeeded: number(header, at: 22, count: 4))
    }

    /// The CRC of everything but the CRC, as far as these first bytes of a record go.
    static func checksum(ofFirst bytes: Span<UInt8>) -> UInt32 {
        let boxes = bytes.extracting(headerBytes..<bytes.count)
        return crc32c(boxes, continuing: crc32c(bytes.extracting(0..<22)))
    }

    private static func readUInt32(_ bytes: [UInt8], at offset: Int) -> UInt32 {
        UInt32(bytes[offset]) << 24 | UInt32(bytes[offset + 1]) << 16
            | UInt32(bytes[offset + 2]) << 8 | UInt32(bytes[offset + 3])
    }
}
