import COpenSSL

/// Digests that people may ask for by name. What Holdfast itself needs is ``sha256(_:)-([UInt8])``.
///
/// - Source: FIPS 180-4, FIPS 202.
package enum MessageDigest: String, Sendable, CaseIterable {
    case sha2With224 = "sha2-224"
    case sha2With256 = "sha2-256"
    case sha2With384 = "sha2-384"
    case sha2With512 = "sha2-512"
    case sha3With224 = "sha3-224"
    case sha3With256 = "sha3-256"
    case sha3With384 = "sha3-384"
    case sha3With512 = "sha3-512"

    /// Bytes in a digest.
    package var count: Int {
        switch self {
        case .sha2With224, .sha3With224: 28
        case .sha2With256, .sha3With256: 32
        case .sha2With384, .sha3With384: 48
        case .sha2With512, .sha3With512: 64
        }
    }

    /// The digest of all of `bytes`.
    package func digest(of bytes: [UInt8]) -> [UInt8] {
        // Sets libcrypto up, if nobody did before.
        _ = Libcrypto.shared
        var written = 0
        let result = unsafe [UInt8](unsafeUninitializedCapacity: count) { target, filled in
            unsafe bytes.withUnsafeBufferPointer { source in
                unsafe Libcrypto.require(
                    EVP_Q_digest(
                        nil,
                        rawValue,
                        nil,
                        source.baseAddress,
                        source.count,
                        target.baseAddress,
                        &written
                    ),
                    "EVP_Q_digest"
                )
            }
            filled = count
        }
        precondition(written == count, "a digest of \(written) bytes instead of \(count)")
        return result
    }
}
