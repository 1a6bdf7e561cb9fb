/// Calls that a node answers itself, in any state, without token and without envelope. Their inputs
/// are checked here; their answers are made by ``NodeReply``.
package enum NodeCall: Sendable {
    /// `GET sys/init`
    case initStatus
    /// `PUT sys/init`
    case initialize(InitInput)
    /// `GET sys/seal-status`
    case sealStatus
    /// `PUT sys/unseal`
    case unseal(UnsealInput)
    /// `PUT sys/seal` with the client's token, which must be one that may seal.
    case seal(token: [UInt8])
    /// `GET` or `HEAD sys/health`
    case health(HealthInput)
    /// `GET sys/leader`
    case leader
    /// `PUT sys/storage/raft/join`, OpenBao's way into a cluster, by this address of a member;
    /// empty if there is none.
    case raftJoin(address: String)
    /// `GET sys/node-status` with the client's token, which may be empty.
    case status(token: [UInt8])
    /// `GET sys/metrics` with the client's token, which the settings may not ask for.
    case metrics(MetricsFormat, token: [UInt8])
    /// About the node itself, with the client's token, which must be one that may.
    case local(LocalCall, token: [UInt8])
}

/// How the seal key is to be split, from the body of `PUT sys/init`. Checked against the rules of
/// the API and of the share format; never wrong.
package struct InitInput: Sendable, Equatable {
    /// One group of shares: any `threshold` of `shares` satisfy it.
    package struct Group: Sendable, Equatable {
        /// 1…`shares`; 1 only where there is one share.
        package let threshold: Int
        /// 1…16.
        package let shares: Int

        package init(threshold: Int, shares: Int) {
            self.threshold = threshold
            self.shares = shares
        }
    }

    /// How many groups have to be satisfied: 1…`groups.count`.
    package let groupThreshold: Int
    /// One group for a flat set.
    package let groups: [Group]
}

/// What `PUT sys/unseal` wants.
package enum UnsealInput: Sendable, Equatable {
    /// Forget the shares given so far.
    case reset
    /// One share as text: words, hex or base64. Not checked here.
    case share(String)
}

/// Status codes that a load balancer asked `sys/health` to use, and whether it wants a body.
package struct HealthInput: Sendable, Equatable {
    /// Whether a standby counts as active.
    package var isStandbyActive = false
    package var activeCode = 200
    package var standbyCode = 429
    package var sealedCode = 503
    package var uninitializedCode = 501
    /// `HEAD`: the code without a body.
    package var isHead = false

    /// OpenBao's codes.
    package init() {}
}
