import Engines
import Raft
import Store
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Barrier
@testable import Node
@testable import Replica
@testable import Vault

/// Nothing is decided on what a leader's own disk lost, or gave back as it was before.
@Suite("tasks on a disk that loses something")
struct TaskDoubtTests {
    /// A record of the system mount, as it lies in the table.
    private struct Row {
        private let file: String
        private let key: StorageKey
        let record: Record

        init(_ path: String, _ bench: TaskBench) throws {
            let keyring = try #require(bench.vault.keeper.unsealed).keyring
            let keys = try #require(keyring.cachedKeys(of: .system))
            let key = keys.storageKey(of: try BarrierPath(path))
            let found = try bench.vault.one.store.view { view throws(StoreError) in
                try view.record(key)
            }
            self.key = key
            record = try #require(found)
            file = bench.vault.one.folder.path + "/node/holdfast.mdb"
        }

        /// It is there under another name, or again under its own.
        ///
        /// - Parameter place: a byte of its key; below 16 it leaves its directory.
        func rename(at place: Int, back: Bool = false) throws {
            var name = key.bytes
            if back { name[place] ^= 1 }
            let head = record.encoded().prefix(14)
            try FileBytes.flip(1, at: place, from: name + head, in: file)
        }

        /// Another version of it lies in its place.
        func become(_ other: Row) throws {
            try FileBytes.overwrite(record.encoded(), with: other.record.encoded(), in: file)
        }
    }

    /// All that was written is in the table, every bucket was seen whole a moment ago, and perhaps
    /// other members have copies.
    private func settle(_ bench: TaskBench, hasOthers: Bool = true) async throws {
        let one = bench.vault.one
        try await eventually("it is in the table") {
            one.store.view { $0.appliedIndex == $0.evaluatedIndex }
        }
        try await eventually("a first pass") { one.replica.status.scrub.passes > 0 }
        if hasOthers { one.replica.membersChanged([NodeID(number: 2)]) }
    }

    private func held(_ bench: TaskBench) -> UInt64 { bench.counts.held.load(ordering: .relaxed) }

    private func done(_ bench: TaskBench) -> UInt64 { bench.counts.done.load(ordering: .relaxed) }

    private func change(
        _ bench: TaskBench,
        _ body: (inout BatchDraft, borrowing BarrierView) throws -> Void
    ) async throws {
        let unsealed = try #require(bench.vault.keeper.unsealed)
        let environment = VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: bench.now,
            seed: [UInt8](repeating: 3, count: 32),
            attempt: 0,
            facts: NodeFacts(version: "0", appliedIndex: 0, members: [])
        )
        let batch = try bench.view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            try body(&draft, view)
            return try draft.finish()
        }
        #expect(try await bench.vault.one.commit(batch) == .applied)
    }

    @Test("a job whose record was lost keeps its timer, and runs when the record is back")
    func lostJob() async throws {
        let bench = try await TaskBench()
        defer { bench.vault.one.stop() }
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [3, 0]))
        try await settle(bench)
        let row = try Row(SystemPaths.job(id), bench)
        try row.rename(at: 31)
        bench.restarted()
        #expect(try bench.job(id) == nil)
        let runner = bench.runner(TaskBench.counting())
        try await eventually("the task waits", seconds: 20) { held(bench) == 1 }
        #expect(done(bench) == 0)
        #expect(try bench.view { try $0.dueTimers(through: bench.now, limit: 9).timers.count } == 1)
        try row.rename(at: 31, back: true)
        try await eventually("the job has ended", seconds: 20) { done(bench) == 1 }
        for number in UInt8(0)..<3 { #expect(try bench.counted(0, number) == 1) }
        try await eventually("nothing waits", seconds: 20) { held(bench) == 0 }
        await runner.stop()
    }

    @Test("a job whose record is an older one keeps the timer of the newer")
    func agedJob() async throws {
        let bench = try await TaskBench()
        defer { bench.vault.one.stop() }
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [3, 0]))
        let older = try Row(SystemPaths.job(id), bench)
        try await change(bench) { draft, view in
            let job = try #require(try JobEntry(id, view))
            var record = job.record
            record.due = record.due.adding(seconds: 2)
            try draft.replace(job, with: record)
        }
        let newer = try Row(SystemPaths.job(id), bench)
        bench.wait(5)
        try await settle(bench)
        try newer.become(older)
        bench.restarted()
        let runner = bench.runner(TaskBench.counting())
        try await eventually("the task waits", seconds: 20) { held(bench) == 1 }
        #expect(done(bench) == 0)
        try older.become(newer)
        try await eventually("the job has ended", seconds: 20) { done(bench) == 1 }
        for number in UInt8(0)..<3 { #expect(try bench.counted(0, number) == 1) }
        await runner.stop()
    }

    @Test("what a job lists adds up")
    func shortList() async throws {
        let bench = try await TaskBench()
        defer { bench.vault.one.stop() }
        try await change(bench) { draft, _ in try draft.put("found/1", [1]) }
        _ = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: []))
        try await settle(bench)
        let row = try Row("found/1", bench)
        try row.rename(at: 7)
        bench.restarted()
        #expect(try bench.view { try $0.systemNames(in: "found/", limit: 9) } == [])
        let handler = JobHandler(step: { (_, view, _, draft) throws(VaultError) in
            let names = try view.systemNames(in: "found/", limit: 9)
            try draft.put("listed", [UInt8(names.count)])
            return .finished(done: 1)
        })
        let runner = bench.runner(VaultTasks(timers: [], jobs: [(TaskBench.kind, handler)]))
        try await eventually("the task waits", seconds: 20) { held(bench) == 1 }
        #expect(try bench.view { try $0.systemRecord("listed")?.value } == nil)
        try row.rename(at: 7, back: true)
        try await eventually("the job has ended", seconds: 20) { done(bench) == 1 }
        #expect(try bench.view { try $0.systemRecord("listed")?.value } == [1])
        await runner.stop()
    }

    @Test("a failure that rests on something lost is put off here, and not written down")
    func failure() async throws {
        let bench = try await TaskBench()
        defer { bench.vault.one.stop() }
        try await change(bench) { draft, _ in try draft.put("needed", [7]) }
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: []))
        try await settle(bench)
        let row = try Row("needed", bench)
        try row.rename(at: 31)
        bench.restarted()
        let handler = JobHandler(step: { (_, view, _, draft) throws(VaultError) in
            guard try view.systemRecord("needed") != nil else { throw .damaged("it is missing") }
            return .finished(done: 1)
        })
        let runner = bench.runner(VaultTasks(timers: [], jobs: [(TaskBench.kind, handler)]))
        try await eventually("the task waits", seconds: 20) { held(bench) == 1 }
        #expect(try bench.job(id)?.failureCount == 0)
        try row.rename(at: 31, back: true)
        try await eventually("the job has ended", seconds: 20) { done(bench) == 1 }
        #expect(bench.counts.failures.load(ordering: .relaxed) == 0)
        await runner.stop()
    }

    @Test("who has the only copy goes by what there is, and writes down what fails")
    func alone() async throws {
        let bench = try await TaskBench()
        defer { bench.vault.one.stop() }
        try await change(bench) { draft, _ in try draft.put("needed", [7]) }
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: []))
        try await settle(bench, hasOthers: false)
        try Row("needed", bench).rename(at: 31)
        bench.restarted()
        let handler = JobHandler(step: { (_, view, _, draft) throws(VaultError) in
            guard try view.systemRecord("needed") != nil else { throw .damaged("it is missing") }
            return .finished(done: 1)
        })
        let runner = bench.runner(VaultTasks(timers: [], jobs: [(TaskBench.kind, handler)]))
        try await eventually("it is written down", seconds: 20) {
            try (bench.job(id)?.failureCount ?? 0) > 0
        }
        #expect(held(bench) == 0)
        await runner.stop()
    }

    @Test("a task that is held waits twice as long each time, a minute at most")
    func pauses() {
        var (held, start) = (HeldTasks(), Moment.now)
        for (count, pause) in [1, 2, 4, 8, 16, 32, 64, 64, 64].enumerated() {
            let isFirst = held.hold("a", for: 7, at: start)
            #expect(isFirst == (count == 0))
            #expect(held.isHeld("a", at: start + .seconds(pause) - .milliseconds(1)))
            #expect(!held.hasReady(at: start + .seconds(pause) - .milliseconds(1)))
            start = start + .seconds(pause)
            #expect(!held.isHeld("a", at: start) && held.hasReady(at: start))
        }
        #expect(!held.isHeld("b", at: start) && held.count == 1)
        held.forget("a")
        #expect(held.count == 0)
    }

    @Test("one repair is asked for all that wait for it, and again once that has ended")
    func repairs() {
        var (held, now) = (HeldTasks(), Moment.now)
        let asked = [("a", 7), ("b", 7), ("c", 9)].map { held.hold($0.0, for: $0.1, at: now) }
        #expect(asked == [true, false, true])
        #expect(held.repairing(in: BucketSet([3, 9])) == 9)
        #expect(held.repairing(in: BucketSet([3])) == nil)
        held.ended(7, isMended: true, at: now)
        #expect(["a", "b", "c"].map { held.isHeld($0, at: now) } == [false, false, true])
        held.ended(9, isMended: false, at: now)
        #expect(held.isHeld("c", at: now) && held.repairing(in: BucketSet([7, 9])) == nil)
        now = now + .seconds(1)
        let again = [held.hold("c", for: 9, at: now), held.hold("b", for: 9, at: now)]
        #expect(again == [true, false])
        held.keep(only: ["b"])
        #expect(held.count == 1 && !held.isHeld("a", at: now) && held.isHeld("b", at: now))
        held.forgetAll()
        #expect(held.count == 0 && held.repairing(in: BucketSet([9])) == 9)
    }
}

extension TaskBench {
    /// Nothing was seen whole yet, as after a start, which is when a disk shows what it lost.
    fileprivate func restarted() { vault.one.replica.trust.forget(.now) }
}
