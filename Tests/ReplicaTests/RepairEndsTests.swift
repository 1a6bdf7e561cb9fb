import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// How a bucket's repair ends, or goes on, where answers do not help.
@Suite("Repair that needs an end")
struct RepairEndsTests {
    /// Flips a bit in one record of each member it is done to, the first of `numbers` first.
    private static func damage(_ numbers: [UInt64]) -> (String) -> Void {
        var rest = numbers[...]
        return { path in
            guard let number = rest.popFirst() else { return }
            flipBit(path, RepairTests.value(number), at: 4)
        }
    }

    /// Puts an older record in the place of one, sound in itself, the first of `numbers` first: a
    /// write to its page was lost.
    private static func age(_ numbers: [UInt64]) -> (String) -> Void {
        var rest = numbers[...]
        return { path in
            guard let number = rest.popFirst() else { return }
            overwrite(
                path,
                RepairTests.record(number).encoded(),
                with: RepairTests.record(number - 1, RepairTests.value(number)).encoded()
            )
        }
    }

    private func stored(_ number: UInt64, _ store: LocalStore) -> [UInt8]? {
        try? store.view { view throws(StoreError) in try view.record(key(number))?.valueBox }
    }

    private func mend(_ bench: RepairBench, at position: Int = 0) -> Collector<Bool> {
        let mended = Collector<Bool>()
        bench.give(.mend(0, deadline: bench.deadline) { mended.add($0) }, to: position)
        return mended
    }

    private func ends(_ bench: RepairBench) -> [StoreError] {
        bench.ports[0].events.all.compactMap { event in
            if case .irreplaceable(let error) = event { error } else { nil }
        }
    }

    /// What the twelve records take, keys included.
    private static let bytes = (UInt64(1)...12).reduce(0) { bytes, number in
        bytes + 32 + RepairTests.record(number).encoded().count
    }

    /// Before, it was asked for without end.
    @Test("a bucket too big for memory is not asked for again and again: the node is rebuilt")
    func tooBig() throws {
        let bench = try RepairBench(
            3,
            bucketBytesMax: Self.bytes - 1,
            fill: RepairTests.fill,
            damage: Self.damage([7])
        )
        bench.silent = [2]
        _ = mend(bench)
        try bench.run(turns: 2_000) { !ends(bench).isEmpty }
        let reason = "it has more than the \(Self.bytes - 1) bytes that a repair may hold"
        #expect(ends(bench) == [.damagedBucket(number: 0, reason: reason)])
        #expect(bench.heard.count { $0 == node(3) } == Limits.repairOversizedMax)
    }

    /// A second node joins one whose bucket is short: it has nothing, and says so in whole answers.
    @Test("a member that has nothing yet does not bring the only copy to be put aside")
    func emptyLender() throws {
        var count = 0
        let fill = { (store: LocalStore) throws in
            count += 1
            if count == 1 { try RepairTests.fill(store) }
        }
        let bench = try RepairBench(2, fill: fill, damage: Self.damage([7]))
        _ = mend(bench)
        try bench.run(turns: 3_000)
        #expect(ends(bench).isEmpty)
        #expect(bench.heard.count { $0 == node(2) } > Limits.repairAttemptsMax)
    }

    @Test("one that just fits is repaired, from a member that has not more")
    func fits() throws {
        var count = 0
        let bench = try RepairBench(3, bucketBytesMax: Self.bytes) { store in
            count += 1
            try RepairTests.fill(store)
            guard count == 2 else { return }
            let layer = OverlayLayer(
                index: 13,
                writes: [(key(13), RepairTests.record(13).encoded())],
                requestID: nil
            )
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [layer], appliedIndex: 13, appliedTerm: 2)
                // What the entry replaced is not known any more, as after a restart.
                try transaction.repairRecords([], bucket: 1, expected: nil)
            }
        } damage: {
            flipBit($0, RepairTests.value(7), at: 4)
        }
        let mended = mend(bench)
        try bench.run { mended.count > 0 }
        #expect(mended.all == [true] && ends(bench).isEmpty)
        #expect(stored(7, bench.ports[0].store) == RepairTests.value(7))
        #expect(bench.heard.contains(node(2)), "the first that was asked has too much")
    }

    /// Both would put their databases aside, and the third alone is no majority.
    @Test("nobody is rebuilt for a big bucket of which another member lost something, too")
    func tooBigTwice() throws {
        let bench = try RepairBench(
            3,
            damaged: 2,
            bucketBytesMax: Self.bytes - 100,
            fill: RepairTests.fill,
            damage: Self.damage([7, 11])
        )
        _ = mend(bench)
        try bench.run(turns: 3_000)
        #expect(ends(bench).isEmpty)
        #expect(Set(bench.heard) == [node(2), node(3)])
    }

    /// Before, neither took anything from the other.
    @Test("two members that lost different records of one bucket repair each other")
    func crosswise() throws {
        let bench = try RepairBench(
            2,
            damaged: 2,
            fill: RepairTests.fill,
            damage: Self.damage([7, 11])
        )
        let stores = bench.ports.map(\.store)
        let first = mend(bench)
        try bench.run { first.count > 0 }
        #expect(first.all == [true])
        #expect(stored(7, stores[0]) == RepairTests.value(7))
        let second = mend(bench, at: 1)
        try bench.run { second.count > 0 }
        #expect(second.all == [true])
        #expect(stored(11, stores[1]) == RepairTests.value(11))
        #expect(try stores[0].stateDigest() == stores[1].stateDigest())
        #expect(try stores.allSatisfy { try $0.bucketDamage(0) == nil })
    }

    /// Before, each called the other whole, because none of its records is damaged, and was rebuilt.
    @Test("members that lost writes to different records of one bucket repair each other")
    func crosswiseAged() throws {
        let bench = try RepairBench(
            3,
            damaged: 2,
            fill: RepairTests.fill,
            damage: Self.age([11, 12])
        )
        bench.silent = [3]
        let stores = bench.ports.map(\.store)
        #expect(try stores.prefix(2).allSatisfy { try $0.bucketDamage(0) != nil })
        let first = mend(bench)
        try bench.run(turns: 500) { first.count > 0 }
        let second = mend(bench, at: 1)
        try bench.run(turns: 500) { second.count > 0 }
        #expect(first.all == [true] && second.all == [true])
        #expect(try stores[0].stateDigest() == stores[2].stateDigest())
        #expect(try stores.allSatisfy { try $0.bucketDamage(0) == nil })
    }

    /// Both would put their databases aside, and the third alone is no majority.
    @Test("who lost the same write is no reason to be rebuilt")
    func sameAge() throws {
        let bench = try RepairBench(
            3,
            damaged: 2,
            fill: RepairTests.fill,
            damage: Self.age([11, 11])
        )
        bench.silent = [3]
        _ = mend(bench)
        try bench.run(turns: 6_000)
        #expect(bench.heard.count >= Limits.repairAttemptsMax && ends(bench).isEmpty)
    }

    /// What it lacks is what this node lost, and so known to be no part of what it has.
    @Test("a member that stands before the entry that wrote what was lost is no reason either")
    func lenderBefore() throws {
        let bench = try RepairBench(2, fill: RepairTests.fill) { _ in }
        let store = bench.ports[0].store
        let layer = OverlayLayer(
            index: 13,
            writes: [(key(7), RepairTests.record(13).encoded())],
            requestID: nil
        )
        try store.write { (transaction) throws(StoreError) in
            try transaction.apply(layers: [layer], appliedIndex: 13, appliedTerm: 2)
        }
        flipBit(bench.folders[0].path + "/node/holdfast.mdb", RepairTests.value(13), at: 4)
        _ = mend(bench)
        try bench.run(turns: 3_000)
        #expect(ends(bench).isEmpty)
        #expect(bench.heard.count > Limits.repairAttemptsMax)
    }

    /// Before, the first one kept all that came after it waiting.
    @Test("a bucket that nobody can help does not keep others from repair")
    func givesWay() throws {
        let other = StorageKey(words: (9 << 56, 0, 0, 1))
        let layer = OverlayLayer(
            index: 13,
            writes: [(other, RepairTests.record(13).encoded())],
            requestID: nil
        )
        var isFirst = true
        let bench = try RepairBench(3, damaged: 2) { store in
            try RepairTests.fill(store)
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [layer], appliedIndex: 13, appliedTerm: 2)
            }
        } damage: { path in
            flipBit(path, RepairTests.value(7), at: 4)
            if isFirst { flipBit(path, RepairTests.value(13), at: 4) }
            isFirst = false
        }
        bench.silent = [3]
        let (stuck, mended) = (mend(bench), Collector<Bool>())
        try bench.run(turns: 50)
        bench.give(.mend(9, deadline: bench.deadline) { mended.add($0) })
        try bench.run(turns: 500) { mended.count > 0 }
        #expect(mended.all == [true] && stuck.count == 0)
        #expect(try bench.ports[0].store.bucketDamage(9) == nil)
        bench.silent = []
        try bench.run(turns: 1_000) { stuck.count > 0 }
        #expect(stuck.all == [true])
    }

    /// Before, they asked five times a second for as long as the third was away.
    @Test("who lost the same record is asked ever more seldom, and is no reason to be rebuilt")
    func sameLoss() throws {
        let bench = try RepairBench(
            3,
            damaged: 2,
            fill: RepairTests.fill,
            damage: Self.damage([7, 7])
        )
        bench.silent = [3]
        _ = mend(bench)
        // Half the questions go to the third, who is waited for: two minutes for forty answers.
        try bench.run(turns: 6_000)
        #expect(bench.heard.count >= Limits.repairAttemptsMax)
        let before = bench.heard.count
        try bench.run(turns: 1_500)
        #expect(bench.heard.count - before <= 3, "every ten seconds, of thirty")
        #expect(ends(bench).isEmpty)
        bench.silent = []
        let mended = mend(bench)
        try bench.run(turns: 1_500) { mended.count > 0 }
        #expect(mended.all == [true])
        #expect(stored(7, bench.ports[0].store) == RepairTests.value(7))
    }

    /// A lender that says so goes on, stands still, or brings nothing.
    @Test("parts that do not go on where the last one ended are counted", arguments: 0..<3)
    func disjoint(_ kind: Int) throws {
        let bench = try RepairBench(3, fill: RepairTests.fill, damage: Self.damage([7]))
        bench.silent = [2, 3]
        _ = mend(bench)
        let sound = bench.ports[1].store
        let first = try sound.lendBucket(0, from: nil, bytesMax: 1)
        let start = try #require(first.next)
        let second =
            switch kind {
            case 0:
                LentBucket(
                    at: first.appliedIndex + 1,
                    first.bucket,
                    records: try sound.lendBucket(0, from: start, bytesMax: 1).records,
                    next: nil,
                    isComplete: true
                )
            case 1: first
            default:
                LentBucket(
                    at: first.appliedIndex,
                    first.bucket,
                    records: [],
                    next: key(11),
                    isComplete: true
                )
            }
        func answer(_ number: UInt64) throws {
            for lent in [first, second] {
                bench.give(.frame(.bucket(number: number, lent), from: node(2)))
            }
            try bench.run(turns: 1)
        }
        try bench.run(turns: 1)
        for number in 1...UInt64(Limits.repairAttemptsMax) {
            try answer(number)
            // The next attempt follows after the short pause.
            try bench.run(turns: Limits.repairPauseMilliseconds / 20)
        }
        let count = bench.asked
        #expect(count == 2 * Limits.repairAttemptsMax)
        try bench.run(turns: 100)
        #expect(bench.asked == count, "no more at that pace")
        #expect(ends(bench).isEmpty)
    }
}
