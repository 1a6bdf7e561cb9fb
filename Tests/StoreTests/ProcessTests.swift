import Glibc
import Store
import Synchronization
import TestSupport
import Testing

/// What one crash child does: entry after entry, each acknowledged in a file once it is durable.
private func writeUntilKilled(_ path: String, seed: UInt64) throws {
    let store = try LocalStore.open(
        folder: path + "/node",
        options: smallOptions,
        digest: testDigest
    )
    let state = try store.load()
    var term = state.ballot.term + 1
    try store.saveVote(term: term, vote: 1)
    let acknowledged = unsafe open(path + "/acknowledged", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var random = Seeded(seed)
    // Every third round may also be killed before its first acknowledgement.
    var isArmed = seed % 3 == 0
    if isArmed { killSoon(seed) }
    try store.write { (t) throws(StoreError) in
        if state.cluster == nil { try t.setCluster(testCluster) }
        try t.setHardState(term: term, vote: 1, commit: t.point.commitIndex)
        try t.truncateLog(from: t.point.commitIndex + 1)
    }
    while true {
        let count = UInt64.random(in: 1...4, using: &random)
        let last = try store.write { (t) throws(StoreError) in
            let first = t.point.last.index + 1
            let indexes = first..<first + count
            try t.appendEntries(indexes.map { crashEntry($0, term: term) })
            let layers = indexes.map {
                OverlayLayer(
                    index: $0,
                    writes: [(key(1, UInt8($0 % 8)), record("\($0)").encoded())],
                    requestID: requestID($0)
                )
            }
            try t.apply(layers: layers, appliedIndex: first + count - 1, appliedTerm: term)
            if first % 3 == 0 { try t.dropLog(through: first - 1, entriesMax: 20) }
            return t.point.last.index
        }
        if random.next() % 8 == 0 {
            term += 1
            try store.saveVote(term: term, vote: 1)
            try store.write { (t) throws(StoreError) in
                try t.setHardState(term: term, vote: 1, commit: last)
            }
        }
        let line = Array("\(last) \(term)\n".utf8)
        precondition(unsafe write(acknowledged, line, line.count) == line.count)
        if !isArmed { killSoon(seed) }
        isArmed = true
    }
}

/// Ends this process without warning, 1 to 40 ms from now.
private func killSoon(_ seed: UInt64) {
    _ = TestThread {
        var random = Seeded(seed &+ 1)
        usleep(UInt32.random(in: 1_000...40_000, using: &random))
        kill(getpid(), SIGKILL)
    }
}

private func crashEntry(_ index: UInt64, term: UInt64) -> StoredEntry {
    entry(
        index,
        term: term,
        body: [UInt8](repeating: UInt8(index % 251), count: Int(index % 4_000))
    )
}

@Suite("Processes that end")
struct ProcessTests {
    @Test(
        "after SIGKILL in a write loop, everything acknowledged is there",
        .timeLimit(.minutes(2))
    )
    func killed() async throws {
        let folder = TemporaryFolder()
        for round in UInt64(1)...15 {
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = folder.path as String, seed = round as UInt64] in
                try writeUntilKilled(path, seed: seed)
            }
            let store = try folder.open()
            let state = try store.load()
            let lines = String(decoding: readFile(folder.path + "/acknowledged"), as: UTF8.self)
                .split(separator: "\n")
            let numbers = try #require(lines.last).split(separator: " ").compactMap { UInt64($0) }
            #expect(state.point.appliedIndex >= numbers[0])
            #expect(state.point.last.index == state.point.appliedIndex)
            #expect(state.ballot.term >= numbers[1])
            #expect(state.ballot.vote == 1)
            for entry in state.entries {
                #expect(entry == crashEntry(entry.index, term: entry.term))
            }
            for name in UInt8(0)..<8 {
                let newest = (1...state.point.appliedIndex).last { $0 % 8 == UInt64(name) }
                #expect(try store.value(key(1, name)) == newest.map { "\($0)" })
            }
            #expect(
                try store.view { try $0.requestIndex(requestID(state.point.appliedIndex)) }
                    == state.point.appliedIndex
            )
        }
    }

    @Test("writing on a second thread ends the process")
    func secondThread() async {
        await #expect(processExitsWith: .failure) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            try store.write { (t) throws(StoreError) in try t.appendEntries([]) }
            TestThread {
                try? store.write { (t) throws(StoreError) in try t.appendEntries([]) }
                exit(0)
            }.join()
        }
    }

    @Test("a write transaction inside another ends the process")
    func nested() async {
        await #expect(processExitsWith: .failure) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            try store.write { (_) throws(StoreError) in
                try store.write { (_) throws(StoreError) in exit(0) }
            }
        }
    }

    @Test("a thread that claimed the store may write, and others read")
    func claimed() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let result = Mutex<String>("")
        TestThread {
            store.claimWriter()
            do {
                try store.fillLog(3)
                result.withLock { $0 = "done" }
            } catch {
                result.withLock { $0 = "\(error)" }
            }
        }.join()
        #expect(result.withLock { $0 } == "done")
        #expect(try store.load().entries.count == 3)
    }

    /// Lets no file grow beyond `bytes`; a write beyond fails with EFBIG instead of a signal.
    private static func limitFileSize(_ bytes: UInt) {
        signal(SIGXFSZ, SIG_IGN)
        var limit = rlimit(rlim_cur: bytes, rlim_max: bytes)
        precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
    }

    @Test("a commit that fails to write ends the process with 70 and says why")
    func failingCommit() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(70),
            observing: [\.standardErrorContent]
        ) {
            let folder = TemporaryFolder()
            var options = smallOptions
            options.preallocateStepBytes = 32 << 20
            let store = try folder.open(options)
            try store.fillLog(3)
            Self.limitFileSize(16_384)
            try store.write { (t) throws(StoreError) in
                let body = [UInt8](repeating: 1, count: 100_000)
                try t.appendEntries([entry(4, body: body)])
            }
            exit(0)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("holdfast: store: commit "))
        #expect(text.contains("node/holdfast.mdb") && text.contains("(errno 27)"))
    }

    @Test("a vote that cannot be written ends the process with 70 and says why")
    func failingVote() async throws {
        let result = await #expect(
            processExitsWith: .exitCode(70),
            observing: [\.standardErrorContent]
        ) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            Self.limitFileSize(0)
            try store.saveVote(term: 1, vote: 1)
            exit(0)
        }
        let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
        #expect(text.contains("holdfast: store: vote file could not be written"))
    }

    @Test("no room for more is an error that changes nothing, not the end")
    func noRoom() async {
        await #expect(processExitsWith: .exitCode(42)) {
            let folder = TemporaryFolder()
            let store = try folder.open()
            Self.limitFileSize(UInt(1 << 20))
            do {
                try store.fillLog(3)
            } catch StoreError.full {
                let isUntouched = try store.load().entries.isEmpty
                try store.preallocateIfNeeded()
                exit(isUntouched ? 42 : 1)
            }
        }
    }
}
