import Testing
import Wire

@testable import Raft
@testable import RaftLaboratory

/// Who reaches whom, both ways, by position.
struct Graph: Sendable {
    let count: Int
    let edges: Set<[Int]>

    static func pairs(_ count: Int) -> [[Int]] {
        (0..<count).flatMap { low in (low + 1..<count).map { [low, $0] } }
    }

    /// All connected ones with labelled nodes: 4 on three nodes, 38 on four, 728 on five.
    static func connected(_ count: Int) -> [Graph] {
        let pairs = pairs(count)
        return (0..<1 << pairs.count).compactMap { bits in
            let edges = Set(pairs.indices.filter { bits >> $0 & 1 == 1 }.map { pairs[$0] })
            let graph = Graph(count: count, edges: edges)
            return graph.isConnected ? graph : nil
        }
    }

    private var isConnected: Bool {
        var reached: Set<Int> = [0]
        for _ in 0..<count {
            for edge in edges where edge.contains(where: reached.contains) {
                reached.formUnion(edge)
            }
        }
        return reached.count == count
    }

    func has(_ a: Int, _ b: Int) -> Bool { edges.contains([min(a, b), max(a, b)]) }
}

@Suite("relay through a common peer")
struct RelayTests {
    /// A led cluster; `stale` missed the last entries. Then only the links of `graph` are left,
    /// and `extra` one way.
    private func world(
        _ graph: Graph,
        seed: UInt64,
        leader: Int,
        stale: Int? = nil,
        extra: [Int]? = nil,
        settings: RaftSettings = .hectic
    ) throws -> World {
        let world = World(seed: seed, count: graph.count, settings: settings)
        try world.startAll()
        try world.elect(leader)
        try world.converge()
        if let stale, stale != leader {
            world.cut(stale, from: (0..<graph.count).filter { $0 != stale })
            try world.propose(leader, count: 2)
            try world.run(4)
        }
        world.cuts = []
        for source in 0..<graph.count {
            for target in 0..<graph.count
            where source != target && !graph.has(source, target) && extra != [source, target] {
                world.cuts.insert([node(UInt64(source + 1)), node(UInt64(target + 1))])
            }
        }
        return world
    }

    /// Whether a proposal commits that came after the cuts, within ten election time-outs.
    private func makesProgress(_ world: World) throws -> Bool {
        let before = world.accepted.count
        let committed = world.checker.committedIndex
        return try world.run(atMost: world.settings.electionTicksMax * 10) { world in
            if let position = world.leaderPosition { _ = try? world.propose(position) }
            return world.accepted.count > before
                && world.checker.committedIndex.number > committed.number + 2
        }
    }

    @Test("every connected network of three and four nodes makes progress", arguments: [3, 4])
    func small(count: Int) throws {
        let graphs = Graph.connected(count)
        #expect(graphs.count == (count == 3 ? 4 : 38))
        for (number, graph) in graphs.enumerated() {
            for leader in 0..<count {
                let world = try world(
                    graph,
                    seed: UInt64(7_000 + number),
                    leader: leader,
                    stale: (leader + 1 + number) % count
                )
                #expect(try makesProgress(world), "\(graph.edges) under \(leader)")
            }
        }
    }

    @Test("connected networks of five nodes make progress", arguments: 0..<4)
    func five(part: Int) throws {
        let graphs = Graph.connected(5)
        #expect(graphs.count == 728)
        for number in stride(from: part * 7, to: graphs.count, by: 28) {
            let world = try world(
                graphs[number],
                seed: UInt64(8_000 + number),
                leader: number % 5,
                stale: (number / 5) % 5
            )
            #expect(try makesProgress(world), "\(graphs[number].edges) under \(number % 5)")
        }
    }

    @Test("a link that works one way only does no harm to a network of four")
    func oneWay() throws {
        for (number, graph) in Graph.connected(4).enumerated() {
            for pair in Graph.pairs(4) where !graph.has(pair[0], pair[1]) {
                for extra in [pair, [pair[1], pair[0]]] {
                    let world = try world(
                        graph,
                        seed: UInt64(9_000 + number),
                        leader: number % 4,
                        extra: extra
                    )
                    #expect(try makesProgress(world), "\(graph.edges) and \(extra)")
                }
            }
        }
    }

    /// Node 1 in the middle of five, the leader outside.
    private static let star = Graph(count: 5, edges: [[0, 1], [0, 2], [0, 3], [0, 4]])

    @Test("quorum loss: a leader that reaches only the middle commits, and hands over to it")
    func quorumLoss() throws {
        let world = try world(Self.star, seed: 51, leader: 4, settings: RaftSettings())
        let before = try world.core(4).term
        #expect(try makesProgress(world))
        try world.run(world.settings.electionTicksMax * 3)
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).term == before.next, "one handover, and no election besides")
        for position in 1..<5 { #expect(try world.core(position).leader == node(1)) }
        try world.run(world.settings.handoverIntervalTicks * 2)
        #expect(try world.core(0).term == before.next, "leadership does not wander")
        try world.heal()
        try world.requireProgress(ticksMax: 300)
    }

    @Test("constrained election: only a node with an old log reaches a majority")
    func constrainedElection() throws {
        var edges = Self.star.edges
        edges.remove([0, 4])
        let world = try world(
            Graph(count: 5, edges: edges),
            seed: 52,
            leader: 4,
            stale: 0
        )
        #expect(try makesProgress(world))
        #expect(world.leaderPosition != 4)
    }

    @Test("chained: the far end follows through the middle")
    func chained() throws {
        let world = try world(Graph(count: 3, edges: [[0, 1], [1, 2]]), seed: 53, leader: 0)
        #expect(try makesProgress(world))
        try world.run(30)
        #expect(try world.core(2).leader == node(1))
        #expect(try world.core(2).commitIndex.number > 1)
        try world.read(2)
        try world.run(10)
        #expect(world.nodes[2].reads.isEmpty)
        #expect(world.checker.readsServed == 1)
    }

    @Test("without relays the middle of the star is lost")
    func withoutRelays() throws {
        var settings = RaftSettings.hectic
        settings.relayAfterTicks = 100_000
        var edges = Self.star.edges
        edges.remove([0, 4])
        let world = try world(
            Graph(count: 5, edges: edges),
            seed: 52,
            leader: 4,
            stale: 0,
            settings: settings
        )
        #expect(try !makesProgress(world))
    }

    @Test("nothing is relayed while all links work, and little for a member that is gone")
    func noAmplification() throws {
        let world = World(seed: 54, count: 5, settings: RaftSettings())
        try world.startAll()
        try world.elect(0)
        try world.converge()
        var relayed = 0
        world.loses = { flight in
            if case .relayed = flight.message.body { relayed += 1 }
            return false
        }
        for _ in 0..<200 {
            try world.propose(0)
            try world.tick()
        }
        #expect(relayed == 0)
        world.crash(4)
        try world.run(1_000)
        // Three tries at once, then one in each election time-out, each sent and passed on.
        #expect(relayed > 0)
        #expect(relayed <= 2 * (3 + 1_000 / world.settings.electionTicksMin + 1))
    }

    // MARK: Rules

    private func relay(_ origin: UInt64, _ target: UInt64, bytes: Int = 0) -> Message {
        let entry = LogEntry(
            index: index(1),
            term: term(1),
            kind: .batch,
            body: [UInt8](repeating: 1, count: bytes)
        )
        let append = Append(
            previousIndex: .zero,
            previousTerm: .zero,
            commit: .zero,
            entries: [entry]
        )
        let message = Message(term: term(1), body: .append(append))
        let relayed = Relayed(origin: node(origin), target: node(target), message: message)
        return Message(term: term(1), body: .relayed(relayed))
    }

    @Test("passes on what a member says itself, once, to a member, and changes nothing here")
    func passesOn() {
        var hand = Hand(core: makeCore(1, of: 4))
        let passed = hand.turn(.received(relay(2, 3), from: node(2)))
        guard case .send(let message, to: let target, after: nil) = passed.first else {
            return #expect(Bool(false), "\(passed)")
        }
        #expect(target == node(3))
        #expect(message.body == relay(2, 3).body)
        #expect(passed.count == 1)
        #expect(hand.core.term == .zero)
        #expect(hand.turn(.received(relay(2, 3), from: node(4))).isEmpty, "not its origin")
        #expect(hand.turn(.received(relay(2, 9), from: node(2))).isEmpty, "not a member")
        #expect(hand.turn(.received(relay(2, 1), from: node(2))).isEmpty, "no relay at all")
        let nested = Relayed(origin: node(2), target: node(3), message: relay(2, 3))
        let twice = Message(term: term(1), body: .relayed(nested))
        #expect(hand.turn(.received(twice, from: node(2))).isEmpty, "a relay within a relay")
    }

    @Test("passes on a bounded number of bytes in a tick, and leaves room for votes")
    func bounded() {
        var hand = Hand(core: makeCore(1, of: 4))
        let large = relay(2, 3, bytes: 3 << 20)
        let question = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: false)
        let small = passing(Message(term: .zero, body: .preVoteRequest(question)))
        #expect(hand.turn(.received(large, from: node(2))).count == 1)
        #expect(hand.turn(.received(large, from: node(2))).isEmpty)
        #expect(hand.turn(.received(small, from: node(4))).isEmpty, "not its origin")
        #expect(hand.turn(.received(small, from: node(2))).count == 1)
        for _ in 0..<(3 << 20) / hand.core.settings.relayBytesPerTick + 1 {
            _ = hand.turn(.tick)
        }
        #expect(hand.turn(.received(large, from: node(2))).count == 1)
        var passed = 0
        for _ in 0..<20_000 {
            passed += hand.turn(.received(small, from: node(2))).count
        }
        let most = hand.core.settings.relayBurstBytesMax / Limits.relayedOverheadBytes
        #expect((most / 3...most).contains(passed), "small ones are bounded in number")
    }

    private func passing(_ message: Message, from origin: UInt64 = 2) -> Message {
        let relayed = Relayed(origin: node(origin), target: node(3), message: message)
        return Message(term: .zero, body: .relayed(relayed))
    }

    @Test("an answer goes back the way the question came")
    func sameWay() {
        var hand = Hand(core: makeCore(1, of: 4))
        let request = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: false)
        let question = Message(term: .zero, body: .preVoteRequest(request))
        let relayed = Relayed(origin: node(3), target: node(1), message: question)
        let effects = hand.turn(
            .received(Message(term: .zero, body: .relayed(relayed)), from: node(2))
        )
        guard case .send(let message, to: let target, after: nil) = effects.first,
            case .relayed(let answer) = message.body
        else { return #expect(Bool(false), "\(effects)") }
        #expect(target == node(2))
        #expect(answer.origin == node(1) && answer.target == node(3))
    }

    @Test("a relayed message survives its encoding; one within another does not")
    func codec() throws {
        let message = relay(2, 3, bytes: 10)
        var writer = ByteWriter(capacity: 64)
        message.encode(into: &writer)
        var reader = ByteReader(writer.bytes)
        #expect(try Message(from: &reader) == message)
        #expect(message.channel == .data)
        let nested = Relayed(origin: node(2), target: node(3), message: message)
        var second = ByteWriter(capacity: 64)
        Message(term: term(1), body: .relayed(nested)).encode(into: &second)
        #expect(throws: WireError.self) {
            var reader = ByteReader(second.bytes)
            _ = try Message(from: &reader)
        }
    }
}
