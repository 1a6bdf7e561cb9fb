import Barrier

/// Every bound of the secrets engines. A number that is not here does not exist.
package enum EngineLimits {
    /// Bytes in the name of one secret, all folders included.
    package static let nameBytesMax = 4_096
    /// Bytes of JSON in one value, as stored: what the barrier seals, less the value's own header.
    package static let valueBytesMax = BarrierLimits.valueBytesMax - 16
    /// Versions that KV v2 keeps where neither the mount nor the key says a number. OpenBao's
    /// default.
    package static let versionsDefault: UInt64 = 10
    /// The largest `max_versions`, as in OpenBao.
    package static let versionsMax: UInt64 = 4_294_967_295
    /// Members of `custom_metadata`.
    package static let customMetadataCountMax = 64
    /// Bytes in a name in `custom_metadata`.
    package static let customMetadataNameBytesMax = 128
    /// Bytes in a value in `custom_metadata`.
    package static let customMetadataValueBytesMax = 512
    /// Version numbers in one `delete`, `undelete` or `destroy`.
    package static let versionsPerRequestMax = 1_000
    /// Records that one batch may touch. The store takes more; the rest is for markers and checks.
    package static let planStepsMax = 1_536
    /// Policies that a user or role gives to its tokens: as many as a token can have.
    package static let tokenPoliciesMax = 256
    /// Bytes in the name of one of them.
    package static let tokenPolicyBytesMax = 512
    /// Blocks of addresses that a token, a role or a secret id is bound to.
    package static let boundCIDRsMax = 256
    /// Lease duration that a secret without a `ttl` shows, where its mount says nothing: 768 hours.
    package static let leaseSecondsDefault = 2_764_800
}
