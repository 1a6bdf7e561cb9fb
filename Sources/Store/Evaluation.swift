import Wire

/// What a committed batch turned out to do.
package enum Evaluation: Sendable {
    /// It changes this; reply, and apply the layer later.
    case applied(OverlayLayer)
    /// A batch with the same request id was carried out at this index; it changes nothing.
    case duplicate(of: UInt64)
    /// The check at this position of its operations failed; it changes nothing.
    case rejected(operation: Int)
}

/// What evaluation asks of the state: one moment, whatever holds it.
package protocol EvaluationView: ~Copyable {
    /// The record under `key`, or nil if there is none; throws for a damaged one.
    borrowing func record(_ key: StorageKey) throws(StoreError) -> Record?
    /// Whether there is a record under `key`.
    borrowing func contains(_ key: StorageKey) throws(StoreError) -> Bool
    /// Whether a directory has no record other than those under `gone`.
    borrowing func isEmpty(
        _ directory: DirectoryPrefix,
        besides gone: Set<StorageKey>
    ) throws(StoreError) -> Bool
    /// The index of the newest batch carried out under this request id, if it is remembered.
    borrowing func requestIndex(_ id: [UInt8]) throws(StoreError) -> UInt64?
    /// For how many indexes a request id counts.
    var requestsRetained: UInt64 { get }
}

extension ReadView: EvaluationView {}

/// Decides what a batch at log index `index` does, given everything before it.
///
/// A pure function of its arguments: two replicas with equal views get equal layers, whatever they
/// have applied or pruned by then. `ensure` and `prune` become concrete writes here, and records
/// get `index` as their modification index.
///
/// - Parameter view: must contain the effect of every entry before `index` and none after.
/// - Throws: ``StoreError/damagedRecord(key:reason:)`` when a check meets damage; the node must
///   stop, because it cannot know what the others decide.
package func evaluate(
    _ batch: WriteBatch,
    at index: UInt64,
    in view: borrowing ReadView
) throws(StoreError) -> Evaluation {
    try evaluateBatch(batch, at: index, in: view)
}

/// The same over any ``EvaluationView``: for a simulated store.
package func evaluateBatch<View: EvaluationView & ~Copyable>(
    _ batch: WriteBatch,
    at index: UInt64,
    in view: borrowing View
) throws(StoreError) -> Evaluation {
    var requestID: [UInt8]?
    for case .once(let id) in batch.operations {
        // A repeat would fail its own checks, so this comes before all of them. Ids count for a
        // fixed number of indexes, so that it does not matter how far a replica has pruned.
        if let earlier = try view.requestIndex(id),
            index <= earlier || index - earlier <= view.requestsRetained,
            !planted("appliesRetriesTwice")
        {
            return .duplicate(of: earlier)
        }
        requestID = id
    }
    var pending = PendingWrites(index: index)
    for (position, operation) in batch.operations.enumerated() {
        guard try pending.carryOut(operation, in: view) else {
            return .rejected(operation: position)
        }
    }
    return .applied(
        OverlayLayer(
            index: index,
            writes: pending.writes,
            requestID: requestID,
            time: batch.time
        )
    )
}

/// The writes of one batch so far, on top of a view.
private struct PendingWrites {
    let index: UInt64
    /// In operation order; the last of a key counts.
    private(set) var writes: [(StorageKey, [UInt8]?)] = []
    /// The newest write of each key, by its position. Only looked up, never walked.
    private var positions: [StorageKey: Int] = [:]
    /// How many keys of a directory this batch has written and not deleted again.
    private var liveCounts: [DirectoryPrefix: Int] = [:]
    /// Keys that this batch has deleted and not written again.
    private var deleted: Set<StorageKey> = []

    init(index: UInt64) {
        self.index = index
    }

    /// - Returns: false when a check fails.
    mutating func carryOut(
        _ operation: BatchOperation,
        in view: borrowing some EvaluationView & ~Copyable
    ) throws(StoreError) -> Bool {
        switch operation {
        case .put(let key, let record):
            put(key, record)
        case .delete(let key):
            delete(key)
        case .check(let key, let wanted):
            return try modificationIndex(of: key, in: view) == wanted || planted("ignoresChecks")
        case .ensure(let key, let record):
            if try !contains(key, in: view) || planted("ensureOverwrites") { put(key, record) }
        case .prune(let steps):
            for step in steps {
                guard try isEmpty(step.directory, in: view) || planted("prunesFullFolders")
                else { break }
                if try contains(step.marker, in: view) { delete(step.marker) }
            }
        case .once:
            break
        }
        return true
    }

    private mutating func put(_ key: StorageKey, _ record: Record) {
        if !isLive(key) { liveCounts[key.directory, default: 0] += 1 }
        deleted.remove(key)
        positions[key] = writes.count
        let stamp = planted("stampsPreviousIndex") ? index - 1 : index
        writes.append((key, record.stamped(stamp).encoded()))
    }

    private mutating func delete(_ key: StorageKey) {
        if isLive(key) { liveCounts[key.directory, default: 0] -= 1 }
        deleted.insert(key)
        positions[key] = writes.count
        writes.append((key, nil))
    }

    /// Whether this batch itself has written the key and not deleted it since.
    private func isLive(_ key: StorageKey) -> Bool {
        positions[key] != nil && !deleted.contains(key)
    }

    private func contains(_ key: StorageKey, in view: borrowing some EvaluationView & ~Copyable)
        throws(StoreError) -> Bool
    {
        if positions[key] != nil { return !deleted.contains(key) }
        return try view.contains(key)
    }

    private func modificationIndex(
        of key: StorageKey,
        in view: borrowing some EvaluationView & ~Copyable
    ) throws(StoreError) -> UInt64 {
        if positions[key] != nil { return deleted.contains(key) ? 0 : index }
        return try view.record(key)?.modificationIndex ?? 0
    }

    private func isEmpty(
        _ directory: DirectoryPrefix,
        in view: borrowing some EvaluationView & ~Copyable
    ) throws(StoreError) -> Bool {
        if liveCounts[directory, default: 0] > 0 { return false }
        return try view.isEmpty(directory, besides: deleted)
    }
}
