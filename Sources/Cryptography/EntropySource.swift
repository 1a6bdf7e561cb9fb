/// Where random secrets come from. Pure code takes one as a parameter, so that a test decides every
/// byte; production passes ``SystemEntropy`` or bytes drawn for one request.
package protocol EntropySource {
    /// `count` uniform bytes that nobody else has.
    mutating func secret(count: Int) throws(CryptographyError) -> SecretBytes
}

/// The kernel's random source, asked anew for every call.
package struct SystemEntropy: EntropySource, Sendable {
    /// Draws from the kernel at each call.
    package init() {}

    /// `count` fresh bytes in locked memory.
    package mutating func secret(count: Int) throws(CryptographyError) -> SecretBytes {
        try SecretBytes.random(count: count)
    }
}
