/// Walks one directory, or one range of keys, in key order over LMDB and overlay together. The
/// overlay wins.
struct MergedCursor: ~Copyable {
    private enum Source {
        case overlay([UInt8])
        case table
    }

    /// Where the walk ends.
    private enum Extent {
        case directory(DirectoryPrefix)
        case through(StorageKey)

        func contains(_ key: StorageKey) -> Bool {
            switch self {
            case .directory(let directory): key.directory == directory
            case .through(let last): key <= last
            }
        }
    }

    private let extent: Extent
    private let writes: [(StorageKey, [UInt8]?)]
    private let table: RecordTable
    private var position = 0
    private var cursor: Cursor
    /// The key under the LMDB cursor, nil when it has left the directory.
    private var tableKey: StorageKey?
    private var source = Source.overlay([])
    private var key: StorageKey
    /// The row under the LMDB cursor was handed out; move before the next comparison.
    private var isTableConsumed = false

    /// - Parameter first: the lowest key wanted.
    init(_ reader: Reader, _ directory: DirectoryPrefix, from first: StorageKey) throws(StoreError)
    {
        let writes = reader.overlay.writes(
            in: directory,
            from: first,
            layersFrom: reader.layersFrom
        )
        try self.init(reader, .directory(directory), from: first, writes)
    }

    /// - Parameter writes: those of the overlay in the range, ascending, one for each key.
    init(
        _ reader: Reader,
        _ range: ClosedRange<StorageKey>,
        _ writes: [(StorageKey, [UInt8]?)]
    ) throws(StoreError) {
        try self.init(reader, .through(range.upperBound), from: range.lowerBound, writes)
    }

    private init(
        _ reader: Reader,
        _ extent: Extent,
        from first: StorageKey,
        _ writes: [(StorageKey, [UInt8]?)]
    ) throws(StoreError) {
        let transaction = unsafe Transaction(reader.transaction)
        var cursor = try Cursor(reader.tables.state, in: transaction)
        let isFound = try cursor.seek(first)
        tableKey = isFound ? try Self.key(under: cursor, in: extent) : nil
        self.cursor = cursor
        table = RecordTable(reader.tables, in: transaction)
        self.extent = extent
        key = first
        self.writes = writes
    }

    /// Moves to the next live key.
    ///
    /// - Returns: nil at the end of the directory.
    mutating func next() throws(StoreError) -> StorageKey? {
        while true {
            if isTableConsumed {
                isTableConsumed = false
                let isFound = try cursor.next()
                tableKey = isFound ? try Self.key(under: cursor, in: extent) : nil
            }
            let overlayKey = position < writes.count ? writes[position].0 : nil
            guard let least = least(overlayKey, tableKey) else { return nil }
            isTableConsumed = tableKey == least
            guard overlayKey == least else {
                source = .table
                key = least
                return least
            }
            let bytes = writes[position].1
            position += 1
            guard let bytes else { continue }
            source = .overlay(bytes)
            key = least
            return least
        }
    }

    /// The record under the cursor.
    func record() throws(StoreError) -> Record {
        switch source {
        case .overlay(let bytes): return Record(trusted: bytes)
        case .table:
            return try unsafe table.record(key, row: cursor.value).record()
        }
    }

    /// Header and name box of the record under the cursor; the value is not read.
    func head() throws(StoreError) -> RecordHead {
        switch source {
        case .overlay(let bytes): return RecordHead(checked: bytes.span)
        case .table: return try unsafe table.head(key, row: cursor.value)
        }
    }

    private func least(_ left: StorageKey?, _ right: StorageKey?) -> StorageKey? {
        guard let left else { return right }
        guard let right else { return left }
        return min(left, right)
    }

    /// The key under an LMDB cursor, nil when it is beyond the extent.
    private static func key(
        under cursor: borrowing Cursor,
        in extent: Extent
    ) throws(StoreError) -> StorageKey? {
        guard let key = unsafe StorageKey(cursor.key) else {
            throw .corrupt("a key of table state does not have 32 bytes")
        }
        return extent.contains(key) ? key : nil
    }
}
