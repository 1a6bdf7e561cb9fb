import Store
import Synchronization
import TestSupport
import Testing
import Wire

/// Counts what callbacks bring.
final class Counter: Sendable {
    private let number = Mutex(0)
    func count() { number.withLock { $0 += 1 } }
    var value: Int { number.withLock { $0 } }
}

@Suite("Looking over a whole store")
struct ScrubTests {
    private func body(_ index: UInt64) -> [UInt8] {
        Array("body of entry \(index) ".utf8) + [UInt8](repeating: UInt8(index), count: 2_500)
    }

    /// Longer than the tag at its end, which the digest knows.
    private func value(_ number: UInt8) -> String {
        "value number \(number)! and its authentic tag"
    }

    /// 30 log entries, records in several directories, all applied.
    private func fill(_ store: LocalStore) throws {
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 3, vote: nil, commit: 0)
            try transaction.appendEntries((1...30).map { entry($0, term: 3, body: body($0)) })
        }
        for number in UInt8(1)...20 {
            try store.commit([.put(key(number % 5, number), record(value(number)))])
        }
        try store.write { (transaction) throws(StoreError) in
            let layers = store.layers(after: 0, through: 20)
            try transaction.apply(layers: layers, appliedIndex: 20, appliedTerm: 3)
        }
        store.pruneOverlay(through: 20)
    }

    private func passLog(_ store: LocalStore, bytesMax: Int = 5_000) throws -> [ScrubFinding] {
        var scrub = LogScrub()
        var findings: [ScrubFinding] = []
        for _ in 0..<10_000 {
            let slice = try store.scrubLog(&scrub, bytesMax: bytesMax)
            findings += slice.findings
            if slice.isFinished { return findings }
        }
        Issue.record("the pass does not end")
        return findings
    }

    private func passState(_ store: LocalStore, bytesMax: Int = 200) throws -> [ScrubFinding] {
        var scrub = StateScrub()
        var findings: [ScrubFinding] = []
        for _ in 0..<10_000 {
            let slice = try store.scrubState(&scrub, bytesMax: bytesMax)
            findings += slice.findings
            if slice.isFinished { return findings }
        }
        Issue.record("the pass does not end")
        return findings
    }

    private func damaged(_ needle: [UInt8], at offset: Int) throws -> TemporaryFolder {
        let folder = TemporaryFolder()
        do { try fill(try folder.open()) }
        let database = folder.node + "/holdfast.mdb"
        let places = FileBytes.places(of: needle, in: readFile(database))
        try #require(!places.isEmpty)
        for place in places { flip(database, at: place + offset) }
        return folder
    }

    @Test("a healthy store has no findings, whatever the slices", arguments: [1, 300, 1 << 20])
    func clean(bytesMax: Int) throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try fill(store)
        #expect(try passLog(store, bytesMax: bytesMax) == [])
        #expect(try passState(store, bytesMax: bytesMax) == [])
    }

    @Test("a body, a header and a record are each found as what they are")
    func kinds() throws {
        let lostBody = try damaged(Array("body of entry 7 ".utf8), at: 3)
        guard case .body(let lost) = try passLog(try lostBody.open()).first else {
            Issue.record("the body was not found")
            return
        }
        #expect(lost.index == 7 && lost.digest == testDigest(body(7)))

        let lostHeader = try damaged(testDigest(body(9)), at: 5)
        let expected = StoreError.damagedLogHeader(index: 9, reason: "malformed input: checksum")
        #expect(try passLog(try lostHeader.open()) == [.structure(expected)])

        let lostRecord = try damaged(Array("value number 7!".utf8), at: 2)
        let found = try passState(try lostRecord.open())
        #expect(found == [.record(key(2, 7), reason: "record checksum")])
    }

    @Test("a record that cannot be found any more leaves its bucket wrong")
    func lostKey() throws {
        // The last key of its directory, made a higher one: still in order, another name.
        let folder = try damaged(key(3, 18).bytes, at: 30)
        let store = try folder.open()
        #expect(try store.value(key(3, 18)) == nil, "this is what a false miss looks like")
        let findings = try passState(store)
        let reason = "its records do not add up to its digest"
        #expect(findings == [.bucket(3, reason: reason)])
    }

    @Test("records that a walk finds and a lookup does not are damage of the tree")
    func wrongBranch() throws {
        let folder = TemporaryFolder()
        let keys = (UInt8(0)..<240).map { key(7, $0) }
        do {
            let store = try folder.open()
            try store.fillLog(2)
            try store.commit(keys.map { .put($0, record(value($0.bytes[31]))) })
            try store.applyThrough(1)
            #expect(try store.bucketDamage(7) == nil)
            #expect(try store.walkStructure().rows > 240)
        }
        // The first key of a leaf stands in the branch page above it, too. Made higher there, it
        // sends lookups of what follows it to the leaf before.
        let database = folder.node + "/holdfast.mdb"
        let bytes = readFile(database)
        let places = keys.filter { $0.bytes[31] & 0x10 == 0 }.flatMap { key in
            FileBytes.places(of: key.bytes, in: bytes).filter { bytes[$0 & ~4_095 + 10] == 1 }
        }
        try #require(!places.isEmpty)
        for place in places { flip(database, at: place + 31) }
        let store = try folder.open()
        let missing = try keys.filter { try store.value($0) == nil }
        #expect(!missing.isEmpty, "this is what a false miss looks like")
        #expect(try self.keys(store).count == keys.count, "a list shows them all")

        let reason = "a row that a walk over a table finds cannot be looked up"
        #expect(throws: StoreError.corrupt(reason)) { try store.bucketDamage(7) }
        let failure = #expect(throws: StoreError.self) { try store.walkStructure() }
        #expect(failure?.isDamage == true)
        var pages = PageScrub()
        guard case .structure = try store.scrubPages(&pages, bytesMax: .max).findings.first else {
            Issue.record("the keys of a page and of the branch above it differ")
            return
        }
        for slice in [200, 1 << 20] {
            let found = try passState(store, bytesMax: slice)
            #expect(found.contains(.structure(.corrupt(reason))))
        }
    }

    @Test("a page in another page's place is found, though it reads well")
    func misdirectedPage() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try fill(store)
            #expect(try store.walkStructure().rows > 40)
        }
        let database = folder.node + "/holdfast.mdb"
        let bytes = readFile(database)
        // Its number, the first eight bytes of the page, is all that tells.
        let place = try #require(FileBytes.places(of: key(3, 18).bytes, in: bytes).last) & ~4_095
        flip(database, at: place)
        let store = try folder.open()
        #expect(try passState(store) == [], "readers never look at it")
        let number = UInt64(place / 4_096)
        let reason = "in the place of page \(number) is another one"
        var pages = PageScrub()
        let live = try store.scrubPages(&pages, bytesMax: .max)
        #expect(live.findings == [.structure(.corrupt(reason))])
        #expect(throws: StoreError.corrupt(reason)) { try store.walkStructure() }
    }

    private func keys(_ store: LocalStore) throws -> [StorageKey] { try store.keys(prefix(7)) }

    @Test("one bucket is added up by itself, in the moment that a view shows")
    func oneBucket() throws {
        let lost = try damaged(key(3, 18).bytes, at: 30)
        let store = try lost.open()
        let reason = "its records do not add up to its digest"
        #expect(try (0..<256).filter { try store.bucketDamage($0) != nil } == [3])
        let doubts = try store.view { view throws(StoreError) -> ViewDoubts in
            #expect(try view.record(key(3, 18)) == nil)
            #expect(try view.record(key(4, 99)) == nil)
            #expect(try !view.isEmpty(key(2, 1).directory))
            #expect(try store.bucketDamage(3, in: view) == reason)
            #expect(try store.bucketDamage(4, in: view) == nil)
            return view.doubts()
        }
        #expect(doubts.missedBuckets.all == [3, 4] && doubts.scannedBuckets.all == [2])

        // A value hides nothing: whoever reads it finds it.
        let value = try damaged(Array("value number 7!".utf8), at: 2)
        #expect(try value.open().bucketDamage(2) == nil)
        // Written over without being read: what it was counted as is not known any more.
        let writer = try value.open()
        try writer.commit([.put(key(2, 7), record("another"))])
        try writer.write { (transaction) throws(StoreError) in
            let layers = writer.layers(after: 20, through: 21)
            try transaction.apply(layers: layers, appliedIndex: 21, appliedTerm: 3)
        }
        #expect(try writer.bucketDamage(2) == "what it should add up to is not known")
    }

    @Test("sets of buckets")
    func sets() {
        var set = BucketSet([255, 0, 64, 63])
        #expect(set.all == [0, 63, 64, 255] && !set.isEmpty && BucketSet().isEmpty)
        set.insert(128)
        #expect(set.contains(128) && !set.contains(127))
        #expect(BucketSet([1]).union(BucketSet([200])).all == [1, 200])
    }

    @Test("a record is put back only if the bucket then adds up")
    func repairRecord() throws {
        let healthy = TemporaryFolder()
        let lender = try healthy.open()
        try fill(lender)
        let folder = try damaged(Array("value number 7!".utf8), at: 2)
        let store = try folder.open()
        let lent = try lender.lendBucket(2, from: nil, bytesMax: 1 << 20)
        let right = try #require(lent.records.first { $0.key == key(2, 7) })
        let other = try #require(lent.records.first { $0.key != key(2, 7) })
        for wrong in [
            [RepairedRecord(key: key(2, 7), bytes: other.bytes)],
            [RepairedRecord(key: key(2, 7), bytes: nil)],
            [right, RepairedRecord(key: key(2, 99), bytes: other.bytes)],
        ] {
            #expect(throws: StoreError.self) {
                try store.write { (transaction) throws(StoreError) in
                    try transaction.repairRecords(wrong, bucket: 2)
                }
            }
            #expect(throws: StoreError.self) { try store.value(key(2, 7)) }
        }
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords([right], bucket: 2)
        }
        #expect(try store.value(key(2, 7)) == value(7))
        #expect(try passState(store) == [])
        #expect(try store.stateDigest() == (try lender.stateDigest()))
    }

    @Test("a bucket that is written to all the time is looked at in the end")
    func busyBucket() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try fill(store)
        var scrub = StateScrub(bucket: 1)
        var index: UInt64 = 21
        var slices = 0
        while index <= 30 {
            let slice = try store.scrubState(&scrub, bytesMax: 60)
            #expect(slice.findings == [])
            slices += 1
            if scrub.bucket != 1 { break }
            try store.commit([.put(key(1, 21), record("again \(index)"))])
            try store.write { (transaction) throws(StoreError) in
                let layers = store.layers(after: index - 1, through: index)
                try transaction.apply(layers: layers, appliedIndex: index, appliedTerm: 3)
            }
            store.pruneOverlay(through: index)
            index += 1
        }
        #expect(scrub.bucket != 1, "it never came to an end")
        #expect(slices > 2)
    }

    @Test("a pass over the log survives its beginning and its end being dropped")
    func movingLog() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try fill(store)
        var scrub = LogScrub()
        #expect(try store.scrubLog(&scrub, bytesMax: 20_000).findings == [])
        try store.write { (transaction) throws(StoreError) in
            try transaction.dropLog(through: 15, entriesMax: 100)
            try transaction.truncateLog(from: 25)
        }
        for _ in 0..<20 {
            let slice = try store.scrubLog(&scrub, bytesMax: 8_000)
            #expect(slice.findings == [])
            if slice.isFinished { return }
        }
        Issue.record("the pass does not end")
    }
}
