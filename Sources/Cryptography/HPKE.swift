import Crypto
import FoundationEssentials

/// Sealing to a public key, with the hybrid of ML-KEM-768 and X25519 that is called X-Wing.
///
/// A message recorded today stays closed if either of the two is broken later. Suite: X-Wing,
/// HKDF-SHA256, AES-256-GCM, base mode. Provider: swift-crypto (BoringSSL). Its intermediate values
/// live in ordinary memory for the length of a call, and the sender's ephemeral key comes from
/// BoringSSL's own generator, which reseeds after a fork or a cloned machine.
/// - Source: RFC 9180; draft-connolly-cfrg-xwing-kem.
package enum HPKERecipient {
    /// Bytes of a seed, of a public key, and what a sealed message is longer than its plaintext.
    package static let seedBytes = 32
    package static let publicKeyBytes = 1216
    package static let overheadBytes = 1120 + 16

    private static var suite: HPKE.Ciphersuite { .XWingMLKEM768X25519_SHA256_AES_GCM_256 }

    /// The private half: its 32-byte seed, in locked memory.
    package struct PrivateKey: ~Copyable, Sendable {
        fileprivate let seed: SecretBytes

        /// Opens what ``HPKERecipient/seal(_:to:info:associatedData:)`` made for this key.
        ///
        /// - Parameters:
        ///   - sealed: encapsulated key of 1120 bytes, then ciphertext, then the tag of 16.
        ///   - info: must be what the sender gave; so must `associatedData`.
        /// - Throws: ``CryptographyError/authenticationFailed`` for anything that does not open.
        package borrowing func open(
            _ sealed: [UInt8],
            info: [UInt8],
            associatedData: [UInt8]
        ) throws(CryptographyError) -> SecretBytes {
            guard sealed.count > overheadBytes,
                sealed.count - overheadBytes <= Limits.secretBytesMax
            else { throw .authenticationFailed }
            let key = try Self.expand(seed)
            var plaintext: Data
            do {
                var recipient = try HPKE.Recipient(
                    privateKey: key,
                    ciphersuite: suite,
                    info: Data(info),
                    encapsulatedKey: Data(sealed[..<1120])
                )
                plaintext = try recipient.open(sealed[1120...], authenticating: associatedData)
            } catch {
                throw .authenticationFailed
            }
            defer { plaintext.resetBytes(in: plaintext.indices) }
            return SecretBytes(copying: plaintext.span)
        }

        fileprivate static func expand(
            _ seed: borrowing SecretBytes
        ) throws(CryptographyError) -> XWingMLKEM768X25519.PrivateKey {
            var bytes = seed.exposedCopy()
            defer { wipe(&bytes) }
            do {
                return try XWingMLKEM768X25519.PrivateKey(seedRepresentation: bytes, publicKey: nil)
            } catch {
                throw .internalFailure("X-Wing key expansion")
            }
        }
    }

    /// Both halves.
    package struct KeyPair: ~Copyable, Sendable {
        /// Opens what was sealed to ``publicKey``.
        package let privateKey: PrivateKey
        /// 1216 bytes.
        package let publicKey: [UInt8]
    }

    /// The key pair of a 32-byte seed; the same seed always gives the same pair.
    package static func keyPair(
        from seed: borrowing SecretBytes
    ) throws(CryptographyError) -> KeyPair {
        guard seed.count == seedBytes else {
            throw .badKeyLength(want: seedBytes, have: seed.count)
        }
        let key = try PrivateKey.expand(seed)
        return KeyPair(
            privateKey: PrivateKey(seed: seed.clone()),
            publicKey: Array(key.publicKey.rawRepresentation)
        )
    }

    /// Seals a secret so that only the holder of the private half opens it.
    ///
    /// - Parameters:
    ///   - publicKey: 1216 bytes.
    ///   - info: what this use is; ends up in the derived key.
    ///   - associatedData: bound to the message, not stored in it.
    /// - Returns: encapsulated key of 1120 bytes, ciphertext, tag of 16.
    /// - Throws: `badKeyLength`, `badPublicKey`.
    package static func seal(
        _ secret: borrowing SecretBytes,
        to publicKey: [UInt8],
        info: [UInt8],
        associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        guard publicKey.count == publicKeyBytes else {
            throw .badKeyLength(want: publicKeyBytes, have: publicKey.count)
        }
        var sender: HPKE.Sender
        do {
            let recipient = try XWingMLKEM768X25519.PublicKey(rawRepresentation: publicKey)
            sender = try HPKE.Sender(
                recipientKey: recipient,
                ciphersuite: suite,
                info: Data(info)
            )
        } catch {
            // The library looks at the key only now; without randomness it would end the process.
            throw .badPublicKey
        }
        var plaintext = secret.exposedCopy()
        defer { wipe(&plaintext) }
        do {
            let box = try sender.seal(plaintext, authenticating: associatedData)
            return Array(sender.encapsulatedKey) + Array(box)
        } catch {
            throw .internalFailure("HPKE seal")
        }
    }
}
