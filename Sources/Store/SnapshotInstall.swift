import Synchronization
import Wire

/// A database beside the live one that a snapshot was read into. It lacks the node's own hard
/// state, so nothing but an install may make it live.
final class PreparedSnapshot: Sendable {
    /// The path of the snapshot file that it was filled from, as its install will name it.
    let file: String
    let manifest: SnapshotManifest
    let generation: UInt64
    let environment: Environment

    init(file: String, manifest: SnapshotManifest, generation: UInt64, environment: Environment) {
        self.file = file
        self.manifest = manifest
        self.generation = generation
        self.environment = environment
    }

    /// Removes its files.
    func discard() {
        // What cannot be removed now is removed by the next start.
        _ = try? environment.folder.removeDatabase(environment.path)
    }
}

/// What snapshots leave beside the live database for a while.
struct BesideLive {
    /// Filled, waiting for its install.
    var prepared: PreparedSnapshot?
    /// Replaced by an install; views may still be open in them.
    var retired: [Environment] = []

    /// Takes those out that have no view open any more.
    mutating func takeUnused() -> [Environment] {
        var unused: [Environment] = []
        for position in retired.indices.reversed()
        where isKnownUniquelyReferenced(&retired[position]) {
            unused.append(retired.remove(at: position))
        }
        return unused
    }
}

// Steps of an install, each durable before the next begins. A crash before the marker's rename is
// durable leaves the old database live and whole, afterwards the new one; the next start removes
// the other.
//
//     new database filled, a bounded step after another          (any thread; the live one goes on)
//     hard state carried into it, its digest compared            (writer thread from here on)
//     its name made durable
//     LIVE.new written and synced
//     LIVE.new renamed to LIVE, folder synced                    the switch
//     new views go to the new database
//     old database removed once its last view has ended
extension LocalStore {
    /// Reads a snapshot file into a database beside the live one, verifying everything on the way.
    /// The live one goes on: nothing that this node answers or votes depends on it.
    ///
    /// One thread at a time; not the writer thread, unless nothing else is to go on.
    ///
    /// - Parameters:
    ///   - path: the file; kept.
    ///   - name: the path that the file will have when it is installed; nil for `path`.
    ///   - pause: called after each step of about 256 KiB, to leave the disk to others.
    /// - Throws: ``StoreError/damagedSnapshot(_:)``; ``StoreError/full`` when the reserve would be
    ///   used up. Nothing of it is left then.
    @discardableResult
    package func prepareSnapshot(
        from path: String,
        as name: String? = nil,
        pause: () -> Void = {}
    ) throws(StoreError) -> SnapshotManifest {
        let filled = try fillBeside(from: path, as: name ?? path, pause)
        let replaced = beside.withLock { beside in
            let replaced = beside.prepared
            beside.prepared = filled
            return replaced
        }
        replaced?.discard()
        return filled.manifest
    }

    /// Drops what was prepared from `path`, if it was not installed yet.
    package func discardPrepared(from path: String) {
        takePrepared(from: path)?.discard()
    }

    /// Frees a slice of what is not needed any more: of databases that were replaced and have no
    /// view open, and of files given to ``removeGradually(_:)``. Waits for the disk; one thread at
    /// a time.
    ///
    /// - Returns: whether there is more to free.
    @discardableResult
    package func releaseRetired() -> Bool {
        // Closed here, before they are cut: a page that is gone would end a view's process.
        let paths = beside.withLock { beside in beside.takeUnused().map(\.path) }
        for path in paths {
            // What cannot be removed now is removed by the next start.
            _ = try? spent.take(path)
            _ = try? folder.removeDatabase(path)
        }
        return spent.freeSlice()
    }

    /// Removes a file by and by: its name is free at once, its room with ``releaseRetired()``.
    package func removeGradually(_ path: String) throws(StoreError) { try spent.take(path) }

    private func takePrepared(from path: String) -> PreparedSnapshot? {
        beside.withLock { beside in
            guard beside.prepared?.file == path else { return nil }
            return beside.prepared.take()
        }
    }

    /// Replaces state, requests and log by a snapshot's. Term, vote, and whom the node belongs to
    /// are carried over. Writer thread; a few flushes long when ``prepareSnapshot(from:as:pause:)``
    /// went before, otherwise it is done now.
    ///
    /// No part of the log is carried over: a log that has the snapshot's last entry needs no
    /// snapshot, and what follows another entry in its place was never committed.
    ///
    /// - Throws: ``StoreError/damagedSnapshot(_:)``, ``StoreError/otherCluster(have:want:)``,
    ///   ``StoreError/unsuitableSnapshot(_:)`` when this node is further already, has the
    ///   snapshot's last entry in its log, or does not know the snapshot's term yet. Nothing is
    ///   changed then.
    @discardableResult
    package func importSnapshot(from path: String) throws(StoreError) -> SnapshotManifest {
        claimWriter()
        let prepared: PreparedSnapshot
        if let waiting = takePrepared(from: path) {
            prepared = waiting
        } else {
            prepared = try fillBeside(from: path, as: path, {})
        }
        do throws(StoreError) {
            try carryOver(into: prepared)
            try syncFolder(folder.path)
            try LiveMarker.prepare(prepared.generation, in: folder.path)
        } catch .full {
            // It can be tried again as soon as there is room.
            beside.withLock { $0.prepared = prepared }
            throw .full
        } catch {
            prepared.discard()
            throw error
        }
        LiveMarker.switchOver(in: folder.path)
        let old = adopt(prepared)
        beside.withLock { $0.retired.append(old) }
        // Views opened from here on are of the new database: they need no layers through here.
        pruneOverlay(through: prepared.manifest.index)
        markEvaluated(through: prepared.manifest.index, at: prepared.manifest.time)
        return prepared.manifest
    }

    private func fillBeside(
        from path: String,
        as name: String,
        _ pause: () -> Void
    ) throws(StoreError) -> PreparedSnapshot {
        let generation = folder.nextGeneration()
        let environment = try Environment(
            folder,
            generation: generation,
            options: options,
            isNew: true
        )
        do throws(StoreError) {
            try StoreOpening(options: options, digest: digest).writeFirstPoint(environment)
            try environment.setSynced(false)
            var filling = try SnapshotFilling(environment, options: options)
            let manifest = try SnapshotReader(path, digest: digest).read(
                onRecord: { (key, record) throws(StoreError) in
                    if filling.add(key, record) { try write(&filling, pause) }
                },
                onRequest: { (index, id) throws(StoreError) in
                    if filling.add(id, at: index) { try write(&filling, pause) }
                }
            )
            try write(&filling, {})
            try environment.setSynced(true)
            return PreparedSnapshot(
                file: name,
                manifest: manifest,
                generation: generation,
                environment: environment
            )
        } catch {
            _ = try? folder.removeDatabase(environment.path)
            throw error
        }
    }

    /// One step: into the file system's memory, then to the disk, without a flush. Flushes beside
    /// those of the log are what its writers would wait for; one at the end is enough, because
    /// after a crash nobody looks at a database that is not live.
    private func write(_ filling: inout SnapshotFilling, _ pause: () -> Void) throws(StoreError) {
        let (records, requests) = try filling.take()
        let environment = filling.environment
        try transact(on: environment) { (transaction) throws(StoreError) in
            for (key, record) in records { try transaction.putImported(key, record) }
            for (id, index) in requests { try transaction.putImported(request: id, at: index) }
        }
        try environment.writeOut()
        pause()
    }

    /// Gives the new database the node's own hard state. The writer is here, so the live one
    /// stands still.
    private func carryOver(into prepared: PreparedSnapshot) throws(StoreError) {
        let manifest = prepared.manifest
        guard manifest.index >= evaluatedIndex else {
            throw .unsuitableSnapshot(
                "it ends at entry \(manifest.index), this node has evaluated "
                    + "\(evaluatedIndex)"
            )
        }
        let (point, cluster) = try standing(before: manifest)
        let digest = digest
        try transact(on: prepared.environment) { (transaction) throws(StoreError) in
            let stored = try DigestTable.read(transaction.transaction, transaction.tables)
            let root = stored.root(digest)
            let rows = try transaction.transaction.count(transaction.tables.state)
            guard rows == manifest.recordCount, root == manifest.stateRoot ?? root else {
                throw .damagedSnapshot("the database filled from it does not add up to it")
            }
            try transaction.stand(at: manifest, as: point, of: cluster)
        }
    }

    /// Where the node stands, if the snapshot is for it.
    private func standing(
        before manifest: SnapshotManifest
    ) throws(StoreError) -> (HardPoint, ClusterRecord) {
        let reader = try readers.take()
        defer { readers.give(reader) }
        let transaction = unsafe Transaction(reader.transaction)
        guard let point = try HardPoint.read(transaction, reader.tables) else {
            throw .damagedHardState("point record is missing")
        }
        guard let cluster = try ClusterRecord.read(transaction, reader.tables) else {
            throw .unsuitableSnapshot("this node was not told its cluster yet")
        }
        try requireSameCluster(manifest.clusterID, cluster.clusterID)
        guard manifest.index > point.appliedIndex else {
            throw .unsuitableSnapshot(
                "it ends at entry \(manifest.index), this node has applied \(point.appliedIndex)"
            )
        }
        guard manifest.term <= point.term else {
            throw .unsuitableSnapshot(
                "it is of term \(manifest.term), this node is in term \(point.term)"
            )
        }
        if manifest.index > point.base.index, manifest.index <= point.last.index {
            let header = try logHeader(at: manifest.index, in: transaction, reader.tables)
            guard header.point != manifest.end else {
                throw .unsuitableSnapshot("this node's log has its last entry, \(manifest.index)")
            }
        }
        return (point, cluster)
    }
}

/// What was read of a snapshot and is not written yet: a bounded step's worth.
private struct SnapshotFilling: ~Copyable {
    /// Bytes of records in one transaction, so that none holds the disk for long.
    static let stepBytes = 256 << 10

    let environment: Environment
    private let reserveBytes: UInt64
    private var spaceKeeper: SpaceKeeper
    private var records: [(StorageKey, Record)] = []
    private var requests: [([UInt8], UInt64)] = []
    private var bytes = 0

    init(_ environment: Environment, options: StoreOptions) throws(StoreError) {
        self.environment = environment
        reserveBytes = options.reserveBytes
        spaceKeeper = try SpaceKeeper(environment, options: options)
    }

    /// - Returns: whether a step is full.
    mutating func add(_ key: StorageKey, _ record: Record) -> Bool {
        records.append((key, record))
        bytes += StoreLimits.storageKeyBytes + record.encodedBytes
        return bytes >= Self.stepBytes
    }

    /// - Returns: whether a step is full.
    mutating func add(_ id: [UInt8], at index: UInt64) -> Bool {
        requests.append((id, index))
        // Two rows, all over the tree.
        bytes += 128
        return bytes >= Self.stepBytes
    }

    /// The step, once there is room for it.
    ///
    /// - Throws: ``StoreError/full`` before the live database's reserve is touched.
    mutating func take() throws(StoreError) -> ([(StorageKey, Record)], [([UInt8], UInt64)]) {
        guard try diskRoomBytes(environment.folder.path) > reserveBytes else { throw .full }
        try spaceKeeper.requireRoom()
        let step = (records, requests)
        records = []
        requests = []
        bytes = 0
        return step
    }
}
