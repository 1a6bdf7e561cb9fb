import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// The evaluation thread over a real store, with its mailboxes in our hands.
@Suite("evaluator")
struct EvaluatorTests {
    private struct Bench {
        let folder = TemporaryFolder()
        let store: LocalStore
        let mailbox = Mailbox<EvaluationJob>(bound: 1_000)
        let core = Mailbox<CoreInput>(bound: 100_000)
        let storage = Mailbox<StorageJob>(bound: 100_000)

        init() throws {
            store = try folder.open()
        }

        func start(evaluated: UInt64 = 0, inspector: EntryInspector? = nil) {
            let (store, mailbox, core, storage) = (store, mailbox, core, storage)
            WorkerThread.start(name: "evaluation") {
                Evaluator(
                    store: store,
                    mailbox: mailbox,
                    core: core,
                    storage: storage,
                    evaluated: index(evaluated),
                    logger: quietLogger,
                    inspector: { inspector },
                    mend: { _ in false },
                    hasOthers: { false },
                    trust: BucketTrust()
                ).run()
            }
        }

        /// Waits until the core was told that this much is evaluated.
        func evaluated(_ number: UInt64) throws {
            try eventuallyBlocking("entry \(number) is evaluated") {
                (core.take(most: 100, until: .now + .milliseconds(10)) ?? []).contains { input in
                    if case .raft(.evaluated(let index)) = input {
                        index.number >= number
                    } else {
                        false
                    }
                }
            }
        }

        func wait(
            _ number: UInt64,
            term of: UInt64 = 1,
            seconds: Int = 300,
            _ outcomes: Collector<CommitOutcome>
        ) {
            mailbox.post(
                .wait(
                    CommitWaiter(
                        index: index(number),
                        term: term(of),
                        deadline: .now + .seconds(seconds)
                    ) { outcomes.add($0) }
                )
            )
        }
    }

    private func entry(_ number: UInt64, _ batch: WriteBatch?, term of: UInt64 = 1) -> LogEntry {
        LogEntry(
            index: index(number),
            term: term(of),
            kind: batch == nil ? .noop : .batch,
            body: batch?.encoded() ?? []
        )
    }

    @Test("entries become visible, and each outcome is told to who waits for it")
    func outcomes() throws {
        let bench = try Bench()
        defer { bench.mailbox.close() }
        let outcomes = Collector<CommitOutcome>()
        bench.start()
        for number in 1...4 as ClosedRange<UInt64> { bench.wait(number, outcomes) }
        bench.mailbox.post(
            .entries([
                entry(1, batch(1, base: 0, put: [1], value: [11])),
                entry(2, batch(1, base: 0, put: [1], value: [22])),
                entry(3, batch(3, base: 0, put: [2], checks: [(1, 9)])),
                entry(4, nil),
            ])
        )
        try bench.evaluated(4)
        #expect(outcomes.all == [.applied, .duplicate(of: index(1)), .rejected, .applied])
        #expect(try bench.store.view { view in try view.record(key(1)) }?.valueBox == [11])
        #expect(try bench.store.view { view in try view.record(key(2)) } == nil)
        #expect(bench.store.view { $0.evaluatedIndex } == 4)
        // One layer each goes to the storage thread, in order.
        let jobs = bench.storage.take(most: 10, until: .now) ?? []
        let layers = jobs.compactMap { job -> UInt64? in
            if case .apply(let layer, term(1)) = job { layer.index } else { nil }
        }
        #expect(layers == [1, 2, 3, 4])
    }

    @Test("who asks late is told what is remembered, and what is not known")
    func late() throws {
        let bench = try Bench()
        defer { bench.mailbox.close() }
        bench.start(evaluated: 5)
        bench.mailbox.post(.entries([entry(6, batch(6, base: 5, put: [1]), term: 2)]))
        try bench.evaluated(6)
        let outcomes = Collector<CommitOutcome>()
        bench.wait(6, term: 2, outcomes)
        bench.wait(6, term: 1, outcomes)
        bench.wait(3, term: 2, outcomes)
        try eventuallyBlocking("three answers") { outcomes.count == 3 }
        #expect(outcomes.all == [.applied, .superseded, .unknown])
    }

    @Test("another leader's entry at the position means not applied")
    func superseded() throws {
        let bench = try Bench()
        defer { bench.mailbox.close() }
        let outcomes = Collector<CommitOutcome>()
        bench.start()
        bench.wait(1, term: 1, outcomes)
        bench.mailbox.post(.entries([entry(1, nil, term: 2)]))
        try bench.evaluated(1)
        #expect(outcomes.all == [.superseded])
    }

    @Test("waits end with their deadline, as unknown or refused")
    func deadlines() throws {
        let bench = try Bench()
        defer { bench.mailbox.close() }
        bench.start()
        let outcomes = Collector<CommitOutcome>()
        let reads = Collector<ReadOutcome>()
        bench.wait(7, seconds: -1, outcomes)
        bench.wait(7, outcomes)
        bench.mailbox.post(
            .readers(
                [
                    ReadWaiter(deadline: .now - .seconds(1)) { reads.add($0) },
                    ReadWaiter(deadline: .now + .seconds(300)) { reads.add($0) },
                ],
                index(7)
            )
        )
        try eventuallyBlocking("both ends") { outcomes.count == 1 && reads.count == 1 }
        #expect(outcomes.all == [.unknown])
        #expect(reads.all == [.refused(.notLeader(hint: nil))])
        // The others wait on, and are answered.
        bench.mailbox.post(
            .entries((1...7).map { entry($0, nil) })
        )
        try eventuallyBlocking("the other two") { outcomes.count == 2 && reads.count == 2 }
        #expect(outcomes.all == [.unknown, .applied])
        #expect(reads.all.last == .ready(index(7)))
    }

    @Test("an inspector sees each batch before it is visible")
    func inspector() throws {
        let bench = try Bench()
        defer { bench.mailbox.close() }
        let seen = Collector<UInt64>()
        let store = bench.store
        bench.start { entry, _ in
            #expect(store.view { $0.evaluatedIndex } == entry.index.number - 1)
            seen.add(entry.index.number)
        }
        bench.mailbox.post(
            .entries([
                entry(1, batch(1, base: 0, put: [1])), entry(2, nil),
                entry(3, batch(3, base: 0, put: [1], checks: [(1, 9)])),
            ])
        )
        try bench.evaluated(3)
        #expect(seen.all == [1, 3])
        let again = Collector<UInt64>()
        bench.mailbox.post(
            .inspect(
                [entry(1, batch(1, base: 0, put: [1])), entry(2, nil)],
                { entry, _ in again.add(entry.index.number) },
                completion: { again.add(99) }
            )
        )
        try eventuallyBlocking("the inspection ends") { again.all.last == 99 }
        #expect(again.all == [1, 99])
    }

    private final class SilentPorts: EvaluationPorts {
        var told: [LogIndex] = []
        var layers = 0

        func tellCore(_ input: CoreInput) {
            if case .raft(.evaluated(let index)) = input { told.append(index) }
        }

        func tellStorage(_ job: StorageJob) { layers += 1 }
        var inspector: EntryInspector? { nil }
    }

    @Test("a full overlay holds back entries and all that is behind them, in order")
    func backPressure() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let ports = SilentPorts()
        let now = Moment.now
        let machine = EvaluationMachine(
            storage: store,
            ports: ports,
            evaluated: .zero,
            now: now
        )
        let bound = UInt64(Limits.overlayLayersMax)
        let reads = Collector<ReadOutcome>()
        let waiter = ReadWaiter(deadline: now + .seconds(60)) { reads.add($0) }
        let jobs: [EvaluationJob] = [
            .entries((1...bound + 10).map { entry($0, nil) }),
            .readers([waiter], index(1)),
        ]
        try machine.turn(jobs, now: now)
        #expect(store.overlayCount == Limits.overlayLayersMax)
        #expect(ports.told.isEmpty && reads.count == 0)
        #expect(machine.waitMilliseconds == 1)
        try machine.turn([], now: now)
        #expect(ports.layers == Limits.overlayLayersMax)
        store.pruneOverlay(through: 100)
        try machine.turn([], now: now)
        #expect(ports.told == [index(bound + 10)])
        #expect(ports.layers == Limits.overlayLayersMax + 10)
        #expect(reads.all == [.ready(index(bound + 10))])
        #expect(machine.waitMilliseconds == 250)
    }

    /// Found by reading: the storage thread installs a snapshot while this thread still works
    /// through entries that it covers; adding a layer behind the snapshot ended the process.
    @Test("a snapshot that is installed beyond a backlog is stepped over")
    func snapshotBeyondBacklog() throws {
        let snapshot = try exported(through: 10)
        let bench = try Bench()
        defer { bench.mailbox.close() }
        let (record, log) = (clusterRecord(voters(3)), (1...3).map { entry($0, nil) })
        try bench.store.write { transaction throws(StoreError) in
            try transaction.setCluster(record)
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries(
                log.map {
                    StoredEntry(
                        index: $0.index.number,
                        term: 1,
                        kind: $0.kind.rawValue,
                        body: $0.body
                    )
                }
            )
        }
        let outcomes = Collector<CommitOutcome>()
        bench.start()
        bench.wait(2, outcomes)
        bench.wait(5, outcomes)
        bench.wait(11, outcomes)
        bench.mailbox.post(.entries([entry(1, batch(1, base: 0, put: [1], value: [1]))]))
        try bench.evaluated(1)
        try bench.store.importSnapshot(from: snapshot.path)
        // The rest of the backlog, a batch among it, and then the word of the installation.
        bench.mailbox.post(.entries([entry(2, batch(2, base: 0, put: [1])), entry(3, nil)]))
        let point = SnapshotPoint(index: index(10), term: term(1), configuration: voters(3))
        bench.mailbox.post(.installed(point))
        bench.mailbox.post(.entries([entry(11, batch(11, base: 10, put: [2], value: [5]))]))
        try bench.evaluated(11)
        #expect(outcomes.all == [.unknown, .unknown, .applied])
        #expect(bench.store.view { $0.evaluatedIndex } == 11)
        #expect(try bench.store.view { view in try view.record(key(1)) }?.valueBox == [10])
        #expect(try bench.store.view { view in try view.record(key(2)) }?.valueBox == [5])
    }

    private struct Exported {
        let folder: TemporaryFolder
        let path: String
    }

    /// A snapshot of a store that applied `last` entries, each of which wrote its number as key 1.
    private func exported(through last: UInt64) throws -> Exported {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let entries = (1...last).map { entry($0, nil) }
        try store.write { transaction throws(StoreError) in
            try transaction.setCluster(clusterRecord(voters(3)))
            try transaction.setHardState(term: 1, vote: nil, commit: 0)
            try transaction.appendEntries(
                entries.map {
                    StoredEntry(
                        index: $0.index.number,
                        term: 1,
                        kind: $0.kind.rawValue,
                        body: $0.body
                    )
                }
            )
            try transaction.apply(
                layers: entries.map {
                    OverlayLayer(
                        index: $0.index.number,
                        writes: [(key(1), record([UInt8($0.index.number)]).encoded())],
                        requestID: nil
                    )
                },
                appliedIndex: last,
                appliedTerm: 1
            )
        }
        let path = folder.path + "/snapshot"
        _ = try store.exportSnapshot(to: path)
        return Exported(folder: folder, path: path)
    }
}
