import CLMDB
import Wire

/// One turn of the storage thread: everything done through it becomes durable together or not at
/// all. Lent by ``LocalStore/write(_:)``; cannot be kept, nested or carried across an `await`.
package struct WriteTransaction: ~Copyable {
    let transaction: Transaction
    let tables: Tables
    let digest: DigestFunction
    private let requestsRetained: UInt64
    private let storedPoint: HardPoint
    /// What this transaction changes in the digest.
    var changes: DigestChanges
    /// Whether the hard state is written even if it does not change.
    private var isTouched = false
    /// Where the node will stand when this transaction is durable.
    package private(set) var point: HardPoint
    /// The cluster record that this transaction stores, if it stores one.
    private(set) var storedCluster: ClusterRecord?
    /// What this transaction changes in the state.
    var applied: AppliedChanges

    init(
        _ transaction: Transaction,
        _ tables: Tables,
        options: StoreOptions,
        digest: @escaping DigestFunction
    ) throws(StoreError) {
        guard let point = try HardPoint.read(transaction, tables) else {
            throw .damagedHardState("point record is missing")
        }
        self.transaction = transaction.remembering()
        self.tables = tables
        self.digest = digest
        requestsRetained = options.requestsRetained
        changes = DigestChanges(digest)
        storedPoint = point
        self.point = point
        applied = AppliedChanges(at: point.appliedIndex)
    }

    /// Checks what must hold between log, state and hard state, and writes the hard state if
    /// anything at all was changed: the point names the transaction that the database is of, and an
    /// opening compares. See ``HeaderCheck``.
    consuming func finish() throws(StoreError) {
        try changes.write(transaction, tables)
        guard transaction.isChanged || point != storedPoint || isTouched else { return }
        if let contradiction = point.contradiction { throw .misuse(contradiction) }
        let bytes = point.encoded(by: transaction.id)
        try transaction.put(bytes.span, under: HardPoint.key, in: tables.hard)
    }

    // MARK: hard state

    /// Writes the hard state even if it does not change, so that this transaction reaches the
    /// disk: LMDB does not write one that changed nothing.
    package mutating func touch() { isTouched = true }

    /// Term, vote and commit index. ``LocalStore/saveVote(term:vote:)`` comes before this.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` when one of them would go back.
    package mutating func setHardState(
        term: UInt64,
        vote: UInt64?,
        commit: UInt64
    ) throws(StoreError) {
        let next = Ballot(term: term, vote: vote)
        let current = Ballot(term: point.term, vote: point.vote)
        guard next == current || next.isNewer(than: current) else {
            throw .misuse(
                "hard state may not go from term \(point.term), vote \(describe(point.vote)) to "
                    + "term \(term), vote \(describe(vote))"
            )
        }
        guard commit >= point.commitIndex else {
            throw .misuse("commit index may not go from \(point.commitIndex) to \(commit)")
        }
        point.term = term
        point.vote = vote
        point.commitIndex = commit
    }

    /// Whom this node belongs to, or nil before it was told.
    package borrowing func cluster() throws(StoreError) -> ClusterRecord? {
        try ClusterRecord.read(transaction, tables)
    }

    /// Stores whom this node belongs to.
    ///
    /// - Throws: ``StoreError/otherCluster(have:want:)`` when it belongs to another one already.
    package mutating func setCluster(_ record: ClusterRecord) throws(StoreError) {
        if let current = try cluster() {
            try requireSameCluster(current.clusterID, record.clusterID)
        }
        try transaction.put(record.encoded().span, under: ClusterRecord.key, in: tables.hard)
        storedCluster = record
    }

    /// Replaces the configuration that the applied entries add up to.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` when this node was not told its cluster yet.
    package mutating func setConfiguration(
        _ bytes: [UInt8],
        formatLevel: UInt64
    ) throws(StoreError) {
        guard var record = try cluster() else { throw .misuse("a configuration of no cluster") }
        guard bytes.count <= StoreLimits.configurationBytesMax else {
            throw .misuse("a configuration of \(bytes.count) bytes")
        }
        record.configuration = bytes
        record.formatLevel = max(record.formatLevel, formatLevel)
        try setCluster(record)
    }

    // MARK: log

    /// Adds entries at the end of the log.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` when they do not follow its end or each other, or when a
    ///   body is too long.
    package mutating func appendEntries(_ entries: [StoredEntry]) throws(StoreError) {
        for entry in entries {
            guard entry.index == point.last.index + 1, entry.term >= point.last.term,
                entry.body.count <= StoreLimits.entryBytesMax
            else {
                throw .misuse(
                    "entry \(entry.index) of term \(entry.term), \(entry.body.count) bytes, cannot "
                        + "follow entry \(point.last.index) of term \(point.last.term)"
                )
            }
            let header = LogHeader(entry, after: point.last.chainHash, digest: digest)
            try transaction.put(
                header.encoded().span,
                under: IndexKey(entry.index),
                in: tables.logHeaders,
                flags: MDB_APPEND
            )
            try appendBody(entry)
            point.last = header.point
        }
    }

    /// Removes the entries from `index` to the end, which another leader never had.
    ///
    /// - Throws: ``StoreError/misuse(_:)`` for a committed entry.
    package mutating func truncateLog(from index: UInt64) throws(StoreError) {
        guard index > point.commitIndex else {
            throw .misuse(
                "log may not be truncated from \(index): \(point.commitIndex) is committed"
            )
        }
        guard index <= point.last.index else { return }
        for removed in index...point.last.index {
            try removeEntry(try header(at: removed))
        }
        let isEmpty = index - 1 == point.base.index
        point.last = isEmpty ? point.base : try header(at: index - 1).point
    }

    /// Removes applied entries from the beginning of the log, a bounded number, because freeing
    /// many pages at once makes later commits slow.
    ///
    /// - Parameters:
    ///   - index: the last entry that may go; applied at most.
    ///   - entriesMax: stop after that many; also stops after about a megabyte of bodies.
    /// - Returns: the log's new base index: its entries start after it.
    @discardableResult
    package mutating func dropLog(
        through index: UInt64,
        entriesMax: Int
    ) throws(StoreError) -> UInt64 {
        let target = min(index, point.appliedIndex)
        var entries = 0
        var chunks = 0
        while point.base.index < target && entries < entriesMax && chunks < 512 {
            let header = try header(at: point.base.index + 1)
            try removeEntry(header)
            point.base = header.point
            entries += 1
            chunks += header.chunkCount
        }
        return point.base.index
    }

    // MARK: state

    /// Puts evaluated layers into the `state` table.
    ///
    /// - Parameters:
    ///   - layers: in rising order; entries without a layer changed nothing.
    ///   - appliedIndex: the last entry that is applied now, layer or not.
    ///   - appliedTerm: the term of that entry.
    /// - Throws: ``StoreError/misuse(_:)`` when layers or index go back.
    package mutating func apply(
        layers: [OverlayLayer],
        appliedIndex: UInt64,
        appliedTerm: UInt64
    ) throws(StoreError) {
        var previous = point.appliedIndex
        for layer in layers {
            guard layer.index > previous, layer.index <= appliedIndex else {
                throw .misuse(
                    "layer \(layer.index) cannot follow \(previous) and reach \(appliedIndex)"
                )
            }
            previous = layer.index
            try apply(layer)
        }
        guard appliedIndex >= point.appliedIndex else {
            throw .misuse("applied index may not go from \(point.appliedIndex) to \(appliedIndex)")
        }
        let appliedBefore = point.appliedIndex
        point.appliedIndex = appliedIndex
        applied.through = appliedIndex
        point.appliedTerm = appliedTerm
        point.time = layers.reduce(point.time) { max($0, $1.time) }
        point.commitIndex = max(point.commitIndex, appliedIndex)
        try forgetRequests(after: appliedBefore)
    }

    /// Forgets requests whose time is over, for many entries at once, because the rows of one lie
    /// in places of their own: in each transaction that would be a third of all the pages it
    /// writes.
    ///
    /// Which ones depends on the applied index only, so the same are remembered on every replica.
    private mutating func forgetRequests(after previous: UInt64) throws(StoreError) {
        let step = StoreLimits.requestsForgottenStep
        let (from, through) = (previous / step * step, point.appliedIndex / step * step)
        guard through > from, through > requestsRetained else { return }
        let forgotten = try RequestTable.prune(
            through: through - requestsRetained - 1,
            // Twice as many as can be due, so that a backlog shrinks.
            countMax: 2 * Int(through - from),
            in: transaction,
            tables
        )
        for (index, id) in forgotten { changes.remove(request: id, at: index) }
    }

    /// - Throws: ``StoreError/evaluatedOnLoss(index:key:)``.
    private mutating func apply(_ layer: OverlayLayer) throws(StoreError) {
        let table = RecordTable(tables, in: transaction)
        for key in layer.missed where try table.record(key) != nil {
            throw .evaluatedOnLoss(index: layer.index, key: key.hex)
        }
        for (key, bytes) in layer.writes {
            var former = RecentChanges.Former.nothing
            if let stored = try table.record(key) {
                // Checked and copied in one; it throws for a damaged one only.
                let whole = try? stored.record()
                former = whole.map { .record($0.encoded()) } ?? .damaged
                changes.remove(stored, isWhole: whole != nil)
            }
            applied.changes.append(.init(index: layer.index, key: key, former: former))
            if let bytes {
                try table.put(bytes.span, under: key)
                changes.insert(key, bytes.span)
            } else {
                try table.remove(key)
            }
        }
        if let id = layer.requestID, !planted("forgetsRequests") {
            try remember(id, at: layer.index)
        }
    }

    /// From now on a batch with this id is a repeat.
    mutating func remember(_ id: [UInt8], at index: UInt64) throws(StoreError) {
        try RequestTable.insert(id, at: index, in: transaction, tables)
        changes.insert(request: id, at: index)
    }

    /// Something else than entries changes records.
    mutating func changesBesideEntries() { applied.isOther = true }

    /// Replaces the node's whole standing: only a snapshot does that.
    mutating func replacePoint(_ point: HardPoint) {
        self.point = point
        applied = AppliedChanges(at: point.appliedIndex, isOther: true)
    }

    /// A record of a snapshot, in key order, into empty tables.
    mutating func putImported(_ key: StorageKey, _ record: Record) throws(StoreError) {
        let bytes = record.encoded()
        try RecordTable(tables, in: transaction).append(bytes.span, under: key)
        changes.insert(key, bytes.span)
    }
}

// MARK: rows of the log

extension WriteTransaction {
    private borrowing func appendBody(_ entry: StoredEntry) throws(StoreError) {
        var chunk: UInt32 = 0
        var offset = 0
        while offset < entry.body.count {
            let end = min(offset + StoreLimits.bodyChunkBytes, entry.body.count)
            try transaction.put(
                entry.body.span.extracting(offset..<end),
                under: BodyKey(index: entry.index, chunk: chunk),
                in: tables.logBodies,
                flags: MDB_APPEND
            )
            offset = end
            chunk += 1
        }
    }

    private borrowing func removeEntry(_ header: LogHeader) throws(StoreError) {
        try transaction.delete(IndexKey(header.index), in: tables.logHeaders)
        for chunk in 0..<header.chunkCount {
            try transaction.delete(
                BodyKey(index: header.index, chunk: UInt32(chunk)),
                in: tables.logBodies
            )
        }
    }

    private borrowing func header(at index: UInt64) throws(StoreError) -> LogHeader {
        try logHeader(at: index, in: transaction, tables)
    }
}

/// The header of an entry that must be there.
///
/// - Throws: ``StoreError/damagedLogHeader(index:reason:)``.
func logHeader(
    at index: UInt64,
    in transaction: Transaction,
    _ tables: Tables
) throws(StoreError) -> LogHeader {
    guard let bytes = try transaction.value(of: IndexKey(index), in: tables.logHeaders) else {
        throw .damagedLogHeader(index: index, reason: "it is missing")
    }
    return try LogHeader(decoding: bytes, index: index)
}

/// - Throws: ``StoreError/otherCluster(have:want:)`` when they differ.
func requireSameCluster(_ have: [UInt8], _ want: [UInt8]) throws(StoreError) {
    guard have == want else {
        throw .otherCluster(have: hexText(have), want: hexText(want))
    }
}
