import Synchronization

/// What the store did to the disk since it was opened.
package struct StoreCounters: Sendable, Equatable {
    /// Write transactions that changed something.
    package let commits: UInt64
    /// Flushes by those: an fdatasync of the pages and an O_DSYNC write of the header page each.
    package let commitFlushes: UInt64
    /// Flushes of the vote file.
    package let voteFlushes: UInt64
    /// Flushes of zeros written ahead of need, while idle.
    package let preallocationFlushes: UInt64

    /// All of them.
    package var flushes: UInt64 { commitFlushes + voteFlushes + preallocationFlushes }
}

/// The running totals behind ``StoreCounters``.
struct Tally: ~Copyable, Sendable {
    private let commits = Atomic<UInt64>(0)
    private let voteFlushes = Atomic<UInt64>(0)
    private let preallocationFlushes = Atomic<UInt64>(0)

    func countCommit() {
        commits.wrappingAdd(1, ordering: .relaxed)
    }

    func countVoteFlushes(_ count: UInt64) {
        voteFlushes.wrappingAdd(count, ordering: .relaxed)
    }

    func countPreallocationFlush() {
        preallocationFlushes.wrappingAdd(1, ordering: .relaxed)
    }

    var counters: StoreCounters {
        let commits = commits.load(ordering: .relaxed)
        return StoreCounters(
            commits: commits,
            commitFlushes: 2 * commits,
            voteFlushes: voteFlushes.load(ordering: .relaxed),
            preallocationFlushes: preallocationFlushes.load(ordering: .relaxed)
        )
    }
}
