/// What `sys/seal-status` and `sys/unseal` say.
package struct SealStatusFacts: Sendable, Equatable {
    /// Whether the vault exists, and whether this node lacks its keys.
    package let isInitialized: Bool
    package let isSealed: Bool
    /// Shares needed; 0 before initialisation.
    package let threshold: Int
    /// Shares made; 0 before initialisation.
    package let shares: Int
    /// Shares given so far in this attempt.
    package let progress: Int
    /// Names this attempt; empty while no share was given.
    package let nonce: String
    package let version: String
    /// RFC 3339; empty where unknown.
    package let buildDate: String
    /// Shown while unsealed only.
    package let clusterName: String
    /// Shown while unsealed only.
    package let clusterID: String

    package init(
        isInitialized: Bool,
        isSealed: Bool,
        threshold: Int,
        shares: Int,
        progress: Int,
        nonce: String,
        version: String,
        buildDate: String,
        clusterName: String,
        clusterID: String
    ) {
        self.isInitialized = isInitialized
        self.isSealed = isSealed
        self.threshold = threshold
        self.shares = shares
        self.progress = progress
        self.nonce = nonce
        self.version = version
        self.buildDate = buildDate
        self.clusterName = clusterName
        self.clusterID = clusterID
    }
}

/// What `sys/health` says.
package struct HealthFacts: Sendable, Equatable {
    /// Whether the vault exists, and whether this node lacks its keys.
    package let isInitialized: Bool
    package let isSealed: Bool
    /// Unsealed and not leading.
    package let isStandby: Bool
    /// Wall clock, whole seconds since 1970.
    package let serverTimeSeconds: UInt64
    package let version: String
    /// Shown while unsealed only.
    package let clusterName: String
    /// Shown while unsealed only.
    package let clusterID: String

    package init(
        isInitialized: Bool,
        isSealed: Bool,
        isStandby: Bool,
        serverTimeSeconds: UInt64,
        version: String,
        clusterName: String,
        clusterID: String
    ) {
        self.isInitialized = isInitialized
        self.isSealed = isSealed
        self.isStandby = isStandby
        self.serverTimeSeconds = serverTimeSeconds
        self.version = version
        self.clusterName = clusterName
        self.clusterID = clusterID
    }
}

/// What `sys/leader` says.
package struct LeaderFacts: Sendable, Equatable {
    /// Whether the node that answers leads.
    package let isSelf: Bool
    /// RFC 3339; when this node began to lead. Nil on others.
    package let activeTime: String?
    /// Empty where no leader is known.
    package let leaderAddress: String
    /// Empty where no leader is known.
    package let leaderPeerAddress: String
    package let committedIndex: UInt64
    package let appliedIndex: UInt64

    package init(
        isSelf: Bool,
        activeTime: String?,
        leaderAddress: String,
        leaderPeerAddress: String,
        committedIndex: UInt64,
        appliedIndex: UInt64
    ) {
        self.isSelf = isSelf
        self.activeTime = activeTime
        self.leaderAddress = leaderAddress
        self.leaderPeerAddress = leaderPeerAddress
        self.committedIndex = committedIndex
        self.appliedIndex = appliedIndex
    }
}
