// Membership: who takes part changes through the log.
//
// The rules, each in one place:
// - a configuration is in effect from the moment its entry is appended (`adoptNewest`), and no
//   longer when that entry is truncated: source dissertation 4.1;
// - one change at a time: the entry of the one before is committed (`membershipRefusal`);
// - a leader changes nothing before it has committed in its own term. Without this the first
//   published single-server algorithm was wrong; here it is caution, as etcd has it. Two leaders
//   that change the same configuration each need a majority of its voters, because voters change
//   jointly only: whoever comes second lacks what the first has committed, and is not elected;
// - voters change through a joint configuration (`Configuration.problem(from:to:)`), which
//   whoever leads ends once it is committed (`leaveJointIfDue`);
// - a disk that is not the one that was admitted counts for nothing (`counts`).

import Wire

extension RaftCore {
    // MARK: Who counts

    /// This node's place among the members, if it has one.
    var ownSlot: Int? { configuration.slot(of: id) }

    func isSelf(_ slot: Int) -> Bool { configuration.members[slot].id == id }

    /// Whether this node may campaign. It need not be a voter of the configuration in effect: until
    /// that one is committed, a voter of the one before it may be the only node with a log that
    /// can win. It does not count its own vote then, and hands over once it has committed.
    ///
    /// Never with amnesia: the disk must be the one that was admitted.
    ///
    /// - Source: dissertation section 4.2.2; found again by a seed, where the leader of a joint
    ///   configuration died right after it appended its end.
    var mayCampaign: Bool {
        guard life.mayVote, let member = configuration.member(id),
            member.incarnation == life.incarnation
        else { return false }
        return configuration.isVoter(id) || committedConfiguration.isVoter(id)
            || planted("learnersCampaign")
    }

    /// Leader: whether what this member says may be counted. Everything that counts members in a
    /// quorum asks this; a disk under another incarnation is fed but never counted.
    func counts(_ slot: Int) -> Bool {
        if isSelf(slot) { return true }
        guard let leadership else { return false }
        return isTrusted(slot: slot, incarnation: leadership.followers[slot].incarnation)
            || planted("countsOtherDisks")
    }

    /// Leader: whether this member has spoken lately. Until it has for the first time, it has the
    /// time that a new leader gives everyone.
    func isPresent(_ slot: Int) -> Bool {
        if isSelf(slot) { return true }
        guard let leadership else { return false }
        let follower = leadership.followers[slot]
        return isRecentlyHeard(follower) && (follower.incarnation == nil || counts(slot))
    }

    /// Leader: a follower speaks under this incarnation. Under another one than before it is
    /// another disk, and what was known of the log on the old one says nothing.
    ///
    /// - Parameter isHearsay: a relay says so. Then nothing is learned but what the configuration
    ///   says anyway: another disk has to introduce itself.
    /// - Returns: false if what it says is not to be looked at.
    mutating func followerSpoke(_ incarnation: UInt64, slot: Int, isHearsay: Bool) -> Bool {
        let known = leadership?.followers[slot].incarnation
        if isHearsay {
            let admitted = configuration.members[slot].incarnation
            guard incarnation == admitted, known == nil || known == admitted else { return false }
        }
        guard let known else {
            leadership?.followers[slot].incarnation = incarnation
            return true
        }
        guard known != incarnation else { return true }
        var follower = Follower(next: log.lastIndex.next, heardTick: ticks)
        follower.incarnation = incarnation
        leadership?.followers[slot] = follower
        return true
    }

    // MARK: Proposing

    /// Why the leader does not take this configuration; `nil` when it does.
    func membershipRefusal(_ body: [UInt8]) -> Refusal? {
        guard let entry = try? ConfigurationEntry(decoding: body) else { return .unsupported }
        let next = entry.configuration
        guard !configuration.isJoint,
            configurationIndex <= commitIndex || planted("changesOverlap")
        else {
            return .membership(.changeUnderWay)
        }
        guard isReadable else {
            return .membership(.leaderTooNew)
        }
        if let problem = Configuration.problem(from: configuration, to: next) {
            return .membership(.invalid(problem))
        }
        let lacking = next.formatLevel == configuration.formatLevel ? nil : firstLacking(next)
        if let lacking { return .membership(.formatUnknown(to: lacking)) }
        return next.isJoint ? refusalOfVoters(next) : nil
    }

    private func firstLacking(_ next: Configuration) -> NodeID? {
        let slots = configuration.members.indices
        return slots.first { announcedFormatLevel($0) < next.formatLevel }
            .map { configuration.members[$0].id }
    }

    /// New voters must be there, on disks that count, and so must a majority: else this change, or
    /// what follows it, would wait for ever for somebody who does not count.
    ///
    /// And they must have the log, at least to the members in effect. One that is behind would
    /// hold up every write until it has caught up; and one that knows who the members are from
    /// elsewhere only takes no snapshot from before that, while perhaps nothing later can be
    /// committed without it.
    private func refusalOfVoters(_ next: Configuration) -> Refusal? {
        let voters = next.voters.map(\.id)
        let counted = voters.filter { id in
            configuration.slot(of: id).map { counts($0) && isPresent($0) } ?? false
        }
        for id in voters where configuration.member(id)?.role == .learner {
            guard counted.contains(id) else { return .membership(.notCounted(id)) }
            let lacking = entriesLacking(toVote: id)
            guard lacking == 0 else { return .membership(.behind(id, entries: lacking)) }
        }
        guard counted.count < quorumCount(of: voters.count) else { return nil }
        return .membership(.notCounted(voters.first { !counted.contains($0) } ?? id))
    }

    /// How far this member is behind; 0 if that is near enough to make it a voter.
    private func entriesLacking(toVote id: NodeID) -> UInt64 {
        guard let slot = configuration.slot(of: id), !isSelf(slot), let leadership else {
            return 0
        }
        let match = leadership.followers[slot].match
        let lacking = log.lastIndex.number - match.number
        let isReady =
            match >= max(configurationIndex, log.baseIndex) && lacking <= Limits.promotionLagMax
        return isReady ? 0 : lacking
    }

    private func announcedFormatLevel(_ slot: Int) -> UInt64 {
        if isSelf(slot) { return settings.formatLevel }
        guard counts(slot), let leadership else { return 0 }
        return leadership.followers[slot].formatLevel
    }

    /// A joint configuration ends by itself: whoever leads when it is committed appends the next
    /// one. Appending it takes it into effect, so it happens once a leadership at most.
    mutating func leaveJointIfDue() {
        guard role == .leader, isReadable, configuration.isJoint,
            configurationIndex <= commitIndex || planted("leavesJointEarly"),
            log.lastIndex < Limits.indexMax
        else { return }
        guard let next = try? configuration.leavingJoint() else {
            preconditionFailure("a joint configuration can be left")
        }
        let entry = ConfigurationEntry(configuration: next, authorisation: [])
        appendToOwnLog(kind: .configuration, body: entry.encoded())
    }

    /// A leader that the members have agreed to do without. It hands over, then steps down.
    var isRetiring: Bool {
        role == .leader && configurationIndex <= commitIndex && !configuration.isJoint
            && configuration.member(id)?.role != .voter
    }

    // MARK: Taking effect

    /// The configurations that these entries bring, each checked against the one before it, or
    /// what is wrong with them. Entries that the log has already bring nothing.
    func newConfigurations(
        in entries: [LogEntry],
        from peer: NodeID
    ) -> Result<[ConfigurationHistory.Step], ConfigurationFault> {
        var steps: [ConfigurationHistory.Step] = []
        guard entries.contains(where: { $0.kind == .configuration }),
            let first = entries.first(where: { entry in
                entry.index > commitIndex && log.term(at: entry.index) != entry.term
            })
        else { return .success(steps) }
        var current = configurations.step(at: first.index.previous).configuration
        for entry in entries where entry.index >= first.index && entry.kind == .configuration {
            guard let decoded = try? ConfigurationEntry(decoding: entry.body),
                decoded.configuration.formatLevel <= settings.formatLevel
            else { return .failure(.unsupported(entry.index)) }
            let next = decoded.configuration
            // A new or rebuilt node knows the members from others before its log does: it passes
            // over the steps that led there. The last of them must be what it was told.
            if next.revision <= toldRevision {
                guard next.revision < toldRevision || next == current else {
                    return .failure(.illegal(entry.index))
                }
                continue
            }
            guard Configuration.problem(from: current, to: next) == nil else {
                return .failure(.illegal(entry.index))
            }
            steps.append(ConfigurationHistory.Step(index: entry.index, configuration: next))
            current = next
        }
        return .success(steps)
    }

    /// Brings what the newest configuration of the history says into effect.
    mutating func adoptNewest(into effects: inout [Effect]) {
        let isLate = planted("membersTakeEffectLate")
        let newest = isLate ? configurations.step(at: commitIndex) : configurations.newest
        configurationIndex = newest.index
        guard newest.configuration != configuration else { return }
        precondition(ballot == nil, "slots are in use while campaigning")
        let old = configuration
        configuration = newest.configuration
        voters = VoterHalves(configuration)
        peerLives.keep(configuration.members.map(\.id))
        contacts.keep(configuration.members.map(\.id))
        carryFollowersOver(from: old)
        effects.append(.configurationChanged(configuration))
    }

    /// Leader: what is known of each member moves to its new slot.
    private mutating func carryFollowersOver(from old: Configuration) {
        guard let leadership else { return }
        self.leadership?.followers = configuration.members.map { member in
            old.slot(of: member.id).map { leadership.followers[$0] }
                ?? Follower(next: log.lastIndex.next, heardTick: ticks)
        }
    }
}

/// What is wrong with a configuration in an append.
enum ConfigurationFault: Error {
    /// It cannot be read, or is of a level that this version does not know.
    case unsupported(LogIndex)
    /// It does not follow on the one before it.
    case illegal(LogIndex)

    func alarm(from peer: NodeID) -> Alarm {
        switch self {
        case .unsupported(let index): .unsupportedEntry(index, from: peer)
        case .illegal(let index): .illegalConfiguration(index, from: peer)
        }
    }
}

// MARK: - Observers

extension RaftCore {
    /// Who takes part as far as this node knows for certain: the configuration as of the commit
    /// index. ``configuration`` is the one in effect, which may still be taken back.
    package var committedConfiguration: Configuration {
        configurations.step(at: commitIndex).configuration
    }

    /// The configuration as of this position, which is evaluated and not compacted.
    package func configuration(asOf index: LogIndex) -> Configuration {
        configurations.step(at: index).configuration
    }
}
