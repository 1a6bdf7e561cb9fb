import NIOCore
import Raft
import Replica

extension LocalReplica {
    /// Waits for a linearizable view, and for a leader first if none is known yet.
    ///
    /// - Parameters:
    ///   - loop: where the pauses are spent and `completion` is called: not on a thread of the
    ///     replica, because whoever waited reads the store next.
    ///   - deadline: when to give up; `completion` then gets a refusal.
    func waitForReadPatiently(
        on loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (ReadOutcome) -> Void
    ) {
        waitForRead(deadline: deadline) { [self] outcome in
            guard case .refused = outcome, Moment.now < deadline else {
                return loop.execute { completion(outcome) }
            }
            loop.scheduleTask(in: .milliseconds(Int64(Limits.leaderPollMilliseconds))) {
                self.waitForReadPatiently(on: loop, deadline: deadline, completion: completion)
            }
        }
    }
}
