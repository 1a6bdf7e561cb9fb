// Read leases: a leader that a quorum has promised not to replace for a while reads without asking.
//
// The promise. A voter that answers a heartbeat which asks for it votes for nobody, not even for
// itself and whoever asks, until the promised time has passed on its own clock (`isLeaseBound`).
// A promise is kept in memory only, so a voter that starts keeps still for one such time first.
//
// The lease. The leader counts from before the heartbeat left, shortened by drift and margin, and
// only while its present quorum has promised. Every election needs a voter that promised, so while
// the lease runs nobody else leads and nothing is committed that this leader does not know.
//
// Sources: dissertation section 6.4.1, made strict: it trusts election time-outs, which a reset
// connection, a transfer or a restart cut short. All those paths are closed by `isLeaseBound`.

import Wire

extension RaftCore {
    // MARK: The clock

    /// The driver looked at the clock: after it took the inputs of this turn, before anything of
    /// the turn is done. So whatever is in the turn happened before `now`.
    mutating func clockRead(_ now: UInt64) {
        precondition(now >= clock ?? 0, "the clock ran backwards")
        if let clock, let readLease = settings.readLease,
            now - clock > readLease.pauseNanosecondsMax
        {
            // Stopped for a while. The next round shows whether anything was missed.
            leadership?.lease.forget()
        }
        if clock == nil, settings.readLease?.keepsStillAtStart == true,
            !planted("restartForgetsPromise")
        {
            leaseBoundUntil = now + (settings.leasePromiseNanoseconds ?? 0)
        }
        clock = now
    }

    // MARK: Voter

    /// This node promised a leader to vote for nobody, and the time is not over by its own clock.
    /// The one rule that leases rest on: votes, pre-votes and campaigns ask here.
    var isLeaseBound: Bool {
        guard settings.readLease != nil, !planted("votesDespitePromise") else { return false }
        guard let clock else { return true }
        return clock < leaseBoundUntil
    }

    /// Promises what a heartbeat asks for.
    ///
    /// - Returns: false if it asks for nothing, or for what this node is not set to promise; then
    ///   its answer counts for no lease.
    mutating func promise(
        nanoseconds: UInt64,
        to leader: NodeID,
        into effects: inout [Effect]
    ) -> Bool {
        guard nanoseconds > 0 else { return false }
        guard let own = settings.leasePromiseNanoseconds, nanoseconds <= own else {
            if leaseMismatchTerm != term {
                leaseMismatchTerm = term
                effects.append(.raise(.leaseMismatch(leader)))
            }
            return false
        }
        guard let clock else { return false }
        leaseBoundUntil = max(leaseBoundUntil, clock + nanoseconds)
        return true
    }

    // MARK: Leader

    /// Called for each round of heartbeats: with leases on it gets a number and a time of its own.
    ///
    /// - Returns: the promise to ask for, in nanoseconds; 0: none.
    mutating func beginLeaseRound() -> UInt64 {
        guard let promise = settings.leasePromiseNanoseconds, let clock,
            let leadership, !leadership.lease.isReleased
        else { return 0 }
        self.leadership?.round += 1
        self.leadership?.lease.sent(leadership.round + 1, at: clock)
        return promise
    }

    /// Until when, by this node's clock, nobody else can lead; `nil` while nothing is known.
    ///
    /// Reckoned anew each time, because a quorum of another configuration has promised nothing.
    var leaseEnd: UInt64? {
        guard let readLease = settings.readLease, let promise = settings.leasePromiseNanoseconds,
            let leadership, isReadable || planted("leaseBeforeOwnCommit"),
            !leadership.lease.isReleased
        else { return nil }
        let confirmed = leadership.lease.newest { number in
            isQuorum { isSelf($0) || leadership.followers[$0].leasedRound >= number }
        }
        return confirmed.map { round in
            let start = planted("leaseFromAnswer") ? clock ?? round.sentAt : round.sentAt
            return start + readLease.lease(ofPromise: promise)
        }
    }

    /// Answers everything that waits and need not be confirmed, if the lease runs.
    ///
    /// Each of these reads arrived before the clock was read, and at that moment the lease ran: so
    /// the commit index holds everything acknowledged before the read was asked.
    mutating func answerByLease(into effects: inout [Effect]) {
        guard leadership?.reads.waiting.isEmpty == false, let clock, let end = leaseEnd,
            clock < end
        else { return }
        let reads = leadership?.reads.takeLeasable() ?? []
        for read in reads {
            switch read {
            case .local(let tickets, _): readCounters.leased += UInt64(tickets.count)
            case .remote: readCounters.batchesLeased += 1
            }
        }
        answer(reads, at: commitIndex, until: end, into: &effects)
    }

    /// Ends the use of leases before a handover: nobody may vote while a promise runs, whoever
    /// asks, so they have to run out first. Reads go by rounds meanwhile and writes go on.
    ///
    /// - Returns: whether no promise asked for by this leader can still run, unless a heartbeat
    ///   was under way for longer than it took to wait.
    mutating func releaseLease() -> Bool {
        guard let readLease = settings.readLease, let promise = settings.leasePromiseNanoseconds
        else { return true }
        leadership?.lease.release()
        guard let sentAt = leadership?.lease.lastSentAt else { return true }
        guard let clock else { return false }
        return clock - sentAt > readLease.patience(forPromise: promise)
    }

    /// There is no handover after all.
    mutating func resumeLease() { leadership?.lease.resume() }
}
