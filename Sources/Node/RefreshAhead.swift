import Raft
import Replica
import Synchronization

/// Asks a leader how far the log is committed before stale reads need to know.
///
/// Without it, every read that comes when the bound has just run out would wait for the leader.
/// Nothing is asked while there are no stale reads: their coming is what drives it.
final class RefreshAhead: Sendable {
    private let replica: LocalReplica
    /// No question before this moment; nil before the first.
    private let paused = Mutex<Moment?>(nil)

    init(replica: LocalReplica) { self.replica = replica }

    /// A stale read has come.
    ///
    /// - Parameters:
    ///   - currentAsOf: since when this node's state is known to be current.
    ///   - bound: how old it may be.
    func staleReadCame(currentAsOf: Moment?, bound: Duration) {
        let now = Moment.now
        if let currentAsOf, (now - currentAsOf) * 2 < bound { return }
        let isDue = paused.withLock { paused in
            if let end = paused, now < end { return false }
            paused = now + .milliseconds(Limits.refreshPauseMilliseconds)
            return true
        }
        guard isDue else { return }
        // The answer tells the replica's status, which is all that is wanted. A lease will do: it
        // vouches for the moment of the question.
        replica.waitForRead(
            deadline: now + .seconds(Limits.requestSeconds),
            mustConfirm: false
        ) { _ in }
    }
}
