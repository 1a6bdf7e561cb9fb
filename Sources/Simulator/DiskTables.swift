import Replica
import Store
import Wire

/// What a checksum would find in a row when it is read.
enum Damage: Int, Equatable {
    case none
    /// The row's identity is gone: a flipped bit, a write that belonged elsewhere.
    case header
    /// The identity is good, the content is not: a torn write.
    case body
    /// The write never reached the disk.
    case missing
}

/// One row of the log.
struct LogRow {
    let entry: StoredEntry
    var damage = Damage.none
}

/// One row of the state.
struct StateRow {
    let key: StorageKey
    var bytes: [UInt8]
    var hash: UInt64
    var damage = RowDamage.none
}

/// A request id as two words.
struct RequestName: Hashable {
    let high: UInt64
    let low: UInt64

    /// The low word alone tells them apart well enough; hashing is a large part of a run.
    func hash(into hasher: inout Hasher) { hasher.combine(low) }

    init(high: UInt64, low: UInt64) {
        (self.high, self.low) = (high, low)
    }

    init(_ id: [UInt8]) {
        precondition(id.count == StoreLimits.requestIDBytes, "request id is not 16 bytes")
        var words: (UInt64, UInt64) = (0, 0)
        for position in 0..<8 {
            words.0 = words.0 << 8 | UInt64(id[position])
            words.1 = words.1 << 8 | UInt64(id[position + 8])
        }
        (high, low) = words
    }
}

/// The tables of one node as a value: what LMDB holds in production, with the same rules.
///
/// Each rule that `WriteTransaction` enforces is enforced here too, and each row that it reads is
/// checked for damage where it would be. A copy is an image of the disk.
struct DiskTables {
    var point = HardPoint()
    var cluster: ClusterRecord?
    private(set) var state: [StateRow] = []
    /// Sum of the hashes of all rows of the state, lost ones included: what it should be. Only the
    /// checkers know it; equal states, equal sums.
    private(set) var stateHash: UInt64 = 0
    /// What table `digest` says, as production keeps it: without knowing what was lost.
    private(set) var buckets = [BucketRow](
        repeating: BucketRow(),
        count: StateBucket.countOfBuckets
    )
    /// Records that cannot be found any more.
    private var lost: [(key: StorageKey, hash: UInt64)] = []
    /// Something was damaged some time.
    private var hasSuffered = false
    private var rows: [LogRow] = []
    private var head = 0
    private var requests: [RequestName: UInt64] = [:]
    private var requestOrder: [(index: UInt64, name: RequestName)] = []
    private var requestHead = 0
    let requestsRetained: UInt64

    init(requestsRetained: UInt64) {
        self.requestsRetained = requestsRetained
    }

    /// What a snapshot holds; requests ascending.
    init(
        requestsRetained: UInt64,
        state: [(key: StorageKey, bytes: [UInt8])],
        requests: [(index: UInt64, name: RequestName)]
    ) {
        self.init(requestsRetained: requestsRetained)
        for (key, bytes) in state { put(key, bytes) }
        for (index, name) in requests { remember(name, at: index) }
    }

    // MARK: Reading

    /// The retained log.
    var log: ArraySlice<LogRow> { rows[head...] }

    func term(at index: UInt64) -> UInt64? {
        if index == point.base.index { return point.base.term }
        guard index > point.base.index, index <= point.last.index else { return nil }
        return rows[position(of: index)].entry.term
    }

    // Inlined, so that whoever looks into a store's tables does not retain all of them for it.

    @inline(__always)
    func row(of key: StorageKey) -> StateRow? {
        let position = lowerBound(key)
        guard position < state.count, state[position].key == key else { return nil }
        return state[position]
    }

    /// Position of the first row at or after `key`.
    @inline(__always)
    func lowerBound(_ key: StorageKey) -> Int {
        var low = 0
        var high = state.count
        while low < high {
            let middle = low + (high - low) / 2
            if state[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// All requests that are remembered, ascending.
    var rememberedRequests: ArraySlice<(index: UInt64, name: RequestName)> {
        requestOrder[requestHead...]
    }

    @inline(__always)
    func requestIndex(_ id: [UInt8]) -> UInt64? { requests[RequestName(id)] }

    private func position(of index: UInt64) -> Int {
        head + Int(index - point.base.index) - 1
    }

    // MARK: Damage

    /// Spoils a retained entry. The caller keeps to what is there.
    mutating func damageLog(at index: UInt64, _ damage: Damage) {
        guard index > point.base.index, index <= point.last.index else { return }
        rows[position(of: index)].damage = damage
    }

    /// The row of a retained entry.
    func logRow(at index: UInt64) -> LogRow? {
        guard index > point.base.index, index <= point.last.index else { return nil }
        return rows[position(of: index)]
    }

    /// Something happens to what lies on the disk; nothing, where it is not there.
    mutating func suffer(_ mishap: Mishap) {
        switch mishap {
        case .entry(let index, let damage): damageLog(at: index, damage)
        case .record(let key, let damage):
            guard let position = position(of: key) else { return }
            state[position].damage = damage
        case .loss(let key):
            guard let position = position(of: key) else { return }
            lose(key, state[position].hash)
            state.remove(at: position)
        case .stale(let key, let bytes):
            guard let position = position(of: key), state[position].damage == .none else { return }
            lose(key, state[position].hash)
            state[position].bytes = bytes
            state[position].hash = Self.hash(key, bytes)
        }
        hasSuffered = true
    }

    /// What counts for a key in ``stateHash`` is not there any more; what came in its place before
    /// never counted.
    private mutating func lose(_ key: StorageKey, _ hash: UInt64) {
        guard !lost.contains(where: { $0.key == key }) else { return }
        lost.append((key, hash))
    }

    /// The first damaged row of the log.
    var logDamage: StoreError? {
        log.first { $0.damage != .none }.map(Self.error)
    }

    /// The first that a start does not get over: of its entry not even the identity is left.
    var headerDamage: StoreError? {
        log.first { $0.damage == .header || $0.damage == .missing }.map(Self.error)
    }

    /// Whether anything on it is damaged, found or not.
    var isDamaged: Bool { hasSuffered && (logDamage != nil || isStateDamaged) }

    static func error(_ row: LogRow) -> StoreError {
        switch row.damage {
        case .body: .damagedLogBody(index: row.entry.index, reason: "checksum")
        case .missing: .damagedLogHeader(index: row.entry.index, reason: "it is missing")
        case .header, .none: .damagedLogHeader(index: row.entry.index, reason: "checksum")
        }
    }

    private func intactHeader(at index: UInt64) throws(StoreError) -> StoredEntry {
        let row = rows[position(of: index)]
        guard row.damage == .none || row.damage == .body else { throw Self.error(row) }
        return row.entry
    }

    // MARK: State

    private mutating func put(_ key: StorageKey, _ bytes: [UInt8]) {
        let row = StateRow(key: key, bytes: bytes, hash: Self.hash(key, bytes))
        if let old = replace(key, by: row) { buckets[key.bucket].remove(old) }
        buckets[key.bucket].insert(row.hash)
    }

    private mutating func delete(_ key: StorageKey) {
        if let old = replace(key, by: nil) { buckets[key.bucket].remove(old) }
    }

    /// Changes a row and what the state should be, not what the digest says.
    ///
    /// - Returns: the row that was there.
    private mutating func replace(_ key: StorageKey, by row: StateRow?) -> StateRow? {
        let position = lowerBound(key)
        let old =
            position < state.count && state[position].key == key ? state[position] : nil
        if let place = lost.firstIndex(where: { $0.key == key }) {
            stateHash &-= lost.remove(at: place).hash
        } else if let old {
            stateHash &-= old.hash
        }
        stateHash &+= row?.hash ?? 0
        switch (old, row) {
        case (nil, let row?): state.insert(row, at: position)
        case (_?, let row?): state[position] = row
        case (_?, nil): state.remove(at: position)
        case (nil, nil): break
        }
        return old
    }

    private func position(of key: StorageKey) -> Int? {
        let position = lowerBound(key)
        return position < state.count && state[position].key == key ? position : nil
    }

    /// As `WriteTransaction.repairRecords`: all of it, or an error and nothing.
    mutating func repairRecords(
        _ records: [RepairedRecord],
        bucket number: Int,
        expected: StateBucket?
    ) throws(StoreError) {
        var copy = self
        for record in records {
            guard record.key.bucket == number else {
                throw .misuse("a record of bucket \(record.key.bucket) cannot repair \(number)")
            }
            let row = record.bytes.map {
                StateRow(key: record.key, bytes: $0, hash: Self.hash(record.key, $0))
            }
            _ = copy.replace(record.key, by: row)
        }
        if let row = copy.rows(ofBucket: number).first(where: { $0.damage != .none }) {
            throw .damagedRecord(key: row.key.hex, reason: "it is damaged, too")
        }
        let wanted = expected ?? buckets[number].digest
        let found = copy.sum(ofBucket: number)
        if let reason = wanted.difference(from: found.digest), !planted("keepsUnfitRepairs") {
            throw .damagedBucket(number: number, reason: "after a repair, \(reason)")
        }
        copy.buckets[number] = found
        self = copy
    }

    /// Another content under a valid checksum: only the self-test does that.
    mutating func rewrite(at position: Int) {
        var bytes = state[position].bytes
        bytes[bytes.count - 1] ^= 1
        put(state[position].key, bytes)
    }

    static func hash(_ key: StorageKey, _ bytes: [UInt8]) -> UInt64 {
        hash64(bytes, seed: key.words.1 ^ TraceHash.scramble(key.words.3))
    }

    /// Replaces state, requests and log; term and vote stay.
    mutating func install(_ image: SnapshotImage) {
        let commit = max(point.commitIndex, image.index)
        state = image.tables.state
        stateHash = image.tables.stateHash
        buckets = image.tables.buckets
        lost = []
        requests = planted("snapshotForgetsRequests") ? [:] : image.tables.requests
        requestOrder = image.tables.requestOrder
        requestHead = image.tables.requestHead
        rows = []
        head = 0
        let end = LogPoint(
            index: image.index,
            term: image.term,
            chainHash: LogPoint.start.chainHash
        )
        point.last = end
        point.base = end
        point.appliedIndex = image.index
        point.appliedTerm = image.term
        point.commitIndex = commit
        point.time = max(point.time, image.time)
        cluster?.configuration = image.configuration
    }
}

extension DiskTables: StorageTransaction {
    /// Every commit reaches the disk here, whatever it changes.
    mutating func touch() {}

    mutating func setCluster(_ record: ClusterRecord) throws(StoreError) {
        if let cluster, cluster.clusterID != record.clusterID {
            throw .otherCluster(have: "\(cluster.clusterID)", want: "\(record.clusterID)")
        }
        cluster = record
    }

    mutating func setConfiguration(
        _ bytes: [UInt8],
        formatLevel: UInt64
    ) throws(StoreError) {
        guard var record = cluster else { throw .misuse("a configuration of no cluster") }
        record.configuration = bytes
        record.formatLevel = max(record.formatLevel, formatLevel)
        cluster = record
    }

    mutating func setHardState(term: UInt64, vote: UInt64?, commit: UInt64) throws(StoreError) {
        let next = Ballot(term: term, vote: vote)
        let current = Ballot(term: point.term, vote: point.vote)
        guard next == current || next.isNewer(than: current) else {
            throw .misuse("hard state may not go from \(current) to \(next)")
        }
        guard commit >= point.commitIndex else {
            throw .misuse("commit index may not go from \(point.commitIndex) to \(commit)")
        }
        point.term = term
        point.vote = vote
        point.commitIndex = commit
    }

    mutating func appendEntries(_ entries: [StoredEntry]) throws(StoreError) {
        for entry in entries {
            guard entry.index == point.last.index + 1, entry.term >= point.last.term else {
                throw .misuse(
                    "entry \(entry.index) of term \(entry.term) cannot follow entry "
                        + "\(point.last.index) of term \(point.last.term)"
                )
            }
            rows.append(LogRow(entry: entry))
            point.last = Self.point(of: entry)
        }
    }

    private static func point(of entry: StoredEntry) -> LogPoint {
        LogPoint(index: entry.index, term: entry.term, chainHash: LogPoint.start.chainHash)
    }

    mutating func truncateLog(from index: UInt64) throws(StoreError) {
        guard index > point.commitIndex else {
            throw .misuse(
                "log may not be truncated from \(index): \(point.commitIndex) is committed"
            )
        }
        guard index <= point.last.index else { return }
        for removed in index...point.last.index { _ = try intactHeader(at: removed) }
        let isEmpty = index - 1 == point.base.index
        let last = isEmpty ? point.base : Self.point(of: try intactHeader(at: index - 1))
        rows.removeLast(Int(point.last.index - index) + 1)
        point.last = last
    }

    mutating func dropLog(through index: UInt64, entriesMax: Int) throws(StoreError) -> UInt64 {
        let target = min(index, point.appliedIndex)
        var entries = 0
        while point.base.index < target && entries < entriesMax {
            let dropped = try intactHeader(at: point.base.index + 1)
            head += 1
            point.base = Self.point(of: dropped)
            entries += 1
        }
        if head > 256, head * 2 > rows.count {
            rows.removeFirst(head)
            head = 0
        }
        return point.base.index
    }

    mutating func apply(
        layers: [OverlayLayer],
        appliedIndex: UInt64,
        appliedTerm: UInt64
    ) throws(StoreError) {
        var previous = point.appliedIndex
        for layer in layers {
            guard layer.index > previous, layer.index <= appliedIndex else {
                throw .misuse("layer \(layer.index) cannot follow \(previous)")
            }
            previous = layer.index
            for key in layer.missed where row(of: key) != nil {
                throw .evaluatedOnLoss(index: layer.index, key: key.hex)
            }
            for (key, bytes) in layer.writes {
                if let bytes { put(key, bytes) } else { delete(key) }
            }
            if let id = layer.requestID, !planted("forgetsRequests") {
                remember(RequestName(id), at: layer.index)
            }
        }
        guard appliedIndex >= point.appliedIndex else {
            throw .misuse("applied index may not go from \(point.appliedIndex) to \(appliedIndex)")
        }
        point.appliedIndex = appliedIndex
        point.appliedTerm = appliedTerm
        point.time = layers.reduce(point.time) { max($0, $1.time) }
        point.commitIndex = max(point.commitIndex, appliedIndex)
        if appliedIndex > requestsRetained {
            forgetRequests(
                through: appliedIndex - requestsRetained - 1,
                countMax: 2 * layers.count + 8
            )
        }
    }

    private mutating func remember(_ name: RequestName, at index: UInt64) {
        requests[name] = index
        requestOrder.append((index, name))
    }

    private mutating func forgetRequests(through index: UInt64, countMax: Int) {
        var count = 0
        while count < countMax, requestHead < requestOrder.count,
            requestOrder[requestHead].index <= index
        {
            let (old, name) = requestOrder[requestHead]
            // The id may have been used again since.
            if requests[name] == old { requests[name] = nil }
            requestHead += 1
            count += 1
        }
        if requestHead > 1_024, requestHead * 2 > requestOrder.count {
            requestOrder.removeFirst(requestHead)
            requestHead = 0
        }
    }
}
