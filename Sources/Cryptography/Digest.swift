import COpenSSL

/// SHA-256 of all of `bytes`: 32 bytes. Not for secrets, since the input is an ordinary array.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    sha256(bytes.span)
}

/// SHA-256 of all of `bytes`: 32 bytes.
package func sha256(_ bytes: Span<UInt8>) -> [UInt8] {
    var stream = SHA256Stream()
    stream.update(bytes)
    return stream.finish()
}

/// SHA-256 of a message that arrives in pieces. Source: FIPS 180-4.
@safe package struct SHA256Stream: ~Copyable {
    private let context: OpaquePointer

    /// Nothing hashed yet.
    package init() {
        let context = unsafe Libcrypto.shared.digests.take()
        unsafe Libcrypto.require(EVP_DigestInit_ex2(context, nil, nil), "EVP_DigestInit_ex2")
        unsafe self.context = unsafe context
    }

    /// Adds the next piece; any length, also none.
    package mutating func update(_ bytes: [UInt8]) {
        update(bytes.span)
    }

    /// Adds the next piece; any length, also none.
    package mutating func update(_ bytes: Span<UInt8>) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe Libcrypto.require(
                EVP_DigestUpdate(context, buffer.baseAddress, buffer.count),
                "EVP_DigestUpdate"
            )
        }
    }

    /// The digest, 32 bytes. The stream ends here.
    package consuming func finish() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
            unsafe Libcrypto.require(
                EVP_DigestFinal_ex(context, buffer.baseAddress, nil),
                "EVP_DigestFinal_ex"
            )
            count = 32
        }
    }

    deinit {
        unsafe Libcrypto.shared.digests.give(context)
    }
}
