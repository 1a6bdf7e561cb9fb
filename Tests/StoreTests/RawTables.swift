import CLMDB
import TestSupport
import Wire

/// Single rows of a closed store's database, past the store: as damage leaves them, or an older
/// program.
@safe struct RawTables {
    private let transaction: OpaquePointer

    /// Changes rows in one transaction.
    ///
    /// - Precondition: nobody has the folder open.
    static func edit(_ folder: TemporaryFolder, _ body: (RawTables) -> Void) {
        var made: OpaquePointer?
        precondition(unsafe mdb_env_create(&made) == 0, "no environment")
        guard let environment = unsafe made else { preconditionFailure("no environment") }
        defer { unsafe mdb_env_close(environment) }
        _ = unsafe mdb_env_set_maxdbs(environment, 16)
        _ = unsafe mdb_env_set_mapsize(environment, 1 << 30)
        let path = folder.node + "/holdfast.mdb"
        let opened = unsafe mdb_env_open(environment, path, UInt32(MDB_NOSUBDIR), 0o600)
        precondition(opened == 0, "\(path) cannot be opened")
        var begun: OpaquePointer?
        precondition(unsafe mdb_txn_begin(environment, nil, 0, &begun) == 0, "no transaction")
        guard let transaction = unsafe begun else { preconditionFailure("no transaction") }
        let tables = unsafe RawTables(transaction: transaction)
        body(tables)
        tables.namePoint()
        precondition(unsafe mdb_txn_commit(transaction) == 0, "no commit")
    }

    /// The value of `key`, or nil.
    func value(_ key: [UInt8], in name: String) -> [UInt8]? {
        var value = unsafe MDB_val()
        let code = unsafe withRow(key) { unsafe mdb_get(transaction, table(name), &$0, &value) }
        guard code == 0 else { return nil }
        return unsafe Array(UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size))
    }

    /// Writes `value` under `key`, over what is there.
    func put(_ value: [UInt8], under key: [UInt8], in name: String) {
        var value = value
        let code = unsafe value.withUnsafeMutableBytes { bytes in
            var data = unsafe MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            return unsafe withRow(key) { unsafe mdb_put(transaction, table(name), &$0, &data, 0) }
        }
        precondition(code == 0, "row not written")
    }

    /// Removes `key`, which is there.
    func remove(_ key: [UInt8], from name: String) {
        let code = unsafe withRow(key) { unsafe mdb_del(transaction, table(name), &$0, nil) }
        precondition(code == 0, "row not removed")
    }

    /// Removes a whole table.
    func drop(_ name: String) {
        precondition(unsafe mdb_drop(transaction, table(name), 1) == 0, "\(name) not dropped")
    }

    /// The point says which transaction wrote the database last, unless it is of an older program.
    private func namePoint() {
        let name = Array("point".utf8)
        guard let point = value(name, in: "hard"), point.count == 158, point[0] == 3 else { return }
        var writer = ByteWriter()
        writer.writeBytes(Array(point[..<146]))
        writer.writeUInt64(UInt64(unsafe mdb_txn_id(transaction)))
        writer.writeUInt32(crc32c(writer.bytes))
        put(writer.bytes, under: name, in: "hard")
    }

    private func table(_ name: String) -> UInt32 {
        var table: UInt32 = 0
        precondition(unsafe mdb_dbi_open(transaction, name, 0, &table) == 0, "no table \(name)")
        return table
    }

    private func withRow(_ key: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
        var key = key
        return unsafe key.withUnsafeMutableBytes { bytes in
            var name = unsafe MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            return unsafe body(&name)
        }
    }
}
