import Raft
import Store

/// The buckets that wait for repair, one at a time. One that nobody could help gives way to others.
struct BucketQueue {
    struct Current {
        let bucket: Int
        var number: UInt64 = 0
        var attempt = 0
        /// Attempts in which a member lent all that belongs into the bucket, in vain. Those of
        /// members that are behind: see ``RepairMachine/countsBehind``.
        var answered = 0
        /// Attempts in which a member answered, and not so: it has lost records itself, or has gone
        /// on meanwhile, or has more than fits.
        var answeredInPart = 0
        /// Answers in a row that were whole and too big.
        var oversized = 0
        var records: [RepairedRecord] = []
        /// Whether the member has left out nothing so far, and what it lent adds up.
        var isComplete = true
        /// Of what was lent so far, keys included.
        var bytes = 0
        var next: StorageKey?
        /// Where this node stood when the attempt began.
        var asked = LogIndex.zero
        /// As of which entry it is asked for: where this node stood, then where the lender did.
        var asOf = LogIndex.zero
        var appliedIndex: UInt64?
        var isTrying = false
        /// Nobody is asked before this; nil: at once.
        var due: Moment?

        init(bucket: Int) { self.bucket = bucket }

        /// What the next attempt begins with, as of entry `asOf`.
        func again(_ number: UInt64, asOf: LogIndex, due: Moment) -> Current {
            var next = Current(bucket: bucket)
            next.number = number
            next.attempt = attempt
            next.answered = answered
            next.answeredInPart = answeredInPart
            next.oversized = oversized
            (next.asked, next.asOf) = (asOf, asOf)
            next.due = due
            return next
        }

        /// Whether this goes on where the part before it ended, at the same moment. A part before
        /// the last without a record does not: a member could go on for ever with such ones.
        func continues(_ lent: LentBucket) -> Bool {
            guard lent.appliedIndex == appliedIndex ?? lent.appliedIndex else { return false }
            guard let end = lent.next else { return true }
            return end.bucket == bucket && end > next ?? .first(ofBucket: bucket)
                && !lent.records.isEmpty
        }

        /// Takes in what a member lent; from `bytesMax` on only how much it is.
        mutating func add(_ lent: LentBucket, bytesMax: Int) {
            bytes += lent.records.reduce(0) { bytes, record in
                bytes + StoreLimits.storageKeyBytes + (record.bytes?.count ?? 0)
            }
            records = bytes > bytesMax ? [] : records + lent.records
            isComplete = isComplete && lent.isComplete
            appliedIndex = lent.appliedIndex
            asOf = LogIndex(number: lent.appliedIndex)
            next = lent.next
        }
    }

    private var waiting: [Current] = []
    var current: Current?

    /// All that wait and the one that is repaired, ascending.
    var all: [Int] { ((current.map { [$0] } ?? []) + waiting).map(\.bucket).sorted() }

    var isEmpty: Bool { waiting.isEmpty && current == nil }

    /// Whether it waits, or is repaired now.
    func contains(_ bucket: Int) -> Bool {
        current?.bucket == bucket || waiting.contains { $0.bucket == bucket }
    }

    mutating func add(_ bucket: Int) {
        if !contains(bucket) { waiting.append(Current(bucket: bucket)) }
    }

    /// Takes up the next whose time has come, if none is being repaired.
    ///
    /// - Returns: what was taken up.
    mutating func begin(_ now: Moment) -> Current? {
        guard current == nil, let next = waiting.firstIndex(where: { $0.due ?? now <= now })
        else { return nil }
        current = waiting.remove(at: next)
        return current
    }

    /// The one that was taken up has to be tried again, after all others that wait.
    mutating func putOff(_ attempted: Current) {
        waiting.append(attempted)
        current = nil
    }
}

/// A bucket that adds up again, and that reads may not use yet.
struct Settling {
    let bucket: Int
    /// Whatever was being evaluated during the repair is evaluated by then.
    let due: Moment
    /// What has to be applied first; nil: not `due` yet.
    var through: UInt64?
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
    mutating func stepBuckets(_ now: Moment) {
        // No answer came.
        if let current = buckets.current, !current.isTrying, let due = current.due, due <= now {
            buckets.putOff(current)
        }
        while let begun = buckets.begin(now), begun.attempt == 0, isWhole(begun.bucket) {
            tried(begun.bucket, nil, now)
        }
        guard var current = buckets.current, !current.isTrying, current.due ?? now <= now
        else { return }
        current = current.again(
            number(),
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
        _ now: Moment
    ) {
        guard var current = buckets.current, current.number == number, !current.isTrying,
            lent.records.allSatisfy({ $0.key.bucket == current.bucket })
        else { return }
        guard current.continues(lent) else {
            current.answeredInPart += 1
            let reason = "a member's records were not of one moment"
            return failed(current, .damagedBucket(number: current.bucket, reason: reason), now)
        }
        current.add(lent, bytesMax: bucketBytesMax)
        if lent.next != nil, let member = member(current.attempt - 1) {
            current.due = now + .milliseconds(Limits.repairLargeAnswerMilliseconds)
            buckets.current = current
            request(current, member)
            return
        }
        guard current.bytes <= bucketBytesMax else { return tooBig(current, now) }
        current.oversized = 0
        if current.isComplete { current.isComplete = addsUp(current.records, lent.bucket) }
        if !current.isComplete { current.answeredInPart += 1 }
        current.isTrying = true
        buckets.current = current
        putBack(current, lent)
    }

    /// Whether these are the records that the lender's bucket stands for. It knows which of its
    /// records are damaged, not which it has lost, or has older ones in place of.
    private func addsUp(_ records: [RepairedRecord], _ bucket: StateBucket) -> Bool {
        bucket.difference(from: store.sum(of: records)) == nil
    }

    /// A member has more in the bucket than is held in memory.
    ///
    /// One alone may be wrong about it; the next that says so is another one, where there is one.
    /// A member that has lost records there as well would come to the same end, so none comes to it
    /// while one of the others has gaps: several that begin anew at the same time lose everything.
    private mutating func tooBig(
        _ ended: BucketQueue.Current,
        _ now: Moment
    ) {
        var current = ended
        let reason = "it has more than the \(bucketBytesMax) bytes that a repair may hold"
        let error = StoreError.damagedBucket(number: current.bucket, reason: reason)
        current.answeredInPart += 1
        current.oversized = current.isComplete ? current.oversized + 1 : 0
        if current.oversized >= Limits.repairOversizedMax { ports.note(.irreplaceable(error)) }
        failed(current, error, now)
    }

    /// Puts back what is missing, damaged or stale here. The store keeps it only if it adds up: to
    /// this node's own digest, or, where that is not known, to the lender's with what both know
    /// was written here since. So it does no harm to try with what a member has left that lost
    /// other records than this node; only that it lacks one says nothing.
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
                    return ports.again(.lenderBehind(bucket: bucket))
                }
                let plan =
                    if let changed {
                        RepairPlan(
                            own: own.keys,
                            unless: changed,
                            records,
                            keepsNewer: !current.isComplete
                        )
                    } else {
                        RepairPlan(own: own.keys, at: own.appliedIndex, records, lent)
                    }
                let changes =
                    current.isComplete ? plan.changes : plan.changes.filter { $0.bytes != nil }
                var expected: StateBucket?
                if try store.isSuspect(bucket) {
                    guard let changed, !lent.bucket.isSuspect else {
                        throw .damagedBucket(number: bucket, reason: "members are not level yet")
                    }
                    expected = try store.levelled(lent.bucket, records, changed: changed)
                }
                try store.repairRecords(changes, bucket: bucket, expected: expected)
                ports.note(.repaired("bucket \(bucket), \(changes.count) records"))
                ports.again(.tried(bucket: bucket, nil))
            } catch {
                ports.again(.tried(bucket: bucket, error))
            }
        }
    }

    private mutating func mended(_ bucket: Int) {
        let done = menders.filter { $0.bucket == bucket }
        menders.removeAll { $0.bucket == bucket }
        for mender in done { mender.completion(true) }
    }

    /// Lets repaired buckets be read again in which a batch may have written in a lost record's
    /// place: not before everything is applied that was decided before the repair, because there
    /// the store finds out; see ``Store/StoreError/evaluatedOnLoss(index:key:)``.
    mutating func settle(_ now: Moment) {
        guard !settling.isEmpty else { return }
        for position in settling.indices where settling[position].through == nil {
            guard settling[position].due <= now else { continue }
            settling[position].through = store.evaluatedIndex
        }
        let applied = ownIndex.number
        for settled in settling where settled.through ?? .max <= applied {
            trust.settle(settled.bucket)
            mended(settled.bucket)
        }
        settling.removeAll { $0.through ?? .max <= applied }
    }

    mutating func tried(_ bucket: Int, _ error: StoreError?, _ now: Moment) {
        guard var current = buckets.current, current.bucket == bucket else { return }
        guard let error else {
            buckets.current = nil
            guard trust.isForked(bucket) else { return mended(bucket) }
            guard !settling.contains(where: { $0.bucket == bucket }) else { return }
            let pause = Duration.milliseconds(Limits.repairPauseMilliseconds)
            return settling.append(Settling(bucket: bucket, due: now + pause))
        }
        let isLevel = current.appliedIndex ?? 0 >= current.asked.number
        if current.isComplete, isLevel || countsBehind, error != .full { current.answered += 1 }
        failed(current, error, now)
    }

    /// What a member lent was not tried: it had not applied what this node has.
    mutating func lenderBehind(_ bucket: Int, _ now: Moment) {
        guard var current = buckets.current, current.bucket == bucket else { return }
        if current.isComplete, countsBehind { current.answered += 1 }
        failed(current, .damagedBucket(number: bucket, reason: "the lender is behind"), now)
    }

    /// Whether answers of members that stand before this node count. The only other one may have
    /// just joined, and have nothing yet: it must not bring this node to put the only copy aside.
    /// Where there are more, what was acknowledged is with one of them, and they may be unable to
    /// go on without this node's repair: it may lead them, and be the only one to have what they
    /// need, in a state of which no snapshot may be made.
    private var countsBehind: Bool { members.count > 1 }

    /// What a member lent has not helped: another one is asked, or the same again.
    ///
    /// Answers with gaps never end in a rebuild, however many: whoever has what these members lost
    /// may be away, and several that begin anew at the same time lose everything. They only make
    /// this node ask less often.
    private mutating func failed(
        _ ended: BucketQueue.Current,
        _ error: StoreError,
        _ now: Moment
    ) {
        var current = ended
        if error != .full, current.answered >= Limits.repairAttemptsMax {
            // Evaluation may wait for a record that the others have long written over: a walk would
            // find one damaged record, call the rest sound, and all would begin again.
            ports.note(.irreplaceable(error))
        }
        current.isTrying = false
        current.records = []
        // Where one has all, and has gone on from what is missing here, it is known soon.
        let isPatient =
            current.answered == 0 && current.answeredInPart >= Limits.repairAttemptsMax
        current.due =
            now
            + (isPatient
                ? .seconds(Limits.repairPatienceSeconds)
                : .milliseconds(Limits.repairPauseMilliseconds))
        buckets.putOff(current)
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
    ///   - keepsNewer: of a record that is newer here than with the member this one stays: the
    ///     member has lost some, so it may have lost newer ones.
    init(
        own: [(StorageKey, UInt64?)],
        unless changed: [StorageKey],
        _ records: [RepairedRecord],
        keepsNewer: Bool
    ) {
        let changed = Set(changed)
        var mine: [StorageKey: UInt64?] = [:]
        for (key, index) in own { mine[key] = index }
        var theirs: Set<StorageKey> = []
        for record in records where !changed.contains(record.key) {
            theirs.insert(record.key)
            guard let bytes = record.bytes, let index = Record.index(of: bytes) else { continue }
            if case .some(.some(let have)) = mine[record.key],
                have == index || keepsNewer && have > index
            {
                continue
            }
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
