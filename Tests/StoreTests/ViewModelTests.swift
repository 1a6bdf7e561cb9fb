import Store
import TestSupport
import Testing

/// What the store must look like: a dictionary per index.
private struct Model {
    /// Value and modification index by key.
    var records: [StorageKey: (value: String, index: UInt64)] = [:]
    var requests: [UInt64: UInt64] = [:]

    /// Carries a batch out by the letter of the design. Returns whether it did anything.
    mutating func carryOut(_ operations: [BatchOperation], id: UInt64, at index: UInt64) -> Bool {
        let usesOnce = operations.contains { if case .once = $0 { true } else { false } }
        if usesOnce && requests[id] != nil { return false }
        var next = records
        for operation in operations {
            switch operation {
            case .put(let key, let record):
                next[key] = (String(decoding: record.valueBox, as: UTF8.self), index)
            case .delete(let key): next[key] = nil
            case .check(let key, let wanted):
                guard (next[key]?.index ?? 0) == wanted else { return false }
            case .ensure(let key, let record):
                if next[key] == nil {
                    next[key] = (String(decoding: record.valueBox, as: UTF8.self), index)
                }
            case .prune(let steps):
                for step in steps {
                    if next.keys.contains(where: { $0.directory == step.directory }) { break }
                    next[step.marker] = nil
                }
            case .once: break
            }
        }
        records = next
        if usesOnce { requests[id] = index }
        return true
    }

    func keys(_ directory: DirectoryPrefix) -> [StorageKey] {
        records.keys.filter { $0.directory == directory }.sorted()
    }
}

@Suite("Views against a model")
struct ViewModelTests {
    private func randomKey(_ random: inout Seeded) -> StorageKey {
        key(UInt8.random(in: 1...4, using: &random), UInt8.random(in: 0...5, using: &random))
    }

    private func randomOperations(
        _ model: Model,
        _ round: UInt64,
        _ random: inout Seeded
    ) -> ([BatchOperation], UInt64) {
        let id = UInt64.random(in: 1...30, using: &random)
        let operations = (0..<Int.random(in: 0...5, using: &random)).map { _ -> BatchOperation in
            let key = randomKey(&random)
            switch UInt8.random(in: 0...7, using: &random) {
            case 0, 1, 2:
                // Some in one row, some in pieces.
                let more = Int.random(in: 0...3, using: &random) * 3_500
                let value = "value \(round) \(key.bytes[31])" + String(repeating: "+", count: more)
                return .put(key, record(value))
            case 3: return .delete(key)
            case 4:
                let right = model.records[key]?.index ?? 0
                return .check(
                    key,
                    modificationIndex: Bool.random(using: &random) ? right : right + 1
                )
            case 5: return .ensure(key, record("ensured \(round)"))
            default:
                return .prune(
                    (0..<2).map { _ in
                        PruneStep(
                            marker: randomKey(&random),
                            directory: randomKey(&random).directory
                        )
                    }
                )
            }
        }
        return (operations + (id % 3 == 0 ? [.once(requestID: requestID(id))] : []), id)
    }

    private func compare(_ store: LocalStore, _ model: Model, at index: UInt64) throws {
        try store.view { (view) throws in
            #expect(view.evaluatedIndex == index)
            for directory in UInt8(1)...4 {
                var keys: [StorageKey] = []
                try view.scan(prefix(directory)) { key, record in
                    keys.append(key)
                    let wanted = model.records[key]
                    #expect(String(decoding: record.valueBox, as: UTF8.self) == wanted?.value)
                    #expect(record.modificationIndex == wanted?.index)
                    return true
                }
                #expect(keys == model.keys(prefix(directory)))
                #expect(try view.isEmpty(prefix(directory)) == keys.isEmpty)
                var heads: [StorageKey] = []
                try view.scanHeads(prefix(directory), after: keys.first) { key, head in
                    heads.append(key)
                    #expect(head.modificationIndex == model.records[key]?.index)
                    #expect(head.valueBoxBytes == model.records[key]?.value.utf8.count)
                    #expect(head.nameBox == Array("name".utf8))
                    return true
                }
                #expect(heads == Array(keys.dropFirst()))
                for name in UInt8(0)...5 {
                    let found = try view.record(key(directory, name))
                    #expect(
                        found?.modificationIndex == model.records[key(directory, name)]?.index
                    )
                    #expect(try view.contains(key(directory, name)) == (found != nil))
                }
            }
            for id in UInt64(1)...30 {
                #expect(try view.requestIndex(requestID(id)) == model.requests[id])
            }
            try compareFirstKeys(view, model)
        }
    }

    /// By name first: an order across the directories that agrees with theirs.
    private func precedes(_ left: StorageKey, _ right: StorageKey) -> Bool {
        (left.words.3, left.words.0) < (right.words.3, right.words.0)
    }

    private func compareFirstKeys(_ view: borrowing ReadView, _ model: Model) throws {
        let ranges = [1, 2, 4].map { key($0, 1)...key($0, 4) }
        let wanted = model.records.keys
            .filter { key in ranges.contains { $0.contains(key) } }
            .sorted(by: precedes)
        for limit in [0, 1, 3, 5, 100] {
            let keys = try view.firstKeys(of: ranges, limit: limit, by: precedes)
            #expect(keys == Array(wanted.prefix(limit)))
        }
    }

    /// Entries `indexes` at random, applied at random; all of them applied at the end.
    private func play(
        _ indexes: ClosedRange<UInt64>,
        in store: LocalStore,
        _ model: inout Model,
        _ random: inout Seeded
    ) throws {
        var applied = indexes.lowerBound - 1
        for index in indexes {
            let (operations, id) = randomOperations(model, index, &random)
            let didChange = model.carryOut(operations, id: id, at: index)
            let evaluation = try store.commit(operations, id: id)
            if case .applied = evaluation { #expect(didChange) } else { #expect(!didChange) }
            if UInt8.random(in: 0...4, using: &random) == 0 {
                applied = UInt64.random(in: max(1, applied)...index, using: &random)
                try store.applyThrough(applied)
            }
            if index % 10 == 0 { try compare(store, model, at: index) }
        }
        try store.applyThrough(indexes.upperBound)
        try compare(store, model, at: indexes.upperBound)
    }

    @Test("overlay and table together behave like a dictionary", arguments: UInt64(1)...8)
    func randomOperations(seed: UInt64) throws {
        var random = Seeded(seed)
        let folder = TemporaryFolder()
        var model = Model()
        do {
            let store = try folder.open()
            try store.fillLog(400)
            try play(1...120, in: store, &model, &random)
        }
        let reopened = try folder.open()
        try compare(reopened, model, at: 120)
        try play(121...250, in: reopened, &model, &random)
    }

    @Test("a scan goes on after a key and stops when told")
    func scanWindow() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(10)
        try store.commit((0..<10).map { .put(key(2, $0), record("v\($0)")) })
        try store.applyThrough(1)
        try store.commit([.delete(key(2, 4)), .put(key(2, 12), record("x"))])
        #expect(
            try store.keys(prefix(2), after: key(2, 3))
                == [5, 6, 7, 8, 9, 12].map { key(2, $0) }
        )
        #expect(try store.keys(prefix(2), after: key(1, 200)).count == 10)
        #expect(try store.keys(prefix(2), after: key(3, 0)).isEmpty)
        var seen = 0
        try store.view { (view) throws in
            try view.scan(prefix(2)) { _, _ in
                seen += 1
                return seen < 3
            }
        }
        #expect(seen == 3)
    }

    @Test("what a scan's closure throws comes out")
    func scanThrows() throws {
        struct Stop: Error {}
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(10)
        try store.commit([.put(key(2, 1), record("x"))])
        #expect(throws: Stop.self) {
            try store.view { view in try view.scan(prefix(2)) { _, _ in throw Stop() } }
        }
    }

    @Test("a layer that is applied but not pruned yet is ignored")
    func appliedLayer() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(10)
        try store.commit([.put(key(1, 1), record("x")), .once(requestID: requestID(1))])
        // What a view sees whose overlay was taken before entry 2 was evaluated and applied.
        let second = OverlayLayer(
            index: 2,
            writes: [(key(1, 1), nil), (key(1, 2), record("y").encoded())],
            requestID: requestID(1)
        )
        try store.write { (transaction) throws(StoreError) in
            let layers = store.layers(after: 0, through: 1) + [second]
            try transaction.apply(layers: layers, appliedIndex: 2, appliedTerm: 1)
        }
        #expect(store.overlayCount == 1)
        try store.view { (view) throws in
            #expect(view.evaluatedIndex == 2)
            #expect(view.appliedIndex == 2)
            #expect(try view.record(key(1, 1)) == nil)
            #expect(try view.contains(key(1, 1)) == false)
            #expect(try view.modificationIndex(of: key(1, 1)) == nil)
            #expect(try view.requestIndex(requestID(1)) == 2)
        }
        #expect(try store.keys(prefix(1)) == [key(1, 2)])
    }

    @Test("a layer that a snapshot overtook is left out")
    func overtaken() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(10)
        store.markEvaluated(through: 5)
        let writes = [(key(1, 1), Optional(record("x").encoded()))]
        store.appendLayer(OverlayLayer(index: 5, writes: writes, requestID: nil))
        #expect(store.overlayCount == 0)
        #expect(try store.value(key(1, 1)) == nil)
        store.appendLayer(OverlayLayer(index: 6, writes: writes, requestID: nil))
        #expect(store.overlayCount == 1)
        #expect(try store.value(key(1, 1)) == "x")
    }

    @Test("the overlay reports its size and its bound, and layers come out by index")
    func overlayBound() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.overlayLayersMax = 3
        let store = try folder.open(options)
        try store.fillLog(10)
        for number in UInt8(1)...3 {
            #expect(!store.overlayIsFull)
            try store.commit([.put(key(1, number), record("x"))])
        }
        #expect(store.overlayIsFull)
        #expect(store.overlayCount == 3)
        #expect(store.overlayBytes > 0)
        #expect(store.layers(after: 1, through: 2).map(\.index) == [2])
        try store.applyThrough(2)
        #expect(store.overlayCount == 1)
        try store.applyThrough(3)
        #expect(store.overlayBytes == 0)
    }
}
