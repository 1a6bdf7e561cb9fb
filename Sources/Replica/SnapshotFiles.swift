import Store

/// The data folder of a snapshot's courier. One thread.
///
/// All files hold ciphertext only. A file that was exported, and one that has arrived in part,
/// have a label beside them and outlive the process; everything else is removed at the start.
final class SnapshotFiles: SnapshotShelf {
    private let store: LocalStore
    private let folder: SnapshotFolder
    private let digest: DigestFunction
    /// What the storage thread's turns cost; asked while something long is done to the disk.
    private let commits: () -> StreamPacer.Commits
    private(set) var exported: SnapshotOffer?
    private var partial: PartialSnapshot?
    private(set) var arriving: SnapshotOffer?
    private var arrivals: UInt64 = 0

    init(
        store: LocalStore,
        folder: SnapshotFolder,
        digest: @escaping DigestFunction,
        commits: @escaping () -> StreamPacer.Commits
    ) {
        self.store = store
        self.folder = folder
        self.digest = digest
        self.commits = commits
    }

    func open() throws(StoreError) {
        exported = readableExport()
        partial = try PartialSnapshot.resume(folder.arrivingPath)
        if let label = partial?.label {
            arriving = try? SnapshotOffer(label)
            if arriving == nil { partial = nil }
        }
        try folder.removeLeftovers(keepsExported: exported != nil, keepsArriving: arriving != nil)
    }

    // MARK: Exported

    /// The file is as long as its label says. More is not looked at: its receivers verify it.
    private func readableExport() -> SnapshotOffer? {
        guard let label = SnapshotLabel.read(beside: folder.exportedPath),
            let file = try? ChunkFile(reading: folder.exportedPath),
            let size = try? file.size(), size == label.bytes
        else { return nil }
        return try? SnapshotOffer(label)
    }

    func export(_ pacer: StreamPacer) throws(StoreError) {
        try dropExported()
        var pacer = pacer
        var copied: UInt64 = 0
        let (commits, slowest) = (commits, try slowestCopy())
        let manifest = try store.exportSnapshot(to: folder.exportedPath) { bytes in
            pacer.spend(Int(clamping: bytes - copied))
            copied = bytes
            while pacer.allowance <= 0 {
                WakeSignal.pause(.milliseconds(Limits.snapshotExportPauseMilliseconds))
                pacer.refill(.now, commits(), isStreaming: true)
                pacer.raise(to: slowest)
            }
            return true
        }
        let label = try SnapshotLabel(of: manifest, at: folder.exportedPath)
        let offer = try SnapshotOffer(label)
        try label.write(beside: folder.exportedPath)
        exported = offer
    }

    /// Bytes a second below which the copy would hold its view for too long.
    private func slowestCopy() throws(StoreError) -> Int {
        let half = max(1, store.exportSecondsMax / 2)
        let bytes = try store.growth().liveBytes / half
        return max(Limits.snapshotExportRateMin, Int(clamping: bytes))
    }

    func readExported(at offset: UInt64, atMost most: Int) throws(StoreError) -> [UInt8] {
        let file = try ChunkFile(reading: folder.exportedPath)
        let bytes = try file.read(at: offset, atMost: most)
        file.forget(offset, UInt64(bytes.count))
        return bytes
    }

    func dropExported() throws(StoreError) {
        exported = nil
        try SnapshotLabel.remove(beside: folder.exportedPath)
        try store.removeGradually(folder.exportedPath)
    }

    // MARK: Arriving

    var arrivingBytes: UInt64 { partial?.offset ?? 0 }

    func beginArriving(_ offer: SnapshotOffer) throws(StoreError) {
        try dropArriving()
        partial = try PartialSnapshot(creating: folder.arrivingPath, label: offer.label)
        arriving = offer
    }

    func appendArriving(_ bytes: [UInt8]) throws(StoreError) {
        try partial?.append(bytes)
    }

    func settleArriving() throws(StoreError) {
        try partial?.settle()
    }

    func dropArriving() throws(StoreError) {
        arriving = nil
        partial = nil
        // The label first: without it nothing means anything.
        try SnapshotLabel.remove(beside: folder.arrivingPath)
        try store.removeGradually(folder.arrivingPath)
        try PartialSnapshot.remove(folder.arrivingPath)
    }

    func prepareArriving(_ progress: () -> Void) throws(StoreError) -> String {
        guard let offer = arriving else { throw .misuse("nothing is arriving") }
        arrivals += 1
        let file = folder.arrivedPath(arrivals)
        do throws(StoreError) {
            let manifest = try fill(file, progress)
            guard try SnapshotLabel(of: manifest, at: folder.arrivingPath) == offer.label else {
                throw .damagedSnapshot("it is not the one that was announced")
            }
            guard let whole = partial.take() else { throw .misuse("nothing is arriving") }
            try whole.finish(as: file)
        } catch {
            store.discardPrepared(from: file)
            throw error
        }
        arriving = nil
        return file
    }

    /// Most of the time the disk is left to the log: where members share one, each flush of the
    /// leader's waits for what was written since the flush before it.
    private func fill(
        _ file: String,
        _ progress: () -> Void
    ) throws(StoreError) -> SnapshotManifest {
        let longest = Int64(Limits.snapshotPauseMillisecondsMax) * 1_000_000
        var begun = Moment.now
        return try store.prepareSnapshot(from: folder.arrivingPath, as: file) {
            progress()
            let spent = Moment.now.nanoseconds(since: begun)
            WakeSignal.pause(.nanoseconds(min(Limits.snapshotFillRest * spent, longest)))
            begun = .now
        }
    }

    func discard(_ file: String) throws(StoreError) {
        store.discardPrepared(from: file)
        try store.removeGradually(file)
    }

    func releaseRetired() -> Bool { store.releaseRetired() }
}
