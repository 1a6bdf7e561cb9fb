package import Cryptography

/// All randomness of one request: 32 fresh bytes drawn once from the system, expanded on demand.
///
/// Pure: the same seed gives the same values, so a request whose outcome was lost can be prepared
/// again and asks for the same change, token and ids included.
///
/// - Ids and secrets depend on the seed and on their position in the stream only.
/// - Nonces depend on the seed, the attempt, their position, the associated data **and the
///   plaintext**. The same request prepared again on changed state seals other plaintext, and must
///   not do so under a nonce that was already used with the same key: GCM would give away both. The
///   attempt number alone would do if every caller kept count; binding the plaintext makes it hold
///   even for one that does not. Equal in all of that gives an equal box, which tells nothing new.
/// - Never use ``bytes(_:)`` as a nonce for data that may differ between attempts.
/// - No pool outlives the value, so a cloned machine repeats nothing. Not copyable: two builders
///   cannot share one stream.
/// - Construction: K = HKDF(seed, requestEntropy); block = HMAC-SHA256(K, domain u8 ‖ input).
package struct Entropy: ~Copyable, Sendable {
    /// Bytes of a seed.
    package static let seedBytes = 32

    /// What a block is for. Blocks of different kinds never coincide.
    private enum Domain: UInt8 {
        case bytes = 1
        case secret = 2
        case nonce = 3
    }

    private let key: HMACKey
    private let attempt: UInt32
    private var blocksDrawn: UInt64 = 0
    private var noncesDrawn: UInt64 = 0

    /// - Parameters:
    ///   - seed: 32 bytes, fresh from the system for this request and used for nothing else.
    ///   - attempt: how often this request was prepared before.
    package init(seed: borrowing SecretBytes, attempt: UInt32 = 0) {
        precondition(seed.count == Self.seedBytes, "an entropy seed is 32 bytes")
        key = HMACKey(deriveKey(.requestEntropy, from: seed, vaultID: []))
        self.attempt = attempt
    }

    /// The same from an ordinary array, for requests that make no long-lived key.
    package init(seed: [UInt8], attempt: UInt32 = 0) {
        self.init(seed: SecretBytes(copying: seed.span), attempt: attempt)
    }

    /// The next `count` bytes of the stream. For ids and other values that may become public.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        precondition(count >= 0)
        var result: [UInt8] = []
        result.reserveCapacity(count)
        while result.count < count {
            result.append(contentsOf: block(.bytes).prefix(count - result.count))
        }
        return result
    }

    /// The next `count` bytes of the stream in locked memory. For keys and tokens.
    package mutating func secret(_ count: Int) -> SecretBytes {
        SecretBytes(count: count) { target in
            var filled = 0
            while filled < count {
                var fresh = block(.secret)
                for byte in fresh where filled < count {
                    target[filled] = byte
                    filled += 1
                }
                wipe(&fresh)
            }
        }
    }

    /// 16 bytes with the version and variant bits of a random UUID.
    ///
    /// - Source: RFC 9562, section 5.4.
    package mutating func uuid() -> [UInt8] {
        var id = bytes(16)
        id[6] = id[6] & 0x0F | 0x40
        id[8] = id[8] & 0x3F | 0x80
        return id
    }

    /// `count` uniform characters out of 0-9, A-Z, a-z, in locked memory: 5.95 bits each.
    package mutating func base62(_ count: Int) -> SecretBytes {
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        return SecretBytes(count: count) { target in
            var filled = 0
            while filled < count {
                var candidates = block(.secret)
                // 248 is the largest multiple of 62 in a byte: what is above would favour some.
                for byte in candidates where byte < 248 && filled < count {
                    target[filled] = alphabet[Int(byte) % alphabet.count]
                    filled += 1
                }
                wipe(&candidates)
            }
        }
    }

    /// The nonce, 24 bytes, for sealing exactly this plaintext with exactly this associated data.
    mutating func nonce(sealing plaintext: Span<UInt8>, associatedData: [UInt8]) -> [UInt8] {
        var input: [UInt8] = [Domain.nonce.rawValue]
        input.append(bigEndian: UInt64(attempt))
        input.append(bigEndian: noncesDrawn)
        input.append(contentsOf: sha256(associatedData))
        input.append(contentsOf: sha256(plaintext))
        noncesDrawn += 1
        return Array(key.tag(input).prefix(XAESKey.nonceBytes))
    }

    private mutating func block(_ domain: Domain) -> [UInt8] {
        var input: [UInt8] = [domain.rawValue]
        input.append(bigEndian: blocksDrawn)
        blocksDrawn += 1
        return key.tag(input)
    }
}

extension [UInt8] {
    /// Adds eight bytes, most significant first.
    fileprivate mutating func append(bigEndian number: UInt64) {
        for shift in stride(from: UInt64(56), through: 0, by: -8) {
            append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }
}
