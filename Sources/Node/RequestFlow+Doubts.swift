import API
import NIOCore
import Raft
import Replica
import Store
import Synchronization
import Vault

/// What a step came to, and how far it can be trusted.
struct StepOutcome: Sendable {
    let step: VaultStep
    /// What the view had evaluated.
    let index: UInt64
    /// Keys that were not found.
    let missed: [StorageKey]
    /// What is known of the buckets that the answer rests on.
    let verdict: BucketTrust.Verdict
}

/// Corrupt is not absent, and a miss is a claim: what becomes of an answer that rests on either.
extension RequestFlow {
    /// Calls one of the two, or fails the request.
    ///
    /// - Parameters:
    ///   - answer: what the step says may be said.
    ///   - again: what was in doubt was repaired, or nobody else can be asked, so the request is
    ///     worked on again.
    func settle(
        _ outcome: StepOutcome,
        _ context: RequestContext,
        attempt: Int,
        answer: @escaping @Sendable () -> Void,
        again: @escaping @Sendable (RequestContext) -> Void
    ) {
        switch outcome.verdict {
        case .whole: break
        case .damaged(let bucket):
            guard attempt < Limits.attemptsMax else { return context.fail(.underRepair) }
            return mend(bucket, context) { again(context) }
        case .unseen:
            // Once for each bucket after the start, and where the scrubber has so much to look at
            // that it comes by less often than buckets are trusted.
            var walking = context
            walking.mayWalk = true
            return onLoop(walking) { [walking] in again(walking) }
        }
        guard !outcome.missed.isEmpty, replica.hasOthers, !context.isAlone,
            isAbsence(outcome.step)
        else { return answer() }
        let isStale = context.vault.consistency.staleNanosecondsMax != nil
        let patience = Moment.now + .milliseconds(Limits.confirmStaleMilliseconds)
        replica.confirmAbsent(
            PresenceQuestion(
                keys: outcome.missed,
                index: LogIndex(number: outcome.index),
                deadline: isStale ? min(patience, context.deadline) : context.deadline
            ) { [self] verdict in
                switch verdict {
                case .confirmed: onLoop(context, answer)
                // Who takes what this node has by itself gets it: its own digest confirms it, not
                // as it was a while ago but in the view that is answered from.
                case .nobody where isStale:
                    var alone = context
                    alone.isAlone = true
                    onLoop(alone) { [alone] in again(alone) }
                case .nobody: context.fail(.unconfirmed)
                case .contradicted where attempt < Limits.attemptsMax,
                    .younger where attempt < Limits.attemptsMax:
                    later(context) { again(context) }
                case .contradicted, .younger: context.fail(.underRepair)
                }
            }
        )
    }

    /// Asks another member about everything that a batch holds for absent, while the batch is on
    /// its way: its answer comes no later than a majority's.
    ///
    /// Each member looks at its own state when it evaluates the batch. But this node prepared it,
    /// so what its disk lost it would miss both times, and say "created" where the others refuse.
    func confirm(_ claims: AbsenceClaims?, _ context: RequestContext) {
        guard let claims else { return }
        guard claims.keys.count <= Replica.Limits.presenceKeysMax else {
            return claims.settle(.nobody)
        }
        replica.confirmAbsent(
            PresenceQuestion(
                keys: claims.keys,
                index: LogIndex(number: claims.index),
                isProposed: true,
                deadline: context.deadline
            ) { claims.settle($0) }
        )
    }

    /// The batch was applied here. "Created" is said when another member had nothing there either.
    /// Where none could say so it is said when this node's buckets add up: what was lost would be
    /// missing in their sums, and a record that was written in its place does not fill the gap. It
    /// is never said when another member has what this batch held for absent, whatever they add up
    /// to.
    func created(
        _ claims: AbsenceClaims,
        _ response: APIResponse,
        _ context: RequestContext
    ) {
        claims.whenSettled { [self] verdict in
            switch verdict {
            case .confirmed: return context.answer(response)
            case .contradicted: return context.fail(.outcomeUnknown)
            case .younger, .nobody: break
            }
            var buckets = BucketSet()
            for key in claims.keys { buckets.insert(key.bucket) }
            requireWhole(buckets.all[...], context) { context.answer(response) }
        }
    }

    /// Goes on if all of them add up; otherwise what was written is not known to be what it seems.
    private func requireWhole(
        _ buckets: ArraySlice<Int>,
        _ context: RequestContext,
        _ body: @escaping @Sendable () -> Void
    ) {
        guard let bucket = buckets.first else { return body() }
        replica.requireWhole(bucket, deadline: context.deadline) { [self] isWhole in
            guard isWhole else { return context.fail(.outcomeUnknown) }
            requireWhole(buckets.dropFirst(), context, body)
        }
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

    /// After a pause in which a repair may come to its end, or a worker to the end of its work.
    func later(_ context: RequestContext, _ body: @escaping @Sendable () -> Void) {
        let pause = TimeAmount.milliseconds(Int64(Limits.leaderPollMilliseconds))
        context.loop.scheduleTask(in: pause) { self.onLoop(context, body) }
    }

    /// Whether the answer says that there is nothing, or that something is not there which has to
    /// be: both may be a record that was lost.
    private func isAbsence(_ step: VaultStep) -> Bool {
        if case .perform = step { return false }
        guard step.isWritten else {
            let id = [UInt8](repeating: 0, count: 16)
            return [404, 500].contains(Reply.response(to: step, requestID: id).status)
        }
        return false
    }
}

/// The keys that a batch holds for absent, and what another member says to that.
final class AbsenceClaims: Sendable {
    private struct State: Sendable {
        var verdict: PresenceVerdict?
        var waiter: (@Sendable (PresenceVerdict) -> Void)?
    }

    let keys: [StorageKey]
    /// What the view had evaluated in which they were missed.
    let index: UInt64
    private let state = Mutex(State())

    /// Nil for a batch that creates nothing.
    ///
    /// - Parameter leaf: rides in the batch as if it were such a key, and is none.
    init?(of batch: WriteBatch, besides leaf: [UInt8]? = nil) {
        let announcement = leaf.flatMap { StorageKey($0) }
        let keys = batch.operations.compactMap { operation -> StorageKey? in
            if case .check(let key, 0) = operation, key != announcement { key } else { nil }
        }
        guard !keys.isEmpty else { return nil }
        self.keys = keys
        index = batch.baseIndex
    }

    /// Called once.
    func settle(_ verdict: PresenceVerdict) {
        let waiter = state.withLock { state in
            state.verdict = verdict
            return state.waiter
        }
        waiter?(verdict)
    }

    /// Calls `body` when the verdict is there; called once.
    func whenSettled(_ body: @escaping @Sendable (PresenceVerdict) -> Void) {
        let verdict = state.withLock { state in
            if state.verdict == nil { state.waiter = body }
            return state.verdict
        }
        if let verdict { body(verdict) }
    }
}
