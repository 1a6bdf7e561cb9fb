// Snapshots: for a follower that needs entries which are no longer in the log.

import Wire

extension RaftCore {
    // MARK: Leader

    /// The entry before the next one to send is gone: only a snapshot helps. Not for a follower
    /// that says nothing; it would be streamed into the void.
    mutating func turnToSnapshotIfNeeded(
        slot: Int,
        target: NodeID,
        into effects: inout [Effect]
    ) {
        guard let follower = leadership?.followers[slot],
            follower.next <= log.baseIndex,
            isDirectlyHeard(target, within: settings.electionTicksMin)
        else { return }
        switch follower.progress {
        // A stream that just broke is not begun again at once, or it would be again and again.
        case .snapshot, .probe(isWaiting: true, _): return
        case .probe, .replicate: break
        }
        leadership?.followers[slot].beginSnapshot()
        effects.append(.streamSnapshot(to: target, atLeast: leastPoint(of: slot)))
    }

    /// The earliest position at which a snapshot is of use to this member.
    ///
    /// One that counts in no quorum may be new, or begin anew, and then was told who the members
    /// are by whoever admitted it. With a snapshot from before that it would fall behind what it
    /// knows and would refuse it, so it gets one of the newest configuration that is evaluated
    /// here. One that counts gets any that will do: that configuration may be waiting for it.
    private func leastPoint(of slot: Int) -> LogIndex {
        let isNeeded = voters.contains(slot) && counts(slot)
        return isNeeded
            ? log.baseIndex : max(log.baseIndex, min(configurationIndex, evaluatedIndex))
    }

    mutating func snapshotStreamed(to peer: NodeID, point: SnapshotPoint, isDelivered: Bool) {
        guard role == .leader, let slot = configuration.slot(of: peer), peer != id,
            let follower = leadership?.followers[slot],
            follower.progress == .snapshot(isDelivered: false)
        else { return }
        if isDelivered && point.index >= log.baseIndex {
            leadership?.followers[slot].snapshotDelivered()
        } else {
            leadership?.followers[slot].beginWaiting()
        }
    }

    /// A delivered snapshot that nobody speaks of was lost in a restart.
    mutating func giveUpOnSilentSnapshots() {
        guard let leadership else { return }
        for slot in leadership.followers.indices {
            let follower = leadership.followers[slot]
            guard follower.progress == .snapshot(isDelivered: true),
                follower.quietTicks >= settings.snapshotAnswerTicksMax
            else { continue }
            self.leadership?.followers[slot].beginWaiting()
        }
    }

    // MARK: Follower

    /// A whole, verified snapshot is in a local file. Installs it if the log does not reach it, but
    /// none from before the members that this node began with: it may be none of them.
    mutating func snapshotArrived(
        _ point: SnapshotPoint,
        from peer: NodeID,
        term leaderTerm: Term,
        into effects: inout [Effect]
    ) {
        guard peer != id else {
            effects.append(.raise(.ownName(peer)))
            return
        }
        guard leaderTerm <= Limits.termMax, point.index <= Limits.indexMax,
            point.index > .zero, point.term <= leaderTerm
        else {
            effects.append(.raise(.numberOutOfRange(from: peer)))
            return
        }
        // A leader has everything already, and what an outdated one sent its successor can send.
        guard leaderTerm >= term, role != .leader || leaderTerm > term else { return }
        if leaderTerm > term || role != .follower {
            // The stream began a while ago: it is no sign of who leads now.
            becomeFollower(term: leaderTerm, leader: nil, into: &effects)
        }

        let known = log.term(at: point.index)
        if point.index <= commitIndex, !planted("snapshotOverNewerState") {
            guard known == nil || known == point.term else {
                effects.append(.raise(.snapshotConflict(point.index, from: peer)))
                return
            }
        } else if known == point.term, !planted("snapshotOverAcknowledged") {
            // The log has it all: only the commit index was missing.
            matched = max(matched, point.index)
            commitIndex = point.index
        } else if point.configuration.revision >= toldRevision {
            guard isPlausible(point) else {
                effects.append(.raise(.snapshotConflict(point.index, from: peer)))
                return
            }
            install(point, into: &effects)
        }
        dueAcknowledgement = max(dueAcknowledgement ?? .zero, matched)
    }

    /// Terms never fall along a log, so a later committed position has no earlier term.
    private func isPlausible(_ point: SnapshotPoint) -> Bool {
        guard let committedTerm = log.term(at: commitIndex) else { return false }
        return point.term >= committedTerm
    }

    private mutating func install(_ point: SnapshotPoint, into effects: inout [Effect]) {
        precondition(point.index > commitIndex && role == .follower)
        flush(into: &effects)
        let token = durability.replaced(by: point.index, committed: commitIndex)
        log = LogTail(baseIndex: point.index, baseTerm: point.term)
        matched = point.index
        commitIndex = point.index
        announcedCommit = point.index
        evaluatedIndex = max(evaluatedIndex, point.index)
        effects.append(.installSnapshot(point, token: token))
        configurations = ConfigurationHistory(point.configuration, at: point.index)
        toldRevision = point.configuration.revision
        adoptNewest(into: &effects)
    }
}
