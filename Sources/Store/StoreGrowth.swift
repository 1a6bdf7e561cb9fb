import CLMDB

/// How large the database is and why: what makes a file grow beyond what is in it.
package struct StoreGrowth: Sendable, Equatable {
    /// Bytes of the file, with what is reserved ahead of need.
    package let fileBytes: UInt64
    /// Pages of the file that were ever used; the file without what is reserved.
    package let usedPages: UInt64
    /// Of those, pages that hold nothing and will be used again.
    package let freePages: UInt64
    /// Records in LMDB's free list, one a transaction that freed pages: long ones make commits
    /// slow.
    package let freeListRecords: UInt64
    /// Bytes in a page.
    package let pageBytes: UInt64
    /// Entries that the log retains.
    package let logEntries: UInt64
    /// Rows of table `state`.
    package let records: UInt64
    /// Rows of table `pieces`: what records that are longer than a page have there.
    package let recordPieces: UInt64
    /// For how long the oldest open read transaction has been open, in nanoseconds. Pages that it
    /// can see are not used again.
    package let oldestReaderNanoseconds: UInt64
    /// Read transactions that were ended because they had been open for too long, since the store
    /// was opened.
    package let expiredReaders: UInt64
    /// What was done to the disk since the store was opened.
    package let counters: StoreCounters

    /// Bytes in pages that hold something.
    package var liveBytes: UInt64 { (usedPages - min(usedPages, freePages)) * pageBytes }
}

/// LMDB's list of pages that may be used again (table 0).
struct FreeList {
    let records: UInt64
    let pages: UInt64

    /// Walks it.
    init(_ transaction: Transaction) throws(StoreError) {
        var records: UInt64 = 0
        var pages: UInt64 = 0
        var cursor = try Cursor(0, in: transaction)
        while try cursor.next() {
            records += 1
            // Each row begins with how many page numbers follow.
            let row = unsafe cursor.value
            guard row.count >= 8 else { continue }
            let count = unsafe row.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
            // A damaged number must not end the process; the rest of the row bounds it.
            pages += min(count, UInt64(row.count / 8))
        }
        self.records = records
        self.pages = pages
    }
}

extension Environment {
    /// A read transaction that is not from the pool, ended when `body` returns.
    func withFreshRead<Value>(
        _ body: (Transaction) throws(StoreError) -> Value
    ) throws(StoreError) -> Value? {
        var begun: OpaquePointer?
        try check(
            unsafe mdb_txn_begin(handle, nil, UInt32(MDB_RDONLY), &begun),
            "mdb_txn_begin"
        )
        guard let pointer = unsafe begun else { return nil }
        defer { unsafe mdb_txn_abort(pointer) }
        return try body(unsafe Transaction(pointer))
    }
}

extension LocalStore {
    /// Measures the file. Any thread; walks the free list, so not for every request.
    ///
    /// - Throws: ``StoreError/lmdb(code:operation:)``, ``StoreError/damagedHardState(_:)``.
    package func growth() throws(StoreError) -> StoreGrowth {
        let oldest = readers.oldestAgeNanoseconds
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        let environment = reader.environment
        let tables = environment.tables
        let list = try FreeList(transaction)
        return StoreGrowth(
            fileBytes: try environment.fileBytes(),
            usedPages: environment.usedBytes / environment.pageBytes,
            freePages: list.pages,
            freeListRecords: list.records,
            pageBytes: environment.pageBytes,
            logEntries: try transaction.count(tables.logHeaders),
            records: try transaction.count(tables.state),
            recordPieces: try transaction.count(tables.pieces),
            oldestReaderNanoseconds: oldest,
            expiredReaders: readers.expiredCount,
            counters: counters
        )
    }
}
