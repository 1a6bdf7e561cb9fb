import COpenSSL

/// How expensive a password's hash is. Stored beside each hash, so that it can grow later.
package struct ScryptCost: Sendable, Equatable {
    /// The cost N is two to the power of this.
    package let costLog2: UInt8
    /// r
    package let blockSize: UInt8
    /// p
    package let parallelism: UInt8

    /// For passwords of people: N = 2^15, r = 8, p = 1. 32 MiB and some 80 ms for each try.
    package static let password = ScryptCost(unchecked: 15, 8, 1)

    /// Nil for parameters that RFC 7914 does not allow, and for those that would take more than
    /// `Limits.scryptBytesMax` of memory.
    package init?(costLog2: UInt8, blockSize: UInt8, parallelism: UInt8) {
        self.init(unchecked: costLog2, blockSize, parallelism)
        guard (1...24).contains(costLog2), blockSize > 0, parallelism > 0,
            memoryBytes <= Limits.scryptBytesMax
        else { return nil }
    }

    private init(unchecked costLog2: UInt8, _ blockSize: UInt8, _ parallelism: UInt8) {
        self.costLog2 = costLog2
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// What one computation takes: 128 r (N + p + 2) bytes.
    fileprivate var memoryBytes: Int {
        128 * Int(blockSize) * ((1 << Int(costLog2)) + Int(parallelism) + 2)
    }
}

/// scrypt: a key that is expensive to guess a password by.
///
/// Takes tens of milliseconds and tens of megabytes, so it belongs on a worker and never on an
/// event loop.
/// - Returns: `count` bytes; what is stored and compared.
/// - Throws: ``CryptographyError/internalFailure(_:)`` where the system has no memory for it.
/// - Source: RFC 7914.
package func scrypt(
    _ password: [UInt8],
    salt: [UInt8],
    cost: ScryptCost,
    count: Int = 32
) throws(CryptographyError) -> [UInt8] {
    precondition((1...1_024).contains(count), "scrypt gives 1 to 1024 bytes here")
    // The heap of libcrypto has to be ours before it is first used.
    _ = Libcrypto.shared
    var result = [UInt8](repeating: 0, count: count)
    let isDone = unsafe password.withUnsafeBytes { password in
        unsafe EVP_PBE_scrypt(
            password.baseAddress?.assumingMemoryBound(to: CChar.self),
            password.count,
            salt,
            salt.count,
            UInt64(1) << UInt64(cost.costLog2),
            UInt64(cost.blockSize),
            UInt64(cost.parallelism),
            UInt64(cost.memoryBytes),
            &result,
            count
        )
    }
    guard isDone == 1 else { throw .internalFailure("scrypt") }
    return result
}
