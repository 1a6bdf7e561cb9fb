import Store
import TestSupport
import Testing

@Suite("Evaluation")
struct EvaluationTests {
    /// Directory 1 holds "a" at index 1; directory 2 holds the marker of directory 3, which holds
    /// "b". All of it is applied or still in the overlay: the outcome must not differ.
    private func prepared(isApplied: Bool) throws -> (TemporaryFolder, LocalStore) {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(50)
        try store.commit([.put(key(1, 1), record("a"))])
        try store.commit([.put(key(2, 3), record("marker")), .put(key(3, 1), record("b"))])
        if isApplied { try store.applyThrough(2) }
        return (folder, store)
    }

    /// Found by an acceptance test: an entry was evaluated, what was lost came back, and the entry
    /// was applied over it, with a digest that called the bucket whole.
    @Test("what an entry did not find is not there when it is applied, or it is evaluated anew")
    func absences() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(50)
        try store.commit([.put(key(1, 1), record("the first"))])
        try store.applyThrough(1)
        for (missed, isSound) in [([key(1, 2)], true), ([key(1, 2), key(1, 1)], false)] {
            var layer = OverlayLayer(
                index: 2,
                writes: [(key(1, 1), record("another").encoded())],
                requestID: nil
            )
            layer.rest(onAbsenceOf: missed)
            let loss = StoreError.evaluatedOnLoss(index: 2, key: key(1, 1).hex)
            var thrown: StoreError?
            do throws(StoreError) {
                try store.write { (transaction) throws(StoreError) in
                    try transaction.apply(layers: [layer], appliedIndex: 2, appliedTerm: 1)
                    if isSound { throw .cancelled }
                }
            } catch {
                thrown = error
            }
            #expect(thrown == (isSound ? .cancelled : loss))
        }
        let kept = try store.view { try $0.record(key(1, 1)) }
        #expect(kept?.valueBox == record("the first").valueBox)
    }

    enum Outcome: Equatable {
        case applied
        case duplicate(UInt64)
        case rejected(Int)

        init(_ evaluation: Evaluation) {
            self =
                switch evaluation {
                case .applied: .applied
                case .duplicate(let index): .duplicate(index)
                case .rejected(let operation): .rejected(operation)
                }
        }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let operations: [BatchOperation]
        let outcome: Outcome
        /// What a lookup finds afterwards: value or nil.
        let values: [(StorageKey, String?)]
        var testDescription: String { name }
    }

    static let a = key(1, 1)
    static let b = key(3, 1)
    static let marker = key(2, 3)
    static let pruneThree = BatchOperation.prune([PruneStep(marker: marker, directory: prefix(3))])

    static let cases: [Case] = [
        Case(
            name: "put replaces",
            operations: [.put(a, record("new"))],
            outcome: .applied,
            values: [(a, "new")]
        ),
        Case(
            name: "delete removes",
            operations: [.delete(a)],
            outcome: .applied,
            values: [(a, nil)]
        ),
        Case(
            name: "delete of nothing is fine",
            operations: [.delete(key(9, 9))],
            outcome: .applied,
            values: [(key(9, 9), nil)]
        ),
        Case(
            name: "check with the right index passes",
            operations: [.check(a, modificationIndex: 1), .put(a, record("x"))],
            outcome: .applied,
            values: [(a, "x")]
        ),
        Case(
            name: "check with another index rejects all, also what came before",
            operations: [.put(b, record("x")), .check(a, modificationIndex: 2), .delete(a)],
            outcome: .rejected(1),
            values: [(a, "a"), (b, "b")]
        ),
        Case(
            name: "check 0 passes for an absent record",
            operations: [.check(key(9, 9), modificationIndex: 0), .put(key(9, 9), record("x"))],
            outcome: .applied,
            values: [(key(9, 9), "x")]
        ),
        Case(
            name: "check 0 rejects for a present record",
            operations: [.check(a, modificationIndex: 0)],
            outcome: .rejected(0),
            values: [(a, "a")]
        ),
        Case(
            name: "check sees the batch's own put",
            operations: [.put(a, record("x")), .check(a, modificationIndex: 3)],
            outcome: .applied,
            values: [(a, "x")]
        ),
        Case(
            name: "check sees the batch's own delete",
            operations: [.delete(a), .check(a, modificationIndex: 0)],
            outcome: .applied,
            values: [(a, nil)]
        ),
        Case(
            name: "check sees a put after a delete",
            operations: [.delete(a), .put(a, record("y")), .check(a, modificationIndex: 0)],
            outcome: .rejected(2),
            values: [(a, "a")]
        ),
        Case(
            name: "ensure leaves a present record alone",
            operations: [.ensure(a, record("x"))],
            outcome: .applied,
            values: [(a, "a")]
        ),
        Case(
            name: "ensure writes an absent record",
            operations: [.ensure(key(9, 9), record("x"))],
            outcome: .applied,
            values: [(key(9, 9), "x")]
        ),
        Case(
            name: "ensure writes after the batch's own delete",
            operations: [.delete(a), .ensure(a, record("x"))],
            outcome: .applied,
            values: [(a, "x")]
        ),
        Case(
            name: "ensure does not replace the batch's own put",
            operations: [.put(key(9, 9), record("x")), .ensure(key(9, 9), record("y"))],
            outcome: .applied,
            values: [(key(9, 9), "x")]
        ),
        Case(
            name: "prune keeps a directory that is not empty",
            operations: [pruneThree],
            outcome: .applied,
            values: [(marker, "marker")]
        ),
        Case(
            name: "prune sees the batch's own delete",
            operations: [.delete(b), pruneThree],
            outcome: .applied,
            values: [(b, nil), (marker, nil)]
        ),
        Case(
            name: "prune before the delete does nothing",
            operations: [pruneThree, .delete(b)],
            outcome: .applied,
            values: [(b, nil), (marker, "marker")]
        ),
        Case(
            name: "prune sees the batch's own put",
            operations: [.delete(b), .put(key(3, 2), record("c")), pruneThree],
            outcome: .applied,
            values: [(marker, "marker"), (key(3, 2), "c")]
        ),
        Case(
            name: "prune sees a put that was deleted again",
            operations: [
                .delete(b), .put(key(3, 2), record("c")), .delete(key(3, 2)), pruneThree,
            ],
            outcome: .applied,
            values: [(marker, nil)]
        ),
        Case(
            name: "prune walks up while directories empty",
            operations: [
                .delete(b),
                .prune([
                    PruneStep(marker: marker, directory: prefix(3)),
                    PruneStep(marker: key(4, 2), directory: prefix(2)),
                ]),
            ],
            outcome: .applied,
            values: [(marker, nil), (key(4, 2), nil)]
        ),
        Case(
            name: "prune stops at the first directory that is not empty",
            operations: [
                .delete(b),
                .prune([
                    PruneStep(marker: marker, directory: prefix(3)),
                    PruneStep(marker: key(5, 1), directory: prefix(1)),
                    PruneStep(marker: a, directory: prefix(8)),
                ]),
            ],
            outcome: .applied,
            values: [(marker, nil), (a, "a")]
        ),
        Case(
            name: "prune goes on past a marker that is absent",
            operations: [
                .delete(b), .delete(marker),
                .prune([
                    PruneStep(marker: key(6, 6), directory: prefix(3)),
                    PruneStep(marker: a, directory: prefix(2)),
                ]),
            ],
            outcome: .applied,
            values: [(a, nil)]
        ),
        Case(
            name: "a later put of a key wins",
            operations: [.put(a, record("x")), .put(a, record("y"))],
            outcome: .applied,
            values: [(a, "y")]
        ),
        Case(
            name: "an empty batch is fine",
            operations: [],
            outcome: .applied,
            values: [(a, "a")]
        ),
    ]

    @Test("operation semantics, over overlay and table", arguments: cases, [false, true])
    func semantics(example: Case, isApplied: Bool) throws {
        let (folder, store) = try prepared(isApplied: isApplied)
        let evaluation = try store.commit(example.operations)
        #expect(Outcome(evaluation) == example.outcome)
        for (key, value) in example.values {
            #expect(try store.value(key) == value)
        }
        #expect(store.view { $0.evaluatedIndex } == 3)
        try store.applyThrough(3)
        for (key, value) in example.values {
            #expect(try store.value(key) == value)
        }
        _ = folder
    }

    @Test("a record gets the index of its entry, and its checksum holds")
    func stamping() throws {
        let (folder, store) = try prepared(isApplied: false)
        #expect(try store.index(Self.a) == 1)
        #expect(try store.index(Self.b) == 2)
        #expect(try store.view { try $0.modificationIndex(of: Self.b) } == 2)
        #expect(try store.view { try $0.modificationIndex(of: key(9, 9)) } == nil)
        try store.applyThrough(2)
        #expect(try store.index(Self.a) == 1)
        #expect(try store.index(Self.b) == 2)
        #expect(try store.view { try $0.modificationIndex(of: Self.b) } == 2)
        _ = folder
    }

    @Test("a request happens once, from overlay and from table", arguments: [false, true])
    func once(isApplied: Bool) throws {
        let (folder, store) = try prepared(isApplied: isApplied)
        let once = BatchOperation.once(requestID: requestID(5))
        let check = BatchOperation.check(key(7, 7), modificationIndex: 0)
        #expect(
            Outcome(try store.commit([check, .put(key(7, 7), record("x")), once])) == .applied
        )
        if isApplied { try store.applyThrough(3) }
        #expect(
            Outcome(try store.commit([check, .put(key(7, 7), record("y")), once]))
                == .duplicate(3)
        )
        #expect(try store.value(key(7, 7)) == "x")
        #expect(try store.view { try $0.requestIndex(requestID(5)) } == 3)
        #expect(try store.view { try $0.requestIndex(requestID(6)) } == nil)
        _ = folder
    }

    @Test("a rejected batch leaves its request id free")
    func onceAfterRejection() throws {
        let (folder, store) = try prepared(isApplied: false)
        let once = BatchOperation.once(requestID: requestID(5))
        #expect(
            Outcome(try store.commit([once, .check(Self.a, modificationIndex: 9)]))
                == .rejected(1)
        )
        #expect(Outcome(try store.commit([once, .delete(Self.a)])) == .applied)
        _ = folder
    }

    @Test("request ids are forgotten by index, the same whether pruned yet or not")
    func requestRetention() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.requestsRetained = 10
        let store = try folder.open(options)
        try store.fillLog(100)
        let once = BatchOperation.once(requestID: requestID(1))
        #expect(Outcome(try store.commit([once])) == .applied)
        for _ in 2...10 { try store.commit([]) }
        try store.applyThrough(10)
        #expect(Outcome(try store.commit([once])) == .duplicate(1))  // at index 11
        #expect(Outcome(try store.commit([once])) == .applied)  // at 12: 11 indexes later
        try store.applyThrough(12)
        #expect(try store.view { try $0.requestIndex(requestID(1)) } == 12)
        // Forgotten in steps: when index 64 is passed.
        for _ in 13...80 { try store.commit([]) }
        for index in UInt64(13)...80 { try store.applyThrough(index) }
        #expect(try store.view { try $0.requestIndex(requestID(1)) } == nil)
        #expect(Outcome(try store.commit([once])) == .applied)
    }

    @Test("evaluating twice at one index gives equal layers")
    func deterministic() throws {
        let (folder, store) = try prepared(isApplied: true)
        let operations: [BatchOperation] = [
            .put(key(8, 2), record("x")), .put(key(8, 1), record("y")), .delete(Self.b),
            Self.pruneThree, .once(requestID: requestID(9)),
        ]
        let layers = try (0..<2).map { _ in
            try store.view { try evaluate(batch(operations), at: 3, in: $0) }
        }
        guard case .applied(let first) = layers[0], case .applied(let second) = layers[1] else {
            Issue.record("not applied")
            return
        }
        #expect(first.writes.map(\.0) == second.writes.map(\.0))
        #expect(first.writes.map(\.1) == second.writes.map(\.1))
        #expect(first.writes.map(\.0) == first.writes.map(\.0).sorted())
        #expect(first.requestID == requestID(9))
        _ = folder
    }

    @Test("a leader's pending layers are seen, those already evaluated left out")
    func pendingLayers() throws {
        let (folder, store) = try prepared(isApplied: false)
        let pending = [
            OverlayLayer(
                index: 2,
                writes: [(Self.a, record("stale").encoded())],
                requestID: nil
            ),
            OverlayLayer(index: 3, writes: [(Self.b, nil)], requestID: requestID(4)),
        ]
        try store.view(pending: pending) { (view) throws in
            #expect(view.evaluatedIndex == 3)
            #expect(try view.record(Self.a)?.valueBox == Array("a".utf8))
            #expect(try view.record(Self.b) == nil)
            #expect(try view.requestIndex(requestID(4)) == 3)
        }
        #expect(try store.value(Self.b) == "b")
        #expect(store.overlayCount == 2)
        _ = folder
    }
}
