import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("leadership transfer")
struct TransferTests {
    private func world(
        seed: UInt64,
        count: Int = 3,
        learners: Int = 0,
        settings: RaftSettings = .hectic
    ) throws -> World {
        let world = World(seed: seed, count: count, learners: learners, settings: settings)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        return world
    }

    /// Tickets in committed entries.
    private func committed(_ world: World) -> Set<UInt64> {
        var tickets: Set<UInt64> = []
        for number in 1...UInt64(world.checker.committedCount) {
            guard let entry = world.checker.committedEntry(at: index(number)),
                entry.kind == .batch
            else { continue }
            tickets.insert(
                entry.body.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            )
        }
        return tickets
    }

    @Test("under load nothing taken is lost, and the stop is short", arguments: UInt64(0)..<100)
    func underLoad(seed: UInt64) throws {
        var settings = RaftSettings()
        settings.inFlightMessagesMax = 8
        let world = try world(seed: 3_000 + seed, settings: settings)
        world.faults.delayTicksMax = 2
        let before = try world.core(0).term
        let ticket = try world.transfer(0, to: 2)
        var refusedTicks = 0
        for _ in 0..<60 {
            let position = world.nodes[1].core?.role == .leader ? 1 : 0
            let refusals = world.refusals
            try world.propose(position, count: 3)
            if world.refusals > refusals { refusedTicks += 1 }
            try world.tick()
        }
        #expect(world.transferOutcomes[ticket] == .done(leader: node(2)))
        #expect(try world.core(1).term == before.next, "one election, and no second one")
        // Four messages of at most two ticks: the flush, timeoutNow, the vote, its answer.
        #expect(refusedTicks <= 10)
        try world.converge()
        let kept = committed(world)
        for ticket in world.accepted {
            #expect(kept.contains(ticket.number), "\(ticket.number) was taken and is gone")
        }
        #expect(world.accepted.count > 100)
    }

    @Test("the successor knows what is committed, and feeds everybody at once")
    func readySuccessor() throws {
        let world = try world(seed: 30, count: 5)
        try world.propose(0, count: 20)
        _ = try world.transfer(0, to: 2)
        #expect(try world.run(atMost: 20) { $0.nodes[1].core?.role == .leader })
        let core = try world.core(1)
        let inherited = try #require(core.inheritedIndex)
        #expect(core.commitIndex == inherited, "a write prepared there needs no other election")
        #expect(core.lastIndex == inherited.next, "its no-op is not committed yet")
        // A proposal goes out before anybody has answered the no-op.
        var fed: [NodeID] = []
        world.loses = { flight in
            if case .append(let append) = flight.message.body,
                append.entries.contains(where: { $0.index == inherited.next.next })
            {
                fed.append(flight.target)
            }
            return false
        }
        try world.propose(1)
        #expect(fed.count == 4)
        try world.converge()
    }

    @Test("proposals go on while the target catches up")
    func catchesUpFirst() throws {
        var settings = RaftSettings.hectic
        settings.transferTicksMax = 300
        let world = try world(seed: 31, settings: settings)
        world.cut(1, from: [0, 2])
        for _ in 0..<30 {
            try world.propose(0, count: 4)
            try world.run(2)
        }
        let behind = try world.core(0).lastIndex.number - world.core(1).lastIndex.number
        #expect(behind >= 100)
        world.cuts = []
        // The first sign of life.
        #expect(
            try world.run(atMost: 20) { world in
                world.nodes[0].core?.memberProgress[1].isRecentlyActive == true
            }
        )
        let ticket = try world.transfer(0, to: 2)
        var firstRefusal: Int?
        var refusedTicks = 0
        for tick in 0..<200 where world.transferOutcomes[ticket] == nil {
            let refusals = world.refusals
            try world.propose(0)
            if world.refusals > refusals {
                firstRefusal = firstRefusal ?? tick
                refusedTicks += 1
            }
            try world.tick()
        }
        #expect(world.transferOutcomes[ticket] == .done(leader: node(2)))
        let stop = try #require(firstRefusal)
        #expect(stop >= 10, "it stopped with a hundred entries to send")
        #expect(refusedTicks <= world.settings.handoverTicksMax)
        try world.converge()
        #expect(Set(world.accepted.map { $0.number }).isSubset(of: committed(world)))
    }

    @Test("a target that never answers costs one election time-out, then the leader leads on")
    func abort() throws {
        let world = try world(seed: 32)
        world.loses = { flight in
            if case .timeoutNow = flight.message.body { true } else { false }
        }
        let before = try world.core(0).term
        let ticket = try world.transfer(0, to: 3)
        try world.propose(0)
        #expect(world.refusals == 1, "the target had everything, so the stop begins at once")
        try world.run(world.settings.handoverTicksMax - 1)
        #expect(world.transferOutcomes[ticket] == nil)
        try world.run(2)
        #expect(world.transferOutcomes[ticket] == .timedOut)
        try world.propose(0)
        #expect(world.refusals == 1)
        try world.converge()
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).term == before)
    }

    @Test("a target that falls silent while it catches up is given up")
    func silentTarget() throws {
        let world = try world(seed: 33)
        world.loses = { flight in
            if case .append = flight.message.body { flight.target == node(3) } else { false }
        }
        try world.propose(0, count: 3)
        let ticket = try world.transfer(0, to: 3)
        try world.run(3)
        #expect(world.transferOutcomes[ticket] == nil)
        world.crash(2)
        try world.run(world.settings.electionTicksMin + 2)
        #expect(world.transferOutcomes[ticket] == .refused(.unfit))
        #expect(try world.core(0).role == .leader)
        #expect(world.refusals == 0)
    }

    @Test("a target that never catches up is given up in time, and nothing was refused")
    func slowTarget() throws {
        let world = try world(seed: 34)
        world.loses = { flight in
            if case .append = flight.message.body { flight.target == node(3) } else { false }
        }
        try world.propose(0, count: 3)
        let ticket = try world.transfer(0, to: 3)
        for _ in 0...world.settings.transferTicksMax {
            try world.propose(0)
            try world.tick()
        }
        #expect(world.transferOutcomes[ticket] == .timedOut)
        #expect(world.refusals == 0)
        #expect(try world.core(0).role == .leader)
    }

    @Test("what cannot be done is refused, and says why")
    func refusals() throws {
        let world = try world(seed: 35, count: 4, learners: 1)
        func outcome(_ position: Int, _ target: UInt64?) throws -> TransferOutcome? {
            let ticket = try world.transfer(position, to: target)
            return world.transferOutcomes[ticket]
        }
        #expect(try outcome(1, 3) == .refused(.notLeader(hint: node(1))))
        #expect(try outcome(0, 1) == .refused(.leadsAlready))
        #expect(try outcome(0, 5) == .refused(.notVoter))
        #expect(try outcome(0, 77) == .refused(.notVoter))
        world.nodes[1].isSealed = true
        try world.turn(1, [.sealChanged(isSealed: true)])
        try world.hang(2)
        world.crash(3)
        try world.run(world.settings.electionTicksMin + 2)
        #expect(try outcome(0, 2) == .refused(.unfit), "sealed")
        #expect(try outcome(0, 3) == .refused(.unfit), "its disk is stalled")
        #expect(try outcome(0, 4) == .refused(.unfit), "silent")
        #expect(try outcome(0, nil) == .refused(.unfit), "nobody is left")
        #expect(try world.core(0).role == .leader)
    }

    @Test("one at a time")
    func underWay() throws {
        let world = try world(seed: 36)
        let first = try world.transfer(0, to: 2)
        let second = try world.transfer(0, to: 3)
        #expect(world.transferOutcomes[second] == .refused(.underWay))
        try world.run(20)
        #expect(world.transferOutcomes[first] == .done(leader: node(2)))
    }

    @Test("nobody named: the unsealed voter that has the whole log and a disk that works")
    func best() throws {
        let world = try world(seed: 37, count: 5)
        world.nodes[1].isSealed = true
        try world.turn(1, [.sealChanged(isSealed: true)])
        try world.hang(2)
        world.loses = { flight in
            if case .append = flight.message.body { flight.target == node(5) } else { false }
        }
        try world.propose(0, count: 2)
        try world.run(4)
        let ticket = try world.transfer(0)
        try world.run(10)
        #expect(world.transferOutcomes[ticket] == .done(leader: node(4)))
    }

    @Test("when all are sealed, leadership can still be moved")
    func sealedToSealed() throws {
        let world = World(seed: 38, count: 3)
        for position in 0..<3 { world.nodes[position].isSealed = true }
        try world.startAll()
        try world.requireProgress(ticksMax: 200)
        let old = try #require(world.leaderPosition)
        let target = (old + 1) % 3
        let ticket = try world.transfer(old, to: UInt64(target + 1))
        try world.run(20)
        #expect(world.transferOutcomes[ticket] == .done(leader: node(UInt64(target + 1))))
    }

    @Test("a network slower than the short stop is still no reason to refuse for ever")
    func slowNetwork() throws {
        var settings = RaftSettings()
        settings.transferRoundTicksMax = 1
        let world = try world(seed: 39, settings: settings)
        world.faults.delayTicksMax = 6
        let ticket = try world.transfer(0, to: 2)
        for _ in 0..<200 where world.transferOutcomes[ticket] == nil {
            try world.propose(0, count: 2)
            try world.tick()
        }
        #expect(world.transferOutcomes[ticket] == .done(leader: node(2)))
    }
}
