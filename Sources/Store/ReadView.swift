/// One consistent moment of the store: what LMDB holds plus what was evaluated since.
///
/// Lent by ``LocalStore/view(pending:_:)`` to a closure and dead when the closure returns. Nothing
/// reads LMDB around it. Not sendable: it belongs to the thread that runs the closure.
package struct ReadView: ~Copyable {
    let reader: Reader
    private let generation: UInt64

    init(_ reader: Reader) {
        self.reader = reader
        generation = reader.generation
    }

    private init(_ reader: Reader, generation: UInt64) {
        self.reader = reader
        self.generation = generation
    }

    /// A second handle on the same moment, for a type that has to keep one while the closure runs.
    ///
    /// Using it after the closure has returned is a precondition failure.
    package borrowing func alias() -> ReadView {
        ReadView(open, generation: generation)
    }

    /// The highest log index whose effect is visible here.
    package var evaluatedIndex: UInt64 { open.evaluatedIndex }

    /// The highest log index whose writes are in LMDB here; evaluated ones above it are in memory.
    package var appliedIndex: UInt64 { open.appliedIndex }

    /// For how many indexes a request id counts (see ``StoreOptions/requestsRetained``).
    package var requestsRetained: UInt64 { open.requestsRetained }

    /// The record under `key`, or nil if there is none.
    ///
    /// - Throws: ``StoreError/damagedRecord(key:reason:)``: what is damaged is not absent.
    package borrowing func record(_ key: StorageKey) throws(StoreError) -> Record? {
        let reader = open
        reader.noteAsked(key)
        if let found = reader.overlay.write(of: key, from: reader.layersFrom) {
            return found.map { Record(trusted: $0) }
        }
        let table = RecordTable(reader.tables, in: unsafe Transaction(reader.transaction))
        guard let stored = try table.record(key) else {
            reader.noteMiss(key)
            return nil
        }
        reader.noteFound(key)
        return try noting(key) { () throws(StoreError) in try stored.record() }
    }

    /// What this view did not find or found damaged so far.
    package borrowing func doubts() -> ViewDoubts { open.doubts }

    /// Which repairs it shows. What was read in a view of another edition says nothing here.
    package var edition: StateEdition { open.edition }

    /// Runs `body` and tells which buckets were noted meanwhile, besides noting them as always: for
    /// what is kept and used again. Recordings nest; one has what those inside it have.
    package borrowing func recording<Value, Failure: Error>(
        _ body: () throws(Failure) -> Value
    ) throws(Failure) -> (value: Value, rested: RestedBuckets) {
        let reader = open
        let outer = reader.beginRecording()
        do throws(Failure) {
            let value = try body()
            return (value, reader.endRecording(within: outer))
        } catch {
            _ = reader.endRecording(within: outer)
            throw error
        }
    }

    /// Something is used that was read before, in a view of the same edition: the answer rests on
    /// its buckets as if it had been read here.
    package borrowing func note(_ rested: RestedBuckets) { open.note(rested) }

    /// Whether there is a record under `key`, without reading it.
    package borrowing func contains(_ key: StorageKey) throws(StoreError) -> Bool {
        let reader = open
        reader.noteAsked(key)
        if let found = reader.overlay.write(of: key, from: reader.layersFrom) {
            return found != nil
        }
        let isFound =
            try unsafe Transaction(reader.transaction)
            .withValue(of: key, in: reader.tables.state) { _ in true } ?? false
        if isFound { reader.noteFound(key) } else { reader.noteMiss(key) }
        return isFound
    }

    /// The log index that wrote the record under `key`, or nil if there is none. Reads the header
    /// only, so it is what a cache asks to see whether it still holds.
    package borrowing func modificationIndex(
        of key: StorageKey
    ) throws(StoreError) -> UInt64? {
        let reader = open
        reader.noteAsked(key)
        if let found = reader.overlay.write(of: key, from: reader.layersFrom) {
            return found.map { Record(trusted: $0).modificationIndex }
        }
        let found = try unsafe Transaction(reader.transaction)
            .withValue(of: key, in: reader.tables.state) { bytes in
                Record.modificationIndex(in: bytes)
            }
        guard let stored = found else {
            reader.noteMiss(key)
            return nil
        }
        reader.noteFound(key)
        guard let index = stored else {
            reader.noteDamage(key)
            throw .damagedRecord(key: key.hex, reason: "record header")
        }
        return index
    }

    /// Lends each record of a directory to `body`, in key order.
    ///
    /// - Parameters:
    ///   - after: start behind this key; nil for the beginning.
    ///   - body: returns false to stop.
    /// - Throws: what `body` throws, or a ``StoreError``, such as
    ///   ``StoreError/viewExpired(seconds:)`` when the view is older than
    ///   ``StoreOptions/viewSecondsMax``.
    package borrowing func scan(
        _ directory: DirectoryPrefix,
        after: StorageKey? = nil,
        _ body: (StorageKey, Record) throws -> Bool
    ) throws {
        var cursor = try merged(directory, after: after)
        while let key = try cursor.next() {
            if key == after { continue }
            try reader.requireYounger(than: reader.secondsMax)
            let record = try noting(key) { () throws(StoreError) in try cursor.record() }
            guard try body(key, record) else { return }
        }
    }

    /// As ``scan(_:after:_:)`` without copying values: for listings.
    package borrowing func scanHeads(
        _ directory: DirectoryPrefix,
        after: StorageKey? = nil,
        _ body: (StorageKey, RecordHead) throws -> Bool
    ) throws {
        var cursor = try merged(directory, after: after)
        while let key = try cursor.next() {
            if key == after { continue }
            try reader.requireYounger(than: reader.secondsMax)
            let head = try noting(key) { () throws(StoreError) in try cursor.head() }
            guard try body(key, head) else { return }
        }
    }

    /// The first keys of several ranges, as if the ranges were one: those with the least `rank`.
    ///
    /// For keys that are spread over the table and belong together in an order of their own. Reads
    /// keys only, and of each range no more than could be among the first.
    ///
    /// Damage that hides a row hides it here as well, and no doubt is noted: this is for work that
    /// is found later once the row is repaired, never for an answer that there is none.
    ///
    /// - Parameters:
    ///   - ranges: ascending and apart from each other.
    ///   - limit: most keys given, 0 or more.
    ///   - precedes: a strict order that agrees with that of the keys inside one range.
    /// - Returns: in that order.
    /// - Complexity: a lookup for each range, and a step for each key that is looked at.
    package borrowing func firstKeys(
        of ranges: [ClosedRange<StorageKey>],
        limit: Int,
        by precedes: (StorageKey, StorageKey) -> Bool
    ) throws(StoreError) -> [StorageKey] {
        guard limit > 0 else { return [] }
        let reader = open
        let all = reader.overlay.writes(in: ranges, layersFrom: reader.layersFrom)
        var writes = all[...]
        var first: [StorageKey] = []
        for range in ranges {
            try reader.requireYounger(than: reader.secondsMax)
            let end = writes.firstIndex { $0.0 > range.upperBound } ?? writes.endIndex
            let own = Array(writes[..<end])
            writes = writes[end...]
            var cursor = try MergedCursor(reader, range, own)
            while let key = try cursor.next() {
                if first.count == limit {
                    guard let last = first.last, precedes(key, last) else { break }
                    first.removeLast()
                }
                first.insert(key, at: position(of: key, in: first, by: precedes))
            }
        }
        return first
    }

    /// Where a key belongs in a sorted list: behind all that do not come after it.
    private func position(
        of key: StorageKey,
        in list: [StorageKey],
        by precedes: (StorageKey, StorageKey) -> Bool
    ) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = low + (high - low) / 2
            if precedes(key, list[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Whether a directory has no record.
    package borrowing func isEmpty(_ directory: DirectoryPrefix) throws(StoreError) -> Bool {
        try isEmpty(directory, besides: [])
    }

    /// Whether a directory has no record other than those under `gone`.
    package borrowing func isEmpty(
        _ directory: DirectoryPrefix,
        besides gone: Set<StorageKey>
    ) throws(StoreError) -> Bool {
        var cursor = try merged(directory, after: nil)
        while let key = try cursor.next() {
            if !gone.contains(key) { return false }
        }
        return true
    }

    /// The log index of the newest batch that was carried out under this request id, if the store
    /// still remembers it.
    ///
    /// - Precondition: `id` has 16 bytes.
    package borrowing func requestIndex(_ id: [UInt8]) throws(StoreError) -> UInt64? {
        precondition(id.count == StoreLimits.requestIDBytes, "request id is not 16 bytes")
        let reader = open
        if let index = reader.overlay.requestIndex(id, from: reader.layersFrom) { return index }
        return try RequestTable.index(
            of: id,
            in: unsafe Transaction(reader.transaction),
            reader.tables
        )
    }

    private borrowing func merged(
        _ directory: DirectoryPrefix,
        after: StorageKey?
    ) throws(StoreError) -> MergedCursor {
        open.noteScan(directory)
        let first = directory.firstKey
        return try MergedCursor(open, directory, from: after.map { max($0, first) } ?? first)
    }

    private borrowing func noting<Value>(
        _ key: StorageKey,
        _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        do throws(StoreError) {
            return try body()
        } catch {
            open.noteDamage(key)
            throw error
        }
    }

    private var open: Reader {
        precondition(reader.generation == generation, "a view was used after its closure returned")
        return reader
    }
}

@available(*, unavailable)
extension ReadView: Sendable {}
