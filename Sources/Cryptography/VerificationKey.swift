import COpenSSL
import Crypto

/// How a JSON web token is signed. Only public keys: a server that checks tokens with a secret
/// could be made to take its public key for one.
///
/// - Source: RFC 7518, section 3.1, and RFC 8037.
package enum SignatureAlgorithm: String, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}

/// A public key that signatures of others are checked with.
package struct VerificationKey: Sendable {
    private enum Key: Sendable {
        /// A SubjectPublicKeyInfo that libcrypto takes for an RSA key.
        case rsa([UInt8])
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        /// 32 bytes.
        case ed25519([UInt8])
    }

    private let key: Key

    /// - Parameter info: SubjectPublicKeyInfo in DER. RSA keys have 2,048 to 8,192 bits.
    /// - Returns: nil for any other key, and for what is none.
    package init?(subjectPublicKeyInfo info: [UInt8]) {
        guard info.count <= Limits.publicKeyBytesMax else { return nil }
        if info.count == Self.ed25519Prefix.count + 32, info.starts(with: Self.ed25519Prefix) {
            key = .ed25519(Array(info.suffix(32)))
        } else if let found = try? P256.Signing.PublicKey(derRepresentation: info) {
            // The reader judges by the size of the point and overlooks what kind of key it is said
            // to be: only what it would write itself is taken.
            guard found.derRepresentation.elementsEqual(info) else { return nil }
            key = .p256(found)
        } else if let found = try? P384.Signing.PublicKey(derRepresentation: info) {
            guard found.derRepresentation.elementsEqual(info) else { return nil }
            key = .p384(found)
        } else if let found = try? P521.Signing.PublicKey(derRepresentation: info) {
            guard found.derRepresentation.elementsEqual(info) else { return nil }
            key = .p521(found)
        } else if (2_048...8_192).contains(Self.rsaBits(info)) {
            key = .rsa(info)
        } else {
            return nil
        }
    }

    /// - Parameters:
    ///   - modulus: big-endian; zeros in front do not count.
    ///   - exponent: the same; odd, above 1, at most 8 bytes.
    /// - Returns: nil for a key outside of 2,048 to 8,192 bits.
    package init?(rsaModulus modulus: [UInt8], exponent: [UInt8]) {
        let (modulus, exponent) = (modulus.drop { $0 == 0 }, exponent.drop { $0 == 0 })
        guard (256...1_024).contains(modulus.count), (1...8).contains(exponent.count) else {
            return nil
        }
        self.init(subjectPublicKeyInfo: Self.rsaInfo(modulus, exponent))
    }

    /// - Parameters:
    ///   - curve: as a JSON web key names it: `P-256`, `P-384` or `P-521`.
    ///   - x: the point's coordinates, each as long as the curve's field.
    /// - Returns: nil for another curve, another length, and a point that is not on the curve.
    package init?(curve: String, x: [UInt8], y: [UInt8]) {
        switch curve {
        case "P-256" where x.count == 32 && y.count == 32:
            guard let key = try? P256.Signing.PublicKey(rawRepresentation: x + y) else {
                return nil
            }
            self.key = .p256(key)
        case "P-384" where x.count == 48 && y.count == 48:
            guard let key = try? P384.Signing.PublicKey(rawRepresentation: x + y) else {
                return nil
            }
            self.key = .p384(key)
        case "P-521" where x.count == 66 && y.count == 66:
            guard let key = try? P521.Signing.PublicKey(rawRepresentation: x + y) else {
                return nil
            }
            self.key = .p521(key)
        default: return nil
        }
    }

    /// - Parameter bytes: of the key of Ed25519, 32 of them.
    package init?(ed25519 bytes: [UInt8]) {
        self.init(subjectPublicKeyInfo: Self.ed25519Prefix + bytes)
    }

    /// SubjectPublicKeyInfo in DER, from which ``init(subjectPublicKeyInfo:)`` makes the same key.
    package var subjectPublicKeyInfo: [UInt8] {
        switch key {
        case .rsa(let info): info
        case .p256(let key): Array(key.derRepresentation)
        case .p384(let key): Array(key.derRepresentation)
        case .p521(let key): Array(key.derRepresentation)
        case .ed25519(let bytes): Self.ed25519Prefix + bytes
        }
    }

    /// Whether an algorithm is one of this kind of key.
    package func fits(_ algorithm: SignatureAlgorithm) -> Bool {
        switch (key, algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384),
            (.rsa, .ps512), (.p256, .es256), (.p384, .es384), (.p521, .es512), (.ed25519, .edDSA):
            true
        default: false
        }
    }

    /// Whether the signature is by the owner of the key over the message. False as well for an
    /// algorithm of another kind of key, and for a signature of a wrong form.
    package func verifies(
        _ signature: [UInt8],
        _ message: [UInt8],
        by algorithm: SignatureAlgorithm
    ) -> Bool {
        switch (key, algorithm) {
        case (.rsa(let info), .rs256): Self.rsa(info, 256, isPSS: false, signature, message)
        case (.rsa(let info), .rs384): Self.rsa(info, 384, isPSS: false, signature, message)
        case (.rsa(let info), .rs512): Self.rsa(info, 512, isPSS: false, signature, message)
        case (.rsa(let info), .ps256): Self.rsa(info, 256, isPSS: true, signature, message)
        case (.rsa(let info), .ps384): Self.rsa(info, 384, isPSS: true, signature, message)
        case (.rsa(let info), .ps512): Self.rsa(info, 512, isPSS: true, signature, message)
        case (.p256(let key), .es256):
            (try? P256.Signing.ECDSASignature(rawRepresentation: signature)).map {
                key.isValidSignature($0, for: message)
            } ?? false
        case (.p384(let key), .es384):
            (try? P384.Signing.ECDSASignature(rawRepresentation: signature)).map {
                key.isValidSignature($0, for: message)
            } ?? false
        case (.p521(let key), .es512):
            (try? P521.Signing.ECDSASignature(rawRepresentation: signature)).map {
                key.isValidSignature($0, for: message)
            } ?? false
        case (.ed25519(let bytes), .edDSA):
            SigningKey.verify(signature: signature, message: message, publicKey: bytes)
        default: false
        }
    }

    /// `SEQUENCE { SEQUENCE { 1.3.101.112 }, BIT STRING }` up to the key itself.
    ///
    /// - Source: RFC 8410, section 4.
    private static let ed25519Prefix: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// `SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { n, e } } }`
    ///
    /// - Source: RFC 3279, section 2.3.1.
    private static func rsaInfo(
        _ modulus: ArraySlice<UInt8>,
        _ exponent: ArraySlice<UInt8>
    ) -> [UInt8] {
        let algorithm: [UInt8] = [
            0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05,
            0x00,
        ]
        let numbers = der(0x30, derInteger(modulus) + derInteger(exponent))
        return der(0x30, algorithm + der(0x03, [0x00] + numbers))
    }

    /// A positive number: its first bit would be a sign.
    private static func derInteger(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let sign: [UInt8] = (bytes.first ?? 0) & 0x80 == 0 ? [] : [0x00]
        return der(0x02, sign + bytes)
    }

    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        precondition(content.count <= Int(UInt16.max), "a key has no part of 64 KiB")
        let (high, low) = (UInt8(content.count >> 8), UInt8(content.count & 0xFF))
        let length: [UInt8] =
            content.count < 0x80 ? [low] : high == 0 ? [0x81, low] : [0x82, high, low]
        return [tag] + length + content
    }

    /// 0 for what is no RSA key.
    private static func rsaBits(_ info: [UInt8]) -> Int {
        // The heap of libcrypto has to be ours before it is first used.
        _ = Libcrypto.shared
        return Int(unsafe holdfast_rsa_bits(info, info.count))
    }

    private static func rsa(
        _ info: [UInt8],
        _ digestBits: Int32,
        isPSS: Bool,
        _ signature: [UInt8],
        _ message: [UInt8]
    ) -> Bool {
        _ = Libcrypto.shared
        return unsafe holdfast_rsa_verify(
            info,
            info.count,
            digestBits,
            isPSS ? 1 : 0,
            signature,
            signature.count,
            message,
            message.count
        ) == 1
    }
}
