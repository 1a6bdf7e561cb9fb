import API
import NIOCore
import Raft
import Replica
import Store
import Vault

/// Corrupt is not absent, and a miss is a claim: what becomes of an answer that rests on either.
extension RequestFlow {
    /// Looks at what the view could not give.
    ///
    /// - Parameter end: called once if this returns false, on any thread: whether the answer may be
    ///   given; else the request is worked on again.
    /// - Returns: whether the answer may be given at once.
    func settle(
        _ doubts: ViewDoubts,
        of step: VaultStep,
        at index: UInt64,
        _ context: RequestContext,
        attempt: Int,
        _ end: @escaping @Sendable (Bool) -> Void
    ) -> Bool {
        if let damaged = doubts.damaged.first {
            replica.mend(damaged, deadline: context.deadline) { isMended in
                // What was not repaired is an error, and says so; it is never "not found".
                end(!isMended || attempt >= Limits.attemptsMax)
            }
            return false
        }
        let isClaim = isAbsence(step) && !doubts.missed.isEmpty
        guard isClaim || !doubts.scanned.isEmpty, replica.hasOthers else { return true }
        let touched = doubts.scanned.map(\.bucket) + doubts.missed.map(\.bucket)
        if !Set(replica.status.scrub.doubtfulBuckets).isDisjoint(with: touched) {
            guard attempt < Limits.attemptsMax, !context.isOver else {
                context.fail(.internalFailure)
                return false
            }
            again(context, end)
            return false
        }
        guard isClaim else { return true }
        replica.confirmAbsent(
            PresenceQuestion(
                keys: doubts.missed,
                index: LogIndex(number: index),
                deadline: context.deadline
            ) { [self] verdict in
                switch verdict {
                case .confirmed, .nobody: end(true)
                case .contradicted where attempt < Limits.attemptsMax: again(context, end)
                case .contradicted: context.fail(.internalFailure)
                }
            }
        )
        return false
    }

    /// After a pause in which a repair may come to its end.
    private func again(_ context: RequestContext, _ end: @escaping @Sendable (Bool) -> Void) {
        context.loop.scheduleTask(in: .milliseconds(Int64(Limits.leaderPollMilliseconds))) {
            end(false)
        }
    }

    /// Whether the answer says that there is nothing.
    private func isAbsence(_ step: VaultStep) -> Bool {
        guard case .commit = step else {
            let id = [UInt8](repeating: 0, count: 16)
            return Reply.response(to: step, requestID: id).status == 404
        }
        return false
    }
}
