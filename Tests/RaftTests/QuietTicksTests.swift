import Testing

@testable import Raft
@testable import RaftLaboratory

/// ``RaftCore/quietTicks``: what it promises about the next ticks is kept, and it promises nothing
/// while something is measured in ticks.
@Suite("quiet ticks")
struct QuietTicksTests {
    private let heartbeat = MessageBody.heartbeat(Heartbeat(commit: .zero, round: 1))

    private func follower(settings: RaftSettings = RaftSettings()) -> Hand {
        var hand = Hand(core: makeCore(settings: settings))
        _ = hand.receive(heartbeat, term: 1, from: 2)
        _ = hand.turn(.durable(hand.core.newestToken))
        return hand
    }

    /// All of them do nothing, and the one after them does something.
    private func expectQuiet(_ hand: inout Hand, for ticks: Int) {
        for _ in 0..<ticks {
            #expect(hand.turn(.tick).isEmpty)
        }
        #expect(!hand.turn(.tick).isEmpty)
    }

    @Test("a follower is quiet until it campaigns, and then not at all")
    func followers() {
        var hand = follower()
        let quiet = hand.core.quietTicks
        #expect(quiet >= hand.core.settings.electionTicksMin - 1)
        expectQuiet(&hand, for: quiet)
        #expect(hand.core.role == .preCandidate && hand.core.quietTicks == 0)
    }

    @Test("a sealed follower, one with a stalled disk, and one whose leader's connection broke")
    func penalties() {
        for input in [
            Input.sealChanged(isSealed: true), .diskHealth(.stalled), .linkReset(node(2)),
        ] {
            var hand = follower()
            _ = hand.turn(input)
            let quiet = hand.core.quietTicks
            if case .linkReset = input {
                #expect(quiet < hand.core.settings.linkResetDelayTicksMax)
            }
            expectQuiet(&hand, for: quiet)
        }
    }

    @Test("a leader is quiet until its next heartbeat, unless something is under way")
    func leaders() throws {
        var hand = try Hand.leader()
        while hand.turn(.tick).isEmpty {}
        let quiet = hand.core.quietTicks
        #expect(quiet == hand.core.settings.heartbeatTicks - 1)
        expectQuiet(&hand, for: quiet)
        let proposal = Proposal(ticket: Ticket(number: 1), kind: .batch, body: [])
        _ = hand.turn(.proposed([proposal]))
        #expect(hand.core.quietTicks == 0, "an entry is on its way")
        _ = hand.turn(.durable(hand.core.newestToken))
        _ = hand.receive(Hand.accepted(2), term: 1, from: 2)
        #expect(hand.core.quietTicks > 0)
        let answer = HeartbeatResponse(
            round: 0,
            received: index(2),
            durable: index(2),
            isSealed: false
        )
        _ = hand.receive(.heartbeatResponse(answer), term: 1, from: 3)
        _ = hand.turn(.transferRequested(Ticket(number: 2), to: node(3)))
        #expect(hand.core.quietTicks == 0, "a handover")
    }

    @Test("reads that wait for the leader, and leases, want every tick")
    func watched() throws {
        var hand = follower()
        _ = hand.turn(.readRequested([ReadTicket(number: 1)]))
        #expect(hand.core.quietTicks == 0)
        #expect(makeCore().quietTicks == 0, "nobody leads")
        var settings = RaftSettings()
        settings.readLease = ReadLeaseSettings()
        settings.readLease?.keepsStillAtStart = false
        var leasing = makeCore(settings: settings)
        var effects: [Effect] = []
        leasing.step(.clock(1), into: &effects)
        var leader = Hand(core: leasing)
        for _ in 0..<settings.electionTicksMax { _ = leader.turn(.tick) }
        let grant = PreVoteResponse(proposedTerm: term(1), isGranted: true)
        _ = leader.receive(.preVoteResponse(grant), term: 0, from: 2)
        _ = leader.turn(.durable(leader.core.newestToken))
        _ = leader.receive(.voteResponse(isGranted: true), term: 1, from: 2)
        _ = leader.turn(.durable(leader.core.newestToken))
        _ = leader.receive(Hand.accepted(1), term: 1, from: 2)
        #expect(leader.core.role == .leader && leader.core.commitIndex == index(1))
        #expect(leader.core.quietTicks == 0)
    }
}
