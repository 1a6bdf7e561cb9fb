import COpenSSL

/// A key for XAES-256-GCM: authenticated encryption with nonces that may be drawn at random.
///
/// - Construction: for each nonce N, a key for AES-256-GCM is derived as
///   `CMAC(K, 0 1 'X' 0 ‖ N[0..<12]) ‖ CMAC(K, 0 2 'X' 0 ‖ N[0..<12])`;
///   the message is then sealed with it under `N[12..<24]`.
///   The CMAC of one whole block is one AES call on block ⊕ K1, and K1 is computed once per key.
/// - Any number of threads may use one key. Contexts are pooled per key, in locked memory, and
///   wiped with it.
/// - GCM does not commit to its key. Who opens a box under a key that an attacker may have chosen
///   compares ``keyCommitment(_:of:vaultID:context:)`` first.
/// - Cost: about 0.6 µs for 256 bytes with AES-NI.
/// - Source: C2SP, XAES-256-GCM; NIST SP 800-108r1, SP 800-38B and SP 800-38D.
@safe package final class XAESKey: Sendable {
    package static let keyBytes = 32
    package static let nonceBytes = 24
    package static let tagBytes = 16

    /// K1 of CMAC, 16 bytes: doubles E(K, 0) in GF(2^128).
    private let subkey: SecretBytes
    private let contexts: Pool<XAESContexts>

    /// `key` must be 32 bytes.
    package init(_ key: borrowing SecretBytes) {
        precondition(key.count == Self.keyBytes, "an XAES-256-GCM key is 32 bytes")
        let first = XAESContexts(key)
        subkey = first.cmacSubkey()
        let source = KeySource(key.clone())
        contexts = Pool(make: { XAESContexts(source.key) }, free: { $0.free() })
        contexts.give(first)
    }

    /// Encrypts and authenticates.
    ///
    /// - Parameters:
    ///   - plaintext: 0 to `Limits.boxBytesMax` bytes.
    ///   - nonce: 24 bytes, never used twice with this key. Random ones are safe up to 2^80 boxes.
    ///   - associatedData: bound to the box and not stored in it.
    /// - Returns: ciphertext of the plaintext's length, then the 16-byte tag.
    package func seal(
        _ plaintext: [UInt8],
        nonce: [UInt8],
        associatedData: [UInt8]
    ) -> [UInt8] {
        seal(plaintext.span, nonce: nonce, associatedData: associatedData)
    }

    /// Encrypts a secret that stays in locked memory. See ``seal(_:nonce:associatedData:)``.
    package func seal(
        secret: borrowing SecretBytes,
        nonce: [UInt8],
        associatedData: [UInt8]
    ) -> [UInt8] {
        secret.withBytes { seal($0, nonce: nonce, associatedData: associatedData) }
    }

    /// Checks and decrypts.
    ///
    /// - Returns: the plaintext, 16 bytes shorter than `box`.
    /// - Throws: ``CryptographyError/authenticationFailed`` for a wrong key, nonce, associated data
    ///   or altered or truncated box; `badNonceLength`, `tooLong` for impossible input.
    package func open(
        _ box: [UInt8],
        nonce: [UInt8],
        associatedData: [UInt8]
    ) throws(CryptographyError) -> [UInt8] {
        let count = try Self.plaintextBytes(of: box, nonce: nonce)
        var isAuthentic = false
        let plaintext = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            isAuthentic = unsafe open(box, nonce, associatedData, into: target.baseAddress)
            // What GCM wrote before it saw the tag must not stay behind in freed memory.
            if !isAuthentic { unsafe OPENSSL_cleanse(target.baseAddress, target.count) }
            filled = isAuthentic ? count : 0
        }
        guard isAuthentic else { throw .authenticationFailed }
        return plaintext
    }

    /// Checks and decrypts into locked memory. See ``open(_:nonce:associatedData:)``; in addition a
    /// box of nothing or of more than `Limits.secretBytesMax` bytes is refused.
    package func openSecret(
        _ box: [UInt8],
        nonce: [UInt8],
        associatedData: [UInt8]
    ) throws(CryptographyError) -> SecretBytes {
        let count = try Self.plaintextBytes(of: box, nonce: nonce)
        guard count > 0 else { throw .badKeyLength(want: Self.keyBytes, have: 0) }
        guard count <= Limits.secretBytesMax else {
            throw .tooLong(limit: Limits.secretBytesMax, have: count)
        }
        return try SecretBytes(count: count) { target throws(CryptographyError) in
            let isAuthentic = unsafe target.withUnsafeMutableBufferPointer { target in
                unsafe open(box, nonce, associatedData, into: target.baseAddress)
            }
            guard isAuthentic else { throw .authenticationFailed }
        }
    }

    private static func plaintextBytes(
        of box: [UInt8],
        nonce: [UInt8]
    ) throws(CryptographyError) -> Int {
        guard nonce.count == nonceBytes else {
            throw .badNonceLength(want: nonceBytes, have: nonce.count)
        }
        guard box.count >= tagBytes else { throw .authenticationFailed }
        let limit = Limits.boxBytesMax + tagBytes
        guard box.count <= limit else { throw .tooLong(limit: limit, have: box.count) }
        return box.count - tagBytes
    }

    private func seal(
        _ plaintext: Span<UInt8>,
        nonce: [UInt8],
        associatedData: [UInt8]
    ) -> [UInt8] {
        precondition(nonce.count == Self.nonceBytes, "an XAES-256-GCM nonce is 24 bytes")
        precondition(plaintext.count <= Limits.boxBytesMax, "a box holds at most 64 MiB")
        precondition(associatedData.count <= Limits.boxBytesMax)
        let context = contexts.take()
        defer { contexts.give(context) }
        return unsafe [UInt8](
            unsafeUninitializedCapacity: plaintext.count + Self.tagBytes
        ) { target, filled in
            context.begin(nonce, subkey, isSealing: true)
            unsafe context.seal(plaintext, associatedData, into: target)
            filled = plaintext.count + Self.tagBytes
        }
    }

    private func open(
        _ box: [UInt8],
        _ nonce: [UInt8],
        _ associatedData: [UInt8],
        into target: UnsafeMutablePointer<UInt8>?
    ) -> Bool {
        let context = contexts.take()
        defer { contexts.give(context) }
        context.begin(nonce, subkey, isSealing: false)
        return unsafe context.open(box, associatedData, into: target)
    }
}

/// Lets the pool's closure own the key: it makes further contexts on any thread at any time.
private final class KeySource: Sendable {
    let key: SecretBytes
    init(_ key: consuming SecretBytes) { self.key = key }
}
