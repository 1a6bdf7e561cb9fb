import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// The storage thread alone, with its two mailboxes in our hands.
@Suite("storage worker")
struct StorageWorkerTests {
    private struct Bench {
        let folder = TemporaryFolder()
        let core = Mailbox<CoreInput>(bound: 1_000)
        let mailbox = Mailbox<StorageJob>(bound: 1_000)
        let ended = Collector<Bool>()

        /// Runs a worker over the folder as it is. The store is closed when the worker ends.
        func start() throws {
            let store = try folder.open()
            let state = try ReplicaStart(store.load())
            let (core, mailbox, ended) = (core, mailbox, ended)
            WorkerThread.start(name: "storage") {
                StorageWorker(
                    store: store,
                    mailbox: mailbox,
                    core: core,
                    state: state,
                    watch: DiskWatch(),
                    logger: quietLogger
                ).run()
                ended.add(true)
            }
        }

        /// Ends the worker and opens what it left.
        func reopened() throws -> LocalStore {
            mailbox.close()
            try eventuallyBlocking("the worker ends") { ended.count == 1 }
            var store: LocalStore?
            try eventuallyBlocking("the folder is free") {
                store = try? folder.open()
                return store != nil
            }
            return try #require(store)
        }

        /// Waits for what the worker tells the core, until `isLast` says so.
        func heard(until isLast: (CoreInput) -> Bool) throws -> [CoreInput] {
            var heard: [CoreInput] = []
            while true {
                let inputs = core.take(most: 1, until: .now + .seconds(120)) ?? []
                guard let input = inputs.first else {
                    throw TookTooLong(description: "the worker's word, after \(heard.count)")
                }
                heard.append(input)
                if isLast(input) { return heard }
            }
        }
    }

    private func persist(
        _ number: UInt64,
        hardState: HardState? = nil,
        truncateFrom: LogIndex? = nil,
        entries: [LogEntry] = []
    ) -> StorageJob {
        .persist(
            Persist(
                token: token(number),
                hardState: hardState,
                truncateFrom: truncateFrom,
                entries: entries,
                votesChanged: hardState != nil
            )
        )
    }

    private func entries(_ range: ClosedRange<UInt64>, term number: UInt64, bytes: Int = 3)
        -> [LogEntry]
    {
        range.map {
            LogEntry(
                index: index($0),
                term: term(number),
                kind: .batch,
                body: [UInt8](repeating: UInt8(truncatingIfNeeded: $0), count: bytes)
            )
        }
    }

    private func isDurable(_ input: CoreInput, _ number: UInt64) -> Bool {
        if case .raft(.durable(token(number))) = input { true } else { false }
    }

    @Test("everything that waits shares one transaction, and only the last token is reported")
    func group() throws {
        let bench = Bench()
        let first = HardState(term: term(1), vote: node(1), commit: .zero)
        bench.mailbox.post(persist(1, hardState: first, entries: entries(1...2, term: 1)))
        bench.mailbox.post(persist(2, entries: entries(3...3, term: 1)))
        bench.mailbox.post(persist(3, truncateFrom: index(2), entries: entries(2...5, term: 1)))
        try bench.start()
        let heard = try bench.heard { isDurable($0, 3) }
        #expect(heard.count == 1)
        let store = try bench.reopened()
        let state = try store.load()
        #expect(state.ballot == Ballot(term: 1, vote: 1))
        #expect(state.entries.map(\.index) == [1, 2, 3, 4, 5])
    }

    @Test("layers ride with an append, and go alone when none comes")
    func layers() throws {
        let bench = Bench()
        try bench.start()
        let first = HardState(term: term(1), vote: nil, commit: .zero)
        bench.mailbox.post(persist(1, hardState: first, entries: entries(1...2, term: 1)))
        let layer = OverlayLayer(
            index: 1,
            writes: [(key(1), record([7]).encoded())],
            requestID: requestID(1)
        )
        bench.mailbox.post(.apply(layer, term(1)))
        let heard = try bench.heard { if case .applied(index(1)) = $0 { true } else { false } }
        #expect(heard.contains { isDurable($0, 1) })
        let store = try bench.reopened()
        #expect(try store.load().point.appliedIndex == 1)
        #expect(try store.view { view in try view.record(key(1)) }?.valueBox == [7])
    }

    /// Found by reading: the worker believed that all of a step was dropped, when a transaction
    /// stops after a megabyte of bodies. The core forgot what the disk kept, for good.
    @Test("compaction of heavy entries goes on until the disk has dropped them, too")
    func heavyCompaction() throws {
        let bench = Bench()
        try bench.start()
        let first = HardState(term: term(1), vote: nil, commit: .zero)
        bench.mailbox.post(
            persist(1, hardState: first, entries: entries(1...40, term: 1, bytes: 100_000))
        )
        for number in 1...40 as ClosedRange<UInt64> {
            bench.mailbox.post(
                .apply(OverlayLayer(index: number, writes: [], requestID: nil), term(1))
            )
        }
        bench.mailbox.post(.compact(through: index(30)))
        let heard = try bench.heard {
            if case .raft(.compacted(through: index(30))) = $0 { true } else { false }
        }
        let steps = heard.compactMap { input -> UInt64? in
            if case .raft(.compacted(let through)) = input { through.number } else { nil }
        }
        #expect(steps.count > 1, "one transaction frees about a megabyte")
        #expect(steps == steps.sorted())
        let state = try bench.reopened().load()
        #expect(state.point.base.index == 30)
        #expect(state.entries.first?.index == 31)
    }

    /// Found by reading: a vote is saved before the transaction that has it too. After a crash
    /// between the two, the core counts the term as persisted and may append entries of it.
    @Test("a start carries over a term that only the vote file knows")
    func voteFileAhead() throws {
        let bench = Bench()
        do {
            let store = try bench.folder.open()
            try store.write { transaction throws(StoreError) in
                try transaction.setCluster(clusterRecord(voters(3)))
            }
            try store.saveVote(term: 5, vote: 2)
        }
        try bench.start()
        bench.mailbox.post(persist(1, entries: entries(1...1, term: 5)))
        _ = try bench.heard { isDurable($0, 1) }
        let state = try bench.reopened().load()
        #expect(state.point.term == 5)
        #expect(state.point.vote == 2)
        #expect(state.entries.map(\.term) == [5])
    }

    @Test("a vote is in its file before the core hears that it is durable")
    func vote() throws {
        let bench = Bench()
        try bench.start()
        for number in 1...3 as ClosedRange<UInt64> {
            let state = HardState(term: term(number), vote: node(2), commit: .zero)
            bench.mailbox.post(persist(number, hardState: state))
        }
        _ = try bench.heard { isDurable($0, 3) }
        let state = try bench.reopened().load()
        #expect(state.ballot == Ballot(term: 3, vote: 2))
        #expect(state.point.term == 3)
    }
}
