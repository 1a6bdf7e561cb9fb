import Replica
import Store
import Wire

/// What a checksum would find in a row when it is read.
enum Damage: Equatable {
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
    var isDamaged = false
}

/// A request id as two words.
struct RequestName: Hashable {
    let high: UInt64
    let low: UInt64

    /// The low word alone tells them apart well enough; hashing is a large part of a run.
    func hash(into hasher: inout Hasher) { hasher.combine(low) }

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
    /// Sum of the hashes of all rows of the state: equal states, equal sums.
    private(set) var stateHash: UInt64 = 0
    private var rows: [LogRow] = []
    private var head = 0
    private var requests: [RequestName: UInt64] = [:]
    private var requestOrder: [(index: UInt64, name: RequestName)] = []
    private var requestHead = 0
    let requestsRetained: UInt64

    init(requestsRetained: UInt64) {
        self.requestsRetained = requestsRetained
    }

    // MARK: Reading

    /// The retained log.
    var log: ArraySlice<LogRow> { rows[head...] }

    func term(at index: UInt64) -> UInt64? {
        if index == point.base.index { return point.base.term }
        guard index > point.base.index, index <= point.last.index else { return nil }
        return rows[position(of: index)].entry.term
    }

    func row(of key: StorageKey) -> StateRow? {
        let position = lowerBound(key)
        guard position < state.count, state[position].key == key else { return nil }
        return state[position]
    }

    /// Position of the first row at or after `key`.
    func lowerBound(_ key: StorageKey) -> Int {
        var low = 0
        var high = state.count
        while low < high {
            let middle = low + (high - low) / 2
            if state[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

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

    /// Whether the entry of `term` at `index` is in the log, and can be read.
    func isIntact(_ index: UInt64, of term: UInt64) -> Bool {
        guard index > point.base.index, index <= point.last.index else { return false }
        let row = rows[position(of: index)]
        return row.entry.term == term && row.damage == .none
    }

    /// Spoils the row of the state under `key`, if there is one, or makes it good again.
    mutating func damageState(_ key: StorageKey, isDamaged: Bool = true) {
        let position = lowerBound(key)
        guard position < state.count, state[position].key == key else { return }
        state[position].isDamaged = isDamaged
    }

    /// What a start would find wrong: the first damaged row of the log.
    var logDamage: StoreError? {
        for row in log where row.damage != .none { return Self.error(row) }
        return nil
    }

    /// Whether anything on it is damaged, found or not.
    var isDamaged: Bool { logDamage != nil || isStateDamaged }

    /// Whether a record of the state is.
    var isStateDamaged: Bool { state.contains { $0.isDamaged } }

    private static func error(_ row: LogRow) -> StoreError {
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
        let hash = Self.hash(key, bytes)
        let position = lowerBound(key)
        stateHash &+= hash
        if position < state.count, state[position].key == key {
            stateHash &-= state[position].hash
            state[position].bytes = bytes
            state[position].hash = hash
            state[position].isDamaged = false
        } else {
            state.insert(StateRow(key: key, bytes: bytes, hash: hash), at: position)
        }
    }

    private mutating func delete(_ key: StorageKey) {
        let position = lowerBound(key)
        guard position < state.count, state[position].key == key else { return }
        stateHash &-= state[position].hash
        state.remove(at: position)
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
        cluster?.configuration = image.configuration
    }
}

/// The applied state of one node at one index, on its way to another.
struct SnapshotImage {
    let index: UInt64
    let term: UInt64
    let configuration: [UInt8]
    let tables: DiskTables
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
