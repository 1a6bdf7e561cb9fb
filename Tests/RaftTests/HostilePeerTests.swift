import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

/// Draws messages that look plausible to a given core, and are not.
private struct Liar {
    var random: Seeded

    mutating func number(near value: UInt64) -> UInt64 {
        switch random.below(12) {
        case 0: 0
        case 1: UInt64.max
        case 2: 1 << 62
        case 3: (1 << 62) + 1
        default: value &+ UInt64(random.below(9)) &- UInt64(min(value, 4))
        }
    }

    /// One in eight pretends to have been relayed; some of those claim strange origins.
    mutating func message(for core: RaftCore) -> Message {
        let plain = Message(
            term: Term(number: number(near: core.term.number)),
            body: body(for: core)
        )
        guard random.chance(1, of: 8) else { return plain }
        let relayed = Relayed(
            origin: node(UInt64(random.below(5))),
            target: random.chance(3, of: 4) ? core.id : node(UInt64(random.below(5))),
            message: plain
        )
        return Message(term: Term(number: number(near: 0)), body: .relayed(relayed))
    }

    private mutating func body(for core: RaftCore) -> MessageBody {
        let isTrue = random.chance(1, of: 2)
        switch random.below(12) {
        case 0: return .preVoteRequest(vote(for: core))
        case 1:
            return .preVoteResponse(
                PreVoteResponse(
                    proposedTerm: Term(number: number(near: core.term.number)),
                    isGranted: isTrue
                )
            )
        case 2: return .voteRequest(vote(for: core))
        case 3: return .voteResponse(isGranted: isTrue)
        case 4, 5: return .append(append(for: core))
        case 6: return .appendResponse(response(for: core))
        case 7: return .heartbeat(Heartbeat(commit: position(core), round: number(near: 1)))
        case 8:
            return .heartbeatResponse(
                HeartbeatResponse(
                    round: number(near: 1),
                    received: position(core),
                    durable: position(core),
                    isSealed: isTrue,
                    isDiskStalled: isTrue,
                    formatLevel: 1
                )
            )
        case 9: return isTrue ? .commitNotice(position(core)) : .timeoutNow
        case 10: return .readIndexRequest(ReadBatch(number: number(near: 1)))
        default:
            let index = isTrue ? position(core) : nil
            return .readIndexResponse(
                ReadIndexResponse(batch: ReadBatch(number: number(near: 1)), index: index)
            )
        }
    }

    private mutating func position(_ core: RaftCore) -> LogIndex {
        let anchors = [core.lastIndex, core.commitIndex, core.snapshotIndex]
        return LogIndex(number: number(near: anchors[random.below(3)].number))
    }

    private mutating func vote(for core: RaftCore) -> VoteRequest {
        VoteRequest(
            lastIndex: position(core),
            lastTerm: Term(number: number(near: core.term.number)),
            isTransfer: random.chance(1, of: 3)
        )
    }

    private mutating func append(for core: RaftCore) -> Append {
        let previous = position(core)
        let claimed = random.chance(2, of: 3) ? core.term(at: previous) : nil
        let isConsecutive = random.chance(5, of: 6)
        var entryTerm = core.term(at: previous)?.number ?? 0
        var entries: [LogEntry] = []
        for offset in 0..<UInt64(random.below(5)) {
            entryTerm = random.chance(5, of: 6) ? entryTerm + UInt64(random.below(2)) : 0
            entries.append(
                LogEntry(
                    index: LogIndex(number: previous.number &+ (isConsecutive ? offset &+ 1 : 0)),
                    term: Term(number: entryTerm),
                    kind: EntryKind(rawValue: UInt8(random.below(3))) ?? .noop,
                    body: [UInt8(random.below(256))]
                )
            )
        }
        return Append(
            previousIndex: previous,
            previousTerm: claimed ?? Term(number: number(near: core.term.number)),
            commit: position(core),
            entries: entries
        )
    }

    private mutating func response(for core: RaftCore) -> AppendResponse {
        let outcome: AppendResponse.Outcome =
            random.chance(1, of: 2)
            ? .accepted(through: position(core))
            : .rejected(
                previous: position(core),
                hintIndex: position(core),
                hintTerm: Term(number: number(near: core.term.number))
            )
        return AppendResponse(outcome: outcome, isSealed: random.chance(1, of: 2))
    }

    mutating func snapshot(for core: RaftCore) -> Input {
        let point = SnapshotPoint(
            index: position(core),
            term: Term(number: number(near: core.term.number)),
            configuration: cluster(3)
        )
        let leaderTerm = Term(number: number(near: core.term.number))
        return .snapshotArrived(point, from: node(UInt64(random.below(5))), term: leaderTerm)
    }
}

@Suite("hostile peers")
struct HostilePeerTests {
    @Test("20,000 lies to nodes in every state trap nothing", arguments: UInt64(0)..<20)
    func lies(seed: UInt64) throws {
        var liar = Liar(random: Seeded(seed))
        let world = World(seed: 9_000 + seed, count: 3)
        try world.startAll()
        var alarms = 0
        var told = 0
        while told < 1_000 {
            try world.chaos(ticks: 5)
            for node in world.nodes {
                guard let core = node.core else { continue }
                // The world goes on undisturbed: the lies are told to a copy.
                alarms += deceive(core, with: &liar, times: 25)
                told += 25
            }
        }
        #expect(alarms > 0)
    }

    /// A sequence of lies to one core, with time and disk going on.
    private func deceive(_ honest: RaftCore, with liar: inout Liar, times: Int) -> Int {
        var core = honest
        var alarms = 0
        for _ in 0..<times {
            var effects: [Effect] = []
            let commit = core.commitIndex
            let peer = node(UInt64(liar.random.below(5)))
            core.step(.received(liar.message(for: core), from: peer), into: &effects)
            if liar.random.chance(1, of: 10) {
                core.step(liar.snapshot(for: core), into: &effects)
            }
            if liar.random.chance(1, of: 4) {
                core.step(.tick, into: &effects)
            }
            if liar.random.chance(1, of: 5) {
                core.step(.readRequested([ReadTicket(number: 1)]), into: &effects)
            }
            if liar.random.chance(1, of: 3) {
                core.endTurn(into: &effects)
                core.step(.durable(core.newestToken), into: &effects)
            }
            alarms += effects.count { effect in
                if case .raise = effect { return true }
                return false
            }
            #expect(core.commitIndex >= commit)
            #expect(core.commitIndex <= core.lastIndex)
            #expect(core.term <= Limits.termMax)
        }
        return alarms
    }

    @Test("nobody speaks in this node's own name")
    func ownName() {
        var core = makeCore()
        var effects: [Effect] = []
        let heartbeat = Message(
            term: term(9),
            body: .heartbeat(Heartbeat(commit: .zero, round: 0))
        )
        core.step(.received(heartbeat, from: node(1)), into: &effects)
        #expect(effects == [.raise(.ownName(node(1)))])
        #expect(core.term == .zero)
    }

    @Test("a leader that is not known yet is followed; a stranger's answer means nothing")
    func stranger() {
        var core = makeCore()
        var effects: [Effect] = []
        let answer = Message(term: term(99), body: .voteResponse(isGranted: true))
        core.step(.received(answer, from: node(77)), into: &effects)
        #expect(effects.isEmpty && core.term == .zero)
        let heartbeat = Message(
            term: term(9),
            body: .heartbeat(Heartbeat(commit: .zero, round: 0))
        )
        core.step(.received(heartbeat, from: node(77)), into: &effects)
        #expect(core.term == term(9) && core.leader == node(77))
    }

    @Test("a second leader of a term is not followed")
    func secondLeader() {
        var core = makeCore()
        var effects: [Effect] = []
        let heartbeat = Message(
            term: term(9),
            body: .heartbeat(Heartbeat(commit: .zero, round: 0))
        )
        core.step(.received(heartbeat, from: node(2)), into: &effects)
        effects = []
        core.step(.received(heartbeat, from: node(3)), into: &effects)
        #expect(effects == [.raise(.secondLeader(node(3), term: term(9)))])
        #expect(core.leader == node(2))
    }

    @Test("a committed entry is never replaced")
    func committedConflict() {
        let state = HardState(term: term(2), vote: nil, commit: index(2))
        var core = makeCore(hardState: state, entries: entries(terms: [1, 1, 2]))
        var effects: [Effect] = []
        let append = Append(
            previousIndex: index(1),
            previousTerm: term(1),
            commit: index(3),
            entries: entries(from: 2, terms: [3, 3])
        )
        core.step(
            .received(Message(term: term(3), body: .append(append)), from: node(2)),
            into: &effects
        )
        #expect(effects.contains(.raise(.committedConflict(index(2), with: node(2)))))
        #expect(core.term(at: index(2)) == term(1))
        #expect(core.lastIndex == index(3))
    }
}
