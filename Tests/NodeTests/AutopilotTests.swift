import API
import Raft
import Replica
import TestSupport
import Testing

@testable import Node

/// What the leader does about members on its own.
@Suite("autopilot")
struct AutopilotTests {
    private static let rules = AutopilotRules(
        removesDead: true,
        deadSeconds: 100,
        contactMilliseconds: 400,
        trailingEntriesMax: 1_000,
        votersMin: 3
    )

    /// Voters 1 to `voters`, then one learner.
    private func configuration(voters: UInt64, awaits: Bool = true) throws -> Configuration {
        try TestSupport.voters(voters).applying(
            .add(memberDetails(voters + 1), incarnation: 5, token: nil, awaitsPromotion: awaits)
        )
    }

    private func state(
        _ number: UInt64,
        match: UInt64 = 5_000,
        quiet: Int = 0,
        isCounted: Bool = true,
        foreign: UInt64? = nil,
        level: UInt64 = 1
    ) -> MemberState {
        MemberState(
            id: NodeID(number: number),
            isSelf: number == 1,
            match: LogIndex(number: match),
            isRecentlyActive: quiet < 400,
            isCounted: isCounted,
            foreignIncarnation: foreign,
            quietMilliseconds: quiet,
            formatLevel: level
        )
    }

    private func next(
        _ configuration: Configuration,
        _ members: [MemberState],
        rules: AutopilotRules = rules
    ) -> AutopilotPlan.Step? {
        AutopilotPlan(configuration: configuration, members: members).next(rules)
    }

    @Test("a learner that waits for it is promoted once it has caught up")
    func promotion() throws {
        let configuration = try configuration(voters: 3)
        let voters = (1...3).map { state($0) }
        let promoted = AutopilotPlan.Step.promote(NodeID(number: 4), name: "n4")
        #expect(next(configuration, voters + [state(4, match: 3_976)]) == promoted)
        #expect(next(configuration, voters + [state(4, match: 3_975)]) == nil)
        #expect(next(configuration, voters + [state(4, quiet: 500)]) == nil)
        #expect(next(configuration, voters + [state(4, isCounted: false)]) == nil)
        #expect(next(configuration, voters) == nil)
    }

    @Test("a learner that is to stay one is left alone")
    func nonVoter() throws {
        let configuration = try configuration(voters: 3, awaits: false)
        #expect(next(configuration, (1...4).map { state($0) }) == nil)
    }

    @Test("a voter with a new disk is suspended, readmitted and promoted")
    func rebuilt() throws {
        var configuration = try configuration(voters: 3, awaits: false)
        let three = NodeID(number: 3)
        func members(_ third: MemberState) -> [MemberState] {
            [state(1), state(2), third, state(4)]
        }
        let lost = state(3, match: 0, isCounted: false, foreign: 99)
        #expect(next(configuration, members(lost)) == .suspend(three, name: "n3"))
        configuration = try configuration.applying(.suspend(three))
        #expect(next(configuration, members(lost)) == nil, "not while joint")
        configuration = try configuration.leavingJoint()
        let back = AutopilotPlan.Step.readmit(three, incarnation: 99, name: "n3")
        #expect(next(configuration, members(lost)) == back)
        configuration = try configuration.applying(.readmit(three, incarnation: 99))
        #expect(next(configuration, members(state(3, match: 10))) == nil)
        #expect(next(configuration, members(state(3))) == .promote(three, name: "n3"))
    }

    @Test("a format level is used once every member has said that it knows it")
    func formatLevel() throws {
        var configuration = try configuration(voters: 3, awaits: false)
        func members(_ levels: [UInt64]) -> [MemberState] {
            levels.enumerated().map { state(UInt64($0) + 1, level: $1) }
        }
        #expect(next(configuration, members([2, 2, 2, 1])) == nil, "a learner counts, too")
        #expect(next(configuration, members([2, 2, 2, 0])) == nil, "not heard yet")
        #expect(next(configuration, members([2, 2, 2])) == nil)
        #expect(next(configuration, members([3, 2, 2, 4])) == .raiseFormat(2))
        let foreign = members([2, 2, 2]) + [state(4, isCounted: false, level: 2)]
        #expect(next(configuration, foreign) == nil, "another disk than the admitted one")
        let step = AutopilotPlan.Step.raiseFormat(2)
        for change in step.changes(in: configuration) {
            configuration = try configuration.applying(change)
        }
        #expect(configuration.formatLevel == 2)
        #expect(next(configuration, members([3, 2, 2, 4])) == nil)
    }

    @Test("the dead are removed where enough voters stay and live")
    func removal() throws {
        let five = try configuration(voters: 5, awaits: false)
        let dead = 100_000
        let removed = AutopilotPlan.Step.remove(NodeID(number: 2), name: "n2")
        let rest = (3...6).map { state($0) }
        #expect(next(five, [state(1), state(2, quiet: dead)] + rest) == removed)
        #expect(next(five, [state(1), state(2, quiet: dead - 1)] + rest) == nil)
        var off = Self.rules
        off.removesDead = false
        #expect(next(five, [state(1), state(2, quiet: dead)] + rest, rules: off) == nil)
        // Three voters: one less would be fewer than the rules allow.
        let three = try configuration(voters: 3, awaits: false)
        let states = [state(1), state(2, quiet: dead), state(3), state(4)]
        #expect(next(three, states) == nil)
        // Of the four that would stay, two are not heard.
        let half = [state(1), state(2, quiet: dead), state(3, quiet: 500), state(4, quiet: 500)]
        #expect(next(five, half + [state(5), state(6)]) == nil)
        // A dead learner costs nobody a vote.
        let learner = AutopilotPlan.Step.remove(NodeID(number: 4), name: "n4")
        #expect(next(three, (1...3).map { state($0) } + [state(4, quiet: dead)]) == learner)
    }
}
