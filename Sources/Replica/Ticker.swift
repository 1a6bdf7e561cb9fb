/// Counts the ticks that are due, a few at most after a pause.
struct Ticker {
    /// Nanoseconds of one.
    private static let tick = Int64(Limits.tickMilliseconds) * 1_000_000
    /// When the next tick is due.
    private(set) var next: Moment

    init(now: Moment) {
        next = now.advanced(byNanoseconds: Self.tick)
    }

    /// - Returns: ticks since the last call, ``Limits/ticksPerTurnMax`` at most; the rest of a
    ///   longer pause is forgotten.
    mutating func due(_ now: Moment) -> Int {
        var count = 0
        while next <= now {
            next = next.advanced(byNanoseconds: Self.tick)
            count += 1
            if count == Limits.ticksPerTurnMax {
                if next <= now { next = now.advanced(byNanoseconds: Self.tick) }
                break
            }
        }
        return count
    }
}
