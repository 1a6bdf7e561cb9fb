import Raft
import Store
import Synchronization
import TestSupport
import Testing

@testable import Replica

/// Remembers what is asked of the others.
private final class MendingPorts: EvaluationPorts {
    var told: [LogIndex] = []
    var mended: [Int] = []
    var hasOthers = true

    func tellCore(_ input: CoreInput) {
        if case .raft(.evaluated(let index)) = input { told.append(index) }
    }

    func tellStorage(_ job: StorageJob) {}
    var inspector: EntryInspector? { nil }

    func mend(_ bucket: Int) -> Bool {
        mended.append(bucket)
        return hasOthers
    }
}

/// A store of which something happens right after a batch was evaluated, the first time.
private final class RacingStorage: WrappedStorage {
    var afterwards: (() throws(StoreError) -> Void)?

    override func evaluate(
        _ batch: WriteBatch,
        at index: UInt64
    ) throws(StoreError) -> Evaluated? {
        let evaluated = try super.evaluate(batch, at: index)
        if let afterwards {
            self.afterwards = nil
            try afterwards()
        }
        return evaluated
    }
}

@Suite("Decisions that rest on what is there, or is not")
struct AbsenceTests {
    /// The record of key 12 is there under another name; everything else is sound.
    private func damaged() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try RepairTests.fill(try folder.open())
        flipBit(folder.path + "/node/holdfast.mdb", key(12).bytes + [1, 0, 0, 0, 0, 1], at: 30)
        return folder
    }

    /// A write of key 12 only if entry `wanted` wrote what is there, 0: if it is absent; and a wait
    /// for what becomes of it.
    private func write(
        over wanted: UInt64,
        _ outcomes: Collector<CommitOutcome>
    ) -> [EvaluationJob] {
        let body = batch(1, base: 12, put: [12], checks: [(key: 12, index: wanted)]).encoded()
        let entry = LogEntry(index: index(13), term: term(2), kind: .batch, body: body)
        let waiter = CommitWaiter(
            index: index(13),
            term: term(2),
            deadline: .now + .seconds(60)
        ) { outcomes.add($0) }
        return [.wait(waiter), .entries([entry])]
    }

    private func machine(
        _ store: any ReplicaStorage,
        _ ports: MendingPorts,
        _ now: Moment
    ) -> EvaluationMachine {
        EvaluationMachine(storage: store, ports: ports, evaluated: index(12), now: now)
    }

    @Test("a check for absence in a bucket that lost a record waits, and then sees the record")
    func waits() throws {
        let folder = try damaged()
        let store = try folder.open()
        #expect(try store.bucketDamage(key(12).bucket) != nil)
        let (ports, now) = (MendingPorts(), Moment.now)
        let machine = machine(store, ports, now)
        let outcomes = Collector<CommitOutcome>()
        try machine.turn(write(over: 0, outcomes), now: now)
        try machine.turn([], now: now + .milliseconds(100))
        #expect(ports.mended == [0] && ports.told.isEmpty && outcomes.count == 0)

        let lost = RepairTests.record(12)
        let others = try store.bucketIndex(0).keys.filter { ($0.1 ?? 0) == 12 }
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(
                others.map { RepairedRecord(key: $0.0, bytes: nil) }
                    + [RepairedRecord(key: key(12), bytes: lost.encoded())],
                bucket: 0
            )
        }
        try machine.turn([], now: now + .milliseconds(300))
        #expect(outcomes.all == [.rejected], "it is there, as on every other replica")
        #expect(ports.told == [index(13)] && ports.mended == [0])
        #expect(try store.bucketDamage(0) == nil)
    }

    @Test("with nobody to ask, such a check is the end, never a decision")
    func nobody() throws {
        let folder = try damaged()
        let (ports, now) = (MendingPorts(), Moment.now)
        ports.hasOthers = false
        let machine = machine(try folder.open(), ports, now)
        let failure = #expect(throws: WorkFailure.self) {
            try machine.turn(write(over: 0, Collector<CommitOutcome>()), now: now)
        }
        #expect(failure?.error.bucketToRepair == 0)
    }

    /// A page of key 12's record was not written: an older one is there, sound in itself.
    private func agedFolder() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try RepairTests.fill(try folder.open())
        overwrite(
            folder.path + "/node/holdfast.mdb",
            RepairTests.record(12).encoded(),
            with: RepairTests.record(7, RepairTests.value(11)).encoded()
        )
        return folder
    }

    @Test("a check of a record whose last write was lost waits, and then decides as everybody")
    func aged() throws {
        let store = try agedFolder().open()
        let (ports, now) = (MendingPorts(), Moment.now)
        let machine = machine(store, ports, now)
        let outcomes = Collector<CommitOutcome>()
        try machine.turn(write(over: 12, outcomes), now: now)
        #expect(ports.mended == [0] && ports.told.isEmpty && outcomes.count == 0)
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(
                [RepairedRecord(key: key(12), bytes: RepairTests.record(12).encoded())],
                bucket: 0
            )
        }
        try machine.turn([], now: now + .milliseconds(300))
        #expect(outcomes.all == [.applied] && ports.mended == [0])
    }

    /// Before, the bucket was found whole after the repair, and what was decided before it stood.
    @Test("a repair between a decision and the look at its bucket: it is decided once more")
    func repairedMeanwhile() throws {
        let store = try agedFolder().open()
        let storage = RacingStorage(store)
        storage.afterwards = { () throws(StoreError) in
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords(
                    [RepairedRecord(key: key(12), bytes: RepairTests.record(12).encoded())],
                    bucket: 0
                )
            }
        }
        let (ports, now) = (MendingPorts(), Moment.now)
        let machine = machine(storage, ports, now)
        let outcomes = Collector<CommitOutcome>()
        try machine.turn(write(over: 12, outcomes), now: now)
        #expect(outcomes.all == [.applied] && ports.mended.isEmpty)
        #expect(storage.afterwards == nil)
    }

    @Test("who has the only copy decides on the record that it has")
    func agedAlone() throws {
        let store = try agedFolder().open()
        let (ports, now) = (MendingPorts(), Moment.now)
        ports.hasOthers = false
        let machine = machine(store, ports, now)
        let outcomes = Collector<CommitOutcome>()
        try machine.turn(write(over: 12, outcomes), now: now)
        #expect(outcomes.all == [.rejected] && ports.mended.isEmpty)
    }

    @Test("the scrubber names the buckets that it saw whole, and not one with an old record")
    func scrubbedBuckets() throws {
        for isAged in [false, true] {
            let sound = TemporaryFolder()
            try RepairTests.fill(try sound.open())
            let store = try (isAged ? agedFolder() : sound).open()
            var (scrub, whole) = (StateScrub(), BucketSet())
            var isFinished = false
            while !isFinished {
                let slice = try store.scrubState(&scrub, bytesMax: 100)
                whole = whole.union(slice.whole)
                isFinished = slice.isFinished
            }
            #expect(whole.contains(0) == !isAged)
            #expect((1..<StateBucket.countOfBuckets).allSatisfy { whole.contains($0) })
        }
    }

    @Test("a bucket that was whole is not added up for each entry, unless it is doubted")
    func trust() throws {
        let (trust, now) = (BucketTrust(), Moment.now)
        #expect(!trust.isWhole(7, now))
        trust.saw(7, now)
        #expect(trust.isWhole(7, now + .seconds(119)) && !trust.isWhole(8, now))
        #expect(!trust.isWhole(7, now + .seconds(120)))
        trust.doubt(BucketSet([7, 255]), now)
        #expect(!trust.isWhole(7, now))
        trust.saw(7, now)
        #expect(!trust.isWhole(7, now), "that was before the damage was found")
        trust.saw(7, now + .milliseconds(1))
        #expect(trust.isWhole(7, now + .seconds(1)) && !trust.isWhole(255, now + .seconds(1)))
    }
}
