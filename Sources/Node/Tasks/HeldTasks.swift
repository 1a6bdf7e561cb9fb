import Replica
import Store

/// Timers that are left as they are for a while: what this node read about them was damaged, or may
/// have been short, and nothing is decided on that.
///
/// Each is tried again after a pause that doubles, and at once when the repair has come. They keep
/// nobody else waiting, as long as a look finds others behind them: see
/// ``Limits/taskTimersPerLookMax``.
struct HeldTasks {
    private struct Hold {
        var until: Moment
        let count: Int
        let bucket: Int
    }

    /// The longest pause is 2 to this power, in seconds.
    static let doublingsMax = 6

    /// By the timer's path. Only looked up.
    private var holds: [String: Hold] = [:]
    /// Buckets whose repair was asked for and has not ended, one way or the other.
    private var repairing = BucketSet()

    /// How many there are, those included whose pause is over.
    var count: Int { holds.count }

    /// One of these whose repair has not ended.
    func repairing(in buckets: BucketSet) -> Int? { repairing.all.first(where: buckets.contains) }

    /// Leaves it alone, the longer the more often it was.
    ///
    /// - Returns: whether the repair of that bucket is to be asked for.
    mutating func hold(_ path: String, for bucket: Int, at now: Moment) -> Bool {
        let count = holds[path]?.count ?? 0
        let pause = 1 << min(count, Self.doublingsMax)
        holds[path] = Hold(until: now + .seconds(pause), count: count + 1, bucket: bucket)
        defer { repairing.insert(bucket) }
        return !repairing.contains(bucket)
    }

    /// Whether it is not to be tried yet.
    func isHeld(_ path: String, at now: Moment) -> Bool {
        holds[path].map { now < $0.until } ?? false
    }

    /// Whether the pause of one is over.
    func hasReady(at now: Moment) -> Bool { holds.values.contains { $0.until <= now } }

    /// A repair that was asked for has ended: if well, so have the pauses of all that wait for it.
    mutating func ended(_ bucket: Int, isMended: Bool, at now: Moment) {
        repairing.remove(bucket)
        guard isMended else { return }
        holds = holds.mapValues { hold in
            guard hold.bucket == bucket else { return hold }
            return Hold(until: now, count: hold.count, bucket: bucket)
        }
    }

    /// It got on.
    mutating func forget(_ path: String) { holds[path] = nil }

    /// Forgets all timers, and not what is being repaired.
    mutating func forgetAll() { holds = [:] }

    /// Forgets all timers but these.
    mutating func keep(only paths: Set<String>) { holds = holds.filter { paths.contains($0.key) } }
}
