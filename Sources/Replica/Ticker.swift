import Dispatch

/// Counts the ticks that are due, a few at most after a pause.
struct Ticker {
    private static let tick = Duration.milliseconds(Limits.tickMilliseconds)
    private var next: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        next = now + Self.tick
    }

    /// When the next tick is due.
    var deadline: DispatchTime {
        let wait = max(.zero, next - ContinuousClock.now)
        let (seconds, attoseconds) = wait.components
        let nanoseconds = Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
        return .now() + .nanoseconds(nanoseconds)
    }

    /// - Returns: ticks since the last call, ``Limits/ticksPerTurnMax`` at most; the rest of a
    ///   longer pause is forgotten.
    mutating func due(_ now: ContinuousClock.Instant) -> Int {
        var count = 0
        while next <= now {
            next += Self.tick
            count += 1
            if count == Limits.ticksPerTurnMax {
                if next <= now { next = now + Self.tick }
                break
            }
        }
        return count
    }
}
