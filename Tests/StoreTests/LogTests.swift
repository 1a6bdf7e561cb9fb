import Store
import TestSupport
import Testing

@Suite("Log and hard state")
struct LogTests {
    /// Opens the folder anew and loads everything.
    private func reload(_ folder: TemporaryFolder) throws -> StoredState {
        try folder.open().load()
    }

    private func entries(_ indexes: ClosedRange<UInt64>, term: UInt64 = 1) -> [StoredEntry] {
        indexes.map { index in
            // Empty, small, exactly one and two pieces, one byte more, several pieces.
            let sizes = [0, 5, 1_900, 3_800, 1_901, 9_999]
            let size = sizes[Int(index) % sizes.count]
            return entry(
                index,
                term: term,
                body: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(index)) }
            )
        }
    }

    @Test("a new node has nothing")
    func fresh() throws {
        let folder = TemporaryFolder()
        let state = try folder.open().load()
        #expect(state.ballot == Ballot(term: 0, vote: nil))
        #expect(state.point.last == LogPoint.start)
        #expect(state.point.appliedIndex == 0)
        #expect(state.cluster == nil)
        #expect(state.entries == [])
    }

    @Test("everything comes back after a restart")
    func comesBack() throws {
        let folder = TemporaryFolder()
        let written = entries(1...40)
        do {
            let store = try folder.open()
            try store.saveVote(term: 3, vote: 2)
            try store.write { (transaction) throws(StoreError) in
                try transaction.setCluster(testCluster)
                try transaction.setHardState(term: 3, vote: 2, commit: 0)
                try transaction.appendEntries(written)
                try transaction.setHardState(term: 3, vote: 2, commit: 30)
            }
        }
        let state = try reload(folder)
        #expect(state.ballot == Ballot(term: 3, vote: 2))
        #expect(state.cluster == testCluster)
        #expect(state.entries == written)
        #expect(state.point.commitIndex == 30)
        #expect(state.point.last.index == 40)
        #expect(state.point.last.term == 1)
        #expect(state.point.base == LogPoint.start)
    }

    @Test("truncating the end and appending another leader's entries gives their log")
    func truncate() throws {
        let folder = TemporaryFolder()
        let other = TemporaryFolder()
        for (folder, isRepaired) in [(folder, true), (other, false)] {
            let store = try folder.open()
            try store.write { (transaction) throws(StoreError) in
                try transaction.setHardState(term: 2, vote: nil, commit: 0)
                try transaction.appendEntries(entries(1...10))
            }
            if isRepaired {
                try store.write { (transaction) throws(StoreError) in
                    try transaction.appendEntries(entries(11...25))
                }
                try store.write { (transaction) throws(StoreError) in
                    try transaction.truncateLog(from: 11)
                    try transaction.appendEntries(entries(11...13, term: 2))
                }
            } else {
                try store.write { (transaction) throws(StoreError) in
                    try transaction.appendEntries(entries(11...13, term: 2))
                }
            }
        }
        let repaired = try reload(folder)
        let straight = try reload(other)
        #expect(repaired.entries == straight.entries)
        #expect(repaired.point == straight.point)
        #expect(repaired.point.last.index == 13)
    }

    @Test("truncating everything leaves an empty log; beyond the end it does nothing")
    func truncateAll() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.write { (transaction) throws(StoreError) in
                try transaction.setHardState(term: 1, vote: nil, commit: 0)
                try transaction.appendEntries(entries(1...5))
            }
            try store.write { (transaction) throws(StoreError) in
                try transaction.truncateLog(from: 6)
                #expect(transaction.point.last.index == 5)
                try transaction.truncateLog(from: 1)
                #expect(transaction.point.last == LogPoint.start)
            }
        }
        #expect(try reload(folder).entries == [])
    }

    @Test("the beginning of the log goes in bounded steps, never past what is applied")
    func drop() throws {
        let folder = TemporaryFolder()
        do {
            let store = try folder.open()
            try store.write { (transaction) throws(StoreError) in
                try transaction.setHardState(term: 1, vote: nil, commit: 0)
                try transaction.appendEntries(entries(1...30))
                try transaction.apply(layers: [], appliedIndex: 20, appliedTerm: 1)
            }
            let bases = try (0..<4).map { _ in
                try store.write { (transaction) throws(StoreError) in
                    try transaction.dropLog(through: 25, entriesMax: 8)
                }
            }
            #expect(bases == [8, 16, 20, 20])
        }
        let state = try reload(folder)
        #expect(state.point.base.index == 20)
        #expect(state.entries == entries(21...30))
        let store = try folder.open()
        try store.write { (transaction) throws(StoreError) in
            try transaction.truncateLog(from: 21)
            try transaction.appendEntries(entries(21...22))
        }
        #expect(try store.load().entries == entries(21...22))
    }

    @Test("large bodies are dropped a megabyte at a time")
    func dropLarge() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let body = [UInt8](repeating: 7, count: StoreLimits.entryBytesMax)
        try store.write { (transaction) throws(StoreError) in
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries((1...3).map { entry($0, body: body) })
            try transaction.apply(layers: [], appliedIndex: 3, appliedTerm: 1)
        }
        let base = try store.write { (transaction) throws(StoreError) in
            try transaction.dropLog(through: 3, entriesMax: 100)
        }
        #expect(base == 1)
        #expect(try store.load().entries == [entry(2, body: body), entry(3, body: body)])
    }

    @Test("two equal logs have equal hashes, and one other byte changes all that follow")
    func chain() throws {
        func hash(_ entries: [StoredEntry]) throws -> [UInt8] {
            let folder = TemporaryFolder()
            return try folder.open().write { (transaction) throws(StoreError) in
                try transaction.setHardState(term: 9, vote: nil, commit: 0)
                try transaction.appendEntries(entries)
                return transaction.point.last.chainHash
            }
        }
        let base = entries(1...9)
        #expect(try hash(base) == hash(base))
        var otherBody = base
        otherBody[2] = entry(3, body: base[2].body + [0])
        #expect(try hash(base) != hash(otherBody))
        var otherKind = base
        otherKind[0] = StoredEntry(index: 1, term: 1, kind: 2, body: base[0].body)
        #expect(try hash(base) != hash(otherKind))
        #expect(try hash(base) != hash(entries(1...9, term: 2)))
    }

    struct Misuse: Sendable, CustomTestStringConvertible {
        let name: String
        let body: @Sendable (inout WriteTransaction) throws(StoreError) -> Void
        var testDescription: String { name }
    }

    static let misuses: [Misuse] = [
        Misuse(name: "gap") { (t) throws(StoreError) in try t.appendEntries([entry(12)]) },
        Misuse(name: "repeat") { (t) throws(StoreError) in try t.appendEntries([entry(10)]) },
        Misuse(name: "older term") { (t) throws(StoreError) in
            try t.appendEntries([entry(11, term: 2), entry(12, term: 1)])
        },
        Misuse(name: "body too long") { (t) throws(StoreError) in
            try t.appendEntries([
                entry(11, body: [UInt8](repeating: 0, count: StoreLimits.entryBytesMax + 1))
            ])
        },
        Misuse(name: "truncate committed") { (t) throws(StoreError) in
            try t.truncateLog(from: 6)
        },
        Misuse(name: "term back") { (t) throws(StoreError) in
            try t.setHardState(term: 1, vote: nil, commit: 6)
        },
        Misuse(name: "second vote") { (t) throws(StoreError) in
            try t.setHardState(term: 2, vote: 3, commit: 6)
        },
        Misuse(name: "vote taken back") { (t) throws(StoreError) in
            try t.setHardState(term: 2, vote: nil, commit: 6)
        },
        Misuse(name: "commit back") { (t) throws(StoreError) in
            try t.setHardState(term: 2, vote: 1, commit: 5)
        },
        Misuse(name: "commit beyond the log") { (t) throws(StoreError) in
            try t.setHardState(term: 2, vote: 1, commit: 11)
        },
        Misuse(name: "apply beyond the log") { (t) throws(StoreError) in
            try t.apply(layers: [], appliedIndex: 11, appliedTerm: 1)
        },
        Misuse(name: "apply back") { (t) throws(StoreError) in
            try t.apply(layers: [], appliedIndex: 3, appliedTerm: 1)
        },
        Misuse(name: "layer applied already") { (t) throws(StoreError) in
            let layer = OverlayLayer(index: 4, writes: [], requestID: nil)
            try t.apply(layers: [layer], appliedIndex: 5, appliedTerm: 1)
        },
        Misuse(name: "layer beyond the applied index") { (t) throws(StoreError) in
            let layer = OverlayLayer(index: 6, writes: [], requestID: nil)
            try t.apply(layers: [layer], appliedIndex: 5, appliedTerm: 1)
        },
    ]

    @Test("what would contradict the hard state is refused and leaves nothing", arguments: misuses)
    func misuse(example: Misuse) throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        try store.write { (transaction) throws(StoreError) in
            try transaction.setHardState(term: 2, vote: 1, commit: 0)
            try transaction.appendEntries(entries(1...10))
            try transaction.apply(layers: [], appliedIndex: 4, appliedTerm: 1)
            try transaction.setHardState(term: 2, vote: 1, commit: 6)
        }
        let before = try store.load()
        let error = #expect(throws: StoreError.self) {
            try store.write { (transaction) throws(StoreError) in
                try transaction.appendEntries([entry(11, term: 2)])
                try transaction.truncateLog(from: 11)
                try example.body(&transaction)
            }
        }
        guard case .misuse = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
        let after = try store.load()
        #expect(after.point == before.point)
        #expect(after.entries == before.entries)
    }

    @Test("a store stays with its cluster")
    func otherCluster() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        var record = testCluster
        try store.write { (t) throws(StoreError) in try t.setCluster(record) }
        record.bootCounter += 1
        try store.write { (t) throws(StoreError) in try t.setCluster(record) }
        #expect(try store.load().cluster == record)
        record.clusterID = [UInt8](repeating: 0xC2, count: 32)
        let error = #expect(throws: StoreError.self) {
            try store.write { (t) throws(StoreError) in try t.setCluster(record) }
        }
        guard case .otherCluster(let have, let want) = error else {
            Issue.record("unexpected: \(String(describing: error))")
            return
        }
        #expect(have.hasPrefix("c1c1") && want.hasPrefix("c2c2"))
    }

    @Test("commits and flushes are counted as they happen")
    func counters() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let start = store.counters
        #expect(start.commits == 0 && start.flushes == 0)
        try store.write { (t) throws(StoreError) in try t.appendEntries([]) }
        #expect(store.counters.commits == 0)
        try store.write { (t) throws(StoreError) in
            try t.setHardState(term: 1, vote: nil, commit: 0)
            try t.appendEntries([entry(1), entry(2)])
        }
        #expect(store.counters.commits == 1)
        #expect(store.counters.commitFlushes == 2)
        try store.saveVote(term: 1, vote: 1)
        try store.saveVote(term: 1, vote: 1)
        #expect(store.counters.voteFlushes == 2)
        #expect(store.counters.flushes == 4)
    }
}
