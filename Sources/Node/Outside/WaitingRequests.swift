import API
import Engines
import Replica
import Synchronization
import Vault

/// Requests that wait for an effect: how many, how long, and until when at all.
///
/// A waiting request is an entry here and nothing else: it holds no view, lock or thread. Its
/// place is free again when the effect has ended, its time is over, or its client has gone.
final class WaitingRequests: Sendable {
    /// How a wait ended.
    enum Ending: Sendable {
        case performed(EffectOutcome)
        /// Too many wait, or the node stops.
        case refused
        /// Nobody would read the answer.
        case gone
    }

    private struct State: Sendable {
        var isOpen = true
        var next: UInt64 = 0
        /// Only looked up, and ended all at once.
        var waits: [UInt64: EffectWait] = [:]
    }

    private let effects: EffectPool
    private let waitingMax: Int
    private let state = Mutex(State())

    init(_ effects: EffectPool, waitingMax: Int = Limits.requestsWaitingMax) {
        self.effects = effects
        self.waitingMax = waitingMax
    }

    /// How many wait.
    var count: Int { state.withLock { $0.waits.count } }

    /// Performs the effect for a request. `completion` is called once, on any thread.
    func wait(
        for effect: Effect,
        _ context: RequestContext,
        completion: @escaping @Sendable (Ending) -> Void
    ) {
        let number = state.withLock { state -> UInt64? in
            guard state.isOpen, state.waits.count < waitingMax else { return nil }
            state.next += 1
            return state.next
        }
        guard let number else { return completion(.refused) }
        let patience = Duration.seconds(Limits.effectWaitSeconds)
        let wait = EffectWait(until: min(context.deadline, .now + patience)) { [self] ending in
            state.withLock { $0.waits[number] = nil }
            switch ending {
            case .outcome(let outcome): completion(.performed(outcome))
            case .abandoned: completion(.gone)
            case .stopped: completion(.refused)
            }
        }
        var effect = effect
        effect.trace = context.trace.header
        // Noted before it begins, so an instant end cannot be missed.
        state.withLock { $0.waits[number] = wait }
        context.whenGone?({ wait.abandon() })
        context.underWay?()
        effects.begin(effect, wait)
        if !state.withLock({ $0.isOpen }) { wait.stop() }
    }

    /// Ends all waits, and takes no more: the node stops.
    func stop() {
        let waits = state.withLock { state in
            state.isOpen = false
            return Array(state.waits.values)
        }
        for wait in waits { wait.stop() }
    }
}

extension RequestContext {
    /// Of what is asked of others for it: this node's part asks, in the caller's trace or, as in
    /// the log, in one of its own.
    fileprivate var trace: TraceContext {
        let isForwarded = if case .member = origin { true } else { false }
        return TraceContext(
            of: TraceContext(header: request.headers.trace),
            requestID: request.requestID,
            isForwarded: isForwarded
        )
    }
}
