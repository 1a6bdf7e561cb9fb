/// One ancestor that a prune may remove.
package struct PruneStep: Sendable, Equatable {
    /// The record that makes `directory` appear in its parent's listing.
    package let marker: StorageKey
    /// The directory that must be empty for the marker to go.
    package let directory: DirectoryPrefix

    /// - Parameters:
    ///   - marker: key of the directory's marker record, which lies in the parent.
    ///   - directory: the directory itself.
    package init(marker: StorageKey, directory: DirectoryPrefix) {
        self.marker = marker
        self.directory = directory
    }
}

/// One step of a batch. None needs a key, so a sealed node carries all of them out.
package enum BatchOperation: Sendable, Equatable {
    /// Writes a record. Its modification index is 0 here and is set when the batch is evaluated.
    case put(StorageKey, Record)
    /// Removes a record; one that is not there is fine.
    case delete(StorageKey)
    /// Rejects the whole batch unless the record has this modification index (0 = absent).
    case check(StorageKey, modificationIndex: UInt64)
    /// Writes a record unless there is one: directory markers.
    case ensure(StorageKey, Record)
    /// Deepest first: removes each marker whose directory is empty, and stops at the first that
    /// is not.
    case prune([PruneStep])
    /// Makes the batch happen once: a second batch with this id, 16 bytes, changes nothing.
    case once(requestID: [UInt8])
}

/// What one log entry changes: byte operations, decided completely by whoever proposed them.
///
/// Operations run in order and each sees what the ones before it did. `once` is looked at before
/// all others, because after a first success the checks of a repeat would fail.
package struct WriteBatch: Sendable, Equatable {
    /// 16 bytes, drawn by the proposer. Also the batch's id.
    package let requestID: [UInt8]
    /// The evaluated index of the view that the batch was prepared on.
    package let baseIndex: UInt64
    /// Cluster time of the change, nanoseconds since 1970, decided by the proposer.
    package let time: UInt64
    /// The data keys that sealed this batch's records.
    package let dataKeyIDs: [UInt32]
    /// At most ``StoreLimits/operationsMax``, prune steps counted.
    package let operations: [BatchOperation]
    /// 32 bytes: HMAC over vault id, epoch and ``operationsDigestInput()``. Not checked here: the
    /// store has no keys.
    package var tag: [UInt8]

    /// - Precondition: `requestID` has 16 bytes and `tag` 32.
    package init(
        requestID: [UInt8],
        baseIndex: UInt64,
        time: UInt64,
        dataKeyIDs: [UInt32],
        operations: [BatchOperation],
        tag: [UInt8] = [UInt8](repeating: 0, count: StoreLimits.tagBytes)
    ) {
        precondition(requestID.count == StoreLimits.requestIDBytes, "request id is not 16 bytes")
        precondition(tag.count == StoreLimits.tagBytes, "batch tag is not 32 bytes")
        self.requestID = requestID
        self.baseIndex = baseIndex
        self.time = time
        self.dataKeyIDs = dataKeyIDs
        self.operations = operations
        self.tag = tag
    }

    /// Keys whose present value decides what the batch does, in operation order, repeats kept.
    package var readKeys: [StorageKey] {
        operations.flatMap { operation -> [StorageKey] in
            switch operation {
            case .check(let key, _), .ensure(let key, _): [key]
            case .prune(let steps): steps.map(\.marker)
            case .put, .delete, .once: []
            }
        }
    }

    /// Keys that the batch may write, in operation order, repeats kept.
    package var writtenKeys: [StorageKey] {
        operations.flatMap { operation -> [StorageKey] in
            switch operation {
            case .put(let key, _), .delete(let key), .ensure(let key, _): [key]
            case .prune(let steps): steps.map(\.marker)
            case .check, .once: []
            }
        }
    }

    /// Directories whose emptiness decides what the batch does: those of its prunes. A batch that
    /// writes into one of them must not be prepared beside this one.
    package var readDirectories: [DirectoryPrefix] {
        operations.flatMap { operation -> [DirectoryPrefix] in
            guard case .prune(let steps) = operation else { return [] }
            return steps.map(\.directory)
        }
    }
}
