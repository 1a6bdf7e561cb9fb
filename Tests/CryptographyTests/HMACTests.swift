import Cryptography
import Testing
import Wire

struct HMACCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let key: [UInt8]
    let message: [UInt8]
    let tag: String
}

@Suite("HMAC-SHA256")
struct HMACTests {
    /// Source: RFC 4231, section 4. Case 5 is published cut to 16 bytes.
    static let cases = [
        HMACCase(
            testDescription: "case 1",
            key: [UInt8](repeating: 0x0b, count: 20),
            message: Array("Hi There".utf8),
            tag: "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        HMACCase(
            testDescription: "case 2: key shorter than the digest",
            key: Array("Jefe".utf8),
            message: Array("what do ya want for nothing?".utf8),
            tag: "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        HMACCase(
            testDescription: "case 3",
            key: [UInt8](repeating: 0xaa, count: 20),
            message: [UInt8](repeating: 0xdd, count: 50),
            tag: "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        HMACCase(
            testDescription: "case 4",
            key: Array(1...25),
            message: [UInt8](repeating: 0xcd, count: 50),
            tag: "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        HMACCase(
            testDescription: "case 5",
            key: [UInt8](repeating: 0x0c, count: 20),
            message: Array("Test With Truncation".utf8),
            tag: "a3b6167473100ee06e0c796c2955552b"
        ),
        HMACCase(
            testDescription: "case 6: key longer than a block",
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            tag: "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        HMACCase(
            testDescription: "case 7: key and message longer than a block",
            key: [UInt8](repeating: 0xaa, count: 131),
            message: Array(
                ("This is a test using a larger than block-size key and a larger than "
                    + "block-size data. The key needs to be hashed before being used by the "
                    + "HMAC algorithm.").utf8
            ),
            tag: "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test("of a known message", arguments: cases)
    func known(_ row: HMACCase) {
        let key = HMACKey(secret(row.key))
        #expect(Hex.encode(key.tag(row.message)).hasPrefix(row.tag))
        #expect(key.tag(row.message).count == 32)
        #expect(hmacSHA256(key: secret(row.key), row.message) == key.tag(row.message))
        #expect(hmacSHA256(key: row.key, row.message) == key.tag(row.message))
    }

    @Test("one key serves many messages")
    func reuse() {
        let key = HMACKey(secret(Self.cases[1].key))
        let first = key.tag(Self.cases[1].message)
        for length in 0..<200 { _ = key.tag([UInt8](repeating: 1, count: length)) }
        #expect(key.tag(Self.cases[1].message) == first)
    }

    @Test("verifies its own tag and no other")
    func verifies() {
        let key = HMACKey(secret(repeating: 9))
        var tag = key.tag([1, 2, 3])
        #expect(key.verifies(tag, [1, 2, 3]))
        #expect(!key.verifies(tag, [1, 2, 4]))
        #expect(!key.verifies(Array(tag.dropLast()), [1, 2, 3]))
        #expect(!key.verifies([], [1, 2, 3]))
        tag[31] ^= 1
        #expect(!key.verifies(tag, [1, 2, 3]))
    }
}
