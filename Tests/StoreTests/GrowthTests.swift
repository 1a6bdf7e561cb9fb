import Glibc
import Store
import TestSupport
import Testing

@Suite("Growth")
struct GrowthTests {
    @Test("what the file holds is counted")
    func counted() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let before = try store.growth()
        try store.fillLog(400)
        for name in UInt8(1)...200 {
            try store.commit([.put(key(1, name), record("value"))])
        }
        try store.applyThrough(200)
        let full = try store.growth()
        #expect(full.logEntries == 400)
        #expect(full.records == 200)
        #expect(full.usedPages > before.usedPages)
        #expect(full.usedPages * full.pageBytes <= full.fileBytes)
        #expect(full.fileBytes == UInt64(readFile(folder.node + "/holdfast.mdb").count))
        #expect(full.counters.commits == 2)
        try store.write { (t) throws(StoreError) in
            _ = try t.dropLog(through: 200, entriesMax: 200)
        }
        let dropped = try store.growth()
        #expect(dropped.logEntries == 200)
        #expect(dropped.freePages > full.freePages)
        #expect(dropped.freeListRecords > 0)
        #expect(dropped.liveBytes < full.liveBytes)
    }

    @Test("the oldest open view is seen, and gone when it is closed")
    func oldest() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        #expect(try store.growth().oldestReaderNanoseconds == 0)
        try store.view { _ in
            usleep(20_000)
            let age = try store.growth().oldestReaderNanoseconds
            #expect(age >= 20_000_000 && age < 60_000_000_000)
        }
        #expect(try store.growth().oldestReaderNanoseconds == 0)
    }

    @Test("a scan that goes on for longer than its cap is ended, and its pages are used again")
    func expiredScan() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.viewSecondsMax = 1
        let store = try folder.open(options)
        try store.fillLog(10)
        for name in UInt8(1)...3 {
            try store.commit([.put(key(1, name), record("value"))])
        }
        try store.applyThrough(3)
        var seen = 0
        #expect(throws: StoreError.viewExpired(seconds: 1)) {
            try store.view { view in
                try view.scanHeads(prefix(1)) { _, _ in
                    seen += 1
                    usleep(1_100_000)
                    return true
                }
            }
        }
        #expect(seen == 1)
        #expect(try store.growth().expiredReaders == 1)
        #expect(try store.growth().oldestReaderNanoseconds == 0)
        #expect(try store.keys(prefix(1)).count == 3)
    }

    @Test("a snapshot's copy that goes on for longer than its cap is ended and leaves nothing")
    func expiredExport() throws {
        let folder = TemporaryFolder()
        var options = smallOptions
        options.exportSecondsMax = 1
        let store = try folder.open(options)
        try store.fillLog(3)
        try store.commit([.put(key(1, 1), record("value"))])
        try store.applyThrough(1)
        let path = folder.path + "/snapshot"
        #expect(throws: StoreError.viewExpired(seconds: 1)) {
            try store.exportSnapshot(to: path) { _ in
                usleep(1_100_000)
                return true
            }
        }
        #expect(!fileExists(path) && !fileExists(path + ".partial"))
        #expect(throws: StoreError.cancelled) {
            try store.exportSnapshot(to: path) { _ in false }
        }
    }

    @Test("large records among small ones need no pages side by side", .timeLimit(.minutes(3)))
    func largeRecords() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        var random = Seeded(7)
        try store.fillLog(4_000)
        func record(_ number: Int) -> [UInt8] {
            let isLarge = number % 4 == 0
            let bytes = isLarge ? 5_000 + random.below(40_000) : 300 + random.below(1_500)
            return sizedRecord(bytes, seed: random.next() % 1_000).encoded()
        }
        func write(_ index: UInt64, _ number: Int) throws {
            let layer = OverlayLayer(
                index: index,
                writes: [(key(UInt8(number), UInt8(number)), record(number))],
                requestID: nil
            )
            try store.write { (transaction) throws(StoreError) in
                try transaction.apply(layers: [layer], appliedIndex: index, appliedTerm: 1)
            }
        }
        let records = 250
        for number in 0..<records { try write(UInt64(number) + 1, number) }
        var worst = 0.0
        for index in UInt64(records) + 1...4_000 {
            try write(index, random.below(records))
            guard index % 250 == 0 else { continue }
            let growth = try store.growth()
            worst = max(
                worst,
                Double(growth.usedPages * growth.pageBytes) / Double(growth.liveBytes)
            )
        }
        print("used pages at most \(worst) times those that hold something")
        #expect(worst < 1.2)
        #expect(try store.stateFindings() == [])
    }
}
