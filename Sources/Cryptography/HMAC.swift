import COpenSSL

/// HMAC-SHA256 of `message`: 32 bytes. For one message; ``HMACKey`` is faster for many.
package func hmacSHA256(key: borrowing SecretBytes, _ message: [UInt8]) -> [UInt8] {
    HMACKey(key).tag(message)
}

/// HMAC-SHA256 with a key that is not secret, or that lives in an ordinary array anyway.
package func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] {
    HMACKey(bytes: key.span).tag(message)
}

/// A key for HMAC-SHA256, ready for any number of messages on any number of threads.
///
/// - Layout: the key's two padded blocks of 64 bytes in locked memory. Contexts come from the
///   shared pool, so no keyed state stays in them longer than a call.
/// - Source: RFC 2104.
package final class HMACKey: Sendable {
    /// 64 bytes for the inner digest, then 64 for the outer.
    private let blocks: SecretBytes

    /// Any length of key; one over 64 bytes is hashed first, as RFC 2104 says.
    package convenience init(_ key: borrowing SecretBytes) {
        self.init(blocks: key.withBytes(Self.pad))
    }

    fileprivate convenience init(bytes: Span<UInt8>) {
        self.init(blocks: Self.pad(bytes))
    }

    private init(blocks: consuming SecretBytes) {
        self.blocks = blocks
    }

    /// The tag of `message`: 32 bytes.
    package func tag(_ message: [UInt8]) -> [UInt8] {
        tag(message.span)
    }

    /// The tag of `message`: 32 bytes.
    package func tag(_ message: Span<UInt8>) -> [UInt8] {
        blocks.withBytes { blocks in
            var inner = SHA256Stream()
            inner.update(blocks.extracting(0..<64))
            inner.update(message)
            let digest = inner.finish()
            var outer = SHA256Stream()
            outer.update(blocks.extracting(64..<128))
            outer.update(digest)
            return outer.finish()
        }
    }

    /// True if `tag` is the tag of `message`. Takes the same time wherever they differ.
    package func verifies(_ tag: [UInt8], _ message: [UInt8]) -> Bool {
        constantTimeEquals(self.tag(message), tag)
    }

    private static func pad(_ key: Span<UInt8>) -> SecretBytes {
        guard key.count <= 64 else {
            var digest = sha256(key)
            let short = SecretBytes(wiping: &digest)
            return short.withBytes(pad)
        }
        return SecretBytes(count: 128) { blocks in
            for position in 0..<64 {
                let byte = position < key.count ? key[position] : 0
                blocks[position] = byte ^ 0x36
                blocks[64 + position] = byte ^ 0x5c
            }
        }
    }
}
