import COpenSSL

/// Why no chain from a certificate to one that is trusted counts.
package enum ChainFailure: Error, Equatable {
    /// There is no chain to it.
    case unknownAuthority
    case expired
    case notYetValid
    /// There is one, and it breaks a rule; libcrypto's number for which.
    case invalid(Int)
}

/// Chains of X.509 certificates, checked against what somebody trusts and a given time.
///
/// libcrypto builds and checks the chain: signatures, times, basic constraints, path lengths, name
/// constraints, critical extensions, and strengths of at least 112 bits (so neither SHA-1 nor RSA
/// keys below 2,048 bits). No trust store of the system takes part, no clock, and nothing is
/// fetched: the same call has the same result on every node. Extended key usage is the caller's.
/// - Source: RFC 5280, section 6.
package enum CertificateChain {
    /// - Parameters:
    ///   - leaf: DER.
    ///   - intermediates: DER; certificates that may help and are not trusted.
    ///   - anchor: DER; what is trusted: an authority at any place of a chain, or the leaf itself.
    ///   - seconds: since 1970.
    /// - Throws: ``ChainFailure``
    /// - Returns: the chain as DER, the leaf first and the anchor last.
    package static func verify(
        _ leaf: [UInt8],
        intermediates: [[UInt8]],
        anchor: [UInt8],
        at seconds: Int64
    ) throws(ChainFailure) -> [[UInt8]] {
        // The heap of libcrypto has to be ours before it is first used.
        _ = Libcrypto.shared
        let count = intermediates.count + 2
        let others = intermediates.flatMap { $0 }
        var positions = [Int32](repeating: 0, count: count)
        let status = unsafe holdfast_verify_chain(
            leaf,
            leaf.count,
            others,
            others.count,
            anchor,
            anchor.count,
            seconds,
            &positions,
            Int32(count)
        )
        guard status > 0 else { throw failure(Int(-status)) }
        let all = [leaf] + intermediates + [anchor]
        return positions.prefix(Int(status)).map { all[Int($0)] }
    }

    private static func failure(_ code: Int) -> ChainFailure {
        switch Int32(code) {
        case X509_V_ERR_CERT_HAS_EXPIRED: .expired
        case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
            .unknownAuthority
        default: .invalid(code)
        }
    }
}
