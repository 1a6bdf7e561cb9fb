import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

struct CommitCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let acknowledged: [UInt64]
    let committed: UInt64
}

@Suite("commit index")
struct CommitIndexTests {
    static let cases = [
        CommitCase(testDescription: "one voter decides alone", acknowledged: [7], committed: 7),
        CommitCase(testDescription: "two voters need both", acknowledged: [7, 3], committed: 3),
        CommitCase(testDescription: "three need two", acknowledged: [7, 3, 5], committed: 5),
        CommitCase(testDescription: "order is no matter", acknowledged: [5, 7, 3], committed: 5),
        CommitCase(testDescription: "four need three", acknowledged: [9, 8, 2, 1], committed: 2),
        CommitCase(
            testDescription: "five need three",
            acknowledged: [1, 9, 2, 8, 5],
            committed: 5
        ),
        CommitCase(
            testDescription: "five, two silent",
            acknowledged: [0, 4, 0, 6, 5],
            committed: 4
        ),
        CommitCase(
            testDescription: "five, three silent",
            acknowledged: [0, 4, 0, 6, 0],
            committed: 0
        ),
        CommitCase(testDescription: "silence is zero", acknowledged: [9, 0, 0], committed: 0),
        CommitCase(testDescription: "all equal", acknowledged: [4, 4, 4], committed: 4),
        CommitCase(
            testDescription: "nine need five",
            acknowledged: [1, 2, 3, 4, 5, 6, 7, 8, 9],
            committed: 5
        ),
        CommitCase(testDescription: "alone and silent", acknowledged: [0], committed: 0),
        CommitCase(testDescription: "two, both silent", acknowledged: [0, 0], committed: 0),
        CommitCase(testDescription: "two, one silent", acknowledged: [7, 0], committed: 0),
        CommitCase(testDescription: "three silent", acknowledged: [0, 0, 0], committed: 0),
        CommitCase(testDescription: "three, one silent", acknowledged: [7, 3, 0], committed: 3),
        CommitCase(
            testDescription: "three, the last one moves it",
            acknowledged: [7, 3, 4],
            committed: 4
        ),
        CommitCase(
            testDescription: "three, the last one does not",
            acknowledged: [7, 3, 2],
            committed: 3
        ),
        CommitCase(
            testDescription: "three, two equal, one silent",
            acknowledged: [3, 3, 0],
            committed: 3
        ),
        CommitCase(
            testDescription: "three, two equal, one ahead",
            acknowledged: [3, 3, 7],
            committed: 3
        ),
        CommitCase(testDescription: "four, one silent", acknowledged: [9, 8, 7, 0], committed: 7),
        CommitCase(
            testDescription: "five, one silent, two equal in the middle",
            acknowledged: [5, 9, 7, 7, 0],
            committed: 7
        ),
        CommitCase(
            testDescription: "five, one silent, and it could still move",
            acknowledged: [5, 6, 7, 7, 0],
            committed: 6
        ),
        CommitCase(
            testDescription: "seven need four",
            acknowledged: [7, 6, 5, 4, 3, 2, 1],
            committed: 4
        ),
        CommitCase(
            testDescription: "seven, three silent",
            acknowledged: [0, 6, 0, 5, 4, 3, 0],
            committed: 3
        ),
    ]

    @Test("is the highest index a majority holds", arguments: cases)
    func majority(_ row: CommitCase) {
        let acknowledged = row.acknowledged.map { LogIndex(number: $0) }
        #expect(committedIndex(acknowledged: acknowledged).number == row.committed)
    }

    @Test("agrees with counting, for random acknowledgements", arguments: UInt64(0)..<20)
    func counting(seed: UInt64) {
        var random = Seeded(seed)
        for _ in 0..<100 {
            let count = 1 + random.below(9)
            let acknowledged = (0..<count).map { _ in index(UInt64(random.below(12))) }
            let result = committedIndex(acknowledged: acknowledged)
            let holders = acknowledged.count { $0 >= result }
            let more = acknowledged.count { $0 > result }
            #expect(holders >= quorumCount(of: count))
            #expect(more < quorumCount(of: count))
        }
    }

    @Test("no voters agree to everything")
    func empty() {
        #expect(committedIndex(acknowledged: []) == Limits.indexMax)
    }
}

struct VoteCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// y, n or . for no answer.
    let votes: String
    let outcome: ElectionOutcome
}

@Suite("election outcome")
struct ElectionOutcomeTests {
    static let cases = [
        VoteCase(testDescription: "alone, not yet on disk", votes: ".", outcome: .open),
        VoteCase(testDescription: "alone", votes: "y", outcome: .won),
        VoteCase(testDescription: "two, one is not enough", votes: "y.", outcome: .open),
        VoteCase(testDescription: "two, one refusal ends it", votes: "yn", outcome: .lost),
        VoteCase(testDescription: "two of two", votes: "yy", outcome: .won),
        VoteCase(testDescription: "three, own vote only", votes: "y..", outcome: .open),
        VoteCase(testDescription: "three, one refusal", votes: "yn.", outcome: .open),
        VoteCase(testDescription: "three, split open", votes: "y.n", outcome: .open),
        VoteCase(testDescription: "three, two refusals", votes: "ynn", outcome: .lost),
        VoteCase(testDescription: "three, majority", votes: "y.y", outcome: .won),
        VoteCase(testDescription: "four, half", votes: "yy..", outcome: .open),
        VoteCase(testDescription: "four, half refuses", votes: "yynn", outcome: .lost),
        VoteCase(testDescription: "four, three", votes: "yyyn", outcome: .won),
        VoteCase(testDescription: "five, three", votes: "y.yy.", outcome: .won),
        VoteCase(testDescription: "five, two of two", votes: "y.y..", outcome: .open),
        VoteCase(testDescription: "five, three refusals", votes: "ynnn.", outcome: .lost),
        VoteCase(testDescription: "nobody answered", votes: ".....", outcome: .open),
        VoteCase(testDescription: "no voters elect anyone", votes: "", outcome: .won),
        VoteCase(testDescription: "alone, refused", votes: "n", outcome: .lost),
        VoteCase(testDescription: "two, nobody answered", votes: "..", outcome: .open),
        VoteCase(testDescription: "two, a refusal before any vote", votes: "n.", outcome: .lost),
        VoteCase(testDescription: "three, a refusal before any vote", votes: "n..", outcome: .open),
        VoteCase(testDescription: "three, two refusals, one silent", votes: "nn.", outcome: .lost),
        VoteCase(
            testDescription: "three, the last one refuses in vain",
            votes: "yyn",
            outcome: .won
        ),
        VoteCase(testDescription: "three, one vote between refusals", votes: "nyn", outcome: .lost),
        VoteCase(testDescription: "four, three refuse, one silent", votes: "nnn.", outcome: .lost),
        VoteCase(testDescription: "four, two refusals, two silent", votes: "nn..", outcome: .lost),
        VoteCase(testDescription: "seven, three votes", votes: "yyy....", outcome: .open),
        VoteCase(testDescription: "seven, scattered", votes: "y.ny.ny", outcome: .open),
        VoteCase(testDescription: "seven, all but one, even", votes: "yyynnn.", outcome: .open),
        VoteCase(testDescription: "seven, four", votes: "nynynyy", outcome: .won),
        VoteCase(testDescription: "seven, four refusals", votes: "ynynnyn", outcome: .lost),
    ]

    @Test("follows from the answers", arguments: cases)
    func outcome(_ row: VoteCase) {
        let votes = row.votes.map { $0 == "." ? nil : $0 == "y" }
        #expect(electionOutcome(votes: votes) == row.outcome)
    }

    @Test("a voter's first answer counts, learners' never do")
    func ballot() {
        var ballot = Ballot(memberCount: 4)
        ballot.record(true, slot: 0)
        ballot.record(false, slot: 1)
        ballot.record(true, slot: 1)
        ballot.record(true, slot: 3)
        let voters = VoterHalves(incoming: [0, 1, 2], outgoing: [])
        #expect(ballot.outcome(among: voters) == .open)
        ballot.record(true, slot: 2)
        #expect(ballot.outcome(among: voters) == .won)
    }

    @Test("two majorities share a voter", arguments: 1...9)
    func overlap(count: Int) {
        #expect(2 * quorumCount(of: count) > count)
        #expect(quorumCount(of: count) <= count)
    }
}
