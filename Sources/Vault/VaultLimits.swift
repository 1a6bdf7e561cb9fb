/// Every bound of `Vault`. A number that is not here does not exist.
package enum VaultLimits {
    /// Bytes in a token. Ours have 26.
    package static let tokenBytesMax = 4_096
    /// A body up to this size is worked on where it arrived.
    package static let shortBodyBytesMax = 64 << 10
    /// Bytes in the path of a mount, its final slash included.
    package static let mountPathBytesMax = 1_024
    /// Mounts in one vault.
    package static let mountsMax = 10_000
    /// Bytes in a mount's description.
    package static let descriptionBytesMax = 8_192
    /// Options of a mount, and headers or keys in one of its lists.
    package static let mountOptionsMax = 64
    /// Bytes in one of those.
    package static let mountOptionBytesMax = 1_024
    /// Default and maximum lease of the whole system, in seconds: 768 hours.
    package static let leaseSecondsDefault = 2_764_800
    /// Tokens whose records are kept decoded.
    package static let cachedTokensMax = 4_096
    /// Paths in one `sys/capabilities-self`.
    package static let capabilityPathsMax = 1_000
}
