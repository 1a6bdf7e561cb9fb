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
