import Raft
import Replica
import Testing

@testable import Node

@Suite("cluster time")
struct ClusterTimeTests {
    private let second: UInt64 = 1_000_000_000

    private func at(_ seconds: Double) -> Moment {
        Moment(nanoseconds: Int64(seconds * 1e9))
    }

    @Test("a new vault begins with this node's clock, an old one with what it had")
    func beginning() {
        var new = ClusterTime(state: 0, wall: 500 * second, at: at(10))
        #expect(new.read(at(12), state: 0) == 502 * second)
        var old = ClusterTime(state: 400 * second, wall: 900 * second, at: at(10))
        #expect(old.read(at(12), state: 400 * second) == 402 * second)
    }

    @Test("a follower goes by each batch, also where its own clock has run ahead")
    func follower() {
        var time = ClusterTime(state: 400 * second, wall: 0, at: at(0))
        #expect(time.read(at(1), state: 400 * second) == 401 * second)
        #expect(time.read(at(2), state: 401 * second) == 401 * second, "it ran at half our speed")
        #expect(time.read(at(3), state: 401 * second) == 402 * second)
        #expect(time.read(at(3), state: 450 * second) == 450 * second)
    }

    @Test("the leader's word counts for who follows, and in a vault that has had a time")
    func told() {
        var time = ClusterTime(state: 400 * second, wall: 0, at: at(0))
        // Evaluated a second late; nothing comes after it.
        #expect(time.read(at(2), state: 401 * second) == 401 * second)
        time.told(403 * second, at(3))
        #expect(time.read(at(4), state: 401 * second) == 404 * second)
        // What was on its way longer than a batch says nothing new.
        time.told(402 * second, at(4))
        #expect(time.read(at(4), state: 401 * second) == 404 * second)
        time.lead(at(5), state: 401 * second)
        time.told(900 * second, at(5))
        #expect(time.read(at(5), state: 401 * second) == 405 * second, "a leader is told nothing")
        var new = ClusterTime(state: 0, wall: 50 * second, at: at(0))
        new.told(9_000 * second, at(1))
        #expect(new.read(at(1), state: 0) == 51 * second, "that may be a wrong clock's")
    }

    @Test("a leader's own batches, committed late, do not set it back")
    func leader() {
        var time = ClusterTime(state: 400 * second, wall: 0, at: at(0))
        time.lead(at(1), state: 400 * second)
        for step in 1...100 {
            let given = time.read(at(1 + Double(step)), state: 400 * second)
            #expect(given == (401 + UInt64(step)) * second)
            _ = time.read(at(1.9 + Double(step)), state: given)
        }
        // What an earlier leader had given counts, if it is more.
        #expect(time.read(at(102), state: 900 * second) == 900 * second)
        #expect(time.read(at(103), state: 900 * second) == 901 * second)
    }

    @Test("the time without a leader is caught up on once, and never taken back")
    func adoption() {
        var time = ClusterTime(state: 400 * second, wall: 0, at: at(0))
        time.adopt(5_000 * second, at(1), state: 400 * second)
        #expect(time.isAdopted && time.read(at(2), state: 400 * second) == 5_001 * second)
        time.lead(at(3), state: 400 * second)
        #expect(!time.isAdopted)
        time.adopt(100 * second, at(4), state: 400 * second)
        #expect(time.read(at(4), state: 400 * second) == 5_003 * second)
    }

    @Test("a new vault's first leader may have a wrong clock")
    func newVault() {
        var time = ClusterTime(state: 0, wall: 9_000 * second, at: at(0))
        time.lead(at(1), state: 0)
        time.adopt(500 * second, at(2), state: 0)
        #expect(time.read(at(3), state: 0) == 501 * second)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// This node's clock and the other voters', in seconds; nil: not heard of.
        let own: Double
        let others: [Double?]
        /// Of the median, nil: too few are known; and of what cluster time may become.
        let median: Double?
        var bound: Double?
        var isWrong = false
        var sound: [UInt64] = []
    }

    private static let cases = [
        Case(testDescription: "alone", own: 50, others: [], median: 50, bound: 50),
        Case(
            testDescription: "all alike",
            own: 50,
            others: [50, 50],
            median: 50,
            bound: 50,
            sound: [2, 3]
        ),
        Case(
            testDescription: "a little ahead",
            own: 51.5,
            others: [50, 50],
            median: 50,
            bound: 51,
            sound: [2, 3]
        ),
        Case(
            testDescription: "a little behind",
            own: 49,
            others: [50, 50],
            median: 50,
            bound: 49,
            sound: [2, 3]
        ),
        Case(
            testDescription: "far ahead",
            own: 4_000,
            others: [50, 51],
            median: 51,
            bound: 51,
            isWrong: true,
            sound: [2, 3]
        ),
        Case(
            testDescription: "far behind",
            own: 1,
            others: [50, 51],
            median: 50,
            bound: 1,
            isWrong: true,
            sound: [2, 3]
        ),
        Case(
            testDescription: "one of the others is wrong",
            own: 50,
            others: [9_000, 50],
            median: 50,
            bound: 50,
            sound: [3]
        ),
        Case(
            testDescription: "two that differ: the earlier one counts",
            own: 60,
            others: [50, nil],
            median: 50,
            bound: 50,
            isWrong: true,
            sound: [2]
        ),
        Case(testDescription: "too few", own: 50, others: [50, nil, nil, nil], median: nil),
    ]

    @Test("clocks", arguments: cases)
    func clocks(_ example: Case) {
        var walls = WallClocks()
        for (position, clock) in example.others.enumerated() {
            guard let clock else { continue }
            // Heard three seconds ago.
            walls.heard(
                UInt64((clock - 3) * 1e9),
                from: NodeID(number: UInt64(position + 2)),
                at: at(7)
            )
        }
        let standing = walls.standing(
            own: UInt64(example.own * 1e9),
            of: NodeID(number: 1),
            among: (0...example.others.count).map { NodeID(number: UInt64($0 + 1)) },
            at(10)
        )
        #expect(standing.map { Double($0.median) / 1e9 } == example.median)
        #expect(standing.map { Double($0.bound) / 1e9 } == example.bound)
        #expect((standing?.isWrong ?? false) == example.isWrong)
        #expect((standing?.sound ?? []).map(\.number) == example.sound)
    }

    @Test("a clock that was not heard of for long is not known, a learner's does not count")
    func age() {
        var walls = WallClocks()
        walls.heard(50 * second, from: NodeID(number: 2), at: at(0))
        let voters = [NodeID(number: 1), NodeID(number: 2)]
        let this = NodeID(number: 1)
        #expect(walls.standing(own: 50 * second, of: this, among: voters, at(29)) != nil)
        #expect(walls.standing(own: 50 * second, of: this, among: voters, at(30)) == nil)
        let others = [NodeID(number: 2)]
        let seen = walls.standing(own: 90 * second, of: this, among: others, at(1))
        #expect(seen?.median == 51 * second && seen?.isWrong == true)
    }
}
