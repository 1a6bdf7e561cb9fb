import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("scenarios: read leases")
struct LeaseScenarioTests {
    /// Node 1 leads with a lease; all clocks are right unless a test says otherwise.
    private func world(
        seed: UInt64,
        count: Int = 3,
        change: (inout ReadLeaseSettings) -> Void = { _ in }
    ) throws -> World {
        var settings = RaftSettings.leasing(driftPPM: 100_000)
        if var lease = settings.readLease {
            change(&lease)
            settings.readLease = lease
        }
        let world = World(seed: seed, count: count, settings: settings)
        world.clocks = world.nodes.indices.map {
            SimClock(startingAt: UInt64($0 + 1) * 1_000_000_000, driftPPM: 0)
        }
        try world.startAll()
        try world.elect(0)
        try world.converge()
        try world.run(2 * settings.heartbeatTicks)
        return world
    }

    private func cut(_ world: World, _ a: Int, _ b: Int) {
        world.cuts.insert([world.nodes[a].id, world.nodes[b].id])
        world.cuts.insert([world.nodes[b].id, world.nodes[a].id])
    }

    private func leaseEnd(_ world: World) throws -> UInt64 {
        try #require(try world.core(0).leaseEnd)
    }

    @Test("a read under a lease is answered in its turn and costs no message")
    func noMessages() throws {
        let world = try world(seed: 61)
        var sent = 0
        world.loses = { _ in
            sent += 1
            return false
        }
        try world.read(0, count: 500)
        #expect(world.nodes[0].reads.isEmpty)
        #expect(world.checker.readsServed == 500)
        #expect(sent == 0)
        #expect(try world.core(0).readCounters.leased == 500)
        #expect(try world.core(0).readCounters.rounds == 0)
    }

    @Test("a follower's reads cost one question and one answer")
    func followerReads() throws {
        let world = try world(seed: 62)
        var kinds: [String] = []
        world.loses = { flight in
            switch flight.message.body {
            case .readIndexRequest: kinds.append("question")
            case .readIndexResponse: kinds.append("answer")
            default: kinds.append("other")
            }
            return false
        }
        try world.read(1, count: 300)
        try world.run(3)
        #expect(world.checker.readsServed == 300)
        #expect(kinds == ["question", "answer"])
        #expect(try world.core(0).readCounters.batchesLeased == 1)
    }

    @Test("who must not trust a lease gets a round")
    func mustConfirm() throws {
        let world = try world(seed: 63)
        let ticket = ReadTicket(number: 900_000)
        world.nodes[0].reads[ticket] = world.checker.committedIndex
        try world.turn(0, [.readRequested([ticket], mustConfirm: true)])
        #expect(world.nodes[0].reads.count == 1)
        try world.run(4)
        #expect(world.nodes[0].reads.isEmpty)
        #expect(try world.core(0).readCounters.rounds == 1)
        #expect(try world.core(0).readCounters.confirmed == 1)
    }

    @Test("cut off, a leader reads until its lease ends, by its clock, and not a tick longer")
    func leaseEnds() throws {
        let world = try world(seed: 64)
        let end = try leaseEnd(world)
        cut(world, 0, 1)
        cut(world, 0, 2)
        var last: UInt64 = 0
        for _ in 0..<120 {
            try world.tick()
            let before = world.checker.readsServed
            try world.read(0)
            if world.checker.readsServed > before { last = world.clocks[0].reading }
        }
        // Answers to heartbeats that were under way may have moved it a little.
        #expect(last >= end - 10_000_000)
        #expect(last <= end + 2 * 10_000_000)
        #expect(world.clocks[0].reading > end + 100_000_000)
    }

    @Test("a leader that has not committed in its term has no lease, whatever it was promised")
    func ownTermFirst() throws {
        let world = try world(seed: 65)
        try world.propose(0, count: 2)
        try world.converge()
        world.crash(0)
        world.loses = { flight in
            if case .append = flight.message.body { return true }
            return false
        }
        try #require(try world.run(atMost: 500) { $0.leaderPosition != nil })
        try world.run(30)
        let position = try #require(world.leaderPosition)
        #expect(try world.core(position).leaseEnd == nil)
        try world.read(position)
        #expect(world.nodes[position].reads.count == 1)
        world.loses = { _ in false }
        #expect(try world.run(atMost: 60) { $0.nodes[position].reads.isEmpty })
    }

    @Test("a leader that was stopped asks again before it believes in its lease")
    func pause() throws {
        let world = try world(seed: 66)
        // Short: by the clock alone the lease would go on.
        world.frozen[node(1)] = world.now + 5
        try world.run(6)
        #expect(world.clocks[0].reading < (try leaseEndIgnoringPause(world)))
        try world.read(0)
        #expect(world.nodes[0].reads.count == 1, "no lease, so a round")
        try world.run(4)
        #expect(world.nodes[0].reads.isEmpty)
        try world.read(0)
        #expect(world.nodes[0].reads.isEmpty, "the round renewed the lease")
    }

    private func leaseEndIgnoringPause(_ world: World) throws -> UInt64 {
        let sentAt = try #require(try world.core(0).leadership?.lease.lastSentAt)
        return sentAt + 700_000_000
    }

    // MARK: Voters

    @Test("a bound voter votes for nobody: not on a reset link, not for a transfer, not for itself")
    func bound() throws {
        let world = try world(seed: 67)
        var core = try world.core(1)
        var effects: [Effect] = []
        core.step(.linkReset(node(1)), into: &effects)
        let fresh = VoteRequest(lastIndex: index(50), lastTerm: core.term, isTransfer: true)
        let later = core.term.next
        #expect(core.isLeaseBound)
        effects = []
        core.step(
            .received(Message(term: core.term, body: .preVoteRequest(fresh)), from: node(3)),
            into: &effects
        )
        #expect(answers(effects) == [.preVoteResponse(no(later))])
        for isTransfer in [false, true] {
            let request = VoteRequest(
                lastIndex: index(50),
                lastTerm: core.term,
                isTransfer: isTransfer
            )
            effects = []
            core.step(
                .received(Message(term: later, body: .voteRequest(request)), from: node(3)),
                into: &effects
            )
            core.endTurn(into: &effects)
            #expect(effects.isEmpty, "not even the term is taken over")
        }
        core.step(
            .received(Message(term: core.term, body: .timeoutNow), from: node(1)),
            into: &effects
        )
        for _ in 0..<20 { core.step(.tick, into: &effects) }
        #expect(core.role == .follower, "neither told to, nor after a reset")
        // The moment the promise is over, all of it is as ever.
        core.step(.clock(core.leaseBoundUntil), into: &effects)
        #expect(!core.isLeaseBound)
        effects = []
        core.step(
            .received(Message(term: later, body: .voteRequest(fresh)), from: node(3)),
            into: &effects
        )
        core.endTurn(into: &effects)
        #expect(answers(effects).contains(.voteResponse(isGranted: true)))
    }

    private func no(_ term: Term) -> PreVoteResponse {
        PreVoteResponse(proposedTerm: term, isGranted: false)
    }

    private func answers(_ effects: [Effect]) -> [MessageBody] {
        effects.compactMap { if case .send(let message, _, _) = $0 { message.body } else { nil } }
    }

    /// Node 3 has not heard the leader for long and would win at once if node 2, which promised to
    /// keep still, forgot about it in a restart.
    private func restartStory(_ world: World) throws {
        // Not through node 1 either, or node 2 would have promised as well.
        cut(world, 0, 2)
        cut(world, 1, 2)
        try world.run(130)
        world.cuts = []
        cut(world, 0, 2)
        cut(world, 0, 1)
        world.crash(1, keepingJobs: 9)
        try world.start(1)
        for _ in 0..<75 {
            for position in 1...2 where world.nodes[position].core?.role == .leader {
                try world.propose(position)
            }
            try world.read(0)
            try world.tick()
        }
    }

    @Test("a voter that starts keeps still for as long as it may have promised")
    func restart() throws {
        let world = try world(seed: 68)
        try restartStory(world)
        #expect(world.leasedReads > 50)
        world.cuts = []
        try world.requireProgress(ticksMax: 600)
    }

    @Test("planted: a voter that forgets its promise in a restart is caught")
    func forgetfulVoter() throws {
        let world = try world(seed: 68) { $0.keepsStillAtStart = false }
        #expect(throws: Violation.self) { try restartStory(world) }
    }

    // MARK: Handover

    @Test("before a handover the promises run out; writes and reads go on meanwhile")
    func handover() throws {
        let world = try world(seed: 69)
        world.nodes[0].isSealed = true
        try world.turn(0, [.sealChanged(isSealed: true)])
        var refusedTicks = 0
        var ticks = 0
        while world.nodes[0].core?.role == .leader {
            let before = try world.core(0).lastIndex
            try world.propose(0)
            if try world.core(0).lastIndex == before { refusedTicks += 1 }
            try world.read(0)
            try world.tick()
            ticks += 1
            try #require(ticks < 300)
        }
        #expect(try world.core(0).leaseEnd == nil)
        #expect(ticks > 100, "nobody votes while a promise runs")
        #expect(refusedTicks < 12, "the wait costs no write")
        try world.requireProgress(ticksMax: 400)
    }

    // MARK: Settings that differ

    @Test("a voter without leases raises an alarm, once, and its answers make no lease")
    func mixedSettings() throws {
        var core = makeCore(2, settings: RaftSettings())
        var effects: [Effect] = []
        core.step(.clock(1), into: &effects)
        for round in 1...3 as ClosedRange<UInt64> {
            let heartbeat = Heartbeat(commit: .zero, round: round, promise: 400_000_000)
            core.step(
                .received(Message(term: term(1), body: .heartbeat(heartbeat)), from: node(1)),
                into: &effects
            )
            core.endTurn(into: &effects)
        }
        #expect(effects.filter { $0 == .raise(.leaseMismatch(node(1))) }.count == 1)
        let promised = answers(effects).map { body in
            if case .heartbeatResponse(let response) = body { response.isPromised } else { false }
        }
        #expect(promised == [false, false, false])
        #expect(!core.isLeaseBound)
    }

    @Test("a promise for longer than this node is set to is not given")
    func tooLong() throws {
        var settings = RaftSettings()
        settings.readLease = ReadLeaseSettings()
        var core = makeCore(2, settings: settings)
        var effects: [Effect] = []
        core.step(.clock(1), into: &effects)
        core.step(.clock(1_000_000_000), into: &effects)
        #expect(!core.isLeaseBound)
        let heartbeat = Heartbeat(commit: .zero, round: 1, promise: .max)
        core.step(
            .received(Message(term: term(1), body: .heartbeat(heartbeat)), from: node(1)),
            into: &effects
        )
        #expect(effects.contains(.raise(.leaseMismatch(node(1)))))
        #expect(!core.isLeaseBound)
    }

    // MARK: The driver's clock

    /// A driver that reads the clock first and is stopped before it takes its inputs breaks the
    /// core's contract: the lease was good then, and is not now. What saves the read is that
    /// whoever uses it looks at the clock once more.
    private func stoppedBetweenClockAndInputs(isHeeded: Bool) throws -> Bool {
        let world = try world(seed: 70)
        let stopped = world.clocks[0]
        world.frozen[node(1)] = world.now + 240
        for _ in 0..<240 {
            for position in 1...2 where world.nodes[position].core?.role == .leader {
                try world.propose(position)
            }
            try world.tick()
        }
        let now = world.clocks[0].reading
        var isRefused = false
        world.onRead = { world, position, ticket, _, until in
            guard isHeeded, let until, now >= until else { return }
            isRefused = true
            throw CancellationError()
        }
        world.frozen = [:]
        world.clocks[0] = stopped
        do {
            try world.read(0)
        } catch is CancellationError {}
        return isRefused
    }

    @Test("a clock read too early is caught by the look at the end")
    func lookAtTheEnd() throws {
        #expect(try stoppedBetweenClockAndInputs(isHeeded: true))
    }

    @Test("planted: without the look at the end that read is stale")
    func noLookAtTheEnd() throws {
        #expect(throws: Violation.self) { try stoppedBetweenClockAndInputs(isHeeded: false) }
    }
}
