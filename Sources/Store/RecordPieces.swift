import CLMDB
import Wire

// A value of LMDB that does not fit a page needs pages side by side, and changes of single pages
// cut those up: the file would grow for as long as large records are written. So a longer record
// lies in its row of table `state` and in pieces of table `pieces`, of a page each. Everything
// about that is in this file; all others see records whole, damaged or absent, never short.

/// How the bytes of an encoded record are divided: the first into its row, the others into pieces.
///
/// It follows from their number, which the record's header states. All pieces but the last are
/// full, and the row has what is left, at least the header and most names, so that a listing needs
/// no piece.
struct RecordShape: Equatable {
    /// Bytes of the encoded record.
    let bytes: Int
    /// Of those, the first: in the row.
    let rowBytes: Int
    /// How many pieces follow; 0 when the row has all.
    let pieces: Int

    /// - Parameter bytes: of the encoded record, any number.
    init(of bytes: Int) {
        self.bytes = bytes
        let full = StoreLimits.recordPieceBytes
        guard bytes > full else {
            (rowBytes, pieces) = (bytes, 0)
            return
        }
        pieces = (bytes - 1) / full
        rowBytes = max(bytes - pieces * full, StoreLimits.recordRowBytesMin)
    }

    /// Where in the record a piece lies.
    ///
    /// - Precondition: there is such a piece.
    subscript(piece: Int) -> Range<Int> {
        precondition((0..<pieces).contains(piece), "a record has no piece \(piece)")
        let start = rowBytes + piece * StoreLimits.recordPieceBytes
        return start..<min(start + StoreLimits.recordPieceBytes, bytes)
    }
}

/// A record as it lies in the tables, with all that was found under its key. Lent by LMDB: good
/// until the transaction ends or writes.
@safe struct StoredRecord {
    /// More pieces than any record has: what is beyond is not kept, only noticed.
    static let piecesMax = RecordShape(of: StoreLimits.recordBytesMax).pieces + 1

    let key: StorageKey
    private let row: UnsafeRawBufferPointer?
    private var pieces: [UnsafeRawBufferPointer] = unsafe []
    /// Why what was found cannot be a record's pieces; the first reason.
    private var disorder: String?

    /// - Parameter row: the row's value; nil when there are pieces without one.
    init(_ key: StorageKey, row: UnsafeRawBufferPointer?) {
        self.key = key
        unsafe self.row = unsafe row
    }

    /// One more piece was found under the key, in the order of their numbers.
    mutating func add(_ piece: UnsafeRawBufferPointer, number: Int) {
        guard disorder == nil else { return }
        let next = unsafe pieces.count
        guard number == next else {
            disorder = "piece \(next) of it is missing"
            return
        }
        guard next < Self.piecesMax else {
            disorder = "it has too many pieces"
            return
        }
        unsafe pieces.append(piece)
    }

    /// Bytes that were found.
    var byteCount: Int {
        unsafe pieces.reduce(row?.count ?? 0) { $0 + $1.count }
    }

    /// The row's bytes, all of the record if it has no pieces.
    private var head: UnsafeBufferPointer<UInt8> {
        unsafe (row ?? UnsafeRawBufferPointer(start: nil, count: 0)).bindMemory(to: UInt8.self)
    }

    /// Why header, row and pieces do not fit each other, or nil. The boxes are not looked at.
    var lengthFault: String? {
        guard unsafe row != nil else { return "there are pieces of it, and no record" }
        let head = unsafe head.span
        if let fault = Record.headerFault(in: head) { return fault }
        if let disorder { return disorder }
        let shape = RecordShape(of: Record.statedBytes(in: head))
        let found = unsafe pieces.count
        if head.count == shape.bytes {
            // One row, however long: so it is when it fits a page, and so were all records before
            // there were pieces.
            return found == 0 ? nil : "there are \(found) pieces beside all of it"
        }
        guard shape.pieces > 0, head.count == shape.rowBytes else {
            return "record of \(head.count) bytes where \(shape.bytes) are stated"
        }
        guard found == shape.pieces else { return "\(found) of \(shape.pieces) pieces are there" }
        for number in 0..<found where unsafe pieces[number].count != shape[number].count {
            return "piece \(number) has \(unsafe pieces[number].count) bytes"
        }
        return nil
    }

    /// Why this is no record that passes every check, or nil.
    var fault: String? {
        if let fault = lengthFault { return fault }
        let head = unsafe head.span
        var crc = Record.checksum(ofFirst: head)
        for number in unsafe pieces.indices {
            let piece = unsafe pieces[number].bindMemory(to: UInt8.self)
            crc = crc32c(unsafe piece.span, continuing: crc)
        }
        return Record.statedChecksum(in: head) == crc ? nil : "record checksum"
    }

    /// What it is to the digest; the same however it is stored.
    ///
    /// - Precondition: ``lengthFault`` is nil.
    func hash(_ digest: DigestFunction) -> [UInt8] {
        let head = unsafe head.span
        let tags = Record.tags(in: head)
        let header = head.extracting(0..<Record.headerBytes)
        return Record.hash(key, header, tags: copy(tags.name) + copy(tags.value), digest)
    }

    /// The whole record, copied once.
    ///
    /// - Throws: ``StoreError/damagedRecord(key:reason:)``.
    func record() throws(StoreError) -> Record {
        if let fault { throw .damagedRecord(key: key.hex, reason: fault) }
        return Record(trusted: copy(0..<byteCount))
    }

    /// The log index that wrote it.
    ///
    /// - Precondition: ``lengthFault`` is nil.
    var modificationIndex: UInt64 { number(unsafe head.span, at: 6, count: 8) }

    /// Header and name box, if the row has both and its length is one that the header allows;
    /// nobody looks for pieces.
    fileprivate var headOfRow: RecordHead? {
        let head = unsafe head.span
        guard Record.headerFault(in: head) == nil else { return nil }
        let shape = RecordShape(of: Record.statedBytes(in: head))
        let end = Record.headAndNameBytes(in: head)
        guard head.count == shape.bytes || head.count == shape.rowBytes, end <= head.count else {
            return nil
        }
        return RecordHead(checked: head)
    }

    /// Header and name box, wherever they lie.
    ///
    /// - Throws: ``StoreError/damagedRecord(key:reason:)``.
    fileprivate func wholeHead() throws(StoreError) -> RecordHead {
        if let fault = lengthFault { throw .damagedRecord(key: key.hex, reason: fault) }
        let bytes = copy(0..<Record.headAndNameBytes(in: unsafe head.span))
        return RecordHead(checked: bytes.span)
    }

    /// Some of the record's bytes, wherever they lie.
    private func copy(_ range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        var start = 0
        func take(_ part: UnsafeRawBufferPointer) {
            let own = range.clamped(to: start..<start + part.count)
            if !own.isEmpty {
                unsafe result.append(
                    contentsOf: part[own.lowerBound - start..<own.upperBound - start]
                )
            }
            start += part.count
        }
        if let row = unsafe row { unsafe take(row) }
        for number in unsafe pieces.indices where start < range.upperBound {
            unsafe take(pieces[number])
        }
        return result
    }
}

/// Reads and writes single records in the tables `state` and `pieces`.
struct RecordTable {
    private let transaction: Transaction
    private let tables: Tables

    init(_ tables: Tables, in transaction: Transaction) {
        self.tables = tables
        self.transaction = transaction
    }

    /// The record under `key` with its pieces, or nil if it has no row.
    func record(_ key: StorageKey) throws(StoreError) -> StoredRecord? {
        guard let row = try unsafe transaction.lent(key, in: tables.state) else { return nil }
        return try unsafe record(key, row: row)
    }

    /// The record of a row that a cursor stands on, with its pieces.
    func record(
        _ key: StorageKey,
        row: UnsafeRawBufferPointer
    ) throws(StoreError) -> StoredRecord {
        var found = unsafe StoredRecord(key, row: row)
        // A whole one is not looked up among the pieces: what is there belongs to nobody, and the
        // scrubber finds it.
        if found.lengthFault == nil { return found }
        var cursor = try Cursor(tables.pieces, in: transaction)
        var isFound = try cursor.seek(PieceKey(key, 0))
        while isFound, let piece = unsafe PieceKey(cursor.key), piece.record == key {
            unsafe found.add(cursor.value, number: Int(piece.number))
            isFound = try cursor.next()
        }
        return found
    }

    /// Header and name box of the record of a row that a cursor stands on. Its pieces are looked at
    /// only if the name, which may be longer than a page, is in one.
    ///
    /// - Throws: ``StoreError/damagedRecord(key:reason:)``.
    func head(_ key: StorageKey, row: UnsafeRawBufferPointer) throws(StoreError) -> RecordHead {
        if let head = unsafe StoredRecord(key, row: row).headOfRow { return head }
        return try unsafe record(key, row: row).wholeHead()
    }

    /// Writes a record, over the one under `key` if there is one, of which nothing is left.
    func put(_ record: Span<UInt8>, under key: StorageKey) throws(StoreError) {
        try write(record, under: key, flags: 0)
        try removePieces(of: key, from: RecordShape(of: record.count).pieces)
    }

    /// Writes a record behind all others.
    func append(_ record: Span<UInt8>, under key: StorageKey) throws(StoreError) {
        try write(record, under: key, flags: MDB_APPEND)
    }

    /// Removes a record, and any piece under `key`, whether or not it has a row.
    func remove(_ key: StorageKey) throws(StoreError) {
        try transaction.delete(key, in: tables.state)
        try removePieces(of: key, from: 0)
    }

    private func write(
        _ record: Span<UInt8>,
        under key: StorageKey,
        flags: Int32
    ) throws(StoreError) {
        let shape = RecordShape(of: record.count)
        let row = record.extracting(0..<shape.rowBytes)
        try transaction.put(row, under: key, in: tables.state, flags: flags)
        for number in 0..<shape.pieces {
            try transaction.put(
                record.extracting(shape[number]),
                under: PieceKey(key, number),
                in: tables.pieces,
                flags: flags
            )
        }
    }

    private func removePieces(of key: StorageKey, from number: Int) throws(StoreError) {
        var cursor = try Cursor(tables.pieces, in: transaction)
        while try cursor.seek(PieceKey(key, number)), let piece = unsafe PieceKey(cursor.key),
            piece.record == key
        {
            try cursor.delete()
        }
    }
}
