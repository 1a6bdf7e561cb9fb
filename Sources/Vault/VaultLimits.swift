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
    /// Moves of mounts whose status can be asked for.
    package static let mountMovesKept = 64
    /// How long an unmounted mount can be brought back, in seconds, where nobody said otherwise: 7
    /// days; and the longest that can be said: 10 years.
    package static let shredDelaySecondsDefault: UInt64 = 604_800
    package static let shredDelaySecondsMax: UInt64 = 315_360_000
    /// Audit devices of one vault.
    package static let auditDevicesMax = 16
    /// Bytes of the text before each of its lines.
    package static let auditPrefixBytesMax = 16
    /// Bytes in an option of one: certificates are among them.
    package static let auditOptionBytesMax = 16 << 10
    /// Headers of requests that audit records have, and bytes in the name of one.
    package static let auditHeadersMax = 64
    package static let auditHeaderBytesMax = 128
    /// Options of a mount, and headers or keys in one of its lists.
    package static let mountOptionsMax = 64
    /// Bytes in one of those.
    package static let mountOptionBytesMax = 1_024
    /// Default and maximum lease of the whole system, in seconds: 768 hours.
    package static let leaseSecondsDefault = 2_764_800
    /// Tokens whose records are kept decoded.
    package static let cachedTokensMax = 4_096
    /// Bytes in the name of a policy.
    package static let policyNameBytesMax = 512
    /// Draws of one password at most, and of each that is tried when its policy is written: what
    /// is found in a thousand draws ten times is not missed in ten thousand.
    static let passwordTriesMax = 10_000
    static let passwordTriesWhenWritten = 1_000
    /// Policies of one vault, those included of which only history is left.
    package static let policiesMax: UInt64 = 10_000
    /// Versions of a policy in one answer, each of which is read with its text: all are kept, and
    /// there can be any number.
    package static let policyVersionsShownMax = 64
    /// Versions of a deleted policy that one call removes: five operations each, in one batch.
    package static let policyVersionsPurgedMax = 1_000
    /// Cases that one policy carries.
    package static let policyCasesMax = 256
    /// Bytes of JSON in them.
    package static let policyCasesBytesMax = 256 << 10
    /// Failing cases that a refusal spells out.
    package static let policyFailuresShown = 8
    /// Path blocks, and bytes of text, that the policies of one token may have together. A token
    /// with more may do nothing. About 4 µs each block, once for each change of a policy.
    package static let tokenRulesMax = 10_000
    package static let tokenPolicyBytesMax = 2 << 20
    /// Bytes of text of the policies, and of what tokens' policies mean together, that are kept in
    /// memory compiled. Compiled they are some ten times as large.
    package static let cachedPolicyBytesMax = 16 << 20
    /// Policies, and different sets of policies, that are kept in memory.
    package static let cachedPoliciesMax = 4_096
    /// Paths in one `sys/capabilities-self`.
    package static let capabilityPathsMax = 1_000
    /// Bytes in the name of an entity, a group or an alias.
    package static let identityNameBytesMax = 1_024
    /// Texts in one `metadata` or `custom_metadata`, and bytes in their names and values, as
    /// OpenBao has it.
    package static let identityTextsMax = 64
    package static let identityTextNameBytesMax = 128
    package static let identityTextBytesMax = 512
    /// Policies of one entity, and of one group.
    package static let identityPoliciesMax = 128
    /// Bytes in the accessor of a mount.
    package static let mountAccessorBytesMax = 255
    /// Aliases of one entity: one for each auth method.
    package static let entityAliasesMax = 64
    /// Groups of which one entity is a member itself.
    package static let entityGroupsMax = 256
    /// Entities that were merged into one.
    package static let entityMergesMax = 256
    /// Entities, and groups, that are members of one group. One batch can remove such a group.
    package static let groupMembersMax = 1_000
    /// Groups of which one group is a member itself.
    package static let groupParentsMax = 256
    /// Groups of one vault.
    package static let groupsMax: UInt64 = 10_000
    /// Groups that one entity may belong to by way of others. Beyond that its tokens may do
    /// nothing.
    package static let inheritedGroupsMax = 1_000
    /// Entities in one `entity/batch-delete`, and entities merged at once.
    package static let entityBatchMax = 256
    /// Entities, groups or aliases in one listing.
    package static let identityListMax = 10_000
    /// Entities that are kept in memory with what their groups say, and the bytes of their records.
    package static let cachedIdentitiesMax = 4_096
    package static let cachedIdentityBytesMax = 16 << 20
    /// Failed logins in a row that lock a user out, where the mount says nothing. OpenBao's
    /// default, as the two that follow.
    package static let lockoutThreshold = 5
    /// How long a lock lasts, in seconds.
    package static let lockoutSeconds = 900
    /// Without a failure for so long, in seconds, failures are counted anew.
    package static let lockoutResetSeconds = 900
    /// Bytes of one `sys/tools/random`, where the request does not say and at most.
    package static let randomBytesDefault = 32
    package static let randomBytesMax = 131_072
}
