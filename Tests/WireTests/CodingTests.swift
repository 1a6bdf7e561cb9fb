import TestSupport
import Testing
import Wire

@Suite("CRC-32C")
struct ChecksumTests {
    static let cases: [(name: String, bytes: [UInt8], crc: UInt32)] = [
        ("nothing", [], 0),
        ("check value", Array("123456789".utf8), 0xE306_9283),
        ("32 zeros, RFC 3720", [UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ("32 ones, RFC 3720", [UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ("ascending, RFC 3720", Array(0..<32), 0x46DD_794E),
        ("descending, RFC 3720", (0..<32).reversed(), 0x113F_DB5C),
        ("one letter", Array("a".utf8), 0xC1D0_4330),
    ]

    @Test("known value", arguments: cases.indices)
    func known(_ row: Int) {
        let (name, bytes, crc) = Self.cases[row]
        #expect(crc32c(bytes) == crc, "\(name)")
        #expect(crc32c(([7] + bytes)[1...]) == crc, "\(name), as a slice")
    }

    @Test("can be continued at any cut and equals the bitwise definition")
    func continued() {
        var random = Seeded(3)
        for count in 0..<80 {
            let bytes = random.bytes(count)
            let cut = random.below(count + 1)
            let whole = crc32c(bytes)
            #expect(crc32c(bytes[cut...], continuing: crc32c(bytes[..<cut])) == whole)
            #expect(bitwise(bytes) == whole)
        }
    }

    private func bitwise(_ bytes: [UInt8]) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 {
                crc = crc & 1 == 1 ? crc >> 1 ^ 0x82F6_3B78 : crc >> 1
            }
        }
        return ~crc
    }
}

@Suite("hex")
struct HexTests {
    @Test("knows every byte in both directions")
    func everyByte() {
        let bytes = Array(UInt8.min...UInt8.max)
        let expected = bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        #expect(Hex.encode(bytes) == expected)
        #expect(Hex.decode(expected) == bytes)
        #expect(Hex.decode(expected.uppercased()) == bytes)
        #expect(Hex.encode([]) == "")
        #expect(Hex.decode("") == [])
    }

    @Test("accepts exactly the digits")
    func everyDigit() {
        let digits = Set("0123456789abcdefABCDEF".utf8)
        for byte in UInt8.min...UInt8.max {
            #expect((Hex.decode([byte, 0x30].span) != nil) == digits.contains(byte), "\(byte)")
            #expect((Hex.decode([0x30, byte].span) != nil) == digits.contains(byte), "\(byte)")
        }
    }

    @Test("refuses", arguments: ["0", "abc", "0x", " 00", "00 ", "0\u{e9}", "é", "gg", "0/", "0:"])
    func refuses(_ text: String) {
        #expect(Hex.decode(text) == nil)
    }
}

@Suite("base64")
struct Base64Tests {
    /// RFC 4648 section 10, and one that shows the two alphabets.
    static let cases: [(bytes: [UInt8], standard: String, url: String)] = [
        ([], "", ""),
        (Array("f".utf8), "Zg==", "Zg"),
        (Array("fo".utf8), "Zm8=", "Zm8"),
        (Array("foo".utf8), "Zm9v", "Zm9v"),
        (Array("foob".utf8), "Zm9vYg==", "Zm9vYg"),
        (Array("fooba".utf8), "Zm9vYmE=", "Zm9vYmE"),
        (Array("foobar".utf8), "Zm9vYmFy", "Zm9vYmFy"),
        ([0xFB, 0xEF, 0xFF], "++//", "--__"),
    ]

    @Test("known value", arguments: cases.indices)
    func known(_ row: Int) {
        let (bytes, standard, url) = Self.cases[row]
        #expect(Base64.encode(bytes) == standard)
        #expect(Base64.decode(standard) == bytes)
        #expect(Base64.encodeURL(bytes) == url)
        #expect(Base64.decodeURL(url) == bytes)
    }

    @Test("accepts exactly the alphabet")
    func everyCharacter() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
        let standard = Set((letters + "+/").unicodeScalars)
        let url = Set((letters + "-_").unicodeScalars)
        for code in UInt8.min..<128 {
            let scalar = Unicode.Scalar(code)
            let text = "A\(Character(scalar))AA"
            #expect((Base64.decode(text) != nil) == standard.contains(scalar), "\(code)")
            #expect((Base64.decodeURL(text) != nil) == url.contains(scalar), "\(code)")
        }
    }

    @Test(
        "standard form refuses",
        arguments: [
            "Zg", "Zg=", "Zm8", "Z", "Zg===", "=", "==", "====", "Z===", "Zg==Zg==", "Zh==", "Zm9=",
            "Zm9v ", "Zm9v\n", "Z-_v", "Zm 9v",
        ]
    )
    func refusesStandard(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test(
        "URL form refuses",
        arguments: ["Zg==", "Zm8=", "Z", "Zh", "Zm9", "Zm9vY", "+/vv", "Zm9v "]
    )
    func refusesURL(_ text: String) {
        #expect(Base64.decodeURL(text) == nil)
    }

    @Test("random bytes come back, and damaged text has no second spelling")
    func roundTrip() {
        var random = Seeded(4)
        for _ in 0..<2_000 {
            let bytes = random.bytes(random.below(50))
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
            let damaged = text(random.bytes(4).map { $0 & 0x7F })
            if let decoded = Base64.decode(damaged) {
                #expect(Base64.encode(decoded) == damaged)
            }
        }
    }
}

@Suite("identifiers and text order")
struct IdentifierTests {
    @Test("sixteen bytes are a lower-case uuid and back")
    func uuid() {
        let bytes: [UInt8] = Array(0x00...0x07) + Array(0xF8...0xFF)
        #expect(uuidText(bytes) == "00010203-0405-0607-f8f9-fafbfcfdfeff")
        #expect(uuidBytes(uuidText(bytes)) == bytes)
        #expect(uuidBytes(uuidText(bytes).uppercased()) == bytes)
    }

    @Test(
        "is not a uuid",
        arguments: [
            "", "000102030405-0607-f8f9-fafbfcfdfeff", "00010203-0405-0607-f8f9-fafbfcfdfef",
            "00010203-0405-0607-f8f9-fafbfcfdfegg", "00010203-0405-0607-f8f9-fafbfcfdfeff0",
            "0001020-30405-0607-f8f9-fafbfcfdfeff",
        ]
    )
    func notUUID(_ text: String) {
        #expect(uuidBytes(text) == nil)
    }

    @Test("a wrong count of bytes is a bug and stops the process")
    func wrongCount() async {
        await #expect(processExitsWith: .failure) { _ = uuidText([1, 2, 3]) }
    }

    @Test("text compares by bytes, not by Unicode equivalence")
    func bytes() {
        let composed = "\u{E9}"
        let decomposed = "e\u{301}"
        #expect(composed == decomposed)
        #expect(!utf8Equals(composed, decomposed))
        #expect(utf8Equals(composed, "\u{E9}"))
        #expect(utf8Precedes(decomposed, composed))
        #expect(!utf8Precedes(composed, decomposed))
        #expect(utf8Precedes("", "a") && utf8Precedes("a", "ab") && utf8Precedes("Z", "a"))
        #expect(!utf8Precedes("a", "a"))
    }
}

@Suite("errors")
struct ErrorTests {
    static let all: [any OperatorError] = [
        WireError.truncated(need: 2, have: 1), WireError.tooLong(limit: 2, have: 3),
        WireError.trailing(1), WireError.malformed("x"),
        JSONError.invalidCharacter(0x62, .beginningOfValue), JSONError.unexpectedEnd,
        JSONError.tooDeep(limit: 2), JSONError.tooManyStrings(limit: 2),
        JSONError.tooMuchMemory(limit: 2), DurationError.invalid("x"),
        DurationError.missingUnit("1.5"), DurationError.unknownUnit("1x", unit: "x"),
    ]

    @Test("summary is lower case without a final period, and there is something to do")
    func form() {
        for error in Self.all {
            #expect(error.summary.first?.isUppercase == false)
            #expect(error.summary.last != ".")
            #expect(!error.remedy.isEmpty)
            #expect("\(error)" == error.summary)
        }
    }
}
