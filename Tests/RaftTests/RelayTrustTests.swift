import Testing

@testable import Raft
@testable import RaftLaboratory

/// What a relay's word is worth: its origin's messages, and nothing about its origin's lives.
@Suite("relay: trust")
struct RelayTrustTests {
    private func message(
        _ body: MessageBody,
        term number: UInt64 = 1,
        epoch: UInt64 = 0,
        boot: UInt64 = 1,
        incarnation: UInt64 = 0
    ) -> Message {
        Message(
            term: term(number),
            epoch: epoch,
            boot: boot,
            incarnation: incarnation,
            body: body
        )
    }

    /// `message` as node 2 said it, brought to node 1 by `relay`.
    private func told(_ message: Message, by relay: UInt64 = 3) -> Input {
        let relayed = Relayed(origin: node(2), target: node(1), message: message)
        return .received(self.message(.relayed(relayed), term: 0), from: node(relay))
    }

    private let question = MessageBody.preVoteRequest(
        VoteRequest(lastIndex: index(9), lastTerm: term(1), isTransfer: false)
    )

    @Test("a boot that a relay tells of is held against relayed messages only")
    func boots() {
        var hand = Hand(core: makeCore(1, of: 4))
        #expect(!hand.turn(told(message(question, boot: 9))).isEmpty)
        #expect(hand.turn(told(message(question, boot: 8))).isEmpty, "an earlier boot")
        for _ in 0...hand.core.settings.bootDoubtTicks {
            // What the node says itself counts, whatever was told; and no alarm comes of it.
            let effects = hand.turn(.received(message(question, boot: 3), from: node(2)))
            #expect(effects.count == 1)
            guard case .send = effects.first else { return #expect(Bool(false), "\(effects)") }
            hand.core.ticks += 1
        }
        var other = Hand(core: makeCore(1, of: 4))
        _ = other.turn(.received(message(question, boot: 5), from: node(2)))
        #expect(other.turn(told(message(question, boot: 4))).isEmpty)
        #expect(!other.turn(told(message(question, boot: 5))).isEmpty)
    }

    @Test("another epoch in a relayed message is nothing, and raises no alarm")
    func epochs() {
        var hand = Hand(core: makeCore(1, of: 4))
        #expect(hand.turn(told(message(question, epoch: 1))).isEmpty)
        let passed = Relayed(origin: node(2), target: node(3), message: message(question, epoch: 1))
        let input = Input.received(message(.relayed(passed), term: 0), from: node(2))
        #expect(hand.turn(input).isEmpty, "it is not passed on either")
    }

    @Test("a relay makes no sound disk look lost, and no lost one sound")
    func incarnations() throws {
        var hand = try Hand.leader()
        let heard = { (hand: Hand) in hand.core.memberProgress[1] }
        let answer = MessageBody.heartbeatResponse(
            HeartbeatResponse(round: 0, received: index(1), durable: index(1), isSealed: false)
        )
        _ = hand.turn(told(message(answer, incarnation: 77)))
        #expect(heard(hand).isCounted && heard(hand).incarnation == 0)
        #expect(heard(hand).match == index(1))
        _ = hand.turn(.received(message(answer, incarnation: 77), from: node(2)))
        #expect(!heard(hand).isCounted && heard(hand).incarnation == 77)
        _ = hand.turn(told(message(answer)))
        #expect(!heard(hand).isCounted && heard(hand).incarnation == 77)
    }

    @Test("only a voter is believed as a relay, and only about other members")
    func voters() {
        var hand = Hand(
            core: RaftCore(
                id: node(1),
                life: .first,
                configuration: cluster(3, learners: 1),
                hardState: .initial,
                snapshotIndex: .zero,
                snapshotTerm: .zero,
                entries: [],
                evaluated: .zero,
                isSealed: false,
                settings: RaftSettings(),
                seed: 7
            )
        )
        #expect(hand.turn(told(message(question), by: 4)).isEmpty, "a learner")
        #expect(hand.turn(told(message(question), by: 2)).isEmpty, "the origin itself")
        #expect(hand.turn(told(message(question), by: 9)).isEmpty, "a stranger")
        #expect(!hand.turn(told(message(question), by: 3)).isEmpty)
        let strange = Relayed(origin: node(9), target: node(1), message: message(question))
        let own = Relayed(origin: node(1), target: node(1), message: message(question))
        for relayed in [strange, own] {
            let input = Input.received(message(.relayed(relayed), term: 0), from: node(3))
            #expect(hand.turn(input).isEmpty)
        }
    }

    @Test("entries that come through a relay are entries, on a full disk too")
    func entriesAreSeen() {
        let core = makeCore(1, of: 4)
        let append = message(Hand.append(after: 0, 0, terms: [1]))
        let empty = message(Hand.append(after: 0, 0, terms: []))
        func relayed(_ message: Message, to target: UInt64) -> Message {
            let relayed = Relayed(origin: node(2), target: node(target), message: message)
            return self.message(.relayed(relayed))
        }
        #expect(core.isGivenEntries(by: append))
        #expect(core.isGivenEntries(by: relayed(append, to: 1)))
        #expect(!core.isGivenEntries(by: relayed(append, to: 3)), "they pass by")
        #expect(!core.isGivenEntries(by: empty))
        #expect(!core.isGivenEntries(by: relayed(empty, to: 1)))
    }
}
