import Wire

/// Something that a look over the whole store found.
package enum ScrubFinding: Sendable, Equatable {
    /// A log entry's body is lost, its identity is not: fetch it.
    case body(DamagedBody)
    /// A record fails its checksum, or is not there as a whole: fetch it.
    case record(StorageKey, reason: String)
    /// The records of a bucket are not those that its digest stands for: compare it with another
    /// member's.
    case bucket(Int, reason: String)
    /// The remembered requests are not those that the digest stands for: one half of their table
    /// has what the other lost.
    case requests(reason: String)
    /// What holds the tables or the log together is wrong: rebuild the node.
    case structure(StoreError)
}

extension ScrubFinding {
    /// What was met by somebody else, such as the copy for a snapshot; nil for an error that is no
    /// damage.
    package init?(_ error: StoreError) {
        switch error {
        case .damagedRecord(let name, let reason):
            guard let key = Hex.decode(name).flatMap({ StorageKey($0) }) else { return nil }
            self = .record(key, reason: reason)
        case .damagedBucket(let number, let reason): self = .bucket(number, reason: reason)
        case .damagedRequests(let reason): self = .requests(reason: reason)
        default:
            guard error.isDamage else { return nil }
            self = .structure(error)
        }
    }
}

/// What one slice of a look over the store came to.
package struct ScrubSlice: Sendable, Equatable {
    /// Bytes that were looked at.
    package internal(set) var bytes = 0
    /// Pages of the database whose place and structure were looked at.
    package internal(set) var pages: UInt64 = 0
    /// What is wrong.
    package internal(set) var findings: [ScrubFinding] = []
    /// Buckets of table `state` whose end was reached and that add up.
    package internal(set) var whole = BucketSet()
    /// The pass over this part is through.
    package internal(set) var isFinished = false
}

/// Where a pass over the log stands.
package struct LogScrub: Sendable {
    var next: UInt64 = 0

    /// At the beginning.
    package init() {}
}

/// Where a pass over table `state` stands.
package struct StateScrub: Sendable {
    /// The bucket that is looked at.
    package internal(set) var bucket = 0
    /// The first key that was not looked at yet; nil: at the bucket's beginning.
    var next: StorageKey?
    /// The digest's row when the bucket was begun: as long as it stays, nothing was written there.
    var row = StateBucket()
    var sum = StateBucket()
    /// How often the bucket changed under the walk.
    var restarts = 0

    /// At the beginning.
    package init() {}

    /// Begins with one bucket, to look at it alone.
    package init(bucket: Int) {
        self.bucket = bucket
    }
}

extension LocalStore {
    /// Looks at some of the log: headers, chain, and bodies against their digests. Any thread; one
    /// short read transaction.
    ///
    /// - Parameters:
    ///   - scrub: where to go on; moved.
    ///   - bytesMax: stop after about that many.
    package func scrubLog(
        _ scrub: inout LogScrub,
        bytesMax: Int
    ) throws(StoreError) -> ScrubSlice {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        guard let point = try HardPoint.read(transaction, reader.tables) else {
            throw .damagedHardState("point record is missing")
        }
        let loader = LogLoader(
            transaction: transaction,
            tables: reader.tables,
            digest: digest
        )
        var slice = ScrubSlice()
        do throws(StoreError) {
            try loader.scrub(&scrub, through: point, bytesMax: bytesMax, into: &slice)
        } catch {
            slice.findings.append(.structure(error))
            slice.isFinished = true
        }
        if slice.isFinished { scrub = LogScrub() }
        return slice
    }

    /// Looks at some of table `state`: every record's checksum, and every bucket's records against
    /// its digest. Any thread; one read transaction, short unless a bucket is written to so often
    /// that it can only be seen whole in one.
    ///
    /// - Parameters:
    ///   - scrub: where to go on; moved. After a finished slice it stands at the beginning.
    ///   - bytesMax: stop after about that many.
    package func scrubState(
        _ scrub: inout StateScrub,
        bytesMax: Int
    ) throws(StoreError) -> ScrubSlice {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        var walk = StateWalk(transaction, reader.tables, digest)
        try walk.run(&scrub, bytesMax: bytesMax)
        return walk.slice
    }
}

/// One slice of a walk over table `state`.
private struct StateWalk {
    private let transaction: Transaction
    private let tables: Tables
    private let digest: DigestFunction
    var slice = ScrubSlice()

    init(_ transaction: Transaction, _ tables: Tables, _ digest: @escaping DigestFunction) {
        self.transaction = transaction
        self.tables = tables
        self.digest = digest
    }

    mutating func run(_ scrub: inout StateScrub, bytesMax: Int) throws(StoreError) {
        while slice.bytes < bytesMax {
            let row = try DigestTable.read(scrub.bucket, transaction, tables)
            if scrub.next == nil {
                scrub.row = row
                scrub.sum = StateBucket()
            } else if scrub.row != row {
                // Somebody wrote here since the last slice. What was seen is worth nothing.
                scrub.next = nil
                scrub.restarts += 1
                continue
            }
            let isWhole = scrub.restarts >= StoreLimits.scrubRestartsMax
            let room = isWhole ? Int.max : bytesMax - slice.bytes
            do throws(StoreError) {
                guard try walkBucket(&scrub, room) else { return }
                finishBucket(&scrub)
            } catch {
                // The tree itself is wrong: what it says further on is worth nothing.
                slice.findings.append(.structure(error))
                scrub = StateScrub()
            }
            if scrub.bucket == 0 {
                slice.isFinished = true
                return
            }
        }
    }

    /// - Returns: whether the bucket's end was reached.
    private mutating func walkBucket(
        _ scrub: inout StateScrub,
        _ room: Int
    ) throws(StoreError) -> Bool {
        let end = slice.bytes.addingReportingOverflow(room)
        let limit = end.overflow ? Int.max : end.partialValue
        var walk = try RecordWalk(
            over: .init(bucket: scrub.bucket, start: scrub.next),
            tables,
            in: transaction,
            looksUp: true
        )
        while let record = try walk.next() {
            guard slice.bytes < limit else {
                scrub.next = record.key
                return false
            }
            look(at: record, &scrub.sum)
        }
        return true
    }

    private mutating func look(at record: StoredRecord, _ sum: inout StateBucket) {
        slice.bytes += record.byteCount + StoreLimits.storageKeyBytes
        guard let reason = record.fault else { return sum.insert(record.hash(digest)) }
        // The bucket is not compared then, so it does not matter whether the record counts there.
        sum.isSuspect = true
        slice.findings.append(.record(record.key, reason: reason))
    }

    private mutating func finishBucket(_ scrub: inout StateScrub) {
        // A damaged record explains a wrong sum; it is a finding of its own already.
        let reason = scrub.row.difference(from: scrub.sum)
        if !scrub.sum.isSuspect || scrub.row.isSuspect, let reason {
            slice.findings.append(.bucket(scrub.bucket, reason: reason))
        }
        if !scrub.sum.isSuspect, reason == nil { slice.whole.insert(scrub.bucket) }
        scrub = StateScrub(bucket: (scrub.bucket + 1) % StateBucket.countOfBuckets)
    }
}
