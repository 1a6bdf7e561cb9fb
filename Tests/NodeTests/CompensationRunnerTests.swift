import Barrier
import Engines
import Replica
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Node
@testable import Vault

/// A job of the tests with two effects outside. If the second one is refused both are undone.
///
/// The bodies of its effects say whose they are and where it is: 0 and 1 make, 2 and 3 undo.
private enum TwoThings {
    static let effects = EffectKind(rawValue: 21)
    static let places: Range<UInt8> = 0..<4
    /// What the outside world says when it has done what it was asked for, and when it never will.
    static let yes: [UInt8] = [1]
    static let never: [UInt8] = [0]

    /// - Parameter before: called with the place before each batch that follows on an effect.
    static func tasks(_ before: @escaping @Sendable (UInt8) -> Void = { _ in }) -> VaultTasks {
        let handler = JobHandler(
            step: { (job, _, _, _) throws(VaultError) in
                let place = job.cursor.first ?? 0
                let body = job.arguments + [place]
                // One batch follows on each effect, so the first was asked for in batch 0.
                return place < 2
                    ? .perform(effects, body: body)
                    : .undo(effects, body: body, batch: place == 2 ? 1 : 0)
            },
            performed: { (outcome, job, _, _, _) throws(VaultError) in
                let place = job.cursor.first ?? 0
                before(place)
                switch (place, outcome) {
                case (1, .done(yes)), (3, .done(yes)): return .finished(done: 1)
                case (0, .done(yes)), (1, .done(never)), (2, .done(yes)):
                    return .more(cursor: [place + 1], done: 1)
                case (_, .failed(let reason)): throw .invalid(reason)
                default: throw .damaged("an answer that fits nothing")
                }
            }
        )
        return VaultTasks(timers: [], jobs: [(TaskBench.kind, handler)])
    }
}

/// The outside world: makes and takes back things under the ids of effects, and counts.
private final class Outside: Sendable {
    struct State {
        /// What is there, by the id of the effect that made it.
        var things: Set<[UInt8]> = []
        /// How often each was made that was not there.
        var makings: [[UInt8]: Int] = [:]
        /// What was taken back, and is not made any more.
        var undone: Set<[UInt8]> = []
        /// How often each effect arrived.
        var arrivals: [[UInt8]: Int] = [:]
    }

    private let refusesSecond: Bool
    private let held = Mutex(State())

    init(refusesSecond: Bool) { self.refusesSecond = refusesSecond }

    var state: State { held.withLock { $0 } }

    func perform(_ effect: Engines.Effect) -> EffectOutcome {
        held.withLock { state in
            state.arrivals[effect.id, default: 0] += 1
            if let id = effect.undoes {
                state.undone.insert(id)
                state.things.remove(id)
                return .done(TwoThings.yes)
            }
            guard !state.undone.contains(effect.id) else { return .failed("it was taken back") }
            if refusesSecond && effect.body.last == 1 { return .done(TwoThings.never) }
            if state.things.insert(effect.id).inserted {
                state.makings[effect.id, default: 0] += 1
            }
            return .done(TwoThings.yes)
        }
    }

    /// All is there or nothing, nothing was made twice, and no effect had two names.
    func expect(things: Int, effects: Int) {
        let state = state
        #expect(state.things.count == things)
        #expect(state.makings.values.allSatisfy { $0 == 1 })
        #expect(state.arrivals.count == effects)
    }
}

/// Performs effects in the outside world, as somebody wants it for each.
private struct Performer: EffectPerformer {
    /// When the outcome of an effect becomes known.
    enum Way {
        case atOnce
        /// Once ``comes`` is called: the effect is done only then.
        case late
        /// The same, but the effect is done at once.
        case heardLate
        /// It is lost on its way.
        case lost
    }

    let outside: Outside
    let way: @Sendable (Engines.Effect) -> Way
    /// What has to be called for those that are late.
    let held = Collector<@Sendable () -> Void>()

    var pool: EffectPool { EffectPool([(TwoThings.effects, self)], patience: .seconds(300)) }

    init(
        _ outside: Outside,
        _ way: @escaping @Sendable (Engines.Effect) -> Way = { _ in .atOnce }
    ) {
        (self.outside, self.way) = (outside, way)
    }

    func perform(
        _ effect: Engines.Effect,
        deadline: Moment,
        completion: @escaping @Sendable (EffectOutcome) -> Void
    ) {
        switch way(effect) {
        case .atOnce: completion(outside.perform(effect))
        case .late: held.add { [outside] in completion(outside.perform(effect)) }
        case .heardLate:
            let outcome = outside.perform(effect)
            held.add { completion(outcome) }
        case .lost: completion(.failed("it is lost on its way"))
        }
    }
}

/// The real runner over a real replica: effects are undone, whoever leads and whatever comes late.
@Suite("compensation by the runner")
struct CompensationRunnerTests {
    private func expectNothingLeft(_ bench: TaskBench) throws {
        #expect(try bench.jobCount() == 0)
        let last = Timestamp(nanoseconds: .max)
        #expect(try bench.view { try $0.dueTimers(through: last, limit: 9).timers.isEmpty })
    }

    @Test("a leader that is stuck before or behind any effect hinders no other, and does no harm")
    func stuckEverywhere() async throws {
        let bench = try await TaskBench()
        let outside = Outside(refusesSecond: true)
        // Each job is stuck at another place, an even one before the effect, an odd one behind it.
        let stuck = Performer(outside) { effect in
            guard effect.body[1] == effect.body[0] / 2 else { return .atOnce }
            return effect.body[0] % 2 == 0 ? .late : .heardLate
        }
        let first = bench.runner(TwoThings.tasks(), effects: stuck.pool)
        let jobs = 0..<UInt8(TwoThings.places.count * 2)
        for number in jobs {
            _ = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [number]))
        }
        try await eventually("all are stuck") { stuck.held.count == jobs.count }
        #expect(try bench.jobCount() == UInt64(jobs.count))
        let second = bench.runner(TwoThings.tasks(), effects: Performer(outside).pool)
        try await eventually("the other one has ended all") { (try? bench.jobCount()) == 0 }
        outside.expect(things: 0, effects: jobs.count * 4)
        for comes in stuck.held.all { comes() }
        // Runs all that they lead to.
        await first.stop()
        await second.stop()
        outside.expect(things: 0, effects: jobs.count * 4)
        #expect(outside.state.arrivals.values.reduce(0, +) == jobs.count * 5)
        try expectNothingLeft(bench)
        bench.vault.one.stop()
    }

    @Test("a leader that comes back with an old outcome goes on where the job is")
    func comesBack() async throws {
        let bench = try await TaskBench()
        let outside = Outside(refusesSecond: false)
        let old = Performer(outside) { $0.body[1] == 0 ? .heardLate : .atOnce }
        let first = bench.runner(TwoThings.tasks(), effects: old.pool)
        let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [0]))
        try await eventually("the first is done") { old.held.count == 1 }
        let new = Performer(outside) { $0.body[1] == 1 ? .late : .atOnce }
        let second = bench.runner(TwoThings.tasks(), effects: new.pool)
        try await eventually("the second is asked for") { new.held.count == 1 }
        #expect(try bench.job(id)?.batchCount == 1)
        outside.expect(things: 1, effects: 1)
        for comes in old.held.all { comes() }
        try await eventually("the job has ended") { (try? bench.job(id)) == .some(nil) }
        outside.expect(things: 2, effects: 2)
        for comes in new.held.all { comes() }
        await first.stop()
        await second.stop()
        outside.expect(things: 2, effects: 2)
        try expectNothingLeft(bench)
        bench.vault.one.stop()
    }

    /// Where a leader is lost.
    private enum Loss: CaseIterable {
        case beforeEffect
        case behindEffect
        /// Its batch is on its way, and nobody hears what becomes of it.
        case behindOutcome
    }

    @Test("a node that is sealed at any step leaves nothing behind once it is unsealed")
    func sealedEverywhere() async throws {
        let bench = try await TaskBench()
        let keeper = bench.vault.keeper
        let outside = Outside(refusesSecond: true)
        let next = Mutex<(place: UInt8, loss: Loss)?>(nil)
        let seal: @Sendable (UInt8, Loss) -> Bool = { place, loss in
            next.withLock { next in
                guard let wanted = next, wanted == (place, loss) else { return false }
                next = nil
                keeper.seal()
                return true
            }
        }
        let performer = Performer(outside) { effect in
            if seal(effect.body[1], .beforeEffect) { return .lost }
            _ = seal(effect.body[1], .behindEffect)
            return .atOnce
        }
        let tasks = TwoThings.tasks { _ = seal($0, .behindOutcome) }
        let runner = bench.runner(tasks, effects: performer.pool)
        var jobs = 0
        for place in TwoThings.places {
            for loss in Loss.allCases {
                next.withLock { $0 = (place, loss) }
                let id = try await bench.begin(NewJob(kind: TaskBench.kind, arguments: [0]))
                jobs += 1
                try await eventually("it is sealed and nothing runs") {
                    keeper.unsealed == nil && bench.counts.running.load(ordering: .relaxed) == 0
                }
                try await bench.vault.unseal()
                try await eventually("the job has ended") { (try? bench.job(id)) == .some(nil) }
                outside.expect(things: 0, effects: jobs * 4)
                #expect(outside.state.undone.count == jobs * 2)
            }
        }
        #expect(bench.counts.failures.load(ordering: .relaxed) == 0)
        await runner.stop()
        try expectNothingLeft(bench)
        bench.vault.one.stop()
    }
}
