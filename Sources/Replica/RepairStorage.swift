package import Store
import Wire

/// What a replica's repair needs of its disk. Reads come from any thread, each sees one moment; the
/// last two write, and belong to the thread that owns the write transaction.
///
/// ``LocalStore`` in production; a disk that loses and damages what is on it in the simulator.
package protocol RepairStorage {
    /// 32 bytes: what bodies are hashed with.
    func digest(of bytes: [UInt8]) -> [UInt8]

    /// A log entry's body, for a member that lost its own; nil where it is not, or is damaged, too.
    func body(at index: UInt64, term: UInt64, digest wanted: [UInt8]) -> [UInt8]?

    /// The term of the committed entry at `index`, as far as log and hard state show one.
    func committedTerm(at index: UInt64) -> UInt64?

    /// Whether the log begins after `index`: what was there is applied.
    func isCompacted(_ index: UInt64) -> Bool

    /// The entry through which the state is decided.
    var evaluatedIndex: UInt64 { get }

    /// The entry through which the state is on disk.
    func appliedIndex() throws(StoreError) -> UInt64

    /// Records of one bucket from `start` on, after entry `wanted` if that can be told, and else
    /// after what is applied; stops after about `bytesMax` bytes.
    func lendBucket(
        _ number: Int,
        asOf wanted: UInt64,
        from start: StorageKey?,
        bytesMax: Int
    ) throws(StoreError) -> LentBucket

    /// Keys of one bucket with modification indexes; nil for those of damaged records.
    func bucketIndex(
        _ number: Int
    ) throws(StoreError) -> (appliedIndex: UInt64, keys: [(StorageKey, UInt64?)])

    /// Keys of a bucket that entries above `index` have changed, in key order; nil: not known.
    func changedKeys(
        ofBucket bucket: Int,
        after index: UInt64
    ) throws(StoreError) -> [StorageKey]?

    /// What records that were lent add up to, if they are all of a bucket. One that is damaged
    /// makes the sum suspect.
    func sum(of records: [RepairedRecord]) -> StateBucket

    /// What a bucket that was lent adds up to once it has what was `changed` here since.
    func levelled(
        _ lent: StateBucket,
        _ records: [RepairedRecord],
        changed: [StorageKey]
    ) throws(StoreError) -> StateBucket

    /// Why the records of a bucket are not those that its digest stands for, or nil if they are.
    func bucketDamage(_ number: Int) throws(StoreError) -> String?

    /// Whether it is not known what a bucket should add up to.
    func isSuspect(_ bucket: Int) throws(StoreError) -> Bool

    /// The records' modification indexes, 0 where there is none; nil while `index` is not evaluated
    /// here, empty when a record is damaged: then this node cannot tell.
    func presence(of keys: [StorageKey], from index: UInt64) -> [UInt64]?

    /// Writes an entry's body once more, in a transaction of its own.
    ///
    /// - Returns: false when the entry is not in the log any more: nothing is changed.
    /// - Throws: ``StoreError/damagedLogBody(index:reason:)`` when `body` is not that entry's.
    func repairBody(at index: UInt64, term: UInt64, body: [UInt8]) throws(StoreError) -> Bool

    /// Puts records of one bucket back, in a transaction of its own, and keeps them only if the
    /// bucket then adds up to `expected`; nil: to what its own digest says.
    ///
    /// - Throws: ``StoreError/damagedBucket(number:reason:)`` when it does not.
    func repairRecords(
        _ records: [RepairedRecord],
        bucket: Int,
        expected: StateBucket?
    ) throws(StoreError)

    /// Writes the remembered requests anew from what is whole of them, in a transaction of its own.
    ///
    /// - Returns: false when nothing was wrong: nothing is changed.
    /// - Throws: ``StoreError/corrupt(_:)`` when that is not enough.
    func repairRequests() throws(StoreError) -> Bool
}

extension RepairStorage {
    /// ``presence(of:from:)`` in one moment of the store.
    package static func presence(
        of keys: [StorageKey],
        in view: borrowing some EvaluationView & ~Copyable
    ) -> [UInt64] {
        var indexes: [UInt64] = []
        for key in keys {
            do throws(StoreError) {
                indexes.append(try view.record(key)?.modificationIndex ?? 0)
            } catch {
                guard planted("damagedCountsAsAbsent") else { return [] }
                indexes.append(0)
            }
        }
        return indexes
    }
}

extension LocalStore: RepairStorage {
    /// As ``Store/WriteTransaction/repairRequests()``.
    package func repairRequests() throws(StoreError) -> Bool {
        try write { (transaction) throws(StoreError) in try transaction.repairRequests() }
    }

    /// As of the newest transaction.
    package func isSuspect(_ bucket: Int) throws(StoreError) -> Bool {
        try stateDigest().buckets[bucket].isSuspect
    }

    /// Against a view opened now.
    package func presence(of keys: [StorageKey], from index: UInt64) -> [UInt64]? {
        view { view in
            view.evaluatedIndex >= index ? Self.presence(of: keys, in: view) : nil
        }
    }

    /// One LMDB transaction.
    package func repairBody(
        at index: UInt64,
        term: UInt64,
        body: [UInt8]
    ) throws(StoreError) -> Bool {
        try write { (transaction) throws(StoreError) in
            try transaction.repairBody(at: index, term: term, body: body)
        }
    }

    /// One LMDB transaction.
    package func repairRecords(
        _ records: [RepairedRecord],
        bucket: Int,
        expected: StateBucket?
    ) throws(StoreError) {
        try write { (transaction) throws(StoreError) in
            try transaction.repairRecords(records, bucket: bucket, expected: expected)
        }
    }
}
