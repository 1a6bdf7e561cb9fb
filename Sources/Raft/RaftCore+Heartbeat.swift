// Heartbeats: a leader proves it lives, asks whether it still leads, and learns what got lost.

import Wire

extension RaftCore {
    // MARK: Leader

    mutating func leaderTick(into effects: inout [Effect]) {
        for slot in configuration.members.indices {
            leadership?.followers[slot].tick()
        }
        notePace()
        guard carriesMajority else {
            becomeFollower(term: term, leader: nil, into: &effects)
            return
        }
        giveWayIfStalled(into: &effects)
        guard role == .leader else { return }
        giveUpOnSilentSnapshots()
        expireHandover(into: &effects)
        guard role == .leader else { return }
        leadership?.heartbeatElapsedTicks += 1
        if let leadership, leadership.heartbeatElapsedTicks >= settings.heartbeatTicks {
            broadcastHeartbeat(into: &effects)
        }
    }

    func isRecentlyHeard(_ follower: Follower) -> Bool {
        ticks - follower.heardTick < UInt64(settings.electionTicksMin)
    }

    /// Tells everyone, with the newest read round.
    mutating func broadcastHeartbeat(into effects: inout [Effect]) {
        let promise = beginLeaseRound()
        guard let leadership else { return }
        self.leadership?.heartbeatElapsedTicks = 0
        for slot in configuration.members.indices where !isSelf(slot) {
            let match = leadership.followers[slot].match
            let commit = planted("commitsUnmatched") ? commitIndex : min(commitIndex, match)
            let heartbeat = Heartbeat(
                commit: commit,
                round: leadership.round,
                promise: promise
            )
            let target = configuration.members[slot].id
            // Always directly too: that is how a connection that works again is noticed.
            say(.heartbeat(heartbeat), to: target, through: nil, into: &effects)
            if let relay = heartbeatRelay(to: target, since: leadership.beganTick) {
                say(.heartbeat(heartbeat), to: target, through: relay, into: &effects)
            }
        }
    }

    mutating func heartbeatAnswered(
        _ response: HeartbeatResponse,
        by slot: Int,
        into effects: inout [Effect]
    ) {
        guard role == .leader, let leadership else { return }
        let peer = configuration.members[slot].id
        guard response.round <= leadership.round else {
            effects.append(.raise(.unknownRound(peer)))
            return
        }
        guard response.received <= log.lastIndex, response.durable <= response.received else {
            effects.append(.raise(.acknowledgedTooMuch(peer, response.received)))
            return
        }
        let follower = leadership.followers[slot]
        self.leadership?.followers[slot].heardTick = ticks
        self.leadership?.followers[slot].isSealed = response.isSealed
        self.leadership?.followers[slot].isDiskStalled = response.isDiskStalled
        self.leadership?.followers[slot].isShortOfRoom = response.isShortOfRoom
        self.leadership?.followers[slot].formatLevel = response.formatLevel
        self.leadership?.followers[slot].round = max(follower.round, response.round)
        if response.isPromised {
            let leased = max(follower.leasedRound, response.round)
            self.leadership?.followers[slot].leasedRound = leased
        }
        let durable = planted("countsReceived") ? response.received : response.durable
        if durable > follower.match {
            // The answer to its append got lost; this one says as much.
            self.leadership?.followers[slot].acknowledged(through: durable)
            advanceCommit()
        }
        self.leadership?.followers[slot].reported(
            received: response.received,
            base: log.baseIndex,
            resendTicks: settings.resendTicks
        )
        if response.received >= follower.match {
            self.leadership?.followers[slot].deniedTick = nil
        } else {
            // Either late, or it has restarted and knows only what is committed.
            remind(slot: slot, into: &effects)
        }
        confirmReadRound(into: &effects)
    }

    // MARK: Follower

    mutating func heartbeatReceived(
        _ heartbeat: Heartbeat,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard hearLeader(peer, into: &effects) else { return }
        followCommit(heartbeat.commit)
        let isPromised = promise(nanoseconds: heartbeat.promise, to: peer, into: &effects)
        let response = HeartbeatResponse(
            round: heartbeat.round,
            received: matched,
            durable: min(matched, durability.durableIndex),
            isSealed: isSealed,
            isPromised: isPromised,
            isDiskStalled: isDiskStalled,
            isShortOfRoom: isShortOfRoom,
            formatLevel: settings.formatLevel
        )
        say(.heartbeatResponse(response), to: peer, into: &effects)
    }
}
