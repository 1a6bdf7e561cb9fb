// Read leases: arithmetic and bookkeeping. The rules that use them are in `RaftCore+Leases.swift`.
//
// All times are nanoseconds of a node's own clock, which runs on while the process is stopped
// (CLOCK_BOOTTIME) and which nobody sets. Two nodes' clocks are never compared; only their rates
// matter, and each is trusted to stay within `clockDriftPPM` of the true one.

import Wire

/// How read leases are reckoned. Every member has to be set to the same.
package struct ReadLeaseSettings: Equatable, Sendable {
    /// How far any member's clock may run fast or slow, in parts per million of true time.
    package var clockDriftPPM: UInt64 = 1_000
    /// Taken off a lease on top of what the drift costs.
    package var marginNanoseconds: UInt64 = 50_000_000
    /// A leader that did not look at its clock for longer than this was stopped, and believes in
    /// no promise given before: a machine that stops processes may have stopped clocks too.
    package var pauseNanosecondsMax: UInt64 = 50_000_000
    /// Length of a tick, which turns `electionTicksMin` into a time.
    package var tickNanoseconds: UInt64 = 10_000_000
    /// Whether this node keeps still after its start for as long as a promise lasts. Always, but
    /// for tests that show what happens otherwise: a promise is only in memory.
    package var keepsStillAtStart = true

    /// The defaults: clocks within 0.1 %, far more than a quartz needs.
    package init() {}

    /// What a leader may believe of a promise of `promise` nanoseconds, counted from the moment at
    /// which it asked.
    ///
    /// A voter counts from the moment at which it heard the question, which is later. In true time
    /// its promise lasts at least promise / (1 + drift), because its clock may be fast; the
    /// leader's time lasts at most lease / (1 − drift), because its clock may be slow. So
    /// lease = promise × (1 − drift) / (1 + drift), rounded down, less the margin.
    package func lease(ofPromise promise: UInt64) -> UInt64 {
        let believed = promise / (Self.million + clockDriftPPM) * (Self.million - clockDriftPPM)
        if planted("leaseWithoutMargin") { return promise }
        return believed > marginNanoseconds ? believed - marginNanoseconds : 0
    }

    /// How long, by a clock that may be fast, a promise of `promise` nanoseconds can last by one
    /// that may be slow; rounded up.
    func patience(forPromise promise: UInt64) -> UInt64 {
        (promise / (Self.million - clockDriftPPM) + 1) * (Self.million + clockDriftPPM)
    }

    private static let million: UInt64 = 1_000_000

    /// Why these cannot work with such promises; `nil` when they can.
    func problem(promise: UInt64, heartbeat: UInt64) -> String? {
        guard clockDriftPPM <= Limits.clockDriftPPMMax else {
            return "clockDriftPPM is above \(Limits.clockDriftPPMMax)"
        }
        guard (1...Limits.leasePromiseNanosecondsMax).contains(promise) else {
            return "a lease's promise is not within 1 ns and an hour"
        }
        guard lease(ofPromise: promise) >= 2 * heartbeat else {
            return "a read lease is shorter than two heartbeats"
        }
        return nil
    }
}

extension RaftSettings {
    /// What a leader with leases asks of its voters: to vote for nobody for as long as a follower
    /// waits for a leader anyway. `nil`: leases are off.
    var leasePromiseNanoseconds: UInt64? {
        readLease.map { UInt64(electionTicksMin) * $0.tickNanoseconds }
    }

    /// How long a node that had leases with these settings may owe a promise, by the worst clocks.
    package static var longestPromiseNanoseconds: UInt64 {
        var settings = RaftSettings()
        var lease = ReadLeaseSettings()
        lease.clockDriftPPM = Limits.clockDriftPPMMax
        settings.readLease = lease
        return lease.patience(forPromise: settings.leasePromiseNanoseconds ?? 0)
    }

    /// Why the leases cannot work; `nil` when they can or are off.
    var leaseProblem: String? {
        guard let readLease, let promise = leasePromiseNanoseconds else { return nil }
        let heartbeat = UInt64(heartbeatTicks) * readLease.tickNanoseconds
        return readLease.problem(promise: promise, heartbeat: heartbeat)
    }
}

/// A leader's rounds of heartbeats that asked for a promise, newest last.
struct LeaseRounds: Sendable {
    struct Round: Sendable {
        let number: UInt64
        /// The leader's clock before the first heartbeat of the round left.
        let sentAt: UInt64
    }

    private var rounds: [Round] = []
    /// When a promise was last asked for; stays when the rounds are forgotten.
    private(set) var lastSentAt: UInt64?
    /// The leader asks for no more promises and does not use those that it has: it hands over.
    private(set) var isReleased = false

    mutating func sent(_ number: UInt64, at time: UInt64) {
        precondition(!isReleased && number > (rounds.last?.number ?? 0))
        if rounds.count == Limits.leaseRoundsMax { rounds.removeFirst() }
        rounds.append(Round(number: number, sentAt: time))
        lastSentAt = time
    }

    /// The newest round with this property.
    func newest(where isConfirmed: (UInt64) -> Bool) -> Round? {
        rounds.last { isConfirmed($0.number) }
    }

    /// No round so far may be believed in.
    mutating func forget() { rounds.removeAll(keepingCapacity: true) }

    mutating func release() {
        isReleased = true
        forget()
    }

    mutating func resume() { isReleased = false }
}

/// What became of reads since the process started; plain numbers for whoever shows them.
package struct ReadCounters: Equatable, Sendable {
    /// As leader: rounds of heartbeats begun for reads.
    package var rounds: UInt64 = 0
    /// As leader: own reads that a round confirmed.
    package var confirmed: UInt64 = 0
    /// As leader: members' questions that a round confirmed. Each stands for all reads that
    /// arrived there within one turn.
    package var batchesConfirmed: UInt64 = 0
    /// As leader: own reads answered by a lease, without a message.
    package var leased: UInt64 = 0
    /// As leader: members' questions answered by a lease.
    package var batchesLeased: UInt64 = 0
    /// As follower: questions to the leader.
    package var questions: UInt64 = 0
    /// As follower: reads that the leader's answers settled.
    package var forwarded: UInt64 = 0

    /// Nothing yet.
    package init() {}
}
