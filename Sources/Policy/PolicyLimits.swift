/// Bounds of policies. Every loop over a policy is bounded by one of these.
package enum PolicyLimits {
    /// Bytes of one policy's text.
    package static let textBytesMax = 512 << 10
    /// Blocks and lists inside each other.
    static let depthMax = 16
    /// Path blocks of one policy.
    package static let rulesMax = 10_000
    /// Bytes of one path.
    package static let pathBytesMax = 4_096
    /// Parameter names, or values of one of them, in one block.
    static let parametersMax = 1_024
    /// Policies that one token can have.
    package static let policiesMax = 256
    /// Longest wrapping TTL that a block may ask for, in seconds: a hundred years.
    static let wrappingSecondsMax: UInt64 = 100 * 366 * 86_400
    /// Characters that a password can have; OpenBao's bounds.
    package static let passwordLengths = 4...100
    /// Rules of one policy for passwords.
    static let charsetsMax = 32
}
