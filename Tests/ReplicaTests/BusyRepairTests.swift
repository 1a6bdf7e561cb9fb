import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// Buckets that are repaired while clients write into them.
@Suite("Repair under steady writes")
struct BusyRepairTests {
    /// What entry `number` does: writes over one of the twelve, adds one, and takes one away.
    private static func layer(_ number: UInt64) -> OverlayLayer {
        let stamped = RepairTests.record(number)
        var writes: [(StorageKey, [UInt8]?)] = [
            (key(number == 13 ? 7 : number * 5 % 12 + 1), stamped.encoded()),
            (key(100 + number), stamped.encoded()),
        ]
        if number % 2 == 0 { writes.append((key(100 + number / 2), nil)) }
        return OverlayLayer(index: number, writes: writes, requestID: nil)
    }

    private static func advance(_ store: LocalStore, by count: UInt64 = 1) throws {
        try store.write { (transaction) throws(StoreError) in
            let first = transaction.point.appliedIndex + 1
            let (last, end) = (first + count - 1, transaction.point.last.index)
            if end < last {
                try transaction.appendEntries(
                    (end + 1...last).map { StoredEntry(index: $0, term: 2, kind: 1, body: [1]) }
                )
            }
            try transaction.apply(
                layers: (first...last).map { layer($0) },
                appliedIndex: last,
                appliedTerm: 2
            )
        }
    }

    /// Twelve records of so many bytes, all in one bucket.
    private static func fill(_ store: LocalStore, bytes: Int) throws {
        try RepairTests.fill(store)
        guard bytes > 0 else { return }
        var random = Seeded(4)
        let layers = (UInt64(1)...12).map { number in
            let value = number == 7 ? RepairTests.value(7) : random.bytes(bytes)
            let stamped = RepairTests.record(12, value)
            return RepairedRecord(key: key(number), bytes: stamped.encoded())
        }
        // As if entry 12 had written them all.
        let other = TemporaryFolder()
        let model = try other.open()
        try RepairTests.fill(model)
        try model.write { (transaction) throws(StoreError) in
            let writes = layers.map { ($0.key, $0.bytes) }
            try transaction.apply(
                layers: [OverlayLayer(index: 13, writes: writes, requestID: nil)],
                appliedIndex: 13,
                appliedTerm: 2
            )
        }
        let expected = try model.lendBucket(0, from: nil, bytesMax: 1).bucket
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(layers, bucket: 0, expected: expected)
        }
    }

    /// The first of three has a record that was damaged when entry 13 wrote over it: what its
    /// bucket adds up to is not known.
    private func suspect(bytes: Int) throws -> RepairBench {
        let bench = try RepairBench(3) { store in
            try Self.fill(store, bytes: bytes)
        } damage: {
            flipBit($0, RepairTests.value(7), at: 4)
        }
        for port in bench.ports { try Self.advance(port.store) }
        #expect(try bench.ports[0].store.isSuspect(0))
        return bench
    }

    private func mend(_ bench: RepairBench) -> Collector<Bool> {
        let mended = Collector<Bool>()
        bench.give(.mend(0, deadline: bench.deadline) { mended.add($0) })
        return mended
    }

    /// Before, both had to have applied the same at the moment of the repair, which they never had.
    @Test("a node that goes on with the others, in parts of a bucket too", arguments: [0, 70_000])
    func moving(bytes: Int) throws {
        let bench = try suspect(bytes: bytes)
        let mended = mend(bench)
        var turn: UInt64 = 0
        try bench.run(turns: 1_000) {
            for (position, port) in bench.ports.enumerated() {
                // Never level: one is always behind, or ahead.
                let steps = 1 + (turn + UInt64(position)) % 3
                do { try Self.advance(port.store, by: steps) } catch { Issue.record(error) }
            }
            turn += 1
            return mended.count > 0
        }
        #expect(mended.all == [true])
        try expectRepaired(bench)
        #expect(turn < 200, "no more than a few attempts")
    }

    /// Evaluation waits for the repair, so the node stands still while the others go on.
    @Test("a node that stands still while the others go on", arguments: [0, 70_000])
    func standing(bytes: Int) throws {
        let bench = try suspect(bytes: bytes)
        let right = try bench.ports[1].store.stateDigest()
        let mended = mend(bench)
        try bench.run(turns: 1_000) {
            for port in bench.ports.dropFirst() {
                do { try Self.advance(port.store, by: 4) } catch { Issue.record(error) }
            }
            return mended.count > 0
        }
        #expect(mended.all == [true])
        #expect(try bench.ports[0].store.stateDigest() == right)
        try expectRepaired(bench)
    }

    /// A delete of what cannot be found leaves the bucket's sum as it is, so it still counts the
    /// record: with the one that a member still has, it would add up.
    @Test("what was deleted while it was lost does not come back from a member that is behind")
    func deletedMeanwhile() throws {
        let bench = try RepairBench(3, fill: RepairTests.fill) {
            flipBit($0, key(12).bytes, at: 31)
        }
        let store = bench.ports[0].store
        let deletion = OverlayLayer(index: 13, writes: [(key(12), nil)], requestID: nil)
        for port in bench.ports.dropLast() {
            try port.store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [deletion], appliedIndex: 13, appliedTerm: 2)
            }
        }
        // What the newest entries replaced is not known any more, as after a restart.
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords([], bucket: 1, expected: nil)
        }
        bench.silent = [2]
        let mended = mend(bench)
        try bench.run(turns: 200)
        #expect(mended.count == 0)
        #expect(try store.view { try $0.record(key(12)) } == nil)
    }

    /// Brings all to the same entry, where they must be the same.
    private func expectRepaired(_ bench: RepairBench) throws {
        let stores = bench.ports.map(\.store)
        let last = try stores.map { try $0.appliedIndex() }.max() ?? 0
        for store in stores {
            let behind = last - (try store.appliedIndex())
            if behind > 0 { try Self.advance(store, by: behind) }
        }
        let digests = try stores.map { try $0.stateDigest() }
        #expect(digests[0].isTrustworthy && digests.allSatisfy { $0 == digests[0] })
        #expect(try stores[0].bucketDamage(0) == nil)
        #expect(
            bench.ports[0].events.all.count { event in
                if case .irreplaceable = event { true } else { false }
            } == 0
        )
    }
}
