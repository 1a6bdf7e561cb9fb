import COpenSSL

/// Derives a key for one purpose.
///
/// - Parameters:
///   - key: uniform input, usually 32 bytes.
///   - vaultID: 16 bytes; the salt. The same key in two vaults gives unrelated results.
///   - context: tells keys of one purpose apart, for instance a slot number. Its encoding must be
///     unambiguous; nothing is added to it.
///   - count: 1 to `Limits.derivedBytesMax` bytes.
/// - Returns: HKDF-SHA256(salt = vault id, info = label ‖ 0 ‖ context).
/// - Source: RFC 5869.
package func deriveKey(
    _ purpose: Purpose,
    from key: borrowing SecretBytes,
    vaultID: [UInt8],
    context: [UInt8] = [],
    count: Int = 32
) -> SecretBytes {
    hkdfSHA256(
        key: key,
        salt: vaultID,
        info: Array(purpose.label.utf8) + [0] + context,
        count: count
    )
}

/// A public value that only this key gives: stored beside an envelope and compared before the
/// envelope is opened, because GCM alone can be made to open under two keys.
///
/// - Returns: 32 bytes that say nothing else about the key.
package func keyCommitment(
    _ purpose: Purpose,
    of key: borrowing SecretBytes,
    vaultID: [UInt8],
    context: [UInt8] = []
) -> [UInt8] {
    deriveKey(purpose, from: key, vaultID: vaultID, context: context).exposedCopy()
}

/// HKDF-SHA256 by libcrypto. Inside the module only: everyone else derives by ``Purpose``.
func hkdfSHA256(
    key: borrowing SecretBytes,
    salt: [UInt8],
    info: [UInt8],
    count: Int
) -> SecretBytes {
    precondition(count > 0 && count <= Limits.derivedBytesMax, "HKDF gives 1 to 8160 bytes")
    let library = Libcrypto.shared
    guard let context = unsafe EVP_KDF_CTX_new(library.hkdf) else {
        preconditionFailure("libcrypto refused an HKDF context")
    }
    defer { unsafe EVP_KDF_CTX_free(context) }
    return key.withBytes { key in
        SecretBytes(count: count) { result in
            let isDone = unsafe key.withUnsafeBufferPointer { key in
                unsafe result.withUnsafeMutableBufferPointer { target in
                    unsafe holdfast_hkdf_sha256(
                        context,
                        key.baseAddress,
                        key.count,
                        salt,
                        salt.count,
                        info,
                        info.count,
                        target.baseAddress,
                        target.count
                    )
                }
            }
            Libcrypto.require(isDone, "EVP_KDF_derive")
        }
    }
}

/// PBKDF2-HMAC-SHA256 of a password in an ordinary array.
///
/// - Parameters:
///   - iterations: at least 1. Cost grows with it; thousands take milliseconds.
///   - count: bytes wanted, 1 to `Limits.secretBytesMax`.
/// - Source: RFC 8018, section 5.2.
package func pbkdf2HMACSHA256(
    password: [UInt8],
    salt: [UInt8],
    iterations: Int,
    count: Int
) -> SecretBytes {
    pbkdf2HMACSHA256(password: password.span, salt: salt.span, iterations: iterations, count: count)
}

/// PBKDF2-HMAC-SHA256 of a secret. See the variant above for the parameters.
package func pbkdf2HMACSHA256(
    password: borrowing SecretBytes,
    salt: [UInt8],
    iterations: Int,
    count: Int
) -> SecretBytes {
    password.withBytes {
        pbkdf2HMACSHA256(password: $0, salt: salt.span, iterations: iterations, count: count)
    }
}

/// PBKDF2-HMAC-SHA256 where the salt is secret too. See the first variant for the parameters.
package func pbkdf2HMACSHA256(
    password: Span<UInt8>,
    salt: Span<UInt8>,
    iterations: Int,
    count: Int
) -> SecretBytes {
    precondition(iterations > 0 && iterations <= Int32.max)
    let digest = unsafe Libcrypto.shared.sha256
    return SecretBytes(count: count) { result in
        let isDone = unsafe result.withUnsafeMutableBufferPointer { target in
            unsafe password.withUnsafeBufferPointer { password in
                unsafe salt.withUnsafeBufferPointer { salt in
                    unsafe PKCS5_PBKDF2_HMAC(
                        password.baseAddress,
                        Int32(password.count),
                        salt.baseAddress,
                        Int32(salt.count),
                        Int32(iterations),
                        digest,
                        Int32(target.count),
                        target.baseAddress
                    )
                }
            }
        }
        Libcrypto.require(isDone, "PKCS5_PBKDF2_HMAC")
    }
}
