import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// Three replicas in one process: what is acknowledged stays, whatever the network does.
@Suite("three replicas", .serialized)
struct ClusterTests {
    private func expectEqual(_ cluster: TestCluster, keys: ClosedRange<UInt64>) throws {
        for number in keys {
            let values = try cluster.members.map { try $0.value(number) }
            let isEqual = values.allSatisfy { $0 == values[0] }
            #expect(isEqual, "key \(number): \(values.map { $0.map { Array($0.prefix(4)) } })")
        }
        for member in cluster.members { #expect(member.alarms.all == []) }
    }

    @Test("what is written on the leader is on all")
    func replicates() async throws {
        let cluster = try TestCluster(seed: 1)
        defer { cluster.stop() }
        for number in 1...100 as ClosedRange<UInt64> {
            try await cluster.write(number, key: number, value: [UInt8(number)])
        }
        try await cluster.converge()
        try expectEqual(cluster, keys: 1...100)
        #expect(try cluster.members[0].value(100) == [100])
    }

    @Test("a cut-off leader's writes are decided once it is back, and none is lost")
    func leaderCutOff() async throws {
        let cluster = try TestCluster(seed: 2)
        defer { cluster.stop() }
        for number in 1...20 as ClosedRange<UInt64> {
            try await cluster.write(number, key: number, value: [1])
        }
        let old = try #require(cluster.leader())
        cluster.network.setSilent(old.id, true)
        // It takes this one, and cannot commit it.
        let fate = Collector<CommitOutcome>()
        let base = old.store.view { $0.evaluatedIndex }
        old.replica.propose(
            proposal(batch(900, base: base, put: [900], value: [9]), onCommitted: { fate.add($0) })
        )
        for number in 21...40 as ClosedRange<UInt64> {
            try await cluster.write(number, key: number, value: [2], except: old)
        }
        #expect(fate.count == 0)
        cluster.network.setSilent(old.id, false)
        try await cluster.converge()
        try await eventually("its client is told") { fate.count == 1 }
        #expect(fate.all == [.superseded])
        #expect(try cluster.members.map { try $0.value(900) } == [nil, nil, nil])
        try expectEqual(cluster, keys: 1...40)
        #expect(try old.value(40) == [2])
        #expect(try old.value(20) == [1])
    }

    @Test("a follower serves a linearizable read of what was just written elsewhere")
    func followerReads() async throws {
        let cluster = try TestCluster(seed: 3)
        defer { cluster.stop() }
        for number in 1...30 as ClosedRange<UInt64> {
            try await cluster.write(number, key: 1, value: [UInt8(number)])
            for member in cluster.members {
                let outcomes = Collector<ReadOutcome>()
                let values = Collector<[UInt8]?>()
                member.replica.waitForRead(deadline: .now + .seconds(60)) { outcome in
                    values.add((try? member.value(1)) ?? nil)
                    outcomes.add(outcome)
                }
                try await eventually("the read ends") { outcomes.count == 1 }
                // Refused is allowed (an election); stale is not.
                if case .ready = outcomes.all.first {
                    #expect(values.all == [[UInt8(number)]])
                }
            }
        }
    }

    /// Every client keeps a counter of its own; what it believes must fit what is there at the end.
    @Test("over a lossy network no belief of a client turns out wrong", arguments: [4, 5])
    func lossy(seed: UInt64) async throws {
        let cluster = try TestCluster(seed: seed)
        defer { cluster.stop() }
        cluster.network.setLoss(percent: 10)
        var random = Seeded(seed)
        var certain: [UInt64: UInt8] = [:]
        var possible: [UInt64: Set<UInt8>] = [:]
        for number in 1...150 as ClosedRange<UInt64> {
            if number % 40 == 0 {
                let victim = cluster.members[Int(random.next() % 3)]
                cluster.network.setSilent(victim.id, true)
                Task {
                    try await Task.sleep(for: .milliseconds(1_500))
                    cluster.network.setSilent(victim.id, false)
                }
            }
            guard let member = cluster.leader() else {
                try await Task.sleep(for: .milliseconds(50))
                continue
            }
            let key = number % 10
            let value = UInt8(number)
            switch try await cluster.attempt(number, key: key, value: [value], at: member) {
            case .applied:
                certain[key] = value
                possible[key] = []
            case .unknown: possible[key, default: []].insert(value)
            case .notApplied: break
            }
        }
        cluster.network.setLoss(percent: 0)
        for member in cluster.members { cluster.network.setSilent(member.id, false) }
        try await cluster.write(1_000, key: 99, value: [1])
        try await cluster.converge()
        try expectEqual(cluster, keys: 0...9)
        #expect(!certain.isEmpty, "some writes got through")
        for key in 0...9 as ClosedRange<UInt64> {
            let found = try cluster.members[0].value(key)?.first
            let allowed = Set([certain[key]].compactMap { $0 }).union(possible[key] ?? [])
            if let found {
                #expect(allowed.contains(found), "key \(key): \(found), believed \(allowed)")
            } else {
                #expect(certain[key] == nil, "key \(key) was acknowledged and is gone")
            }
        }
    }

    @Test("a follower far behind gets a snapshot, and follows again", arguments: [10, 200_000])
    func snapshot(valueBytes: Int) async throws {
        var retention = LogRetention()
        retention.entries = 16
        retention.entriesMax = 32
        let cluster = try TestCluster(seed: 6, retention: retention)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        try await cluster.converge()
        let behind = try #require(cluster.members.first { $0.replica.status.role == .follower })
        cluster.network.setSilent(behind.id, true)
        let others = cluster.members.filter { $0.id != behind.id }
        let value = [UInt8](repeating: 7, count: valueBytes)
        for number in 2...80 as ClosedRange<UInt64> {
            try await cluster.write(number, key: number % 20, value: value, except: behind)
        }
        let last = behind.replica.status.last
        try await eventually("the others have dropped what it needs") {
            try others.allSatisfy { try $0.store.load().point.base.index > last.number + 20 }
        }
        cluster.network.setSilent(behind.id, false)
        try await cluster.converge()
        try expectEqual(cluster, keys: 0...20)
        // It cannot have got the entries: the log of everyone begins behind them.
        #expect(try behind.store.load().point.base.index > last.number + 1)
        try await cluster.write(500, key: 1, value: [42])
        try await cluster.converge()
        #expect(try behind.value(1) == [42])
        #expect(
            behind.folder.files.filter { $0.hasPrefix("snapshot-arr") } == [],
            "an installed snapshot leaves no file"
        )
    }

    @Test("members that restart one after the other lose nothing")
    func restarts() async throws {
        let cluster = try TestCluster(seed: 7)
        defer { cluster.stop() }
        for round in 0..<6 as Range<UInt64> {
            for number in 1...20 as ClosedRange<UInt64> {
                try await cluster.write(round * 100 + number, key: round * 100 + number, value: [1])
            }
            try await cluster.restart(Int(round % 3))
        }
        try await cluster.write(1_000, key: 1_000, value: [1])
        try await cluster.converge()
        for round in 0..<6 as Range<UInt64> {
            try expectEqual(cluster, keys: round * 100 + 1...round * 100 + 20)
            #expect(try cluster.members[0].value(round * 100 + 20) == [1])
        }
    }
}
