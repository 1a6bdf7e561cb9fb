import Glibc
import Store
import TestSupport
import Testing

/// Installing beside the live database: the old one or the new one, and never a vote forgotten.
@Suite("Snapshots installed beside")
struct InstallTests {
    /// Snapshot files after entries 10, 20, ... of one history, each with a record that says so.
    static func snapshots(
        _ count: UInt64,
        in folder: TemporaryFolder,
        filler: Int = 1
    ) throws -> [String] {
        let store = try folder.open()
        try store.fillLog(count * 10)
        let filler = String(repeating: "x", count: filler)
        return try (1...count).map { number in
            for index in (number * 10 - 9)...(number * 10) {
                try store.commit([
                    .put(key(1, UInt8(index % 100)), record("\(index)")),
                    .put(key(2, 1), record("\(number)")),
                    .put(key(3, UInt8(index % 100)), record(filler)),
                ])
            }
            try store.applyThrough(number * 10)
            let path = folder.path + "/snapshot-\(number)"
            try store.exportSnapshot(to: path)
            return path
        }
    }

    /// A follower in term 7 that voted for 3, with uncommitted entries of its own.
    static func follower(_ folder: TemporaryFolder) throws -> LocalStore {
        let store = try folder.open()
        try store.saveVote(term: 7, vote: 3)
        try store.write { (transaction) throws(StoreError) in
            try transaction.setCluster(testCluster)
            try transaction.setHardState(term: 7, vote: 3, commit: 0)
            try transaction.appendEntries((1...4).map { entry($0) })
        }
        return store
    }

    /// The databases in a node's folder.
    private func files(_ folder: TemporaryFolder) -> [String] {
        names(folder).filter { $0.hasSuffix(".mdb") }.sorted()
    }

    private func names(_ folder: TemporaryFolder) -> [String] {
        TemporaryFolder.names(in: folder.node)
    }

    @Test("the live database votes and appends while the new one is filled, and nothing is lost")
    func goesOn() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let path = try Self.snapshots(1, in: source, filler: 900_000)[0]
        do {
            let store = try Self.follower(target)
            var steps: UInt64 = 0
            try store.prepareSnapshot(from: path) {
                steps += 1
                guard steps <= 3 else { return }
                #expect(throws: Never.self) {
                    try store.saveVote(term: 8, vote: 2)
                    try store.write { (transaction) throws(StoreError) in
                        try transaction.setHardState(term: 8, vote: 2, commit: 0)
                        try transaction.appendEntries([entry(4 + steps, term: 8)])
                    }
                }
            }
            // A record is more than a step.
            #expect(steps == 10)
            #expect(try store.value(key(2, 1)) == nil)
            #expect(try store.load().point.last.index == 7)
            // Filled, not live: a crash here leaves the old one.
            #expect(files(target) == ["holdfast-1.mdb", "holdfast.mdb"])
            try store.importSnapshot(from: path)
            #expect(try store.value(key(2, 1)) == "1")
            store.releaseRetired()
            #expect(files(target) == ["holdfast-1.mdb"])
            // The writer goes on in the new one.
            try store.write { (transaction) throws(StoreError) in
                try transaction.appendEntries([entry(11, term: 8)])
            }
            try store.preallocateIfNeeded()
        }
        let reopened = try target.open().load()
        #expect(reopened.ballot == Ballot(term: 8, vote: 2))
        #expect(reopened.point.appliedIndex == 10 && reopened.point.last.index == 11)
        #expect(reopened.cluster == testCluster)
    }

    @Test("a view that is open keeps its moment; the next one sees the new state")
    func views() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let paths = try Self.snapshots(2, in: source)
        let store = try Self.follower(target)
        try store.importSnapshot(from: paths[0])
        try store.prepareSnapshot(from: paths[1])
        try store.view { (view) throws in
            #expect(try view.record(key(2, 1)).map { $0.valueBox } == Array("1".utf8))
            try store.importSnapshot(from: paths[1])
            store.releaseRetired()
            #expect(files(target) == ["holdfast-1.mdb", "holdfast-2.mdb"])
            #expect(view.evaluatedIndex == 10)
            #expect(try view.record(key(2, 1)).map { $0.valueBox } == Array("1".utf8))
            #expect(try store.value(key(2, 1)) == "2")
        }
        #expect(!store.releaseRetired())
        #expect(try store.view { try $0.record(key(2, 1)) }?.valueBox == Array("2".utf8))
        #expect(files(target) == ["holdfast-2.mdb"])
    }

    @Test("what a crash left beside the live database is removed at the next start")
    func leftovers() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let paths = try Self.snapshots(2, in: source)
        do {
            let store = try Self.follower(target)
            try store.importSnapshot(from: paths[0])
            // Neither the replaced database nor the prepared one is let go.
            try store.prepareSnapshot(from: paths[1])
            writeFile(target.node + "/LIVE.new", [1, 2, 3])
            #expect(files(target) == ["holdfast-1.mdb", "holdfast-2.mdb", "holdfast.mdb"])
        }
        let store = try target.open()
        #expect(files(target) == ["holdfast-1.mdb"])
        #expect(try store.value(key(2, 1)) == "1")
        // A number that was used is not used again while its file could be open.
        try store.importSnapshot(from: paths[1])
        #expect(try store.value(key(2, 1)) == "2")
    }

    @Test("a damaged marker is no reason to open the wrong database")
    func damagedMarker() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let paths = try Self.snapshots(1, in: source)
        do {
            let store = try Self.follower(target)
            try store.importSnapshot(from: paths[0])
            store.releaseRetired()
        }
        let marker = target.node + "/LIVE"
        let good = readFile(marker)
        for count in 1...4 {
            for copy in 0..<count { flip(marker, at: copy * 4_096 + 12) }
            #expect(try target.open().value(key(2, 1)) == "1")
            #expect(readFile(marker) == good)
        }
        // With no good copy, only a second database makes it a question.
        for copy in 0..<4 { flip(marker, at: copy * 4_096 + 12) }
        writeFile(target.node + "/holdfast.mdb", [0])
        let error = #expect(throws: StoreError.self) { try target.open() }
        guard case .corrupt = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
    }

    @Test("a log that has the snapshot's last entry is not replaced")
    func tail() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let path = try Self.snapshots(1, in: source)[0]
        let store = try Self.follower(target)
        try store.write { (transaction) throws(StoreError) in
            try transaction.appendEntries((5...14).map { entry($0) })
        }
        let error = #expect(throws: StoreError.self) { try store.importSnapshot(from: path) }
        guard case .unsuitableSnapshot = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
        #expect(try store.load().point.last.index == 14)
        #expect(files(target) == ["holdfast.mdb"])
    }

    @Test("a snapshot that is damaged leaves nothing beside")
    func damaged() throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let path = try Self.snapshots(1, in: source)[0]
        let store = try Self.follower(target)
        flip(path, at: readFile(path).count - 40)
        #expect(throws: StoreError.self) { try store.prepareSnapshot(from: path) }
        #expect(files(target) == ["holdfast.mdb"])
        let whole = try Self.snapshots(1, in: TemporaryFolder())[0]
        #expect(throws: StoreError.self) { try store.prepareSnapshot(from: whole + "-missing") }
        store.discardPrepared(from: whole)
        #expect(files(target) == ["holdfast.mdb"])
    }

    /// Votes, then installs, again and again, until it is killed.
    private static func installUntilKilled(_ node: String, _ files: [String], seed: UInt64) throws {
        let store = try LocalStore.open(
            folder: node,
            options: smallOptions,
            digest: testDigest
        )
        let state = try store.load()
        let done = node + "-done"
        let acknowledged = unsafe open(done, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        var term = state.ballot.term
        var random = Seeded(seed)
        let delay = UInt32.random(in: 500...60_000, using: &random)
        _ = TestThread {
            usleep(delay)
            kill(getpid(), SIGKILL)
        }
        for (position, file) in files.enumerated() {
            let index = UInt64(position + 1) * 10
            if index <= state.point.appliedIndex { continue }
            try store.prepareSnapshot(from: file)
            term += 1
            try store.saveVote(term: term, vote: 2)
            try store.write { (t) throws(StoreError) in
                try t.setHardState(term: term, vote: 2, commit: t.point.commitIndex)
            }
            try store.importSnapshot(from: file)
            let line = Array("\(index) \(term)\n".utf8)
            precondition(unsafe write(acknowledged, line, line.count) == line.count)
            if random.next() % 2 == 0 { store.releaseRetired() }
        }
        while true { pause() }
    }

    @Test("SIGKILL at any moment of an install leaves the old or the new", .timeLimit(.minutes(2)))
    func killed() async throws {
        let (source, target) = (TemporaryFolder(), TemporaryFolder())
        let paths = try Self.snapshots(6, in: source)
        for round in UInt64(1)...12 {
            if round % 4 == 1 {
                deleteNode(target)
                _ = try Self.follower(target)
            }
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [node = target.node as String, paths = paths as [String], round = round as UInt64]
                in
                try Self.installUntilKilled(node, paths, seed: round)
            }
            let store = try target.open()
            let state = try store.load()
            let done = target.node + "-done"
            let lines = String(decoding: fileExists(done) ? readFile(done) : [], as: UTF8.self)
                .split(separator: "\n")
            let last = lines.last?.split(separator: " ").compactMap { UInt64($0) } ?? [0, 7]
            #expect(state.point.appliedIndex >= last[0] && state.point.appliedIndex % 10 == 0)
            #expect(state.ballot.term >= last[1])
            #expect(state.ballot.vote == (state.ballot.term == 7 ? 3 : 2))
            #expect(state.cluster == testCluster)
            let number = state.point.appliedIndex / 10
            #expect(try store.value(key(2, 1)) == (number == 0 ? nil : "\(number)"))
            #expect(files(target).count == 1)
        }
    }

    private func deleteNode(_ folder: TemporaryFolder) {
        for name in names(folder) { _ = unsafe unlink(folder.node + "/" + name) }
        _ = unsafe unlink(folder.node + "-done")
    }
}
