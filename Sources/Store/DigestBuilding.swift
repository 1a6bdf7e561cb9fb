/// Fills table `digest` of a database that was written before there was one, or by a program that
/// did not keep all of it.
struct DigestBuilding {
    /// The first format of a data folder that has all of the table.
    static let formatVersion: UInt64 = 3

    let environment: Environment
    let options: StoreOptions
    let digest: DigestFunction

    /// Adds up records and requests and writes all rows, in one transaction.
    ///
    /// Damaged records do not stop it: their buckets become suspect, which the scrubber sees.
    func run() throws(StoreError) {
        try environment.transact { (transaction) throws(StoreError) in
            let sum = try total(transaction)
            try transaction.clear(environment.tables.digest)
            try DigestTable.write(all: sum, transaction, environment.tables)
        }
    }

    private func total(_ transaction: Transaction) throws(StoreError) -> StateSum {
        let tables = environment.tables
        let rows = try transaction.count(tables.state)
        var sum = StateSum()
        var seen: UInt64 = 0
        var walk = try RecordWalk(over: .init(), tables, in: transaction)
        while let record = try walk.next() {
            if record.fault == nil {
                sum.insert(record, digest)
            } else {
                sum.suspect(record.key)
            }
            seen += 1
            if seen % StoreLimits.progressRecords == 0 {
                options.onProgress("adding up the state: \(seen) of \(rows) records")
            }
        }
        try addRequests(transaction, &sum)
        options.onProgress("adding up the state: done, \(seen) records")
        return sum
    }

    private func addRequests(
        _ transaction: Transaction,
        _ sum: inout StateSum
    ) throws(StoreError) {
        var cursor = try Cursor(environment.tables.requests, in: transaction)
        var isFound = try cursor.seek(RequestTable.indexKey(0))
        while isFound {
            let (index, id) = try RequestTable.decodeIndexRow(cursor)
            sum.insert(request: id, at: index, digest)
            isFound = try cursor.next()
        }
    }
}
