import Synchronization

extension LocalStore {
    /// The digest that bodies and chain are hashed with.
    package func digest(of bytes: [UInt8]) -> [UInt8] { digest(bytes) }

    /// What records and remembered requests add up to, at the applied index of one read
    /// transaction.
    package func stateDigest() throws(StoreError) -> StateDigest {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        return StateDigest(
            appliedIndex: try HardPoint.readAppliedIndex(transaction, reader.tables),
            sum: try DigestTable.read(transaction, reader.tables),
            digest: digest
        )
    }
}

extension LocalStore {
    /// Records of one bucket from `start` on, for another member's repair.
    ///
    /// - Parameters:
    ///   - wanted: the entry after which they are wanted. They are as of what is applied here if
    ///     that is less, or if it is not known any more what was there then: the answer tells.
    ///   - bytesMax: stop after about that many.
    package func lendBucket(
        _ number: Int,
        asOf wanted: UInt64 = .max,
        from start: StorageKey?,
        bytesMax: Int
    ) throws(StoreError) -> LentBucket {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        let tables = reader.tables
        let applied = try HardPoint.readAppliedIndex(transaction, tables)
        let known = recent.withLock {
            $0.formers(ofBucket: number, after: wanted, through: applied)
        }
        let formers = known ?? []
        var records: [RepairedRecord] = []
        var bytes = 0
        var isComplete = true
        var next: StorageKey?
        let range = RecordWalk.Range(bucket: number, start: start)
        var bucket = try FormerBucket(range, formers, tables, in: transaction)
        while let (key, former) = try bucket.next() {
            if bytes >= bytesMax {
                next = key
                break
            }
            bytes += former.byteCount + StoreLimits.storageKeyBytes
            switch former {
            case .nothing: break
            case .damaged: isComplete = false
            case .record(let encoded):
                records.append(RepairedRecord(key: key, bytes: encoded))
            }
        }
        return LentBucket(
            at: known == nil ? applied : wanted,
            try FormerBucket.sum(of: number, formers, tables, in: transaction, digest),
            records: records,
            next: next,
            isComplete: isComplete
        )
    }

    /// Keys, with modification indexes, of the intact records of one bucket: what a repair compares
    /// with another member's. Keys of damaged records, and of pieces without one, come with nil.
    package func bucketIndex(
        _ number: Int
    ) throws(StoreError) -> (appliedIndex: UInt64, keys: [(StorageKey, UInt64?)]) {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        var keys: [(StorageKey, UInt64?)] = []
        var walk = try RecordWalk(over: .init(bucket: number), reader.tables, in: transaction)
        while let stored = try walk.next() {
            keys.append((stored.key, stored.fault == nil ? stored.modificationIndex : nil))
        }
        return (try HardPoint.readAppliedIndex(transaction, reader.tables), keys)
    }

    /// A log entry's body, for a member that lost its own.
    ///
    /// - Returns: nil when this log has no such entry, or its body is damaged, too.
    package func body(at index: UInt64, term: UInt64, digest wanted: [UInt8]) -> [UInt8]? {
        do throws(StoreError) {
            let reader = try readers.take()
            defer { readers.give(reader) }
            let transaction = unsafe Transaction(reader.transaction)
            let tables = reader.tables
            let header = try logHeader(at: index, in: transaction, tables)
            guard header.term == term, header.bodyDigest == wanted else { return nil }
            return try LogLoader(transaction: transaction, tables: tables, digest: digest)
                .body(of: header)
        } catch {
            return nil
        }
    }

    /// Whether the log begins after `index`: what was there is applied. False when it cannot be
    /// told.
    package func isCompacted(_ index: UInt64) -> Bool {
        do throws(StoreError) {
            let reader = try readers.take()
            defer { readers.give(reader) }
            let transaction = unsafe Transaction(reader.transaction)
            guard let point = try HardPoint.read(transaction, reader.tables) else { return false }
            return index <= point.base.index
        } catch {
            return false
        }
    }

    /// The term of the committed entry at `index`, as far as this log and its hard state show one.
    package func committedTerm(at index: UInt64) -> UInt64? {
        do throws(StoreError) {
            let reader = try readers.take()
            defer { readers.give(reader) }
            let transaction = unsafe Transaction(reader.transaction)
            guard let point = try HardPoint.read(transaction, reader.tables),
                index <= point.commitIndex, index >= point.base.index
            else { return nil }
            if index == point.base.index { return point.base.term }
            return try logHeader(at: index, in: transaction, reader.tables).term
        } catch {
            return nil
        }
    }
}
