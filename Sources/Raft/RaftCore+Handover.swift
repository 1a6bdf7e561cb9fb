// Handover: a sealed leader gives way to an unsealed voter that has the whole log.

extension RaftCore {
    // MARK: Leader

    /// Moves a handover on, or begins one. Runs at the end of each turn.
    ///
    /// Nothing appended is lost: proposals are refused from the beginning, and the target is told
    /// to campaign only when its disk has our whole log.
    mutating func advanceHandover(into effects: inout [Effect]) {
        beginHandoverIfSealed()
        guard let leadership, let handover = leadership.handover, !handover.isSent,
            let slot = configuration.slot(of: handover.target),
            leadership.followers[slot].match == log.lastIndex
        else { return }
        self.leadership?.handover?.isSent = true
        say(.timeoutNow, to: handover.target, into: &effects)
    }

    private mutating func beginHandoverIfSealed() {
        guard isSealed, let leadership, leadership.handover == nil, mayTryHandover else { return }
        let targets = voterSlots.filter { slot in
            let follower = leadership.followers[slot]
            return !isSelf(slot) && follower.isSealed == false && isRecentlyHeard(follower)
                && follower.progress == .replicate && follower.match >= commitIndex
        }
        guard
            let best = targets.max(by: {
                leadership.followers[$0].match < leadership.followers[$1].match
            })
        else { return resumeLease() }
        guard releaseLease() else { return }
        lastHandoverTick = ticks
        self.leadership?.handover = Handover(
            target: configuration.members[best].id,
            beganTick: ticks
        )
    }

    private var mayTryHandover: Bool {
        guard let lastHandoverTick else { return true }
        return ticks - lastHandoverTick >= UInt64(settings.handoverIntervalTicks)
    }

    /// The target did not make it: lead on, and take proposals again.
    mutating func expireHandover() {
        guard let handover = leadership?.handover,
            ticks - handover.beganTick >= UInt64(settings.handoverTicksMax)
        else { return }
        leadership?.handover = nil
        resumeLease()
    }

    // MARK: Target

    mutating func timeoutNowReceived(from peer: NodeID, into effects: inout [Effect]) {
        // Sealed meanwhile, or not from our leader: then the leader just leads on.
        guard role == .follower, leader == peer, isVoter, !isSealed else { return }
        becomeCandidate(isTransfer: true, into: &effects)
    }
}
