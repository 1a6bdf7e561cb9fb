import Crypto

/// The hash functions that one-time passwords may use. SHA-1 is here because authenticator
/// applications use nothing else by default; as a MAC it is not broken.
package enum HMACFamily: UInt8, Sendable, CaseIterable {
    case sha1 = 1
    case sha256 = 2
    case sha512 = 3

    /// HMAC of `message`: 20, 32 or 64 bytes.
    ///
    /// Provider: swift-crypto (BoringSSL).
    /// - Parameter key: any length.
    /// - Source: RFC 2104.
    package func tag(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let key = SymmetricKey(data: key)
        return switch self {
        case .sha1: Array(HMAC<Insecure.SHA1>.authenticationCode(for: message, using: key))
        case .sha256: Array(HMAC<SHA256>.authenticationCode(for: message, using: key))
        case .sha512: Array(HMAC<SHA512>.authenticationCode(for: message, using: key))
        }
    }
}
