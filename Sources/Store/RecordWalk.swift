/// Walks the tables `state` and `pieces` side by side: each key that has a row, a piece or both,
/// once, in key order.
///
/// Sees that keys rise in either table and, if asked, that lookups find what the walk finds.
/// Must not outlive its transaction.
struct RecordWalk: ~Copyable {
    /// Which records.
    struct Range {
        /// The number of a bucket; nil for all of them.
        var bucket: Int?
        /// The first key that may come; nil for the bucket's first.
        var start: StorageKey?
    }

    private let bucket: Int?
    /// Where to begin; nil once the walk has.
    private var start: StorageKey?
    private var rows: Cursor
    private var pieces: Cursor
    /// What the cursors stand on; nil behind the end.
    private var row: StorageKey?
    private var piece: PieceKey?
    private var rowLookups: LookupCheck?
    private var pieceLookups: LookupCheck?

    /// - Parameters:
    ///   - range: what to walk over.
    ///   - looksUp: looks rows up on the way (``LookupCheck``): only in a read transaction.
    init(
        over range: Range,
        _ tables: Tables,
        in transaction: Transaction,
        looksUp: Bool = false
    ) throws(StoreError) {
        let rows = try Cursor(tables.state, in: transaction)
        let pieces = try Cursor(tables.pieces, in: transaction)
        self.rows = rows
        self.pieces = pieces
        bucket = range.bucket
        start = range.start ?? .first(ofBucket: range.bucket ?? 0)
        rowLookups = looksUp ? LookupCheck(tables.state, in: transaction) : nil
        pieceLookups = looksUp ? LookupCheck(tables.pieces, in: transaction) : nil
    }

    /// The next record, or the pieces of one that is not there.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` when keys are none or out of order, or a lookup does
    ///   not find what the walk finds.
    mutating func next() throws(StoreError) -> StoredRecord? {
        if let start {
            self.start = nil
            try arriveAtRow(try rows.seek(start))
            try arriveAtPiece(try pieces.seek(PieceKey(start, 0)))
        }
        guard let key = nextKey else { return nil }
        let isRow = row == key
        var found = unsafe StoredRecord(key, row: isRow ? rows.value : nil)
        if isRow { try arriveAtRow(try rows.next()) }
        while let piece, piece.record == key {
            unsafe found.add(pieces.value, number: Int(piece.number))
            try arriveAtPiece(try pieces.next())
        }
        return found
    }

    private func isInside(_ key: StorageKey) -> Bool { bucket.map { $0 == key.bucket } ?? true }

    private var nextKey: StorageKey? {
        guard let piece else { return row }
        return row.map { min($0, piece.record) } ?? piece.record
    }

    private mutating func arriveAtRow(_ isFound: Bool) throws(StoreError) {
        let former = row
        row = nil
        if isFound, unsafe StorageKey(rows.key) == nil {
            throw .corrupt("a key of table state does not have 32 bytes")
        }
        guard isFound, let key = unsafe StorageKey(rows.key), isInside(key) else {
            try rowLookups?.finish()
            return
        }
        if let former, key <= former { throw .corrupt("keys of table state are out of order") }
        try rowLookups?.passed(rows)
        row = key
    }

    private mutating func arriveAtPiece(_ isFound: Bool) throws(StoreError) {
        let former = piece
        piece = nil
        if isFound, unsafe PieceKey(pieces.key) == nil {
            throw .corrupt("a key of table pieces does not have 34 bytes")
        }
        guard isFound, let key = unsafe PieceKey(pieces.key), isInside(key.record) else {
            try pieceLookups?.finish()
            return
        }
        if let former, key <= former { throw .corrupt("keys of table pieces are out of order") }
        try pieceLookups?.passed(pieces)
        piece = key
    }
}
