// Handover: a leader gives way to another voter, because it was asked to, because it is sealed,
// because its disk is stalled or nearly full, because it hears a majority only through another, or
// because the members have made it a learner.
//
// Nothing appended is lost: the target is told to campaign only when its disk has the whole log
// (with a stalled disk of our own: everything committed, and the rest is decided by whoever leads).

import Wire

extension RaftCore {
    // MARK: Asking

    mutating func transferRequested(
        _ ticket: Ticket,
        to wanted: NodeID?,
        into effects: inout [Effect]
    ) {
        if let refusal = transferRefusal(to: wanted) {
            effects.append(.transferEnded(ticket, .refused(refusal)))
            return
        }
        guard let target = wanted ?? bestTarget(unsealedOnly: !isSealed) else {
            effects.append(.transferEnded(ticket, .refused(.unfit)))
            return
        }
        transfer = TransferWait(ticket: ticket)
        beginHandover(to: target, reason: .requested)
    }

    private func transferRefusal(to wanted: NodeID?) -> TransferRefusal? {
        guard role == .leader, let leadership else { return .notLeader(hint: leader) }
        guard leadership.handover == nil, transfer == nil else { return .underWay }
        guard let wanted else { return nil }
        guard wanted != id else { return .leadsAlready }
        guard let slot = configuration.slot(of: wanted), voters.incoming.contains(slot) else {
            return .notVoter
        }
        return isFit(slot, unsealedOnly: !isSealed) ? nil : .unfit
    }

    /// Could lead at once, once it has the log. Who is heard through a relay only is left out:
    /// it hears fewer members than this leader does, as far as anybody knows.
    func isFit(_ slot: Int, unsealedOnly: Bool) -> Bool {
        guard !isSelf(slot), let follower = leadership?.followers[slot],
            isDirectlyHeard(configuration.members[slot].id, within: settings.electionTicksMin)
        else { return false }
        return counts(slot) && isRecentlyHeard(follower) && !follower.isDiskStalled
            && (follower.isSealed == false || !unsealedOnly)
    }

    /// The fit voter that follows and has most of the log, one with room before others. Preferred
    /// regions attach here.
    private func bestTarget(unsealedOnly: Bool, mustHaveRoom: Bool = false) -> NodeID? {
        guard let leadership else { return nil }
        let fit = voters.incoming.filter { slot in
            isFit(slot, unsealedOnly: unsealedOnly)
                && leadership.followers[slot].progress == .replicate
                && leadership.followers[slot].match >= commitIndex
        }
        let roomy = fit.filter { !leadership.followers[$0].isShortOfRoom }
        let candidates = roomy.isEmpty && !mustHaveRoom ? fit : roomy
        let best = candidates.max {
            leadership.followers[$0].match < leadership.followers[$1].match
        }
        return best.map { configuration.members[$0].id }
    }

    // MARK: Leader

    private mutating func beginHandover(to target: NodeID, reason: Handover.Reason) {
        leadership?.handover = Handover(
            reason: reason,
            target: target,
            beganTick: ticks,
            stage: .catchingUp(mark: log.lastIndex, sinceTick: ticks, previousTicks: nil)
        )
    }

    /// Moves a handover on, or begins one. Runs at the end of each turn.
    mutating func advanceHandover(into effects: inout [Effect]) {
        beginHandoverIfDue()
        guard let handover = leadership?.handover,
            let slot = configuration.slot(of: handover.target),
            let follower = leadership?.followers[slot]
        else { return }
        if case .catchingUp(let mark, let since, let previous) = handover.stage,
            follower.progress == .replicate, follower.match >= mark
        {
            let took = ticks - since
            let isLeaseOver = releaseLease()
            if isStopShort(took, previous: previous) && isLeaseOver {
                leadership?.handover?.stage = .flushing(sinceTick: ticks)
            } else {
                leadership?.handover?.stage = .catchingUp(
                    mark: log.lastIndex,
                    sinceTick: ticks,
                    previousTicks: took
                )
            }
        }
        // All of it committed, and the target told so: then it can take the first write as soon as
        // it leads, without waiting for the end of what it inherits.
        if case .flushing(let since) = leadership?.handover?.stage,
            follower.match == log.lastIndex, commitIndex == log.lastIndex
        {
            leadership?.handover?.stage = .told(sinceTick: since)
            say(.timeoutNow, to: handover.target, into: &effects)
        }
    }

    /// What is on its way to the target when proposals stop takes about as long as the last
    /// round did. A round that is no shorter than the one before it is the pace of the network
    /// and of the target's disk, and waiting brings nothing; but it must fit into the attempt.
    ///
    /// - Source: the rounds of the dissertation's section 4.2.1, for another purpose.
    private func isStopShort(_ took: UInt64, previous: UInt64?) -> Bool {
        if took <= UInt64(settings.transferRoundTicksMax) { return true }
        guard let previous, took >= previous else { return false }
        return took <= UInt64(settings.handoverTicksMax) / 2
    }

    private mutating func beginHandoverIfDue() {
        guard leadership != nil, leadership?.handover == nil else { return }
        if isRetiring {
            let target = bestTarget(unsealedOnly: true) ?? bestTarget(unsealedOnly: false)
            if let target { beginHandover(to: target, reason: .retiring) }
            return
        }
        guard mayTryHandover else { return }
        if isSealed, let target = bestTarget(unsealedOnly: true) {
            lastHandoverTick = ticks
            beginHandover(to: target, reason: .sealed)
        } else if let target = bridge {
            lastHandoverTick = ticks
            beginHandover(to: target, reason: .bridged)
        } else if isShortOfRoom,
            let target = bestTarget(unsealedOnly: !isSealed, mustHaveRoom: true)
        {
            lastHandoverTick = ticks
            beginHandover(to: target, reason: .roomless)
        }
    }

    private var mayTryHandover: Bool {
        guard let lastHandoverTick else { return true }
        return ticks - lastHandoverTick >= UInt64(settings.handoverIntervalTicks)
    }

    /// The target did not make it: lead on, and take proposals again.
    mutating func expireHandover(into effects: inout [Effect]) {
        guard let handover = leadership?.handover, !planted("handoverNeverEnds") else { return }
        switch handover.stage {
        case .catchingUp:
            guard let slot = configuration.slot(of: handover.target),
                voters.incoming.contains(slot),
                isFit(slot, unsealedOnly: needsUnsealed(handover.reason))
            else { return giveUpHandover(.refused(.unfit), into: &effects) }
            guard releaseLease() else {
                // Promises run out by themselves, and writes go on meanwhile.
                leadership?.handover?.beganTick = ticks
                return
            }
            guard ticks - handover.beganTick >= UInt64(settings.transferTicksMax) else { return }
        case .flushing(let since), .told(let since):
            guard ticks - since >= UInt64(settings.handoverTicksMax) else { return }
        }
        giveUpHandover(.timedOut, into: &effects)
    }

    private mutating func giveUpHandover(
        _ outcome: TransferOutcome,
        into effects: inout [Effect]
    ) {
        leadership?.handover = nil
        resumeLease()
        endTransfer(outcome, into: &effects)
        // No voter any more: who leads next is the voters' choice, if it is not the target's.
        if isRetiring { becomeFollower(term: term, leader: nil, into: &effects) }
    }

    private func needsUnsealed(_ reason: Handover.Reason) -> Bool {
        switch reason {
        case .sealed: true
        case .requested, .bridged, .roomless: !isSealed
        case .retiring: false
        }
    }

    private mutating func endTransfer(_ outcome: TransferOutcome, into effects: inout [Effect]) {
        guard let ended = transfer else { return }
        transfer = nil
        effects.append(.transferEnded(ended.ticket, outcome))
    }

    /// Tells who asked for a transfer once it is known who leads after it. Runs after each step.
    mutating func settleTransfer(into effects: inout [Effect]) {
        guard let transfer else { return }
        if role == .leader {
            // Leading again, after all: nobody else made it.
            if transfer.untilTick != nil { endTransfer(.timedOut, into: &effects) }
        } else if let leader {
            endTransfer(.done(leader: leader), into: &effects)
        } else if let until = transfer.untilTick {
            if ticks >= until { endTransfer(.timedOut, into: &effects) }
        } else {
            let patience = settings.handoverTicksMax + settings.electionTicksMax
            self.transfer?.untilTick = ticks + UInt64(patience)
        }
    }

    // MARK: Stalled disk

    mutating func diskHealthChanged(_ health: DiskHealth, into effects: inout [Effect]) {
        diskStalledTick = health == .stalled ? diskStalledTick ?? ticks : nil
        giveWayIfStalled(into: &effects)
    }

    /// A leader that cannot write does not stay for the sake of its heartbeats, as soon as the
    /// others have committed something without it: it tells the fittest of them to campaign, and
    /// falls silent. Where nothing waits for them, an empty entry asks them.
    ///
    /// That they were heard and reported no stall is not enough: a disk that all share stops for
    /// all of them at once, who wrote first knows it first, and the next leader would do no better.
    mutating func giveWayIfStalled(into effects: inout [Effect]) {
        guard role == .leader, let diskStalledTick, let leadership else { return }
        guard voters.agree({ isFit($0, unsealedOnly: false) }) else { return }
        let haveCommitted =
            commitIndex > durability.durableIndex && leadership.commitTick >= diskStalledTick
        guard haveCommitted else {
            if commitIndex == log.lastIndex, leadership.handover == nil {
                appendToOwnLog(kind: .noop, body: [])
            }
            return
        }
        let target = bestTarget(unsealedOnly: true) ?? bestTarget(unsealedOnly: false)
        if let target {
            say(.timeoutNow, to: target, into: &effects)
        }
        becomeFollower(term: term, leader: nil, into: &effects)
    }

    // MARK: Target

    /// Sealed meanwhile: leads all the same, and hands over to whoever is not.
    mutating func timeoutNowReceived(from peer: NodeID, into effects: inout [Effect]) {
        // Not from our leader, or no fit successor: then the leader just leads on.
        guard role == .follower, leader == peer, mayCampaign, !isDiskStalled else { return }
        becomeCandidate(isTransfer: true, into: &effects)
    }
}
