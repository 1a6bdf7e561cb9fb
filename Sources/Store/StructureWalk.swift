import CLMDB

extension LocalStore {
    /// Reads every row of every table and the whole retained log, so that whatever is wrong with
    /// the database's structure shows now: as an error, or as a signal that ends the process.
    ///
    /// For a child process: see ``SuspectMarker``. Records that fail their own checksum are no
    /// structural damage; they are repaired one by one.
    ///
    /// - Returns: rows read, and the exclusive or of all their bytes, so that no read is left out.
    /// - Throws: a ``StoreError`` for which ``StoreError/isDamage`` holds.
    package func walkStructure() throws(StoreError) -> (rows: UInt64, parity: UInt8) {
        _ = try load()
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        var total: (rows: UInt64, parity: UInt8) = (0, 0)
        for table in reader.tables.all {
            var cursor = try Cursor(table, in: transaction)
            var rows: UInt64 = 0
            while try cursor.next() {
                rows += 1
                total.parity ^= unsafe cursor.value.reduce(0) { $0 ^ $1 }
            }
            let counted = try transaction.count(table)
            guard rows == counted else {
                throw .corrupt("a table says that it has \(counted) rows, \(rows) were found")
            }
            total.rows += rows
        }
        return total
    }
}
