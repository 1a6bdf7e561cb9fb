import TestSupport
import Testing

@testable import Store

@Suite("A bucket as it was some entries ago")
struct RecentChangesTests {
    /// Forty entries that write over, add and delete in bucket 3, and in another one.
    private func entries(_ store: LocalStore, _ each: (UInt64) throws -> Void) throws {
        var random = Seeded(3)
        try store.fillLog(60)
        for index in UInt64(1)...40 {
            var operations: [BatchOperation] = []
            for name in Set((0..<3).map { _ in UInt8(random.below(12)) }).sorted() {
                let size = random.below(4) == 0 ? 9_000 : 40
                let value = String(repeating: "\(index) ", count: size / 3)
                operations.append(
                    random.below(3) == 0
                        ? .delete(key(3, name)) : .put(key(3, name), record(value))
                )
            }
            operations.append(.put(key(4, 1), record("elsewhere")))
            try store.commit(operations)
            try store.applyThrough(index)
            try each(index)
        }
    }

    private func lend(
        _ store: LocalStore,
        asOf index: UInt64,
        bytesMax: Int
    ) throws -> (LentBucket, [RepairedRecord]) {
        var records: [RepairedRecord] = []
        var next: StorageKey?
        while true {
            let lent = try store.lendBucket(3, asOf: index, from: next, bytesMax: bytesMax)
            records += lent.records
            next = lent.next
            if next == nil { return (lent, records) }
        }
    }

    @Test("what is lent as of any entry is what was lent then", arguments: [1, 500, 1 << 20])
    func model(bytesMax: Int) throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        var then: [LentBucket] = []
        try entries(store) { index in
            let lent = try store.lendBucket(3, from: nil, bytesMax: 1 << 20)
            #expect(lent.appliedIndex == index && lent.isComplete)
            then.append(lent)
        }
        for lent in then {
            let (now, records) = try lend(store, asOf: lent.appliedIndex, bytesMax: bytesMax)
            #expect(now.appliedIndex == lent.appliedIndex && now.isComplete)
            #expect(now.bucket == lent.bucket && records == lent.records)
            let changed = try #require(
                try store.changedKeys(ofBucket: 3, after: lent.appliedIndex)
            )
            let levelled = try store.levelled(lent.bucket, lent.records, changed: changed)
            #expect(levelled == then.last?.bucket)
        }
        // What is not there yet, and what an earlier process applied, is lent as of now.
        #expect(try lend(store, asOf: 41, bytesMax: bytesMax).0.appliedIndex == 40)
    }

    @Test("after a repair, a start or a gap nothing before it is told")
    func forgotten() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try entries(store) { _ in }
            let lent = try store.lendBucket(3, from: nil, bytesMax: 1 << 20)
            #expect(try store.changedKeys(ofBucket: 3, after: 30) != nil)
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords(Array(lent.records.prefix(1)), bucket: 3)
            }
            #expect(try store.changedKeys(ofBucket: 3, after: 39) == nil)
            #expect(try store.changedKeys(ofBucket: 3, after: 40) == [])
            #expect(try store.lendBucket(3, asOf: 30, from: nil, bytesMax: 1).appliedIndex == 40)
        }
        let store = try folder.open()
        #expect(try store.changedKeys(ofBucket: 3, after: 39) == nil)
        #expect(try store.changedKeys(ofBucket: 3, after: 40) == [])
    }

    @Test("memory is bounded, and an entry's changes go together")
    func bounds() {
        var recent = RecentChanges()
        let large = RecentChanges.Former.record([UInt8](repeating: 1, count: 5 << 20))
        for index in UInt64(11)...14 {
            let changes = [UInt8(1), 2].map { name in
                RecentChanges.Change(
                    index: index,
                    key: key(3, name),
                    former: name == 1 ? large : .nothing
                )
            }
            recent.add(changes, after: index - 1, through: index)
        }
        // Of four times 5 MiB three fit.
        #expect(recent.formers(ofBucket: 3, after: 10, through: 14) == nil)
        #expect(recent.formers(ofBucket: 3, after: 11, through: 14)?.map(\.index) == [12, 12])
        #expect(recent.formers(ofBucket: 4, after: 11, through: 14) == [])
        #expect(recent.formers(ofBucket: 3, after: 13, through: 15) == nil)
        recent.add([], after: 20, through: 21)
        #expect(recent.formers(ofBucket: 3, after: 13, through: 14) == nil)
        #expect(recent.formers(ofBucket: 3, after: 20, through: 21) == [])
        for index in UInt64(22)...40_021 {
            let change = RecentChanges.Change(index: index, key: key(3, 1), former: .nothing)
            recent.add([change], after: index - 1, through: index)
        }
        #expect(recent.formers(ofBucket: 3, after: 7_253, through: 40_021)?.count == 1)
        #expect(recent.formers(ofBucket: 3, after: 7_252, through: 40_021) == nil)
    }
}
