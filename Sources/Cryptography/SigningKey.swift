import Crypto

/// An Ed25519 key, kept as its 32-byte seed in locked memory.
///
/// Provider: swift-crypto (BoringSSL). The expanded key lives in ordinary memory only while a
/// signature is made.
/// - Source: RFC 8032.
package struct SigningKey: ~Copyable, Sendable {
    /// Sizes in bytes, of RFC 8032.
    package static let seedBytes = 32
    package static let publicKeyBytes = 32
    package static let signatureBytes = 64

    private let seed: SecretBytes
    /// 32 bytes.
    package let publicKey: [UInt8]

    /// Takes over a 32-byte seed; the same seed always gives the same key.
    package init(seed: consuming SecretBytes) throws(CryptographyError) {
        guard seed.count == Self.seedBytes else {
            throw .badKeyLength(want: Self.seedBytes, have: seed.count)
        }
        publicKey = try Array(Self.expand(seed).publicKey.rawRepresentation)
        self.seed = seed
    }

    /// The signature of `message`: 64 bytes.
    package borrowing func sign(_ message: [UInt8]) throws(CryptographyError) -> [UInt8] {
        let key = try Self.expand(seed)
        do {
            return try Array(key.signature(for: message))
        } catch {
            throw .internalFailure("Ed25519 sign")
        }
    }

    /// True if `signature` (64 bytes) is by the owner of `publicKey` (32 bytes) over `message`.
    /// Malformed input is simply false.
    package static func verify(
        signature: [UInt8],
        message: [UInt8],
        publicKey: [UInt8]
    ) -> Bool {
        guard signature.count == signatureBytes, publicKey.count == publicKeyBytes,
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey)
        else { return false }
        return key.isValidSignature(signature, for: message)
    }

    private static func expand(
        _ seed: borrowing SecretBytes
    ) throws(CryptographyError) -> Curve25519.Signing.PrivateKey {
        var bytes = seed.exposedCopy()
        defer { wipe(&bytes) }
        do {
            return try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        } catch {
            throw .internalFailure("Ed25519 key expansion")
        }
    }
}
