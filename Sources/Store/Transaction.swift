import CLMDB

/// A borrowed LMDB transaction: who began it ends it, and nobody keeps this value longer.
@safe struct Transaction {
    /// What all copies of one that remembers its changes share.
    fileprivate final class Memory {
        var isChanged = false
    }

    let pointer: OpaquePointer
    fileprivate let memory: Memory?

    init(_ pointer: OpaquePointer) {
        unsafe self.pointer = unsafe pointer
        memory = nil
    }

    private init(remembering transaction: Transaction) {
        unsafe pointer = transaction.pointer
        memory = Memory()
    }

    /// The same one. It and its copies know whether anything was changed through one of them.
    func remembering() -> Transaction { Transaction(remembering: self) }

    /// Whether anything was changed since ``remembering()``, be it to what it was before: LMDB will
    /// write this transaction. It does not tell itself.
    var isChanged: Bool { memory?.isChanged ?? false }

    /// Of a write transaction its own number; of a read transaction that of the write transaction
    /// whose work it shows.
    var id: UInt64 { UInt64(unsafe mdb_txn_id(pointer)) }

    /// The value of `key`, copied, or nil if there is none.
    func value<Key: TableKey>(of key: Key, in table: UInt32) throws(StoreError) -> [UInt8]? {
        guard let value = try unsafe lent(key, in: table) else { return nil }
        return unsafe Array(value)
    }

    /// Lends the value of `key` to `body` without copying it.
    ///
    /// - Returns: nil if there is none.
    func withValue<Key: TableKey, Value>(
        of key: Key,
        in table: UInt32,
        _ body: (Span<UInt8>) -> Value
    ) throws(StoreError) -> Value? {
        guard let value = try unsafe lent(key, in: table) else { return nil }
        return body(unsafe value.bindMemory(to: UInt8.self).span)
    }

    /// The value of `key` where it lies: good until this transaction ends or writes.
    ///
    /// - Returns: nil if there is none.
    func lent<Key: TableKey>(
        _ key: Key,
        in table: UInt32
    ) throws(StoreError) -> UnsafeRawBufferPointer? {
        var value = unsafe MDB_val()
        let code = try unsafe key.withKeyBytes { bytes throws(StoreError) -> Int32 in
            var name = unsafe MDB_val(reading: bytes)
            return unsafe mdb_get(pointer, table, &name, &value)
        }
        if code == MDB_NOTFOUND { return nil }
        try check(code, "mdb_get")
        return unsafe value.buffer
    }

    /// Writes `value` under `key`.
    ///
    /// - Parameter flags: such as `MDB_APPEND`, which fails if `key` is not the highest.
    func put<Key: TableKey>(
        _ value: Span<UInt8>,
        under key: Key,
        in table: UInt32,
        flags: Int32 = 0
    ) throws(StoreError) {
        let code = try unsafe key.withKeyBytes { bytes throws(StoreError) -> Int32 in
            unsafe value.bytes.withUnsafeBytes { content in
                var name = unsafe MDB_val(reading: bytes)
                var data = unsafe MDB_val(reading: content)
                return unsafe mdb_put(pointer, table, &name, &data, UInt32(flags))
            }
        }
        try checkWrite(code, "mdb_put")
        memory?.isChanged = true
    }

    /// Removes `key`.
    ///
    /// - Returns: whether it was there.
    @discardableResult
    func delete<Key: TableKey>(_ key: Key, in table: UInt32) throws(StoreError) -> Bool {
        let code = try unsafe key.withKeyBytes { bytes throws(StoreError) -> Int32 in
            var name = unsafe MDB_val(reading: bytes)
            return unsafe mdb_del(pointer, table, &name, nil)
        }
        if code == MDB_NOTFOUND { return false }
        try checkWrite(code, "mdb_del")
        memory?.isChanged = true
        return true
    }

    /// Removes everything from a table.
    func clear(_ table: UInt32) throws(StoreError) {
        try checkWrite(unsafe mdb_drop(pointer, table, 0), "mdb_drop")
        memory?.isChanged = true
    }

    /// Rows in a table.
    func count(_ table: UInt32) throws(StoreError) -> UInt64 {
        var status = MDB_stat()
        try check(unsafe mdb_stat(pointer, table, &status), "mdb_stat")
        return UInt64(status.ms_entries)
    }
}

/// Walks one table. Must not outlive the transaction it was opened in.
@safe struct Cursor: ~Copyable {
    private let pointer: OpaquePointer
    private let memory: Transaction.Memory?
    /// The row under the cursor; valid until the next move or write.
    private(set) var key = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    private(set) var value = unsafe UnsafeRawBufferPointer(start: nil, count: 0)

    init(_ table: UInt32, in transaction: Transaction) throws(StoreError) {
        var opened: OpaquePointer?
        try check(
            unsafe mdb_cursor_open(transaction.pointer, table, &opened),
            "mdb_cursor_open"
        )
        guard let pointer = unsafe opened else {
            throw .lmdb(code: 0, operation: "mdb_cursor_open")
        }
        unsafe self.pointer = unsafe pointer
        memory = transaction.memory
    }

    deinit { unsafe mdb_cursor_close(pointer) }

    /// Moves to the first row at or after `start`.
    ///
    /// - Returns: false when there is none.
    mutating func seek<Key: TableKey>(_ start: Key) throws(StoreError) -> Bool {
        var name = unsafe MDB_val()
        var data = unsafe MDB_val()
        let code = try unsafe start.withKeyBytes { bytes throws(StoreError) -> Int32 in
            unsafe name = unsafe MDB_val(reading: bytes)
            return unsafe mdb_cursor_get(pointer, &name, &data, MDB_SET_RANGE)
        }
        return try unsafe arrived(code, name, data)
    }

    /// Moves to the next row; from a fresh cursor to the first.
    mutating func next() throws(StoreError) -> Bool {
        try move(MDB_NEXT)
    }

    /// Moves to the last row.
    mutating func last() throws(StoreError) -> Bool {
        try move(MDB_LAST)
    }

    /// Removes the row under the cursor. The next `next()` goes to the row after it.
    mutating func delete() throws(StoreError) {
        try checkWrite(unsafe mdb_cursor_del(pointer, 0), "mdb_cursor_del")
        memory?.isChanged = true
    }

    private mutating func move(_ direction: MDB_cursor_op) throws(StoreError) -> Bool {
        var name = unsafe MDB_val()
        var data = unsafe MDB_val()
        let code = unsafe mdb_cursor_get(pointer, &name, &data, direction)
        return try unsafe arrived(code, name, data)
    }

    private mutating func arrived(
        _ code: Int32,
        _ name: MDB_val,
        _ data: MDB_val
    ) throws(StoreError) -> Bool {
        if code == MDB_NOTFOUND { return false }
        try check(code, "mdb_cursor_get")
        unsafe key = unsafe name.buffer
        unsafe value = unsafe data.buffer
        return true
    }
}

extension MDB_val {
    /// For bytes that LMDB only reads.
    init(reading bytes: UnsafeRawBufferPointer) {
        unsafe self.init(
            mv_size: bytes.count,
            mv_data: UnsafeMutableRawPointer(mutating: bytes.baseAddress)
        )
    }

    /// The bytes, inside the map.
    var buffer: UnsafeRawBufferPointer {
        unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size)
    }
}
