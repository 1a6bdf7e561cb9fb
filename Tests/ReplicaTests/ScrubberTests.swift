import Raft
import Store
import TestSupport
import Testing
import Wire

@testable import Replica

/// What looks over a whole store, over a real one.
@Suite("scrubber")
struct ScrubberTests {
    /// How much is in the log, and in the state.
    private struct Size {
        /// Entries of 2.5 kB each.
        let entries: UInt64
        /// Records in each bucket, of a length.
        let records: UInt64
        let bytes: Int

        /// Log and state take more than one slice each.
        static let slices = Size(entries: 150, records: 3, bytes: 700)
        /// One slice each, for a thread that rests after it.
        static let small = Size(entries: 4, records: 1, bytes: 10)

        /// The least that log and state take, all buckets together.
        var log: Int { Int(entries) * 2_500 }
        var state: Int { Int(records) * bytes * StateBucket.countOfBuckets }
    }

    /// A record of a bucket, which is the first byte of its key.
    private static func key(_ bucket: UInt64, _ number: UInt64) -> StorageKey {
        var writer = ByteWriter(capacity: 32)
        for word in [bucket << 56, 0, 0, number] { writer.writeUInt64(word) }
        guard let key = StorageKey(writer.bytes) else { preconditionFailure("32 bytes are a key") }
        return key
    }

    /// How an entry's body begins, and nothing else.
    private static func body(_ index: UInt64) -> [UInt8] {
        Array("body of entry \(index)! ".utf8)
    }

    /// How a record's value begins, and nothing else. No key of anybody has sealed it: to the store
    /// a box is a box.
    private static func value(_ bucket: UInt64, _ number: UInt64) -> [UInt8] {
        Array("value \(number) of bucket \(bucket)! ".utf8)
    }

    private static func filled(_ beginning: [UInt8], _ count: Int) -> [UInt8] {
        beginning + [UInt8](repeating: 0xF5, count: count)
    }

    /// Records in every bucket.
    private static func fill(_ store: LocalStore, _ size: Size) throws(StoreError) {
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(clusterRecord(voters(3)))
            try transaction.setHardState(term: 2, vote: nil, commit: 0)
            try transaction.appendEntries(
                (1...size.entries).map {
                    StoredEntry(index: $0, term: 2, kind: 1, body: filled(body($0), 2_500))
                }
            )
        }
        let layers = (1...size.records).map { index in
            OverlayLayer(
                index: index,
                writes: (0..<UInt64(StateBucket.countOfBuckets)).map { bucket in
                    let record = Record(
                        flags: 0,
                        dataKeyID: 1,
                        modificationIndex: index,
                        nameBox: [],
                        valueBox: filled(value(bucket, index), size.bytes)
                    )
                    return (key(bucket, index), record.encoded())
                },
                requestID: requestID(index)
            )
        }
        try store.write { (transaction) throws(StoreError) in
            try transaction.apply(
                layers: layers,
                appliedIndex: size.records,
                appliedTerm: 2
            )
        }
    }

    /// A filled store, damaged while it was closed.
    private func opened(
        _ folder: TemporaryFolder,
        _ size: Size = .slices,
        damage: (String) -> Void = { _ in }
    ) throws -> LocalStore {
        do { try Self.fill(try folder.open(), size) }
        damage(folder.path + "/node/holdfast.mdb")
        return try folder.open()
    }

    /// What a pass came to.
    private struct Pass {
        var slices = 0
        var findings: [ScrubFinding] = []
        var whole = BucketSet()
        /// The most that a slice of log or state looked at: of pages, those of a leaf go together.
        var most: UInt64 = 0
    }

    private func pass(_ machine: inout ScrubMachine, over store: LocalStore) throws -> Pass {
        var pass = Pass()
        while pass.slices < 1_000 {
            let (before, pages) = (machine.passBytes, machine.pages)
            let (findings, isWholePass) = try machine.step(store)
            pass.slices += 1
            pass.findings += findings
            pass.whole = pass.whole.union(machine.whole)
            if isWholePass { return pass }
            if machine.pages == pages { pass.most = max(pass.most, machine.passBytes - before) }
        }
        throw TookTooLong(description: "the end of a pass")
    }

    private func finding(
        _ damage: (String) -> Void,
        _ isIt: (ScrubFinding) -> Bool
    ) throws -> Pass {
        let folder = TemporaryFolder()
        let store = try opened(folder, damage: damage)
        var machine = ScrubMachine()
        let first = try pass(&machine, over: store)
        #expect(first.findings.count == 1 && first.findings.allSatisfy(isIt), "\(first.findings)")
        #expect(try pass(&machine, over: store).findings == first.findings, "until it is repaired")
        return first
    }

    // MARK: Pace

    @Test("after a slice it rests for what the limits on bytes and on time ask, the longer one")
    func pace() {
        let perSecond = Limits.scrubBytesPerSecond
        let least = ScrubMachine.pause(after: .zero)
        // That many slices, each with its rest, are what may be read in a second.
        let slices = perSecond / Limits.scrubSliceBytes
        #expect(least * slices == .seconds(1))
        let share = Limits.scrubShareOfTime
        let turn = least / share
        #expect(ScrubMachine.pause(after: turn / 2) == least, "work that hardly counts")
        for milliseconds in [1, 7, 250, 4_000] {
            let work = Duration.milliseconds(milliseconds)
            let pause = ScrubMachine.pause(after: work)
            #expect(pause >= least && pause >= work * share)
            #expect(pause == max(least, work * share), "and no longer")
        }
    }

    // MARK: Passes

    @Test("a pass looks at log, every bucket, the rest and all pages, in slices, and begins anew")
    func wholePass() throws {
        let folder = TemporaryFolder()
        let store = try opened(folder)
        var machine = ScrubMachine()
        let first = try pass(&machine, over: store)
        #expect(first.findings == [])
        #expect(first.whole.all == Array(0..<StateBucket.countOfBuckets))
        #expect(machine.passBytes == 0, "at the beginning of the next one")
        let pages = machine.pages
        let growth = try store.growth()
        // Besides the two headers, which a start looks at.
        #expect(pages == growth.usedPages - growth.freePages - 2)
        // A slice ends with the record or body that reaches its size.
        let most = Limits.scrubSliceBytes + 4_096
        #expect(first.most <= UInt64(most))
        let least = [Size.slices.log, Size.slices.state].map { ($0 - 1) / most + 1 }
        #expect(least.min() == 2, "or nothing is shown of slices")
        #expect(first.slices >= least.reduce(2, +), "log and state, the rest, the pages")

        let second = try pass(&machine, over: store)
        #expect(second.slices == first.slices && second.findings == [])
        #expect(second.whole == first.whole)
        #expect(machine.pages == 2 * pages)
    }

    @Test("a pass that is begun anew looks at everything again")
    func begunAnew() throws {
        let folder = TemporaryFolder()
        let store = try opened(folder)
        var machine = ScrubMachine()
        let slices = try pass(&machine, over: store).slices
        for _ in 0..<slices / 2 { _ = try machine.step(store) }
        #expect(machine.passBytes > 0)
        machine.begin()
        #expect(machine.passBytes == 0)
        let again = try pass(&machine, over: store)
        #expect(again.slices == slices)
        #expect(again.whole.all == Array(0..<StateBucket.countOfBuckets))
    }

    // MARK: Findings

    @Test("a damaged record is one finding, with its key, and no other bucket is doubted")
    func damagedRecord() throws {
        let key = Self.key(77, 2)
        let pass = try finding({ flipBit($0, Self.value(77, 2), at: 9) }) { finding in
            if case .record(key, _) = finding { true } else { false }
        }
        let others = (0..<StateBucket.countOfBuckets).filter { $0 != 77 }
        #expect(pass.whole.all == others)
    }

    @Test("a record that is not found under its key any more is one finding, with its bucket")
    func lostRecord() throws {
        // The last of its bucket, under a higher key: in order still, and sound by itself.
        let last = Self.key(200, Size.slices.records).bytes
        let pass = try finding({ flipBit($0, last, at: 30) }) { finding in
            if case .bucket(200, _) = finding { true } else { false }
        }
        #expect(!pass.whole.contains(200) && pass.whole.contains(199))
    }

    @Test("a damaged body of the log is one finding, with its entry")
    func damagedBody() throws {
        _ = try finding({ flipBit($0, Self.body(140), at: 9) }) { finding in
            if case .body(let lost) = finding { lost.index == 140 } else { false }
        }
    }

    // MARK: The thread

    /// It has a store, two mailboxes and a board: no key, no seal, nobody who could unseal. What it
    /// looks over here was sealed with no key that exists.
    @Test("the thread makes passes without keys, hands over each finding once, and counts")
    func thread() throws {
        let folder = TemporaryFolder()
        let store = try opened(folder, .small) { flipBit($0, Self.value(77, 1), at: 9) }
        let mailbox = Mailbox<Scrubber.Command>(bound: 4)
        let repair = Mailbox<RepairJob>(bound: 100)
        let board = StatusBoard(ReplicaStatus(), applied: .zero)
        let trust = BucketTrust()
        let ended = Collector<Bool>()
        WorkerThread.start(name: "scrub", isLowPriority: true) {
            Scrubber(store: store, mailbox: mailbox, repair: repair, board: board, trust: trust)
                .run()
            ended.add(true)
        }
        try eventuallyBlocking("a pass") { board.current.scrub.passes == 1 }
        let status = board.current.scrub
        #expect(status.pages > 0 && status.passBytes == 0 && status.lastPass != nil)
        #expect(repair.count == 1)
        let jobs = try #require(repair.take(most: 10, until: .now))
        guard case .found(.record(Self.key(77, 1), _)) = jobs.first else {
            Issue.record("not the damaged record: \(jobs)")
            return
        }
        #expect(!trust.isWhole(77, .now) && trust.isWhole(76, .now) && trust.isWhole(78, .now))

        // The next one is due in a minute, and at once if somebody asks.
        #expect(mailbox.offer(.passNow))
        try eventuallyBlocking("another pass") { board.current.scrub.passes == 2 }
        #expect(repair.count == 1, "it is not repaired yet")
        mailbox.close()
        try eventuallyBlocking("its end") { ended.count == 1 }
    }
}
