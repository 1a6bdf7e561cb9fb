import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("scenarios: reads")
struct ReadScenarioTests {
    /// Counts read rounds by the heartbeats that carry them to one follower.
    private final class Rounds {
        var numbers: Set<UInt64> = []
    }

    private func world(seed: UInt64) throws -> World {
        var settings = RaftSettings()
        // Heartbeats are rare here: whatever is fast is fast without them.
        settings.heartbeatTicks = 10
        let world = World(seed: seed, count: 3, settings: settings)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        return world
    }

    @Test("reads of a turn share a round; reads that come meanwhile share the next one")
    func rounds() throws {
        let world = try world(seed: 31)
        let rounds = Rounds()
        world.loses = { flight in
            if case .heartbeat(let heartbeat) = flight.message.body {
                rounds.numbers.insert(heartbeat.round)
            }
            return false
        }
        let before = try world.core(0).leadership?.round ?? 0
        try world.read(0, count: 50)
        for _ in 0..<20 {
            try world.read(0, count: 2)
        }
        try world.run(6)
        #expect(world.nodes[0].reads.isEmpty)
        #expect(world.checker.readsServed == 90)
        #expect(rounds.numbers.filter { $0 > before }.sorted() == [before + 1, before + 2])
    }

    @Test("a round costs one broadcast, whatever number of reads it confirms")
    func costOfARound() throws {
        let world = World(seed: 38, count: 5, settings: try world(seed: 38).settings)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        var counts: [String: Int] = [:]
        world.loses = { flight in
            switch flight.message.body {
            case .heartbeat: counts["heartbeat", default: 0] += 1
            case .heartbeatResponse: counts["answer", default: 0] += 1
            case .readIndexRequest: counts["question", default: 0] += 1
            case .readIndexResponse: counts["index", default: 0] += 1
            default: counts["other", default: 0] += 1
            }
            return false
        }
        // A new leader's own heartbeat interval is ten ticks; all of this takes four.
        try world.run(1)
        counts = [:]
        let before = try world.core(0).readCounters
        for position in 1..<5 { try world.read(position, count: 3_000) }
        try world.run(1)
        try world.read(0, count: 3_000)
        try world.run(5)
        let after = try world.core(0).readCounters
        #expect(world.checker.readsServed == 15_000)
        // The first question begins a round; what comes meanwhile shares the second one.
        #expect(after.rounds - before.rounds == 2)
        #expect(after.batchesConfirmed - before.batchesConfirmed == 4)
        #expect(after.confirmed - before.confirmed == 3_000)
        #expect(counts["question"] == 4 && counts["index"] == 4)
        #expect(counts["other"] == nil)
        let broadcasts = (counts["heartbeat"] ?? 0) / 4
        #expect(counts["heartbeat"] == counts["answer"])
        #expect(broadcasts - Int(after.rounds - before.rounds) <= 1, "one may be the interval's")
        // 7,500 reads a round: 24 messages and two broadcasts for 15,000 reads.
        let perRound = UInt64(world.checker.readsServed) / (after.rounds - before.rounds)
        #expect(perRound == 7_500)
    }

    @Test("a read joins only a round whose heartbeats leave after it arrived")
    func joinsLaterRound() throws {
        let world = try world(seed: 39)
        var held: [World.Flight] = []
        world.loses = { flight in
            if case .heartbeatResponse = flight.message.body {
                held.append(flight)
                return true
            }
            return false
        }
        try world.read(0, count: 1)
        try world.run(3)
        let early = held
        try world.read(0, count: 1)
        // The answers to the first round's heartbeats confirm the first read, and not the second.
        for flight in early { world.arrive(.message(flight)) }
        world.loses = { flight in
            if case .heartbeatResponse = flight.message.body { return true }
            return false
        }
        try world.run(3)
        #expect(world.checker.readsServed == 1)
        #expect(world.nodes[0].reads.count == 1)
        world.loses = { _ in false }
        try world.run(20)
        #expect(world.checker.readsServed == 2)
    }

    @Test("a read at a follower takes a trip to the leader, no heartbeat interval")
    func followerRead() throws {
        let world = try world(seed: 32)
        try world.read(1, count: 3)
        #expect(try world.run(atMost: 5) { $0.nodes[1].reads.isEmpty })
        #expect(world.checker.readsServed == 3)
    }

    @Test("followers learn a commit without waiting for a heartbeat")
    func promptCommit() throws {
        let world = try world(seed: 33)
        try world.propose(0)
        let last = try world.core(0).lastIndex
        let isPrompt = try world.run(atMost: 6) { world in
            world.nodes.allSatisfy { $0.core?.commitIndex == last }
        }
        #expect(isPrompt)
    }

    @Test("no leader: refused at once")
    func noLeader() throws {
        let world = World(seed: 34, count: 3)
        try world.startAll()
        try world.read(1)
        #expect(world.nodes[1].reads.isEmpty)
        #expect(world.checker.readsServed == 0)
    }

    @Test("a lost question is refused after a bounded time")
    func lostQuestion() throws {
        let world = try world(seed: 35)
        world.loses = { flight in
            if case .readIndexRequest = flight.message.body { return true }
            return false
        }
        try world.read(1)
        try world.run(world.settings.readForwardTicksMax)
        #expect(world.nodes[1].reads.isEmpty)
        #expect(world.checker.readsServed == 0)
    }

    @Test("a reset link refuses what was forwarded over it, at once")
    func resetLink() throws {
        let world = try world(seed: 36)
        try world.read(1)
        #expect(world.nodes[1].reads.count == 1)
        try world.turn(1, [.linkReset(node(1))])
        #expect(world.nodes[1].reads.isEmpty)
    }

    @Test("a leader without a commit of its own term lets reads wait for it")
    func ownTermFirst() throws {
        let world = try world(seed: 37)
        try world.propose(0, count: 2)
        try world.converge()
        world.crash(0)
        // The new leader cannot commit: its appends are lost.
        world.loses = { flight in
            if case .append = flight.message.body { return true }
            return false
        }
        let isElected = try world.run(atMost: 400) { $0.leaderPosition != nil }
        try #require(isElected)
        let position = try #require(world.leaderPosition)
        try world.read(position)
        try world.run(8)
        #expect(world.nodes[position].reads.count == 1)
        world.loses = { _ in false }
        #expect(try world.run(atMost: 60) { $0.nodes[position].reads.isEmpty })
        #expect(world.checker.readsServed == 1)
    }

    @Test("an answer to a question of an earlier process answers nothing")
    func answerAcrossRestart() throws {
        var first = try asking(seed: 1)
        var second = try asking(seed: 2)
        let (core, batch) = first
        #expect(core.leader == node(2))
        #expect(batch != second.1)
        var effects: [Effect] = []
        let late = Message(
            term: term(3),
            body: .readIndexResponse(ReadIndexResponse(batch: batch, index: index(1)))
        )
        second.0.step(.received(late, from: node(2)), into: &effects)
        #expect(effects.isEmpty)
        first.0.step(.received(late, from: node(2)), into: &effects)
        #expect(effects == [.readReady([ReadTicket(number: 1)], index(1))])
    }

    /// A follower of node 2 that has just asked it.
    private func asking(seed: UInt64) throws -> (RaftCore, ReadBatch) {
        let state = HardState(term: term(3), vote: nil, commit: .zero)
        var core = makeCore(hardState: state, seed: seed)
        var effects: [Effect] = []
        let heartbeat = Heartbeat(commit: .zero, round: 0)
        core.step(
            .received(Message(term: term(3), body: .heartbeat(heartbeat)), from: node(2)),
            into: &effects
        )
        core.step(.readRequested([ReadTicket(number: 1)]), into: &effects)
        core.endTurn(into: &effects)
        let batches = effects.compactMap { effect in
            if case .send(let message, _, _) = effect,
                case .readIndexRequest(let batch) = message.body
            {
                return batch
            }
            return nil
        }
        return (core, try #require(batches.first))
    }
}
