import Raft
import Replica
import Store
import Testing

@testable import Simulator

/// The parts of the simulated world, each against what it stands for.
@Suite("simulated parts")
struct PartsTests {
    @Test("events come in order of time, and of planning at one moment")
    func queue() {
        var dice = Dice(seed: 4)
        var queue = EventQueue()
        var wanted: [(time: UInt64, number: Int)] = []
        for number in 0..<2_000 {
            let time = UInt64(dice.below(300))
            wanted.append((time, number))
            queue.add(.core(process: number), at: time)
        }
        // The numbers grow, so a stable sort is this one.
        wanted.sort { ($0.time, $0.number) < ($1.time, $1.number) }
        for (time, number) in wanted {
            guard let (event, at) = queue.next(), case .core(let have) = event else {
                return #expect(Bool(false), "the queue ends early")
            }
            #expect(at == time && have == number)
        }
        #expect(queue.next() == nil)
    }

    @Test("a clock shows a moment no earlier than it says it will")
    func clock() {
        var dice = Dice(seed: 9)
        for _ in 0..<500 {
            var clock = NodeClock(startingAt: UInt64(dice.below(1 << 40)))
            clock.setRate(UInt64(dice.draw(900_000...1_200_000)), at: 5_000)
            let now = UInt64(dice.below(1 << 34)) + 5_000
            let local = clock.local(at: now) + UInt64(dice.below(1 << 30))
            let time = clock.time(of: local, notBefore: now)
            #expect(clock.local(at: time) >= local)
            #expect(time == now || clock.local(at: time - 2) < local)
        }
    }

    @Test("dice stay in their bounds and reach them")
    func dice() {
        var dice = Dice(seed: 1)
        var seen = [Bool](repeating: false, count: 7)
        for _ in 0..<500 { seen[dice.draw(0...6 as ClosedRange<Int>)] = true }
        #expect(seen.allSatisfy { $0 })
        #expect((0..<500).allSatisfy { _ in dice.skewed(100) <= 100 })
        #expect(!(0..<100).contains { _ in dice.chance(0) })
        #expect((0..<100).allSatisfy { _ in dice.chance(1_024) })
    }

    private func turn(_ number: UInt64) -> StorageTurn {
        var turn = StorageTurn()
        turn.append(
            Persist(
                token: PersistToken(number: number),
                hardState: HardState(term: Term(number: 1), vote: nil, commit: .zero),
                truncateFrom: nil,
                entries: [
                    LogEntry(
                        index: LogIndex(number: number),
                        term: Term(number: 1),
                        kind: .noop,
                        body: []
                    )
                ],
                votesChanged: false
            )
        )
        return turn
    }

    @Test("a crash keeps a beginning of what was under way, never a hole")
    func crash() throws {
        var ends: Set<UInt64> = []
        for seed in 0..<100 as Range<UInt64> {
            var dice = Dice(seed: seed)
            let disk = Disk(requestsRetained: 10)
            for number in 1...4 as ClosedRange<UInt64> { try disk.begin(.turn(turn(number))) }
            try disk.crash(&dice)
            #expect(
                disk.durable.log.map(\.entry.index) == Array(1..<disk.durable.point.last.index + 1)
            )
            ends.insert(disk.durable.point.last.index)
        }
        #expect(ends == [0, 1, 2, 3, 4])
    }

    @Test("a vote that is saved half is the old one or the new one")
    func tornVote() throws {
        var found: Set<UInt64> = []
        for seed in 0..<200 as Range<UInt64> {
            var dice = Dice(seed: seed)
            let disk = Disk(requestsRetained: 10)
            try disk.begin(.vote(Ballot(term: 3, vote: 1)))
            try disk.finish()
            try disk.begin(.vote(Ballot(term: 4, vote: 2)))
            try disk.crash(&dice)
            let vote = try disk.openVote()
            #expect(vote == Ballot(term: 3, vote: 1) || vote == Ballot(term: 4, vote: 2))
            found.insert(vote.term)
            #expect(try disk.openVote() == vote, "all copies are made equal")
        }
        #expect(found == [3, 4])
    }

    /// A node in term 1 with one entry, about to write the second, whose sync fails.
    private func failing(_ seed: UInt64, _ write: (SimulatedStore) throws -> Void) throws -> Disk {
        var dice = Dice(seed: seed)
        let disk = Disk(requestsRetained: 10)
        let store = SimulatedStore(disk: disk)
        try store.saveVote(term: 1, vote: nil)
        _ = try store.commit(turn(1))
        try disk.finish()
        disk.failsNextSync = true
        let error = StoreError.system(code: 5, operation: "fdatasync", path: "data")
        #expect(throws: error) { try write(store) }
        #expect(throws: error, "its process is over") { try store.saveVote(term: 9, vote: nil) }
        #expect(disk.failedSyncs == 1)
        try disk.crash(&dice)
        return disk
    }

    @Test("a write whose sync fails is there after the restart, or is not, as the seed says")
    func failedSync() throws {
        var ends: Set<UInt64> = []
        for seed in 0..<50 as Range<UInt64> {
            let disks = try (0..<2).map { _ in
                try failing(seed) { _ = try $0.commit(turn(2)) }
            }
            let last = disks[0].durable.point.last.index
            #expect(disks[1].durable.point.last.index == last, "the seed says it")
            ends.insert(last)
            // The next process writes again.
            let store = SimulatedStore(disk: disks[0])
            _ = try store.commit(turn(last + 1))
            try disks[0].finish()
            #expect(disks[0].durable.log.map(\.entry.index) == Array(1...last + 1))
            #expect(disks[0].failedSyncs == 1)
        }
        #expect(ends == [1, 2])
    }

    @Test("a vote whose sync fails is the old one or the new one")
    func failedVote() throws {
        var found: Set<UInt64> = []
        for seed in 0..<100 as Range<UInt64> {
            let disk = try failing(seed) { try $0.saveVote(term: 4, vote: 2) }
            let vote = try disk.openVote()
            #expect(vote == Ballot(term: 1, vote: nil) || vote == Ballot(term: 4, vote: 2))
            #expect(disk.durable.point.last.index == 1)
            found.insert(vote.term)
        }
        #expect(found == [1, 4])
    }

    @Test("flipped bits in the copies of a vote never cost it")
    func flippedVote() throws {
        var dice = Dice(seed: 2)
        for term in 1...50 as ClosedRange<UInt64> {
            let disk = Disk(requestsRetained: 10)
            try disk.begin(.vote(Ballot(term: term, vote: 1)))
            try disk.finish()
            for _ in 0..<6 { _ = disk.flipVoteBit(&dice) }
            #expect(try disk.openVote() == Ballot(term: term, vote: 1))
        }
    }

    @Test("damaged rows are found where they are read, and nowhere else")
    func damage() throws {
        var tables = DiskTables(requestsRetained: 10)
        for number in 1...5 as ClosedRange<UInt64> { _ = try turn(number).write(to: &tables) }
        #expect(tables.logDamage == nil)
        tables.damageLog(at: 3, .body)
        #expect(tables.logDamage == .damagedLogBody(index: 3, reason: "checksum"))
        try tables.truncateLog(from: 3)
        #expect(tables.logDamage == nil)
        tables.damageLog(at: 2, .missing)
        #expect(throws: StoreError.self) { try tables.truncateLog(from: 2) }
    }

    /// A seed failed with it: the flush found the damage where the turn had not.
    @Test("damage that comes between a turn and its flush is found after both")
    func damageBeforeFlush() throws {
        let disk = Disk(requestsRetained: 10)
        for number in 1...5 as ClosedRange<UInt64> { try disk.begin(.turn(turn(number))) }
        try disk.finish()
        var cut = StorageTurn()
        cut.append(
            Persist(
                token: PersistToken(number: 6),
                hardState: nil,
                truncateFrom: LogIndex(number: 4),
                entries: [],
                votesChanged: false
            )
        )
        try disk.begin(.turn(cut))
        disk.suffer(.entry(4, .missing))
        disk.suffer(.entry(3, .missing))
        #expect(disk.isDamaged)
        try disk.finish()
        #expect(disk.durable.point.last.index == 3)
        #expect(disk.durable.logDamage == .damagedLogHeader(index: 3, reason: "it is missing"))
    }

    /// Four records in one bucket, one for each entry.
    private func state() throws -> DiskTables {
        var tables = DiskTables(requestsRetained: 10)
        for number in 1...4 as ClosedRange<UInt64> { _ = try turn(number).write(to: &tables) }
        let layers = (1...4 as ClosedRange<UInt64>).map { number in
            OverlayLayer(
                index: number,
                writes: [(Keyspace.key(2 * Int(number)), record(number))],
                requestID: [UInt8](repeating: UInt8(number), count: 16)
            )
        }
        try tables.apply(layers: layers, appliedIndex: 4, appliedTerm: 1)
        return tables
    }

    private func record(_ number: UInt64) -> [UInt8] {
        Record(
            flags: 0,
            dataKeyID: 1,
            modificationIndex: number,
            nameBox: [],
            valueBox: [UInt8](repeating: UInt8(number), count: 40)
        ).encoded()
    }

    @Test("a lost record is missing in its bucket's sum, and only the right one makes it whole")
    func loss() throws {
        let whole = try state()
        let key = Keyspace.key(4)
        var tables = whole
        tables.suffer(.loss(key))
        #expect(tables.row(of: key) == nil && tables.isDamaged)
        #expect(
            tables.stateHash == whole.stateHash,
            "what should be there is known to the checkers"
        )
        #expect(tables.bucketDamage(key.bucket) == "it has 3 records, not 4")
        let wrong = RepairedRecord(key: key, bytes: record(3))
        #expect(throws: StoreError.self) {
            try tables.repairRecords([wrong], bucket: key.bucket, expected: nil)
        }
        let right = RepairedRecord(key: key, bytes: record(2))
        try tables.repairRecords([right], bucket: key.bucket, expected: nil)
        #expect(!tables.isDamaged && tables.root == whole.root)
        #expect(tables.stateHash == whole.stateHash)
    }

    @Test("a damaged record that is written over makes its bucket suspect")
    func suspect() throws {
        var tables = try state()
        let key = Keyspace.key(4)
        tables.suffer(.record(key, .content))
        #expect(tables.bucketDamage(key.bucket) == nil, "keys, headers and tags are intact")
        #expect(tables.stateFindings == [.record(key, reason: "it fails its checksum")])
        let layer = OverlayLayer(index: 5, writes: [(key, record(5))], requestID: nil)
        _ = try turn(5).write(to: &tables)
        try tables.apply(layers: [layer], appliedIndex: 5, appliedTerm: 1)
        #expect(tables.buckets[key.bucket].isSuspect)
        #expect(tables.bucketDamage(key.bucket) != nil && tables.isDamaged)
    }

    @Test("a snapshot is what it was made of, and nothing else decodes to it")
    func snapshot() throws {
        var tables = try state()
        tables.cluster = World.clusterRecord(
            incarnation: 1,
            configuration: Configuration(
                members: [
                    Member(
                        id: NodeID(number: 1),
                        details: Configuration.newMember(1),
                        role: .voter,
                        incarnation: 1
                    )
                ]
            )
        )
        let image = try SnapshotImage(tables)
        let bytes = image.encoded()
        let copy = try SnapshotImage(decoding: bytes)
        #expect(copy.index == 4 && copy.tables.root == tables.root)
        #expect(copy.tables.stateHash == tables.stateHash)
        #expect(copy.tables.requestIndex([UInt8](repeating: 3, count: 16)) == 3)
        let offer = try image.offer(bytes)
        for position in stride(from: 0, to: bytes.count, by: 7) {
            var changed = bytes
            changed[position] ^= 4
            guard let other = try? SnapshotImage(decoding: changed) else { continue }
            #expect((try? other.offer(changed)) != offer)
        }
        tables.suffer(.loss(Keyspace.key(4)))
        #expect(throws: StoreError.self) { try SnapshotImage(tables) }
    }
}
