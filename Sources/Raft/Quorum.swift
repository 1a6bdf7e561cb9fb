/// How many of `voterCount` voters make a majority: any two majorities share a voter.
func quorumCount(of voterCount: Int) -> Int {
    precondition((1...Limits.votersMax).contains(voterCount))
    return voterCount / 2 + 1
}

/// The highest index a majority has acknowledged.
///
/// - Parameter acknowledged: one index per voter; `.zero` when nothing was heard. 1...9 voters.
/// - Returns: with n voters sorted downward, position n/2 is held by n/2 + 1 of them.
/// - Source: Raft dissertation, section 3.5.
func committedIndex(acknowledged: [LogIndex]) -> LogIndex {
    precondition((1...Limits.votersMax).contains(acknowledged.count))
    let downward = acknowledged.sorted(by: >)
    return downward[downward.count / 2]
}

/// How an election stands.
enum ElectionOutcome: Equatable, Sendable {
    case won
    /// A majority refused, so waiting is pointless.
    case lost
    case open
}

/// Counts votes.
///
/// - Parameter votes: one per voter; `nil` when it has not answered. 1...9 voters.
func electionOutcome(votes: [Bool?]) -> ElectionOutcome {
    let quorum = quorumCount(of: votes.count)
    if votes.count(where: { $0 == true }) >= quorum { return .won }
    let refused = votes.count { $0 == false }
    return votes.count - refused < quorum ? .lost : .open
}

/// The answers a (pre-)candidate has collected, by member slot.
struct Ballot: Sendable {
    private var votes: [Bool?]

    init(memberCount: Int) {
        votes = Array(repeating: nil, count: memberCount)
    }

    /// A voter's answer. Only the first one counts: nobody takes a vote back.
    mutating func record(_ isGranted: Bool, slot: Int) {
        if votes[slot] == nil {
            votes[slot] = isGranted
        }
    }

    /// How it stands among these voters.
    func outcome(voterSlots: [Int]) -> ElectionOutcome {
        electionOutcome(votes: voterSlots.map { votes[$0] })
    }
}
