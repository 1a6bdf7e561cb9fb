import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// A real store whose disk can be told that it is full.
private final class CrampedStorage: WrappedStorage {
    var isFull = false
    var transactions = 0

    override var space: SpaceState { isFull ? .exhausted : super.space }

    override func commit(_ turn: StorageTurn) throws(StoreError) -> UInt64? {
        transactions += 1
        if isFull { throw .full }
        return try super.commit(turn)
    }

    override func preallocateIfNeeded() throws(StoreError) -> Bool { false }

    override func installSnapshot(
        _ file: String
    ) throws(StoreError) -> (index: UInt64, term: UInt64) {
        if isFull { throw .full }
        return try super.installSnapshot(file)
    }
}

/// What the machine told the core.
private final class Ears: StoragePorts {
    var durable: [UInt64] = []
    var votes: [UInt64] = []
    var spaces: [SpaceState] = []
    var applied: UInt64 = 0

    func tellCore(_ input: CoreInput) {
        switch input {
        case .raft(.durable(let token)): durable.append(token.number)
        case .raft(.voteDurable(let token)): votes.append(token.number)
        case .space(let space): spaces.append(space)
        case .applied(let index): applied = index.number
        default: break
        }
    }
}

extension RecordingPorts {
    /// What left, to whomever.
    fileprivate var sent: [MessageBody] {
        events.compactMap { if case .sent(let message, _) = $0 { message.body } else { nil } }
    }
}

@Suite("a full disk")
struct FullDiskTests {
    private struct Bench {
        let folder = TemporaryFolder()
        let storage: CrampedStorage
        let ears = Ears()
        var machine: StorageMachine

        init() throws {
            storage = CrampedStorage(try folder.open())
            machine = StorageMachine(
                storage: storage,
                ports: ears,
                state: ReplicaStart(try storage.store.load()),
                watch: DiskWatch(),
                now: .now
            )
            try machine.begin()
        }

        mutating func turn(_ jobs: StorageJob...) throws { try machine.turn(jobs, now: .now) }
    }

    private func persist(
        _ number: UInt64,
        hardState: HardState? = nil,
        entries: ClosedRange<UInt64>? = nil,
        term entryTerm: UInt64 = 1
    ) -> StorageJob {
        let entries = entries.map { range in
            range.map {
                LogEntry(index: index($0), term: term(entryTerm), kind: .batch, body: [1, 2, 3])
            }
        }
        return .persist(
            Persist(
                token: token(number),
                hardState: hardState,
                truncateFrom: nil,
                entries: entries ?? [],
                votesChanged: hardState != nil
            )
        )
    }

    private func hard(_ number: UInt64, vote: NodeID?) -> HardState {
        HardState(term: term(number), vote: vote, commit: .zero)
    }

    @Test("what finds no room is kept, not acknowledged, and written when there is room")
    func retried() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: node(1)), entries: 1...2))
        bench.storage.isFull = true
        try bench.turn(persist(2, entries: 3...4))
        try bench.turn(persist(3, entries: 5...5))
        try bench.turn()
        #expect(bench.ears.durable == [1])
        #expect(bench.ears.spaces == [.exhausted])
        #expect(bench.machine.waitMilliseconds == Limits.retryWithoutRoomMilliseconds)
        bench.storage.isFull = false
        try bench.turn()
        #expect(bench.ears.durable == [1, 3])
        #expect(bench.ears.spaces == [.exhausted, .ample])
        #expect(try bench.storage.store.load().entries.map(\.index) == [1, 2, 3, 4, 5])
    }

    @Test("a vote without room is durable in its file, and the tables follow")
    func votes() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil), entries: 1...1))
        bench.storage.isFull = true
        try bench.turn(persist(2, hardState: hard(7, vote: node(3))))
        #expect(bench.ears.durable == [1, 2])
        #expect(try bench.storage.store.load().ballot == Ballot(term: 7, vote: 3))
        try bench.turn(persist(3, hardState: hard(8, vote: node(2))))
        #expect(bench.ears.durable.last == 3)
        #expect(try bench.storage.store.load().point.term == 1)
        bench.storage.isFull = false
        try bench.turn(persist(4, entries: 2...2, term: 8))
        let state = try bench.storage.store.load()
        #expect(state.point.term == 8 && state.point.vote == 2)
        #expect(state.entries.map(\.term) == [1, 8])
        #expect(bench.ears.durable.last == 4)
    }

    @Test("a vote behind entries that have no room is durable without them")
    func voteBehindEntries() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil)))
        bench.storage.isFull = true
        try bench.turn(persist(2, entries: 1...1))
        #expect(bench.ears.votes == [], "there is none")
        try bench.turn(persist(3, hardState: hard(2, vote: node(2))))
        #expect(bench.ears.votes == [3])
        #expect(try bench.storage.store.load().ballot == Ballot(term: 2, vote: 2))
        #expect(bench.ears.durable == [1], "durable() of a vote would claim the entry too")
        try bench.turn(persist(4, hardState: hard(3, vote: nil), entries: 2...2))
        #expect(bench.ears.votes.last == 4 && bench.ears.durable == [1])
        bench.storage.isFull = false
        let votes = bench.ears.votes
        try bench.turn()
        #expect(bench.ears.durable == [1, 4] && bench.ears.votes == votes)
        #expect(try bench.storage.store.load().entries.map(\.index) == [1, 2])
    }

    /// A crash between the vote and the entries that wait before it.
    @Test("a vote that was told before its entries outlives them")
    func voteOutlivesEntries() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil), entries: 1...1))
        bench.storage.isFull = true
        try bench.turn(persist(2, entries: 2...3))
        try bench.turn(persist(3, hardState: hard(4, vote: node(2))))
        #expect(bench.ears.votes == [3] && bench.ears.durable == [1])
        let state = try bench.storage.store.load()
        #expect(state.ballot == Ballot(term: 4, vote: 2))
        #expect(state.entries.map(\.index) == [1])
        #expect(ReplicaStart(state).hardState.term == term(4))
    }

    @Test("a vote behind a snapshot that has no room is durable without it")
    func voteBehindSnapshot() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil)))
        bench.storage.isFull = true
        let point = SnapshotPoint(index: index(9), term: term(1), configuration: voters(3))
        let install = StorageJob.install(point, token(2), file: "snapshot")
        try bench.turn(install, persist(3, hardState: hard(2, vote: node(2))))
        #expect(bench.ears.votes == [3] && bench.ears.durable == [1])
        #expect(try bench.storage.store.load().ballot == Ballot(term: 2, vote: 2))
        try bench.turn(persist(4, hardState: hard(3, vote: node(3))))
        #expect(bench.ears.votes.last == 4 && bench.ears.durable == [1])
        #expect(try bench.storage.store.load().ballot == Ballot(term: 3, vote: 3))
    }

    /// Found by seed 140: the second try began with the older of two votes again.
    @Test("votes of two terms that wait with entries are saved once, the newer one last")
    func votesOfTwoTerms() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil)))
        bench.storage.isFull = true
        try bench.turn(persist(2, hardState: hard(2, vote: node(2)), entries: 1...1))
        try bench.turn(persist(3, hardState: hard(3, vote: node(1))))
        try bench.turn()
        #expect(bench.ears.durable == [1])
        #expect(try bench.storage.store.load().ballot == Ballot(term: 3, vote: 1))
        bench.storage.isFull = false
        try bench.turn()
        #expect(bench.ears.durable == [1, 3])
        #expect(try bench.storage.store.load().point.term == 3)
    }

    @Test("layers that have no room stay in the overlay and are applied later")
    func layers() throws {
        var bench = try Bench()
        try bench.turn(persist(1, hardState: hard(1, vote: nil), entries: 1...1))
        bench.storage.isFull = true
        let layer = OverlayLayer(
            index: 1,
            writes: [(key(1), record([7]).encoded())],
            requestID: requestID(1)
        )
        bench.storage.appendLayer(layer)
        try bench.turn(.apply(layer, term(1)))
        try bench.turn()
        #expect(bench.ears.applied == 0)
        #expect(bench.storage.overlayCount == 1)
        #expect(try bench.storage.store.view { try $0.record(key(1)) }?.valueBox == [7])
        bench.storage.isFull = false
        try bench.turn()
        #expect(bench.ears.applied == 1)
        #expect(bench.storage.overlayCount == 0)
    }

    @Test("a follower without room takes no entries; votes and heartbeats go on")
    func follower() throws {
        var bench = DriverBench(voters: 3)
        bench.turn(.space(.exhausted))
        let entry = LogEntry(index: index(1), term: term(2), kind: .noop, body: [])
        let append = Append(
            previousIndex: .zero,
            previousTerm: .zero,
            commit: .zero,
            entries: [entry]
        )
        #expect(bench.receive(.append(append), from: 2, term: term(2)) == [])
        #expect(bench.driver.core.lastIndex == .zero)
        let request = VoteRequest(lastIndex: index(1), lastTerm: term(2), isTransfer: true)
        _ = bench.receive(.voteRequest(request), from: 3, term: term(3))
        _ = bench.flush()
        let isGranted = bench.ports.events.contains {
            if case .sent(let message, to: node(3)) = $0 {
                message.body == .voteResponse(isGranted: true)
            } else {
                false
            }
        }
        #expect(isGranted)
        bench.turn(.space(.reserved))
        _ = bench.receive(.append(append), from: 3, term: term(3))
        #expect(bench.driver.core.lastIndex == index(1))
    }

    /// Node 1 has an entry in memory, and a disk without room for it.
    private func waitingForRoom() -> DriverBench {
        var bench = DriverBench(voters: 3)
        let append = Append(
            previousIndex: .zero,
            previousTerm: .zero,
            commit: .zero,
            entries: [LogEntry(index: index(1), term: term(2), kind: .noop, body: [])]
        )
        bench.turn(.space(.ample))
        _ = bench.receive(.append(append), from: 2, term: term(2))
        bench.turn(.raft(.voteDurable(bench.driver.core.newestToken)), .space(.exhausted))
        return bench
    }

    @Test("a vote leaves while entries before it wait for room, and no acknowledgement does")
    func voteLeavesBeforeEntries() {
        var bench = waitingForRoom()
        let first = bench.driver.core.newestToken
        #expect(bench.ports.sent == [], "the entry is not acknowledged")
        let request = VoteRequest(lastIndex: index(1), lastTerm: term(2), isTransfer: true)
        _ = bench.receive(.voteRequest(request), from: 3, term: term(3))
        #expect(bench.ports.sent == [])
        bench.turn(.raft(.voteDurable(first)))
        #expect(bench.ports.sent == [], "that was the term before")
        bench.turn(.raft(.voteDurable(bench.driver.core.newestToken)))
        #expect(bench.ports.sent == [.voteResponse(isGranted: true)])
        #expect(bench.driver.core.durableIndex == .zero)
        bench.flush()
        #expect(bench.ports.sent == [.voteResponse(isGranted: true)], "once")
        #expect(bench.driver.core.durableIndex == index(1))
    }

    @Test("a candidate's own vote counts while entries before it wait for room")
    func ownVoteBeforeEntries() {
        var bench = waitingForRoom()
        while bench.driver.core.role != .candidate {
            bench.turn(.raft(.tick))
            let term = bench.driver.core.term
            guard bench.driver.core.role == .preCandidate else { continue }
            let response = PreVoteResponse(proposedTerm: term.next, isGranted: true)
            _ = bench.receive(.preVoteResponse(response), from: 2, term: term)
        }
        let isAsked = { (body: MessageBody) in
            if case .voteRequest = body { true } else { false }
        }
        #expect(!bench.ports.sent.contains(where: isAsked))
        bench.turn(.raft(.voteDurable(bench.driver.core.newestToken)))
        #expect(bench.ports.sent.contains(where: isAsked))
        _ = bench.receive(.voteResponse(isGranted: true), from: 2, term: bench.driver.core.term)
        #expect(bench.driver.core.role == .leader)
        let accepted = AppendResponse(outcome: .accepted(through: index(2)), isSealed: false)
        _ = bench.receive(.appendResponse(accepted), from: 2, term: bench.driver.core.term)
        #expect(bench.driver.core.commitIndex == .zero, "its own disk has neither entry")
        bench.flush()
        #expect(bench.driver.core.commitIndex == index(2))
    }

    @Test("a leader without room takes no proposals")
    func leader() throws {
        var bench = DriverBench()
        bench.lead()
        bench.turn(.space(.exhausted))
        let outcomes = Collector<ProposeOutcome>()
        let base = bench.driver.core.evaluatedIndex.number
        bench.turn(.propose(proposal(batch(1, base: base, put: [1]), outcomes: outcomes)))
        bench.turn(.space(.ample))
        bench.turn(.propose(proposal(batch(2, base: base, put: [1]), outcomes: outcomes)))
        #expect(outcomes.all.first == .refused(.overloaded))
        guard case .appended = outcomes.all.last, outcomes.all.count == 2 else {
            Issue.record("not appended: \(outcomes.all)")
            return
        }
    }
}
