package import Store
import Wire

/// A value that was read and opened.
package struct Opened: Sendable, Equatable {
    /// As it was put: 0 to 1,048,576 bytes.
    package let value: [UInt8]
    /// The log index that wrote it, 1 or more. What `check` compares.
    package let modificationIndex: UInt64

    package init(value: [UInt8], modificationIndex: UInt64) {
        self.value = value
        self.modificationIndex = modificationIndex
    }
}

/// The store as an unsealed node sees it: names and values in the clear.
///
/// Lent for one request, over one view, so everything read belongs to one moment. Must not be kept
/// longer than the view: use after that is a precondition failure in the store.
///
/// **Corrupt is not absent.** What is there and does not open, or was written under another name,
/// is an error and never nil.
package struct BarrierView: ~Copyable {
    /// What opens the records.
    package let keyring: Keyring
    /// The mount with the records that whoever lent the view speaks of: the system mount, or what a
    /// namespace has in its place.
    package let home: MountID
    let store: ReadView
    private let loaded: LoadedMounts

    /// At home in the system mount.
    ///
    /// - Parameter view: a handle of its own is kept; the lender's closure still bounds its life.
    package init(_ keyring: Keyring, over view: borrowing ReadView) {
        self.keyring = keyring
        home = .system
        store = view.alias()
        loaded = LoadedMounts()
    }

    private init(_ view: borrowing BarrierView, home: MountID) {
        keyring = view.keyring
        self.home = home
        store = view.store.alias()
        loaded = view.loaded
    }

    /// The same moment, at home somewhere else. Its life is bound as this one's.
    package borrowing func at(_ home: MountID) -> BarrierView { BarrierView(self, home: home) }

    /// The highest log index that this view shows. The base index of batches prepared on it.
    package var evaluatedIndex: UInt64 { store.evaluatedIndex }

    /// Which repairs it shows; see ``StateEdition``.
    package var edition: StateEdition { store.edition }

    /// Runs `body` on this view and tells which buckets what it read rests on; see
    /// ``ReadView/recording(_:)``.
    package borrowing func recording<Value, Failure: Error>(
        _ body: (borrowing BarrierView) throws(Failure) -> Value
    ) throws(Failure) -> (value: Value, rested: RestedBuckets) {
        try store.recording { () throws(Failure) in try body(self) }
    }

    /// Something is used that was read before; see ``ReadView/note(_:)``.
    package borrowing func note(_ rested: RestedBuckets) { store.note(rested) }

    /// Makes sure that the newest keys of a mount, as of this view, are at hand for a
    /// ``BatchBuilder``. Every read of the mount does so too.
    ///
    /// - Throws: ``BarrierError/mountKeysMissing(mount:)`` and what else can be wrong with them.
    package func loadKeys(_ mount: MountID) throws(BarrierError) {
        _ = try keys(of: mount)
    }

    /// The value at a path, or nil if nothing is there.
    ///
    /// - Parameter path: 1 to 4,160 bytes; names with single slashes between them.
    /// - Throws: ``BarrierError/damagedRecord(key:reason:)``, `movedRecord`, and for a wrong path
    ///   `pathEmpty`, `pathTooLong`, `pathMalformed`.
    package func read(_ mount: MountID, _ path: String) throws(BarrierError) -> Opened? {
        guard let found = try find(mount, path) else { return nil }
        let value = try found.keys.openValue(of: found.record, at: found.key)
        return Opened(value: value, modificationIndex: found.record.modificationIndex)
    }

    /// Whether something is at a path. Opens the name only.
    package func exists(_ mount: MountID, _ path: String) throws(BarrierError) -> Bool {
        try find(mount, path) != nil
    }

    /// The log index that wrote the value at a path; 0 if nothing is there.
    ///
    /// Decrypts nothing: to see whether what was read and opened before is still current. Before a
    /// value is used for the first time, ``read(_:_:)`` it.
    package func modificationIndex(
        _ mount: MountID,
        _ path: String
    ) throws(BarrierError) -> UInt64 {
        let key = try keys(of: mount).storageKey(of: BarrierPath(path))
        return try record(key)?.modificationIndex ?? 0
    }

    /// The names in one directory, in the order of their UTF-8 bytes. Folders end in "/".
    ///
    /// - Parameters:
    ///   - directory: "" for the top, else ending in "/".
    ///   - after: names up to and including this one are left out.
    ///   - limit: most names given, 0 or more.
    /// - Complexity: opens every name of the directory, whatever `after` and `limit` say, because
    ///   records lie in the order of their HMACs.
    /// - Throws: ``BarrierError/damagedRecord(key:reason:)``, path errors. A moved record does not
    ///   open, because its boxes are bound to their storage key.
    package func list(
        _ mount: MountID,
        directory: String,
        after: String? = nil,
        limit: Int = .max
    ) throws(BarrierError) -> [String] {
        let path = try BarrierPath.directory(directory)
        let keys = try keys(of: mount)
        var names: [String] = []
        do {
            try store.scanHeads(keys.prefix(of: path[...])) { key, head in
                let text = try keys.openText(head, at: key)
                if after.map({ utf8Precedes($0, text) }) ?? true { names.append(text) }
                return true
            }
        } catch let error as BarrierError {
            throw error
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            preconditionFailure("a scan throws what its body or the store throws")
        }
        names.sort(by: utf8Precedes)
        return Array(names.prefix(max(0, limit)))
    }

    /// Names in one directory as they lie in the store: for work that goes on where it left off and
    /// opens no more than it needs. Folders end in "/".
    ///
    /// - Parameters:
    ///   - directory: "" for the top, else ending in "/".
    ///   - after: a name of this directory, still there or not; what lies before it, and it, are
    ///     left out. Nil: from the beginning.
    ///   - limit: most names given, 0 or more.
    /// - Complexity: opens the names that it gives.
    /// - Throws: as ``list(_:directory:after:limit:)``.
    package func names(
        _ mount: MountID,
        in directory: String,
        after: String? = nil,
        limit: Int
    ) throws(BarrierError) -> [String] {
        guard limit > 0 else { return [] }
        let path = try BarrierPath.directory(directory)
        let keys = try keys(of: mount)
        var first: StorageKey?
        if let after { first = try keys.storageKey(of: directory + after) }
        var names: [String] = []
        do {
            try store.scanHeads(keys.prefix(of: path[...]), after: first) { key, head in
                names.append(try keys.openText(head, at: key))
                return names.count < limit
            }
        } catch let error as BarrierError {
            throw error
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            preconditionFailure("a scan throws what its body or the store throws")
        }
        return names
    }

    /// How many names are in one directory, folders included. Opens none of them.
    ///
    /// - Parameter directory: as in ``list(_:directory:after:limit:)``.
    package func count(
        _ mount: MountID,
        in directory: String
    ) throws(BarrierError) -> Int {
        let path = try BarrierPath.directory(directory)
        let keys = try keys(of: mount)
        var count = 0
        do {
            try store.scanHeads(keys.prefix(of: path[...])) { _, _ in
                count += 1
                return true
            }
        } catch let error as StoreError {
            throw .store(error)
        } catch {
            preconditionFailure("a scan throws what its body or the store throws")
        }
        return count
    }

    /// A record whose name was opened and is the one asked for.
    private struct Found {
        let keys: MountKeys
        let key: StorageKey
        let record: Record
    }

    private func find(_ mount: MountID, _ text: String) throws(BarrierError) -> Found? {
        let path = try BarrierPath(text)
        let keys = try keys(of: mount)
        let key = keys.storageKey(of: path)
        guard let record = try record(key) else { return nil }
        let name = try keys.openName(
            record.nameBox,
            flags: record.flags,
            dataKeyID: record.dataKeyID,
            at: key
        )
        guard name == Array(path.name) else { throw .movedRecord(key: Hex.encode(key.bytes)) }
        return Found(keys: keys, key: key, record: record)
    }

    /// Keys of the first timers, in the order of time.
    func firstTimerKeys(limit: Int) throws(BarrierError) -> [StorageKey] {
        do throws(StoreError) {
            return try store.firstKeys(
                of: TimerKey.ranges,
                limit: limit,
                by: TimerKey.precedes
            )
        } catch {
            throw .store(error)
        }
    }

    /// The keys of the system mount.
    func systemKeys() throws(BarrierError) -> MountKeys { try keys(of: .system) }

    /// What is under a storage key.
    func record(_ key: StorageKey) throws(BarrierError) -> Record? {
        do throws(StoreError) {
            return try store.record(key)
        } catch {
            throw .store(error)
        }
    }

    /// The mount's keys, compared with this view's record of them once.
    private func keys(of mount: MountID) throws(BarrierError) -> MountKeys {
        if let keys = loaded.keys.first(where: { $0.mount == mount }) { return keys }
        let keys = try keyring.mountKeys(of: mount, in: store)
        loaded.keys.append(keys)
        return keys
    }
}

/// The mounts that one view has looked at: one or two for a request.
private final class LoadedMounts {
    var keys: [MountKeys] = []
}
