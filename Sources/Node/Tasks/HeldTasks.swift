import Replica

/// Timers that are left as they are for a while: what this node read about them was damaged, or may
/// have been short, and nothing is decided on that.
///
/// Each is tried again after a pause that doubles, and at once when the repair has come. They keep
/// nobody else waiting.
struct HeldTasks {
    private struct Hold {
        var until: Moment
        let count: Int
    }

    /// The longest pause is 2 to this power, in seconds.
    static let doublingsMax = 6

    /// By the timer's path. Only looked up.
    private var holds: [String: Hold] = [:]

    /// How many there are, those included whose pause is over.
    var count: Int { holds.count }

    /// Leaves it alone, the longer the more often it was.
    ///
    /// - Returns: whether this is the first time.
    mutating func hold(_ path: String, at now: Moment) -> Bool {
        let count = holds[path]?.count ?? 0
        let pause = 1 << min(count, Self.doublingsMax)
        holds[path] = Hold(until: now + .seconds(pause), count: count + 1)
        return count == 0
    }

    /// Whether it is not to be tried yet.
    func isHeld(_ path: String, at now: Moment) -> Bool {
        holds[path].map { now < $0.until } ?? false
    }

    /// Whether the pause of one is over.
    func hasReady(at now: Moment) -> Bool { holds.values.contains { $0.until <= now } }

    /// Ends its pause.
    mutating func release(_ path: String, at now: Moment) { holds[path]?.until = now }

    /// It got on.
    mutating func forget(_ path: String) { holds[path] = nil }

    /// Forgets all timers but these.
    mutating func keep(only paths: Set<String>) { holds = holds.filter { paths.contains($0.key) } }
}
