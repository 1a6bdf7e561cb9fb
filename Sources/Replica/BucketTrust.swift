package import Store
import Synchronization
import Wire

/// When each bucket of the state was last seen to add up to its digest.
///
/// What a view did not find is absent only if its bucket lost nothing. To add a bucket up costs a
/// walk over a 256th of the state, so what was whole a short while ago counts as whole.
package final class BucketTrust: Sendable {
    private struct State: Sendable {
        var seen = [Moment?](repeating: nil, count: StateBucket.countOfBuckets)
        var doubted = BucketSet()
        var forked = BucketSet()
    }

    private let state = Mutex(State())

    /// Nothing was seen yet.
    package init() {}

    /// Whether the bucket was whole not long before `now`, and is not known to be damaged.
    package func isWhole(_ bucket: Int, _ now: Moment) -> Bool {
        state.withLock { state in
            guard let seen = state.seen[bucket], !state.doubted.contains(bucket) else {
                return false
            }
            return now.nanoseconds(since: seen) < Int64(Limits.bucketTrustSeconds) * 1_000_000_000
        }
    }

    /// It adds up.
    package func saw(_ bucket: Int, _ now: Moment) {
        state.withLock { $0.seen[bucket] = now }
    }

    /// Exactly these are known to be damaged and wait for repair.
    package func doubt(_ buckets: BucketSet) {
        state.withLock { state in
            state.doubted = buckets
            for bucket in buckets.all { state.seen[bucket] = nil }
        }
    }

    /// A batch that held a record for absent was proposed, and another member has that record: what
    /// this node wrote in its place may be shown by nobody else. Until the bucket adds up nothing
    /// is read from it, however well its records are authenticated.
    package func fork(_ bucket: Int) {
        state.withLock { $0.forked.insert(bucket) }
    }

    /// Whether nothing is read from it.
    package func isForked(_ bucket: Int) -> Bool {
        state.withLock { $0.forked.contains(bucket) }
    }

    /// It adds up, and so does what was decided before it did.
    package func settle(_ bucket: Int) {
        state.withLock { $0.forked.remove(bucket) }
    }

    /// The first bucket that an answer rests on and that is damaged, if any: a list must not be
    /// short, and nothing that was missed may be lost.
    ///
    /// A list's bucket is added up each time, in the very moment that was read. For what was missed
    /// it is enough that its bucket was whole a short while ago: "there is none" is confirmed by
    /// another member besides. Where no other member answers, its bucket is added up in that very
    /// moment, too.
    ///
    /// - Parameters:
    ///   - isAlone: nobody else confirms what was missed.
    ///   - look: why a bucket is damaged in the moment that was read, or nil.
    ///   - found: told what is to be repaired.
    package func damagedBucket(
        under doubts: ViewDoubts,
        isAlone: Bool,
        _ now: Moment,
        look: (Int) throws(StoreError) -> String?,
        found: (ScrubFinding) -> Void
    ) -> Int? {
        if let key = doubts.damaged.first { return key.bucket }
        let forked = state.withLock { $0.forked }
        let asked = doubts.askedBuckets.union(doubts.scannedBuckets)
        if !forked.isEmpty, let bucket = forked.all.first(where: asked.contains) { return bucket }
        for bucket in doubts.missedBuckets.union(doubts.scannedBuckets).all {
            let isListed = doubts.scannedBuckets.contains(bucket)
            let mustLook =
                isListed && !planted("listsTrustBuckets")
                || isAlone && !planted("aloneTrustsBuckets")
            if isWhole(bucket, now), !mustLook { continue }
            do throws(StoreError) {
                if let reason = try look(bucket), !planted("trustsShortBuckets") {
                    found(.bucket(bucket, reason: reason))
                    return bucket
                }
            } catch {
                found(.structure(error))
                return bucket
            }
            saw(bucket, now)
        }
        return nil
    }
}
