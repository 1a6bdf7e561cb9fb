import Wire

/// How many of `voterCount` voters make a majority: any two majorities share a voter.
func quorumCount(of voterCount: Int) -> Int {
    precondition((1...Limits.votersMax).contains(voterCount))
    return voterCount / 2 + 1
}

/// The highest index a majority has acknowledged.
///
/// - Parameter acknowledged: one index per voter; `.zero` when nothing was heard. At most 9. No
///   voters agree to everything: the missing half of a configuration that is not joint.
/// - Returns: with n voters sorted downward, position n/2 is held by n/2 + 1 of them.
/// - Source: Raft dissertation, section 3.5.
func committedIndex(acknowledged: [LogIndex]) -> LogIndex {
    precondition(acknowledged.count <= Limits.votersMax)
    guard !acknowledged.isEmpty else { return Limits.indexMax }
    let downward = acknowledged.sorted(by: >)
    if planted("minorityCommits") { return downward[max(0, downward.count / 2 - 1)] }
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
/// - Parameter votes: one per voter; `nil` when it has not answered. At most 9; none elect anyone.
func electionOutcome(votes: [Bool?]) -> ElectionOutcome {
    guard !votes.isEmpty else { return .won }
    let quorum = quorumCount(of: votes.count) - (planted("minorityElects") ? 1 : 0)
    if votes.count(where: { $0 == true }) >= quorum { return .won }
    let refused = votes.count { $0 == false }
    return votes.count - refused < quorum ? .lost : .open
}

/// The voters whose agreement decides, by member slot. While a change of voters is under way
/// there are two sets, and each must agree by its own majority.
///
/// Every rule that counts voters goes through here, so none can forget the second half.
///
/// - Source: dissertation section 4.3.
struct VoterHalves: Equatable, Sendable {
    /// The voters as they will be, or are. Ascending, never empty.
    let incoming: [Int]
    /// The voters as they were. Ascending; empty when no change is under way, and then it agrees
    /// to everything.
    let outgoing: [Int]

    init(incoming: [Int], outgoing: [Int]) {
        precondition((1...Limits.votersMax).contains(incoming.count))
        precondition(outgoing.count <= Limits.votersMax)
        self.incoming = incoming
        self.outgoing = outgoing
    }

    init(_ configuration: Configuration) {
        let slots = configuration.members.indices
        self.init(
            incoming: slots.filter {
                configuration.members[$0].role == .voter || planted("countsLearners")
            },
            outgoing: slots.filter {
                configuration.outgoingVoters.contains(configuration.members[$0].id)
                    && !planted("halfJointQuorum")
            }
        )
    }

    /// Who votes in either half, ascending.
    var all: [Int] {
        (incoming + outgoing.filter { !incoming.contains($0) }).sorted()
    }

    /// Whether nobody but this slot votes in either half. Asked in every turn.
    func isAlone(_ slot: Int) -> Bool {
        incoming.count == 1 && incoming[0] == slot && outgoing.allSatisfy { $0 == slot }
    }

    func contains(_ slot: Int) -> Bool {
        incoming.contains(slot) || outgoing.contains(slot)
    }

    /// Whether a majority of each half agrees.
    func agree(_ agrees: (_ slot: Int) -> Bool) -> Bool {
        [incoming, outgoing].allSatisfy { half in
            half.isEmpty || half.count(where: agrees) >= quorumCount(of: half.count)
        }
    }

    /// What a majority of each half has acknowledged.
    func committedIndex(_ acknowledged: (_ slot: Int) -> LogIndex) -> LogIndex {
        min(
            Raft.committedIndex(acknowledged: incoming.map(acknowledged)),
            Raft.committedIndex(acknowledged: outgoing.map(acknowledged))
        )
    }

    /// An election is won in both halves, and lost in either.
    func outcome(votes: (_ slot: Int) -> Bool?) -> ElectionOutcome {
        let outcomes = [incoming, outgoing].map { half in
            electionOutcome(votes: half.map(votes))
        }
        if outcomes.contains(.lost) { return .lost }
        return outcomes.contains(.open) ? .open : .won
    }
}

/// The answers a (pre-)candidate has collected, by member slot.
struct Ballot: Sendable {
    private var votes: [Bool?]
    /// The leader asked for this campaign.
    let isTransfer: Bool

    init(memberCount: Int, isTransfer: Bool = false) {
        self.isTransfer = isTransfer
        votes = Array(repeating: nil, count: memberCount)
    }

    /// A voter's answer. Only the first one counts: nobody takes a vote back.
    mutating func record(_ isGranted: Bool, slot: Int) {
        if votes[slot] == nil {
            votes[slot] = isGranted
        }
    }

    func hasAnswered(_ slot: Int) -> Bool { votes[slot] != nil }

    /// How it stands among these voters.
    func outcome(among voters: VoterHalves) -> ElectionOutcome {
        voters.outcome { votes[$0] }
    }
}
