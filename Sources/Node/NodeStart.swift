import Cryptography
import Logging
import Raft
import Replica
import Store
import Transport
import Wire

/// What a node finds in its data folder and brings to life.
struct NodeStart {
    let store: LocalStore
    let identity: NodeIdentity
    /// The newest configuration that the intact part of the log shows: whom to dial.
    let configuration: Configuration
    let selfID: NodeID
    let clusterID: [UInt8]
    let cluster: ClusterRecord
    /// As of what is applied: what consensus begins with.
    private let applied: Configuration
    private let state: StoredState
    private let raftSettings: RaftSettings
    /// Where this process begins to number what it forwards.
    let firstForward: UInt64

    /// Opens the data folder and checks that it, the key and the settings belong together.
    ///
    /// - Throws: ``NodeError``, `StoreError`, `TransportError`: nothing was changed but, in a new
    ///   folder, what makes it one.
    init(_ settings: Settings, logger: Logger) throws {
        if !MemoryLock.requireLocking() && !settings.allowUnlockedMemory {
            throw NodeError.memoryNotLockable(
                limit: MemoryLock.limitBytes.map { "\($0) bytes" } ?? "unknown"
            )
        }
        SuspectMarker.watch(folder: settings.data)
        let opened = try StoreCheck.open(settings, logger: logger)
        let state = opened.state
        self.state = state
        raftSettings = settings.raft
        store = opened.store
        identity = try NodeIdentity.loadOrCreate(folder: settings.data)
        let place =
            settings.join == nil
            ? try Self.initialPlace(settings, identity, state.cluster)
            : try Self.joinedPlace(settings, identity, state.cluster)
        (selfID, clusterID) = (place.id, place.clusterID)
        applied = place.configuration
        configuration = try Self.newest(state, after: applied)
        try Self.requireKnownFormat(configuration, state.cluster, raftSettings)
        cluster = ClusterRecord(
            clusterID: clusterID,
            epoch: state.cluster?.epoch ?? 0,
            incarnation: state.cluster?.incarnation ?? 0,
            bootCounter: (state.cluster?.bootCounter ?? 0) + 1,
            configuration: applied.encoded(),
            formatLevel: state.cluster?.formatLevel ?? 1
        )
        SuspectMarker.arm()
        firstForward = try Random.uint64()
        logger.info(
            "data folder opened",
            metadata: [
                "applied": "\(state.point.appliedIndex)", "log": "\(state.entries.count) entries",
                "boot": "\(cluster.bootCounter)",
            ]
        )
    }

    /// The version may have been put back since the members raised the level.
    static func requireKnownFormat(
        _ configuration: Configuration,
        _ cluster: ClusterRecord?,
        _ settings: RaftSettings
    ) throws(NodeError) {
        try settings.requireKnown(max(configuration.formatLevel, cluster?.formatLevel ?? 1))
    }

    /// Where a node stands in its cluster.
    private struct Place {
        let id: NodeID
        let clusterID: [UInt8]
        let configuration: Configuration
    }

    /// The place of one of the initial members. Members may have changed since: what the folder
    /// says counts, but it must be of the cluster that the settings describe.
    private static func initialPlace(
        _ settings: Settings,
        _ identity: NodeIdentity,
        _ known: ClusterRecord?
    ) throws -> Place {
        let initial = settings.initialConfiguration
        guard let own = initial.members.first(where: { $0.name == settings.node }) else {
            throw SettingsError.notAMember(
                node: settings.node,
                members: initial.members.map(\.name)
            )
        }
        guard identity.pin == own.pin else {
            throw NodeError.wrongOwnPin(
                node: settings.node,
                settings: Hex.encode(own.pin),
                key: identity.pinText
            )
        }
        let clusterID = sha256(initial.encoded())
        guard let known else {
            return Place(id: own.id, clusterID: clusterID, configuration: initial)
        }
        let configuration = try Configuration(decoding: known.configuration)
        guard known.clusterID == clusterID else {
            throw NodeError.otherCluster(
                folder: settings.data,
                have: text(configuration),
                want: text(initial)
            )
        }
        return Place(id: own.id, clusterID: clusterID, configuration: configuration)
    }

    /// The place of a node that joined later: its folder knows, nothing else does.
    private static func joinedPlace(
        _ settings: Settings,
        _ identity: NodeIdentity,
        _ known: ClusterRecord?
    ) throws -> Place {
        guard let known else { throw NodeError.notJoined(folder: settings.data) }
        let configuration = try Configuration(decoding: known.configuration)
        guard let own = configuration.members.first(where: { $0.pin == identity.pin }) else {
            throw NodeError.removed(node: settings.node, pin: identity.pinText)
        }
        return Place(id: own.id, clusterID: known.clusterID, configuration: configuration)
    }

    /// What the log's intact entries made of the configuration that is applied. The core decides;
    /// this is for whoever has to reach the others before there is one.
    private static func newest(
        _ state: StoredState,
        after applied: Configuration
    ) throws -> Configuration {
        var newest = applied
        for entry in state.entries where entry.index > state.point.appliedIndex {
            guard entry.kind == EntryKind.configuration.rawValue else { continue }
            let next = try ConfigurationEntry(decoding: entry.body).configuration
            if next.revision > newest.revision { newest = next }
        }
        return newest
    }

    /// Consensus on what the folder held, once the log is whole. A log that lost bodies waits here
    /// until other members have sent them, and so the node takes no part until then.
    func consensus(
        _ replica: LocalReplica,
        _ link: any RepairLink
    ) async throws -> (RaftCore, ReplicaStart) {
        let others = configuration.members.map(\.id).filter { $0 != selfID }
        if let lost = state.damagedBodies.first, others.isEmpty { throw lost.error }
        replica.startRepair(link: link, members: others)
        let log = await replica.recoverBodies(of: state)
        let hardState = HardState(
            term: Term(number: state.ballot.term),
            vote: state.ballot.vote.map { NodeID(number: $0) },
            commit: LogIndex(number: state.point.commitIndex)
        )
        let entries = try log.entries.map { entry in
            guard let kind = EntryKind(rawValue: entry.kind) else {
                throw StoreError.damagedLogHeader(
                    index: entry.index,
                    reason: "entries of kind \(entry.kind) are not known"
                )
            }
            // The core goes by what it finds here, so it is read before the core is made.
            if kind == .configuration { _ = try ConfigurationEntry(decoding: entry.body) }
            return LogEntry(
                index: LogIndex(number: entry.index),
                term: Term(number: entry.term),
                kind: kind,
                body: entry.body
            )
        }
        let applied = LogIndex(number: state.point.appliedIndex)
        let base = LogIndex(number: state.point.base.index)
        let core = RaftCore(
            id: selfID,
            life: NodeLife(
                epoch: cluster.epoch,
                boot: cluster.bootCounter,
                incarnation: cluster.incarnation,
                mayVote: true
            ),
            configuration: self.applied,
            hardState: hardState,
            snapshotIndex: base,
            snapshotTerm: Term(number: state.point.base.term),
            entries: entries,
            evaluated: applied,
            isSealed: true,
            settings: raftSettings,
            seed: try Random.uint64()
        )
        let start = ReplicaStart(
            hardState: hardState,
            applied: applied,
            logBase: base,
            cluster: cluster
        )
        return (core, start)
    }

    /// The initial members, a line each, as operators compare them.
    static func text(_ configuration: Configuration) -> String {
        configuration.members.map { member in
            "    \(member.name) region \(member.region) zone \(member.zone) "
                + "peer \(member.peerAddress) api \(member.apiAddress)\n"
                + "      pin \(Hex.encode(member.pin))"
        }.joined(separator: "\n")
    }
}
