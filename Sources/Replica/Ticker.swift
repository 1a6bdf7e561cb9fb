/// Counts the ticks that are due, a few at most after a pause.
struct Ticker {
    private static let tick = Duration.milliseconds(Limits.tickMilliseconds)
    /// When the next tick is due.
    private(set) var next: ContinuousClock.Instant

    init(now: ContinuousClock.Instant) {
        next = now + Self.tick
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
