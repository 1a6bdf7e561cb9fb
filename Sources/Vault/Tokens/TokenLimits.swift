/// Every bound of tokens and leases. A number that is not here does not exist.
enum TokenLimits {
    /// Characters of a service token behind `s.`, and of an accessor.
    static let tokenCharacters = 24
    /// Hexadecimal digits of a token's hash.
    static let hashCharacters = 64
    /// Bytes in an accessor.
    static let accessorBytesMax = 128
    /// Bytes in a token's display name.
    static let displayNameBytesMax = 4_096
    /// Bytes in the path that made a token.
    static let pathBytesMax = 4_096
    /// Policies of one token, as many as decide: see `PolicyLimits.policiesMax`.
    static let policiesMax = 256
    /// Members of a token's metadata.
    static let metadataCountMax = 256
    /// Bytes in a name or a value of them, and in all of them together.
    static let metadataBytesMax = 4_096
    static let metadataBytesTotalMax = 64 << 10
    /// Bytes in an id of an entity.
    static let entityBytesMax = 64
    /// Entities whose tokens one job sweeps.
    static let entitiesPerSweepMax = 256
    /// Bytes in the name of a role.
    static let roleNameBytesMax = 512
    /// Bytes in a list of names that a role may hold.
    static let roleListBytesMax = 256 << 10
    /// Tokens between an orphan and its furthest descendant: each use of a token looks at all that
    /// it lives by.
    static let generationsMax = 64
    /// Bytes in a batch token: the longest that a client may send.
    static let batchBytesMax = VaultLimits.tokenBytesMax
    /// Tokens that one batch removes; each costs some 30 operations.
    static let revocationsPerBatch = 64
    /// Records of cubbyholes that one batch removes.
    static let cubbyholeRecordsPerBatch = 256
    /// Operations that a sweep puts into one batch, of those that the store takes; what one token
    /// costs at most besides the folders above its lease; and what is kept free for a record in the
    /// deepest folder that there can be.
    static let sweepOperationsMax = 6_000
    static let sweepOperationsPerToken = 36
    static let sweepOperationsReserve = 2_200
    /// Names that one step of a sweep looks at.
    static let sweptNamesMax = 512
    /// Revocations of many tokens that may be under way: each use of a token looks at all of them.
    static let fencesMax = 64
    /// Failures in a row after which `sys/leases` shows a revocation as one that does not get on.
    static let failuresUntilStuck = 6
}
