import Barrier
import Cryptography
import Engines
import NIOCore
import Replica
import Store
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node
@testable import Vault

/// The runner over a replica of one voter with an unsealed vault.
final class TaskBench: Sendable {
    static let kind = JobKind(rawValue: 200)

    let vault: VaultBench
    let counts = TaskCounts()
    private let seconds = Atomic<UInt64>(1_800_000_000)

    init() async throws {
        vault = try await VaultBench()
        try await vault.unseal()
    }

    var now: Timestamp {
        Timestamp(nanoseconds: seconds.load(ordering: .relaxed) * 1_000_000_000)
    }

    func wait(_ count: UInt64) { seconds.wrappingAdd(count, ordering: .relaxed) }

    func runner(_ tasks: VaultTasks, effects: EffectPool = EffectPool([])) -> TaskRunner {
        let parts = TaskRunner.Parts(
            store: vault.one.store,
            replica: vault.one.replica,
            seal: vault.keeper,
            facts: { NodeFacts(version: "0", appliedIndex: 0, members: []) },
            clock: { [self] in now },
            logger: quietLogger
        )
        let runner = TaskRunner(parts, tasks: tasks, effects: effects, counts: counts)
        runner.start()
        return runner
    }

    /// Tasks with one kind of job: counts records up, one in a batch.
    ///
    /// - Parameter before: called with the number of the record before each step.
    static func counting(
        _ before: @escaping @Sendable (UInt8) throws(VaultError) -> Void = { _ in }
    ) -> VaultTasks {
        VaultTasks(
            timers: [],
            jobs: [
                (
                    kind,
                    JobHandler(step: { (job, view, _, draft) throws(VaultError) in
                        let number = job.cursor.first ?? 0
                        try before(number)
                        let path = "counted/\(job.arguments[1])/\(number)"
                        let count = try view.systemRecord(path)?.value.first ?? 0
                        try draft.put(path, [count + 1])
                        return number + 1 < job.arguments[0]
                            ? .more(cursor: [number + 1], done: 1) : .finished(done: 1)
                    })
                )
            ]
        )
    }

    private func environment() throws -> VaultEnvironment {
        let unsealed = try #require(vault.keeper.unsealed)
        return VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: now,
            seed: try Random.bytes(32),
            attempt: 0,
            facts: NodeFacts(version: "0", appliedIndex: 0, members: [])
        )
    }

    func view<Value>(_ body: (borrowing BarrierView) throws -> Value) throws -> Value {
        let keyring = try #require(vault.keeper.unsealed).keyring
        return try vault.one.store.view { view throws(any Error) in
            try body(BarrierView(keyring, over: view))
        }
    }

    /// Begins a job; asks again while another batch changes the table of jobs.
    func begin(_ job: NewJob) async throws -> String {
        while true {
            let environment = try environment()
            let (batch, id) = try view { view in
                var draft = try BatchDraft(ofTask: environment, view)
                let id = try draft.begin(job, view, at: environment.now)
                return (try draft.finish(), id)
            }
            if try await vault.one.commit(batch) == .applied { return id }
        }
    }

    func job(_ id: String) throws -> JobRecord? { try view { try JobEntry(id, $0)?.record } }

    func jobCount() throws -> UInt64 { try view { try JobTable($0).count } }

    func counted(_ job: UInt8, _ number: UInt8) throws -> UInt8? {
        try view { try $0.systemRecord("counted/\(job)/\(number)")?.value.first }
    }
}

@Suite("task runner")
struct TaskRunnerTests {
    @Test("jobs run side by side to their ends, each step once")
    func manyJobs() async throws {
        let bench = try await TaskBench()
        let runner = bench.runner(TaskBench.counting())
        for number in UInt8(0)..<24 {
            _ = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [9, number]))
        }
        try await eventually("all jobs have ended") { (try? bench.jobCount()) == 0 }
        for job in UInt8(0)..<24 {
            for number in UInt8(0)..<9 { #expect(try bench.counted(job, number) == 1) }
        }
        #expect(bench.counts.done.load(ordering: .relaxed) == 24)
        #expect(bench.counts.steps.load(ordering: .relaxed) == 24 * 8)
        #expect(try bench.view { try $0.dueTimers(through: bench.now, limit: 9).timers.isEmpty })
        await runner.stop()
        bench.vault.one.stop()
    }

    @Test("a node that is sealed stops at once, and goes on where it was when it is unsealed")
    func sealing() async throws {
        let bench = try await TaskBench()
        let steps = Atomic<Int>(0)
        let keeper = bench.vault.keeper
        let runner = bench.runner(
            TaskBench.counting { _ in
                if steps.add(1, ordering: .relaxed).newValue == 3 { keeper.seal() }
            }
        )
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [6, 0]))
        try await eventually("it is sealed and nothing runs") {
            keeper.unsealed == nil && bench.counts.running.load(ordering: .relaxed) == 0
        }
        #expect(steps.load(ordering: .relaxed) == 3)
        try await bench.vault.unseal()
        try await eventually("the job has ended") { (try? bench.job(id)) == .some(nil) }
        for number in UInt8(0)..<6 { #expect(try bench.counted(0, number) == 1) }
        await runner.stop()
        bench.vault.one.stop()
    }

    @Test("another runner goes on where one was stopped in the middle")
    func stopped() async throws {
        let bench = try await TaskBench()
        let steps = Atomic<Int>(0)
        let first = bench.runner(
            TaskBench.counting { _ in _ = steps.add(1, ordering: .relaxed) }
        )
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [200, 0]))
        try await eventually("it has begun") { steps.load(ordering: .relaxed) > 5 }
        await first.stop()
        let before = try #require(try bench.job(id))
        #expect(before.doneCount < 200)
        let second = bench.runner(TaskBench.counting())
        try await eventually("the job has ended") { (try? bench.job(id)) == .some(nil) }
        for number in UInt8(0)..<200 { #expect(try bench.counted(0, number) == 1) }
        await second.stop()
        bench.vault.one.stop()
    }

    @Test("a failure is written down and tried again at its time, and keeps no other waiting")
    func failure() async throws {
        let bench = try await TaskBench()
        let isAway = Atomic(true)
        let runner = bench.runner(
            TaskBench.counting { (number) throws(VaultError) in
                if number == 2, isAway.load(ordering: .relaxed) { throw .invalid("away") }
            }
        )
        let failing = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [5, 0]))
        try await eventually("it has failed") {
            (try? bench.job(failing)?.failureCount) == 1
        }
        #expect(try bench.job(failing)?.lastError == "away")
        #expect(try bench.job(failing)?.doneCount == 2)
        let other = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [2, 1]))
        try await eventually("the other has ended") { (try? bench.job(other)) == .some(nil) }
        #expect(try bench.job(failing)?.failureCount == 1)
        bench.wait(5)
        try await eventually("it has failed again") {
            (try? bench.job(failing)?.failureCount) == 2
        }
        isAway.store(false, ordering: .relaxed)
        bench.wait(10)
        try await eventually("it has ended") { (try? bench.job(failing)) == .some(nil) }
        for number in UInt8(0)..<5 { #expect(try bench.counted(0, number) == 1) }
        await runner.stop()
        bench.vault.one.stop()
    }

    // MARK: effects

    /// Says something, or nothing.
    private struct Performer: EffectPerformer {
        let outcomes: [EffectOutcome]
        let seen = Collector<Effect>()

        func perform(
            _ effect: Effect,
            deadline: Moment,
            completion: @escaping @Sendable (EffectOutcome) -> Void
        ) {
            seen.add(effect)
            for outcome in outcomes { completion(outcome) }
        }
    }

    @Test(
        "the first word about an effect counts; without one its time ends; without a performer too"
    )
    func effectPool() async throws {
        let loop = TaskLoop()
        let effect = Effect(kind: EffectKind(rawValue: 9), id: [1], body: [])
        func outcome(_ outcomes: [EffectOutcome]?, _ patience: Duration) async throws
            -> EffectOutcome
        {
            let pool = EffectPool(
                outcomes.map { [(effect.kind, Performer(outcomes: $0))] } ?? [],
                patience: patience
            )
            let ends = Collector<EffectOutcome>()
            pool.perform(effect, on: loop) { ends.add($0) }
            try await eventually("it has ended") { ends.count > 0 }
            // Whatever else was said has had its turn on the loop.
            try await loop.eventLoop.submit {}.get()
            #expect(ends.count == 1)
            return try #require(ends.all.first)
        }
        #expect(
            try await outcome([.done([1]), .failed("late"), .done([2])], .seconds(300))
                == .done([1])
        )
        #expect(try await outcome([.failed("away")], .seconds(300)) == .failed("away"))
        let late = try await outcome([], .milliseconds(20))
        guard case .failed(let reason) = late else { throw TestFailure("\(late)") }
        #expect(reason.contains("longer"))
        guard case .failed = try await outcome(nil, .seconds(300)) else {
            throw TestFailure("an effect that nobody performs was performed")
        }
        await loop.stop()
    }

    /// Keeps what it should say until it is asked.
    private struct LatePerformer: EffectPerformer {
        let completions = Collector<@Sendable (EffectOutcome) -> Void>()

        func perform(
            _ effect: Effect,
            deadline: Moment,
            completion: @escaping @Sendable (EffectOutcome) -> Void
        ) {
            completions.add(completion)
        }
    }

    @Test("what is said after the end is not heard")
    func afterTheEnd() async throws {
        let loop = TaskLoop()
        let effect = Effect(kind: EffectKind(rawValue: 9), id: [1], body: [])
        let performer = LatePerformer()
        let ends = Collector<EffectOutcome>()
        let pool = EffectPool([(effect.kind, performer)], patience: .seconds(300))
        loop.execute { pool.perform(effect, on: loop) { ends.add($0) } }
        try await eventually("it is under way") { performer.completions.count > 0 }
        await loop.stop()
        for completion in performer.completions.all { completion(.done([])) }
        loop.execute { ends.add(.failed("the thread has ended")) }
        #expect(ends.count == 0)
    }

    @Test("a job's effect is performed by the node, and its outcome becomes a batch")
    func effectOfJob() async throws {
        let bench = try await TaskBench()
        let kind = EffectKind(rawValue: 9)
        let tasks = VaultTasks(
            timers: [],
            jobs: [
                (
                    TaskBench.kind,
                    JobHandler(
                        step: { (_, _, _, _) throws(VaultError) in .perform(kind, body: [4]) },
                        performed: { (outcome, _, _, _, draft) throws(VaultError) in
                            guard case .done(let bytes) = outcome else { throw .invalid("away") }
                            try draft.put("brought", bytes)
                            return .finished(done: 1)
                        }
                    )
                )
            ]
        )
        let performer = Performer(outcomes: [.done([5, 6])])
        let runner = bench.runner(tasks, effects: EffectPool([(kind, performer)]))
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: []))
        try await eventually("the job has ended") { (try? bench.job(id)) == .some(nil) }
        #expect(try bench.view { try $0.systemRecord("brought")?.value } == [5, 6])
        #expect(performer.seen.all.map(\.body) == [[4]])
        await runner.stop()
        bench.vault.one.stop()
    }
}
