import Store
import TestSupport
import Testing

/// What is kept of a view and used again: on which buckets it rests, and until when it counts.
@Suite("What is kept of a view")
struct EditionTests {
    /// Records in buckets 1 to 3 on disk, and one in bucket 4 that is evaluated only.
    private func filled(_ folder: TemporaryFolder) throws -> LocalStore {
        let store = try folder.open()
        try store.fillLog(10)
        try store.commit([
            .put(key(1, 1), record("a")), .put(key(2, 1), record("b")),
            .put(key(3, 1), record("c")),
        ])
        try store.applyThrough(1)
        try store.commit([.put(key(4, 1), record("d"))])
        return store
    }

    @Test("a recording has what was noted in it, and what is used again is noted as it was")
    func recording() throws {
        let folder = TemporaryFolder()
        let store = try filled(folder)
        let outer = try store.view { view throws(StoreError) -> RestedBuckets in
            _ = try view.record(key(3, 1))
            let outer = try view.recording { () throws(StoreError) -> RestedBuckets in
                _ = try view.record(key(1, 1))
                let inner = try view.recording { () throws(StoreError) in
                    _ = try view.modificationIndex(of: key(2, 1))
                    _ = try view.contains(key(2, 9))
                    _ = try view.record(key(4, 1))
                    return try view.isEmpty(prefix(5))
                }
                #expect(inner.value)
                #expect(inner.rested.found.all == [2])
                #expect(inner.rested.absent.all == [2, 5])
                #expect(inner.rested.asked.all == [2, 4, 5])
                return inner.rested
            }
            #expect(outer.rested.found.all == [1, 2])
            #expect(outer.rested.absent == outer.value.absent)
            #expect(view.doubts().foundBuckets.all == [1, 2, 3])
            // What an error ends is in the one around it all the same.
            let around = view.recording {
                #expect(throws: StoreError.full) {
                    _ = try view.recording { () throws(StoreError) in
                        _ = try view.record(key(3, 1))
                        throw StoreError.full
                    }
                }
            }
            #expect(around.rested.found.all == [3])
            return outer.rested
        }
        store.view { view in
            let recorded = view.recording { view.note(outer) }
            #expect(recorded.rested == outer)
            let doubts = view.doubts()
            #expect(doubts.missed == [] && doubts.scannedBuckets.isEmpty)
            #expect(doubts.restedBuckets(countingRecords: true).all == [1, 2, 5])
            #expect(doubts.restedBuckets(countingRecords: false).all == [2, 5])
            #expect(doubts.askedBuckets.all == [1, 2, 4, 5])
        }
        #expect(store.view { $0.recording {}.rested } == RestedBuckets())
    }

    @Test("a repair begins an edition: views before it never share one with views after it")
    func repairs() throws {
        let folder = TemporaryFolder()
        let store = try filled(folder)
        let first = store.view { $0.edition }
        #expect(first == store.edition)
        try store.applyThrough(2)
        #expect(store.view { $0.edition } == first, "entries begin none")
        let repaired = try store.view { view throws(StoreError) -> StateEdition in
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords([], bucket: 1)
            }
            #expect(view.edition == first && view.edition < store.edition)
            return store.edition
        }
        #expect(store.view { $0.edition } == repaired && repaired > first)
        // Entries after it are of the same.
        try store.commit([.put(key(1, 2), record("e"))])
        try store.applyThrough(3)
        #expect(store.view { $0.edition } == repaired)
        #expect(throws: StoreError.full) {
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords([], bucket: 1)
                throw StoreError.full
            }
        }
        #expect(store.edition == repaired, "what was dropped repaired nothing")
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords([], bucket: 2)
        }
        #expect(store.view { $0.edition } == store.edition && store.edition > repaired)
    }

    @Test("a snapshot that is installed begins an edition")
    func install() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let path = try InstallTests.snapshots(1, in: source)[0]
        let store = try InstallTests.follower(target)
        let before = store.view { $0.edition }
        try store.prepareSnapshot(from: path)
        #expect(store.edition == before)
        try store.importSnapshot(from: path)
        #expect(store.edition > before && store.view { $0.edition } == store.edition)
    }
}
