package import Cryptography
package import Store
package import Wire

/// Turns changes of names and values into a batch of sealed records, authenticated with K_batch.
///
/// Contract: make one for each attempt at a request, on the index of the view that was read; add
/// changes; ``finish()``. The order of the result is: the `once` operation, all checks in the order
/// given, all writes in the order given. So every check sees the state before the batch.
///
/// Not copyable, so two batches cannot draw the same nonces.
package struct BatchBuilder: ~Copyable {
    /// What seals the records and tags the batch.
    package let keyring: Keyring
    /// The evaluated index of the view that the changes were decided on.
    package let baseIndex: UInt64
    /// 16 bytes, also the batch's id.
    package let requestID: [UInt8]
    /// Cluster time, nanoseconds since 1970.
    package let time: UInt64

    private var entropy: Entropy
    private var isOnce = false
    private var checks: [BatchOperation] = []
    private var writes: [BatchOperation] = []
    /// Folder markers written since the last prune. Only looked up.
    private var ensured: Set<StorageKey> = []
    /// Ascending.
    private var dataKeyIDs: [UInt32] = []
    /// Keys of mounts that this batch makes. Only looked up.
    private var newMounts: [MountID: MountKeys] = [:]

    /// - Parameters:
    ///   - requestID: 16 bytes; the same when the same request is prepared again.
    ///   - entropy: of this request; see there what the same seed gives a second time.
    package init(
        keyring: Keyring,
        baseIndex: UInt64,
        requestID: [UInt8],
        time: UInt64,
        entropy: consuming Entropy
    ) {
        precondition(requestID.count == BarrierLimits.idBytes, "a request id is 16 bytes")
        self.keyring = keyring
        self.baseIndex = baseIndex
        self.requestID = requestID
        self.time = time
        self.entropy = entropy
    }

    /// Whether nothing would change.
    package var isEmpty: Bool { writes.isEmpty }

    // MARK: - Random values

    /// Bytes for ids and the like; the same when the request is prepared again. Never a nonce.
    package mutating func randomBytes(_ count: Int) -> [UInt8] { entropy.bytes(count) }

    /// 16 bytes with the marks of a random UUID; the same when the request is prepared again.
    package mutating func uuid() -> [UInt8] { entropy.uuid() }

    /// Uniform characters 0-9, A-Z, a-z for tokens; the same when the request is prepared again.
    package mutating func base62(_ count: Int) -> SecretBytes { entropy.base62(count) }

    /// Seals what a batch token says; see ``Keyring/sealToken(_:entropy:)``.
    package mutating func sealToken(_ content: [UInt8]) -> [UInt8] {
        keyring.sealToken(content, entropy: &entropy)
    }

    // MARK: - Changes

    /// Makes the batch happen at most once for its request id.
    package mutating func once() {
        isOnce = true
    }

    /// Rejects the whole batch unless the path was last written at this index.
    ///
    /// - Parameter modificationIndex: as read; 0 = nothing may be there.
    package mutating func check(
        _ mount: MountID,
        _ path: String,
        modificationIndex: UInt64
    ) throws(BarrierError) {
        let key = try keys(of: mount).storageKey(of: BarrierPath(path))
        checks.append(.check(key, modificationIndex: modificationIndex))
    }

    /// Writes a value, and makes sure that every folder above it is listed.
    ///
    /// - Parameters:
    ///   - path: 1 to 4,160 bytes; names with single slashes between them.
    ///   - value: 0 to 1,048,576 bytes.
    /// - Throws: ``BarrierError/valueTooLong(have:limit:)``, path errors, `mountKeysNotLoaded`.
    package mutating func put(
        _ mount: MountID,
        _ path: String,
        _ value: [UInt8]
    ) throws(BarrierError) {
        let keys = try keys(of: mount)
        let path = try BarrierPath(path)
        let key = keys.storageKey(of: path)
        let record = try keys.seal(
            value: value,
            at: place(mount, key, RecordFlags.value),
            name: path.name,
            entropy: &entropy
        )
        note(keys.currentDataKeyID)
        for folder in path.folders {
            ensure(folder, in: mount, keys)
        }
        writes.append(.put(key, record))
    }

    /// Removes a value, and every folder above it that is empty then.
    package mutating func delete(_ mount: MountID, _ path: String) throws(BarrierError) {
        let keys = try keys(of: mount)
        let path = try BarrierPath(path)
        writes.append(.delete(keys.storageKey(of: path)))
        let steps = path.folders.reversed().map { folder in
            PruneStep(
                marker: keys.storageKey(of: folder),
                directory: keys.prefix(of: folder.path)
            )
        }
        guard !steps.isEmpty else { return }
        writes.append(.prune(steps))
        ensured.removeAll()
    }

    // MARK: - Timers

    /// Lets the record at a path of the system mount be looked at when it is due.
    ///
    /// One path has as many timers as there are seconds for which one was set; setting the same
    /// again changes nothing. Whoever changes when the record is due clears the timer of before.
    ///
    /// - Parameter due: rounded up to a second.
    package mutating func setTimer(due: Timestamp, path: String) throws(BarrierError) {
        let keys = try keys(of: .system)
        let path = try BarrierPath(path)
        let key = keys.timerKey(dueSeconds: due.secondsRoundedUp, path: path)
        let record = keys.sealTimer(
            at: place(.system, key, RecordFlags.timer),
            path: path,
            entropy: &entropy
        )
        note(keys.currentDataKeyID)
        writes.append(.put(key, record))
    }

    /// Takes a timer back; one that is not there is fine.
    ///
    /// - Parameters: as it was set.
    package mutating func clearTimer(due: Timestamp, path: String) throws(BarrierError) {
        let keys = try keys(of: .system)
        let path = try BarrierPath(path)
        writes.append(.delete(keys.timerKey(dueSeconds: due.secondsRoundedUp, path: path)))
    }

    /// Rejects the whole batch unless the timer is as it was read, and clears it.
    package mutating func consume(_ timer: DueTimer) {
        checks.append(.check(timer.key, modificationIndex: timer.modificationIndex))
        writes.append(.delete(timer.key))
    }

    // MARK: - Mounts

    /// Makes keys for a new mount, which this batch can then write into. Rejects the batch if the
    /// mount has keys already.
    package mutating func createMount(_ mount: MountID) throws(BarrierError) {
        guard newMounts[mount] == nil, keyring.cachedKeys(of: mount) == nil else {
            throw .mountKeysExist(mount: mount.text)
        }
        let made = MountKeyRecord.make(
            mount,
            wrappedBy: keyring.wrapping,
            of: keyring.identity,
            time: time,
            entropy: &entropy
        )
        newMounts[mount] = made.keys
        let key = ClearRecord.mountKey(of: mount)
        checks.append(.check(key, modificationIndex: 0))
        writes.append(.put(key, ClearRecord.record(made.record.encoded())))
    }

    /// Removes the keys of a mount: what is left of its records is read by nobody after. Rejects
    /// the batch if the mount has other keys by then.
    package mutating func removeMount(_ mount: MountID) throws(BarrierError) {
        precondition(mount != .system, "a vault without its system mount is none")
        let key = ClearRecord.mountKey(of: mount)
        let index = try keys(of: mount).modificationIndex
        checks.append(.check(key, modificationIndex: index))
        writes.append(.delete(key))
    }

    // MARK: - The end

    /// The batch, tagged.
    ///
    /// - Throws: ``BarrierError/batchTooLong(have:limit:)``, `batchTooManyOperations`.
    package consuming func finish() throws(BarrierError) -> WriteBatch {
        let once: [BatchOperation] = isOnce ? [.once(requestID: requestID)] : []
        let operations = once + checks + writes
        let count = operations.reduce(0) { count, operation in
            guard case .prune(let steps) = operation else { return count + 1 }
            return count + 1 + steps.count
        }
        guard count <= StoreLimits.operationsMax else {
            throw .batchTooManyOperations(have: count, limit: StoreLimits.operationsMax)
        }
        var batch = WriteBatch(
            requestID: requestID,
            baseIndex: baseIndex,
            time: time,
            dataKeyIDs: dataKeyIDs,
            operations: operations
        )
        let encodedCount = batch.operationsDigestInput().count + StoreLimits.tagBytes
        guard encodedCount <= StoreLimits.entryBytesMax else {
            throw .batchTooLong(have: encodedCount, limit: StoreLimits.entryBytesMax)
        }
        batch.tag = keyring.tag(of: batch)
        return batch
    }
}

extension BatchBuilder {
    /// Writes a record of the key hierarchy.
    mutating func putClear(_ key: StorageKey, _ bytes: [UInt8]) {
        writes.append(.put(key, ClearRecord.record(bytes)))
    }

    /// Rejects the whole batch unless a record of the key hierarchy was last written at this index.
    mutating func checkClear(_ key: StorageKey, modificationIndex: UInt64) {
        checks.append(.check(key, modificationIndex: modificationIndex))
    }

    private mutating func ensure(
        _ folder: BarrierPath.Folder,
        in mount: MountID,
        _ keys: MountKeys
    ) {
        let key = keys.storageKey(of: folder)
        guard ensured.insert(key).inserted else { return }
        let marker = keys.sealFolder(
            at: place(mount, key, RecordFlags.folder),
            name: folder.name,
            entropy: &entropy
        )
        writes.append(.ensure(key, marker))
    }

    private func place(_ mount: MountID, _ key: StorageKey, _ flags: UInt8) -> RecordPlace {
        RecordPlace(vaultID: keyring.vaultID, mount: mount, key: key, flags: flags)
    }

    private func keys(of mount: MountID) throws(BarrierError) -> MountKeys {
        guard let keys = newMounts[mount] ?? keyring.cachedKeys(of: mount) else {
            throw .mountKeysNotLoaded(mount: mount.text)
        }
        return keys
    }

    private mutating func note(_ dataKeyID: UInt32) {
        let position = dataKeyIDs.firstIndex { $0 >= dataKeyID } ?? dataKeyIDs.endIndex
        if position < dataKeyIDs.endIndex && dataKeyIDs[position] == dataKeyID { return }
        dataKeyIDs.insert(dataKeyID, at: position)
    }
}
