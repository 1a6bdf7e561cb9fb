import Engines
import NIOCore
import NIOPosix
import Replica

/// Does something to the outside world that a job or a request has asked for.
///
/// The same effect may come more than once, after a change of leaders or a lost answer:
/// ``Effect/id`` is the same then, and the performer makes that harmless. What a node sent that
/// leads no more may arrive at any later time: so whoever undoes an effect (``Effect/undoes``)
/// leaves outside what turns that one away.
protocol EffectPerformer: Sendable {
    /// Performs it and calls `completion` once, on any thread. Never blocks the caller.
    ///
    /// - Parameter deadline: when nobody waits any more; what is said later is not heard.
    func perform(
        _ effect: Effect,
        deadline: Moment,
        completion: @escaping @Sendable (EffectOutcome) -> Void
    )

    /// Nobody waits for this effect any more: what was kept for it may be let go.
    func abandon(_ effect: Effect)
}

extension EffectPerformer {
    func abandon(_ effect: Effect) {}
}

/// Whoever performs effects, by kind, and the time they get.
///
/// How many are performed at the same time is bounded by whoever asks: a task has one effect at
/// most, and so has a request. See ``Limits/tasksRunningMax`` and ``WaitingRequests``.
struct EffectPool: Sendable {
    private let performers: [(kind: EffectKind, performer: any EffectPerformer)]
    private let patience: Duration

    /// - Parameter patience: how long a task's effect may take.
    init(
        _ performers: [(kind: EffectKind, performer: any EffectPerformer)],
        patience: Duration = .seconds(Limits.effectSeconds)
    ) {
        self.performers = performers
        self.patience = patience
    }

    /// Calls `completion` once, on `loop`: with what came of it, or with a failure when the time is
    /// over.
    func perform(
        _ effect: Effect,
        on loop: TaskLoop,
        completion: @escaping @Sendable (EffectOutcome) -> Void
    ) {
        let wait = EffectWait(until: .now + patience) { ending in
            let outcome: EffectOutcome =
                switch ending {
                case .outcome(let outcome): outcome
                case .abandoned, .stopped: .failed("nobody waits for it")
                }
            loop.execute { completion(outcome) }
        }
        begin(effect, wait)
    }

    /// Begins an effect that somebody waits for.
    func begin(_ effect: Effect, _ wait: EffectWait) {
        guard let (_, performer) = performers.first(where: { $0.kind == effect.kind }) else {
            return wait.end(.failed("this node performs no effect \(effect.kind.rawValue)"))
        }
        let left = max(wait.deadline - .now, .zero)
        // On one of NIO's own threads: what an effect brings may come after all others have ended.
        let timer = MultiThreadedEventLoopGroup.singleton.any()
        let timeout = timer.scheduleTask(in: .nanoseconds(left.nanoseconds)) {
            wait.timeOut("it took longer than \(left)")
        }
        guard wait.begin(timeout, release: { performer.abandon(effect) }) else { return }
        performer.perform(effect, deadline: wait.deadline) { wait.end($0) }
    }
}
