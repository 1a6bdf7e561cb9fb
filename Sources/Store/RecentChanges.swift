import Synchronization

/// What the newest entries replaced in the state, in memory, so that a bucket can be lent as it was
/// some entries ago, and what has changed in one since then is known.
///
/// A member that asks for a bucket, and the one that lends it, rarely stand at the same entry while
/// clients write, and whoever waits for the repair stands still while the others go on.
struct RecentChanges: Sendable {
    /// What was under a key.
    enum Former: Sendable, Equatable {
        case nothing
        case record([UInt8])
        case damaged

        var byteCount: Int { if case .record(let bytes) = self { bytes.count } else { 0 } }
    }

    struct Change: Sendable, Equatable {
        /// The entry that wrote.
        let index: UInt64
        let key: StorageKey
        let former: Former
    }

    private var changes: [Change] = []
    /// The first of them that counts.
    private var start = 0
    private var byteCount = 0
    /// All changes of the entries above this one are here…
    private var floor: UInt64 = 0
    /// …through this one.
    private var end: UInt64 = 0

    /// A transaction has applied the entries above `before` through `index`.
    ///
    /// - Parameter fresh: in the order in which they were made.
    mutating func add(_ fresh: [Change], after before: UInt64, through index: UInt64) {
        if before != end { forget(at: before) }
        end = index
        changes += fresh
        byteCount += fresh.reduce(0) { $0 + $1.former.byteCount }
        while changes.count - start > StoreLimits.recentChangesMax
            || byteCount > StoreLimits.recentChangesBytesMax
        {
            // An entry's changes go together.
            floor = changes[start].index
            while start < changes.count, changes[start].index == floor {
                byteCount -= changes[start].former.byteCount
                start += 1
            }
        }
        if start > changes.count / 2 {
            changes.removeFirst(start)
            start = 0
        }
    }

    /// Something else than entries has written: nothing before it can be told from what is there.
    mutating func forget(at index: UInt64) {
        self = RecentChanges()
        (floor, end) = (index, index)
    }

    /// What was under each key of a bucket after entry `index`, of those that entries through
    /// `last` have changed since; in key order. Nil when that is not all known.
    func formers(ofBucket bucket: Int, after index: UInt64, through last: UInt64) -> [Change]? {
        if index == last { return [] }
        guard index >= floor, last <= end, index < last else { return nil }
        var seen: Set<StorageKey> = []
        var result: [Change] = []
        for change in changes[start...] where change.index > index && change.index <= last {
            // Of several the first replaced what was there.
            if change.key.bucket == bucket, seen.insert(change.key).inserted {
                result.append(change)
            }
        }
        return result.sorted { $0.key < $1.key }
    }
}

/// What one transaction changes in the state, told once it is durable.
struct AppliedChanges {
    /// What was applied before it, and will be after it.
    private let before: UInt64
    var through: UInt64
    var changes: [RecentChanges.Change] = []
    /// It changes records otherwise than by entries.
    var isOther: Bool

    init(at index: UInt64, isOther: Bool = false) {
        (before, through) = (index, index)
        self.isOther = isOther
    }

    /// Before the commit: a view that shows what a repair wrote must not be undone by what the
    /// entries before it replaced, which may have been lost already.
    func announce(to recent: inout RecentChanges) {
        if isOther { recent.forget(at: through) }
    }

    /// After the commit.
    func tell(_ recent: inout RecentChanges) {
        if isOther {
            recent.forget(at: through)
        } else if through > before {
            recent.add(changes, after: before, through: through)
        }
    }
}

extension LocalStore {
    /// Keys of a bucket that entries above `index` have changed, in key order; nil when that is not
    /// known any more. On the writer's thread, or what is applied meanwhile may be missing.
    package func changedKeys(
        ofBucket bucket: Int,
        after index: UInt64
    ) throws(StoreError) -> [StorageKey]? {
        let applied = try appliedIndex()
        return recent.withLock {
            $0.formers(ofBucket: bucket, after: index, through: applied)?.map(\.key)
        }
    }

    /// What a bucket that was lent adds up to once it has what was changed here since.
    ///
    /// - Parameters:
    ///   - lent: what it added up to at the lender's entry.
    ///   - records: all that was in it then.
    ///   - changed: keys that entries above that one have changed here.
    /// - Throws: ``StoreError/damagedRecord(key:reason:)`` when one of those is damaged here.
    package func levelled(
        _ lent: StateBucket,
        _ records: [RepairedRecord],
        changed: [StorageKey]
    ) throws(StoreError) -> StateBucket {
        var sum = lent
        let keys = Set(changed)
        for record in records where keys.contains(record.key) {
            guard let bytes = record.bytes, Record.isIntact(bytes.span) else {
                throw .damagedRecord(key: record.key.hex, reason: "what was fetched is damaged")
            }
            sum.remove(Record.hash(record.key, bytes.span, digest))
        }
        let reader = try readers.take()
        defer { readers.give(reader) }
        let table = RecordTable(reader.tables, in: unsafe Transaction(reader.transaction))
        for key in changed {
            guard let stored = try table.record(key) else { continue }
            _ = try stored.record()
            sum.insert(stored.hash(digest))
        }
        return sum
    }

    /// What records that were lent add up to; suspect if one is damaged.
    package func sum(of records: [RepairedRecord]) -> StateBucket {
        var sum = StateBucket()
        for record in records {
            if let bytes = record.bytes, Record.isIntact(bytes.span) {
                sum.insert(Record.hash(record.key, bytes.span, digest))
            } else {
                sum.isSuspect = true
            }
        }
        return sum
    }

    /// The entry through which the state is on disk.
    package func appliedIndex() throws(StoreError) -> UInt64 {
        let reader = try readers.take()
        defer { readers.give(reader) }
        return try HardPoint.readAppliedIndex(
            unsafe Transaction(reader.transaction),
            reader.tables
        )
    }
}

/// One bucket as it was after an entry, record by record in key order: what a view shows, with what
/// entries have replaced since put back.
struct FormerBucket: ~Copyable {
    private var walk: RecordWalk
    private var stored: StoredRecord?
    private var formers: ArraySlice<RecentChanges.Change>

    /// - Parameter formers: of the bucket, in key order.
    init(
        _ range: RecordWalk.Range,
        _ formers: [RecentChanges.Change],
        _ tables: Tables,
        in transaction: Transaction
    ) throws(StoreError) {
        var walk = try RecordWalk(over: range, tables, in: transaction)
        let stored = try walk.next()
        self.walk = walk
        self.stored = stored
        self.formers = formers[...]
        if let start = range.start { self.formers = formers.drop { $0.key < start } }
    }

    /// The next key and what was there; ``RecentChanges/Former/nothing`` for what came later.
    mutating func next() throws(StoreError) -> (key: StorageKey, former: RecentChanges.Former)? {
        guard let change = formers.first, change.key <= stored?.key ?? change.key else {
            guard let found = stored else { return nil }
            stored = try walk.next()
            guard found.fault == nil else { return (found.key, .damaged) }
            return (found.key, .record(try found.record().encoded()))
        }
        formers.removeFirst()
        if stored?.key == change.key { stored = try walk.next() }
        return (change.key, change.former)
    }

    /// What the bucket added up to then.
    static func sum(
        of number: Int,
        _ formers: [RecentChanges.Change],
        _ tables: Tables,
        in transaction: Transaction,
        _ digest: DigestFunction
    ) throws(StoreError) -> StateBucket {
        var sum = try DigestTable.read(number, transaction, tables)
        let table = RecordTable(tables, in: transaction)
        for change in formers {
            if let stored = try table.record(change.key) {
                if stored.fault == nil {
                    sum.remove(stored.hash(digest))
                } else {
                    sum.isSuspect = true
                }
            }
            switch change.former {
            case .nothing: break
            case .damaged: sum.isSuspect = true
            case .record(let bytes): sum.insert(Record.hash(change.key, bytes.span, digest))
            }
        }
        return sum
    }
}
