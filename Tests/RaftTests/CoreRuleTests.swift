import Testing

@testable import Raft
@testable import RaftLaboratory

/// A core with its driver's part done by hand.
struct Hand {
    var core: RaftCore

    /// One turn; what it asks for.
    mutating func turn(_ inputs: Input...) -> [Effect] {
        var effects: [Effect] = []
        for input in inputs {
            core.step(input, into: &effects)
        }
        core.endTurn(into: &effects)
        return effects
    }

    mutating func receive(_ body: MessageBody, term number: UInt64, from peer: UInt64) -> [Effect] {
        turn(.received(Message(term: term(number), body: body), from: node(peer)))
    }

    /// Makes it lead term 1 of three nodes, with its first entry on disk everywhere.
    static func leader(settings: RaftSettings = RaftSettings()) throws -> Hand {
        var hand = Hand(core: makeCore(settings: settings))
        for _ in 0..<settings.electionTicksMax {
            _ = hand.turn(.tick)
        }
        let grant = PreVoteResponse(proposedTerm: term(1), isGranted: true)
        _ = hand.receive(.preVoteResponse(grant), term: 0, from: 2)
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.receive(.voteResponse(isGranted: true), term: 1, from: 2)
        try #require(hand.core.role == .leader)
        _ = hand.turn(.durable(hand.core.newestToken))
        for peer in [2, 3] as [UInt64] {
            _ = hand.receive(accepted(1), term: 1, from: peer)
        }
        try #require(hand.core.commitIndex == index(1))
        return hand
    }

    static func accepted(_ number: UInt64, isSealed: Bool = false) -> MessageBody {
        .appendResponse(
            AppendResponse(outcome: .accepted(through: index(number)), isSealed: isSealed)
        )
    }

    static func append(
        after previous: UInt64,
        _ previousTerm: UInt64,
        commit: UInt64 = 0,
        terms: [UInt64]
    ) -> MessageBody {
        .append(
            Append(
                previousIndex: index(previous),
                previousTerm: term(previousTerm),
                commit: index(commit),
                entries: entries(from: previous + 1, terms: terms)
            )
        )
    }

    static func proposal(_ ticket: UInt64, bytes: Int = 4, kind: EntryKind = .batch) -> Proposal {
        Proposal(
            ticket: Ticket(number: ticket),
            kind: kind,
            body: [UInt8](repeating: UInt8(truncatingIfNeeded: ticket), count: bytes)
        )
    }
}

private func persists(in effects: [Effect]) -> [Persist] {
    effects.compactMap { effect in
        if case .persist(let persist) = effect { return persist }
        return nil
    }
}

/// (accepted through, gate) of append answers.
private func acknowledgements(in effects: [Effect]) -> [(LogIndex, PersistToken?)] {
    effects.compactMap { effect in
        guard case .send(let message, _, let after) = effect,
            case .appendResponse(let response) = message.body,
            case .accepted(let index) = response.outcome
        else { return nil }
        return (index, after)
    }
}

@Suite("core: order and durability")
struct CoreDurabilityTests {
    @Test("a leader's turn: appends to followers, then one persist for all, and no waiting")
    func leaderTurn() throws {
        var hand = try Hand.leader()
        let effects = hand.turn(
            .proposed([Hand.proposal(1), Hand.proposal(2)]),
            .proposed([Hand.proposal(3)])
        )
        let appended = effects.compactMap { effect in
            if case .appended(let ticket, let term, let index) = effect {
                return [ticket.number, term.number, index.number]
            }
            return nil
        }
        #expect(appended == [[1, 1, 2], [2, 1, 3], [3, 1, 4]])
        #expect(persists(in: effects).map { $0.entries.count } == [3])
        #expect(persists(in: effects).first?.votesChanged == false)
        let sends = effects.enumerated().filter { _, effect in
            if case .send(let message, _, let after) = effect,
                case .append(let append) = message.body
            {
                return append.entries.count == 3 && after == nil
            }
            return false
        }
        #expect(sends.count == 2)
        let persistPosition = effects.firstIndex { effect in
            if case .persist = effect { return true }
            return false
        }
        #expect(sends.allSatisfy { $0.offset < persistPosition ?? 0 })
    }

    @Test("a leader counts itself only when its own disk has the entry")
    func ownDisk() throws {
        var hand = try Hand.leader()
        _ = hand.turn(.proposed([Hand.proposal(1)]))
        _ = hand.receive(Hand.accepted(2), term: 1, from: 2)
        #expect(hand.core.commitIndex == index(1))
        let effects = hand.turn(.durable(hand.core.newestToken))
        #expect(hand.core.commitIndex == index(2))
        #expect(effects.contains(.commit(through: index(2))))
    }

    @Test("answers and votes of an earlier term count for nothing, but are told the term")
    func outdatedAnswers() throws {
        var hand = try Hand.leader()
        _ = hand.turn(.proposed([Hand.proposal(1)]))
        _ = hand.turn(.durable(hand.core.newestToken))
        #expect(hand.receive(Hand.accepted(2), term: 0, from: 2).isEmpty)
        #expect(hand.receive(.voteResponse(isGranted: true), term: 0, from: 2).isEmpty)
        #expect(hand.core.commitIndex == index(1))
        let beat = hand.receive(.heartbeat(Heartbeat(commit: .zero, round: 0)), term: 0, from: 2)
        #expect(beat.count == 1)
        #expect(hand.core.role == .leader)
    }

    @Test("followers may commit before the leader's disk has it; it evaluates later")
    func followersFirst() throws {
        var hand = try Hand.leader()
        _ = hand.turn(.proposed([Hand.proposal(1)]))
        _ = hand.receive(Hand.accepted(2), term: 1, from: 2)
        let early = hand.receive(Hand.accepted(2), term: 1, from: 3)
        #expect(hand.core.commitIndex == index(2))
        #expect(!early.contains(.commit(through: index(2))))
        #expect(hand.turn(.durable(hand.core.newestToken)).contains(.commit(through: index(2))))
    }

    @Test("an append is acknowledged after its persist; a duplicate waits just as long")
    func duplicateWaits() {
        var hand = Hand(core: makeCore())
        let append = Hand.append(after: 0, 0, terms: [1, 1])
        let first = hand.receive(append, term: 1, from: 2)
        let token = persists(in: first).last?.token
        #expect(acknowledgements(in: first).map { $0.0 } == [index(2)])
        #expect(acknowledgements(in: first).map { $0.1 } == [token])
        let again = hand.receive(append, term: 1, from: 2)
        #expect(persists(in: again).isEmpty)
        #expect(acknowledgements(in: again).map { $0.1 } == [token])
        _ = hand.turn(.durable(hand.core.newestToken))
        #expect(acknowledgements(in: hand.receive(append, term: 1, from: 2)).map { $0.1 } == [nil])
    }

    @Test("several appends of a turn share one persist and one answer")
    func oneAnswer() {
        var hand = Hand(core: makeCore())
        let effects = hand.turn(
            .received(
                Message(term: term(1), body: Hand.append(after: 0, 0, terms: [1])),
                from: node(2)
            ),
            .received(
                Message(term: term(1), body: Hand.append(after: 1, 1, terms: [1])),
                from: node(2)
            )
        )
        #expect(persists(in: effects).map { $0.entries.count } == [2])
        #expect(acknowledgements(in: effects).map { $0.0 } == [index(2)])
    }

    @Test("a vote and its term are on disk before the answer, and are said to have changed")
    func voteFirst() {
        var hand = Hand(core: makeCore())
        let request = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: false)
        let effects = hand.receive(.voteRequest(request), term: 4, from: 3)
        let persist = persists(in: effects).first
        #expect(persist?.hardState == HardState(term: term(4), vote: node(3), commit: .zero))
        #expect(persist?.votesChanged == true)
        let grant = Effect.send(
            Message(term: term(4), body: .voteResponse(isGranted: true)),
            to: node(3),
            after: persist?.token
        )
        #expect(effects.contains(grant))
        // The same question again, while the disk is still busy.
        let again = hand.receive(.voteRequest(request), term: 4, from: 3)
        #expect(again == [grant])
    }

    @Test("a term that is on disk before its entries lets words go, and no acknowledgement")
    func termBeforeEntries() {
        var hand = Hand(core: makeCore())
        _ = hand.receive(Hand.append(after: 0, 0, terms: [1, 1]), term: 1, from: 2)
        let newest = hand.core.newestToken
        #expect(hand.turn(.voteDurable(newest)).isEmpty)
        #expect(hand.core.durableIndex == .zero && hand.core.durableToken < newest)
        let again = hand.receive(Hand.append(after: 2, 1, terms: []), term: 1, from: 2)
        #expect(acknowledgements(in: again).map { $0.1 } == [newest], "the entries are not there")
        let request = VoteRequest(lastIndex: index(2), lastTerm: term(1), isTransfer: false)
        let refusal = Effect.send(
            Message(term: term(1), body: .voteResponse(isGranted: false)),
            to: node(3),
            after: nil
        )
        #expect(hand.receive(.voteRequest(request), term: 1, from: 3) == [refusal])
        _ = hand.turn(.durable(newest))
        #expect(hand.core.durableIndex == index(2))
    }

    @Test("even a refusal in a new term waits for that term")
    func refusalWaits() {
        var hand = Hand(
            core: makeCore(
                hardState: HardState(
                    term: term(2),
                    vote: nil,
                    commit: .zero
                ),
                entries: entries(terms: [1, 2])
            )
        )
        let request = VoteRequest(lastIndex: index(1), lastTerm: term(1), isTransfer: false)
        let effects = hand.receive(.voteRequest(request), term: 5, from: 3)
        let refusal = Effect.send(
            Message(term: term(5), body: .voteResponse(isGranted: false)),
            to: node(3),
            after: persists(in: effects).first?.token
        )
        #expect(persists(in: effects).count == 1)
        #expect(effects.contains(refusal))
    }

    @Test("a completion does not count entries rewritten since, whatever their indexes")
    func lateCompletion() {
        var hand = Hand(core: makeCore())
        let first = hand.receive(Hand.append(after: 0, 0, terms: [1, 1, 1]), term: 1, from: 2)
        let second = hand.receive(Hand.append(after: 1, 1, terms: [2, 2]), term: 2, from: 3)
        #expect(persists(in: second).first?.truncateFrom == index(2))
        #expect(persists(in: second).first?.entries.map { $0.term } == [term(2), term(2)])
        _ = hand.turn(.durable(persists(in: first)[0].token))
        #expect(hand.core.durableIndex == index(1))
        _ = hand.turn(.durable(persists(in: second)[0].token))
        #expect(hand.core.durableIndex == index(3))
    }

    @Test("what agrees is not truncated by an old append that ends earlier")
    func matchingIsKept() {
        var hand = Hand(core: makeCore())
        _ = hand.receive(Hand.append(after: 0, 0, terms: [1, 1, 1]), term: 1, from: 2)
        let effects = hand.receive(Hand.append(after: 0, 0, terms: [1]), term: 1, from: 2)
        #expect(hand.core.lastIndex == index(3))
        #expect(persists(in: effects).isEmpty)
    }

    @Test("a snapshot: pending writes first, then the installation, then the acknowledgement")
    func snapshot() throws {
        var hand = Hand(core: makeCore())
        let point = SnapshotPoint(index: index(9), term: term(3), configuration: cluster(3))
        let effects = hand.turn(
            .received(
                Message(term: term(4), body: Hand.append(after: 0, 0, terms: [1])),
                from: node(2)
            ),
            .snapshotArrived(point, from: node(2), term: term(4))
        )
        #expect(persists(in: effects).map { $0.token } == [token(1)])
        #expect(effects.contains(.installSnapshot(point, token: token(2))))
        #expect(acknowledgements(in: effects).map { $0.0 } == [index(9)])
        #expect(acknowledgements(in: effects).map { $0.1 } == [token(2)])
        #expect(hand.core.durableIndex == .zero)
        #expect(hand.core.firstIndex == index(10))
        // Nothing at or below the point is handed to evaluation.
        #expect(hand.turn(.durable(token(2))).isEmpty)
        #expect(hand.core.durableIndex == index(9))
    }
}

@Suite("core: proposals and bounds")
struct CoreBoundTests {
    @Test("what cannot be appended is refused with the reason, in order")
    func refusals() throws {
        var settings = RaftSettings()
        settings.uncommittedBytesMax = Limits.entryBodyBytesMax + Limits.entryOverheadBytes
        var hand = try Hand.leader(settings: settings)
        let effects = hand.turn(
            .proposed([
                Hand.proposal(1, kind: .configuration),
                Hand.proposal(2, bytes: Limits.entryBodyBytesMax + 1),
                Hand.proposal(3, bytes: Limits.entryBodyBytesMax),
                Hand.proposal(4),
            ])
        )
        let outcomes = effects.filter { effect in
            switch effect {
            case .appended, .refused: true
            default: false
            }
        }
        #expect(
            outcomes == [
                .refused(Ticket(number: 1), .unsupported),
                .refused(Ticket(number: 2), .tooLarge),
                .appended(Ticket(number: 3), term(1), index(2)),
                .refused(Ticket(number: 4), .overloaded),
            ]
        )
        // Room comes back with the commit.
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.receive(Hand.accepted(2), term: 1, from: 2)
        #expect(
            hand.turn(.proposed([Hand.proposal(5)])).contains(
                .appended(Ticket(number: 5), term(1), index(3))
            )
        )
    }

    @Test("a follower refuses with a hint")
    func hint() {
        var hand = Hand(core: makeCore())
        #expect(
            hand.turn(.proposed([Hand.proposal(1)]))
                == [.refused(Ticket(number: 1), .notLeader(hint: nil))]
        )
        _ = hand.receive(.heartbeat(Heartbeat(commit: .zero, round: 0)), term: 3, from: 2)
        #expect(
            hand.turn(.proposed([Hand.proposal(2)])).first
                == .refused(Ticket(number: 2), .notLeader(hint: node(2)))
        )
    }

    @Test("a full window waits; an answer opens it again")
    func window() throws {
        var settings = RaftSettings()
        settings.inFlightMessagesMax = 2
        settings.appendEntriesMax = 1
        var hand = try Hand.leader(settings: settings)
        let first = hand.turn(.proposed((1...5).map { Hand.proposal($0) }))
        #expect(sent(first, to: 2) == [2, 3])
        let second = hand.receive(Hand.accepted(2), term: 1, from: 2)
        #expect(sent(second, to: 2) == [4])
        let third = hand.receive(Hand.accepted(4), term: 1, from: 2)
        #expect(sent(third, to: 2) == [5, 6])
    }

    private func sent(_ effects: [Effect], to peer: UInt64) -> [UInt64] {
        effects.flatMap { effect -> [UInt64] in
            guard case .send(let message, node(peer), _) = effect,
                case .append(let append) = message.body
            else { return [] }
            return append.entries.map { $0.index.number }
        }
    }

    @Test("waiting reads are bounded")
    func readBound() throws {
        var settings = RaftSettings()
        settings.readsWaitingMax = 3
        var hand = try Hand.leader(settings: settings)
        let tickets = (1...4).map { ReadTicket(number: $0) }
        #expect(
            hand.turn(.readRequested(tickets)).contains(.readRefused(tickets, .overloaded))
        )
        let some = Array(tickets.prefix(3))
        #expect(!hand.turn(.readRequested(some)).contains(.readRefused(some, .overloaded)))
    }

    @Test("compaction forgets memory, keeps the term at the border, and the follower is told")
    func compaction() throws {
        var hand = try Hand.leader()
        _ = hand.turn(.proposed((1...4).map { Hand.proposal($0) }))
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.receive(Hand.accepted(5), term: 1, from: 2)
        _ = hand.turn(.evaluated(index(5)))
        _ = hand.turn(.compacted(through: index(4)))
        #expect(hand.core.firstIndex == index(5))
        #expect(hand.core.term(at: index(4)) == term(1))
        #expect(hand.core.entry(at: index(4)) == nil)
        let standing = hand.core.standing()
        #expect(standing.retained == 1)
        // Node 3 lost everything it was sent, and what it needs is gone.
        let behind = HeartbeatResponse(
            round: 0,
            received: index(1),
            durable: index(1),
            isSealed: false,
            isDiskStalled: false,
            formatLevel: 1
        )
        var effects: [Effect] = []
        for _ in 0..<30 {
            effects += hand.turn(.tick)
            effects += hand.receive(.heartbeatResponse(behind), term: 1, from: 3)
        }
        #expect(effects.count { $0 == .streamSnapshot(to: node(3), atLeast: index(4)) } == 1)
    }

    @Test("the last term is never left")
    func lastTerm() {
        let state = HardState(term: Limits.termMax, vote: nil, commit: .zero)
        var hand = Hand(core: makeCore(hardState: state))
        var effects: [Effect] = []
        for _ in 0..<200 {
            effects += hand.turn(.tick)
        }
        #expect(effects.contains(.raise(.termsExhausted)))
        #expect(hand.core.term == Limits.termMax)
    }
}
