import Wire

/// Evaluated but unapplied layers, oldest first. A value: who holds a copy sees one moment.
package struct Overlay: Sendable {
    /// Ascending by index.
    package private(set) var layers: [OverlayLayer] = []
    /// The layers' masks and the heads of their request ids, side by side, so that a lookup walks
    /// packed words and touches only layers that may have the answer.
    private var keyMasks: [UInt64] = []
    private var directoryMasks: [UInt64] = []
    private var requestHeads: [UInt64] = []
    /// What the layers weigh, roughly.
    package private(set) var byteCount = 0
    /// The highest index evaluated, with or without a layer.
    package private(set) var evaluatedIndex: UInt64 = 0
    /// Cluster time as of that index, nanoseconds since 1970. Never goes back.
    package private(set) var time: UInt64 = 0

    /// No layers: nothing is evaluated.
    package init() {}

    /// Adds the layer of the next entry. One at or below the evaluated index is left out: a
    /// snapshot that was installed while the entry was being evaluated contains it.
    package mutating func append(_ layer: OverlayLayer) {
        guard layer.index > evaluatedIndex else { return }
        layers.append(layer)
        keyMasks.append(layer.keyMask)
        directoryMasks.append(layer.directoryMask)
        requestHeads.append(layer.requestID.map { bigEndianWord($0, at: 0) } ?? 0)
        byteCount += layer.byteCount
        evaluatedIndex = layer.index
        time = max(time, layer.time)
    }

    /// Entries through `index` were evaluated; those without a layer changed nothing.
    ///
    /// - Parameter time: cluster time as of that index, where they did not come as layers.
    package mutating func markEvaluated(through index: UInt64, at time: UInt64 = 0) {
        evaluatedIndex = max(evaluatedIndex, index)
        self.time = max(self.time, time)
    }

    /// Forgets layers that are applied.
    package mutating func removeLayers(through index: UInt64) {
        let count = position(after: index)
        guard count > 0 else { return }
        for layer in layers[..<count] {
            byteCount -= layer.byteCount
        }
        layers.removeFirst(count)
        keyMasks.removeFirst(count)
        directoryMasks.removeFirst(count)
        requestHeads.removeFirst(count)
    }

    /// Position of the first layer above `index`.
    package func position(after index: UInt64) -> Int {
        var low = 0
        var high = layers.count
        while low < high {
            let middle = low + (high - low) / 2
            if layers[middle].index <= index { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The newest write of `key` in the layers from position `start`. The inner nil is a deletion.
    package func write(of key: StorageKey, from start: Int) -> [UInt8]?? {
        if planted("overlooksOverlay") { return nil }
        let bit = key.maskBit
        var position = keyMasks.count - 1
        while position >= start {
            if keyMasks[position] & bit != 0, let found = layers[position].write(of: key) {
                return found
            }
            position -= 1
        }
        return nil
    }

    /// The index of the newest layer with this request id.
    package func requestIndex(_ id: [UInt8], from start: Int) -> UInt64? {
        if planted("overlooksPendingRequests") { return nil }
        let head = bigEndianWord(id, at: 0)
        var position = requestHeads.count - 1
        while position >= start {
            if requestHeads[position] == head && layers[position].requestID == id {
                return layers[position].index
            }
            position -= 1
        }
        return nil
    }

    /// The newest write of each key of `directory` at or after `first`, in key order.
    package func writes(
        in directory: DirectoryPrefix,
        from first: StorageKey,
        layersFrom start: Int
    ) -> [(StorageKey, [UInt8]?)] {
        let bit = directory.maskBit
        var all: [(StorageKey, [UInt8]?)] = []
        for position in start..<max(start, layers.count) where directoryMasks[position] & bit != 0 {
            let layer = layers[position]
            var offset = layer.lowerBound(first)
            while offset < layer.writes.count, layer.writes[offset].0.directory == directory {
                all.append(layer.writes[offset])
                offset += 1
            }
        }
        return normalized(all)
    }

    /// The newest write of each key in one of several ranges, in key order.
    ///
    /// - Parameter ranges: ascending and apart from each other.
    func writes(
        in ranges: [ClosedRange<StorageKey>],
        layersFrom start: Int
    ) -> [(StorageKey, [UInt8]?)] {
        var all: [(StorageKey, [UInt8]?)] = []
        for layer in layers[start..<max(start, layers.count)] {
            // Both ascend, so they are walked side by side: layers are short, ranges may be many.
            var number = 0
            for write in layer.writes {
                while number < ranges.count, ranges[number].upperBound < write.0 { number += 1 }
                guard number < ranges.count else { break }
                if ranges[number].lowerBound <= write.0 { all.append(write) }
            }
        }
        return normalized(all)
    }
}

/// Sorted by key; of several writes of one key the last stays.
func normalized(_ writes: [(StorageKey, [UInt8]?)]) -> [(StorageKey, [UInt8]?)] {
    let isOrdered = zip(writes, writes.dropFirst()).allSatisfy { $0.0 < $1.0 }
    if isOrdered { return writes }
    let order = writes.indices.sorted { left, right in
        writes[left].0 == writes[right].0 ? left < right : writes[left].0 < writes[right].0
    }
    var result: [(StorageKey, [UInt8]?)] = []
    result.reserveCapacity(writes.count)
    for position in order {
        if let last = result.last, last.0 == writes[position].0 { result.removeLast() }
        result.append(writes[position])
    }
    return result
}
