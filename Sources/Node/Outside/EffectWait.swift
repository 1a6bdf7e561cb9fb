import Engines
import NIOCore
import Replica
import Synchronization

/// One effect that somebody waits for. The first end counts.
final class EffectWait: Sendable {
    /// How it ended.
    enum Ending: Sendable {
        case outcome(EffectOutcome)
        /// Whoever wanted it has gone.
        case abandoned
        /// The node stops.
        case stopped
    }

    private struct State: Sendable {
        var completion: (@Sendable (Ending) -> Void)?
        var timer: Scheduled<Void>?
        /// Tells the performer that nobody waits.
        var release: (@Sendable () -> Void)?
    }

    let deadline: Moment
    private let state: Mutex<State>

    /// - Parameter completion: called once, on any thread.
    init(until deadline: Moment, _ completion: @escaping @Sendable (Ending) -> Void) {
        self.deadline = deadline
        state = Mutex(State(completion: completion))
    }

    /// It begins: `timer` ends it when its time is over.
    ///
    /// - Parameter release: called if it ends in another way than by its outcome.
    /// - Returns: false when it has ended already.
    func begin(_ timer: Scheduled<Void>, release: @escaping @Sendable () -> Void) -> Bool {
        let isOver = state.withLock { state in
            guard state.completion != nil else { return true }
            state.timer = timer
            state.release = release
            return false
        }
        if isOver { timer.cancel() }
        return !isOver
    }

    /// What came of it.
    func end(_ outcome: EffectOutcome) { end(.outcome(outcome), releases: false) }

    /// It took too long.
    func timeOut(_ reason: String) { end(.outcome(.failed(reason)), releases: true) }

    /// Whoever wanted it has gone.
    func abandon() { end(.abandoned, releases: true) }

    /// The node stops.
    func stop() { end(.stopped, releases: true) }

    private func end(_ ending: Ending, releases: Bool) {
        let last = state.withLock { state in
            let last = state
            state = State()
            return last
        }
        last.timer?.cancel()
        if releases { last.release?() }
        last.completion?(ending)
    }
}
