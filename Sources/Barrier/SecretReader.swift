import Cryptography
import Wire

/// Walks over a decrypted secret without bringing keys into ordinary memory.
///
/// Integers are big-endian. A failure is one thrown error, never a crash.
struct SecretReader: ~Copyable {
    private let secret: SecretBytes
    private var position = 0

    init(_ secret: consuming SecretBytes) {
        self.secret = secret
    }

    /// A key of 32 bytes.
    mutating func readKey() throws(WireError) -> SecretBytes {
        let range = try take(32)
        return secret.withBytes { SecretBytes(copying: $0.extracting(range)) }
    }

    /// Bytes that are no secret.
    mutating func readBytes(_ count: Int) throws(WireError) -> [UInt8] {
        let range = try take(count)
        return secret.withBytes { bytes in range.map { bytes[$0] } }
    }

    mutating func readUInt8() throws(WireError) -> UInt8 {
        UInt8(truncatingIfNeeded: try readNumber(1))
    }

    mutating func readUInt16() throws(WireError) -> UInt16 {
        UInt16(truncatingIfNeeded: try readNumber(2))
    }

    mutating func readUInt32() throws(WireError) -> UInt32 {
        UInt32(truncatingIfNeeded: try readNumber(4))
    }

    mutating func readUInt64() throws(WireError) -> UInt64 {
        try readNumber(8)
    }

    /// Says that the secret ends here.
    borrowing func finish() throws(WireError) {
        guard position == secret.count else { throw .trailing(secret.count - position) }
    }

    private mutating func take(_ count: Int) throws(WireError) -> Range<Int> {
        let have = secret.count - position
        guard count >= 0, have >= count else { throw .truncated(need: count, have: have) }
        defer { position += count }
        return position..<position + count
    }

    private mutating func readNumber(_ count: Int) throws(WireError) -> UInt64 {
        let range = try take(count)
        return secret.withBytes { bytes in range.reduce(0) { $0 << 8 | UInt64(bytes[$1]) } }
    }
}

/// Fills a secret from front to back with what ``SecretReader`` reads.
struct SecretWriter: ~Copyable {
    private var parts: [Part] = []
    private var count = 0

    /// A key in locked memory, or bytes that are no secret.
    private enum Part {
        case key(KeyBox)
        case bytes([UInt8])
    }

    mutating func writeKey(_ key: KeyBox) {
        precondition(key.secret.count == 32, "a key is 32 bytes")
        parts.append(.key(key))
        count += 32
    }

    mutating func writeBytes(_ bytes: [UInt8]) {
        parts.append(.bytes(bytes))
        count += bytes.count
    }

    /// Everything written, in locked memory.
    consuming func finish() -> SecretBytes {
        let parts = parts
        return SecretBytes(count: count) { target in
            var position = 0
            for part in parts {
                switch part {
                case .bytes(let bytes):
                    for byte in bytes {
                        target[position] = byte
                        position += 1
                    }
                case .key(let key):
                    key.secret.withBytes { bytes in
                        for offset in bytes.indices { target[position + offset] = bytes[offset] }
                    }
                    position += key.secret.count
                }
            }
        }
    }
}

/// A secret that several owners hold, wiped when the last lets go.
final class KeyBox: Sendable {
    let secret: SecretBytes

    init(_ secret: consuming SecretBytes) {
        self.secret = secret
    }
}
