import Cryptography
import Raft
import Replica
import Store
import Synchronization
import TestSupport

@testable import Node

/// A running replica over a store in a folder of its own; what it says to others is lost.
final class TestReplica: PeerLink, ReplicaObserver {
    let folder = TemporaryFolder()
    let store: LocalStore
    let replica: LocalReplica

    /// What this node says, for a test that plays the others.
    private let listener = Mutex<(@Sendable (MessageBody) -> Void)?>(nil)

    /// - Parameters:
    ///   - voters: this node is the first of them.
    ///   - settings: of consensus.
    init(voters: UInt64, settings: RaftSettings = RaftSettings()) throws {
        let folder = folder
        var options = StoreOptions()
        options.mapBytes = 1 << 30
        options.preallocateStepBytes = 1 << 20
        options.reserveBytes = 1 << 20
        store = try LocalStore.open(folder: folder.path + "/node", options: options) { bytes in
            // Threads that have not quite ended hold the store, and so the folder.
            withExtendedLifetime(folder) { sha256(bytes) }
        }
        replica = LocalReplica(store: store, logger: quietLogger)
        let configuration = TestSupport.voters(voters)
        let core = RaftCore(
            id: NodeID(number: 1),
            life: NodeLife(epoch: 0, boot: 1, incarnation: 0, mayVote: true),
            configuration: configuration,
            hardState: .initial,
            snapshotIndex: .zero,
            snapshotTerm: .zero,
            entries: [],
            evaluated: .zero,
            isSealed: true,
            settings: settings,
            seed: .random(in: 0 ... .max)
        )
        let cluster = ClusterRecord(
            clusterID: sha256(configuration.encoded()),
            epoch: 0,
            incarnation: 0,
            bootCounter: 1,
            configuration: configuration.encoded(),
            formatLevel: 1
        )
        replica.start(
            raft: core,
            state: ReplicaStart(
                hardState: .initial,
                applied: .zero,
                logBase: .zero,
                cluster: cluster
            ),
            link: self,
            observer: self,
            folder: SnapshotFolder(folder: folder.path + "/node"),
            digest: sha256
        )
    }

    func stop() { replica.stop() }

    func send(_ message: Message, to member: NodeID) {
        let listener = listener.withLock { $0 }
        listener?(message.body)
    }

    /// Calls `listener` with what this node says from now on, on its core's thread.
    func listen(_ new: (@Sendable (MessageBody) -> Void)?) {
        listener.withLock { $0 = new }
    }

    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool { false }
    func sendRepair(_ frame: RepairFrame, to member: NodeID) -> Bool { false }
    func roleChanged(_ status: ReplicaStatus) {}
    func configurationChanged(_ configuration: Configuration) {}
    func raised(_ alarm: Alarm) {}
    func diverged(_ divergence: Divergence) {}
    func outvoted(_ own: Checkpoint, majority: [UInt8]) {}

    /// Node 2 says something in term 1.
    func hear(_ body: MessageBody) {
        replica.received(
            Message(term: Term(number: 1), epoch: 0, boot: 1, incarnation: 0, body: body),
            from: NodeID(number: 2)
        )
    }

    /// The only voter leads, and has committed in its term.
    func lead() async throws {
        try await eventually("it leads") {
            replica.status.role == .leader && replica.status.evaluated > .zero
        }
    }

    /// Brings a batch into the log and waits for what becomes of it.
    func commit(_ batch: WriteBatch) async throws -> CommitOutcome? {
        let outcomes = Collector<CommitOutcome?>()
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: .now + .seconds(300),
                onProposed: { outcome in
                    if case .appended = outcome { return }
                    outcomes.add(nil)
                },
                onCommitted: { outcomes.add($0) }
            )
        )
        try await eventually("the batch is decided") { outcomes.count == 1 }
        return outcomes.all.first ?? nil
    }
}
