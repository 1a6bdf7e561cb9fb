import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("a disk without room")
struct RoomTests {
    private func world(seed: UInt64) throws -> World {
        let world = World(seed: seed, count: 3, learners: 0, settings: .hectic)
        try world.startAll()
        try world.elect(0)
        try world.converge()
        return world
    }

    @Test("its leader hands over to the voter that has room", arguments: UInt64(0)..<20)
    func handsOver(seed: UInt64) throws {
        let world = try world(seed: 900 + seed)
        try world.turn(1, [.roomChanged(isShort: true)])
        try world.run(30)
        let before = try world.core(0).term
        try world.turn(0, [.roomChanged(isShort: true)])
        try world.run(40)
        #expect(try world.core(2).role == .leader)
        #expect(try world.core(2).term == before.next, "one election, and no second one")
        try world.converge()
    }

    @Test("where nobody has room the leader stays")
    func nobodyHasRoom() throws {
        let world = try world(seed: 950)
        for position in [1, 2, 0] {
            try world.turn(position, [.roomChanged(isShort: true)])
            try world.run(30)
        }
        let before = try world.core(0).term
        try world.run(1_000)
        #expect(try world.core(0).role == .leader)
        #expect(try world.core(0).term == before)
    }

    @Test("it stays until a follower says that it has room again, then gives way")
    func roomReturns() throws {
        let world = try world(seed: 951)
        for position in [1, 2, 0] {
            try world.turn(position, [.roomChanged(isShort: true)])
            try world.run(30)
        }
        try world.turn(1, [.roomChanged(isShort: false)])
        try world.run(2 * RaftSettings.hectic.handoverIntervalTicks)
        #expect(try world.core(1).role == .leader)
    }

    @Test("a node without room campaigns after all others")
    func campaignsLast() {
        var hand = Hand(core: makeCore())
        let settings = hand.core.settings
        _ = hand.turn(.roomChanged(isShort: true))
        for _ in 0..<settings.electionTicksMin + settings.stalledPenaltyTicks - 1 {
            _ = hand.turn(.tick)
            #expect(hand.core.role == .follower)
        }
        for _ in 0...settings.electionTicksMax { _ = hand.turn(.tick) }
        #expect(hand.core.role == .preCandidate)
    }
}
