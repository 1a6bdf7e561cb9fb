import TestSupport
import Testing
import Wire

@Suite("reader and writer")
struct ReaderWriterTests {
    @Test("everything written is read back")
    func roundTrip() throws {
        var writer = ByteWriter(capacity: 0)
        writer.writeUInt8(0xAB)
        writer.writeUInt16(0x0102)
        writer.writeUInt32(0x0304_0506)
        writer.writeUInt64(0x0708_090A_0B0C_0D0E)
        writer.writeVarint(300)
        writer.writeBytes([1, 2, 3])
        writer.writeBytes([9, 1, 2, 3, 9][1..<4])
        writer.writeBlob([4, 5])
        writer.writeString("grüße")
        writer.writeBool(true)
        writer.writeBool(false)
        #expect(writer.count == writer.bytes.count)

        var reader = ByteReader(writer.bytes)
        #expect(try reader.readUInt8() == 0xAB)
        #expect(try reader.readUInt16() == 0x0102)
        #expect(try reader.readUInt32() == 0x0304_0506)
        #expect(try reader.readUInt64() == 0x0708_090A_0B0C_0D0E)
        #expect(try reader.readVarint() == 300)
        #expect(try reader.readBytes(6) == [1, 2, 3, 1, 2, 3])
        #expect(try reader.readBlob(atMost: 2) == [4, 5])
        #expect(try reader.readString(atMost: 7) == "grüße")
        #expect(try reader.readBool())
        #expect(try !reader.readBool())
        #expect(reader.remaining == 0)
        try reader.finish()
    }

    @Test("integers are big-endian")
    func byteOrder() {
        var writer = ByteWriter()
        writer.writeUInt16(0x0102)
        writer.writeUInt32(0x0304_0506)
        writer.writeUInt64(0x0708_090A_0B0C_0D0E)
        #expect(writer.bytes == Array(1...14))
    }

    @Test("a slice is read from its own start")
    func slice() throws {
        var reader = ByteReader([9, 9, 1, 2, 9][2..<4])
        #expect(reader.remaining == 2)
        #expect(try reader.readUInt16() == 0x0102)
        try reader.finish()
    }

    static let shortReads: [(name: String, error: WireError, read: Read)] = [
        ("UInt8", .truncated(need: 1, have: 0), { r throws(WireError) in _ = try r.readUInt8() }),
        ("UInt16", .truncated(need: 2, have: 0), { r throws(WireError) in _ = try r.readUInt16() }),
        ("UInt32", .truncated(need: 4, have: 0), { r throws(WireError) in _ = try r.readUInt32() }),
        ("UInt64", .truncated(need: 8, have: 0), { r throws(WireError) in _ = try r.readUInt64() }),
        ("varint", .truncated(need: 1, have: 0), { r throws(WireError) in _ = try r.readVarint() }),
        ("bytes", .truncated(need: 5, have: 0), { r throws(WireError) in _ = try r.readBytes(5) }),
        (
            "blob", .truncated(need: 1, have: 0),
            { r throws(WireError) in _ = try r.readBlob(atMost: 9) }
        ),
        ("bool", .truncated(need: 1, have: 0), { r throws(WireError) in _ = try r.readBool() }),
        (
            "negative count", .malformed("length -1 is negative"),
            { r throws(WireError) in _ = try r.readBytes(-1) }
        ),
    ]

    typealias Read = @Sendable (inout ByteReader) throws(WireError) -> Void

    @Test("nothing can be read from nothing", arguments: shortReads.indices)
    func empty(_ row: Int) {
        let (name, error, read) = Self.shortReads[row]
        #expect(throws: error, "\(name)") {
            var reader = ByteReader([UInt8]())
            try read(&reader)
        }
    }

    @Test("a length is compared with the limit before anything is taken")
    func blobLimits() {
        #expect(throws: WireError.tooLong(limit: 3, have: 4)) {
            var reader = ByteReader([4, 1, 2, 3, 4])
            _ = try reader.readBlob(atMost: 3)
        }
        #expect(throws: WireError.truncated(need: 4, have: 3)) {
            var reader = ByteReader([4, 1, 2, 3])
            _ = try reader.readBlob(atMost: 4)
        }
        #expect(throws: WireError.tooLong(limit: .max, have: .max)) {
            var writer = ByteWriter()
            writer.writeVarint(.max)
            var reader = ByteReader(writer.bytes)
            _ = try reader.readBlob(atMost: .max)
        }
    }

    @Test("text must be UTF-8 and flags 0 or 1")
    func strictness() {
        #expect(throws: WireError.malformed("text is not valid UTF-8")) {
            var reader = ByteReader([2, 0xC3, 0x28])
            _ = try reader.readString(atMost: 2)
        }
        #expect(throws: WireError.malformed("flag is 2, not 0 or 1")) {
            var reader = ByteReader([2])
            _ = try reader.readBool()
        }
        #expect(throws: WireError.trailing(2)) {
            try ByteReader([1, 2]).finish()
        }
    }

    @Test("another format than those that are known is named in the error, with what it is of")
    func formats() throws {
        var reader = ByteReader([1, 3])
        try reader.readFormat(of: "a role")
        #expect(try reader.readFormat(1...3, of: "a mount") == 3)
        #expect(throws: WireError.malformed("a role in format 0; this version reads 1")) {
            var reader = ByteReader([0])
            try reader.readFormat(of: "a role")
        }
        #expect(throws: WireError.malformed("a token in format 3; this version reads 2")) {
            var reader = ByteReader([3])
            try reader.readFormat(2, of: "a token")
        }
        #expect(throws: WireError.malformed("a mount in format 9; this version reads 1 to 3")) {
            var reader = ByteReader([9])
            _ = try reader.readFormat(1...3, of: "a mount")
        }
        #expect(throws: WireError.truncated(need: 1, have: 0)) {
            var reader = ByteReader([UInt8]())
            try reader.readFormat(of: "a role")
        }
    }

    @Test("random bytes never trap and never yield more than there is")
    func fuzz() {
        var random = Seeded(1)
        for _ in 0..<20_000 {
            var reader = ByteReader(random.bytes(random.below(40)))
            var before = reader.remaining
            do {
                while reader.remaining > 0 {
                    try readSomething(&reader, &random)
                    guard reader.remaining < before else { break }
                    before = reader.remaining
                }
            } catch {
                #expect(!error.summary.isEmpty)
            }
            #expect(reader.remaining >= 0 && reader.remaining <= before)
        }
    }

    private func readSomething(
        _ reader: inout ByteReader,
        _ random: inout Seeded
    ) throws(WireError) {
        switch random.below(8) {
        case 0: _ = try reader.readUInt8()
        case 1: _ = try reader.readUInt16()
        case 2: _ = try reader.readUInt32()
        case 3: _ = try reader.readUInt64()
        case 4: _ = try reader.readVarint()
        case 5: _ = try reader.readBlob(atMost: random.below(64))
        case 6: _ = try reader.readString(atMost: random.below(64))
        default: _ = try reader.readBool()
        }
    }
}

@Suite("varint")
struct VarintTests {
    static let cases: [(value: UInt64, bytes: [UInt8])] = [
        (0, [0]),
        (1, [1]),
        (127, [0x7F]),
        (128, [0x80, 1]),
        (300, [0xAC, 2]),
        (16_383, [0xFF, 0x7F]),
        (16_384, [0x80, 0x80, 1]),
        (1 << 63, [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]),
        (.max, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
    ]

    @Test("has one spelling", arguments: cases.indices)
    func canonical(_ row: Int) throws {
        let (value, bytes) = Self.cases[row]
        var writer = ByteWriter()
        writer.writeVarint(value)
        #expect(writer.bytes == bytes)
        var reader = ByteReader(bytes)
        #expect(try reader.readVarint() == value)
        try reader.finish()
    }

    static let refused: [(bytes: [UInt8], error: WireError)] = [
        ([0x80, 0], .malformed("varint is not in its shortest form")),
        ([0xFF, 0x80, 0], .malformed("varint is not in its shortest form")),
        (
            [UInt8](repeating: 0x80, count: 9) + [0],
            .malformed("varint is not in its shortest form")
        ),
        ([UInt8](repeating: 0xFF, count: 9) + [2], .malformed("varint is larger than 64 bits")),
        ([UInt8](repeating: 0x80, count: 9) + [0x81], .malformed("varint is larger than 64 bits")),
        ([0x80], .truncated(need: 1, have: 0)),
    ]

    @Test("refuses every other spelling", arguments: refused.indices)
    func refuses(_ row: Int) {
        let (bytes, error) = Self.refused[row]
        #expect(throws: error) {
            var reader = ByteReader(bytes)
            _ = try reader.readVarint()
        }
    }

    @Test("whatever is accepted is written the same way")
    func fuzz() {
        var random = Seeded(2)
        var acceptedCount = 0
        for _ in 0..<20_000 {
            let bytes = random.bytes(1 + random.below(11)).map { $0 | UInt8(random.below(2) * 128) }
            var reader = ByteReader(bytes)
            guard let value = try? reader.readVarint() else { continue }
            acceptedCount += 1
            var writer = ByteWriter()
            writer.writeVarint(value)
            #expect(writer.bytes == Array(bytes.prefix(bytes.count - reader.remaining)))
        }
        #expect(acceptedCount > 1_000)
    }
}
