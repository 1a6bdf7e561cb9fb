import Raft
import Store
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Replica

@Suite("Checkpoints")
struct CheckpointTests {
    private func checkpoint(_ number: UInt64, _ byte: UInt8) -> Checkpoint {
        Checkpoint(index: index(number), root: [UInt8](repeating: byte, count: 32))
    }

    @Test("whoever differs from a majority is outvoted; each difference is told once")
    func verdicts() {
        var table = CheckpointTable()
        let others = [node(2), node(3)]
        table.heard(checkpoint(10, 7), from: node(2))
        #expect(table.judge(index(10), others) == .init(), "nothing of our own to compare")
        table.reached(checkpoint(10, 7))
        #expect(table.judge(index(10), others).agreed == index(10))
        table.heard(checkpoint(10, 9), from: node(3))
        let verdict = table.judge(index(10), others)
        #expect(verdict.divergences.map(\.member) == [node(3)])
        #expect(verdict.divergences.first?.theirs == [UInt8](repeating: 9, count: 32))
        #expect(verdict.outvotedBy == nil && verdict.agreed == nil)
        #expect(table.judge(index(10), others) == .init(), "told once")

        table.reached(checkpoint(20, 1))
        table.heard(checkpoint(20, 2), from: node(2))
        #expect(table.judge(index(20), others).outvotedBy == nil, "one against one")
        table.heard(checkpoint(20, 2), from: node(3))
        let last = table.judge(index(20), others)
        #expect(last.outvotedBy == [UInt8](repeating: 2, count: 32))
        #expect(last.divergences.map(\.member) == [node(3)])
    }

    @Test("two of two that differ outvote nobody, and five need three")
    func majorities() {
        var two = CheckpointTable()
        two.reached(checkpoint(10, 1))
        two.heard(checkpoint(10, 2), from: node(2))
        #expect(two.judge(index(10), [node(2)]).outvotedBy == nil)
        var five = CheckpointTable()
        let others = (UInt64(2)...5).map(node)
        five.reached(checkpoint(10, 1))
        five.heard(checkpoint(10, 2), from: node(2))
        five.heard(checkpoint(10, 2), from: node(3))
        #expect(five.judge(index(10), others).outvotedBy == nil)
        five.heard(checkpoint(10, 2), from: node(5))
        #expect(five.judge(index(10), others).outvotedBy != nil)
    }

    @Test("members that come late to a checkpoint, or miss a frame, are asked again")
    func late() throws {
        let bench = try RepairBench(3, fill: RepairTests.fill) { _ in }
        bench.give(.checkpoint(checkpoint(10, 7)))
        try bench.run(turns: 10)
        #expect(bench.ports[0].events.all == [])
        bench.silent = [1]
        bench.give(.checkpoint(checkpoint(10, 7)), to: 1)
        try bench.run(turns: 10)
        bench.silent = []
        bench.give(.checkpoint(checkpoint(10, 9)), to: 2)
        try bench.run(turns: 300)
        let agreed = RepairEvent.agreed(index(10))
        #expect(bench.ports[0].events.all.contains(agreed))
        #expect(bench.ports[1].events.all.contains(agreed))
        let majority = [UInt8](repeating: 7, count: 32)
        #expect(
            bench.ports[2].events.all.contains(.outvoted(checkpoint(10, 9), majority: majority))
        )
        let told = bench.ports[0].events.all.count { event in
            if case .diverged(let divergence) = event {
                divergence.member == node(3)
            } else {
                false
            }
        }
        #expect(told == 1)
    }

    /// Changes the record of key 3 as if it had always been so: its checksum and its bucket's
    /// digest say that it is right, and only another replica can tell.
    private func plant(_ folder: TemporaryFolder) throws {
        let store = try folder.open()
        var records = try store.lendBucket(0, from: nil, bytesMax: 1 << 20).records
        let place = try #require(records.firstIndex { $0.key == key(3) })
        let before = try #require(try store.view { try $0.record(key(3)) })
        let wrong = Record(
            flags: before.flags,
            dataKeyID: before.dataKeyID,
            modificationIndex: before.modificationIndex,
            nameBox: before.nameBox,
            valueBox: [UInt8](repeating: 66, count: 40)
        )
        records[place] = RepairedRecord(key: key(3), bytes: wrong.encoded())
        let elsewhere = TemporaryFolder()
        let other = try elsewhere.open()
        let writes = records.map { ($0.key, $0.bytes) }
        try other.write { (transaction) throws(StoreError) in
            try transaction.setCluster(clusterRecord(voters(3)))
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries([StoredEntry(index: 1, term: 1, kind: 0, body: [])])
            try transaction.apply(
                layers: [OverlayLayer(index: 1, writes: writes, requestID: nil)],
                appliedIndex: 1,
                appliedTerm: 1
            )
        }
        let expected = try other.lendBucket(0, from: nil, bytesMax: 1).bucket
        let change = records[place]
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords([change], bucket: 0, expected: expected)
        }
        #expect(try store.bucketDamage(0) == nil, "the node itself sees nothing wrong")
    }

    @Test("a planted divergence is found at the next checkpoint, and who has it knows")
    func planted() async throws {
        var retention = LogRetention()
        retention.checkpointEntries = 10
        let cluster = try TestCluster(seed: 21, retention: retention)
        defer { cluster.stop() }
        for number in UInt64(1)...12 {
            try await cluster.write(number, key: number, value: RepairTests.value(number))
        }
        try await cluster.converge()
        try await eventually("all agree at the first checkpoint") {
            cluster.members.allSatisfy { $0.replica.status.scrub.agreed >= index(10) }
        }
        let point = cluster.members[0].replica.status.last
        #expect(cluster.members.allSatisfy { $0.divergences.count == 0 })

        try await cluster.restart(2) { try plant($0) }
        for number in UInt64(13)...30 {
            try await cluster.write(number, key: number, value: RepairTests.value(number))
        }
        let wrong = cluster.members[2]
        try await eventually("the wrong one is outvoted") { wrong.outvotes.count > 0 }
        let told = try #require(wrong.outvotes.all.first)
        #expect(told.index > point && told.index.number % 10 == 0)
        #expect(wrong.divergences.all.contains { $0.own == told })
        for member in cluster.members.prefix(2) {
            try await eventually("the others tell who differs, and agree") {
                member.divergences.count > 0 && member.replica.status.scrub.agreed >= told.index
            }
            #expect(member.divergences.all.allSatisfy { $0.member == node(3) })
            #expect(member.outvotes.count == 0)
        }
    }
}
