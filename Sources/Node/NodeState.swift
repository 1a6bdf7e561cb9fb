import API
import Barrier
import Raft
import Replica
import Store
import Synchronization
import Vault
import Wire

/// What this node can say about itself and the cluster, for the answers that need no key.
final class NodeState: Sendable {
    let settings: Settings
    private let initial: Configuration
    let selfID: NodeID
    /// The cluster's id in the shape clients expect.
    let clusterIDText: String
    private let store: LocalStore
    private let replica: LocalReplica
    private let seal: SealKeeper
    private let clock: @Sendable () -> Timestamp
    private let leaderSince = Mutex<(Moment, Timestamp)?>(nil)

    init(
        settings: Settings,
        configuration: Configuration,
        selfID: NodeID,
        clusterID: [UInt8],
        store: LocalStore,
        replica: LocalReplica,
        seal: SealKeeper,
        clock: @escaping @Sendable () -> Timestamp
    ) {
        self.settings = settings
        initial = configuration
        self.selfID = selfID
        clusterIDText = uuidText(Array(clusterID.prefix(16)))
        self.store = store
        self.replica = replica
        self.seal = seal
        self.clock = clock
    }

    /// Who takes part now.
    var configuration: Configuration { replica.status.configuration ?? initial }

    /// `sys/seal-status`: works in every state, from this node's store alone.
    ///
    /// - Parameter record: the seal's; nil before the vault is made.
    func sealStatus(_ record: SealRecord?) -> SealStatusFacts {
        let progress = seal.progress
        return SealStatusFacts(
            isInitialized: record != nil,
            isSealed: seal.unsealed == nil,
            threshold: record?.sharesRequired ?? 0,
            shares: record?.sharesIssued ?? 0,
            progress: progress.given,
            nonce: progress.nonce,
            version: Version.number,
            buildDate: Version.date,
            clusterName: settings.clusterName,
            clusterID: clusterIDText
        )
    }

    /// `sys/health`.
    ///
    /// - Parameter record: the seal's; nil before the vault is made.
    func health(_ record: SealRecord?) -> HealthFacts {
        HealthFacts(
            isInitialized: record != nil,
            isSealed: seal.unsealed == nil,
            isStandby: replica.status.role != .leader,
            serverTimeSeconds: clock().nanoseconds / 1_000_000_000,
            version: Version.number,
            clusterName: settings.clusterName,
            clusterID: clusterIDText
        )
    }

    /// `sys/leader`.
    func leader() -> LeaderFacts {
        let status = replica.status
        let leader = status.leader.flatMap { configuration.member($0) }
        return LeaderFacts(
            isSelf: status.role == .leader,
            activeTime: activeTime(status),
            leaderAddress: leader?.apiAddress ?? "",
            leaderPeerAddress: leader.map { "https://\($0.peerAddress)" } ?? "",
            committedIndex: status.committed.number,
            appliedIndex: status.evaluated.number
        )
    }

    /// What the vault's own endpoints say about the cluster.
    func facts() -> NodeFacts {
        let status = replica.status
        return NodeFacts(
            version: Version.number,
            appliedIndex: status.evaluated.number,
            members: configuration.members.map { member in
                NodeFacts.Member(
                    name: member.name,
                    region: member.region,
                    zone: member.zone,
                    apiAddress: member.apiAddress,
                    peerAddress: member.peerAddress,
                    isLeader: member.id == status.leader,
                    isVoter: member.role == .voter,
                    lastEcho: nil
                )
            }
        )
    }

    /// When this node began to lead, on the wall clock, fixed once per leadership.
    private func activeTime(_ status: ReplicaStatus) -> String? {
        guard let since = status.leaderSince else { return nil }
        let now = clock()
        return leaderSince.withLock { known -> String in
            if let known, known.0 == since { return known.1.rfc3339 }
            let nanoseconds = UInt64(clamping: Moment.now.nanoseconds(since: since))
            let began = Timestamp(nanoseconds: now.nanoseconds - min(now.nanoseconds, nanoseconds))
            known = (since, began)
            return began.rfc3339
        }
    }
}
