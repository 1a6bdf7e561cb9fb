import API
import NIOCore
import Raft
import Replica
import Store
import Vault

/// What a step came to, and how far it can be trusted.
struct StepOutcome: Sendable {
    let step: VaultStep
    /// What the view had evaluated.
    let index: UInt64
    /// Keys that were not found.
    let missed: [StorageKey]
    /// A bucket that the answer rests on and that is damaged on this node's disk.
    let damaged: Int?
}

/// Corrupt is not absent, and a miss is a claim: what becomes of an answer that rests on either.
extension RequestFlow {
    /// Calls one of the two, or fails the request.
    ///
    /// - Parameters:
    ///   - answer: what the step says may be said.
    ///   - again: what was in doubt was repaired, so the request is worked on again.
    func settle(
        _ outcome: StepOutcome,
        _ context: RequestContext,
        attempt: Int,
        answer: @escaping @Sendable () -> Void,
        again: @escaping @Sendable () -> Void
    ) {
        if let bucket = outcome.damaged {
            guard attempt < Limits.attemptsMax else { return context.fail(.underRepair) }
            return mend(bucket, context, again)
        }
        guard !outcome.missed.isEmpty, replica.hasOthers, isAbsence(outcome.step) else {
            return answer()
        }
        let isStale = context.vault.consistency.staleNanosecondsMax != nil
        let patience = ContinuousClock.now + .milliseconds(Limits.confirmStaleMilliseconds)
        replica.confirmAbsent(
            PresenceQuestion(
                keys: outcome.missed,
                index: LogIndex(number: outcome.index),
                deadline: isStale ? min(patience, context.deadline) : context.deadline
            ) { [self] verdict in
                switch verdict {
                case .confirmed: onLoop(context, answer)
                // Who takes what this node has by itself gets it: its own digest confirms it.
                case .nobody where isStale: onLoop(context, answer)
                case .nobody: context.fail(.unconfirmed)
                case .contradicted where attempt < Limits.attemptsMax: later(context, again)
                case .contradicted: context.fail(.underRepair)
                }
            }
        )
    }

    /// Goes on once a bucket is repaired, or fails the request.
    func mend(
        _ bucket: Int,
        _ context: RequestContext,
        _ again: @escaping @Sendable () -> Void
    ) {
        replica.mend(bucket, deadline: context.deadline) { [self] isMended in
            guard isMended else { return context.fail(.underRepair) }
            onLoop(context, again)
        }
    }

    /// After a pause in which a repair may come to its end.
    private func later(_ context: RequestContext, _ body: @escaping @Sendable () -> Void) {
        let pause = TimeAmount.milliseconds(Int64(Limits.leaderPollMilliseconds))
        context.loop.scheduleTask(in: pause) { self.onLoop(context, body) }
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
