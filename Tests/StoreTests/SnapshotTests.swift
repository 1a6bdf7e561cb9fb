import Store
import TestSupport
import Testing
import Wire

@Suite("Snapshots")
struct SnapshotTests {
    /// A store with records of many sizes, request ids, and a log that goes on after what is
    /// applied (entry 30 of 40).
    private func source(
        _ folder: TemporaryFolder,
        scale: Int = 3_000,
        largest: Int = 1 << 20
    ) throws -> LocalStore {
        let store = try folder.open()
        try store.fillLog(40)
        for number in UInt8(1)...30 {
            let size = number == 7 ? largest : Int(number) * scale
            let large = Record(
                flags: 1,
                dataKeyID: 7,
                nameBox: [number],
                valueBox: [UInt8](repeating: number, count: size)
            )
            try store.commit([
                .put(key(number % 4, number), large), .once(requestID: requestID(UInt64(number))),
            ])
        }
        try store.applyThrough(30)
        try store.commit([.put(key(1, 200), record("only evaluated"))])
        return store
    }

    /// A follower of the same cluster with a history of its own.
    private func follower(_ folder: TemporaryFolder) throws -> LocalStore {
        let store = try folder.open()
        try store.saveVote(term: 5, vote: 3)
        try store.write { (transaction) throws(StoreError) in
            var cluster = testCluster
            cluster.configuration = Array("older".utf8)
            cluster.bootCounter = 99
            try transaction.setCluster(cluster)
            try transaction.setHardState(term: 5, vote: 3, commit: 0)
            try transaction.appendEntries((1...6).map { entry($0) })
        }
        try store.commit([
            .put(key(3, 250), record("old")), .once(requestID: requestID(1_000)),
        ])
        try store.applyThrough(1)
        try store.commit([.put(key(3, 251), record("old too"))])
        return store
    }

    private func contents(_ store: LocalStore) throws -> [StorageKey: Record] {
        var contents: [StorageKey: Record] = [:]
        try store.view { (view) throws in
            for directory in UInt8(0)...4 {
                try view.scan(prefix(directory)) { key, record in
                    contents[key] = record
                    return true
                }
            }
        }
        return contents
    }

    @Test("what was exported is what the importer has, and nothing else")
    func roundTrip() throws {
        let folder = TemporaryFolder()
        let source = try source(folder)
        let path = folder.path + "/snapshot"
        var reports: [UInt64] = []
        let manifest = try source.exportSnapshot(to: path) { bytes in
            reports.append(bytes)
            return true
        }
        #expect(manifest.index == 30 && manifest.term == 1)
        #expect(manifest.recordCount == 30 && manifest.requestCount == 30)
        #expect(manifest.configuration == testCluster.configuration)
        #expect(manifest.clusterID == testCluster.clusterID)
        #expect(reports.count == Int(manifest.chunkCount) + 1)
        #expect(reports == reports.sorted())
        #expect(!fileExists(path + ".partial"))
        #expect(permissionBits(path) == 0o600)
        #expect(try LocalStore.verifySnapshot(at: path, digest: testDigest) == manifest)

        let other = TemporaryFolder()
        do {
            let target = try follower(other)
            #expect(try target.importSnapshot(from: path) == manifest)
            try checkImported(target, source)
            #expect(target.overlayCount == 0)
        }
        let reopened = try other.open()
        try checkImported(reopened, source)
        // The log goes on behind the snapshot and chains to its hash.
        try reopened.write { (transaction) throws(StoreError) in
            try transaction.appendEntries([entry(31), entry(32)])
        }
        #expect(try reopened.load().entries == [entry(31), entry(32)])
        #expect(try reopened.load().point.last.chainHash == sourceHash(source, at: 32))
    }

    private func sourceHash(_ source: LocalStore, at index: UInt64) throws -> [UInt8] {
        try source.write { (transaction) throws(StoreError) in
            try transaction.truncateLog(from: index + 1)
            return transaction.point.last.chainHash
        }
    }

    private func checkImported(_ target: LocalStore, _ source: LocalStore) throws {
        var wanted = try contents(source)
        wanted[key(1, 200)] = nil
        #expect(try contents(target) == wanted)
        let state = try target.load()
        #expect(state.ballot == Ballot(term: 5, vote: 3))
        #expect(state.point.appliedIndex == 30 && state.point.commitIndex == 30)
        #expect(state.point.base == state.point.last && state.point.base.index == 30)
        #expect(state.entries == [])
        #expect(state.cluster?.configuration == testCluster.configuration)
        #expect(state.cluster?.bootCounter == 99)
        try target.view { (view) throws in
            #expect(view.evaluatedIndex == 30)
            #expect(try view.requestIndex(requestID(30)) == 30)
            #expect(try view.requestIndex(requestID(1_000)) == nil)
        }
    }

    @Test("an exported snapshot of an imported one is the same file")
    func again() throws {
        let folder = TemporaryFolder()
        let other = TemporaryFolder()
        try source(folder).exportSnapshot(to: folder.path + "/snapshot")
        let target = try follower(other)
        try target.importSnapshot(from: folder.path + "/snapshot")
        try target.exportSnapshot(to: other.path + "/snapshot")
        #expect(readFile(folder.path + "/snapshot") == readFile(other.path + "/snapshot"))
    }

    @Test("a damaged file is refused before anything is touched")
    func damaged() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/snapshot"
        try source(folder, scale: 50, largest: 270_000).exportSnapshot(to: path)
        let good = readFile(path)
        let other = TemporaryFolder()
        let target = try follower(other)
        let before = try target.load()
        let values = try contents(target)
        var random = Seeded(5)
        // The first bytes, the last, and bytes of every region between.
        var places = Array(0..<30) + (1...80).map { good.count - $0 }
        places += (0..<40).map { _ in Int.random(in: 0..<good.count, using: &random) }
        for place in places {
            var bad = good
            bad[place] ^= 1 << UInt8(place % 8)
            writeFile(path, bad)
            expectDamaged { try target.importSnapshot(from: path) }
        }
        for count in [0, 1, 15, 16, 24, 25, 280_000, good.count - 33, good.count - 1] {
            writeFile(path, Array(good[..<count]))
            expectDamaged { try target.importSnapshot(from: path) }
        }
        writeFile(path, good + [0])
        expectDamaged { try target.importSnapshot(from: path) }
        expectDamaged { try target.importSnapshot(from: path + ".missing") }
        let after = try target.load()
        #expect(after.point == before.point && after.entries == before.entries)
        #expect(try contents(target) == values)
        writeFile(path, good)
        #expect(throws: Never.self) { try target.importSnapshot(from: path) }
    }

    private func expectDamaged(_ body: () throws -> Void) {
        let error = #expect(throws: StoreError.self) { try body() }
        guard case .damagedSnapshot = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
    }

    @Test("random bytes are no snapshot and never trap")
    func randomBytes() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/snapshot"
        var random = Seeded(9)
        for _ in 0..<300 {
            var bytes = Array("HFSNAPSH".utf8) + [0, 0, 0, 1, 0, 0, 0, 0]
            // Valid checksums, so that the inside is reached too.
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let payload = random.bytes(Int.random(in: 0...200, using: &random))
                var head = ByteWriter()
                head.writeUInt8(UInt8.random(in: 0...4, using: &random))
                head.writeUInt32(UInt32(payload.count))
                let crc = crc32c(payload, continuing: crc32c(head.bytes))
                head.writeUInt32(crc)
                bytes += head.bytes + payload
            }
            writeFile(path, bytes + random.bytes(Int.random(in: 0...40, using: &random)))
            expectDamaged { _ = try LocalStore.verifySnapshot(at: path, digest: testDigest) }
        }
    }

    @Test("a snapshot of another cluster, or an older one, is refused")
    func unsuitable() throws {
        let folder = TemporaryFolder()
        let path = folder.path + "/snapshot"
        let source = try source(folder)
        try source.exportSnapshot(to: path)
        // The source itself is as far already, and has evaluated more.
        expectUnsuitable { try source.importSnapshot(from: path) }

        let foreign = TemporaryFolder()
        let stranger = try foreign.open()
        expectUnsuitable { try stranger.importSnapshot(from: path) }
        var cluster = testCluster
        cluster.clusterID[0] = 0
        try stranger.write { (t) throws(StoreError) in
            try t.setCluster(cluster)
            try t.setHardState(term: 1, vote: nil, commit: 0)
        }
        let error = #expect(throws: StoreError.self) { try stranger.importSnapshot(from: path) }
        guard case .otherCluster = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }

        let young = TemporaryFolder()
        let store = try young.open()
        try store.write { (t) throws(StoreError) in try t.setCluster(testCluster) }
        // It has not heard of term 1 yet.
        expectUnsuitable { try store.importSnapshot(from: path) }
        #expect(try store.load().point.appliedIndex == 0)
    }

    private func expectUnsuitable(_ body: () throws -> Void) {
        let error = #expect(throws: StoreError.self) { try body() }
        guard case .unsuitableSnapshot = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
    }

    @Test("a stopped export leaves no file")
    func cancelled() throws {
        let folder = TemporaryFolder()
        let store = try source(folder)
        let path = folder.path + "/snapshot"
        #expect(throws: StoreError.cancelled) {
            try store.exportSnapshot(to: path) { $0 < 500_000 }
        }
        #expect(!fileExists(path) && !fileExists(path + ".partial"))
    }

    @Test("what damage a copy meets is told as what it is, and as something to repair")
    func damageOfTheSource() throws {
        let folder = TemporaryFolder()
        let store = try source(folder)
        let (path, database) = (folder.path + "/snapshot", folder.node + "/holdfast.mdb")
        func finding() -> ScrubFinding? {
            do throws(StoreError) {
                try store.exportSnapshot(to: path)
                return nil
            } catch {
                return ScrubFinding(error)
            }
        }
        #expect(finding() == nil && fileExists(path))
        deleteFile(path)
        // Of the half in log order: behind the kind of the row comes the index, then the id.
        var row = ByteWriter()
        row.writeUInt8(1)
        row.writeUInt64(3)
        let bytes = readFile(database)
        let places = FileBytes.places(of: row.bytes + requestID(3), in: bytes)
        try #require(!places.isEmpty)
        for place in places { flip(database, at: place + 12) }
        let reason = "its records do not add up to its digest"
        #expect(finding() == .requests(reason: reason))
        #expect(!fileExists(path) && !fileExists(path + ".partial"))
        for place in places { flip(database, at: place + 12) }
        #expect(finding() == nil)
        #expect(ScrubFinding(.full) == nil && ScrubFinding(.cancelled) == nil)
        let broken = StoreError.corrupt("x")
        #expect(ScrubFinding(broken) == .structure(broken))
    }

    @Test("nothing applied is nothing to export")
    func empty() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        expectUnsuitable { try store.exportSnapshot(to: folder.path + "/snapshot") }
    }

    @Test("an export takes one moment while writes go on")
    func oneMoment() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.fillLog(300)
        let names = UInt8(0)...99
        let filler = String(repeating: "x", count: 10_000)
        try store.commit(names.map { .put(key(1, $0), record("1 " + filler)) })
        try store.applyThrough(1)
        let path = folder.path + "/snapshot"
        var next: UInt64 = 2
        // Each chunk of the export is followed by a commit that changes every record.
        let manifest = try store.exportSnapshot(to: path) { _ in
            do {
                try store.commit(names.map { .put(key(1, $0), record("\(next) " + filler)) })
                try store.applyThrough(next)
                next += 1
            } catch {
                Issue.record(error)
            }
            return true
        }
        #expect(manifest.index == 1 && next > 3)
        let other = TemporaryFolder()
        let target = try other.open()
        try target.write { (t) throws(StoreError) in
            try t.setCluster(testCluster)
            try t.setHardState(term: 1, vote: nil, commit: 0)
        }
        try target.importSnapshot(from: path)
        for name in names {
            #expect(try target.value(key(1, name)) == "1 " + filler)
        }
    }
}
