import CLMDB

extension LocalStore {
    /// Reads every row of every table and the whole retained log, and looks rows up as it goes, so
    /// that whatever is wrong with the database's structure shows now: as an error, or as a signal
    /// that ends the process.
    ///
    /// Nobody may write meanwhile. For a child process: see ``SuspectMarker``. Records that fail
    /// their own checksum are no structural damage; they are repaired one by one.
    ///
    /// - Returns: rows read, and the exclusive or of all their bytes, so that no read is left out.
    /// - Throws: a ``StoreError`` for which ``StoreError/isDamage`` holds.
    package func walkStructure() throws(StoreError) -> (rows: UInt64, parity: UInt8) {
        _ = try load()
        try walkPages()
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        var total: (rows: UInt64, parity: UInt8) = (0, 0)
        for table in reader.tables.all {
            var cursor = try Cursor(table, in: transaction)
            var lookups = LookupCheck(table, in: transaction)
            var rows: UInt64 = 0
            while try cursor.next() {
                try lookups.passed(cursor)
                // Every row: nothing here has seen to it that keys rise.
                try lookups.finish()
                rows += 1
                total.parity ^= unsafe cursor.value.reduce(0) { $0 ^ $1 }
            }
            let counted = try transaction.count(table)
            guard rows == counted else {
                throw .corrupt("a table says that it has \(counted) rows, \(rows) were found")
            }
            total.rows += rows
        }
        try walkFreePages(transaction, reader.environment)
        return total
    }

    private func walkPages() throws(StoreError) {
        let reader = try readers.take()
        defer { readers.give(reader) }
        guard var walk = try PageWalk.begin(reader) else {
            throw .misuse("somebody writes to a database that is walked as a whole")
        }
        var scrub = PageScrub()
        _ = try walk.run(&scrub, bytesMax: .max)
    }

    /// Looks at what a pass over log and state leaves out: the remembered requests, whom the node
    /// belongs to, and LMDB's list of free pages. Any thread; a short read transaction each.
    package func scrubRest() throws(StoreError) -> ScrubSlice {
        var slice = ScrubSlice()
        slice.isFinished = true
        do throws(StoreError) {
            if let reason = try requestsDamage() {
                slice.findings.append(.requests(reason: reason))
            }
            let reader = try readers.take()
            defer { readers.give(reader) }
            let transaction = unsafe Transaction(reader.transaction)
            _ = try ClusterRecord.read(transaction, reader.tables)
            try walkFreePages(transaction, reader.environment)
            slice.bytes = Int(try transaction.count(reader.tables.requests)) * 32
        } catch {
            slice.findings.append(.structure(error))
        }
        return slice
    }

    /// LMDB's own list of pages that may be written to, which only a writer would meet: a wrong
    /// one ends the process, or lets it write over what is in use.
    ///
    /// Table 0, as `mdb_stat` reads it: transaction id → number of pages, then the pages,
    /// descending.
    private func walkFreePages(
        _ transaction: Transaction,
        _ environment: Environment
    ) throws(StoreError) {
        let pages = environment.usedBytes / environment.pageBytes
        var cursor = try Cursor(0, in: transaction)
        var last: UInt64 = 0
        while try cursor.next() {
            let (key, list) = unsafe (Self.words(cursor.key), Self.words(cursor.value))
            guard key.count == 1, key[0] > last, let count = list.first,
                count < UInt64(list.count)
            else { throw .corrupt("LMDB's list of free pages has a wrong row") }
            last = key[0]
            var previous = UInt64.max
            for page in list[1...Int(count)] {
                guard page >= 2, page < pages, page < previous else {
                    throw .corrupt("LMDB's list of free pages names page \(page) of \(pages)")
                }
                previous = page
            }
        }
    }

    /// Machine words, as LMDB stores its own numbers.
    private static func words(_ bytes: UnsafeRawBufferPointer) -> [UInt64] {
        (0..<bytes.count / 8).map {
            unsafe bytes.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self)
        }
    }
}
