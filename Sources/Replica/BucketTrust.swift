package import Store
import Synchronization

/// When each bucket of the state was last seen to add up to its digest.
///
/// What a view did not find is absent only if its bucket lost nothing. To add a bucket up costs a
/// walk over a 256th of the state, so what was whole a short while ago counts as whole.
package final class BucketTrust: Sendable {
    private struct State: Sendable {
        var seen = [ContinuousClock.Instant?](repeating: nil, count: StateBucket.countOfBuckets)
        var doubted = BucketSet()
    }

    private let state = Mutex(State())

    /// Nothing was seen yet.
    package init() {}

    /// Whether the bucket was whole not long before `now`, and is not known to be damaged.
    package func isWhole(_ bucket: Int, _ now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            guard let seen = state.seen[bucket], !state.doubted.contains(bucket) else {
                return false
            }
            return now - seen < .seconds(Limits.bucketTrustSeconds)
        }
    }

    /// It adds up.
    package func saw(_ bucket: Int, _ now: ContinuousClock.Instant) {
        state.withLock { $0.seen[bucket] = now }
    }

    /// Exactly these are known to be damaged and wait for repair.
    package func doubt(_ buckets: BucketSet) {
        state.withLock { state in
            state.doubted = buckets
            for bucket in buckets.all { state.seen[bucket] = nil }
        }
    }
}
