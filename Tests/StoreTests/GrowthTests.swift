import Glibc
import Store
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
}
