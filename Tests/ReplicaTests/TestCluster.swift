import Raft
import Store
import Synchronization
import TestSupport

@testable import Replica

/// Carries messages and snapshot frames between replicas of one process, through their encodings,
/// and loses some.
final class TestNetwork: Sendable {
    private struct State: Sendable {
        var replicas: [NodeID: LocalReplica] = [:]
        var silent: Set<NodeID> = []
        var random: Seeded
        /// Of 100 consensus messages.
        var lossPercent: Int = 0
    }

    private let state: Mutex<State>
    /// What all members are set to.
    let settings: RaftSettings

    init(seed: UInt64, settings: RaftSettings = RaftSettings()) {
        self.settings = settings
        state = Mutex(State(random: Seeded(seed)))
    }

    func connect(_ replica: LocalReplica, as id: NodeID) {
        state.withLock { $0.replicas[id] = replica }
    }

    func disconnect(_ id: NodeID) {
        let replica = state.withLock { $0.replicas.removeValue(forKey: id) }
        replica?.stop()
    }

    func setLoss(percent: Int) { state.withLock { $0.lossPercent = percent } }

    /// Cuts a node off, both ways, or lets it speak again.
    func setSilent(_ id: NodeID, _ isSilent: Bool) {
        state.withLock { state in
            if isSilent { state.silent.insert(id) } else { state.silent.remove(id) }
        }
    }

    /// Who gets what `from` sends to `to`; nil when it is lost.
    private func receiver(_ from: NodeID, _ to: NodeID, mayLose: Bool) -> LocalReplica? {
        state.withLock { state in
            guard !state.silent.contains(from), !state.silent.contains(to) else { return nil }
            let isLost = mayLose && state.random.chance(state.lossPercent, of: 100)
            return isLost ? nil : state.replicas[to]
        }
    }

    func deliver(_ message: Message, from: NodeID, to: NodeID) {
        receiver(from, to, mayLose: true)?.received(message, from: from)
    }

    func deliver(_ frame: SnapshotFrame, from: NodeID, to: NodeID) -> Bool {
        guard let replica = receiver(from, to, mayLose: false) else { return false }
        guard let copy = try? SnapshotFrame(decoding: frame.encoded()) else {
            preconditionFailure("a frame decodes")
        }
        replica.received(copy, from: from)
        return true
    }

    func deliver(_ frame: RepairFrame, from: NodeID, to: NodeID) -> Bool {
        guard let replica = receiver(from, to, mayLose: false) else { return false }
        guard let copy = try? RepairFrame(decoding: frame.encoded()) else {
            preconditionFailure("a frame decodes")
        }
        replica.received(copy, from: from)
        return true
    }
}

/// One member: a store in a folder, and a replica over it.
final class TestMember: PeerLink, ReplicaObserver {
    let id: NodeID
    let folder: TemporaryFolder
    let store: LocalStore
    let replica: LocalReplica
    let alarms = Collector<Alarm>()
    let divergences = Collector<Divergence>()
    let outvotes = Collector<Checkpoint>()
    private let network: TestNetwork

    init(
        _ number: UInt64,
        of configuration: Configuration,
        folder: TemporaryFolder,
        network: TestNetwork,
        retention: LogRetention = LogRetention(),
        options: StoreOptions = smallOptions
    ) throws {
        id = node(number)
        self.folder = folder
        self.network = network
        store = try folder.open(options)
        replica = LocalReplica(store: store, logger: quietLogger)
        let state = try store.loadForStart()
        let start = ReplicaStart(state)
        let known = try state.cluster.map { try Configuration(decoding: $0.configuration) }
        let cluster = state.cluster ?? clusterRecord(configuration)
        let core = RaftCore(
            id: id,
            life: NodeLife(
                epoch: cluster.epoch,
                boot: cluster.bootCounter,
                incarnation: cluster.incarnation,
                mayVote: true
            ),
            configuration: known ?? configuration,
            hardState: start.hardState,
            snapshotIndex: start.logBase,
            snapshotTerm: term(state.point.base.term),
            entries: state.entries.map {
                LogEntry(
                    index: index($0.index),
                    term: term($0.term),
                    kind: EntryKind(rawValue: $0.kind) ?? .noop,
                    body: $0.body
                )
            },
            evaluated: start.applied,
            isSealed: false,
            settings: network.settings,
            seed: .random(in: 0 ... .max)
        )
        network.connect(replica, as: id)
        replica.start(
            raft: core,
            state: ReplicaStart(
                hardState: start.hardState,
                applied: start.applied,
                logBase: start.logBase,
                cluster: cluster
            ),
            link: self,
            observer: self,
            folder: SnapshotFolder(folder: folder.path + "/node"),
            digest: testDigest,
            retention: retention
        )
    }

    func send(_ message: Message, to member: NodeID) {
        network.deliver(message, from: id, to: member)
    }

    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
        network.deliver(frame, from: id, to: member)
    }

    func sendRepair(_ frame: RepairFrame, to member: NodeID) -> Bool {
        network.deliver(frame, from: id, to: member)
    }

    func roleChanged(_ status: ReplicaStatus) {}
    func configurationChanged(_ configuration: Configuration) {}
    func raised(_ alarm: Alarm) { alarms.add(alarm) }
    func diverged(_ divergence: Divergence) { divergences.add(divergence) }
    func outvoted(_ own: Checkpoint, majority: [UInt8]) { outvotes.add(own) }

    func value(_ number: UInt64) throws -> [UInt8]? {
        try store.view { view in try view.record(key(number)) }?.valueBox
    }
}

/// Three members and clients that write to whoever leads.
final class TestCluster: Sendable {
    let network: TestNetwork
    private let folders: [TemporaryFolder]
    private let retention: LogRetention
    private let running: Mutex<[TestMember?]>

    init(
        seed: UInt64,
        retention: LogRetention = LogRetention(),
        settings: RaftSettings = RaftSettings()
    ) throws {
        let network = TestNetwork(seed: seed, settings: settings)
        let folders = (0..<3).map { _ in TemporaryFolder() }
        self.network = network
        self.folders = folders
        self.retention = retention
        running = Mutex(
            try (0..<3).map {
                try TestMember(
                    UInt64($0 + 1),
                    of: voters(3),
                    folder: folders[$0],
                    network: network,
                    retention: retention
                )
            }
        )
    }

    var members: [TestMember] { running.withLock { $0.compactMap { $0 } } }

    func stop() { for member in members { member.replica.stop() } }

    /// Ends a member between two transactions, as a crash does, and starts it on its folder.
    /// - Parameter whileDown: may do something to the folder, whose store nobody has open then.
    func restart(
        _ position: Int,
        whileDown: (TemporaryFolder) throws -> Void = { _ in }
    ) async throws {
        network.disconnect(node(UInt64(position + 1)))
        running.withLock { $0[position] = nil }
        try await eventually("member \(position + 1) lets go of its folder") {
            (try? folders[position].open()) != nil
        }
        try whileDown(folders[position])
        var member: TestMember?
        try await eventually("member \(position + 1) restarts") {
            member = try? TestMember(
                UInt64(position + 1),
                of: voters(3),
                folder: folders[position],
                network: network,
                retention: retention
            )
            return member != nil
        }
        running.withLock { $0[position] = member }
    }

    /// Whoever leads in the highest term among those that others can hear.
    func leader(except absent: TestMember? = nil) -> TestMember? {
        members.filter { $0.id != absent?.id && $0.replica.status.role == .leader }
            .max { $0.replica.status.term < $1.replica.status.term }
    }

    /// One attempt to write. What the client may believe afterwards.
    enum Belief { case applied, notApplied, unknown }

    func attempt(
        _ number: UInt64,
        key: UInt64,
        value: [UInt8],
        at member: TestMember
    ) async throws -> Belief {
        let proposed = Collector<ProposeOutcome>()
        let committed = Collector<CommitOutcome>()
        let base = member.store.view { $0.evaluatedIndex }
        member.replica.propose(
            BatchProposal(
                batch: batch(number, base: base, put: [key], value: value),
                deadline: .now + .seconds(5),
                onProposed: { proposed.add($0) },
                onCommitted: { committed.add($0) }
            )
        )
        try await eventually("write \(number) is taken or refused") { proposed.count == 1 }
        guard case .appended = proposed.all.first else { return .notApplied }
        try await eventually("write \(number) is decided") { committed.count == 1 }
        switch committed.all.first {
        case .applied, .duplicate: return .applied
        case .rejected, .superseded: return .notApplied
        case .unknown, nil: return .unknown
        }
    }

    /// Writes until it is applied: the same id each time, so it happens once.
    func write(
        _ number: UInt64,
        key: UInt64,
        value: [UInt8],
        except absent: TestMember? = nil
    ) async throws {
        let deadline = Moment.now + .seconds(120)
        var looks = 0
        // Both, as `eventually` has it: one look may come minutes after the last.
        while Moment.now < deadline || looks < 1_000 {
            looks += 1
            guard let leader = leader(except: absent) else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            if try await attempt(number, key: key, value: value, at: leader) == .applied {
                return
            }
        }
        throw TookTooLong(description: "write \(number) is applied")
    }

    /// Waits until all `members` have evaluated the same, and nothing is under way.
    func converge(_ members: [TestMember]? = nil) async throws {
        let members = members ?? self.members
        try await eventually("all members agree") {
            let statuses = members.map(\.replica.status)
            guard let first = statuses.first else { return false }
            return statuses.allSatisfy {
                $0.evaluated == first.last && $0.last == first.last && $0.term == first.term
            } && statuses.contains { $0.role == .leader }
        }
    }
}
