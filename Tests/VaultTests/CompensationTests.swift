import Barrier
import Engines
import Store
import Testing
import Wire

@testable import Vault

/// A job of the tests with two effects outside: it makes one thing, then another; if the second one
/// cannot be made it takes back both, the last first.
///
/// ```
/// cursor      step                     on success      on failure
/// nothing     make the first           → 1             again
/// 1, b        make the second          ends            for good, or twice in a row: → 2
/// 2, b, c     undo the second, of c    → 3             again
/// 3, b        undo the first, of b     ends            again
/// ```
private enum TwoThings {
    static let kind = JobKind(rawValue: 201)
    static let making = EffectKind(rawValue: 21)
    static let undoing = EffectKind(rawValue: 22)
    /// What the outside world says when it has done what it was asked for, and when it never will.
    static let yes: [UInt8] = [1]
    static let never: [UInt8] = [0]

    static let tasks = VaultTasks(
        timers: [],
        jobs: [(kind, JobHandler(step: step, performed: performed))]
    )

    @Sendable private static func step(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        switch (job.cursor.first, job.cursor.last) {
        case (nil, _): .perform(making, body: [1])
        case (1, _): .perform(making, body: [2])
        case (2, let batch?), (3, let batch?): .undo(undoing, body: [], batch: UInt64(batch))
        default: throw .damaged("a cursor that no batch left")
        }
    }

    @Sendable private static func performed(
        _ outcome: EffectOutcome,
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobAdvance {
        let now = UInt8(job.batchCount)
        switch (job.cursor.first, outcome) {
        case (nil, .done(yes)): return .more(cursor: [1, now], done: 1)
        case (1, .done(yes)): return .finished(done: 1)
        case (1, .done): return .more(cursor: [2] + job.cursor.dropFirst() + [now], done: 0)
        case (1, .failed) where job.failureCount > 0:
            return .more(cursor: [2] + job.cursor.dropFirst() + [now], done: 0)
        case (2, .done(yes)): return .more(cursor: [3, job.cursor[1]], done: 1)
        case (3, .done(yes)): return .finished(done: 1)
        case (_, .failed(let reason)): throw .invalid(reason)
        default: throw .damaged("an answer that fits nothing")
        }
    }
}

/// The outside world: makes and takes back things under the ids of effects, and counts.
private final class Outside {
    /// How it answers who asks for the second thing.
    enum Manner: CaseIterable, Sendable {
        /// As it should.
        case willing
        /// Never.
        case refusing
        /// It makes it, and nobody ever hears of that.
        case silent
    }

    let manner: Manner
    /// Whether the first answer about each effect is lost, after the effect was done.
    let losesFirst: Bool
    /// What is there: which of the two things, by the id of the effect that made it.
    private(set) var things: [[UInt8]: UInt8] = [:]
    /// How often one was made that was not there.
    private(set) var makings: [[UInt8]: Int] = [:]
    /// How often each effect arrived.
    private(set) var arrivals: [[UInt8]: Int] = [:]
    /// What was taken back, and is not made any more.
    private(set) var undone: Set<[UInt8]> = []

    init(_ manner: Manner, losesFirst: Bool) {
        (self.manner, self.losesFirst) = (manner, losesFirst)
    }

    func perform(_ effect: Effect) -> EffectOutcome {
        arrivals[effect.id, default: 0] += 1
        let outcome = outcome(effect)
        return losesFirst && arrivals[effect.id] == 1 ? .failed("the answer is lost") : outcome
    }

    private func outcome(_ effect: Effect) -> EffectOutcome {
        if effect.kind == TwoThings.undoing {
            guard let id = effect.undoes else { return .failed("it undoes nothing") }
            undone.insert(id)
            things[id] = nil
            return .done(TwoThings.yes)
        }
        guard !undone.contains(effect.id) else { return .failed("it was taken back") }
        let isSecond = effect.body == [2]
        if isSecond && manner == .refusing { return .done(TwoThings.never) }
        if things[effect.id] == nil {
            things[effect.id] = effect.body[0]
            makings[effect.id, default: 0] += 1
        }
        return isSecond && manner == .silent ? .failed("no answer") : .done(TwoThings.yes)
    }
}

/// One job under leaders that are lost at given points, over the real steps, batches and store.
private final class LostLeaders {
    /// A leader is lost; what it was about to do, or had heard, is lost with it or comes later.
    struct Loss {
        /// After how many points it comes, and again at each point from then on; nil: it never
        /// does.
        var comesAfter: Int?
    }

    private struct LeaderLost: Error {}

    /// Longer than any run: at the very end.
    static let atTheEnd = 1_000

    private let vault: TestVault
    let outside: Outside
    private let losses: [Int: Loss]
    /// Before and after all that a leader does.
    private(set) var points = 0
    /// The job; nil until a leader has prepared it.
    private(set) var id: String?
    private var leftovers: [(from: Int, comes: () throws -> Void)] = []

    init(_ vault: TestVault, _ outside: Outside, _ losses: [Int: Loss] = [:]) {
        (self.vault, self.outside, self.losses) = (vault, outside, losses)
    }

    /// Until the job has ended and nothing is on its way any more.
    func run() throws {
        try untilLost { try begin() }
        try lead()
        // What has not come yet comes now, all of it twice; a job that only begins now is run.
        for _ in 0..<2 {
            for leftover in leftovers { try leftover.comes() }
            try lead()
        }
    }

    private func lead() throws {
        var leaders = 0
        while try vault.jobCount() > 0 {
            leaders += 1
            guard leaders < 100 else { throw TestFailure("the job does not end") }
            try untilLost {
                guard let timer = try vault.dueTimers(1).first else { return vault.seconds(5) }
                try lead(timer)
            }
        }
    }

    private func untilLost(_ body: () throws -> Void) throws {
        do { try body() } catch is LeaderLost {}
    }

    /// One point: who leads is lost here, or goes on.
    ///
    /// - Parameter held: what the leader is about to do, or what it knows.
    private func pass(_ held: @escaping () throws -> Void) throws {
        points += 1
        let point = points
        for leftover in leftovers where leftover.from <= point { try leftover.comes() }
        guard let loss = losses[point] else { return }
        if let after = loss.comesAfter {
            leftovers.append((point + after, held))
            if after == 0 { try held() }
        }
        throw LeaderLost()
    }

    private func begin() throws {
        let environment = vault.environment()
        let (batch, id) = try vault.view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            let new = NewJob(kind: TwoThings.kind, arguments: [])
            let id = try draft.begin(new, view, at: environment.now)
            return (try draft.finish(), id)
        }
        self.id = id
        _ = try commit(batch)
    }

    /// What one leader does about the job, as the runner does it.
    private func lead(_ timer: DueTimer) throws {
        var step = try vault.wake(timer, TwoThings.tasks)
        while true {
            switch step {
            case .nothing: return
            case .commit(let batch, let progress):
                guard try commit(batch), progress == .goesOn else { return }
                step = try vault.wake(timer, TwoThings.tasks)
            case .perform(let effect, let timer):
                try expectIntent(of: effect)
                try pass { [outside] in _ = outside.perform(effect) }
                let outcome = outside.perform(effect)
                try pass { [self] in try hear(outcome, effect, timer) }
                step = try vault.performed(outcome, effect, timer)
            }
        }
    }

    /// Two points: the batch is not in the log yet; it is, and nobody has said so.
    private func commit(_ batch: WriteBatch) throws -> Bool {
        try pass { [vault] in try vault.commit(batch) }
        let evaluation = try vault.commit(batch)
        try pass { [vault] in try vault.commit(batch) }
        return if case .applied = evaluation { true } else { false }
    }

    /// A leader that comes back hears an old outcome, goes on, and is lost again.
    private func hear(_ outcome: EffectOutcome, _ effect: Effect, _ timer: DueTimer) throws {
        switch try vault.performed(outcome, effect, timer) {
        case .nothing: break
        case .commit(let batch, _): try vault.commit(batch)
        case .perform(let next, _):
            try expectIntent(of: next)
            _ = outside.perform(next)
        }
    }

    /// What was never sent before is what the committed record wants now; nothing runs ahead of it.
    private func expectIntent(of effect: Effect) throws {
        let id = try #require(id)
        let job = try #require(try vault.view { try JobEntry(id, $0) })
        #expect(effect.id.count == 24 && effect.id.starts(with: job.idBytes))
        if outside.arrivals[effect.id] == nil {
            #expect(effect.id == job.effectID(job.record.batchCount))
        }
        if let undoes = effect.undoes { #expect(outside.arrivals[undoes] != nil) }
    }
}

/// A run, and what has to be true of every one.
private struct Run {
    let manner: Outside.Manner
    var losesFirst = false
    var losses: [Int: LostLeaders.Loss] = [:]

    /// - Returns: how many points there were.
    @discardableResult
    func check(_ vault: TestVault) throws -> Int {
        let outside = Outside(manner, losesFirst: losesFirst)
        let run = LostLeaders(vault, outside, losses)
        let label: Comment = "\(manner) \(losesFirst) \(losses)"
        let before = try vault.recordCount()
        try run.run()
        // Both, or nothing; the job that never began did nothing.
        let isBegun = !outside.arrivals.isEmpty
        let there = outside.things.values.sorted()
        #expect(there == (manner == .willing && isBegun ? [1, 2] : []), label)
        #expect(outside.makings.values.allSatisfy { $0 == 1 }, label)
        #expect(outside.undone.count == (manner == .willing || !isBegun ? 0 : 2), label)
        // Two things and, if need be, what undoes them: no effect has a second name.
        let names = isBegun ? (manner == .willing ? 2 : 4) : 0
        #expect(outside.arrivals.count == names, label)
        if let loss = losses[1], loss.comesAfter == nil {
            #expect(!isBegun, label)
        } else {
            #expect(isBegun, label)
        }
        // Nothing is left of the job.
        if let id = run.id { #expect(try vault.job(id) == nil, label) }
        #expect(try vault.jobCount() == 0, label)
        #expect(try vault.timersEver() == [], label)
        #expect(try vault.recordCount() == before, label)
        return run.points
    }
}

extension TestVault {
    /// What follows on an effect, or on its failure, as the runner has it.
    fileprivate func performed(
        _ outcome: EffectOutcome,
        _ effect: Effect,
        _ timer: DueTimer
    ) throws -> TaskStep {
        let environment = environment()
        do {
            return try store.view { view throws(any Error) in
                try TwoThings.tasks.performed(
                    outcome,
                    of: effect,
                    for: timer,
                    in: environment,
                    view: view
                )
            }
        } catch let error as VaultError {
            return try postpone(timer, error.summary)
        }
    }

    fileprivate func timersEver() throws -> [String] {
        try view { view in
            try view.dueTimers(through: Timestamp(nanoseconds: .max), limit: 100).timers.map(
                \.path
            )
        }
    }

    /// One in which a job has begun and ended, so that the next one leaves no new record.
    fileprivate static func afterAJob() throws -> TestVault {
        let vault = try TestVault()
        _ = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [0]))
        try vault.runTasks(CountingJob.tasks())
        return vault
    }
}

/// An effect that cannot stay is undone, whoever leads and whatever comes late.
@Suite("compensation")
struct CompensationTests {
    /// Before and after: the job's first batch, each effect, and the batch that follows on it.
    private static let pointsWhenUndone = 2 + 4 * 4
    private static let pointsWhenDone = 2 + 2 * 4
    /// What comes late: never, at once, while the next leader is at work, and when all is over.
    private static let delays = [nil, 0, 2, LostLeaders.atTheEnd]
    private static let twoDelays = [
        (nil, nil), (0, LostLeaders.atTheEnd), (LostLeaders.atTheEnd, 2),
    ]

    @Test("without losses all is there, or all is undone, in so many steps")
    func noLosses() throws {
        let vault = try TestVault.afterAJob()
        #expect(try Run(manner: .willing).check(vault) == Self.pointsWhenDone)
        #expect(try Run(manner: .refusing).check(vault) == Self.pointsWhenUndone)
        // One more attempt, and before it the batch that puts it off.
        #expect(try Run(manner: .silent).check(vault) == Self.pointsWhenUndone + 4)
        for manner in Outside.Manner.allCases {
            try Run(manner: manner, losesFirst: true).check(vault)
        }
    }

    @Test(
        "a leader lost before or after any step leaves both or nothing",
        arguments: Outside.Manner.allCases,
        [false, true]
    )
    private func oneLoss(_ manner: Outside.Manner, losesFirst: Bool) throws {
        let points = try Run(manner: manner, losesFirst: losesFirst).check(.afterAJob())
        for delay in Self.delays {
            let vault = try TestVault.afterAJob()
            for point in 1...points {
                let loss = LostLeaders.Loss(comesAfter: delay)
                try Run(manner: manner, losesFirst: losesFirst, losses: [point: loss])
                    .check(vault)
            }
        }
    }

    @Test(
        "so do two leaders that are lost, wherever",
        arguments: 1...CompensationTests.pointsWhenUndone
    )
    private func twoLosses(_ first: Int) throws {
        for (one, other) in Self.twoDelays {
            let vault = try TestVault.afterAJob()
            // What the first loss adds is part of it.
            for second in first + 1...Self.pointsWhenUndone + 2 {
                let losses = [
                    first: LostLeaders.Loss(comesAfter: one),
                    second: LostLeaders.Loss(comesAfter: other),
                ]
                try Run(manner: .refusing, losses: losses).check(vault)
            }
        }
    }

    @Test("an old outcome is not taken for that of the effect that the job is at")
    func oldOutcome() throws {
        let vault = try TestVault()
        let id = try vault.begin(NewJob(kind: TwoThings.kind, arguments: []))
        let timer = try #require(try vault.dueTimers(1).first)
        guard case .perform(let first, _) = try vault.wake(timer, TwoThings.tasks),
            case .commit(let batch, .goesOn) = try vault.performed(
                .done(TwoThings.yes),
                first,
                timer
            ), case .applied = try vault.commit(batch)
        else { throw TestFailure("the first effect came to nothing") }
        let old: [EffectOutcome] = [
            .done(TwoThings.yes), .done(TwoThings.never), .failed("late"),
        ]
        for outcome in old {
            guard case .perform(let second, _) = try vault.performed(outcome, first, timer) else {
                throw TestFailure("\(outcome) was taken for the second one's")
            }
            #expect(second.id != first.id && second.body == [2] && second.undoes == nil)
        }
        #expect(try vault.job(id)?.batchCount == 1 && vault.job(id)?.failureCount == 0)
    }

    @Test("what was not asked for is not undone; a job that ends with its namespace has no effects")
    func refusals() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        _ = try vault.createToken(in: "a", #"{"policies":["default"]}"#)
        // The token's timer says where the namespace is.
        let home = try #require(
            try vault.timersEver().map { TimerPlace($0).home }.first { $0 != .system }
        )
        let undo = JobStep.undo(TwoThings.undoing, body: [], batch: 0)
        let ahead = try refusal(of: undo, home: .system, vault)
        #expect(ahead.contains("has not asked for"))
        let make = JobStep.perform(TwoThings.making, body: [1])
        #expect(try refusal(of: make, home: home, vault).contains("ends with its namespace"))
    }

    /// Why a new job's first step is refused.
    private func refusal(of step: JobStep, home: MountID, _ vault: TestVault) throws -> String {
        let handler = JobHandler(step: { (_, _, _, _) throws(VaultError) in step })
        let environment = vault.environment()
        let new = NewJob(kind: TwoThings.kind, arguments: [])
        let (batch, id) = try vault.view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            let id = try draft.begin(JobRecord(new, of: home, at: environment.now), view)
            return (try draft.finish(), id)
        }
        try vault.commit(batch)
        let path = SystemPaths.job(id)
        let timer = try #require(try vault.dueTimers().first { $0.path == path })
        let tasks = VaultTasks(timers: [], jobs: [(TwoThings.kind, handler)])
        let error = #expect(throws: VaultError.self) { try vault.wake(timer, tasks) }
        return error?.summary ?? ""
    }
}
