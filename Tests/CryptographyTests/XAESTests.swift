import Cryptography
import Testing
import Wire

struct XAESCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let key: UInt8
    let associatedData: String
    let box: String
}

@Suite("XAES-256-GCM")
struct XAESTests {
    static let nonce = Array("ABCDEFGHIJKLMNOPQRSTUVWX".utf8)
    static let plaintext = Array("XAES-256-GCM".utf8)

    /// Source: C2SP, XAES-256-GCM. The two keys take both ways through CMAC's doubling.
    static let cases = [
        XAESCase(
            testDescription: "no associated data",
            key: 1,
            associatedData: "",
            box: "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
        ),
        XAESCase(
            testDescription: "associated data",
            key: 3,
            associatedData: "c2sp.org/XAES-256-GCM",
            box: "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"
        ),
    ]

    @Test("gives the published box", arguments: cases)
    func known(_ row: XAESCase) throws {
        let key = XAESKey(secret(repeating: row.key))
        let data = Array(row.associatedData.utf8)
        let box = key.seal(Self.plaintext, nonce: Self.nonce, associatedData: data)
        #expect(Hex.encode(box) == row.box)
        #expect(
            try key.open(hex(row.box), nonce: Self.nonce, associatedData: data) == Self.plaintext
        )
        let same = key.seal(
            secret: secret(Self.plaintext),
            nonce: Self.nonce,
            associatedData: data
        )
        #expect(same == box)
        let opened = try key.openSecret(box, nonce: Self.nonce, associatedData: data)
        #expect(opened.exposedCopy() == Self.plaintext)
    }

    /// 10,000 random keys, nonces, lengths, all folded into one digest. Source: C2SP, XAES-256-GCM.
    @Test("gives the published digest over 10,000 random boxes")
    func accumulated() throws {
        var source = Shake128()
        var digest = Shake128()
        for _ in 0..<10_000 {
            let key = XAESKey(secret(source.read(32)))
            let nonce = source.read(24)
            let plaintext = source.read(Int(source.read(1)[0]))
            let data = source.read(Int(source.read(1)[0]))
            let box = key.seal(plaintext, nonce: nonce, associatedData: data)
            let opened = try key.open(box, nonce: nonce, associatedData: data)
            if opened != plaintext { Issue.record("a box does not open to what was sealed") }
            digest.absorb(box)
        }
        #expect(
            Hex.encode(digest.read(32))
                == "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939"
        )
    }

    @Test("opens to what was sealed", arguments: [0, 1, 15, 16, 17, 255, 4096, 1 << 20])
    func lengths(_ count: Int) throws {
        let key = XAESKey(secret(repeating: 5))
        let plaintext = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        let box = key.seal(plaintext, nonce: Self.nonce, associatedData: [7])
        #expect(box.count == count + 16)
        #expect(try key.open(box, nonce: Self.nonce, associatedData: [7]) == plaintext)
    }

    @Test("notices every changed bit of box, nonce and associated data")
    func everyBit() {
        let key = XAESKey(secret(repeating: 5))
        let data: [UInt8] = [1, 2, 3]
        let box = key.seal(Self.plaintext, nonce: Self.nonce, associatedData: data)
        func isRefused(_ box: [UInt8], _ nonce: [UInt8], _ data: [UInt8]) -> Bool {
            do throws(CryptographyError) {
                _ = try key.open(box, nonce: nonce, associatedData: data)
                return false
            } catch {
                return error == .authenticationFailed
            }
        }
        func flipped(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
            var bytes = bytes
            bytes[bit / 8] ^= 1 << UInt8(bit % 8)
            return bytes
        }
        for bit in 0..<box.count * 8 {
            #expect(isRefused(flipped(box, bit), Self.nonce, data), "bit \(bit) of the box")
        }
        for bit in 0..<Self.nonce.count * 8 {
            #expect(isRefused(box, flipped(Self.nonce, bit), data), "bit \(bit) of the nonce")
        }
        for bit in 0..<data.count * 8 {
            #expect(isRefused(box, Self.nonce, flipped(data, bit)), "bit \(bit) of the data")
        }
        for count in 0..<box.count {
            #expect(isRefused(Array(box.prefix(count)), Self.nonce, data), "cut to \(count)")
        }
        #expect(isRefused(box + [0], Self.nonce, data), "one byte more")
        #expect(isRefused(box, Self.nonce, []), "data left out")
        #expect(!isRefused(box, Self.nonce, data))
    }

    @Test("refuses a box of another key")
    func otherKey() {
        let box = XAESKey(secret(repeating: 1)).seal(
            Self.plaintext,
            nonce: Self.nonce,
            associatedData: []
        )
        #expect(throws: CryptographyError.authenticationFailed) {
            try XAESKey(secret(repeating: 2)).open(box, nonce: Self.nonce, associatedData: [])
        }
    }

    @Test("names a nonce of the wrong length", arguments: [0, 12, 23, 25])
    func nonceLength(_ count: Int) {
        let key = XAESKey(secret(repeating: 1))
        let nonce = [UInt8](repeating: 0, count: count)
        #expect(throws: CryptographyError.badNonceLength(want: 24, have: count)) {
            try key.open([UInt8](repeating: 0, count: 40), nonce: nonce, associatedData: [])
        }
    }

    @Test("has no secret of zero bytes, even an authentic one")
    func emptySecret() throws {
        let key = XAESKey(secret(repeating: 1))
        let box = key.seal([], nonce: Self.nonce, associatedData: [])
        #expect(try key.open(box, nonce: Self.nonce, associatedData: []) == [])
        #expect(throws: CryptographyError.badKeyLength(want: 32, have: 0)) {
            _ = try key.openSecret(box, nonce: Self.nonce, associatedData: [])
        }
    }

    @Test("one key on 8 threads, sealing and opening")
    func threads() {
        let key = XAESKey(secret(repeating: 8))
        let expected = key.seal(Self.plaintext, nonce: Self.nonce, associatedData: [1])
        let failures = Counter()
        onThreads(8) { number in
            for round in 0..<2_000 {
                let message = [UInt8](repeating: UInt8(number), count: round % 300)
                var nonce = Self.nonce
                nonce[0] = UInt8(number)
                nonce[23] = UInt8(truncatingIfNeeded: round)
                let box = key.seal(message, nonce: nonce, associatedData: [UInt8(number)])
                let opened = try? key.open(box, nonce: nonce, associatedData: [UInt8(number)])
                let again = key.seal(Self.plaintext, nonce: Self.nonce, associatedData: [1])
                if opened != message || again != expected { failures.add() }
            }
        }
        #expect(failures.value == 0)
    }

    @Test("refuses a key that is not 32 bytes")
    func keyLength() async {
        await #expect(processExitsWith: .failure) {
            _ = XAESKey(SecretBytes(count: 31) { _ in })
        }
    }

    @Test("refuses to seal under a nonce that is not 24 bytes")
    func sealNonce() async {
        await #expect(processExitsWith: .failure) {
            let key = XAESKey(SecretBytes(count: 32) { _ in })
            _ = key.seal([], nonce: [UInt8](repeating: 0, count: 12), associatedData: [])
        }
    }
}
