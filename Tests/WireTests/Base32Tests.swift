import Testing
import Wire

@Suite("base32")
struct Base32Tests {
    @Test(
        "the RFC's examples",
        arguments: [
            ("", ""), ("f", "MY"), ("fo", "MZXQ"), ("foo", "MZXW6"), ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"), ("foobar", "MZXW6YTBOI"),
        ]
    )
    func examples(_ plain: String, _ encoded: String) throws {
        #expect(Base32.encode(Array(plain.utf8)) == encoded)
        let padding = String(repeating: "=", count: (8 - encoded.utf8.count % 8) % 8)
        for text in [encoded, encoded + padding, encoded.lowercased()] {
            #expect(try Base32.decode(text) == Array(plain.utf8), "\(text)")
        }
    }

    @Test("every byte comes back")
    func round() throws {
        for count in 0..<64 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(try Base32.decode(Base32.encode(bytes)) == bytes)
        }
    }

    /// The positions are those of OpenBao 2.7.2, whose clients see them.
    @Test(
        "what is wrong is said with its place",
        arguments: [
            ("NOT BASE32!", 3), ("JBSWY3DP EHPK3PXP", 8), ("J", 1), ("JBS", 3), ("JBSWY3", 6),
            ("A=A", 1), ("=", 0), ("AA======A", 2), ("JBSWY3DP=", 8), ("01189", 0),
            ("AA=======", 2), ("é", 0),
        ]
    )
    func wrong(_ text: String, _ position: Int) {
        #expect(throws: Base32Error(position: position)) { try Base32.decode(text) }
    }
}
