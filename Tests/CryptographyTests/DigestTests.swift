import Cryptography
import Testing
import Wire

struct DigestCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let message: [UInt8]
    let digest: String
}

@Suite("SHA-256")
struct DigestTests {
    /// Source: FIPS 180-4 examples.
    static let cases = [
        DigestCase(
            testDescription: "nothing",
            message: [],
            digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
        DigestCase(
            testDescription: "abc",
            message: Array("abc".utf8),
            digest: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
        DigestCase(
            testDescription: "a million times a",
            message: [UInt8](repeating: 0x61, count: 1_000_000),
            digest: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ]

    @Test("of a known message", arguments: cases)
    func known(_ row: DigestCase) {
        #expect(Hex.encode(sha256(row.message)) == row.digest)
    }

    @Test("does not depend on how a message is cut", arguments: [1, 63, 64, 65, 1000])
    func pieces(_ size: Int) {
        let message = (0..<3000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var stream = SHA256Stream()
        for start in stride(from: 0, to: message.count, by: size) {
            stream.update(Array(message[start..<min(start + size, message.count)]))
        }
        #expect(stream.finish() == sha256(message))
    }

    @Test("a dropped stream leaves nothing to the next one")
    func dropped() {
        for _ in 0..<3 {
            var stream = SHA256Stream()
            stream.update([1, 2, 3])
        }
        #expect(Hex.encode(sha256([])) == Self.cases[0].digest)
    }
}
