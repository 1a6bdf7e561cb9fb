import Raft
import Store
import TestSupport
import Testing

@testable import Replica

private struct Deaf: StoragePorts {
    func tellCore(_ input: CoreInput) {}
}

/// A node that joined was told who the members are, itself among them, before its log knows. What
/// its disk says must not fall behind that, or its next start finds a cluster without itself.
@Suite("told members on disk")
struct ToldMembersTests {
    private let folder = TemporaryFolder()

    /// Revisions 0 to 3: three voters; learner 4; learner 5, which is this node; without 4.
    private func revisions() throws -> [Configuration] {
        let first = try voters(3).applying(
            .add(memberDetails(4), incarnation: 7, token: nil, awaitsPromotion: true)
        )
        let second = try first.applying(
            .add(memberDetails(5), incarnation: 8, token: nil, awaitsPromotion: true)
        )
        return [voters(3), first, second, try second.applying(.remove(node(4)))]
    }

    /// One life of the process: as told at first, else as the disk has it. Applies these entries,
    /// some of which bring a configuration, each in a transaction of its own.
    ///
    /// - Returns: the members on disk after each.
    private func live(
        told: Configuration,
        _ entries: [(index: UInt64, brings: Configuration?)]
    ) throws -> [Configuration] {
        let store = try folder.open()
        let loaded = try store.load()
        let cluster =
            loaded.cluster
            ?? ClusterRecord(
                clusterID: [UInt8](repeating: 1, count: 32),
                epoch: 0,
                incarnation: 8,
                bootCounter: 1,
                configuration: told.encoded(),
                formatLevel: 1
            )
        let hardState = HardState(term: term(1), vote: nil, commit: .zero)
        let machine = StorageMachine(
            storage: store,
            ports: Deaf(),
            state: ReplicaStart(
                hardState: hardState,
                applied: index(loaded.point.appliedIndex),
                logBase: index(loaded.point.base.index),
                cluster: cluster
            ),
            watch: DiskWatch(),
            now: .now
        )
        try machine.begin()
        return try entries.map { entry in
            var jobs: [StorageJob] = [
                .persist(
                    Persist(
                        token: token(entry.index),
                        hardState: hardState,
                        truncateFrom: nil,
                        entries: [
                            LogEntry(
                                index: index(entry.index),
                                term: term(1),
                                kind: .noop,
                                body: []
                            )
                        ],
                        votesChanged: false
                    )
                )
            ]
            if let next = entry.brings {
                jobs.append(.reconfigured(AppliedConfiguration(next, at: index(entry.index))))
            }
            let layer = OverlayLayer(index: entry.index, writes: [], requestID: nil)
            store.appendLayer(layer)
            try machine.turn(jobs + [.apply(layer, term(1))], now: .now)
            // Nothing came: what was put off is done.
            try machine.turn([], now: .now)
            let record = try #require(try store.load().cluster)
            return try Configuration(decoding: record.configuration)
        }
    }

    @Test("never fall behind what the node was told, however often it starts on the way there")
    func restarts() throws {
        let all = try revisions()
        #expect(try live(told: all[2], [(1, nil), (2, nil)]) == [all[2], all[2]])
        #expect(try live(told: all[0], [(3, all[1])]) == [all[2]])
        #expect(try live(told: all[0], [(4, nil), (5, all[2])]) == [all[2], all[2]])
        // From here on the log says what is new.
        #expect(try live(told: all[0], [(6, nil), (7, all[3])]) == [all[2], all[3]])
        #expect(try live(told: all[0], [(8, nil)]) == [all[3]])
    }
}
