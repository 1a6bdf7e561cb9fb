import Raft
import Synchronization
import TestSupport
import Testing

@testable import Replica

/// Read leases with the threads and clocks of production.
@Suite("three replicas with leases")
struct LeaseClusterTests {
    private func cluster(seed: UInt64) throws -> TestCluster {
        var settings = RaftSettings()
        settings.readLease = ReadLeaseSettings()
        return try TestCluster(seed: seed, settings: settings)
    }

    /// One read that a lease may answer.
    private func read(_ member: TestMember, seconds: Int = 1) async throws -> ReadOutcome {
        let outcomes = Collector<ReadOutcome>()
        member.replica.waitForRead(
            deadline: .now + .seconds(seconds),
            mustConfirm: false
        ) { outcomes.add($0) }
        try await eventually("the read ends") { outcomes.count == 1 }
        return outcomes.all[0]
    }

    private func isLeased(_ outcome: ReadOutcome) -> Bool {
        if case .ready(_, let proof) = outcome { proof.validUntil != nil } else { false }
    }

    @Test("a leader reads by lease, followers by asking it, and nobody begins a round for it")
    func reads() async throws {
        let cluster = try cluster(seed: 91)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        // On a busy machine leadership may move meanwhile: whoever leads is asked.
        var leased = 0
        for _ in 0..<2_000 where leased < 50 {
            guard let leader = cluster.leader() else {
                try await Task.sleep(for: .milliseconds(10))
                continue
            }
            let outcome = try await read(leader)
            guard case .ready(_, let proof) = outcome else { continue }
            guard let end = proof.validUntil else { continue }
            leased += 1
            // The promise is 400 ms; a lease is shorter, and began before it was used.
            #expect(end - .now < .milliseconds(350))
        }
        #expect(leased == 50)
        try await cluster.converge()
        for follower in cluster.members {
            let leading = cluster.leader()?.id
            guard follower.id != leading, case .ready(_, let proof) = try await read(follower),
                cluster.leader()?.id == leading
            else { continue }
            #expect(proof.validUntil == nil, "another node's clock says nothing here")
            #expect(proof.currentAsOf != nil)
        }
        try await eventually("the statuses tell") {
            cluster.members.reduce(0) { $0 + $1.replica.status.reads.leased } >= 50
        }
        #expect(cluster.members.allSatisfy { $0.alarms.count == 0 })
    }

    /// What a reader and the writer tell each other.
    private final class Watch: Sendable {
        let newest: Atomic<UInt64>
        let served = Atomic(0)
        let isOver = Atomic(false)
        let wrong = Collector<UInt64>()

        init(newest: UInt64) { self.newest = Atomic(newest) }
    }

    @Test("cut off, a leader's reads end with its lease; the next one's never miss a write")
    func cutOff() async throws {
        let cluster = try cluster(seed: 92)
        defer { cluster.stop() }
        for round in 1...3 as ClosedRange<UInt64> {
            try await cluster.write(round * 2, key: 1, value: [UInt8(round * 2)])
            let old = try #require(cluster.leader())
            try await eventually("a lease") { old.replica.status.role == .leader }
            let watch = Watch(newest: round * 2)
            // Reads at the old leader, as fast as they go, each against what was acknowledged.
            let reader = Task {
                while !watch.isOver.load(ordering: .acquiring) {
                    let floor = watch.newest.load(ordering: .acquiring)
                    let outcome = try await read(old)
                    guard case .ready(_, let proof) = outcome else { continue }
                    let value = try old.value(1)?.first ?? 0
                    if let end = proof.validUntil, Moment.now >= end { continue }
                    watch.served.add(1, ordering: .relaxed)
                    if UInt64(value) < floor { watch.wrong.add(UInt64(value)) }
                }
            }
            try await eventually("reads are served") {
                watch.served.load(ordering: .relaxed) > 0
            }
            cluster.network.setSilent(old.id, true)
            try await cluster.write(
                round * 2 + 1,
                key: 1,
                value: [UInt8(round * 2 + 1)],
                except: old
            )
            watch.newest.store(round * 2 + 1, ordering: .releasing)
            try await Task.sleep(for: .milliseconds(300))
            watch.isOver.store(true, ordering: .releasing)
            cluster.network.setSilent(old.id, false)
            try await reader.value
            #expect(watch.wrong.all == [])
            try await cluster.converge()
        }
    }
}
