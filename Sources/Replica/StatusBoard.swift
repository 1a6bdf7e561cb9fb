package import Raft
package import Store
import Synchronization

/// What the core's thread last said about itself, for everybody else to read.
package struct ReplicaStatus: Sendable {
    /// Follower, candidate or leader.
    package var role = Role.follower
    /// The current term.
    package var term = Term.zero
    /// Who leads, as far as this node knows.
    package var leader: NodeID?
    /// Highest index known durable on a majority.
    package var committed = LogIndex.zero
    /// Highest index whose outcome is decided and visible here.
    package var evaluated = LogIndex.zero
    /// End of this node's log.
    package var last = LogIndex.zero
    /// Who takes part, as this node goes by it: the newest configuration in its log.
    package var configuration: Configuration?
    /// The newest one that is committed. Equal to `configuration` unless a change is under way.
    package var committedConfiguration: Configuration?
    /// As leader: what it knows of each member, in order of ids.
    package var members: [RaftCore.MemberProgress] = []
    /// When this node became leader; nil on others.
    package var leaderSince: Moment?
    /// A view opened after this was read holds everything acknowledged, anywhere, before this
    /// moment: when this node last asked the question that a leader has answered since. `nil`
    /// before the first.
    package var currentAsOf: Moment?
    /// How much room this node's disk has.
    package var space = SpaceState.ample
    /// What became of reads since the start.
    package var reads = ReadCounters()
    /// What looking over the whole store came to.
    package var scrub = ScrubStatus()
    /// What became of snapshots since the start.
    package var snapshots = SnapshotCounters()
}

/// Holds the newest status. Readers never wait for the core.
final class StatusBoard: Sendable {
    private let status: Mutex<ReplicaStatus>
    private let applied: Atomic<UInt64>
    private let turns = Atomic<UInt64>(0)
    private let turnNanoseconds = Atomic<UInt64>(0)

    init(_ status: ReplicaStatus, applied: LogIndex) {
        self.status = Mutex(status)
        self.applied = Atomic(applied.number)
    }

    var current: ReplicaStatus { status.withLock { $0 } }

    var appliedIndex: LogIndex {
        LogIndex(number: applied.load(ordering: .acquiring))
    }

    func update(_ change: (inout ReplicaStatus) -> Void) {
        status.withLock { change(&$0) }
    }

    /// The storage thread had work and was done with it after `duration`.
    func stored(in duration: Duration) {
        turnNanoseconds.wrappingAdd(UInt64(clamping: duration.nanoseconds), ordering: .relaxed)
        turns.wrappingAdd(1, ordering: .relaxed)
    }

    /// What the storage thread's turns cost since the start.
    var commits: StreamPacer.Commits {
        StreamPacer.Commits(
            count: turns.load(ordering: .relaxed),
            nanoseconds: turnNanoseconds.load(ordering: .relaxed)
        )
    }

    func applied(through index: LogIndex) {
        applied.store(index.number, ordering: .releasing)
    }
}
