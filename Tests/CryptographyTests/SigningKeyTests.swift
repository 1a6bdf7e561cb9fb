import Cryptography
import Testing
import Wire

struct SigningCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let seed: String
    let publicKey: String
    let message: [UInt8]
    let signature: String
}

@Suite("Ed25519")
struct SigningKeyTests {
    /// Source: RFC 8032, section 7.1.
    static let cases = [
        SigningCase(
            testDescription: "test 1: empty message",
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            message: [],
            signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
                + "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        SigningCase(
            testDescription: "test 2: one byte",
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            message: [0x72],
            signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
                + "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        SigningCase(
            testDescription: "test 3: two bytes",
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            message: [0xaf, 0x82],
            signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
                + "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test("gives the published key and signature", arguments: cases)
    func known(_ row: SigningCase) throws {
        let key = try SigningKey(seed: secret(hex(row.seed)))
        #expect(Hex.encode(key.publicKey) == row.publicKey)
        // The provider may add randomness to a signature, so it is checked and not compared.
        let signature = try key.sign(row.message)
        #expect(signature.count == 64)
        let publicKey = hex(row.publicKey)
        let isOwn = SigningKey.verify(
            signature: signature,
            message: row.message,
            publicKey: publicKey
        )
        #expect(isOwn)
        let isPublished = SigningKey.verify(
            signature: hex(row.signature),
            message: row.message,
            publicKey: publicKey
        )
        #expect(isPublished)
    }

    @Test("verifies nothing else")
    func refuses() throws {
        let key = try SigningKey(seed: secret(repeating: 1))
        let other = try SigningKey(seed: secret(repeating: 2))
        let publicKey = key.publicKey
        let signature = try key.sign([1, 2, 3])
        func verify(_ signature: [UInt8], _ message: [UInt8], _ publicKey: [UInt8]) -> Bool {
            SigningKey.verify(signature: signature, message: message, publicKey: publicKey)
        }
        var changed = signature
        changed[63] ^= 1
        #expect(verify(signature, [1, 2, 3], publicKey))
        #expect(!verify(signature, [1, 2, 4], publicKey))
        #expect(!verify(signature, [1, 2, 3], other.publicKey))
        #expect(!verify(changed, [1, 2, 3], publicKey))
        #expect(!verify([], [1, 2, 3], publicKey))
        #expect(!verify(signature + [0], [1, 2, 3], publicKey))
        #expect(!verify(signature, [1, 2, 3], []))
        #expect(!verify(signature, [1, 2, 3], [UInt8](repeating: 0xff, count: 32)))
    }

    @Test("names a seed of the wrong length", arguments: [1, 31, 33, 64])
    func seedLength(_ count: Int) {
        #expect(throws: CryptographyError.badKeyLength(want: 32, have: count)) {
            _ = try SigningKey(seed: secret(repeating: 1, count: count))
        }
    }
}
