import Store
import TestSupport
import Testing
import Wire

@Suite("What the state adds up to")
struct DigestTests {
    /// Writes that overwrite, delete and repeat, in as many transactions as `batches`.
    private func write(_ seed: UInt64, into store: LocalStore, applyEvery step: Int) throws {
        var random = Seeded(seed)
        try store.fillLog(120)
        for index in 1...120 {
            let operations = (0..<Int.random(in: 1...6, using: &random)).map { _ in
                let key = key(
                    UInt8.random(in: 0...9, using: &random),
                    UInt8.random(in: 0...7, using: &random)
                )
                guard UInt8.random(in: 0...3, using: &random) > 0 else {
                    return BatchOperation.delete(key)
                }
                let value = String(random.next(), radix: 16)
                return .put(key, record(value, name: "n" + value))
            }
            try store.commit(operations)
            if index % step == 0 { try store.applyThrough(UInt64(index)) }
        }
        try store.applyThrough(120)
    }

    @Test("equal histories add up equally, however they were cut into transactions")
    func cuts() throws {
        for seed in UInt64(1)...3 {
            let digests = try [1, 7, 120].map { step in
                let folder = TemporaryFolder()
                let store = try folder.open()
                try write(seed, into: store, applyEvery: step)
                return try store.stateDigest()
            }
            #expect(digests.allSatisfy { $0 == digests[0] })
            #expect(digests[0].isTrustworthy && digests[0].appliedIndex == 120)
        }
    }

    @Test("what is kept row by row is what a walk finds, and any change shows")
    func incremental() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let empty = try store.stateDigest()
        #expect(empty.buckets.allSatisfy { $0 == StateBucket() })
        try write(9, into: store, applyEvery: 5)
        try expectClean(store)
        let before = try store.stateDigest()
        #expect(before.root != empty.root)
        #expect(before.buckets.reduce(0) { $0 + $1.count } > 0)

        try store.fillLogOn(from: 121, through: 124)
        try store.commit([.put(key(40, 1), record("x"))])
        try store.applyThrough(121)
        let one = try store.stateDigest()
        try store.commit([.put(key(40, 1), record("y"))])
        try store.applyThrough(122)
        let two = try store.stateDigest()
        #expect(Set([before.root, one.root, two.root]).count == 3)
        #expect(one.buckets[40].count == 1 && two.buckets[40].count == 1)
        #expect(!one.buckets[40].matches(two.buckets[40]))
        try store.commit([.delete(key(40, 1))])
        try store.commit([.delete(key(40, 2))])
        try store.applyThrough(124)
        #expect(try store.stateDigest().root == before.root)
        try expectClean(store)
    }

    /// A walk over everything, in slices so small that buckets are cut.
    private func expectClean(_ store: LocalStore) throws {
        var scrub = StateScrub()
        var slices = 0
        while true {
            let slice = try store.scrubState(&scrub, bytesMax: 100)
            #expect(slice.findings == [])
            slices += 1
            if slice.isFinished { break }
        }
        #expect(slices > 2)
    }

    @Test(
        "a folder of an older format is added up when it is opened, whatever wrote there since",
        arguments: [1, 2]
    )
    func olderFolder(format: Int) throws {
        let folder = TemporaryFolder()
        var wanted: StateDigest?
        do {
            let store = try folder.open()
            try write(4, into: store, applyEvery: 10)
            wanted = try store.stateDigest()
        }
        // As an older program leaves it: rows that nobody kept, and the older marker.
        let database = folder.node + "/holdfast.mdb"
        let bucket = try #require(wanted?.buckets.first { $0.count > 0 })
        var writer = ByteWriter()
        writer.writeUInt64(bucket.count)
        let places = FileBytes.places(of: [1, 0] + writer.bytes, in: readFile(database))
        try #require(!places.isEmpty)
        for place in places { flip(database, at: place + 12) }
        writeFile(folder.node + "/FORMAT", Array("holdfast store \(format)\n".utf8))
        do {
            let said = Counter()
            var options = smallOptions
            options.onProgress = { _ in said.count() }
            let store = try folder.open(options)
            #expect(try store.stateDigest() == wanted)
            #expect(said.value > 0)
            try expectClean(store)
        }
        let format = String(decoding: readFile(folder.node + "/FORMAT"), as: UTF8.self)
        #expect(format == newestFormat)
    }

    @Test("a snapshot carries the root, and a file whose records do not add up is refused")
    func snapshot() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try write(5, into: store, applyEvery: 10)
        let path = folder.path + "/snapshot"
        let manifest = try store.exportSnapshot(to: path)
        #expect(manifest.stateRoot == (try store.stateDigest()).root)

        let other = TemporaryFolder()
        let target = try other.open()
        try target.fillLog(2)
        try target.importSnapshot(from: path)
        #expect(try target.stateDigest() == (try store.stateDigest()))
        try expectClean(target)
    }

    @Test("replacing a damaged record makes its bucket suspect, and comparing heals it")
    func suspect() throws {
        let folder = TemporaryFolder()
        let healthy = TemporaryFolder()
        let lender = try healthy.open()
        for folder in [folder, healthy] {
            let store = folder === healthy ? lender : try folder.open()
            try store.fillLog(5)
            try store.commit([.put(key(3, 1), record("the first value"))])
            try store.commit([.put(key(3, 2), record("another value"))])
            try store.applyThrough(2)
        }
        let database = folder.node + "/holdfast.mdb"
        for place in FileBytes.places(of: Array("the first value".utf8), in: readFile(database)) {
            flip(database, at: place + 2)
        }
        let store = try folder.open()
        for store in [store, lender] {
            try store.appendAgain([.put(key(3, 1), record("newer"))])
        }
        #expect(try !store.stateDigest().isTrustworthy)
        let lent = try lender.lendBucket(3, from: nil, bytesMax: 1 << 20)
        #expect(lent.appliedIndex == (try store.stateDigest()).appliedIndex)
        #expect(throws: StoreError.self) {
            try store.write { (transaction) throws(StoreError) in
                try transaction.repairRecords([], bucket: 3)
            }
        }
        try store.write { (transaction) throws(StoreError) in
            try transaction.repairRecords(lent.records, bucket: 3, expected: lent.bucket)
        }
        #expect(try store.stateDigest() == (try lender.stateDigest()))
        try expectCleanBucket(3, store)
    }

    private func expectCleanBucket(_ number: Int, _ store: LocalStore) throws {
        var scrub = StateScrub(bucket: number)
        #expect(try store.scrubState(&scrub, bytesMax: 1 << 20).findings == [])
    }
}

extension LocalStore {
    /// More log entries in term 1.
    func fillLogOn(from first: UInt64, through last: UInt64) throws {
        try write { (transaction) throws(StoreError) in
            try transaction.appendEntries((first...last).map { entry($0) })
        }
    }

    /// One more committed and applied batch in a log that has room for it.
    func appendAgain(_ operations: [BatchOperation]) throws {
        try commit(operations)
        try applyThrough(view { $0.evaluatedIndex })
    }
}
