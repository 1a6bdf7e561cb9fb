import Testing

@testable import Raft
@testable import RaftLaboratory

extension World {
    /// Lets only this node campaign until it leads. Whoever led before must be down or cut off.
    func elect(_ position: Int, losingAlso: @escaping (Flight) -> Bool = { _ in false }) throws {
        let candidate = nodes[position].id
        let before = loses
        loses = { flight in
            if losingAlso(flight) { return true }
            var (body, source) = (flight.message.body, flight.source)
            if case .relayed(let relayed) = body {
                (body, source) = (relayed.message.body, relayed.origin)
            }
            switch body {
            case .preVoteRequest, .voteRequest: return source != candidate
            default: return before(flight)
            }
        }
        let isElected = try run(atMost: 300) { $0.nodes[position].core?.role == .leader }
        loses = before
        try #require(isElected)
    }

    func cut(_ position: Int, from others: [Int]) {
        for other in others where other != position {
            cuts.insert([nodes[position].id, nodes[other].id])
            cuts.insert([nodes[other].id, nodes[position].id])
        }
    }

    func core(_ position: Int) throws -> RaftCore {
        try #require(nodes[position].core)
    }

    func converge(_ ticks: Int = 300) throws {
        try #require(try run(atMost: ticks) { $0.isConverged })
    }
}

private func isAppend(_ flight: World.Flight) -> Bool {
    if case .append = flight.message.body { return true }
    return false
}

private func appendedIndexes(_ flight: World.Flight) -> [UInt64] {
    guard case .append(let append) = flight.message.body else { return [] }
    return append.entries.map { $0.index.number }
}

@Suite("scenarios: the log")
struct LogScenarioTests {
    @Test("figure 8: an entry of an old term on a majority is not committed, and can be replaced")
    func figureEight() throws {
        var settings = RaftSettings.hectic
        settings.appendEntriesMax = 1
        let world = World(seed: 8, count: 5, settings: settings)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        let base = try world.core(0).lastIndex
        let contested = base.next

        // S1 gets its entry to S2 only, and dies.
        let ids = world.nodes.map { $0.id }
        world.loses = { isAppend($0) && $0.target != ids[1] }
        try world.propose(0)
        try world.run(3)
        let oldTerm = try world.core(0).term
        world.crash(0)
        #expect(try world.core(1).term(at: contested) == oldTerm)

        // S5 leads without S2, writes the same index in a later term, and dies too.
        world.loses = { isAppend($0) }
        try world.elect(4)
        try world.run(2)
        let newTerm = try world.core(4).term
        #expect(world.nodes[4].disk.term(at: contested) == newTerm)
        world.crash(4)

        // S1 is back and brings the old entry to a majority, but nothing of its own term.
        try world.start(0)
        world.loses = { flight in appendedIndexes(flight).contains { $0 > contested.number } }
        try world.elect(0)
        try world.run(15)
        let holders = world.nodes.count { $0.disk.term(at: contested) == oldTerm }
        #expect(holders >= 3)
        #expect(try world.core(0).commitIndex == base)
        world.crash(0)

        // S5 is back with the later term, wins, and replaces it everywhere.
        world.loses = { _ in false }
        try world.start(4)
        try world.elect(4)
        try world.heal()
        try world.requireProgress(ticksMax: 300)
        #expect(world.checker.committedEntry(at: contested)?.term == newTerm)
    }

    @Test("figure 7: followers with missing, extra and foreign entries all converge")
    func figureSeven() throws {
        // The leader to be, then followers a to d of the figure and one with nothing.
        let logs: [[UInt64]] = [
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6], [1, 1, 1, 4, 4, 5, 5, 6, 6], [1, 1, 1, 4],
            [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6], [1, 1, 1, 4, 4, 4, 4],
            [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
        ]
        let world = World(seed: 7, count: 7)
        for (position, terms) in logs.enumerated() {
            world.nodes[position].disk.entries = entries(terms: terms)
            world.nodes[position].disk.hardState = HardState(
                term: term(7),
                vote: nil,
                commit: .zero
            )
        }
        try world.startAll()
        // The longer log of the same last term would refuse it.
        world.cut(3, from: Array(0..<7))
        var rejections = 0
        world.loses = { flight in
            if case .appendResponse(let response) = flight.message.body,
                case .rejected = response.outcome
            {
                rejections += 1
            }
            return false
        }
        try world.elect(0)
        world.cuts = []
        try world.converge()
        try world.requireEqualLogs()
        #expect(world.checker.committedCount >= 11)
        // Whole terms are skipped: far fewer questions than entries that differ.
        #expect(rejections <= 16)
    }

    @Test("a follower left behind the compacted log gets a snapshot, then follows")
    func snapshotAfterCompaction() throws {
        let world = World(seed: 3, count: 3)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.crash(2)
        for _ in 0..<30 {
            try world.propose(0)
            try world.run(2)
        }
        try world.compact(0, keeping: 2)
        try world.compact(1, keeping: 2)
        #expect(try world.core(0).firstIndex > world.nodes[2].disk.lastIndex.next)
        try world.start(2)
        try world.converge()
        #expect(world.checker.snapshotsInstalled == 1)
        #expect(try world.core(2).snapshotIndex > .zero)
        try world.requireProgress(ticksMax: 100)
    }

    @Test("a follower that dies while it installs a snapshot gets another one")
    func snapshotLostInCrash() throws {
        let world = World(seed: 4, count: 3)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.crash(2)
        for _ in 0..<10 {
            try world.propose(0)
            try world.run(2)
        }
        try world.compact(0, keeping: 0)
        try world.start(2)
        // Its disk takes its time: the snapshot arrives but is not installed.
        world.faults.diskSpeed = 0
        #expect(try world.run(atMost: 100) { $0.checker.snapshotsInstalled == 1 })
        world.crash(2)
        world.faults.diskSpeed = 100
        try world.start(2)
        try world.converge()
        #expect(world.checker.snapshotsInstalled == 2)
    }

    @Test("the last append is lost: it is sent again although nothing follows it")
    func lostLastAppend() throws {
        let world = World(seed: 5, count: 3)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.loses = { isAppend($0) }
        try world.propose(0, count: 2)
        try world.run(2)
        world.loses = { _ in false }
        try world.converge(40)
        #expect(try world.core(2).lastIndex == world.core(0).lastIndex)
    }

    @Test("answers to appends are lost: heartbeats say the same")
    func lostAnswers() throws {
        let world = World(seed: 6, count: 3)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        world.loses = { flight in
            if case .appendResponse = flight.message.body { return true }
            return false
        }
        try world.propose(0)
        let last = try world.core(0).lastIndex
        #expect(try world.run(atMost: 20) { $0.checker.committedIndex == last })
    }

    @Test("a restarted follower commits again without a new proposal")
    func restartedFollower() throws {
        let world = World(seed: 9, count: 3)
        try world.startAll()
        try world.elect(0)
        try world.propose(0, count: 3)
        try world.converge()
        world.crash(1)
        try world.start(1)
        #expect(try world.core(1).commitIndex < world.core(0).commitIndex)
        try world.converge(30)
    }
}
