import Raft
import Store
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Replica

/// Flips a bit of each copy of these bytes in a file.
func flipBit(_ path: String, _ needle: [UInt8], at offset: Int) {
    succeed { try FileBytes.flip(0x10, at: offset, from: needle, in: path) }
}

/// Writes other bytes over each copy of these in a file.
func overwrite(_ path: String, _ needle: [UInt8], with bytes: [UInt8]) {
    succeed { try FileBytes.overwrite(needle, with: bytes, in: path) }
}

private func succeed(_ body: () throws -> Void) {
    do {
        try body()
    } catch {
        preconditionFailure("nothing was damaged: \(error)")
    }
}

@Suite("Repair from other members")
struct RepairTests {
    static func body(_ index: UInt64) -> [UInt8] {
        Array("body of entry \(index) ".utf8) + [UInt8](repeating: UInt8(index), count: 2_500)
    }

    static func value(_ number: UInt64) -> [UInt8] { Array("the value number \(number)!".utf8) }

    /// A record as entry `index` wrote it; without a value of its own, that of this number.
    static func record(_ index: UInt64, _ value: [UInt8]? = nil) -> Record {
        Record(
            flags: 0,
            dataKeyID: 1,
            modificationIndex: index,
            nameBox: [],
            valueBox: value ?? Self.value(index)
        )
    }

    /// 20 entries, of which 12 are applied, a record each.
    static func fill(_ store: LocalStore) throws {
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(clusterRecord(voters(3)))
            try transaction.setHardState(term: 2, vote: nil, commit: 0)
            try transaction.appendEntries(
                (1...20).map { StoredEntry(index: $0, term: 2, kind: 1, body: body($0)) }
            )
        }
        let layers = (UInt64(1)...12).map { index in
            OverlayLayer(
                index: index,
                writes: [(key(index), record(index).encoded())],
                requestID: nil
            )
        }
        try store.write { (transaction) throws(StoreError) in
            try transaction.apply(layers: layers, appliedIndex: 12, appliedTerm: 2)
        }
    }

    private func stored(_ number: UInt64, _ store: LocalStore) throws -> [UInt8]? {
        try store.view { try $0.record(key(number))?.valueBox }
    }

    @Test("a damaged record comes back from a member, and whoever waits for it hears so")
    func record() throws {
        let bench = try RepairBench(3, fill: Self.fill) { flipBit($0, Self.value(7), at: 4) }
        let store = bench.ports[0].store
        #expect(throws: StoreError.self) { try stored(7, store) }
        let mended = Collector<Bool>()
        bench.give(.mend(key(7).bucket, deadline: bench.deadline) { mended.add($0) })
        try bench.run { mended.count > 0 }
        #expect(mended.all == [true])
        try bench.run(turns: 2)
        #expect(bench.ports[0].doubts.all == [[0], []])
        #expect(try stored(7, store) == Self.value(7))
        let other = try bench.ports[1].store.stateDigest()
        #expect(try store.stateDigest() == other)
    }

    /// Found by the simulator: evaluation waited for the record, a walk found it no reason to begin
    /// anew, and so the node ended and started again for ever.
    @Test("a damaged record that the others have written over is nowhere to be had")
    func overwrittenElsewhere() throws {
        var count = 0
        let bench = try RepairBench(3) { store in
            count += 1
            try Self.fill(store)
            guard count > 1 else { return }
            let layer = OverlayLayer(
                index: 13,
                writes: [(key(7), Self.record(13).encoded())],
                requestID: nil
            )
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [layer], appliedIndex: 13, appliedTerm: 2)
            }
        } damage: {
            flipBit($0, Self.value(7), at: 4)
        }
        bench.give(.mend(key(7).bucket, deadline: bench.deadline) { _ in })
        func isIrreplaceable() -> Bool {
            bench.ports[0].events.all.contains { event in
                if case .irreplaceable(.damagedRecord) = event { true } else { false }
            }
        }
        try bench.run(turns: 100)
        #expect(!isIrreplaceable(), "a member may be behind, too, and have it still")
        try bench.run(turns: 1_000) { isIrreplaceable() }
        #expect(isIrreplaceable())
    }

    @Test("with nobody to ask, whoever waits hears that it was not repaired, and in time")
    func nobody() throws {
        let bench = try RepairBench(3, fill: Self.fill) { flipBit($0, Self.value(7), at: 4) }
        bench.silent = [2, 3]
        let mended = Collector<Bool>()
        let deadline = bench.deadline - .seconds(58)
        bench.give(.mend(key(7).bucket, deadline: deadline) { mended.add($0) })
        try bench.run(turns: 120) { mended.count > 0 }
        #expect(mended.all == [false])
        #expect(throws: StoreError.self) { try stored(7, bench.ports[0].store) }
    }

    @Test("no more requests wait for a repair than there may be")
    func crowd() throws {
        let bench = try RepairBench(2, fill: Self.fill) { flipBit($0, Self.value(7), at: 4) }
        bench.silent = [2]
        let mended = Collector<Bool>()
        for _ in 0..<Limits.mendersMax + 3 {
            bench.give(.mend(key(7).bucket, deadline: bench.deadline) { mended.add($0) })
        }
        try bench.run(turns: 3)
        #expect(mended.all == [false, false, false])
        bench.silent = []
        try bench.run(turns: 400) { mended.count > 3 }
        #expect(mended.all.dropFirst(3).allSatisfy { $0 })
        #expect(mended.count == Limits.mendersMax + 3)
    }

    @Test("a bucket that adds up needs nobody, whatever a member says about it")
    func whole() throws {
        let bench = try RepairBench(2, fill: Self.fill) { _ in }
        bench.silent = [2]
        let mended = Collector<Bool>()
        bench.give(.mend(key(7).bucket, deadline: bench.deadline) { mended.add($0) })
        try bench.run(turns: 3)
        #expect(mended.all == [true])
        #expect(bench.ports[0].events.all == [], "nothing was found, nothing repaired")
        #expect(bench.ports[0].doubts.all == [])
    }

    @Test("a member whose records are other ones cannot repair; the next one can")
    func wrongLender() throws {
        var count = 0
        let bench = try RepairBench(3) { store in
            count += 1
            try Self.fill(store)
            guard count == 2 else { return }
            // The second member has lost the record as well, without knowing.
            let layer = OverlayLayer(index: 13, writes: [(key(7), nil)], requestID: nil)
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [layer], appliedIndex: 13, appliedTerm: 2)
            }
        } damage: {
            flipBit($0, Self.value(7), at: 4)
        }
        let mended = Collector<Bool>()
        bench.give(.mend(key(7).bucket, deadline: bench.deadline) { mended.add($0) })
        try bench.run { mended.count > 0 }
        #expect(mended.all == [true])
        #expect(try stored(7, bench.ports[0].store) == Self.value(7))
    }

    @Test("who has lost the same record confirms nothing, and repairs itself")
    func presenceInDoubt() throws {
        let bench = try RepairBench(3, damaged: 2, fill: Self.fill) { path in
            flipBit(path, key(12).bytes + [1, 0, 0, 0, 0, 1], at: 30)
        }
        let stores = bench.ports.map(\.store)
        #expect(try stored(12, stores[0]) == nil && stored(12, stores[1]) == nil)
        let verdicts = Collector<PresenceVerdict>()
        let question = PresenceQuestion(
            keys: [key(12)],
            index: index(12),
            deadline: bench.deadline
        ) { verdicts.add($0) }
        bench.give(.confirm(question))
        try bench.run { verdicts.count == 1 }
        #expect(verdicts.all == [.contradicted])
        try bench.run { stores.allSatisfy { (try? stored(12, $0)) == Self.value(12) } }
        #expect(try stored(12, stores[0]) == Self.value(12))
        #expect(try stored(12, stores[1]) == Self.value(12))
    }

    @Test("a claim of absence is confirmed, or contradicted and the lost record comes back")
    func presence() throws {
        let bench = try RepairBench(3, fill: Self.fill) { path in
            // The last key's last byte but one: the record is there under another name.
            flipBit(path, key(12).bytes + [1, 0, 0, 0, 0, 1], at: 30)
        }
        let store = bench.ports[0].store
        #expect(try stored(12, store) == nil, "this is what a false miss looks like")
        let doubts = try store.view { view throws(StoreError) in
            _ = try view.record(key(12))
            _ = try view.record(key(500))
            return view.doubts()
        }
        #expect(doubts.missed == [key(12), key(500)])

        let verdicts = Collector<PresenceVerdict>()
        for number in [UInt64(500), 12, 501] {
            bench.give(
                .confirm(
                    PresenceQuestion(
                        keys: [key(number)],
                        index: index(12),
                        deadline: bench.deadline
                    ) { verdicts.add($0) }
                )
            )
        }
        try bench.run { verdicts.count == 3 }
        #expect(verdicts.all == [.confirmed, .contradicted, .confirmed])
        try bench.run { (try? stored(12, store)) == Self.value(12) }
        #expect(try stored(12, store) == Self.value(12))
        var scrub = StateScrub()
        #expect(try store.scrubState(&scrub, bytesMax: 1 << 20).findings == [])
    }

    /// Found by an acceptance test: the leader that had written in the lost record's place answered
    /// reads with it until it was rebuilt.
    @Test("a bucket is not read from once a batch may have written in a lost record's place")
    func forked() throws {
        let bench = try RepairBench(3, fill: Self.fill) { path in
            flipBit(path, key(12).bytes + [1, 0, 0, 0, 0, 1], at: 30)
        }
        let port = bench.ports[0]
        let bucket = key(12).bucket
        let heard = Collector<Bool>()
        bench.give(
            .confirm(
                PresenceQuestion(
                    keys: [key(12)],
                    index: index(12),
                    isProposed: true,
                    deadline: bench.deadline
                ) { _ in heard.add(port.trust.isForked(bucket)) }
            )
        )
        try bench.run { heard.count == 1 }
        #expect(heard.all == [true], "before whoever asked can read again")
        // Another entry was decided before the repair, and is not on the disk yet.
        port.store.markEvaluated(through: 13)
        let mended = Collector<Bool>()
        bench.give(.mend(bucket, deadline: bench.deadline) { mended.add($0) })
        try bench.run { (try? stored(12, port.store)) == Self.value(12) }
        try bench.run(turns: 50)
        #expect(port.trust.isForked(bucket) && mended.count == 0)
        try port.store.write { (transaction) throws(StoreError) in
            try transaction.apply(layers: [], appliedIndex: 13, appliedTerm: 2)
        }
        try bench.run { mended.count == 1 }
        #expect(!port.trust.isForked(bucket) && mended.all == [true])
    }

    /// Before, it was called contradicted like a record that was lost.
    @Test("a record of an entry after the view contradicts nothing")
    func youngerPresence() throws {
        let bench = try RepairBench(3, fill: Self.fill) { _ in }
        for port in bench.ports {
            port.store.markEvaluated(through: 13)
            port.store.appendLayer(
                OverlayLayer(
                    index: 14,
                    writes: [(key(300), Self.record(14).encoded())],
                    requestID: nil
                )
            )
        }
        let verdicts = Collector<PresenceVerdict>()
        for (keys, at) in [([key(500), key(300)], UInt64(13)), ([key(300), key(7)], 13)] {
            bench.give(
                .confirm(
                    PresenceQuestion(
                        keys: keys,
                        index: index(at),
                        deadline: bench.deadline
                    ) { verdicts.add($0) }
                )
            )
        }
        try bench.run { verdicts.count == 2 }
        #expect(verdicts.all == [.younger, .contradicted])
    }

    @Test("a member that is behind is waited for, one that is silent is passed over")
    func presencePatience() throws {
        let bench = try RepairBench(3, fill: Self.fill) { _ in }
        bench.silent = [2]
        let verdicts = Collector<PresenceVerdict>()
        func ask(_ at: UInt64) {
            bench.give(
                .confirm(
                    PresenceQuestion(
                        keys: [key(500)],
                        index: index(at),
                        deadline: bench.deadline
                    ) { verdicts.add($0) }
                )
            )
        }
        ask(12)
        try bench.run { verdicts.count == 1 }
        #expect(verdicts.all == [.confirmed])
        ask(13)
        try bench.run(turns: 17)
        #expect(verdicts.count == 1, "nobody has evaluated 13 yet")
        bench.ports[2].store.markEvaluated(through: 13)
        try bench.run(turns: 40) { verdicts.count == 2 }
        #expect(verdicts.all == [.confirmed, .confirmed])
        bench.silent = [2, 3]
        ask(12)
        try bench.run(turns: 100)
        #expect(verdicts.count == 2, "asked for as long as the client waits")
        try bench.run(turns: 3_000) { verdicts.count == 3 }
        #expect(verdicts.all.last == .nobody)
    }

    @Test("bodies that the log lost come from whoever has them, and fit their entries")
    func bodies() throws {
        let bench = try RepairBench(3, fill: Self.fill) { path in
            for number in [UInt64(15), 18] {
                flipBit(path, Array("body of entry \(number) ".utf8), at: 3)
            }
        }
        let state = try bench.ports[0].store.loadForStart()
        #expect(state.damagedBodies.map(\.index) == [15, 18])
        bench.silent = [2]
        let found = Mutex<(bodies: [UInt64: [UInt8]], cut: UInt64?)?>(nil)
        bench.give(
            .fetchBodies(state.damagedBodies) { bodies, cut in
                found.withLock { $0 = (bodies, cut) }
            }
        )
        try bench.run { found.withLock { $0 != nil } }
        let result = try #require(found.withLock { $0 })
        #expect(result.bodies == [15: Self.body(15), 18: Self.body(18)] && result.cut == nil)
    }

    @Test("an entry is given up only where another one is committed in its place")
    func superseded() throws {
        var count = 0
        let bench = try RepairBench(2) { store in
            count += 1
            try Self.fill(store)
            guard count == 2 else { return }
            try store.write { (transaction) throws(StoreError) in
                try transaction.truncateLog(from: 18)
                try transaction.setHardState(term: 3, vote: nil, commit: 17)
                try transaction.appendEntries([
                    StoredEntry(index: 18, term: 3, kind: 0, body: [])
                ])
            }
        } damage: {
            flipBit($0, Array("body of entry 18 ".utf8), at: 3)
        }
        let lost = try bench.ports[0].store.loadForStart().damagedBodies
        let cuts = Collector<UInt64?>()
        bench.give(.fetchBodies(lost) { _, cut in cuts.add(cut) })
        try bench.run(turns: 60)
        #expect(cuts.count == 0, "what is there instead may never be committed")
        try bench.ports[1].store.write { (transaction) throws(StoreError) in
            try transaction.setHardState(term: 3, vote: nil, commit: 18)
        }
        try bench.run { cuts.count > 0 }
        #expect(cuts.all == [18])
    }

    /// Found by the simulator: the node waited for ever, and so got no snapshot either.
    @Test("an entry that the others have only in their states is waited for in vain")
    func compactedElsewhere() throws {
        var count = 0
        let bench = try RepairBench(3) { store in
            count += 1
            try Self.fill(store)
            guard count > 1 else { return }
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [], appliedIndex: 20, appliedTerm: 2)
            }
            _ = try store.write { (transaction) throws(StoreError) in
                try transaction.dropLog(through: 19, entriesMax: 256)
            }
        } damage: {
            flipBit($0, Array("body of entry 18 ".utf8), at: 3)
        }
        let lost = try bench.ports[0].store.loadForStart().damagedBodies
        #expect(lost.map(\.index) == [18])
        let ends = Collector<UInt64?>()
        bench.give(.fetchBodies(lost) { _, cut in ends.add(cut) })
        // Everybody is asked several times first: one who is away may have it.
        bench.silent = [2, 3]
        try bench.run(turns: 1_000)
        #expect(bench.ports[0].events.count == 0)
        bench.silent = []
        try bench.run(turns: 1_000) { bench.ports[0].events.count > 0 }
        #expect(
            bench.ports[0].events.all == [
                .irreplaceable(
                    .damagedLogBody(
                        index: 18,
                        reason: "the other members have applied it and dropped it from their logs"
                    )
                )
            ]
        )
        #expect(ends.count == 0, "nobody goes on with such a log")
    }

    @Test("an applied entry needs its body no more: the log begins behind it")
    func appliedBody() throws {
        let bench = try RepairBench(1, fill: Self.fill) { path in
            flipBit(path, Array("body of entry 9 ".utf8), at: 3)
        }
        let state = try bench.ports[0].store.loadForStart()
        #expect(state.damagedBodies.isEmpty)
        #expect(state.point.base.index == 9 && state.entries.map(\.index) == Array(10...20))
    }

    @Test("a body lost while the node runs comes from memory")
    func fromMemory() throws {
        let bench = try RepairBench(1, fill: Self.fill) { path in
            flipBit(path, Array("body of entry 16 ".utf8), at: 3)
        }
        let port = bench.ports[0]
        port.memory.withLock { $0[16] = Self.body(16) }
        var scrub = LogScrub()
        for finding in try port.store.scrubLog(&scrub, bytesMax: 1 << 20).findings {
            bench.give(.found(finding))
        }
        try bench.run(turns: 3)
        #expect(try port.store.load().damagedBodies.isEmpty)
        #expect(port.events.all.contains(.repaired("body of log entry 16")))
    }

    @Test("hostile frames are refused, and cut ones", arguments: 0..<8)
    func hostile(kind: UInt8) throws {
        let lent = try RepairBench(1, fill: Self.fill) { _ in }.ports[0].store
            .lendBucket(0, from: nil, bytesMax: 1 << 20)
        let frames: [RepairFrame] = [
            .bodyRequest(index: index(1), term: term(2), digest: testDigest([1])),
            .body(index: index(1), term: term(2), bytes: [1, 2, 3]),
            .noBody(index: index(1), term: term(2), committedTerm: term(3), isCompacted: false),
            .noBody(index: index(1), term: term(2), committedTerm: nil, isCompacted: true),
            .bucketRequest(number: 1, bucket: 9, asOf: index(8), from: key(1)),
            .bucket(number: 1, lent),
            .presenceRequest(number: 1, index: index(4), keys: [key(1), key(2)]),
            .presence(number: 1, indexes: [0, 7]),
        ]
        let bytes = frames[Int(kind) % frames.count].encoded()
        #expect(try RepairFrame(decoding: bytes) == frames[Int(kind) % frames.count])
        for count in 0..<min(bytes.count, 400) {
            #expect(throws: WireError.self) { try RepairFrame(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: WireError.self) { try RepairFrame(decoding: bytes + [0]) }
    }
}

@Suite("Three replicas, one of them damaged")
struct RepairClusterTests {
    @Test("a flipped bit is found by the scrubber and repaired from the others")
    func scrubbed() async throws {
        let cluster = try TestCluster(seed: 11)
        defer { cluster.stop() }
        for number in UInt64(1)...30 {
            try await cluster.write(number, key: number, value: RepairTests.value(number))
        }
        try await cluster.converge()
        try await Task.sleep(for: .milliseconds(400))
        try await cluster.restart(2) { folder in
            flipBit(folder.path + "/node/holdfast.mdb", RepairTests.value(17), at: 5)
        }
        let member = cluster.members[2]
        try await eventually("the damage is repaired") {
            member.replica.scrubNow()
            return member.replica.status.scrub.repaired > 0
        }
        #expect(try member.value(17) == RepairTests.value(17))
        #expect(member.replica.status.scrub.found > 0)
        try await cluster.write(31, key: 17, value: [9])
        try await cluster.converge()
        #expect(try member.value(17) == [9])
    }
}
