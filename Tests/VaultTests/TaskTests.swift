import Barrier
import Engines
import Store
import TestSupport
import Testing
import Wire

@testable import Vault

/// A job of the tests: counts each record of a folder up by one, some in a batch.
///
/// A record that is counted twice, or not at all, shows.
enum CountingJob {
    static let kind = JobKind(rawValue: 200)
    static let perBatch = 3

    static func path(_ number: UInt8) -> String { "counted/\(number)" }

    static func count(_ value: [UInt8]?) -> UInt8 { value?.first ?? 0 }

    /// Arguments: how many records. Cursor: the next.
    @Sendable static func step(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        guard let total = job.arguments.first else { throw .damaged("no arguments") }
        var next = job.cursor.first ?? 0
        var done: UInt64 = 0
        while next < total, done < perBatch {
            let opened = try view.systemRecord(path(next))
            try draft.check(path(next), opened?.modificationIndex ?? 0)
            try draft.put(path(next), [count(opened?.value) + 1])
            next += 1
            done += 1
        }
        return next < total ? .more(cursor: [next], done: done) : .finished(done: done)
    }

    static func tasks(
        _ step:
            @escaping @Sendable (
                JobRecord, borrowing BarrierView, VaultEnvironment, inout BatchDraft
            ) throws(VaultError) -> JobStep = CountingJob.step
    ) -> VaultTasks {
        VaultTasks(
            timers: VaultTasks.standard.timers,
            jobs: [(kind, JobHandler(step: step))]
        )
    }
}

extension TestVault {
    /// Begins a job as a batch of its own.
    func begin(_ job: NewJob) throws -> String {
        let environment = environment()
        let (batch, id) = try view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            let id = try draft.begin(job, view, at: environment.now)
            return (try draft.finish(), id)
        }
        guard case .applied = try commit(batch) else { throw TestFailure("no job began") }
        return id
    }

    func dueTimers(_ limit: Int = 100) throws -> [DueTimer] {
        try view { try $0.dueTimers(through: Timestamp(nanoseconds: now), limit: limit).timers }
    }

    func wake(_ timer: DueTimer, _ tasks: VaultTasks = .standard) throws -> TaskStep {
        let environment = environment()
        return try store.view { view throws(any Error) in
            try tasks.wake(timer, in: environment, view: view)
        }
    }

    func postpone(_ timer: DueTimer, _ reason: String) throws -> TaskStep {
        let environment = environment()
        return try store.view { view throws(any Error) in
            try VaultTasks.standard.postpone(timer, reason, in: environment, view: view)
        }
    }

    func job(_ id: String) throws -> JobRecord? { try view { try JobEntry(id, $0)?.record } }

    func jobCount() throws -> UInt64 { try view { try JobTable($0).count } }

    func seconds(_ count: UInt64) { now += count * 1_000_000_000 }

    /// Does what is due, as the runner does.
    ///
    /// - Returns: how many batches were committed.
    @discardableResult
    func runTasks(_ tasks: VaultTasks = .standard) throws -> Int {
        var batches = 0
        while let timer = try dueTimers(1).first {
            var step: TaskStep
            do {
                step = try wake(timer, tasks)
            } catch let error as VaultError {
                step = try postpone(timer, error.summary)
            }
            guard case .commit(let batch, _) = step else { throw TestFailure("\(step)") }
            guard case .applied = try commit(batch) else { throw TestFailure("rejected") }
            batches += 1
            guard batches < 1_000 else { throw TestFailure("the tasks do not end") }
        }
        return batches
    }
}

@Suite("tasks")
struct TaskTests {
    // MARK: policies that expire

    private static let text = "path \\\"kv/*\\\" { capabilities = [\\\"read\\\"] }"

    private func writePolicy(_ vault: TestVault, _ name: String, ttl: Int) throws {
        let body = "{\"policy\":\"\(Self.text)\",\"ttl\":\(ttl)}"
        #expect(try vault.send("POST", "sys/policies/acl/\(name)", body).status == 204)
    }

    @Test("a policy that has expired becomes history, at its time and once")
    func policyExpires() throws {
        let vault = try TestVault()
        try writePolicy(vault, "short", ttl: 60)
        vault.seconds(58)
        #expect(try vault.dueTimers().isEmpty)
        #expect(try vault.send("GET", "sys/policies/acl/short").status == 200)
        vault.seconds(3)
        #expect(try vault.dueTimers().map(\.path) == ["policies/expiring/short"])
        #expect(try vault.runTasks() == 1)
        #expect(try vault.view { try $0.systemNames(SystemPaths.expiringPolicies) } == [])
        #expect(try vault.view { try $0.systemIndex("policies/deleted/short") } > 0)
        #expect(try vault.send("GET", "sys/policies/acl/short").status == 404)
        let versions = try vault.send("GET", "sys/policies/versions/acl/short")
        #expect(try versions.data("versions")?.asArray?.count == 1)
        #expect(try vault.runTasks() == 0)
    }

    @Test("a policy that got another time, or none, or was deleted, has only its own timer")
    func policyTimers() throws {
        let vault = try TestVault()
        for name in ["longer", "gone", "kept"] { try writePolicy(vault, name, ttl: 60) }
        try writePolicy(vault, "longer", ttl: 600)
        #expect(try vault.send("DELETE", "sys/policies/acl/gone").status == 204)
        try vault.writePolicy("kept", "path \"kv/*\" { capabilities = [\"read\"] }")
        vault.seconds(120)
        #expect(try vault.dueTimers().isEmpty)
        vault.seconds(600)
        #expect(try vault.dueTimers().map(\.path) == ["policies/expiring/longer"])
        try vault.runTasks()
        #expect(try vault.send("GET", "sys/policies/acl/kept").status == 200)
        #expect(try vault.send("GET", "sys/policies/acl/longer").status == 404)
    }

    @Test("a timer that was left behind does nothing and is cleared")
    func staleTimer() throws {
        let vault = try TestVault()
        try writePolicy(vault, "p", ttl: 6_000)
        try vault.change { builder in
            try builder.setTimer(
                due: Timestamp(nanoseconds: vault.now),
                path: "policies/expiring/p"
            )
            try builder.setTimer(
                due: Timestamp(nanoseconds: vault.now),
                path: "policies/expiring/none"
            )
        }
        vault.seconds(2)
        #expect(try vault.runTasks() == 2)
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 200)
        #expect(try vault.send("GET", "sys/policies/versions/acl/none").status == 404)
    }

    // MARK: jobs

    @Test("a job killed at every step ends with the same result, exactly once", arguments: 0..<4)
    func killedEverywhere(kill: Int) throws {
        let vault = try TestVault()
        let tasks = CountingJob.tasks()
        let total: UInt8 = 10
        let id = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [total]))
        #expect(try vault.jobCount() == 1)
        var batches = 0
        while let timer = try vault.dueTimers(1).first {
            guard case .commit(let batch, let progress) = try vault.wake(timer, tasks) else {
                throw TestFailure("no batch")
            }
            // Two leaders prepare the same step; or the same one twice, after a lost answer.
            guard case .commit(let other, _) = try vault.wake(timer, tasks) else {
                throw TestFailure("no batch")
            }
            switch kill {
            case 0:  // killed before the batch is in the log: prepared again
                break
            case 1:  // killed after the commit: whoever looks again finds the next step
                #expect(try isApplied(vault.commit(batch)))
                batches += 1
                continue
            case 2:  // the other one's batch comes first
                #expect(try isApplied(vault.commit(other)))
                #expect(try !isApplied(vault.commit(batch)))
                batches += 1
                continue
            default:  // and comes late
                #expect(try isApplied(vault.commit(batch)))
                #expect(try !isApplied(vault.commit(other)))
                #expect(try !isApplied(vault.commit(batch)))
                batches += 1
                if progress == .done {
                    guard case .nothing = try vault.wake(timer, tasks) else {
                        throw TestFailure("a job that has ended goes on")
                    }
                }
                continue
            }
            #expect(try isApplied(vault.commit(batch)))
            batches += 1
        }
        #expect(batches == 4)
        #expect(try vault.job(id) == nil)
        #expect(try vault.jobCount() == 0)
        for number in 0..<total {
            let record = try vault.view { try $0.systemRecord(CountingJob.path(number)) }
            #expect(CountingJob.count(record?.value) == 1, "record \(number)")
        }
        #expect(try vault.dueTimers().isEmpty)
    }

    private func isApplied(_ evaluation: Evaluation) -> Bool {
        if case .applied = evaluation { true } else { false }
    }

    @Test(
        "three jobs under random schedules of leaders count each record three times",
        arguments: 0..<6
    )
    func randomLeaders(seed: UInt64) throws {
        var random = Seeded(seed)
        let vault = try TestVault(seed: seed)
        let tasks = CountingJob.tasks()
        for _ in 0..<3 {
            _ = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [20]))
        }
        var prepared: [WriteBatch] = []
        while let timer = try vault.dueTimers().randomElement(using: &random) {
            if case .commit(let batch, _) = try vault.wake(timer, tasks) { prepared.append(batch) }
            // Some are lost with their leader, some come late, some come at once.
            while let batch = prepared.last, random.chance(3, of: 4) {
                prepared.removeLast()
                if random.chance(4, of: 5) { try vault.commit(batch) }
            }
            if random.chance(1, of: 8) { prepared.shuffle(using: &random) }
        }
        for batch in prepared { #expect(try !isApplied(vault.commit(batch))) }
        #expect(try vault.jobCount() == 0)
        for number in UInt8(0)..<20 {
            let record = try vault.view { try $0.systemRecord(CountingJob.path(number)) }
            #expect(CountingJob.count(record?.value) == 3, "record \(number)")
        }
    }

    @Test("a failure is put off with back-off, visible, and forgotten once it goes on")
    func failures() throws {
        let vault = try TestVault()
        let failing = CountingJob.tasks { (_, _, _, _) throws(VaultError) in
            throw .invalid("the other side is away")
        }
        let id = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [5]))
        var pauses: [UInt64] = []
        for attempt in UInt32(1)...14 {
            #expect(try vault.runTasks(failing) == 1)
            let job = try #require(try vault.job(id))
            #expect(job.failureCount == attempt)
            #expect(job.lastError == "the other side is away")
            pauses.append((job.due.nanoseconds - vault.now) / 1_000_000_000)
            #expect(try vault.runTasks(failing) == 0)
            vault.now = job.due.nanoseconds + 1_000_000_000
        }
        #expect(pauses[0] >= 1 && pauses[0] <= 2)
        #expect(pauses[5] >= 32 && pauses[5] <= 48)
        #expect(pauses[13] >= 600 && pauses[13] <= 900)
        let answer = try vault.send("LIST", "sys/jobs")
        #expect(try answer.data("keys") == .array([.string(id)]))
        #expect(try answer.data("key_info.\(id).state") == "failing")
        #expect(try answer.data("key_info.\(id).failures") == 14)
        let one = try vault.send("GET", "sys/jobs/\(id)")
        #expect(try one.data("last_error") == "the other side is away")
        #expect(try vault.runTasks(CountingJob.tasks()) == 2)
        #expect(try vault.job(id) == nil)
        #expect(try vault.send("GET", "sys/jobs/\(id)").status == 404)
        #expect(try vault.send("LIST", "sys/jobs").status == 404)
    }

    @Test("a timer whose record cannot be dealt with becomes a job that says why")
    func failingTimer() throws {
        let vault = try TestVault()
        try vault.change { builder in
            try builder.put(.system, "strange/one", [1])
            try builder.setTimer(due: Timestamp(nanoseconds: vault.now), path: "strange/one")
        }
        vault.seconds(1)
        #expect(try vault.runTasks() == 1)
        #expect(try vault.jobCount() == 1)
        let id = try #require(try vault.view { try $0.systemNames(SystemPaths.jobs) }.first)
        let job = try #require(try vault.job(id))
        #expect(job.kind == .due)
        #expect(job.lastError.contains("does not know"))
        #expect(job.failureCount == 1)
        // A later version knows it.
        let tasks = VaultTasks(
            timers: [
                (
                    "strange/",
                    { (path, _, _, draft) throws(VaultError) in
                        try draft.delete(path)
                        return .nothing
                    }
                )
            ],
            jobs: []
        )
        vault.seconds(5)
        #expect(try vault.runTasks(tasks) == 1)
        #expect(try vault.view { try $0.systemIndex("strange/one") } == 0)
        #expect(try vault.jobCount() == 0)
    }

    @Test("a summary tells which jobs fail, why, and which of them keep leases from ending")
    func summary() throws {
        let vault = try TestVault()
        func summary() throws -> WorkSummary {
            try vault.store.view { view throws(VaultError) in
                try WorkSummary(vault.keyring, view: view)
            }
        }
        #expect(try summary().jobs == 0 && summary().worst.isEmpty)
        let lease = SystemPaths.token(hash: "no hash")
        try vault.change { builder in
            for path in ["strange/one", lease] {
                try builder.put(.system, path, [1])
                try builder.setTimer(due: Timestamp(nanoseconds: vault.now), path: path)
            }
        }
        let timers = try vault.dueTimers()
        #expect(timers.map { TaskSubject(of: $0) }.filter { $0 == .lease }.count == 1)
        vault.seconds(1)
        #expect(try vault.runTasks() == 2)
        var told = try summary()
        #expect(told.jobs == 2 && told.failing == 2 && told.stuckLeases == 1)
        #expect(
            told.worst.allSatisfy { $0.kind == "due" && $0.failures == 1 && !$0.reason.isEmpty }
        )
        #expect(try vault.view { try JobEntry(told.worst[0].id, $0) } != nil)
        // One that cannot be read does not hide the others, and comes first.
        let damaged = told.worst[1].id
        try vault.change { try $0.put(.system, SystemPaths.job(damaged), [9, 9]) }
        told = try summary()
        #expect(told.jobs == 2 && told.failing == 2)
        #expect(told.worst.map(\.kind) == ["damaged", "due"])
    }

    @Test("tokens are counted, without what lies beside them")
    func tokenCount() throws {
        let vault = try TestVault()
        func count() throws -> Int {
            try vault.store.view { view throws(VaultError) in
                try WorkSummary.tokens(vault.keyring, vault.cache, view: view)
            }
        }
        let before = try count()
        for _ in 0..<5 { _ = try vault.makeToken(["default"]) }
        #expect(try count() == before + 5)
        try vault.makeNamespace("a")
        try vault.makeNamespace("a/b")
        for _ in 0..<2 { _ = try vault.createToken(in: "a/b", #"{"policies":["default"]}"#) }
        #expect(try count() == before + 7)
        // Those of one that is being removed are good for nothing.
        try vault.send("DELETE", "a/sys/namespaces/b")
        #expect(try count() == before + 5)
    }

    @Test("what a timer leaves over goes on as a job of the same batch")
    func leftOver() throws {
        let vault = try TestVault()
        try vault.change { builder in
            try builder.setTimer(due: Timestamp(nanoseconds: vault.now), path: "large/one")
        }
        vault.seconds(1)
        let tasks = VaultTasks(
            timers: [
                (
                    "large/",
                    { (_, _, _, _) throws(VaultError) in
                        .job(NewJob(kind: CountingJob.kind, arguments: [7]))
                    }
                )
            ],
            jobs: CountingJob.tasks().jobs
        )
        #expect(try vault.runTasks(tasks) == 1 + 3)
        for number in UInt8(0)..<7 {
            let record = try vault.view { try $0.systemRecord(CountingJob.path(number)) }
            #expect(CountingJob.count(record?.value) == 1)
        }
        #expect(try vault.jobCount() == 0)
    }

    @Test("at the limit no job begins, and what is due is put off without one")
    func limit() throws {
        let vault = try TestVault()
        let full = CountRecord(VaultLimits.jobsMax)
        try vault.change { builder in
            try builder.put(.system, SystemPaths.jobTable, full.encoded())
            try builder.setTimer(due: Timestamp(nanoseconds: vault.now), path: "strange/one")
        }
        #expect(throws: VaultError.self) {
            try vault.begin(NewJob(kind: CountingJob.kind, arguments: [1]))
        }
        vault.seconds(1)
        #expect(try vault.runTasks() == 1)
        #expect(try vault.dueTimers().isEmpty)
        vault.seconds(VaultLimits.jobPauseSecondsMax + 1)
        #expect(try vault.dueTimers().map(\.path) == ["strange/one"])
    }

    @Test("a damaged job is put off like anything else, and is listed")
    func damagedJob() throws {
        let vault = try TestVault()
        let id = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [1]))
        try vault.change { builder in
            try builder.put(.system, SystemPaths.job(id), [9, 9])
        }
        #expect(try vault.runTasks() == 1)
        let answer = try vault.send("LIST", "sys/jobs")
        #expect(try answer.data("key_info.\(id).state") == "damaged")
        #expect(try answer.data("total") == 2)
    }

    // MARK: effects

    /// What becomes of a job whose effect fails for good is for ``CompensationTests``.
    @Test("an effect follows its job's commit, has one name, and ends in a batch")
    func effects() throws {
        let vault = try TestVault()
        let handler = JobHandler(
            step: { (_, _, _, _) throws(VaultError) in
                .perform(EffectKind(rawValue: 9), body: [7])
            },
            performed: { (outcome, _, _, _, draft) throws(VaultError) in
                switch outcome {
                case .done(let bytes): try draft.put("brought", bytes)
                case .failed(let reason): throw .invalid(reason)
                }
                return .finished(done: 1)
            }
        )
        let tasks = VaultTasks(timers: [], jobs: [(CountingJob.kind, handler)])
        func perform(_ outcome: EffectOutcome) throws -> [Effect] {
            var seen: [Effect] = []
            let timer = try #require(try vault.dueTimers(1).first)
            for _ in 0..<2 {
                guard case .perform(let effect, _) = try vault.wake(timer, tasks) else {
                    throw TestFailure("no effect")
                }
                seen.append(effect)
            }
            let environment = vault.environment()
            let step = try vault.store.view { view throws(any Error) in
                try tasks.performed(
                    outcome,
                    of: seen[0],
                    for: timer,
                    in: environment,
                    view: view
                )
            }
            guard case .commit(let batch, .done) = step else { throw TestFailure("no batch") }
            #expect(try isApplied(vault.commit(batch)))
            // Performed twice, written down once.
            #expect(try !isApplied(vault.commit(batch)))
            return seen
        }
        _ = try vault.begin(NewJob(kind: CountingJob.kind, arguments: []))
        let first = try perform(.done([1, 2, 3]))
        #expect(first[0] == first[1] && first[0].id.count == 24 && first[0].body == [7])
        #expect(try vault.view { try $0.systemRecord("brought")?.value } == [1, 2, 3])
        _ = try vault.begin(NewJob(kind: CountingJob.kind, arguments: []))
        let second = try perform(.done([4]))
        #expect(second[0].id != first[0].id)
        #expect(try vault.view { try $0.systemRecord("brought")?.value } == [4])
        let id = try vault.begin(NewJob(kind: CountingJob.kind, arguments: []))
        #expect(throws: VaultError.self) { try perform(.failed("timeout")) }
        #expect(try vault.job(id) != nil)
        #expect(try vault.jobCount() == 1)
    }

    // MARK: records

    @Test("records of jobs are read back the same, and damage is told")
    func records() throws {
        let now = Timestamp(nanoseconds: 1_795_387_396_123_456_789)
        let new = NewJob(kind: CountingJob.kind, arguments: [1, 2], cursor: [3])
        var job = JobRecord(new, at: now)
        #expect(job.due.nanoseconds == 1_795_387_396_000_000_000)
        job.goOn(7)
        job.failureCount = 3
        job.lastError = "why"
        let bytes = job.encoded()
        #expect(try JobRecord(decoding: bytes) == job)
        for count in bytes.indices {
            #expect(throws: VaultError.self) { try JobRecord(decoding: Array(bytes[..<count])) }
        }
        #expect(throws: VaultError.self) { try JobRecord(decoding: bytes + [0]) }
        #expect(throws: VaultError.self) { try JobRecord(decoding: [2] + bytes.dropFirst()) }
        for position in bytes.indices {
            var other = bytes
            other[position] ^= 0x80
            if let read = try? JobRecord(decoding: other) { #expect(read != job) }
        }
    }

    @Test("a record of a number says what it counts when it is damaged")
    func counts() throws {
        let bytes = CountRecord(5).encoded()
        #expect(bytes == [1, 0, 0, 0, 0, 0, 0, 0, 5])
        #expect(try CountRecord(decoding: bytes, of: "jobs").count == 5)
        let error = #expect(throws: VaultError.self) {
            try CountRecord(decoding: [2] + bytes.dropFirst(), of: "jobs")
        }
        #expect(error?.summary.contains("count of jobs") == true)
        #expect(error?.summary.contains("a number in format 2") == true)
        for damaged in [[], Array(bytes.dropLast()), bytes + [0]] {
            #expect(throws: VaultError.self) { try CountRecord(decoding: damaged, of: "jobs") }
        }
    }
}
