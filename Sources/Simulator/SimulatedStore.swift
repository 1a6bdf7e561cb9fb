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
    /// Flushes asked for since somebody looked.
    private(set) var flushesAsked = 0
    /// Layers evaluated since somebody looked, for the checkers.
    private(set) var evaluated: [OverlayLayer] = []
    /// Snapshots that arrived, by the name of their file.
    var arrived: [(name: String, image: SnapshotImage)] = []

    init(disk: Disk) {
        self.disk = disk
        live = disk.durable
        ballot = disk.durableBallot
        overlay.markEvaluated(through: live.point.appliedIndex)
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
        if disk.isFull { throw .full }
        try requireSync()
        let base = try turn.write(to: &live)
        if let contradiction = live.point.contradiction { throw .misuse(contradiction) }
        flushesAsked += 2
        disk.begin(.turn(turn))
        return base
    }

    func saveVote(term: UInt64, vote: UInt64?) throws(StoreError) {
        let next = Ballot(term: term, vote: vote)
        guard next == ballot || next.isNewer(than: ballot) else {
            throw .misuse("ballot may not go from \(ballot) to \(next)")
        }
        try requireSync()
        ballot = next
        flushesAsked += 2
        disk.begin(.vote(next))
    }

    private func requireSync() throws(StoreError) {
        guard disk.failsNextSync else { return }
        disk.failsNextSync = false
        throw .system(code: 5, operation: "fdatasync", path: "data")
    }

    func preallocateIfNeeded() throws(StoreError) -> Bool { false }

    var space: SpaceState { disk.isFull ? .exhausted : .ample }

    func installSnapshot(_ file: String) throws(StoreError) -> (index: UInt64, term: UInt64) {
        guard let image = arrived.first(where: { $0.name == file })?.image else {
            throw .damagedSnapshot("\(file) is not there")
        }
        guard image.index >= overlay.evaluatedIndex else {
            throw .unsuitableSnapshot("it ends at entry \(image.index)")
        }
        try requireSync()
        live.install(image)
        overlay.removeLayers(through: image.index)
        overlay.markEvaluated(through: image.index)
        flushesAsked += 2
        disk.begin(.install(image))
        return (image.index, image.term)
    }

    func removeSnapshot(_ file: String) throws(StoreError) {
        arrived.removeAll { $0.name == file }
    }

    // MARK: Evaluating

    func evaluate(_ batch: WriteBatch, at index: UInt64) throws(StoreError) -> Evaluated? {
        let view = SimulatedView(self)
        guard view.evaluatedIndex < index else { return nil }
        return Evaluated(try evaluateBatch(batch, at: index, in: view), absences: BucketSet())
    }

    /// The checker compares each state with the oracle's, at every index.
    func checkpoint() throws(StoreError) -> Checkpoint? { nil }

    /// Records are damaged here, not lost.
    func bucketDamage(_ number: Int) throws(StoreError) -> String? { nil }

    func appendLayer(_ layer: OverlayLayer) {
        overlay.append(layer)
        evaluated.append(layer)
    }

    func pruneOverlay(through index: UInt64) { overlay.removeLayers(through: index) }

    var overlayCount: Int { overlay.layers.count }
    var overlayBytes: Int { overlay.byteCount }

    // MARK: At rest

    /// A bit of the state flips under the running process, which maps the file.
    func damageState(_ key: StorageKey) {
        live.damageState(key)
        disk.durable.damageState(key)
    }

    /// A record is what it was.
    func repairState(_ key: StorageKey) {
        live.damageState(key, isDamaged: false)
        disk.durable.damageState(key, isDamaged: false)
    }

    func damageLog(at index: UInt64, _ damage: Damage) {
        live.damageLog(at: index, damage)
        disk.durable.damageLog(at: index, damage)
    }
}

/// One moment of a simulated store: the overlay over what is applied, as `ReadView` is.
struct SimulatedView: EvaluationView {
    private let store: SimulatedStore
    private let layersFrom: Int

    init(_ store: SimulatedStore) {
        self.store = store
        layersFrom = store.overlay.position(after: store.live.point.appliedIndex)
    }

    var evaluatedIndex: UInt64 {
        max(store.overlay.evaluatedIndex, store.live.point.appliedIndex)
    }

    var requestsRetained: UInt64 { store.live.requestsRetained }

    func record(_ key: StorageKey) throws(StoreError) -> Record? {
        if let found = store.overlay.write(of: key, from: layersFrom) {
            return found.map { Record(trusted: $0) }
        }
        guard let row = store.live.row(of: key) else { return nil }
        guard !row.isDamaged else { throw .damagedRecord(key: key.hex, reason: "checksum") }
        return Record(trusted: row.bytes)
    }

    func contains(_ key: StorageKey) throws(StoreError) -> Bool {
        if let found = store.overlay.write(of: key, from: layersFrom) { return found != nil }
        return store.live.row(of: key) != nil
    }

    func isEmpty(
        _ directory: DirectoryPrefix,
        besides gone: Set<StorageKey>
    ) throws(StoreError) -> Bool {
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
        store.overlay.requestIndex(id, from: layersFrom) ?? store.live.requestIndex(id)
    }
}
