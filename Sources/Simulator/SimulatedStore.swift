import Raft
import Replica
import Store

/// The store of one process over a simulated disk: what production's `LocalStore` is over LMDB.
///
/// `live` is what the process sees; the disk hears of each write when its sync returns. The
/// overlay and the evaluation are the production code.
final class SimulatedStore: ReplicaStorage {
    let disk: Disk
    private(set) var live: DiskTables
    /// What the vote's file says, or will once its syncs have returned.
    private var ballot: Ballot
    private(set) var overlay = Overlay()
    /// What the newest entries changed; a lender of this kind does not know what was there before.
    private var changes: ChangedKeys
    /// Repairs of records so far.
    private var repairs: UInt64 = 0
    /// Flushes asked for since somebody looked.
    private(set) var flushesAsked = 0
    /// Layers evaluated since somebody looked, for the checkers.
    private(set) var evaluated: [OverlayLayer] = []
    /// What the newest view did not find, or found damaged.
    fileprivate(set) var doubts = ViewDoubts()
    /// Snapshots that arrived, by the name of their file.
    var arrived: [(name: String, image: SnapshotImage)] = []

    init(disk: Disk) {
        self.disk = disk
        live = disk.durable
        changes = ChangedKeys(from: live.point.appliedIndex)
        ballot = disk.durableBallot
        overlay.markEvaluated(through: live.point.appliedIndex, at: live.point.time)
    }

    func takeFlushes() -> Int {
        defer { flushesAsked = 0 }
        return flushesAsked
    }

    func takeEvaluated() -> [OverlayLayer] {
        guard !evaluated.isEmpty else { return [] }
        defer { evaluated.removeAll(keepingCapacity: true) }
        return evaluated
    }

    // MARK: Writing

    func commit(_ turn: StorageTurn) throws(StoreError) -> UInt64? {
        try disk.requireRoom()
        let base = try turn.write(to: &live)
        changes.add(turn.layers)
        if let contradiction = live.point.contradiction { throw .misuse(contradiction) }
        flushesAsked += 2
        try disk.begin(.turn(turn))
        return base
    }

    func saveVote(term: UInt64, vote: UInt64?) throws(StoreError) {
        let next = Ballot(term: term, vote: vote)
        guard next == ballot || next.isNewer(than: ballot) else {
            throw .misuse("ballot may not go from \(ballot) to \(next)")
        }
        ballot = next
        flushesAsked += 2
        try disk.begin(.vote(next))
    }

    func preallocateIfNeeded() throws(StoreError) -> Bool { false }

    var space: SpaceState { disk.space }

    func installSnapshot(_ file: String) throws(StoreError) -> (index: UInt64, term: UInt64) {
        guard let image = arrived.first(where: { $0.name == file })?.image else {
            throw .damagedSnapshot("\(file) is not there")
        }
        guard image.index >= overlay.evaluatedIndex else {
            throw .unsuitableSnapshot("it ends at entry \(image.index)")
        }
        live.install(image)
        changes = ChangedKeys(from: image.index)
        overlay.removeLayers(through: image.index)
        overlay.markEvaluated(through: image.index, at: image.time)
        flushesAsked += 2
        try disk.begin(.install(image))
        return (image.index, image.term)
    }

    func removeSnapshot(_ file: String) throws(StoreError) {
        arrived.removeAll { $0.name == file }
    }

    // MARK: Evaluating

    func evaluate(_ batch: WriteBatch, at index: UInt64) throws(StoreError) -> Evaluated? {
        let view = SimulatedView(self)
        guard view.evaluatedIndex < index else { return nil }
        let evaluation = try evaluateBatch(batch, at: index, in: view)
        return Evaluated(evaluation, resting: doubts, edition: edition)
    }

    func shows(_ other: StateEdition) throws(StoreError) -> Bool { other == edition }

    private var edition: StateEdition { StateEdition(database: 0, transaction: repairs) }

    func checkpoint() throws(StoreError) -> Checkpoint? {
        guard !live.buckets.contains(where: \.isSuspect) else { return nil }
        return Checkpoint(index: LogIndex(number: live.point.appliedIndex), root: live.root)
    }

    func bucketDamage(_ number: Int) throws(StoreError) -> String? { live.bucketDamage(number) }

    func appendLayer(_ layer: OverlayLayer) {
        overlay.append(layer)
        evaluated.append(layer)
    }

    func pruneOverlay(through index: UInt64) { overlay.removeLayers(through: index) }

    var overlayCount: Int { overlay.layers.count }
    var overlayBytes: Int { overlay.byteCount }

    /// Looks into the tables where they lie: handed over, all their arrays would be retained.
    fileprivate func look<Value>(_ body: (inout DiskTables) -> Value) -> Value { body(&live) }

    // MARK: At rest

    /// Something happens to the disk under the running process, which maps the file.
    func suffer(_ mishap: Mishap) {
        live.suffer(mishap)
        disk.suffer(mishap)
    }
}

extension SimulatedStore: RepairStorage {
    /// Nothing damages them here.
    package func repairRequests() throws(StoreError) -> Bool { false }

    /// Small, so that most buckets are lent in several parts.
    private static let lentBytesMax = 1_000

    func digest(of bytes: [UInt8]) -> [UInt8] { hash256(bytes) }

    func body(at index: UInt64, term: UInt64, digest wanted: [UInt8]) -> [UInt8]? {
        guard let row = live.logRow(at: index), row.entry.term == term, row.damage == .none,
            hash256(row.entry.body) == wanted
        else { return nil }
        return row.entry.body
    }

    func committedTerm(at index: UInt64) -> UInt64? {
        guard index <= live.point.commitIndex else { return nil }
        if let row = live.logRow(at: index) {
            guard row.damage == .none || row.damage == .body else { return nil }
        }
        return live.term(at: index)
    }

    func isCompacted(_ index: UInt64) -> Bool { index <= live.point.base.index }

    var evaluatedIndex: UInt64 { overlay.evaluatedIndex }

    func appliedIndex() throws(StoreError) -> UInt64 { live.point.appliedIndex }

    func changedKeys(
        ofBucket bucket: Int,
        after index: UInt64
    ) throws(StoreError) -> [StorageKey]? {
        changes.keys(ofBucket: bucket, after: index, through: live.point.appliedIndex)
    }

    func sum(of records: [RepairedRecord]) -> StateBucket {
        var (count, sum, isSuspect) = (UInt64(0), UInt64(0), false)
        for record in records {
            guard let bytes = record.bytes else {
                isSuspect = true
                continue
            }
            count &+= 1
            sum &+= DiskTables.hash(record.key, bytes)
        }
        return StateBucket(count: count, words: [sum, 0, 0, 0], isSuspect: isSuspect)
    }

    func levelled(
        _ lent: StateBucket,
        _ records: [RepairedRecord],
        changed: [StorageKey]
    ) throws(StoreError) -> StateBucket {
        var (count, sum) = (lent.count, lent.words[0])
        for record in records where changed.contains(record.key) {
            guard let bytes = record.bytes else { continue }
            count &-= 1
            sum &-= DiskTables.hash(record.key, bytes)
        }
        for key in changed {
            guard let row = live.row(of: key) else { continue }
            guard row.damage == .none else {
                throw .damagedRecord(key: key.hex, reason: "checksum")
            }
            count &+= 1
            sum &+= row.hash
        }
        return StateBucket(count: count, words: [sum, 0, 0, 0], isSuspect: lent.isSuspect)
    }

    func lendBucket(
        _ number: Int,
        asOf wanted: UInt64,
        from start: StorageKey?,
        bytesMax: Int
    ) throws(StoreError) -> LentBucket {
        var records: [RepairedRecord] = []
        var bytes = 0
        var isComplete = true
        var next: StorageKey?
        for row in live.rows(ofBucket: number) where row.key >= start ?? row.key {
            if bytes >= min(bytesMax, Self.lentBytesMax) {
                next = row.key
                break
            }
            bytes += row.bytes.count
            if row.damage == .none {
                records.append(RepairedRecord(key: row.key, bytes: row.bytes))
            } else {
                isComplete = false
            }
        }
        return LentBucket(
            at: live.point.appliedIndex,
            live.buckets[number].digest,
            records: records,
            next: next,
            isComplete: isComplete
        )
    }

    func bucketIndex(
        _ number: Int
    ) throws(StoreError) -> (appliedIndex: UInt64, keys: [(StorageKey, UInt64?)]) {
        let keys = live.rows(ofBucket: number).map { row in
            (row.key, row.damage == .none ? Record.index(of: row.bytes) : nil)
        }
        return (live.point.appliedIndex, keys)
    }

    func isSuspect(_ bucket: Int) throws(StoreError) -> Bool { live.buckets[bucket].isSuspect }

    func presence(of keys: [StorageKey], from index: UInt64) -> [UInt64]? {
        let view = SimulatedView(self)
        return view.evaluatedIndex >= index ? Self.presence(of: keys, in: view) : nil
    }

    func repairBody(at index: UInt64, term: UInt64, body: [UInt8]) throws(StoreError) -> Bool {
        guard let row = live.logRow(at: index), row.entry.term == term else { return false }
        guard row.damage == .none || row.damage == .body else { throw DiskTables.error(row) }
        guard row.entry.body == body else {
            throw .damagedLogBody(index: index, reason: "what was fetched is not its body")
        }
        try begin(.body(index: index))
        live.damageLog(at: index, .none)
        return true
    }

    func repairRecords(
        _ records: [RepairedRecord],
        bucket: Int,
        expected: StateBucket?
    ) throws(StoreError) {
        var next = live
        try next.repairRecords(records, bucket: bucket, expected: expected)
        try begin(.records(records, bucket: bucket, expected: expected))
        live = next
        repairs += 1
        changes = ChangedKeys(from: live.point.appliedIndex)
    }

    private func begin(_ write: Disk.Write) throws(StoreError) {
        try disk.requireRoom()
        flushesAsked += 2
        try disk.begin(write)
    }
}

/// Which keys the newest entries changed, as production's `RecentChanges` knows it.
private struct ChangedKeys {
    /// All changes of the entries above this one are here.
    private var floor: UInt64
    private var all: [(index: UInt64, key: StorageKey)] = []
    private static let most = 4_096

    init(from index: UInt64) { floor = index }

    mutating func add(_ layers: [OverlayLayer]) {
        for layer in layers {
            for (key, _) in layer.writes { all.append((layer.index, key)) }
        }
        guard all.count > 2 * Self.most else { return }
        floor = all[all.count - Self.most].index
        all.removeAll { $0.index <= floor }
    }

    func keys(
        ofBucket bucket: Int,
        after index: UInt64,
        through last: UInt64
    ) -> [StorageKey]? {
        guard index >= floor, index <= last else { return nil }
        let keys = all.lazy.filter { $0.index > index && $0.key.bucket == bucket }.map(\.key)
        return Set(keys).sorted()
    }
}

/// One moment of a simulated store: the overlay over what is applied, as `ReadView` is.
struct SimulatedView: EvaluationView {
    private let store: SimulatedStore
    private let layersFrom: Int

    init(_ store: SimulatedStore) {
        self.store = store
        store.doubts = ViewDoubts()
        layersFrom = store.overlay.position(after: store.live.point.appliedIndex)
    }

    var evaluatedIndex: UInt64 {
        max(store.overlay.evaluatedIndex, store.live.point.appliedIndex)
    }

    var requestsRetained: UInt64 { store.live.requestsRetained }

    func record(_ key: StorageKey) throws(StoreError) -> Record? {
        store.doubts.noteAsked(key)
        if let found = store.overlay.write(of: key, from: layersFrom) {
            return found.map { Record(trusted: $0) }
        }
        guard let row = store.look({ $0.row(of: key) }) else {
            store.doubts.noteMiss(key)
            return nil
        }
        store.doubts.noteFound(key)
        guard row.damage == .none else {
            store.doubts.noteDamage(key)
            throw .damagedRecord(key: key.hex, reason: "checksum")
        }
        return Record(trusted: row.bytes)
    }

    func contains(_ key: StorageKey) throws(StoreError) -> Bool {
        store.doubts.noteAsked(key)
        if let found = store.overlay.write(of: key, from: layersFrom) { return found != nil }
        let isFound = store.look { $0.row(of: key) != nil }
        if isFound { store.doubts.noteFound(key) } else { store.doubts.noteMiss(key) }
        return isFound
    }

    /// The keys of a directory, as a listing reads them: headers only.
    func list(_ directory: DirectoryPrefix) throws(StoreError) -> [StorageKey] {
        store.doubts.noteScan(directory)
        let first = directory.firstKey
        let writes = store.overlay.writes(in: directory, from: first, layersFrom: layersFrom)
        var keys: Set<StorageKey> = []
        for row in store.live.state[store.live.lowerBound(first)...] {
            guard row.key.directory == directory else { break }
            let isOverwritten = writes.contains { $0.0 == row.key }
            guard isOverwritten || row.damage != .header else {
                store.doubts.noteDamage(row.key)
                throw .damagedRecord(key: row.key.hex, reason: "record header")
            }
            keys.insert(row.key)
        }
        for (key, bytes) in writes {
            if bytes == nil { keys.remove(key) } else { keys.insert(key) }
        }
        return keys.sorted()
    }

    func isEmpty(
        _ directory: DirectoryPrefix,
        besides gone: Set<StorageKey>
    ) throws(StoreError) -> Bool {
        store.doubts.noteScan(directory)
        let first = directory.firstKey
        let writes = store.overlay.writes(in: directory, from: first, layersFrom: layersFrom)
        for (key, bytes) in writes where bytes != nil && !gone.contains(key) { return false }
        let rows = store.live.state
        var position = store.live.lowerBound(first)
        while position < rows.count, rows[position].key.directory == directory {
            let key = rows[position].key
            let isDeleted = writes.contains { $0.0 == key && $0.1 == nil }
            if !isDeleted, !gone.contains(key) { return false }
            position += 1
        }
        return true
    }

    func requestIndex(_ id: [UInt8]) throws(StoreError) -> UInt64? {
        store.overlay.requestIndex(id, from: layersFrom) ?? store.look { $0.requestIndex(id) }
    }
}
