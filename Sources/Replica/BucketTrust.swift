package import Store
import Synchronization
import Wire

/// When each bucket of the state was last seen to add up to its digest.
///
/// What a view did not find is absent only if its bucket lost nothing, and what it found is the
/// newest only if no write to the bucket's pages was lost: then an older page lies there, whose
/// records are as well authenticated as any. To add a bucket up costs a walk over a 256th of the
/// state, so what was whole a short while ago counts as whole. The scrubber keeps that knowledge
/// fresh, so on most machines nobody else walks after the first minute.
package final class BucketTrust: Sendable {
    private struct State: Sendable {
        var seen = [Moment?](repeating: nil, count: StateBucket.countOfBuckets)
        /// What was seen up to then counts no more.
        var doubtedAt = [Moment?](repeating: nil, count: StateBucket.countOfBuckets)
        /// For repair.
        var waiting = BucketSet()
        var forked = BucketSet()

        func isWhole(_ bucket: Int, _ now: Moment) -> Bool {
            guard let seen = seen[bucket] else { return false }
            return now.nanoseconds(since: seen) < Int64(Limits.bucketTrustSeconds) * 1_000_000_000
        }
    }

    /// How an answer's buckets are looked at.
    package struct Look: Sendable {
        /// Nobody else confirms what was missed.
        package let isAlone: Bool
        /// There are other members that have copies, so records that were found are doubted as
        /// well as those that were not. A cluster of one node reads what there is: it is all that
        /// there is.
        package var hasOthers: Bool
        /// A batch rests on it: lists are looked at when that is evaluated, and until then count as
        /// what was missed.
        package let isJudgedAgain: Bool
        /// A walk may be made here and now. It may not on an event loop, where others wait.
        package let mayWalk: Bool
        /// The view shows all repairs so far. What was seen since a repair says nothing of a view
        /// from before it.
        package var showsAllRepairs = true

        /// - Parameters: as the properties say.
        package init(
            isAlone: Bool = false,
            hasOthers: Bool = true,
            isJudgedAgain: Bool = false,
            mayWalk: Bool = true
        ) {
            (self.isAlone, self.hasOthers) = (isAlone, hasOthers)
            (self.isJudgedAgain, self.mayWalk) = (isJudgedAgain, mayWalk)
        }
    }

    /// What is known of the buckets that an answer rests on.
    package enum Verdict: Sendable, Equatable {
        /// They were whole not long ago.
        case whole
        /// This one is damaged.
        case damaged(Int)
        /// One was not looked at lately: ask again where a walk may be made.
        case unseen
    }

    private let state = Mutex(State())

    /// Nothing was seen yet.
    package init() {}

    /// Whether the bucket was whole not long before `now`.
    package func isWhole(_ bucket: Int, _ now: Moment) -> Bool {
        state.withLock { $0.isWhole(bucket, now) }
    }

    /// Those of the buckets that were not seen whole lately.
    package func unseen(of buckets: BucketSet, _ now: Moment) -> [Int] {
        state.withLock { state in buckets.all.filter { !state.isWhole($0, now) } }
    }

    /// It added up at that moment.
    package func saw(_ bucket: Int, _ moment: Moment) {
        state.withLock { state in
            if let doubted = state.doubtedAt[bucket], moment <= doubted { return }
            if let seen = state.seen[bucket], seen > moment { return }
            state.seen[bucket] = moment
        }
    }

    /// Something in these was found damaged, and waits for repair. What was seen before counts no
    /// more; whoever walks over one later may find that it adds up all the
    /// same, as one does of which a single value is damaged.
    ///
    /// - Parameter buckets: all that wait. Those that did already are not doubted anew.
    package func doubt(_ buckets: BucketSet, _ now: Moment) {
        state.withLock { state in
            for bucket in buckets.all where !state.waiting.contains(bucket) {
                state.seen[bucket] = nil
                state.doubtedAt[bucket] = now
            }
            state.waiting = buckets
        }
    }

    /// Another database is in its place: nothing that was seen counts for it.
    package func forget(_ now: Moment) {
        state.withLock { state in
            for bucket in state.seen.indices {
                state.seen[bucket] = nil
                state.doubtedAt[bucket] = now
            }
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

    /// What an answer that rests on these doubts may be taken for: a list must not be short,
    /// nothing that was missed may be lost, and nothing that was found may be older than it should
    /// be.
    ///
    /// A list's bucket is added up each time, in the very moment that was read. For all else it is
    /// enough that its bucket was whole a short while ago: "there is none" is confirmed by another
    /// member besides. Where no other member answers, the bucket of what was missed is added up in
    /// that very moment, too.
    ///
    /// - Parameters:
    ///   - doubts: of the view that was read.
    ///   - walk: why a bucket is damaged in the moment that was read, or nil.
    ///   - found: told what is to be repaired.
    package func verdict(
        on doubts: ViewDoubts,
        _ look: Look,
        _ now: Moment,
        walk: (Int) throws(StoreError) -> String?,
        found: (ScrubFinding) -> Void
    ) -> Verdict {
        if let key = doubts.damaged.first { return .damaged(key.bucket) }
        let countsRecords = look.hasOthers && !planted("readsOldRecords")
        let rested = doubts.restedBuckets(countingRecords: countsRecords)
        let asked = doubts.askedBuckets.union(doubts.scannedBuckets)
        let (forked, unseen) = state.withLock { state in
            (state.forked, rested.all.filter { !look.showsAllRepairs || !state.isWhole($0, now) })
        }
        if !forked.isEmpty, let bucket = forked.all.first(where: asked.contains) {
            return .damaged(bucket)
        }
        var walked = BucketSet(unseen)
        if !look.isJudgedAgain, !planted("listsTrustBuckets") {
            walked = walked.union(doubts.scannedBuckets)
        }
        if look.isAlone, !planted("aloneTrustsBuckets") {
            walked = walked.union(doubts.missedBuckets)
        }
        guard !walked.isEmpty else { return .whole }
        guard look.mayWalk else { return .unseen }
        for bucket in walked.all {
            do throws(StoreError) {
                if let reason = try walk(bucket), !planted("trustsShortBuckets") {
                    found(.bucket(bucket, reason: reason))
                    return .damaged(bucket)
                }
            } catch {
                found(.structure(error))
                return .damaged(bucket)
            }
            if look.showsAllRepairs { saw(bucket, now) }
        }
        return .whole
    }
}
