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
            let alarm = Effect.raise(.acknowledgedLess(node(2), from: index(1), to: .zero))
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

    // MARK: A disk that was put back to an image of the last start

    private func says(_ body: MessageBody, boot: UInt64, incarnation: UInt64 = 0) -> Input {
        .received(
            Message(term: term(1), epoch: 0, boot: boot, incarnation: incarnation, body: body),
            from: node(2)
        )
    }

    private func rejects(_ previous: UInt64, hint: UInt64, boot: UInt64) -> Input {
        let outcome = AppendResponse.Outcome.rejected(
            previous: index(previous),
            hintIndex: index(hint),
            hintTerm: term(1)
        )
        return says(.appendResponse(AppendResponse(outcome: outcome, isSealed: false)), boot: boot)
    }

    /// Leads three nodes; node 2 has acknowledged entry 4 in its boot 1, node 3 entry 1.
    private func leader() throws -> Hand {
        var hand = try Hand.leader()
        let bodies = (1...3).map { Proposal(ticket: Ticket(number: $0), kind: .batch, body: [1]) }
        _ = hand.turn(.proposed(bodies))
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.turn(says(Hand.accepted(4), boot: 1))
        try #require(hand.core.commitIndex == index(4))
        return hand
    }

    private func second(_ core: RaftCore) -> RaftCore.MemberProgress? {
        core.memberProgress.first { $0.id == node(2) }
    }

    /// Found by a seed: what a member had accepted came through a relay, before any word of its own
    /// from that start, and counted for the start before. Its older rejection, which came directly,
    /// was of a later one then.
    @Test("who accepted through a relay is not caught forgetting by its own older rejection")
    func relayedAcceptance() throws {
        var hand = try Hand.leader()
        let bodies = (1...3).map { Proposal(ticket: Ticket(number: $0), kind: .batch, body: [1]) }
        _ = hand.turn(.proposed(bodies))
        _ = hand.turn(.durable(hand.core.newestToken))
        let relayed = Relayed(
            origin: node(2),
            target: node(1),
            message: Message(
                term: term(1),
                epoch: 0,
                boot: 2,
                incarnation: 0,
                body: Hand.accepted(4)
            )
        )
        _ = hand.receive(.relayed(relayed), term: 0, from: 3)
        try #require(second(hand.core)?.match == index(4))
        let effects = hand.turn(rejects(3, hint: 1, boot: 2))
        #expect(effects.allSatisfy { if case .raise = $0 { false } else { true } })
        #expect(second(hand.core)?.isCounted == true && second(hand.core)?.match == index(4))
        // In a later start it is proof.
        let alarm = Effect.raise(.acknowledgedLess(node(2), from: index(4), to: index(2)))
        #expect(hand.turn(rejects(4, hint: 2, boot: 3)).contains(alarm))
    }

    /// Boots do not show it: the image is of the last start, so the next start counts on.
    @Test("who lacks in a later boot what it had acknowledged neither counts nor votes")
    func forgetful() throws {
        var hand = try leader()
        let effects = hand.turn(rejects(4, hint: 2, boot: 2))
        let alarm = Effect.raise(.acknowledgedLess(node(2), from: index(4), to: index(2)))
        #expect(effects.filter { if case .raise = $0 { true } else { false } } == [alarm])
        #expect(second(hand.core)?.isCounted == false && second(hand.core)?.match == .zero)
        // It is fed, from where it is.
        let sent = effects.compactMap { effect -> Append? in
            guard case .send(let message, node(2), _) = effect,
                case .append(let append) = message.body
            else { return nil }
            return append
        }
        #expect(sent.first?.previousIndex == index(2))
        // What it acknowledges from now on commits nothing.
        let proposal = Proposal(ticket: Ticket(number: 9), kind: .batch, body: [1])
        _ = hand.turn(.proposed([proposal]))
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.turn(says(Hand.accepted(5), boot: 2))
        #expect(hand.core.commitIndex == index(4))
        _ = hand.receive(Hand.accepted(5), term: 1, from: 3)
        #expect(hand.core.commitIndex == index(5))

        // Nor do its votes, in whatever term, until its disk is another one by admission.
        _ = hand.receive(.heartbeat(Heartbeat(commit: .zero, round: 0)), term: 2, from: 3)
        #expect(hand.core.role == .follower)
        let ticks = hand.core.settings.electionTicksMax
        for _ in 0..<ticks { _ = hand.turn(.tick) }
        #expect(hand.core.role == .preCandidate)
        let grant = PreVoteResponse(proposedTerm: term(3), isGranted: true)
        let granted = Message(
            term: term(2),
            epoch: 0,
            boot: 2,
            incarnation: 0,
            body: .preVoteResponse(grant)
        )
        _ = hand.turn(.received(granted, from: node(2)))
        #expect(hand.core.role == .preCandidate)
        _ = hand.receive(.preVoteResponse(grant), term: 2, from: 3)
        #expect(hand.core.role == .candidate)
    }

    @Test("a straggler, an honest restart and a new entry that is missing are no such thing")
    func honest() throws {
        for (previous, hint, boot) in [(4, 2, 1), (5, 4, 2)] as [(UInt64, UInt64, UInt64)] {
            var hand = try leader()
            let effects = hand.turn(rejects(previous, hint: hint, boot: boot))
            #expect(!effects.contains { if case .raise = $0 { true } else { false } })
            #expect(second(hand.core)?.isCounted == true)
        }
        // It says so again in its new boot: what it lacks later, it never had.
        var hand = try leader()
        _ = hand.turn(says(Hand.accepted(4), boot: 2))
        #expect(hand.turn(rejects(4, hint: 2, boot: 2)).isEmpty)
        #expect(second(hand.core)?.match == index(4))
    }
}
