import NIOCore
import Replica
import Synchronization
import Vault

/// Does something to the outside world that a job has asked for.
///
/// The same effect may come more than once, after a change of leaders or a lost answer:
/// ``Effect/id`` is the same then, and the performer makes that harmless.
protocol EffectPerformer: Sendable {
    /// Performs it and calls `completion` once, on any thread. Never blocks the caller.
    ///
    /// - Parameter deadline: when nobody waits any more; what is said later is not heard.
    func perform(
        _ effect: Effect,
        deadline: Moment,
        completion: @escaping @Sendable (EffectOutcome) -> Void
    )
}

/// Whoever performs effects, by kind, and the time they get.
///
/// How many are performed at the same time is bounded by ``Limits/tasksRunningMax``: a task has one
/// effect at most.
struct EffectPool: Sendable {
    private let performers: [(kind: EffectKind, performer: any EffectPerformer)]
    private let patience: Duration

    /// - Parameter patience: how long an effect may take.
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
        guard let (_, performer) = performers.first(where: { $0.kind == effect.kind }) else {
            return loop.execute {
                completion(.failed("this node performs no effect \(effect.kind.rawValue)"))
            }
        }
        let once = Once(on: loop, completion)
        let patience = patience
        let timeout = loop.eventLoop.scheduleTask(in: .nanoseconds(patience.nanoseconds)) {
            once.end(.failed("it took longer than \(patience)"))
        }
        performer.perform(effect, deadline: .now + patience) { outcome in
            timeout.cancel()
            once.end(outcome)
        }
    }

    /// The first end counts.
    private final class Once: Sendable {
        private let isOver = Atomic(false)
        private let loop: TaskLoop
        private let completion: @Sendable (EffectOutcome) -> Void

        init(
            on loop: TaskLoop,
            _ completion: @escaping @Sendable (EffectOutcome) -> Void
        ) {
            self.loop = loop
            self.completion = completion
        }

        func end(_ outcome: EffectOutcome) {
            guard !isOver.exchange(true, ordering: .acquiringAndReleasing) else { return }
            loop.execute { self.completion(outcome) }
        }
    }
}
