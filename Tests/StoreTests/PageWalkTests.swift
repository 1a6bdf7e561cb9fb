import Synchronization
import TestSupport
import Testing

@testable import Store

@Suite("Walking over the pages of a database that is in use")
struct PageWalkTests {
    private static let pageBytes = 4_096

    private func long(_ number: UInt8, _ bytes: Int) -> Record {
        record(String(repeating: "value \(number) ", count: bytes / 8))
    }

    /// Rows in every table and pages that are free; no value has pages of its own.
    private func fill(_ store: LocalStore) throws {
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries(
                (1...40).map { entry($0, body: [UInt8](repeating: UInt8($0), count: 2_500)) }
            )
        }
        for number in UInt8(1)...40 {
            try store.commit(
                [
                    .once(requestID: requestID(UInt64(number))),
                    .put(key(number % 5, number), long(number, 600)),
                ],
                id: UInt64(number)
            )
        }
        try store.applyThrough(40)
        try store.write { (transaction) throws(StoreError) in
            _ = try transaction.dropLog(through: 20, entriesMax: 100)
        }
    }

    private func filled() throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        try fill(try folder.open())
        return folder
    }

    private func pass(
        _ store: LocalStore,
        bytesMax: Int = 3 * Self.pageBytes
    ) throws -> (findings: [ScrubFinding], pages: UInt64) {
        var scrub = PageScrub()
        var pages: UInt64 = 0
        for _ in 0..<10_000 {
            let slice = try store.scrubPages(&scrub, bytesMax: bytesMax)
            pages += slice.pages
            if slice.isFinished { return (slice.findings, pages) }
        }
        Issue.record("the pass does not end")
        return ([], pages)
    }

    private func header(_ path: String) -> PageHeader {
        let bytes = readFile(path)
        let headers = [0, 1].map { number in
            PageHeader(Array(bytes[number * Self.pageBytes..<(number + 1) * Self.pageBytes]))
        }
        return headers[headers[0].transactionID < headers[1].transactionID ? 1 : 0]
    }

    private func page(_ number: UInt64, _ path: String) throws -> (page: Page, bytes: [UInt8]) {
        let start = Int(number) * Self.pageBytes
        let bytes = Array(readFile(path)[start..<start + Self.pageBytes])
        return (try Page(bytes, at: number), bytes)
    }

    private func overwrite(_ path: String, _ bytes: [UInt8], at offset: Int) {
        var whole = readFile(path)
        whole.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        writeFile(path, whole)
    }

    @Test("each page of each table is looked at once, and one in a wrong place is found")
    func everyPage() throws {
        let folder = try filled()
        let store = try folder.open()
        let growth = try store.growth()
        #expect(growth.freePages > 0)
        // Without the two headers: all that is neither free nor looked at would be lost.
        let used = growth.usedPages - growth.freePages - 2
        for bytesMax in [1, 3 * Self.pageBytes, Int.max] {
            let clean = try pass(store, bytesMax: bytesMax)
            #expect(clean.findings == [] && clean.pages == used)
        }
        let database = folder.node + "/holdfast.mdb"
        var found: UInt64 = 0
        for number in 2..<growth.usedPages {
            // Its number, the first eight bytes of the page, is all that tells.
            flip(database, at: Int(number) * Self.pageBytes)
            let reason = "in the place of page \(number) is another one"
            let findings = try pass(store, bytesMax: .max).findings
            if findings == [.structure(.corrupt(reason))] { found += 1 }
            #expect(findings.count <= 1)
            flip(database, at: Int(number) * Self.pageBytes)
        }
        #expect(found == used)
        #expect(try pass(store).findings == [])
    }

    @Test("a page that is in use and in the list of free pages is found")
    func freeAndUsed() throws {
        let folder = try filled()
        let database = folder.node + "/holdfast.mdb"
        let header = header(database)
        let top = try #require(header.free.top).number
        let (list, bytes) = try page(top, database)
        let row = list.value(try #require(try list.nodes().first))
        let place = try #require(FileBytes.places(of: row, in: bytes).first)
        let used = try #require(header.names.top).number
        var number = used.littleEndian
        let changed = unsafe withUnsafeBytes(of: &number) { unsafe Array($0) }
        overwrite(database, changed, at: Int(top) * Self.pageBytes + place + 8)
        let store = try folder.open()
        let reason = "page \(used) is used twice"
        #expect(try pass(store).findings == [.structure(.corrupt(reason))])
    }

    @Test("pages that hang in each other's places are found, though each is sound")
    func swappedChildren() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.fillLog(2)
            try store.commit((UInt8(0)..<240).map { .put(key(7, $0), long($0, 200)) })
            try store.applyThrough(1)
            #expect(try pass(store).findings == [])
        }
        let database = folder.node + "/holdfast.mdb"
        let bytes = readFile(database)
        let names = try page(try #require(header(database).names.top).number, database).page
        let name = try #require(
            try names.nodes().first { names.key($0) == Array("state".utf8)[...] }
        )
        let top = try #require(PageTable(names.value(name), at: 0).top).number
        let branch = try page(top, database).page
        let start = Int(top) * Self.pageBytes
        let nodes = try branch.nodes().map { start + $0 }
        for (one, other) in [(nodes[0], nodes[1]), (nodes[2], nodes[4])] {
            let children = [bytes[one..<one + 6], bytes[other..<other + 6]].map { Array($0) }
            overwrite(database, children[1], at: one)
            overwrite(database, children[0], at: other)
            for bytesMax in [1, Int.max] {
                guard
                    case .structure(.corrupt) = try pass(try folder.open(), bytesMax: bytesMax)
                        .findings.first
                else {
                    Issue.record("nothing was found")
                    return
                }
            }
            overwrite(database, children[0], at: one)
            overwrite(database, children[1], at: other)
        }
        #expect(try pass(try folder.open()).findings == [])
    }

    @Test("what is written meanwhile is never called damaged, and passes come to an end")
    func busy() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let faults = Mutex<[String]>([])
        let isDone = Atomic(false)
        let passes = Atomic(0)
        let scrubber = TestThread {
            var random = Seeded(5)
            var scrub = PageScrub()
            while !isDone.load(ordering: .acquiring) {
                do {
                    let bytesMax = Self.pageBytes * random.below(12) + 1
                    let slice = try store.scrubPages(&scrub, bytesMax: bytesMax)
                    for finding in slice.findings { faults.withLock { $0.append("\(finding)") } }
                    if slice.isFinished { passes.wrappingAdd(1, ordering: .relaxed) }
                } catch {
                    faults.withLock { $0.append("\(error)") }
                }
            }
        }
        var random = Seeded(6)
        try store.fillLog(1)
        try store.commit([])
        try store.applyThrough(1)
        var index: UInt64 = 1
        // So many turns at least, and until the scrubber was through a few times.
        while index < 400 || passes.load(ordering: .relaxed) < 5, index < 20_000 {
            try store.write { (transaction) throws(StoreError) in
                let last = transaction.point.last.index
                try transaction.appendEntries((last + 1...index + 3).map { entry($0) })
                if index % 30 == 1 { try transaction.truncateLog(from: index + 2) }
                let next = transaction.point.last.index + 1
                let bodies = (next...index + 4).map {
                    entry($0, body: [UInt8](repeating: 7, count: 900))
                }
                try transaction.appendEntries(bodies)
                _ = try transaction.dropLog(through: index, entriesMax: 9)
            }
            for _ in 0..<3 {
                let (directory, name) = (UInt8(random.below(9)), UInt8(random.below(200)))
                let size = random.below(10) == 0 ? 9_000 : 700
                let isGone = random.below(3) == 0
                try store.commit([
                    isGone
                        ? .delete(key(directory, name))
                        : .put(key(directory, name), long(name, random.below(size)))
                ])
            }
            index = store.view { $0.evaluatedIndex }
            try store.applyThrough(index)
        }
        isDone.store(true, ordering: .releasing)
        scrubber.join()
        #expect(faults.withLock { $0 } == [])
        #expect(passes.load(ordering: .relaxed) >= 5)
        #expect(try pass(store, bytesMax: 1).findings == [])
    }
}
