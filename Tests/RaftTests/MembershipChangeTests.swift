import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("membership changes")
struct MembershipChangeTests {
    private let base = cluster(3, learners: 1)

    @Test("a change of voters is joint, and leaving it ends it")
    func joint() throws {
        let next = try base.applying(.voters(promote: [node(4)], demote: [node(1)]))
        #expect(next.voters.map(\.id) == [node(2), node(3), node(4)])
        #expect(next.outgoingVoters == [node(1), node(2), node(3)])
        #expect(next.revision == 1 && next.isVoter(node(1)))
        #expect(throws: MembershipError.changeUnderWay) { try next.applying(.remove(node(1))) }
        let left = try next.leavingJoint()
        #expect(!left.isJoint && left.revision == 2 && !left.isVoter(node(1)))
        #expect(throws: MembershipError.notJoint) { try left.leavingJoint() }
        #expect(Configuration.problem(from: next, to: left) == nil)
        #expect(Configuration.problem(from: base, to: left) != nil)
    }

    @Test("what is refused, and why")
    func refusals() throws {
        func refusal(_ change: MembershipChange) -> MembershipError? {
            do throws(MembershipError) {
                _ = try base.applying(change)
                return nil
            } catch {
                return error
            }
        }
        #expect(refusal(.remove(node(1))) == .notALearner(node(1)))
        #expect(refusal(.remove(node(9))) == .unknownMember(node(9)))
        #expect(refusal(.readmit(node(1), incarnation: 5)) == .notALearner(node(1)))
        #expect(refusal(.voters(promote: [node(1)], demote: [])) == .nothingChanges)
        #expect(refusal(.voters(promote: [], demote: [node(4)])) == .nothingChanges)
        let both = MembershipChange.voters(promote: [node(4)], demote: [node(4)])
        #expect(refusal(both) == .contradiction(node(4)))
        let all = MembershipChange.voters(promote: [], demote: [node(1), node(2), node(3)])
        #expect(refusal(all) == .invalid("no voter"))
        #expect(refusal(.raiseFormat(1)) == .formatNotAbove(1))
        #expect(refusal(.withdraw(token: 3)) == .unknownToken(3))
        let twin = MembershipChange.add(
            member(1).details,
            incarnation: 1,
            token: nil,
            awaitsPromotion: false
        )
        #expect(refusal(twin) == .nameTaken("n-1"))
        #expect(refusal(.readmit(node(4), incarnation: NodeLife.forgotten)) != nil)
    }

    @Test("to name a member twice, or as what it is already, asks for nothing more")
    func repeated() throws {
        let plain = try base.applying(.voters(promote: [node(4)], demote: [node(1)]))
        let wordy = MembershipChange.voters(
            promote: [node(4), node(2), node(4)],
            demote: [node(1), node(1)]
        )
        #expect(try base.applying(wordy) == plain)
        let absent = MembershipChange.voters(promote: [node(4), node(9)], demote: [])
        #expect(throws: MembershipError.unknownMember(node(9))) { try base.applying(absent) }
    }

    @Test("a new node is a learner under an id that was never given; its token admits it once")
    func add() throws {
        let token = JoinToken(id: 8, secretDigest: member(9).pin, deadline: 77, pin: nil)
        let offered = try base.applying(.offer(token))
        let added = try offered.applying(
            .add(member(5).details, incarnation: 3, token: 8, awaitsPromotion: false)
        )
        let new = try #require(added.member(node(5)))
        #expect(new.role == .learner && new.incarnation == 3)
        #expect(added.joinTokens.map(\.pin) == [member(5).pin])
        #expect(added.joinTokens.map(\.deadline) == [77])
        #expect(throws: MembershipError.tokenBoundElsewhere(8)) {
            try added.applying(
                .add(member(6).details, incarnation: 3, token: 8, awaitsPromotion: false)
            )
        }
        let gone = try added.applying(.remove(node(5)))
        #expect(gone.nextNodeID == node(6) && gone.joinTokens.isEmpty)
        #expect(throws: MembershipError.unknownToken(8)) {
            try gone.applying(
                .add(member(5).details, incarnation: 3, token: 8, awaitsPromotion: false)
            )
        }
        let again = try gone.applying(
            .add(member(5).details, incarnation: 4, token: nil, awaitsPromotion: false)
        )
        #expect(again.member(node(5)) == nil && again.member(node(6)) != nil)
    }

    @Test("a member with another key has no use of the token by which the one before came")
    func otherKey() throws {
        let token = JoinToken(id: 8, secretDigest: member(9).pin, deadline: 77, pin: nil)
        let added = try base.applying(.offer(token)).applying(
            .add(member(5).details, incarnation: 3, token: 8, awaitsPromotion: false)
        )
        let renamed = MemberDetails(
            name: "other",
            region: "r",
            zone: "z",
            peerAddress: "h:1",
            apiAddress: "https://h:2",
            pin: member(5).pin
        )
        let moved = try added.applying(.describe(node(5), renamed))
        #expect(moved.joinTokens == added.joinTokens)
        #expect(try moved.applying(.describe(node(5), member(7).details)).joinTokens.isEmpty)
    }

    @Test("transitions that no node takes")
    func transitions() throws {
        var direct = base
        direct.revision = 1
        direct.members[0].role = .learner
        #expect(Configuration.problem(from: base, to: direct) != nil)
        var exchanged = direct
        exchanged.members[3].role = .voter
        #expect(Configuration.problem(from: base, to: exchanged) != nil)
        var removed = base
        removed.revision = 1
        removed.members.remove(at: 0)
        #expect(Configuration.problem(from: base, to: removed) != nil)
        var reborn = base
        reborn.revision = 1
        reborn.members[0].incarnation = 9
        #expect(Configuration.problem(from: base, to: reborn) != nil)
        var skipped = base
        skipped.revision = 2
        #expect(Configuration.problem(from: base, to: skipped) != nil)
    }

    @Test("what is new needs format 2, what is not keeps its bytes; each has one encoding")
    func bytes() throws {
        #expect(base.encoded()[0] == 1)
        let joint = try base.applying(.voters(promote: [node(4)], demote: [node(1)]))
        for configuration in [base, joint, try joint.leavingJoint()] {
            let bytes = configuration.encoded()
            #expect(try Configuration(decoding: bytes) == configuration)
            for count in bytes.indices {
                #expect(throws: (any Error).self) {
                    try Configuration(decoding: Array(bytes[..<count]))
                }
            }
        }
        #expect(joint.encoded()[0] == 2)
    }

    @Test("two halves agree only both, and an empty one agrees to all", arguments: UInt64(0)..<10)
    func halves(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<200 {
            let incoming = (0..<9).filter { _ in random.chance(1, of: 2) }
            let outgoing = (0..<9).filter { _ in random.chance(1, of: 3) }
            guard !incoming.isEmpty else { continue }
            let voters = VoterHalves(incoming: incoming, outgoing: outgoing)
            let acknowledged = (0..<9).map { _ in index(UInt64(random.below(8))) }
            let committed = voters.committedIndex { acknowledged[$0] }
            for half in [incoming, outgoing] where !half.isEmpty {
                let holders = half.count { acknowledged[$0] >= committed }
                #expect(2 * holders > half.count)
            }
            #expect(voters.agree { acknowledged[$0] >= committed })
            #expect(!voters.agree { acknowledged[$0] > committed })
            let won = voters.outcome { acknowledged[$0] >= committed ? true : nil }
            #expect(won == .won)
            #expect(voters.outcome { _ in false } == .lost)
            #expect(voters.outcome { _ in nil } == .open)
        }
    }
}
