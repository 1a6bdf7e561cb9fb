import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("stalled disks")
struct DiskStallTests {
    private func world(
        seed: UInt64,
        count: Int = 3,
        settings: RaftSettings = RaftSettings()
    ) throws -> World {
        let world = World(seed: seed, count: count, settings: settings)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        return world
    }

    @Test("a leader whose disk hangs is replaced at once", arguments: UInt64(0)..<30)
    func replaced(seed: UInt64) throws {
        let world = try world(seed: 4_000 + seed, count: seed % 2 == 0 ? 3 : 5)
        world.faults.delayTicksMax = 2
        world.hung.insert(node(1))
        try world.propose(0, count: 3)
        // The driver notices after this many ticks.
        try world.run(world.settings.diskStallTicks)
        try world.hang(0)
        #expect(try world.run(atMost: 25) { $0.leaderPosition.map { $0 != 0 } ?? false })
        #expect(try world.core(0).role == .follower)
        let leader = try #require(world.leaderPosition)
        let committed = world.checker.committedIndex
        try world.propose(leader)
        try world.run(15)
        #expect(world.checker.committedIndex > committed)
        // Well again: an ordinary follower.
        try world.hang(0, false)
        try world.converge()
        #expect(try world.core(0).role == .follower)
    }

    @Test("it falls silent: if its last word is lost, the others miss it in the usual time")
    func silent() throws {
        let world = try world(seed: 41)
        world.loses = { flight in
            if case .timeoutNow = flight.message.body { true } else { false }
        }
        try world.hang(0)
        let limit = world.settings.electionTicksMax * 2
        #expect(try world.run(atMost: limit) { $0.leaderPosition.map { $0 != 0 } ?? false })
        #expect(world.settings.diskStallTicks + limit <= 200)
    }

    @Test("while the others cannot commit without it, a stalled leader stays, and looks again")
    func noMajorityElsewhere() throws {
        let world = try world(seed: 42)
        world.crash(2)
        try world.run(world.settings.electionTicksMin + 1)
        try world.hang(0)
        try world.run(world.settings.electionTicksMax)
        #expect(try world.core(0).role == .leader)
        try world.start(2)
        #expect(try world.run(atMost: 20) { $0.nodes[0].core?.role == .follower })
        #expect(try world.run(atMost: 20) { $0.leaderPosition != nil })
    }

    @Test("a leader whose followers' disks hang as well stays")
    func allStalled() throws {
        let world = try world(seed: 43)
        try world.hang(1)
        try world.hang(2)
        try world.run(10)
        try world.hang(0)
        try world.run(world.settings.electionTicksMax)
        #expect(try world.core(0).role == .leader)
    }

    /// Found by real disks: the leader had written first, so it was the first to know.
    @Test("a leader stays while the disk that all share stands still, and asks with one entry")
    func shared() throws {
        let world = try world(seed: 45)
        for number in 1...3 { world.hung.insert(node(UInt64(number))) }
        let before = try world.core(0).lastIndex
        try world.hang(0)
        try world.run(world.settings.electionTicksMax)
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).lastIndex == before.next, "one entry asks, however long it takes")
        // The others' goes on first.
        try world.hang(1, false)
        try world.hang(2, false)
        #expect(try world.run(atMost: 20) { $0.leaderPosition.map { $0 != 0 } ?? false })
        try world.hang(0, false)
        try world.converge()
    }

    @Test("what the others had committed before the disk stopped is no proof")
    func oldProof() throws {
        let world = try world(seed: 46)
        world.hung.insert(node(1))
        try world.propose(0)
        try world.run(10)
        let committed = try world.core(0).commitIndex
        #expect(try world.core(0).durableIndex < committed)
        world.hung.insert(node(2))
        world.hung.insert(node(3))
        try world.hang(0)
        try world.run(world.settings.electionTicksMax)
        #expect(try world.core(0).role == .leader)
        for position in 0..<3 { try world.hang(position, false) }
        try world.converge()
        #expect(try world.core(0).role == .leader)
    }

    @Test("a lone voter leads on: nobody could do better")
    func lone() throws {
        let world = try world(seed: 44, count: 1)
        try world.hang(0)
        #expect(try world.core(0).role == .leader)
        try world.propose(0)
        try world.hang(0, false)
        try world.converge()
    }

    /// Found by real disks: all were slow at once, each counted as stalled, and nobody led.
    @Test("a stalled node campaigns last, and answers pre-votes as ever")
    func lastCandidate() {
        var hand = Hand(core: makeCore())
        let settings = hand.core.settings
        _ = hand.turn(.diskHealth(.stalled))
        for _ in 0..<settings.electionTicksMin + settings.stalledPenaltyTicks - 1 {
            _ = hand.turn(.tick)
            #expect(hand.core.role == .follower)
        }
        let request = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: false)
        let answer = PreVoteResponse(proposedTerm: term(1), isGranted: true)
        #expect(
            hand.receive(.preVoteRequest(request), term: 0, from: 2) == [
                .send(
                    Message(term: .zero, body: .preVoteResponse(answer)),
                    to: node(2),
                    after: nil
                )
            ]
        )
        for _ in 0...settings.electionTicksMax - settings.electionTicksMin {
            _ = hand.turn(.tick)
        }
        #expect(hand.core.role == .preCandidate)
    }

    @Test("nothing of a candidate's campaign leaves before its vote is on a disk that hangs")
    func hangingCandidate() {
        var hand = Hand(core: makeCore())
        for _ in 0..<hand.core.settings.electionTicksMax { _ = hand.turn(.tick) }
        let grant = PreVoteResponse(proposedTerm: term(1), isGranted: true)
        var effects = hand.receive(.preVoteResponse(grant), term: 0, from: 2)
        effects += hand.turn(.diskHealth(.stalled))
        for _ in 0..<1_000 { effects += hand.turn(.tick) }
        for case .send(let message, _, let after) in effects {
            guard case .voteRequest = message.body else { continue }
            #expect(after != nil && after ?? hand.core.durableToken > hand.core.durableToken)
        }
    }

    @Test("a stalled node does not follow the wish that it should lead")
    func noTarget() {
        var hand = Hand(core: makeCore())
        _ = hand.receive(.heartbeat(Heartbeat(commit: .zero, round: 0)), term: 1, from: 2)
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.turn(.diskHealth(.stalled))
        _ = hand.receive(.timeoutNow, term: 1, from: 2)
        #expect(hand.core.role == .follower)
        _ = hand.turn(.diskHealth(.ok))
        _ = hand.receive(.timeoutNow, term: 1, from: 2)
        #expect(hand.core.role == .candidate)
    }

    @Test("followers say that their disk is stalled, and a sealed leader passes them over")
    func passedOver() throws {
        let world = try world(seed: 45, settings: .hectic)
        try world.hang(1)
        try world.run(5)
        world.nodes[0].isSealed = true
        try world.turn(0, [.sealChanged(isSealed: true)])
        try world.run(20)
        #expect(try world.core(2).role == .leader)
    }

    @Test("what piles up at a stalled follower is bounded")
    func pile() throws {
        let world = try world(seed: 46, settings: .hectic)
        try world.hang(2)
        for _ in 0..<200 {
            try world.propose(0, count: 4)
            try world.run(2)
        }
        #expect(world.checker.committedIndex.number > 400)
        let stalled = try world.core(2)
        let waiting = stalled.lastIndex.number - stalled.durableIndex.number
        let window = world.settings.inFlightMessagesMax * world.settings.appendEntriesMax
        #expect(waiting <= UInt64(window))
        try world.hang(2, false)
        try world.converge()
    }
}

@Suite("a leader that is cut off")
struct CutOffTests {
    @Test("answers nothing from an election time-out after the majority was last heard")
    func bound() throws {
        let world = World(seed: 47, count: 5, settings: RaftSettings())
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.cut(0, from: [2, 3, 4])
        world.cut(1, from: [2, 3, 4])
        let start = world.now
        #expect(
            try world.run(atMost: world.settings.electionTicksMin + 2) {
                $0.nodes[0].core?.role != .leader
            }
        )
        #expect(world.now - start <= world.settings.electionTicksMin + 2)

        // From here on everything is refused in the turn in which it comes.
        let old = try world.core(0)
        #expect(old.leader == nil)
        try world.read(0, count: 3)
        #expect(world.nodes[0].reads.isEmpty)
        #expect(world.checker.readsServed == 0)
        try world.propose(0)
        #expect(world.refusals == 1)
    }

    @Test("refuses the reads that waited for its majority, and serves none of them")
    func waitingReads() throws {
        let world = World(seed: 48, count: 3, settings: RaftSettings())
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.cut(0, from: [1, 2])
        for _ in 0..<10 {
            try world.read(0, count: 2)
            try world.tick()
        }
        #expect(world.nodes[0].reads.count == 20)
        try world.run(world.settings.electionTicksMin)
        #expect(world.nodes[0].reads.isEmpty)
        #expect(world.checker.readsServed == 0)
    }

    @Test("steps down although it hears some, when they are no majority")
    func minority() throws {
        let world = World(seed: 49, count: 4, settings: RaftSettings())
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.cut(0, from: [2, 3])
        world.cut(1, from: [2, 3])
        try world.run(world.settings.electionTicksMin + 2)
        #expect(try world.core(0).role != .leader)
    }

    @Test("resets never let two candidates duel for long, however they arrive")
    func duels() throws {
        var ticks: [Int] = []
        for seed in UInt64(0)..<200 {
            let world = World(
                seed: 6_000 + seed,
                count: seed % 2 == 0 ? 3 : 5,
                settings: RaftSettings()
            )
            try world.startAll()
            try world.elect(0)
            try world.converge()
            world.faults.delayTicksMax = 1 + Int(seed % 4)
            world.crash(0)
            // A connection breaks after its last message, and not for everyone at once.
            for other in 2...world.nodes.count {
                world.arrive(
                    .linkReset(of: node(1), at: node(UInt64(other))),
                    lateBy: world.faults.delayTicksMax + world.random.below(6)
                )
            }
            let start = world.now
            let isElected = try world.run(atMost: 400) { $0.leaderPosition != nil }
            #expect(isElected, "seed \(seed)")
            ticks.append(world.now - start)
        }
        ticks.sort()
        // In ticks of 10 ms, on links of up to 40 ms: within one election time-out.
        #expect(ticks[ticks.count / 2] <= 20, "median \(ticks[ticks.count / 2])")
        #expect(ticks[ticks.count * 99 / 100] <= 50, "99 of 100: \(ticks.suffix(3))")
        #expect(ticks.last ?? 0 <= 80, "slowest \(ticks.suffix(3))")
    }
}
