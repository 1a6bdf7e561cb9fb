import CLMDB
import Wire

/// Table `requests`: 0 ‖ id 16 → index u64 for lookups, 1 ‖ index u64 → id 16 for forgetting in
/// log order. Both big-endian, so the second half is in log order.
enum RequestTable {
    static func index(
        of id: [UInt8],
        in transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> UInt64? {
        guard let bytes = try transaction.value(of: idKey(id), in: tables.requests) else {
            return nil
        }
        guard bytes.count == 8 else {
            throw .corrupt("an index in table requests has \(bytes.count) bytes")
        }
        return bigEndianWord(bytes, at: 0)
    }

    static func insert(
        _ id: [UInt8],
        at index: UInt64,
        in transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(index)
        try transaction.put(writer.bytes.span, under: idKey(id), in: tables.requests)
        try transaction.put(id.span, under: indexKey(index), in: tables.requests)
    }

    /// Forgets ids at or below `index`, oldest first, at most `countMax` of them.
    ///
    /// - Returns: what was forgotten.
    static func prune(
        through index: UInt64,
        countMax: Int,
        in transaction: Transaction,
        _ tables: Tables
    ) throws(StoreError) -> [(UInt64, [UInt8])] {
        var old: [(UInt64, [UInt8])] = []
        do {
            var cursor = try Cursor(tables.requests, in: transaction)
            var isFound = try cursor.seek(indexKey(0))
            while isFound && old.count < countMax {
                let row = try decodeIndexRow(cursor)
                guard row.0 <= index else { break }
                old.append(row)
                isFound = try cursor.next()
            }
        }
        for (oldIndex, id) in old {
            try transaction.delete(indexKey(oldIndex), in: tables.requests)
            // The id may have been used again since.
            if try self.index(of: id, in: transaction, tables) == oldIndex {
                try transaction.delete(idKey(id), in: tables.requests)
            }
        }
        return old
    }

    static func idKey(_ id: [UInt8]) -> ByteKey { ByteKey([0] + id) }

    static func indexKey(_ index: UInt64) -> ByteKey {
        var writer = ByteWriter(capacity: 9)
        writer.writeUInt8(1)
        writer.writeUInt64(index)
        return ByteKey(writer.bytes)
    }

    /// Index and id of the row under a cursor in the second half.
    static func decodeIndexRow(_ cursor: borrowing Cursor) throws(StoreError) -> (UInt64, [UInt8]) {
        let key = unsafe Array(cursor.key)
        let id = unsafe Array(cursor.value)
        guard key.count == 9, key[0] == 1, id.count == StoreLimits.requestIDBytes else {
            throw .damagedRequests("a row has \(key.count) and \(id.count) bytes")
        }
        return (bigEndianWord(key, at: 1), id)
    }
}
