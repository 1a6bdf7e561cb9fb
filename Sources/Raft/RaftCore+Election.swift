// Elections: timers, pre-votes, votes, and who believes whom.

import Wire

/// What a follower still does because its connection to the leader broke, until it hears a leader.
struct LostLeader {
    /// Whose connection broke.
    let id: NodeID
    /// Campaigns that still follow soon after one another.
    var campaignsLeft: Int
    /// How often a vote that was split is taken again soon.
    private var splitRetriesLeft: Int

    init(id: NodeID, campaigns: Int) {
        self.id = id
        campaignsLeft = campaigns
        splitRetriesLeft = campaigns
    }

    /// Whether the next campaign is a hurried one.
    mutating func spendCampaign() -> Bool {
        defer { campaignsLeft = max(0, campaignsLeft - 1) }
        return campaignsLeft > 0
    }

    mutating func spendSplitRetry() -> Bool {
        defer { splitRetriesLeft = max(0, splitRetriesLeft - 1) }
        return splitRetriesLeft > 0
    }
}

extension RaftCore {
    /// Ticks from the last sign of a leader to a campaign; a lone voter has nobody to wait for.
    var campaignTicks: Int {
        // As a candidate it waits for its own vote to be on disk: a new term in each tick would
        // never let a disk that needs longer catch up.
        if role != .candidate, isLoneVoter { return 1 }
        return electionTimeoutTicks + penaltyTicks
    }

    private var isLoneVoter: Bool {
        guard let ownSlot else { return false }
        return voters.isAlone(ownSlot)
    }

    /// What a node waits longer that should lead only if no better one does: a sealed one lets
    /// unsealed ones come first, and one with a stalled disk, or short of room, which would refuse
    /// what clients write, lets all others come first. It is not
    /// kept from campaigning: where every disk is slow, somebody has to lead all the same, and
    /// with a disk that really hangs nothing of its campaign leaves this node, because a request
    /// for votes waits for its own vote. Preferred regions attach here.
    private var penaltyTicks: Int {
        (isSealed ? settings.sealedPenaltyTicks : 0)
            + (isDiskStalled || isShortOfRoom ? settings.stalledPenaltyTicks : 0)
    }

    /// A reason to refuse (pre-)votes: there is a leader and it is alive.
    private var hasLiveLeader: Bool {
        if role == .leader { return true }
        return leader != nil && !isLeaderLinkReset && leaderQuietTicks < settings.electionTicksMin
    }

    mutating func resetElectionTimer() {
        electionElapsedTicks = 0
        if lostLeader?.spendCampaign() == true {
            // An election needs more time than the question: disks take part in it.
            let short = settings.linkResetDelayTicksMax * (role == .candidate ? 2 : 1)
            electionTimeoutTicks = random.draw(short...2 * short)
        } else {
            electionTimeoutTicks = random.draw(
                settings.electionTicksMin...settings.electionTicksMax
            )
        }
    }

    mutating func electionTick(into effects: inout [Effect]) {
        electionElapsedTicks += 1
        leaderQuietTicks += 1
        campaignThroughOthers(into: &effects)
        guard electionElapsedTicks >= campaignTicks, mayCampaign, !isLeaseBound
        else { return }
        becomePreCandidate(into: &effects)
    }

    /// The connection to a peer broke: perhaps its process died. A follower whose leader it was
    /// asks around soon; a leader asks where that follower's log ends.
    mutating func linkReset(_ peer: NodeID, into effects: inout [Effect]) {
        contacts.forgetWays(through: peer)
        if role == .leader {
            guard let slot = configuration.slot(of: peer), peer != id else { return }
            leadership?.followers[slot].linkLost()
            return
        }
        guard role == .follower, leader == peer else { return }
        isLeaderLinkReset = true
        // The others may hear of it a little later and refuse until then. Asking costs nobody
        // anything, so it is repeated soon, a few times, rather than after a whole time-out.
        lostLeader = LostLeader(id: peer, campaigns: settings.hurriedCampaignsMax)
        electionElapsedTicks = 0
        electionTimeoutTicks = random.draw(1...settings.linkResetDelayTicksMax)
        // Whatever was forwarded went down with the connection, as far as we can tell.
        refuseForwardedReads(hint: nil, into: &effects)
    }

    // MARK: Changing roles

    /// Joins `newTerm`, which is this term or a later one.
    mutating func becomeFollower(
        term newTerm: Term,
        leader newLeader: NodeID?,
        into effects: inout [Effect]
    ) {
        precondition(newTerm >= term, "terms never fall")
        if newTerm > term || newLeader != leader {
            refuseForwardedReads(hint: newLeader, into: &effects)
        }
        endLeadership(hint: newLeader, into: &effects)
        enter(newTerm, vote: newTerm == term ? vote : nil)
        role = .follower
        leader = newLeader
        ballot = nil
        leaderQuietTicks = 0
        isLeaderLinkReset = false
        resetElectionTimer()
    }

    private mutating func enter(_ newTerm: Term, vote newVote: NodeID?) {
        if newTerm > term && !planted("keepsMatchAcrossTerms") {
            // Only what is committed surely equals the log of whoever leads next.
            matched = commitIndex
            dueAcknowledgement = nil
        }
        term = newTerm
        vote = newVote
    }

    private mutating func endLeadership(hint: NodeID?, into effects: inout [Effect]) {
        guard let leadership else { return }
        let tickets = leadership.reads.localTickets
        if !tickets.isEmpty {
            effects.append(.readRefused(tickets, .notLeader(hint: hint)))
        }
        self.leadership = nil
    }

    private mutating func becomePreCandidate(into effects: inout [Effect]) {
        resetElectionTimer()
        guard term < Limits.termMax else {
            effects.append(.raise(.termsExhausted))
            return
        }
        refuseForwardedReads(hint: nil, into: &effects)
        role = .preCandidate
        leader = nil
        var ballot = Ballot(memberCount: configuration.members.count)
        if let ownSlot {
            ballot.record(true, slot: ownSlot)
        }
        self.ballot = ballot
        for target in otherVoters {
            say(.preVoteRequest(voteRequest(isTransfer: false)), to: target, into: &effects)
        }
        settleElection(into: &effects)
    }

    /// Enters the next term and asks for votes, once its own one is on disk.
    mutating func becomeCandidate(isTransfer: Bool, into effects: inout [Effect]) {
        precondition(mayCampaign && role != .leader)
        guard !isLeaseBound else { return }
        guard term < Limits.termMax else {
            effects.append(.raise(.termsExhausted))
            return
        }
        refuseForwardedReads(hint: nil, into: &effects)
        enter(term.next, vote: id)
        role = .candidate
        leader = nil
        resetElectionTimer()
        ballot = Ballot(memberCount: configuration.members.count, isTransfer: isTransfer)
        for target in otherVoters {
            promise(.voteRequest(voteRequest(isTransfer: isTransfer)), to: target)
        }
    }

    private mutating func becomeLeader(into effects: inout [Effect]) {
        precondition(role == .candidate && vote == id)
        precondition(durability.holds(term: term, vote: id) && durability.votesGate == nil)
        role = .leader
        leader = id
        ballot = nil
        let follower = Follower(following: log.lastIndex, heardTick: ticks)
        leadership = Leadership(
            followers: Array(repeating: follower, count: configuration.members.count),
            beganTick: ticks,
            inherited: log.lastIndex,
            paceTick: ticks,
            paceIndex: .zero,
            uncommittedBytes: log.weight(after: commitIndex, through: log.lastIndex)
        )
        // Only an entry of its own term tells a leader what is committed.
        appendToOwnLog(kind: .noop, body: [])
    }

    private var otherVoters: [NodeID] {
        voters.all.map { configuration.members[$0].id }.filter { $0 != id }
    }

    func voteRequest(isTransfer: Bool) -> VoteRequest {
        VoteRequest(lastIndex: log.lastIndex, lastTerm: log.lastTerm, isTransfer: isTransfer)
    }

    // MARK: Counting

    /// A candidate's own vote counts once it is on disk, like any other.
    mutating func countOwnVote(into effects: inout [Effect]) {
        guard let ownSlot, durability.holds(term: term, vote: id), durability.votesGate == nil
        else { return }
        ballot?.record(true, slot: ownSlot)
        settleElection(into: &effects)
    }

    private mutating func settleElection(into effects: inout [Effect]) {
        guard let ballot else { return }
        switch (ballot.outcome(among: voters), role) {
        case (.won, .preCandidate):
            becomeCandidate(isTransfer: false, into: &effects)
        case (.won, .candidate):
            guard durability.holds(term: term, vote: id), durability.votesGate == nil else {
                return
            }
            becomeLeader(into: &effects)
        case (.lost, _):
            becomeFollower(term: term, leader: nil, into: &effects)
        case (.open, _), (.won, .follower), (.won, .leader):
            break
        }
    }

    // MARK: Answering candidates

    private func isFresh(_ request: VoteRequest) -> Bool {
        (request.lastTerm, request.lastIndex) >= (log.lastTerm, log.lastIndex)
            || planted("votesForStaleLogs")
            || (request.lastIndex >= log.lastIndex && planted("comparesLengthsOnly"))
    }

    /// Would we vote for this node in the term after its own? Promises nothing.
    ///
    /// - Source: dissertation section 9.6, with the live-leader rule of 4.2.3.
    mutating func preVoteRequested(
        _ request: VoteRequest,
        in candidateTerm: Term,
        by candidate: NodeID,
        into effects: inout [Effect]
    ) {
        let proposed = candidateTerm.next
        let isGranted =
            life.mayVote && proposed > term && isFresh(request) && !hasLiveLeader && !isLeaseBound
            && !outranks(request, by: candidate)
        if isGranted && isLeaderLinkReset {
            giveHeadStart()
        }
        let response = PreVoteResponse(proposedTerm: proposed, isGranted: isGranted)
        say(.preVoteResponse(response), to: candidate, into: &effects)
    }

    /// Two nodes that lost their leader at the same moment must not split the votes: the lower id
    /// goes first. Only briefly, because it may turn out to be the one that cannot win.
    private func outranks(_ request: VoteRequest, by candidate: NodeID) -> Bool {
        guard role == .preCandidate, electionElapsedTicks < settings.linkResetDelayTicksMax else {
            return false
        }
        let isEqual = (request.lastTerm, request.lastIndex) == (log.lastTerm, log.lastIndex)
        return isEqual && id < candidate
    }

    /// Whoever asks first after a reset gets a few ticks before this node asks too.
    private mutating func giveHeadStart() {
        let latest = max(0, campaignTicks - settings.linkResetDelayTicksMax)
        electionElapsedTicks = min(electionElapsedTicks, latest)
    }

    mutating func preVoteAnswered(
        _ response: PreVoteResponse,
        _ message: Message,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard let slot = configuration.slot(of: peer) else { return }
        if message.term > term {
            becomeFollower(term: message.term, leader: nil, into: &effects)
            return
        }
        guard role == .preCandidate, response.proposedTerm == term.next,
            isTrusted(slot: slot, incarnation: message.incarnation)
        else { return }
        ballot?.record(response.isGranted, slot: slot)
        settleElection(into: &effects)
    }

    /// A request for a vote in a later term is not even looked at while the leader is alive,
    /// unless the leader itself asked for it; nor, whoever asked for it, during a lease.
    func ignoresVoteRequest(_ request: VoteRequest) -> Bool {
        isLeaseBound || (hasLiveLeader && !request.isTransfer)
    }

    /// Grants a vote at most once per term, and only to a log at least as fresh as ours.
    ///
    /// - Source: dissertation sections 3.6.1 (freshness) and 3.8 (why it is persisted first).
    mutating func voteRequested(
        _ request: VoteRequest,
        by candidate: NodeID,
        into effects: inout [Effect]
    ) {
        let isFree =
            vote == candidate || (vote == nil && leader == nil) || planted("votesTwice")
        // With amnesia: this node may have voted otherwise, or acknowledged what it lacks now.
        guard life.mayVote && isFree && isFresh(request) && !isLeaseBound else {
            say(.voteResponse(isGranted: false), to: candidate, into: &effects)
            return
        }
        if role == .preCandidate {
            becomeFollower(term: term, leader: nil, into: &effects)
        }
        precondition(role == .follower, "candidates and leaders voted for themselves")
        vote = candidate
        lostLeader?.campaignsLeft = 0
        resetElectionTimer()
        promise(.voteResponse(isGranted: true), to: candidate)
    }

    mutating func voteAnswered(
        _ isGranted: Bool,
        _ message: Message,
        by slot: Int,
        into effects: inout [Effect]
    ) {
        // The vote of another disk than the one that was admitted is worth nothing: the admitted
        // one may have voted otherwise in this term.
        guard role == .candidate,
            isTrusted(slot: slot, incarnation: message.incarnation)
                || planted("countsVotesOfOtherDisks")
        else { return }
        ballot?.record(isGranted, slot: slot)
        settleElection(into: &effects)
        retryIfSplit()
    }

    /// Two who noticed the end of a leader together can share the votes of those that are left.
    /// Once all of them have answered there is nothing to wait for, so the candidates draw again, a
    /// few times, among short times.
    private mutating func retryIfSplit() {
        guard role == .candidate, let lostLeader, let ballot,
            case .open = ballot.outcome(among: voters)
        else { return }
        let isAnswered = voters.all.allSatisfy { slot in
            ballot.hasAnswered(slot) || configuration.members[slot].id == lostLeader.id
        }
        guard isAnswered, self.lostLeader?.spendSplitRetry() == true else { return }
        electionElapsedTicks = 0
        electionTimeoutTicks = random.draw(1...settings.linkResetDelayTicksMax)
    }
}
