import Store

// The state's records against what table `digest` says of them, as production finds damage.

/// What lies on a disk and what becomes of it there.
enum Mishap {
    /// An entry of the log.
    case entry(UInt64, Damage)
    /// A record of the state.
    case record(StorageKey, RowDamage)
    /// A record cannot be found any more: a bit flipped in a page above it, or in its key.
    case loss(StorageKey)
    /// A write to a page was lost: an older record lies there, sound in itself.
    case stale(StorageKey, [UInt8])
}

/// What a checksum would find in a record.
enum RowDamage {
    case none
    /// Its checksum is wrong; header and tags, which its bucket is added up from, are what they
    /// were.
    case content
    /// Its header is gone, too.
    case header
}

/// One row of table `digest`. One word instead of four is enough against accidents among a few
/// records.
struct BucketRow: Equatable {
    private(set) var count: UInt64 = 0
    private(set) var sum: UInt64 = 0
    private(set) var isSuspect = false

    var digest: StateBucket {
        StateBucket(count: count, words: [sum, 0, 0, 0], isSuspect: isSuspect)
    }

    mutating func insert(_ hash: UInt64) {
        count &+= 1
        sum &+= hash
    }

    /// Of a damaged record nobody knows what it was counted as.
    mutating func remove(_ row: StateRow) {
        count &-= 1
        if row.damage == .none { sum &-= row.hash } else { isSuspect = true }
    }
}

extension DiskTables {
    func rows(ofBucket number: Int) -> ArraySlice<StateRow> {
        let start = lowerBound(.first(ofBucket: number))
        let end = state[start...].firstIndex { $0.key.bucket != number } ?? state.count
        return state[start..<end]
    }

    func sum(ofBucket number: Int) -> BucketRow {
        var sum = BucketRow()
        for row in rows(ofBucket: number) { sum.insert(row.hash) }
        return sum
    }

    /// As `LocalStore.bucketDamage`: keys, headers and tags only.
    func bucketDamage(_ number: Int) -> String? {
        guard !rows(ofBucket: number).contains(where: { $0.damage == .header }) else {
            return "a record in it has no header"
        }
        return buckets[number].digest.difference(from: sum(ofBucket: number).digest)
    }

    /// Whether a walk over the whole state would find anything. Keys are in the order of their
    /// buckets, so one walk does.
    var isStateDamaged: Bool {
        var position = 0
        for number in buckets.indices {
            var sum = BucketRow()
            while position < state.count, state[position].key.bucket == number {
                guard state[position].damage == .none else { return true }
                sum.insert(state[position].hash)
                position += 1
            }
            if sum != buckets[number] { return true }
        }
        return false
    }

    /// What a walk over the state finds: damaged records, and buckets that do not add up for
    /// another reason.
    var stateFindings: [ScrubFinding] {
        var findings = state.filter { $0.damage != .none }.map {
            ScrubFinding.record($0.key, reason: "it fails its checksum")
        }
        for number in buckets.indices {
            if let finding = damage(ofBucket: number), case .bucket = finding {
                findings.append(finding)
            }
        }
        return findings
    }

    /// A damaged record explains a wrong sum; it is a finding of its own already.
    private func damage(ofBucket number: Int) -> ScrubFinding? {
        let rows = rows(ofBucket: number)
        let damaged = rows.first { $0.damage != .none }
        if damaged == nil || buckets[number].isSuspect,
            let reason = buckets[number].digest.difference(from: sum(ofBucket: number).digest)
        {
            return .bucket(number, reason: reason)
        }
        return damaged.map { .record($0.key, reason: "it fails its checksum") }
    }

    /// All sums in one, 32 bytes: equal where the digests are.
    var root: [UInt8] {
        var bytes: [UInt8] = []
        for row in buckets where row != BucketRow() {
            for word in [row.count, row.sum] {
                for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * shift))) }
            }
        }
        return hash256(bytes)
    }

    // MARK: The log at a start

    /// Entries of which only the identity is left.
    var damagedBodies: [DamagedBody] {
        log.filter { $0.damage == .body }.map(Self.damagedBody)
    }

    static func damagedBody(_ row: LogRow) -> DamagedBody {
        DamagedBody(row.entry, digest: hash256(row.entry.body), reason: "checksum")
    }

    /// As `LocalStore.loadForStart`: entries that are applied need their bodies no more.
    mutating func dropAppliedDamage() throws(StoreError) {
        let last = damagedBodies.last { $0.index <= point.appliedIndex }
        if let last { _ = try dropLog(through: last.index, entriesMax: .max) }
    }
}
