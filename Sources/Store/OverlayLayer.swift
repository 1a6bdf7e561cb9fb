/// What one evaluated entry changes: concrete writes, ready to be applied and readable until then.
///
/// One write per key, in key order, so that a lookup is a binary search and applying walks the
/// table forward.
package struct OverlayLayer: Sendable {
    /// The log index of the entry.
    package let index: UInt64
    /// One per key, in key order: an encoded record, or nil for a key that was deleted.
    package let writes: [(StorageKey, [UInt8]?)]
    /// Cluster time of the entry's batch, nanoseconds since 1970; 0 for other entries.
    package let time: UInt64
    /// The 16-byte id that must not be carried out again, from the batch's `once`.
    package let requestID: [UInt8]?
    /// One bit per hash class of the keys: most layers of most lookups end here.
    let keyMask: UInt64
    /// The same for the keys' directories.
    let directoryMask: UInt64
    /// Bytes that the layer keeps in memory, roughly.
    package private(set) var byteCount: Int
    /// Keys that the decision found nothing under. Whoever applies the layer finds nothing either,
    /// or what was lost when the entry was evaluated has been put back since.
    package private(set) var missed: [StorageKey] = []

    /// - Parameters:
    ///   - index: the entry's log index.
    ///   - writes: in any order; a later write of a key replaces an earlier one.
    ///   - requestID: 16 bytes, or nil.
    ///   - time: cluster time.
    package init(
        index: UInt64,
        writes: [(StorageKey, [UInt8]?)],
        requestID: [UInt8]?,
        time: UInt64 = 0
    ) {
        precondition(
            requestID.map { $0.count == StoreLimits.requestIDBytes } ?? true,
            "request id is not 16 bytes"
        )
        self.index = index
        self.writes = normalized(writes)
        self.requestID = requestID
        self.time = time
        var keyMask: UInt64 = 0
        var directoryMask: UInt64 = 0
        var byteCount = 128
        for (key, bytes) in self.writes {
            keyMask |= key.maskBit
            directoryMask |= key.directory.maskBit
            byteCount += 64 + (bytes?.count ?? 0)
        }
        self.keyMask = keyMask
        self.directoryMask = directoryMask
        self.byteCount = byteCount
    }

    /// Says what the decision rests on, at most ``StoreLimits/doubtsMax`` keys.
    package mutating func rest(onAbsenceOf keys: [StorageKey]) {
        byteCount += StoreLimits.storageKeyBytes * (keys.count - missed.count)
        missed = keys
    }

    /// Position of the first write at or after `key`.
    func lowerBound(_ key: StorageKey) -> Int {
        var low = 0
        var high = writes.count
        while low < high {
            let middle = low + (high - low) / 2
            if writes[middle].0 < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The write of `key`, if the layer has one. The inner nil is a deletion.
    func write(of key: StorageKey) -> [UInt8]?? {
        let position = lowerBound(key)
        guard position < writes.count, writes[position].0 == key else { return nil }
        return .some(writes[position].1)
    }
}

extension StorageKey {
    /// One of 64 bits. Keys are HMAC output, so their low bits are spread already.
    var maskBit: UInt64 { 1 << (words.3 & 63) }
}

extension DirectoryPrefix {
    /// One of 64 bits.
    var maskBit: UInt64 { 1 << (words.1 & 63) }
}
