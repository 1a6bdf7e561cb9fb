import Cryptography
import Testing
import Wire

struct XWingCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let seed: String
    let publicKeyDigest: String
}

@Suite("HPKE with X-Wing")
struct HPKETests {
    static let info = Array("root wrap".utf8)

    /// Source: draft-connolly-cfrg-xwing-kem, test vectors; SHA-256 of the public key.
    static let cases = [
        XWingCase(
            testDescription: "vector 1",
            seed: "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26",
            publicKeyDigest: "2e816deebcd76c5c80d0cd2d174478871658e8e2ff42bc9d4a6e486372e856bb"
        ),
        XWingCase(
            testDescription: "vector 2",
            seed: "badfd6dfaac359a5efbb7bcc4b59d538df9a04302e10c8bc1cbf1a0b3a5120ea",
            publicKeyDigest: "c42ba5f8430d7d2c83739338203819f090e8303ce9c8b02107c272bfa5376916"
        ),
    ]

    @Test("a seed gives the published key pair", arguments: cases)
    func known(_ row: XWingCase) throws {
        let pair = try HPKERecipient.keyPair(from: secret(hex(row.seed)))
        #expect(pair.publicKey.count == HPKERecipient.publicKeyBytes)
        #expect(Hex.encode(sha256(pair.publicKey)) == row.publicKeyDigest)
    }

    @Test("what is sealed opens, under the same seed, again and again")
    func roundTrip() throws {
        let publicKey = try HPKERecipient.keyPair(from: secret(repeating: 7)).publicKey
        let root = secret(repeating: 0x55)
        let sealed = try HPKERecipient.seal(
            root,
            to: publicKey,
            info: Self.info,
            associatedData: [1]
        )
        #expect(sealed.count == 32 + HPKERecipient.overheadBytes)
        let again = try HPKERecipient.keyPair(from: secret(repeating: 7))
        let opened = try again.privateKey.open(sealed, info: Self.info, associatedData: [1])
        #expect(opened.exposedCopy() == root.exposedCopy())
        let second = try HPKERecipient.seal(
            root,
            to: publicKey,
            info: Self.info,
            associatedData: [1]
        )
        #expect(second != sealed)
    }

    @Test("anything else does not open")
    func refuses() throws {
        let pair = try HPKERecipient.keyPair(from: secret(repeating: 7))
        let sealed = try HPKERecipient.seal(
            secret(repeating: 1),
            to: pair.publicKey,
            info: Self.info,
            associatedData: [1]
        )
        func isRefused(
            _ sealed: [UInt8],
            seed: UInt8 = 7,
            info: [UInt8] = Self.info,
            data: [UInt8] = [1]
        ) -> Bool {
            do throws(CryptographyError) {
                let pair = try HPKERecipient.keyPair(from: secret(repeating: seed))
                _ = try pair.privateKey.open(sealed, info: info, associatedData: data)
                return false
            } catch {
                return error == .authenticationFailed
            }
        }
        #expect(!isRefused(sealed))
        #expect(isRefused(sealed, seed: 8))
        #expect(isRefused(sealed, info: []))
        #expect(isRefused(sealed, data: []))
        for position in [0, 1119, 1120, 1151, 1152, sealed.count - 1] {
            var changed = sealed
            changed[position] ^= 1
            #expect(isRefused(changed), "byte \(position)")
        }
        for count in [0, 1, 1119, 1120, 1136, sealed.count - 1] {
            #expect(isRefused(Array(sealed.prefix(count))), "\(count) bytes")
        }
        #expect(isRefused(sealed + [0]))
    }

    @Test("names bad keys")
    func badKeys() {
        #expect(throws: CryptographyError.badKeyLength(want: 32, have: 16)) {
            _ = try HPKERecipient.keyPair(from: secret(repeating: 1, count: 16))
        }
        #expect(throws: CryptographyError.badKeyLength(want: 1216, have: 32)) {
            try HPKERecipient.seal(
                secret(repeating: 1),
                to: [UInt8](repeating: 0, count: 32),
                info: [],
                associatedData: []
            )
        }
        // Coefficients of 4095 are above ML-KEM's modulus.
        #expect(throws: CryptographyError.badPublicKey) {
            try HPKERecipient.seal(
                secret(repeating: 1),
                to: [UInt8](repeating: 0xff, count: 1216),
                info: [],
                associatedData: []
            )
        }
    }
}
