import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("lives of a node")
struct LifeTests {
    private func heartbeat(epoch: UInt64 = 0, boot: UInt64, incarnation: UInt64 = 0) -> Message {
        Message(
            term: term(3),
            epoch: epoch,
            boot: boot,
            incarnation: incarnation,
            body: .heartbeat(Heartbeat(commit: .zero, round: 1))
        )
    }

    private func turn(_ core: inout RaftCore, _ inputs: [Input]) -> [Effect] {
        var effects: [Effect] = []
        for input in inputs {
            core.step(input, into: &effects)
        }
        core.endTurn(into: &effects)
        return effects
    }

    @Test("another epoch is not processed: a later one raises an alarm, an earlier one nothing")
    func epochs() {
        let life = NodeLife(epoch: 4, boot: 1, incarnation: 0, mayVote: true)
        var core = makeCore(life: life)
        let later = turn(&core, [.received(heartbeat(epoch: 5, boot: 1), from: node(2))])
        #expect(later == [.raise(.laterEpoch(node(2), epoch: 5))])
        #expect(turn(&core, [.received(heartbeat(epoch: 3, boot: 1), from: node(2))]).isEmpty)
        #expect(core.term == .zero && core.leader == nil)
        _ = turn(&core, [.received(heartbeat(epoch: 4, boot: 1), from: node(2))])
        #expect(core.term == term(3) && core.leader == node(2))
    }

    @Test("every message says which life speaks")
    func envelope() throws {
        let life = NodeLife(epoch: 4, boot: 9, incarnation: 0, mayVote: true)
        var core = makeCore(life: life)
        let effects = turn(&core, Array(repeating: .tick, count: 80))
        let messages = effects.compactMap { effect in
            if case .send(let message, _, _) = effect { message } else { nil }
        }
        #expect(messages.count == 2)
        for message in messages {
            #expect(message.epoch == 4 && message.boot == 9 && message.incarnation == 0)
        }
    }

    @Test("a straggler of an earlier boot is dropped; a disk that went back raises one alarm")
    func regression() {
        var core = makeCore()
        let doubt = core.settings.bootDoubtTicks
        _ = turn(&core, [.received(heartbeat(boot: 7), from: node(2))])
        #expect(core.leader == node(2))
        #expect(turn(&core, [.received(heartbeat(boot: 6), from: node(2))]).isEmpty)

        // The newest boot speaks again: the doubt is over, and begins anew with the next one.
        _ = turn(&core, Array(repeating: .tick, count: 30))
        #expect(!turn(&core, [.received(heartbeat(boot: 7), from: node(2))]).isEmpty)
        #expect(turn(&core, [.received(heartbeat(boot: 6), from: node(2))]).isEmpty)
        for _ in 0..<doubt {
            _ = turn(&core, [.tick])
        }
        let alarm = Effect.raise(.bootWentBack(node(2), from: 7, to: 6))
        #expect(turn(&core, [.received(heartbeat(boot: 6), from: node(2))]).contains(alarm))
        #expect(turn(&core, [.received(heartbeat(boot: 6), from: node(2))]).isEmpty)

        // Nothing it says is believed meanwhile.
        let vote = Message(
            term: term(99),
            epoch: 0,
            boot: 6,
            incarnation: 0,
            body: .voteRequest(
                VoteRequest(lastIndex: index(50), lastTerm: term(98), isTransfer: true)
            )
        )
        #expect(turn(&core, [.received(vote, from: node(2))]).isEmpty)
        #expect(core.term == term(3))
    }

    private func has(_ number: UInt64) -> MessageBody {
        .heartbeatResponse(
            HeartbeatResponse(
                round: 0,
                received: index(number),
                durable: index(number),
                isSealed: false,
                isDiskStalled: false,
                formatLevel: 1
            )
        )
    }

    @Test("who rejects what it acknowledged counts no more; a straggler is forgiven")
    func lostEnd() throws {
        let denial = MessageBody.appendResponse(
            AppendResponse(
                outcome: .rejected(previous: index(1), hintIndex: .zero, hintTerm: .zero),
                isSealed: false
            )
        )
        for isStraggler in [false, true] {
            var hand = try Hand.leader()
            _ = hand.receive(denial, term: 1, from: 2)
            for tick in 0...hand.core.settings.bootDoubtTicks {
                _ = hand.turn(.tick)
                _ = hand.receive(has(1), term: 1, from: 3)
                _ = hand.receive(has(isStraggler && tick == 10 ? 1 : 0), term: 1, from: 2)
            }
            let alarm = Effect.raise(.acknowledgedAndLost(node(2), through: index(1)))
            let effects = hand.receive(denial, term: 1, from: 2)
            #expect(effects.contains(alarm) == !isStraggler)
            #expect(hand.core.memberProgress[1].isCounted == isStraggler)
            #expect(!hand.receive(denial, term: 1, from: 2).contains(alarm), "it is said once")
        }
    }

    @Test("a boot 0 from anywhere is out of range")
    func bootZero() {
        var core = makeCore()
        let effects = turn(&core, [.received(heartbeat(boot: 0), from: node(2))])
        #expect(effects == [.raise(.numberOutOfRange(from: node(2)))])
    }
}
