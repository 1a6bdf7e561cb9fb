import RaftLaboratory
import TestSupport
import Testing

@testable import Raft

/// A node that was admitted later, or begins anew, knows the members from others before its own
/// log does.
@Suite("told configuration")
struct ToldConfigurationTests {
    /// Revisions 0, 1 and 2: three voters, then learners 4 and 5.
    private func revisions() throws -> [Configuration] {
        let initial = voters(3)
        let first = try initial.applying(
            .add(memberDetails(4), incarnation: 7, token: nil, awaitsPromotion: true)
        )
        let second = try first.applying(
            .add(memberDetails(5), incarnation: 8, token: nil, awaitsPromotion: false)
        )
        return [initial, first, second]
    }

    private func core(_ told: Configuration, evaluated: UInt64 = 0) -> RaftCore {
        RaftCore(
            id: NodeID(number: 5),
            life: NodeLife(epoch: 0, boot: 1, incarnation: 8, mayVote: true),
            configuration: told,
            hardState: HardState(
                term: Term(number: 1),
                vote: nil,
                commit: LogIndex(number: evaluated)
            ),
            snapshotIndex: LogIndex(number: evaluated),
            snapshotTerm: Term(number: evaluated == 0 ? 0 : 1),
            entries: [],
            evaluated: LogIndex(number: evaluated),
            isSealed: true,
            settings: RaftSettings(),
            seed: 1
        )
    }

    private func append(_ bodies: [[UInt8]?], after index: UInt64) -> Input {
        let entries = bodies.enumerated().map { offset, body in
            LogEntry(
                index: LogIndex(number: index + UInt64(offset) + 1),
                term: Term(number: 1),
                kind: body == nil ? .noop : .configuration,
                body: body ?? []
            )
        }
        let append = Append(
            previousIndex: LogIndex(number: index),
            previousTerm: Term(number: index == 0 ? 0 : 1),
            commit: LogIndex(number: index),
            entries: entries
        )
        let message = Message(
            term: Term(number: 1),
            life: NodeLife(epoch: 0, boot: 1, incarnation: 0, mayVote: true),
            body: .append(append)
        )
        return .received(message, from: NodeID(number: 1))
    }

    private func body(_ configuration: Configuration) -> [UInt8] {
        ConfigurationEntry(configuration: configuration, authorisation: []).encoded()
    }

    private func alarms(_ effects: [Effect]) -> Int {
        effects.count { if case .raise = $0 { true } else { false } }
    }

    @Test("the steps that led to it are passed over, and the next one counts")
    func passedOver() throws {
        let all = try revisions()
        var core = core(all[2])
        var effects: [Effect] = []
        core.step(append([nil, body(all[1]), body(all[2]), nil], after: 0), into: &effects)
        core.endTurn(into: &effects)
        #expect(alarms(effects) == 0)
        #expect(core.lastIndex.number == 4 && core.configuration == all[2])
        let third = try all[2].applying(.remove(NodeID(number: 4)))
        core.step(append([body(third)], after: 4), into: &effects)
        core.endTurn(into: &effects)
        #expect(alarms(effects) == 0 && core.configuration == third)
    }

    @Test("what it was told must be what the log has")
    func contradicted() throws {
        let all = try revisions()
        let other = try all[1].applying(.remove(NodeID(number: 4)))
        var core = core(all[2])
        var effects: [Effect] = []
        core.step(append([nil, body(all[1]), body(other)], after: 0), into: &effects)
        #expect(alarms(effects) == 1 && core.configuration == all[2])
        #expect(core.lastIndex == .zero)
    }

    private func install(_ effects: [Effect]) -> LogIndex? {
        for case .installSnapshot(let point, _) in effects { return point.index }
        return nil
    }

    @Test("a snapshot from before it is not installed: the node would be none of the members")
    func olderSnapshot() throws {
        let all = try revisions()
        var core = core(all[2])
        let one = NodeID(number: 1)
        for (index, revision) in [(7, 1), (9, 2)] as [(UInt64, Int)] {
            let point = SnapshotPoint(
                index: LogIndex(number: index),
                term: Term(number: 1),
                configuration: all[revision]
            )
            var effects: [Effect] = []
            core.step(.snapshotArrived(point, from: one, term: Term(number: 1)), into: &effects)
            core.endTurn(into: &effects)
            #expect(alarms(effects) == 0)
            #expect(install(effects)?.number == (revision == 2 ? 9 : nil))
            #expect(core.configuration == all[2])
        }
    }

    @Test("a node with a log of its own never goes back")
    func established() throws {
        let all = try revisions()
        var core = core(all[2], evaluated: 9)
        var effects: [Effect] = []
        core.step(append([body(all[1])], after: 9), into: &effects)
        core.endTurn(into: &effects)
        #expect(core.configuration == all[2])
        let other = try all[1].applying(.remove(NodeID(number: 4)))
        core.step(append([body(other)], after: 10), into: &effects)
        #expect(alarms(effects) == 1 && core.configuration == all[2])
    }

    @Test("a node that starts again on the way there still passes over the steps")
    func startsAgain() throws {
        let all = try revisions()
        // It has applied some of the log, and none of the changes that it was told of.
        var core = core(all[2], evaluated: 9)
        var effects: [Effect] = []
        core.step(append([body(all[1]), nil, body(all[2])], after: 9), into: &effects)
        core.endTurn(into: &effects)
        #expect(alarms(effects) == 0)
        #expect(core.lastIndex.number == 12 && core.configuration == all[2])
        let third = try all[2].applying(.remove(NodeID(number: 4)))
        core.step(append([body(third)], after: 12), into: &effects)
        core.endTurn(into: &effects)
        #expect(alarms(effects) == 0 && core.configuration == third)
    }
}
