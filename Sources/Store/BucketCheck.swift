import Wire

extension LocalStore {
    /// Why the records of a bucket are not those that its digest stands for, or nil if they are.
    ///
    /// What makes a miss or a list more than a claim: LMDB 0.9 has no checksums, so a flipped bit
    /// in a page of the tree can make records unfindable. Then they are missing in the sum, too, or
    /// only a walk finds them (``LookupCheck``). Reads keys, headers, lengths and tags only: damage
    /// in between hides no record, and is found by whoever reads that one.
    ///
    /// - Throws: what LMDB says of a damaged page, or ``StoreError/corrupt(_:)`` when the tree
    ///   itself is wrong: no record that is put back mends that.
    package func bucketDamage(_ number: Int) throws(StoreError) -> String? {
        let reader = try readers.take()
        defer { readers.give(reader) }
        return try bucketDamage(number, unsafe Transaction(reader.transaction), reader.tables)
    }

    /// The same in the moment that a view shows, so for exactly what was read there.
    package func bucketDamage(
        _ number: Int,
        in view: borrowing ReadView
    ) throws(StoreError) -> String? {
        let transaction = unsafe Transaction(view.reader.transaction)
        return try bucketDamage(number, transaction, view.reader.tables)
    }

    private func bucketDamage(
        _ number: Int,
        _ transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> String? {
        let row = try DigestTable.read(number, transaction, tables)
        var sum = StateBucket()
        var walk = try RecordWalk(
            over: .init(bucket: number),
            tables,
            in: transaction,
            looksUp: true
        )
        while let record = try walk.next() {
            if let fault = record.lengthFault { return "a record in it is not whole: \(fault)" }
            sum.insert(record.hash(digest))
        }
        return row.difference(from: sum)
    }
}

extension StoreError {
    /// The bucket of table `state` that can be got back from another member, if it is damage of
    /// that kind.
    package var bucketToRepair: Int? {
        switch self {
        case .damagedRecord(let key, _): Hex.decode(key).flatMap { StorageKey($0) }?.bucket
        case .damagedBucket(let number, _): number
        default: nil
        }
    }
}
