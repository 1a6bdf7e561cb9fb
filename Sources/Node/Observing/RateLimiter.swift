import Replica
import Synchronization
import Vault

/// Counts what each client asks for, against the rate limits that are about it. In memory, for this
/// node alone, and gone when it stops.
///
/// A client has as many requests as the limit says from its first one on, and as many again when
/// the interval is over. Time is the monotonic clock's.
final class RateLimiter: Sendable {
    /// What a request may do.
    enum Verdict: Equatable, Sendable {
        /// It goes on. `remaining` more may come before `resetSeconds` are over.
        case allowed(Count)
        /// It came too often. The client may come back after so many seconds.
        case refused(Count, retrySeconds: UInt64)
        /// It is still blocked, for so many seconds.
        case blocked(retrySeconds: UInt64)
    }

    /// Where a client stands.
    struct Count: Equatable, Sendable {
        let limit: UInt64
        let remaining: UInt64
        /// Whole seconds of the interval that are left.
        let resetSeconds: UInt64
    }

    fileprivate struct Key: Hashable {
        let rule: RateLimitRule
        /// Empty: all clients for which there was no room.
        let client: String
    }

    fileprivate struct Bucket {
        var began: Moment
        var remaining: UInt64
        var blockedUntil: Moment?

        /// Nothing in it differs from a new one.
        func isSpent(_ rule: RateLimitRule, at now: Moment) -> Bool {
            now >= began + .seconds(Int64(rule.intervalSeconds))
                && blockedUntil.map { now >= $0 } ?? true
        }
    }

    fileprivate struct State {
        /// Only looked up, and thinned out where it does not matter in which order.
        var buckets: [Key: Bucket] = [:]
        /// No thinning out before this.
        var sweptAt: Moment?
    }

    private let clientsMax: Int
    private let state = Mutex(State())

    /// - Parameter clientsMax: counted each by itself; further ones share one count for each rule.
    init(clientsMax: Int = Limits.rateLimitClientsMax) { self.clientsMax = clientsMax }

    /// Counts one request.
    ///
    /// - Parameter client: its address without the port.
    func take(_ rule: RateLimitRule, client: String, at now: Moment) -> Verdict {
        state.withLock { state in
            let key = state.place(for: Key(rule: rule, client: client), clientsMax, at: now)
            var bucket =
                state.buckets[key] ?? Bucket(began: now, remaining: rule.limit)
            defer { state.buckets[key] = bucket }
            if let until = bucket.blockedUntil {
                if now < until {
                    return .blocked(retrySeconds: Self.seconds(until - now, up: true))
                }
                bucket.blockedUntil = nil
            }
            let interval = Duration.seconds(Int64(rule.intervalSeconds))
            if now >= bucket.began + interval {
                bucket.began = bucket.began + interval * Self.whole(now - bucket.began, interval)
                bucket.remaining = rule.limit
            }
            let left = bucket.began + interval - now
            let isAllowed = bucket.remaining > 0
            if isAllowed { bucket.remaining -= 1 }
            let count = Count(
                limit: rule.limit,
                remaining: bucket.remaining,
                resetSeconds: Self.seconds(left, up: false)
            )
            guard !isAllowed else { return .allowed(count) }
            var wait = left
            if rule.blockSeconds > 0 {
                wait = .seconds(Int64(rule.blockSeconds))
                bucket.blockedUntil = now + wait
            }
            return .refused(count, retrySeconds: Self.seconds(wait, up: true))
        }
    }

    /// How many clients are counted now.
    var count: Int { state.withLock { $0.buckets.count } }

    /// How often an interval fits into what has passed.
    private static func whole(_ passed: Duration, _ interval: Duration) -> Int {
        max(0, Int(passed.nanoseconds / interval.nanoseconds))
    }

    private static func seconds(_ duration: Duration, up: Bool) -> UInt64 {
        let nanoseconds = UInt64(max(0, duration.nanoseconds))
        let seconds = nanoseconds / 1_000_000_000
        return up && nanoseconds % 1_000_000_000 > 0 ? seconds + 1 : seconds
    }
}

extension RateLimiter.State {
    /// The key under which a client is counted: its own, while there is room.
    fileprivate mutating func place(
        for key: RateLimiter.Key,
        _ clientsMax: Int,
        at now: Moment
    ) -> RateLimiter.Key {
        guard buckets[key] == nil, buckets.count >= clientsMax else { return key }
        if sweptAt.map({ now >= $0 + .seconds(1) }) ?? true {
            sweptAt = now
            buckets = buckets.filter { !$1.isSpent($0.rule, at: now) }
            if buckets.count < clientsMax { return key }
        }
        return RateLimiter.Key(rule: key.rule, client: "")
    }
}
