/// How fast snapshots may leave, so that the writes of a busy leader do not wait for them.
///
/// The rate is steered by what commits cost: while streams run, a mean commit dearer than it was
/// without streams by more than a quarter lowers it, a cheap one raises it. Time is injected.
package struct StreamPacer: Sendable {
    /// Turns of the storage thread since the start, and the nanoseconds that they took in all.
    package struct Commits: Sendable {
        /// Turns.
        package let count: UInt64
        /// What they took in all.
        package let nanoseconds: UInt64

        /// Both count from the start.
        package init(count: UInt64, nanoseconds: UInt64) {
            self.count = count
            self.nanoseconds = nanoseconds
        }
    }

    /// Bytes a second.
    private(set) var rate = Limits.snapshotRateStart
    /// Bytes that may leave now.
    private(set) var allowance = 0
    /// What a commit costs while no stream runs, in nanoseconds; 0 before it is known.
    private(set) var calmNanoseconds: UInt64 = 0
    private var lastRefill: Moment
    private var lastLook: Moment
    private var seen: Commits

    init(_ now: Moment, _ commits: Commits) {
        lastRefill = now
        lastLook = now
        seen = commits
    }

    /// Adds what the time since the last call allows, after a look at what commits cost.
    mutating func refill(_ now: Moment, _ commits: Commits, isStreaming: Bool) {
        look(now, commits, isStreaming)
        let elapsed = min(milliseconds(now - lastRefill), Limits.snapshotRefillMillisecondsMax)
        guard elapsed > 0 else { return }
        lastRefill = now
        // What was not used is not saved up: it would leave as one burst.
        let burst = max(rate / 20, 2 * Limits.snapshotChunkBytes)
        allowance = min(allowance + rate / 1_000 * elapsed, burst)
    }

    /// It never gets slower than this.
    mutating func raise(to floor: Int) { rate = max(rate, floor) }

    /// `bytes` leave.
    mutating func spend(_ bytes: Int) { allowance -= bytes }

    private mutating func look(
        _ now: Moment,
        _ commits: Commits,
        _ isStreaming: Bool
    ) {
        let elapsed = milliseconds(now - lastLook)
        guard elapsed >= Limits.snapshotLookMilliseconds else { return }
        let count = commits.count - min(commits.count, seen.count)
        let spent = commits.nanoseconds - min(commits.nanoseconds, seen.nanoseconds)
        lastLook = now
        seen = commits
        let isBusy = count * 1_000 >= UInt64(elapsed) * Limits.snapshotBusyCommitsPerSecond
        guard isBusy else {
            if isStreaming { rate = min(rate + rate / 2, Limits.snapshotRateMax) }
            return
        }
        let mean = spent / max(count, 1)
        guard isStreaming else {
            // Slowly, so that one slow second does not excuse the next stream.
            calmNanoseconds = calmNanoseconds == 0 ? mean : (3 * calmNanoseconds + mean) / 4
            return
        }
        if calmNanoseconds == 0 { calmNanoseconds = mean }
        if mean > calmNanoseconds + calmNanoseconds / 4 {
            rate = max(rate - rate / 3, Limits.snapshotRateMin)
        } else {
            rate = min(rate + rate / 8, Limits.snapshotRateBusyMax)
        }
    }

    private func milliseconds(_ duration: Duration) -> Int {
        Int(duration.nanoseconds / 1_000_000)
    }
}
