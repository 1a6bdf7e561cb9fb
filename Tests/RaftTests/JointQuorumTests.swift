import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

/// What two sets of voters decide together. A row names the slots of both halves; votes and
/// positions are by slot.
@Suite("joint quorums")
struct JointQuorumTests {
    struct Election: Sendable, CustomTestStringConvertible {
        let incoming: [Int]
        let outgoing: [Int]
        /// y, n or . for no answer.
        let votes: String
        let outcome: ElectionOutcome
        var testDescription: String { "\(incoming) and \(outgoing): \(votes)" }

        init(_ incoming: [Int], _ outgoing: [Int], _ votes: String, _ outcome: ElectionOutcome) {
            (self.incoming, self.outgoing) = (incoming, outgoing)
            (self.votes, self.outcome) = (votes, outcome)
        }
    }

    static let elections = [
        // Nobody leaves, or the same stay: one majority.
        Election([0, 1, 2], [], "yy.", .won),
        Election([0, 1, 2], [0, 1, 2], "yy.", .won),
        Election([0, 1, 2], [0, 1, 2], "yn.", .open),
        Election([0, 1, 2], [0, 1, 2], "ynn", .lost),
        // Two sets without a common voter.
        Election([0, 1, 2], [3, 4, 5], "......", .open),
        Election([0, 1, 2], [3, 4, 5], "yyy...", .open),
        Election([0, 1, 2], [3, 4, 5], "...yyy", .open),
        Election([0, 1, 2], [3, 4, 5], "yy.y..", .open),
        Election([0, 1, 2], [3, 4, 5], "yy.yy.", .won),
        Election([0, 1, 2], [3, 4, 5], "yynyyn", .won),
        Election([0, 1, 2], [3, 4, 5], "yyynn.", .lost),
        Election([0, 1, 2], [3, 4, 5], "nn.yyy", .lost),
        Election([0, 1, 2], [3, 4, 5], "nn....", .lost),
        Election([0, 1, 2], [3, 4, 5], "y.ny.n", .open),
        // One voter stays: its vote counts in both.
        Election([0, 1, 2], [0, 3, 4], "y....", .open),
        Election([0, 1, 2], [0, 3, 4], "yy...", .open),
        Election([0, 1, 2], [0, 3, 4], "y..yy", .open),
        Election([0, 1, 2], [0, 3, 4], "yy.y.", .won),
        Election([0, 1, 2], [0, 3, 4], "nyyyy", .won),
        Election([0, 1, 2], [0, 3, 4], "nn.yy", .lost),
        Election([0, 1, 2], [0, 3, 4], "ny.yy", .open),
        // One for one.
        Election([1], [0], "y.", .open),
        Election([1], [0], ".y", .open),
        Election([1], [0], "yy", .won),
        Election([1], [0], "yn", .lost),
        // Of other sizes.
        Election([0, 1], [0, 1, 2, 3], "yy..", .open),
        Election([0, 1], [0, 1, 2, 3], "yyy.", .won),
        Election([0, 1], [0, 1, 2, 3], "yynn", .lost),
        Election([0, 1, 2, 3, 4], [0, 1, 2], "yy...", .open),
        Election([0, 1, 2, 3, 4], [0, 1, 2], "yy.nn", .open),
        Election([0, 1, 2, 3, 4], [0, 1, 2], "yyynn", .won),
        Election([0, 1, 2, 3, 4], [0, 1, 2], "yynnn", .lost),
        // Alone, before and after.
        Election([0], [], ".", .open),
        Election([0], [], "y", .won),
        Election([0], [], "n", .lost),
        Election([0], [0], ".", .open),
        Election([0], [0], "y", .won),
        Election([0], [0], "n", .lost),
        // One for one, the rest.
        Election([1], [0], "..", .open),
        Election([1], [0], "n.", .lost),
        Election([1], [0], ".n", .lost),
        Election([1], [0], "ny", .lost),
        Election([1], [0], "nn", .lost),
        // Two for two.
        Election([0, 1], [2, 3], "....", .open),
        Election([0, 1], [2, 3], "y...", .open),
        Election([0, 1], [2, 3], "yy..", .open),
        Election([0, 1], [2, 3], "yyy.", .open),
        Election([0, 1], [2, 3], "yyn.", .lost),
        Election([0, 1], [2, 3], "yyyn", .lost),
        Election([0, 1], [2, 3], "yynn", .lost),
        Election([0, 1], [2, 3], "yyyy", .won),
        // One of two stays: without it nothing.
        Election([0, 1], [1, 2], "...", .open),
        Election([0, 1], [1, 2], ".n.", .lost),
        Election([0, 1], [1, 2], "y.y", .open),
        Election([0, 1], [1, 2], "yy.", .open),
        Election([0, 1], [1, 2], "yyn", .lost),
        Election([0, 1], [1, 2], "yyy", .won),
        // Both stay.
        Election([0, 1], [0, 1], "..", .open),
        Election([0, 1], [0, 1], "y.", .open),
        Election([0, 1], [0, 1], "n.", .lost),
        Election([0, 1], [0, 1], "yn", .lost),
        Election([0, 1], [0, 1], "nn", .lost),
        Election([0, 1], [0, 1], "yy", .won),
        // Two of three stay, and decide alone.
        Election([0, 1, 2], [1, 2, 3], "....", .open),
        Election([0, 1, 2], [1, 2, 3], ".n..", .open),
        Election([0, 1, 2], [1, 2, 3], ".nn.", .lost),
        Election([0, 1, 2], [1, 2, 3], ".yy.", .won),
        Election([0, 1, 2], [1, 2, 3], "nyyn", .won),
        Election([0, 1, 2], [1, 2, 3], "yy..", .open),
        Election([0, 1, 2], [1, 2, 3], "yyn.", .open),
        Election([0, 1, 2], [1, 2, 3], "yynn", .lost),
        Election([0, 1, 2], [1, 2, 3], "yyny", .won),
    ]

    @Test("an election is won in both halves, and lost in either", arguments: elections)
    func election(_ row: Election) {
        let votes = row.votes.map { $0 == "." ? nil : $0 == "y" }
        let voters = VoterHalves(incoming: row.incoming, outgoing: row.outgoing)
        #expect(voters.outcome { votes[$0] } == row.outcome)
        // Which half is which is no matter.
        guard !row.outgoing.isEmpty else { return }
        let turned = VoterHalves(incoming: row.outgoing, outgoing: row.incoming)
        #expect(turned.outcome { votes[$0] } == row.outcome)
    }

    struct Commit: Sendable, CustomTestStringConvertible {
        let incoming: [Int]
        let outgoing: [Int]
        let acknowledged: [UInt64]
        let committed: UInt64
        var testDescription: String { "\(incoming) and \(outgoing): \(acknowledged)" }

        init(_ incoming: [Int], _ outgoing: [Int], _ acknowledged: [UInt64], _ committed: UInt64) {
            (self.incoming, self.outgoing) = (incoming, outgoing)
            (self.acknowledged, self.committed) = (acknowledged, committed)
        }
    }

    static let commits = [
        Commit([0, 1, 2], [], [9, 5, 1], 5),
        Commit([0, 1, 2], [0, 1, 2], [9, 5, 1], 5),
        // The slower half decides.
        Commit([0, 1, 2], [3, 4, 5], [9, 9, 9, 2, 2, 0], 2),
        Commit([0, 1, 2], [3, 4, 5], [2, 2, 0, 9, 9, 9], 2),
        Commit([0, 1, 2], [3, 4, 5], [9, 9, 9, 9, 0, 0], 0),
        Commit([0, 1, 2], [3, 4, 5], [9, 8, 7, 6, 5, 4], 5),
        Commit([0, 1, 2], [3, 4, 5], [0, 0, 0, 0, 0, 0], 0),
        // One stays, and is the fastest, or the slowest.
        Commit([0, 1, 2], [0, 3, 4], [9, 3, 1, 4, 2], 3),
        Commit([0, 1, 2], [0, 3, 4], [0, 5, 6, 7, 8], 5),
        Commit([0, 1, 2], [0, 3, 4], [9, 0, 0, 9, 9], 0),
        // One for one, growing, shrinking.
        Commit([1], [0], [7, 3], 3),
        Commit([1], [0], [3, 7], 3),
        Commit([0, 1, 2], [0], [9, 4, 2], 4),
        Commit([0, 1, 2], [0], [3, 9, 9], 3),
        Commit([0], [0, 1, 2], [9, 4, 2], 4),
        Commit([0, 1], [0, 1, 2, 3], [9, 8, 1, 1], 1),
        Commit([0, 1], [0, 1, 2, 3], [9, 8, 7, 1], 7),
        Commit([0, 1, 2, 3, 4], [0, 1, 2], [9, 8, 7, 2, 1], 7),
        Commit([0, 1, 2, 3, 4], [0, 1, 2], [9, 8, 1, 2, 3], 3),
        // Alone, or with nobody known.
        Commit([0], [], [0], 0),
        Commit([0], [], [7], 7),
        Commit([0], [0], [0], 0),
        Commit([0], [0], [7], 7),
        Commit([1], [0], [0, 0], 0),
        Commit([1], [0], [0, 7], 0),
        // One for two others.
        Commit([0, 2], [1], [0, 0, 0], 0),
        Commit([0, 2], [1], [7, 0, 0], 0),
        Commit([0, 2], [1], [7, 0, 5], 0),
        Commit([0, 2], [1], [7, 4, 5], 4),
        Commit([0, 2], [1], [7, 6, 5], 5),
        // One that gets company.
        Commit([0, 1], [1], [0, 0], 0),
        Commit([0, 1], [1], [7, 0], 0),
        Commit([0, 1], [1], [0, 7], 0),
        Commit([0, 1], [1], [5, 7], 5),
        Commit([0, 1], [1], [7, 5], 5),
        // Two for two: the slowest of all decides.
        Commit([0, 1], [2, 3], [6, 0, 0, 0], 0),
        Commit([0, 1], [2, 3], [6, 0, 5, 0], 0),
        Commit([0, 1], [2, 3], [6, 4, 5, 0], 0),
        Commit([0, 1], [2, 3], [6, 4, 5, 3], 3),
        // One of two stays, or both.
        Commit([0, 1], [1, 2], [0, 0, 0], 0),
        Commit([0, 1], [1, 2], [9, 0, 0], 0),
        Commit([0, 1], [1, 2], [0, 9, 0], 0),
        Commit([0, 1], [1, 2], [0, 9, 8], 0),
        Commit([0, 1], [1, 2], [9, 8, 7], 7),
        Commit([0, 1], [0, 1], [0, 0], 0),
        Commit([0, 1], [0, 1], [0, 4], 0),
        Commit([0, 1], [0, 1], [5, 4], 4),
        // Three for three, one after the other.
        Commit([0, 1, 2], [3, 4, 5], [9, 0, 0, 0, 0, 0], 0),
        Commit([0, 1, 2], [3, 4, 5], [9, 0, 0, 8, 0, 0], 0),
        Commit([0, 1, 2], [3, 4, 5], [9, 8, 0, 0, 0, 0], 0),
        Commit([0, 1, 2], [3, 4, 5], [0, 9, 6, 8, 7, 0], 6),
        Commit([0, 1, 2], [3, 4, 5], [7, 9, 6, 9, 8, 0], 7),
        Commit([0, 1, 2], [3, 4, 5], [7, 9, 6, 9, 8, 1], 7),
        // One of three stays.
        Commit([0, 1, 2], [0, 3, 4], [0, 0, 0, 0, 0], 0),
        Commit([0, 1, 2], [0, 3, 4], [8, 9, 8, 0, 0], 0),
        Commit([0, 1, 2], [0, 3, 4], [0, 9, 0, 8, 7], 0),
        Commit([0, 1, 2], [0, 3, 4], [0, 9, 8, 8, 7], 7),
        Commit([0, 1, 2], [0, 3, 4], [1, 9, 8, 8, 7], 7),
        Commit([0, 1, 2], [0, 3, 4], [9, 9, 8, 8, 7], 8),
        // Two of three stay.
        Commit([0, 1, 2], [1, 2, 3], [0, 0, 0, 0], 0),
        Commit([0, 1, 2], [1, 2, 3], [0, 9, 8, 0], 8),
        Commit([0, 1, 2], [1, 2, 3], [7, 9, 8, 0], 8),
        Commit([0, 1, 2], [1, 2, 3], [9, 9, 8, 7], 8),
        Commit([0, 1, 2], [1, 2, 3], [9, 0, 0, 9], 0),
        Commit([0, 1, 2], [1, 2, 3], [9, 8, 0, 9], 8),
        // All three stay, one is silent.
        Commit([0, 1, 2], [0, 1, 2], [5, 4, 0], 4),
    ]

    @Test("committed is what a majority of each half has", arguments: commits)
    func commit(_ row: Commit) {
        let voters = VoterHalves(incoming: row.incoming, outgoing: row.outgoing)
        let committed = voters.committedIndex { index(row.acknowledged[$0]) }
        #expect(committed.number == row.committed)
        guard !row.outgoing.isEmpty else { return }
        let turned = VoterHalves(incoming: row.outgoing, outgoing: row.incoming)
        #expect(turned.committedIndex { index(row.acknowledged[$0]) } == committed)
    }

    // MARK: Chains of changes

    /// Any change, sensible or not.
    private func change(of configuration: Configuration, _ random: inout Seeded)
        -> MembershipChange
    {
        let ids = configuration.members.map(\.id)
        let one = random.pick(ids)
        switch random.below(8) {
        case 0, 1:
            return .add(
                member(configuration.nextNodeID.number).details,
                incarnation: 1 + random.next() >> 1,
                token: nil,
                awaitsPromotion: random.chance(1, of: 2)
            )
        case 2: return .remove(one)
        case 3: return .suspend(one)
        case 4: return .readmit(one, incarnation: 1 + random.next() >> 1)
        case 5: return .raiseFormat(configuration.formatLevel + 1)
        default:
            let promoted = ids.filter { _ in random.chance(1, of: 3) }
            let demoted = ids.filter { _ in random.chance(1, of: 3) }
            return .voters(promote: promoted, demote: demoted)
        }
    }

    /// Whether these members, taken together, decide.
    private func decide(_ chosen: Set<NodeID>, in configuration: Configuration) -> Bool {
        VoterHalves(configuration).agree { chosen.contains(configuration.members[$0].id) }
    }

    @Test("whatever changes, two quorums that follow each other meet", arguments: UInt64(1)...20)
    func chains(seed: UInt64) throws {
        var random = Seeded(seed)
        var current = cluster(1 + random.below(3))
        var steps = 0
        for _ in 0..<60 {
            let next: Configuration
            if current.isJoint {
                next = try current.leavingJoint()
            } else if let changed = try? current.applying(change(of: current, &random)),
                changed.members.count <= 8
            {
                next = changed
            } else {
                continue
            }
            steps += 1
            #expect(next.problem == nil && Configuration.problem(from: current, to: next) == nil)
            #expect(next.nextNodeID >= current.nextNodeID)
            #expect(next.formatLevel >= current.formatLevel)
            let ids = Set(current.members.map(\.id) + next.members.map(\.id)).sorted()
            for chosen in 0..<(1 << ids.count) {
                let one = Set(ids.indices.filter { chosen >> $0 & 1 == 1 }.map { ids[$0] })
                guard decide(one, in: current) else { continue }
                let others = Set(ids).subtracting(one)
                #expect(!decide(others, in: next), "\(current) and \(next)")
            }
            // A voter is the disk that was admitted: another one comes by way of learner.
            for before in current.voters {
                guard let after = next.member(before.id) else { continue }
                #expect(after.incarnation == before.incarnation)
            }
            current = next
        }
        #expect(steps > 10)
    }
}
