import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("scenarios: leadership")
struct LeadershipScenarioTests {
    private func world(seed: UInt64, count: Int = 3) throws -> World {
        let world = World(seed: seed, count: count)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        return world
    }

    @Test("a node that voted does not vote for another one in that term after a restart")
    func voteSurvivesRestart() throws {
        let voted = HardState(term: term(5), vote: node(2), commit: .zero)
        var core = makeCore(hardState: voted)
        let request = MessageBody.voteRequest(
            VoteRequest(lastIndex: index(9), lastTerm: term(4), isTransfer: false)
        )
        var effects: [Effect] = []
        core.step(.received(Message(term: term(5), body: request), from: node(3)), into: &effects)
        core.endTurn(into: &effects)
        #expect(
            effects == [
                .send(
                    Message(term: term(5), body: .voteResponse(isGranted: false)),
                    to: node(3),
                    after: nil
                )
            ]
        )

        // Its own candidate may ask again: the first answer may be lost. Nothing new to persist.
        effects = []
        core.step(.received(Message(term: term(5), body: request), from: node(2)), into: &effects)
        core.endTurn(into: &effects)
        #expect(
            effects == [
                .send(
                    Message(term: term(5), body: .voteResponse(isGranted: true)),
                    to: node(2),
                    after: nil
                )
            ]
        )
    }

    @Test("a leader cut off steps down, refuses its reads, and follows when it is back")
    func staleLeader() throws {
        let world = try world(seed: 11)
        world.cut(0, from: [1, 2])
        try world.read(0, count: 3)
        try world.propose(0)
        let old = try world.core(0).term
        let limit = world.settings.electionTicksMin + world.settings.electionTicksMax * 3
        #expect(
            try world.run(atMost: limit) {
                $0.nodes[0].core?.role != .leader && $0.leaderPosition != nil
            }
        )
        #expect(world.nodes[0].reads.isEmpty)
        #expect(world.checker.readsServed == 0)
        try world.heal()
        try world.converge()
        #expect(try world.core(0).role == .follower)
        #expect(try world.core(0).term > old)
        try world.requireProgress(ticksMax: 100)
    }

    @Test("a node that was cut off comes back without disturbing anyone")
    func preVote() throws {
        let world = try world(seed: 12)
        let before = try world.core(0).term
        world.cut(2, from: [0, 1])
        try world.run(100)
        #expect(try world.core(2).role == .preCandidate)
        #expect(try world.core(2).term == before)
        world.cuts = []
        try world.converge()
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).term == before)
    }

    @Test("a node stranded in a later term brings the cluster there and rejoins")
    func stranded() throws {
        let world = try world(seed: 13)
        world.crash(2)
        let ahead = try world.core(0).term.number + 5
        let disk = world.nodes[2].disk
        world.nodes[2].disk.hardState = HardState(
            term: term(ahead),
            vote: nil,
            commit: disk.hardState.commit
        )
        world.nodes[2].core = nil
        world.checker.forgetTerms()
        try world.start(2)
        try world.converge()
        #expect(try world.core(0).term.number >= ahead)
    }

    @Test("a reset link to a dead leader elects another one long before the time-out")
    func resetLink() throws {
        let world = World(seed: 14, count: 3, settings: RaftSettings())
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.crash(0)
        world.arrive(.linkReset(of: node(1), at: node(2)))
        world.arrive(.linkReset(of: node(1), at: node(3)))
        let limit = world.settings.linkResetDelayTicksMax + 10
        #expect(limit < world.settings.electionTicksMin)
        #expect(try world.run(atMost: limit) { $0.leaderPosition != nil })
    }

    @Test("reset links to a dead leader elect another one fast, whatever the seed")
    func resetLinkDistribution() throws {
        var slow = 0
        for seed in UInt64(0)..<60 {
            let world = World(seed: 1_000 + seed, count: 5, settings: RaftSettings())
            try world.startAll()
            try world.elect(0)
            try world.converge()
            world.crash(0)
            for other in 2...5 {
                world.arrive(.linkReset(of: node(1), at: node(UInt64(other))))
            }
            if try !world.run(atMost: 20, until: { $0.leaderPosition != nil }) { slow += 1 }
        }
        #expect(slow == 0)
    }

    @Test("a reset link to a leader that lives changes nothing")
    func falseReset() throws {
        let world = try world(seed: 15)
        let before = try world.core(0).term
        world.arrive(.linkReset(of: node(1), at: node(2)))
        try world.run(60)
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).term == before)
        #expect(try world.core(1).leader == node(1))
    }

    @Test("a sealed leader hands over to an unsealed voter and loses nothing")
    func sealedLeader() throws {
        let world = try world(seed: 16)
        try world.propose(0, count: 5)
        let last = try world.core(0).lastIndex
        let before = try world.core(0).term
        for position in [1, 0] {
            world.nodes[position].isSealed = true
            try world.turn(position, [.sealChanged(isSealed: true)])
            try world.run(5)
        }
        try world.run(20)
        #expect(try world.core(2).role == .leader)
        #expect(try world.core(2).term == before.next)
        try world.converge()
        #expect(world.checker.committedIndex > last)
    }

    @Test("a handover that fails is not tried again for a while, and the leader leads on")
    func handoverInterval() throws {
        let world = try world(seed: 17)
        var asked = 0
        world.loses = { flight in
            guard case .timeoutNow = flight.message.body else { return false }
            asked += 1
            return true
        }
        world.nodes[0].isSealed = true
        try world.turn(0, [.sealChanged(isSealed: true)])
        try world.run(world.settings.handoverIntervalTicks - 5)
        #expect(asked == 1)
        #expect(try world.core(0).role == .leader)
        let last = try world.core(0).lastIndex
        try world.propose(0)
        #expect(try world.core(0).lastIndex == last.next)
        try world.run(world.settings.handoverIntervalTicks)
        #expect(asked == 2)
    }

    @Test("when all are sealed somebody leads")
    func allSealed() throws {
        let world = World(seed: 18, count: 3)
        for position in 0..<3 {
            world.nodes[position].isSealed = true
        }
        try world.startAll()
        try world.requireProgress(ticksMax: 200)
    }

    @Test("a sealed node leaves the first try to an unsealed one", arguments: UInt64(0)..<10)
    func sealedWaits(seed: UInt64) throws {
        let world = World(seed: 200 + seed, count: 3)
        world.nodes[0].isSealed = true
        world.nodes[1].isSealed = true
        try world.startAll()
        try world.converge()
        #expect(try world.core(2).role == .leader)
    }

    @Test("a lone voter leads at once and answers reads without anyone")
    func single() throws {
        let world = World(seed: 19, count: 1, settings: RaftSettings())
        try world.startAll()
        #expect(try world.run(atMost: 4) { $0.nodes[0].core?.isReadable == true })
        try world.propose(0)
        try world.read(0)
        #expect(world.nodes[0].reads.isEmpty)
        try world.converge(5)
    }

    @Test("a learner follows, but neither campaigns nor counts")
    func learner() throws {
        let world = World(seed: 21, count: 2, learners: 2)
        try world.startAll()
        try world.requireProgress(ticksMax: 200)
        let position = try #require(world.leaderPosition)
        #expect(position < 2)
        // Two voters need both, however many learners are there.
        world.crash(1 - position)
        let committed = world.checker.committedIndex
        try world.propose(position)
        try world.run(200)
        #expect(world.leaderPosition == nil)
        #expect(world.checker.committedIndex == committed)
        for learner in [2, 3] {
            #expect(try world.core(learner).role == .follower)
        }
        try world.heal()
        try world.requireProgress(ticksMax: 200)
    }

    @Test("one half of four cannot elect, and comes back when it is a majority")
    func evenSplit() throws {
        let world = try world(seed: 20, count: 4)
        world.cut(0, from: [2, 3])
        world.cut(1, from: [2, 3])
        try world.run(60)
        #expect(world.leaderPosition == nil)
        try world.heal()
        try world.requireProgress(ticksMax: 200)
    }
}
