import CLMDB

/// Makes sure, along a walk over a table, that a lookup finds what the walk finds.
///
/// A walk goes from leaf to leaf, a lookup goes by the keys in the branch pages. A bit that flips
/// in one of those hides rows from lookups only: the walk sees them all, and all adds up. What a
/// leaf holds can be found if its first and its last row can, because everything in between takes
/// the same way through the branches, and the walk itself sees that keys rise.
@safe struct LookupCheck {
    /// Pages are at least that large. Where they are larger more is looked up than need be.
    private static let pageBytes: UInt = 4_096

    private let transaction: Transaction
    private let table: UInt32
    private var page: UInt = 0
    private var key = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    private var value = unsafe UnsafeRawPointer?.none

    init(_ table: UInt32, in transaction: Transaction) {
        self.transaction = transaction
        self.table = table
    }

    /// The walk has come to this row. Rows stay where they are while a read transaction is open.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` when a lookup does not find this row or the one before.
    mutating func passed(_ cursor: borrowing Cursor) throws(StoreError) {
        let page = UInt(bitPattern: unsafe cursor.key.baseAddress) / Self.pageBytes
        let isOnNewPage = page != self.page
        if isOnNewPage { try finish() }
        unsafe (self.page, key, value) = unsafe (page, cursor.key, cursor.value.baseAddress)
        if isOnNewPage { try finish() }
    }

    /// The walk has come to its end.
    ///
    /// - Throws: as ``passed(_:)``.
    func finish() throws(StoreError) {
        guard let value = unsafe value else { return }
        var name = unsafe MDB_val(reading: key)
        var found = unsafe MDB_val()
        let code = unsafe mdb_get(transaction.pointer, table, &name, &found)
        if code != MDB_NOTFOUND { try check(code, "mdb_get") }
        guard code == MDB_SUCCESS, unsafe found.buffer.baseAddress == value else {
            throw .corrupt("a row that a walk over a table finds cannot be looked up")
        }
    }
}
