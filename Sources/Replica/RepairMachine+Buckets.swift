import Raft
import Store

/// The buckets that wait for repair, one at a time.
struct BucketQueue {
    struct Current {
        let bucket: Int
        var number: UInt64 = 0
        var attempt = 0
        /// Attempts in which a member lent the whole bucket.
        var answered = 0
        var records: [RepairedRecord] = []
        var bytes = 0
        var next: StorageKey?
        /// As of which entry it is asked for: where this node stood, then where the lender did.
        var asOf = LogIndex.zero
        var appliedIndex: UInt64?
        var isTrying = false
        /// Nobody is asked before this; nil: at once.
        var due: ContinuousClock.Instant?
    }

    private(set) var waiting: [Int] = []
    var current: Current?

    /// All that wait and the one that is repaired.
    var all: [Int] { (current.map { [$0.bucket] } ?? []) + waiting }

    var isEmpty: Bool { waiting.isEmpty && current == nil }

    /// Whether it waits, or is repaired now.
    func contains(_ bucket: Int) -> Bool {
        current?.bucket == bucket || waiting.contains(bucket)
    }

    mutating func add(_ bucket: Int) {
        if !contains(bucket) { waiting.append(bucket) }
    }

    /// Takes up the next, if none is being repaired.
    ///
    /// - Returns: the bucket that was taken up.
    mutating func begin() -> Int? {
        guard current == nil, !waiting.isEmpty else { return nil }
        let bucket = waiting.removeFirst()
        current = Current(bucket: bucket)
        return bucket
    }
}

extension RepairMachine {
    /// Lends this node's records of a bucket to a member.
    func lend(
        _ number: UInt64,
        _ bucket: Int,
        _ index: LogIndex,
        _ start: StorageKey?,
        to member: NodeID
    ) {
        do throws(StoreError) {
            let lent = try store.lendBucket(
                bucket,
                asOf: index.number,
                from: start,
                bytesMax: Limits.repairBucketBytes
            )
            _ = ports.send(.bucket(number: number, lent), to: member)
        } catch {
            // The scrubber will meet it, too; the member asks somebody else.
            ports.note(.found(.structure(error)))
        }
    }

    /// Asks for the next part of what is being repaired, when it is time.
    mutating func stepBuckets(_ now: ContinuousClock.Instant) {
        while let bucket = buckets.begin(), isWhole(bucket) { tried(bucket, nil, now) }
        guard var current = buckets.current, !current.isTrying, current.due ?? now <= now
        else { return }
        current = BucketQueue.Current(
            bucket: current.bucket,
            number: number(),
            attempt: current.attempt,
            answered: current.answered,
            asOf: ownIndex,
            due: now + .milliseconds(Limits.repairLargeAnswerMilliseconds)
        )
        // Whoever does not take the question is passed over. Where nobody does, or nobody has
        // another copy, reads of what is damaged fail, and say so.
        for _ in members {
            current.attempt += 1
            if let member = member(current.attempt - 1), request(current, member) { break }
        }
        buckets.current = current
    }

    /// The entry to which this node has applied.
    private var ownIndex: LogIndex {
        do throws(StoreError) {
            return LogIndex(number: try store.appliedIndex())
        } catch {
            // Whoever writes meets it, too.
            return .zero
        }
    }

    /// Whether there is nothing to repair: another member's doubt may be its own damage, and
    /// whoever asks for a bucket may only want to be sure.
    private func isWhole(_ bucket: Int) -> Bool {
        do throws(StoreError) {
            if try store.bucketDamage(bucket) != nil { return false }
            return try store.bucketIndex(bucket).keys.allSatisfy { $0.1 != nil }
        } catch {
            ports.note(.found(.structure(error)))
            ports.note(.beyondRepair(error))
            return false
        }
    }

    /// - Returns: whether it was sent.
    @discardableResult
    private func request(_ current: BucketQueue.Current, _ member: NodeID) -> Bool {
        let frame = RepairFrame.bucketRequest(
            number: current.number,
            bucket: UInt8(current.bucket),
            asOf: current.asOf,
            from: current.next
        )
        return ports.send(frame, to: member)
    }

    mutating func lentArrived(
        _ number: UInt64,
        _ lent: LentBucket,
        _ now: ContinuousClock.Instant
    ) {
        guard var current = buckets.current, current.number == number, !current.isTrying,
            lent.records.allSatisfy({ $0.key.bucket == current.bucket })
        else { return }
        let isSameMoment = lent.appliedIndex == current.appliedIndex ?? lent.appliedIndex
        current.records += lent.records
        current.bytes += lent.records.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
        current.appliedIndex = lent.appliedIndex
        current.asOf = LogIndex(number: lent.appliedIndex)
        current.next = lent.next
        guard isSameMoment, lent.isComplete, current.bytes <= Limits.repairBucketBytesMax else {
            // The member's state moved on between two parts, or is damaged itself.
            current.due = now + .milliseconds(Limits.repairPauseMilliseconds)
            buckets.current = current
            return
        }
        current.due = now + .milliseconds(Limits.repairLargeAnswerMilliseconds)
        if lent.next != nil, let member = member(current.attempt - 1) {
            request(current, member)
        } else {
            current.isTrying = true
            current.answered += 1
            putBack(current, lent)
        }
        buckets.current = current
    }

    /// Puts back what is missing, damaged or stale here. The store keeps it only if it adds up: to
    /// this node's own digest, or, where that is not known, to the lender's with what both know
    /// was written here since.
    private func putBack(_ current: BucketQueue.Current, _ lent: LentBucket) {
        let (bucket, records, ports) = (current.bucket, current.records, ports)
        ports.write { store in
            do throws(StoreError) {
                let own = try store.bucketIndex(bucket)
                let changed = try store.changedKeys(
                    ofBucket: bucket,
                    after: lent.appliedIndex
                )
                // A record that went while it could not be found is in the digest still, and in the
                // state of a member that has not heard of its end: together they would add up.
                guard changed != nil || lent.appliedIndex >= own.appliedIndex else {
                    throw .damagedBucket(number: bucket, reason: "the lender is behind")
                }
                let plan =
                    if let changed {
                        RepairPlan(own: own.keys, unless: changed, records)
                    } else {
                        RepairPlan(own: own.keys, at: own.appliedIndex, records, lent)
                    }
                var expected: StateBucket?
                if try store.isSuspect(bucket) {
                    guard let changed, !lent.bucket.isSuspect else {
                        throw .damagedBucket(number: bucket, reason: "members are not level yet")
                    }
                    expected = try store.levelled(lent.bucket, records, changed: changed)
                }
                try store.repairRecords(
                    plan.changes,
                    bucket: bucket,
                    expected: expected
                )
                ports.note(.repaired("bucket \(bucket), \(plan.changes.count) records"))
                ports.again(.tried(bucket: bucket, nil))
            } catch {
                ports.again(.tried(bucket: bucket, error))
            }
        }
    }

    mutating func tried(_ bucket: Int, _ error: StoreError?, _ now: ContinuousClock.Instant) {
        guard var current = buckets.current, current.bucket == bucket else { return }
        guard let error else {
            buckets.current = nil
            let done = menders.filter { $0.bucket == bucket }
            menders.removeAll { $0.bucket == bucket }
            return done.forEach { $0.completion(true) }
        }
        if error != .full, current.answered >= Limits.repairAttemptsMax {
            // Evaluation may wait for a record that the others have long written over: a walk would
            // find one damaged record, call the rest sound, and all would begin again.
            ports.note(.irreplaceable(error))
        }
        current.isTrying = false
        current.records = []
        current.due = now + .milliseconds(Limits.repairPauseMilliseconds)
        buckets.current = current
    }
}

/// What makes this node's bucket like another member's; whether it was right is for the digest to
/// say.
struct RepairPlan {
    private(set) var changes: [RepairedRecord] = []

    /// Where it is known what has changed here since the lender's moment: all else is as it was.
    ///
    /// - Parameters:
    ///   - own: keys here, with modification indexes; nil for a damaged record.
    ///   - changed: keys that entries after the lender's have changed here: what they wrote stays.
    ///   - records: all that the member has in the bucket, in key order.
    init(own: [(StorageKey, UInt64?)], unless changed: [StorageKey], _ records: [RepairedRecord]) {
        let changed = Set(changed)
        var mine: [StorageKey: UInt64?] = [:]
        for (key, index) in own { mine[key] = index }
        var theirs: Set<StorageKey> = []
        for record in records where !changed.contains(record.key) {
            theirs.insert(record.key)
            guard let bytes = record.bytes, let index = Record.index(of: bytes) else { continue }
            if case .some(.some(index)) = mine[record.key] { continue }
            changes.append(record)
        }
        for (key, _) in own where !theirs.contains(key) && !changed.contains(key) {
            changes.append(RepairedRecord(key: key, bytes: nil))
        }
    }

    /// As far as different moments allow, where the lender is ahead.
    ///
    /// - Parameters:
    ///   - own: keys here, with modification indexes; nil for a damaged record.
    ///   - applied: what this node had applied.
    ///   - records: all that the member has in the bucket, in key order.
    init(
        own: [(StorageKey, UInt64?)],
        at applied: UInt64,
        _ records: [RepairedRecord],
        _ lent: LentBucket
    ) {
        var mine: [StorageKey: UInt64?] = [:]
        for (key, index) in own { mine[key] = index }
        var theirs: Set<StorageKey> = []
        for record in records {
            theirs.insert(record.key)
            guard let bytes = record.bytes, let index = Record.index(of: bytes) else { continue }
            // Younger than what is applied here: it comes with the log.
            guard index <= applied else { continue }
            if case .some(.some(let have)) = mine[record.key], have >= index { continue }
            changes.append(record)
        }
        for (key, index) in own where !theirs.contains(key) {
            if (index ?? 0) <= lent.appliedIndex {
                changes.append(RepairedRecord(key: key, bytes: nil))
            }
        }
    }
}
