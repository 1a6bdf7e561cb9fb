import Barrier
import Cryptography
import Engines
import Logging
import NIOCore
import Raft
import Replica
import Store
import Synchronization
import Vault
import Wire

/// Lets the vault do what is due: on the node that leads, while it is unsealed.
///
/// It remembers nothing that matters. All work is found by reading the first timers, so whoever
/// leads next goes on where the last committed batch ended, however much there is.
///
/// ```
/// look     once a second, if something was written or the next timer is due: the first timers
/// task     step the vault → propose → committed: done, or the same job's next batch
///            ↑ conflict or rejected: step again    ↓ an effect first: perform → step again
/// failure  a batch that says why and when to try again; if even that fails: a pause
/// doubt    nothing is committed; the same timer again once what it rests on is repaired
/// ```
///
/// **No batch without a verdict.** A job takes what it does not find for gone, and a list for all
/// there is, and no client waits who could be told otherwise. So what it rests on has to add up
/// before anything is proposed: see ``HeldTasks``.
///
/// Lives on an event loop of its own, so that a long step holds up nobody's request.
final class TaskRunner: Sendable {
    /// What a task needs from the node.
    struct Parts: Sendable {
        let store: LocalStore
        let replica: LocalReplica
        let seal: SealKeeper
        let facts: @Sendable () -> NodeFacts
        let clock: @Sendable () -> Timestamp
        let logger: Logger
    }

    private struct State {
        /// Found and not begun, the earliest first.
        var waiting: [DueTimer] = []
        /// Paths of those under way. Only looked up.
        var running: Set<String> = []
        /// What was evaluated before the last look.
        var lookedAt = LogIndex.zero
        /// More is due than was looked at.
        var hasMore = false
        var nextDueSeconds: UInt64?
        /// Nothing is begun before this.
        var pausedUntil: Moment?
        var damagedCount = 0
        /// What cannot be decided now.
        var held = HeldTasks()
    }

    /// What a step says, as far as its view can be believed.
    private enum Considered {
        case told(TaskStep)
        case failed(VaultError)
        /// Nothing rests on it before this bucket is repaired.
        case doubted(Int)
    }

    private let parts: Parts
    private let tasks: VaultTasks
    private let effects: EffectPool
    let counts: TaskCounts
    private let loop = TaskLoop()
    private let state: NIOLoopBoundBox<State>

    init(
        _ parts: Parts,
        tasks: VaultTasks = .standard,
        effects: EffectPool,
        counts: TaskCounts
    ) {
        self.parts = parts
        self.tasks = tasks
        self.effects = effects
        self.counts = counts
        state = .makeBoxSendingValue(State(), eventLoop: loop.eventLoop)
    }

    /// Looks once a second until ``stop()``.
    func start() {
        let pause = TimeAmount.milliseconds(Int64(Limits.taskLookMilliseconds))
        loop.eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [weak self] _ in
            self?.tick()
        }
    }

    /// Ends the thread. What is under way is left as it is: the next leader finds it.
    func stop() async { await loop.stop() }

    // MARK: Looking

    private func tick() {
        guard parts.replica.status.role == .leader, parts.seal.unsealed != nil else {
            state.value.waiting = []
            state.value.lookedAt = .zero
            state.value.held.forgetAll()
            counts.held.store(0, ordering: .relaxed)
            counts.lagSeconds.store(0, ordering: .relaxed)
            return
        }
        look()
    }

    /// Finds out what is due, if there may be something new.
    private func look() {
        let isPaused = state.value.pausedUntil.map { Moment.now < $0 } ?? false
        guard !isPaused, let unsealed = parts.seal.unsealed else { return }
        // Looked at first: what is evaluated meanwhile is looked at the next time.
        let evaluated = parts.replica.status.evaluated
        let now = parts.clock()
        let seconds = now.nanoseconds / 1_000_000_000
        let isDue = state.value.nextDueSeconds.map { $0 <= seconds } ?? false
        let isAgain = state.value.held.hasReady(at: .now)
        guard isDue || isAgain || state.value.hasMore || evaluated != state.value.lookedAt else {
            return begin()
        }
        let busy = state.value.running.count + state.value.waiting.count
        let known = busy + state.value.held.count
        let limit = Limits.taskTimersMax + known + state.value.damagedCount
        do throws(BarrierError) {
            let found = try parts.store.view { view throws(BarrierError) in
                try BarrierView(unsealed.keyring, over: view)
                    .dueTimers(through: now, limit: min(limit, Limits.taskTimersPerLookMax))
            }
            take(found, seconds)
            state.value.lookedAt = evaluated
        } catch {
            pause("looking for what is due: \(error.summary)", remedy: error.remedy)
        }
        begin()
    }

    private func take(_ found: DueTimers, _ now: UInt64) {
        state.value.hasMore = found.hasMore
        state.value.nextDueSeconds = found.nextDueSeconds
        let first = found.timers.first.map { now - min(now, $0.dueSeconds) } ?? 0
        counts.lagSeconds.store(first, ordering: .relaxed)
        counts.damaged.store(UInt64(found.damaged.count), ordering: .relaxed)
        if found.damaged.count > state.value.damagedCount, let error = found.damaged.first {
            parts.logger.error(
                "\(found.damaged.count) timers cannot be opened: \(error.summary)",
                metadata: ["remedy": "\(error.remedy)"]
            )
        }
        state.value.damagedCount = found.damaged.count
        for error in found.damaged { repair(error) }
        let running = state.value.running
        state.value.held.keep(only: Set(found.timers.map(\.path)).union(running))
        let (held, moment) = (state.value.held, Moment.now)
        counts.held.store(UInt64(held.count), ordering: .relaxed)
        state.value.waiting = found.timers.filter {
            !running.contains($0.path) && !held.isHeld($0.path, at: moment)
        }
    }

    /// What the disk lost comes back from another member, if one has it.
    private func repair(_ error: BarrierError) {
        guard case .store(let cause) = error, let bucket = cause.bucketToRepair else { return }
        parts.replica.mend(bucket, deadline: .now + .seconds(Limits.requestSeconds)) { _ in }
    }

    // MARK: One task

    private func begin() {
        while state.value.running.count < Limits.tasksRunningMax, !state.value.waiting.isEmpty {
            let timer = state.value.waiting.removeFirst()
            guard state.value.running.insert(timer.path).inserted else { continue }
            counts.running.store(UInt64(state.value.running.count), ordering: .relaxed)
            step(timer, attempt: 0)
        }
    }

    /// The task is over, or left to the next look.
    private func end(_ timer: DueTimer) {
        state.value.running.remove(timer.path)
        counts.running.store(UInt64(state.value.running.count), ordering: .relaxed)
        // Not from here: a task that ends at once would begin the next inside of it.
        loop.execute {
            if self.state.value.waiting.isEmpty, self.state.value.hasMore {
                self.tick()
            } else {
                self.begin()
            }
        }
    }

    /// - Parameter ended: the effect that the task asked for, and what came of it.
    private func step(
        _ timer: DueTimer,
        attempt: Int,
        after ended: (effect: Engines.Effect, outcome: EffectOutcome)? = nil
    ) {
        guard let environment = environment(attempt) else { return end(timer) }
        guard attempt < Limits.taskAttemptsMax else {
            return fail(timer, "what it rests on changed \(attempt) times", environment)
        }
        let considered = consider(timer, environment) { view throws(VaultError) in
            guard let (effect, outcome) = ended else {
                return try tasks.wake(timer, in: environment, view: view)
            }
            return try tasks.performed(
                outcome,
                of: effect,
                for: timer,
                in: environment,
                view: view
            )
        }
        switch considered {
        case .told(.nothing): end(timer)
        case .told(.commit(let batch, let progress)):
            propose(batch, progress, timer) {
                self.step(timer, attempt: attempt + 1, after: ended)
            }
        case .told(.perform(let effect, let timer)):
            effects.perform(effect, on: loop) {
                self.step(timer, attempt: attempt, after: (effect, $0))
            }
        case .failed(let error):
            parts.logger.warning("a task failed: \(error.summary)")
            fail(timer, error.summary, environment)
        case .doubted(let bucket): hold(timer, bucket)
        }
    }

    /// Writes down that the task failed, and when it is tried again.
    private func fail(_ timer: DueTimer, _ reason: String, _ environment: VaultEnvironment) {
        let considered = consider(timer, environment) { view throws(VaultError) in
            try tasks.postpone(timer, reason, in: environment, view: view)
        }
        switch considered {
        case .told(.commit(let batch, let progress)):
            // If something was faster, the next look finds what has become of it.
            propose(batch, progress, timer) { self.end(timer) }
        case .told: end(timer)
        case .failed(let error):
            pause("a task that failed cannot be put off: \(error.summary)", remedy: error.remedy)
            end(timer)
        case .doubted(let bucket): hold(timer, bucket)
        }
    }

    // MARK: Doubts

    /// Takes a step, and the verdict on what it rests on in the same view. A walk may be made: this
    /// is no thread of any request. Lists count as what was missed does: jobs list much, step by
    /// step, and to add up each time what a step listed would take longer than the job.
    private func consider(
        _ timer: DueTimer,
        _ environment: VaultEnvironment,
        _ body: (borrowing ReadView) throws(VaultError) -> TaskStep
    ) -> Considered {
        parts.store.view { view in
            let step = Result { () throws(VaultError) in try body(view) }
            // Nothing is written, so nothing rests on it.
            if case .success(.nothing) = step { return .told(.nothing) }
            // Who has the only copy goes by what there is.
            if parts.replica.hasOthers, let bucket = doubt(in: view) { return .doubted(bucket) }
            switch step {
            case .success(let step): return .told(step)
            case .failure(let error): return .failed(error)
            }
        }
    }

    /// A damaged bucket among those that a step rests on; nil: there is none. What others wait for
    /// is not added up for each of them.
    private func doubt(in view: borrowing ReadView) -> Int? {
        let doubts = view.doubts()
        let rested = doubts.restedBuckets(countingRecords: true)
        if let bucket = state.value.held.repairing(in: rested) { return bucket }
        switch parts.replica.verdict(on: doubts, in: view, .init(isJudgedAgain: true)) {
        case .whole: return nil
        case .damaged(let bucket): return bucket
        case .unseen: preconditionFailure("a walk may be made")
        }
    }

    /// Nothing is decided: the timer stays, and is tried again after a pause, or once the repair
    /// has come.
    private func hold(_ timer: DueTimer, _ bucket: Int) {
        let isNews = state.value.held.hold(timer.path, for: bucket, at: .now)
        counts.held.store(UInt64(state.value.held.count), ordering: .relaxed)
        end(timer)
        guard isNews else { return }
        parts.logger.warning(
            "tasks wait: bucket \(bucket), which they rest on, is damaged here or has lost records",
            metadata: ["remedy": "none needed where another member has a copy"]
        )
        let loop = loop
        let deadline = Moment.now + .seconds(Limits.taskRepairSeconds)
        parts.replica.mend(bucket, deadline: deadline) { isMended in
            // The next look begins those that are released.
            loop.execute { self.state.value.held.ended(bucket, isMended: isMended, at: .now) }
        }
    }

    /// - Parameter again: prepare it anew; called on the loop.
    private func propose(
        _ batch: WriteBatch,
        _ progress: TaskProgress,
        _ timer: DueTimer,
        again: @escaping @Sendable () -> Void
    ) {
        // What frees authority and room goes on while there is any for deletes.
        guard parts.store.space != .exhausted else {
            pause("no room to write", remedy: "make room on this node's disk")
            return end(timer)
        }
        let deadline = Moment.now + .seconds(Limits.requestSeconds)
        let (loop, replica) = (loop, parts.replica)
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: deadline,
                onProposed: { outcome in
                    switch outcome {
                    case .appended: break
                    case .conflict(let after):
                        replica.waitForEvaluation(after, deadline: deadline) { _ in
                            loop.execute(again)
                        }
                    case .refused(let refusal):
                        loop.execute {
                            self.pause(
                                "a task's batch was refused: \(refusal)",
                                remedy: "none needed"
                            )
                            self.end(timer)
                        }
                    }
                },
                onCommitted: { outcome in
                    loop.execute { self.committed(outcome, progress, timer, again) }
                }
            )
        )
    }

    private func committed(
        _ outcome: CommitOutcome,
        _ progress: TaskProgress,
        _ timer: DueTimer,
        _ again: @Sendable () -> Void
    ) {
        switch outcome {
        case .rejected: return again()
        // Another leader has it, or the log does: the next look finds out.
        case .superseded, .unknown: return end(timer)
        case .applied, .duplicate: break
        }
        counts.committed(progress, timer)
        state.value.held.forget(timer.path)
        // Behind those that wait, so that one long job does not hold up all others.
        if case .goesOn = progress { state.value.waiting.append(timer) }
        end(timer)
    }

    /// Nothing is begun for a moment: whatever is wrong would only be met again.
    private func pause(_ reason: String, remedy: String) {
        let isNews = state.value.pausedUntil.map { $0 < Moment.now } ?? true
        state.value.pausedUntil = .now + .milliseconds(Limits.taskPauseMilliseconds)
        state.value.lookedAt = .zero
        if isNews { parts.logger.warning("\(reason)", metadata: ["remedy": "\(remedy)"]) }
    }

    /// Nil when this node leads no more, or is sealed: the task stops where it is.
    private func environment(_ attempt: Int) -> VaultEnvironment? {
        guard parts.replica.status.role == .leader, let unsealed = parts.seal.unsealed else {
            // If it is over before the next look, that has to find the task although nothing was
            // written.
            state.value.lookedAt = .zero
            return nil
        }
        do throws(CryptographyError) {
            return VaultEnvironment(
                keyring: unsealed.keyring,
                cache: unsealed.cache,
                now: parts.clock(),
                // Fresh each time: nobody waits for the same answer.
                seed: try Random.bytes(Entropy.seedBytes),
                attempt: UInt32(attempt),
                facts: parts.facts()
            )
        } catch {
            pause("the system gives no random bytes: \(error.summary)", remedy: error.remedy)
            return nil
        }
    }
}
