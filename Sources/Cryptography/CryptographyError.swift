package import Wire

/// What can go wrong with keys, boxes and signatures. No case carries a byte of a secret.
package enum CryptographyError: OperatorError, Equatable {
    /// The tag did not match: wrong key, wrong associated data, or altered bytes. GCM cannot tell.
    case authenticationFailed
    /// The system's random source failed. `code` is the value of errno.
    case entropy(code: Int32)
    /// Bytes that should be a key are not. Lengths in bytes.
    case badKeyLength(want: Int, have: Int)
    /// Bytes that should be a nonce are not. Lengths in bytes.
    case badNonceLength(want: Int, have: Int)
    /// A public key that its algorithm refuses, for instance a point outside the group.
    case badPublicKey
    /// More bytes than the operation takes.
    case tooLong(limit: Int, have: Int)
    /// A library call failed that cannot fail with correct input. Names the call, nothing else.
    case internalFailure(String)

    package var blame: Blame {
        switch self {
        case .authenticationFailed, .badKeyLength, .badNonceLength, .badPublicKey, .tooLong: .peer
        case .entropy: .operator
        case .internalFailure: .bug
        }
    }

    package var summary: String {
        switch self {
        case .authenticationFailed:
            "authentication failed: wrong key, wrong place, or altered bytes"
        case .entropy(let code):
            "the system's random source failed (errno \(code))"
        case .badKeyLength(let want, let have):
            "key is \(have) bytes, \(want) are needed"
        case .badNonceLength(let want, let have):
            "nonce is \(have) bytes, \(want) are needed"
        case .badPublicKey:
            "not a valid public key"
        case .tooLong(let limit, let have):
            "\(have) bytes are more than the limit of \(limit)"
        case .internalFailure(let call):
            "the cryptographic library failed in \(call)"
        }
    }

    package var remedy: String {
        switch self {
        case .authenticationFailed:
            "treat the bytes as damaged or foreign; restore them from another member or a snapshot"
        case .entropy:
            "check that getrandom is allowed by the container's system call filter, then restart"
        case .badKeyLength, .badNonceLength, .badPublicKey:
            "the stored or received bytes are not what this version writes; compare versions"
        case .tooLong:
            "send or store a smaller value"
        case .internalFailure:
            "restart the node; if it happens again, report it with the version of libcrypto"
        }
    }
}
