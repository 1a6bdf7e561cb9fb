package import Barrier
package import Engines
package import Store
import Wire

/// What the vault does by itself: what is due, and long jobs. Pure, as requests are.
///
/// **A timer is all there is.** A record of the system mount, or of a namespace's home, that has to
/// be looked at at some time has a timer; a job is such a record, with a timer that is due until
/// the job has ended. So whoever leads finds all work by reading the first timers, and a new leader
/// loads nothing.
///
/// **Exactly once.** No token allows this work. Each batch checks the record that does, and
/// replaces it: the timer, or the job. A second leader, or the same one after a lost answer, that
/// prepared the same step is rejected.
///
/// **Nothing is in the way.** What fails becomes a job that says why, is tried again with back-off,
/// and leaves its place to others.
package struct VaultTasks: Sendable {
    /// By the folder that the record is in.
    let timers: [(folder: String, handler: TimerHandler)]
    let jobs: [(kind: JobKind, handler: JobHandler)]

    /// All that this version can do.
    package static let standard = VaultTasks(
        timers: [
            (SystemPaths.expiringPolicies, PolicyExpiry.due),
            (SystemPaths.tokens, TokenRevocation.expired),
        ],
        jobs: [
            (.revocation, JobHandler(step: TokenRevocation.step)),
            (.kvUpgrade, JobHandler(step: KVUpgrade.step)),
            (.namespaceRemoval, JobHandler(step: NamespaceRemoval.step)),
        ]
    )

    /// What to do about a timer that is due.
    ///
    /// - Parameter view: of committed entries only.
    /// - Throws: what is wrong with the record; ``postpone(_:_:in:view:)`` follows.
    package func wake(
        _ timer: DueTimer,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) -> TaskStep {
        let barrier = BarrierView(environment.keyring, over: view)
        return try attempt(timer, environment, barrier) {
            (job, view, draft) throws(VaultError) in
            try handler(of: job.record.kind).step(job.record, view, environment, &draft)
        }
    }

    /// What follows on an effect. If the job has gone on without its outcome, that counts for
    /// nothing, and what follows is the job's next step.
    ///
    /// - Throws: as ``wake(_:in:view:)``.
    package func performed(
        _ outcome: EffectOutcome,
        of effect: Effect,
        for timer: DueTimer,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) -> TaskStep {
        let barrier = BarrierView(environment.keyring, over: view)
        return try attempt(timer, environment, barrier) {
            (job, view, draft) throws(VaultError) in
            let (handler, record) = (try handler(of: job.record.kind), job.record)
            // Another leader, or a batch whose answer was lost, may have been faster.
            guard effect.id == job.effectID(record.batchCount) else {
                return try handler.step(record, view, environment, &draft)
            }
            return .advance(
                try handler.performed(outcome, record, view, environment, &draft)
            )
        }
    }

    /// What failed is tried again later. How often it failed, and why, is in a job's record.
    ///
    /// - Parameter reason: for operators; holds no secret.
    package func postpone(
        _ timer: DueTimer,
        _ reason: String,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) -> TaskStep {
        let barrier = BarrierView(environment.keyring, over: view)
        guard try barrier.isThere(timer) else { return .nothing }
        let text = String(decoding: reason.utf8.prefix(400), as: UTF8.self)
        var draft = try BatchDraft(ofTask: environment, barrier)
        draft.consume(timer)
        let progress = TaskProgress.postponed(text)
        if let id = timer.path.below(SystemPaths.jobs) {
            switch Result(catching: { () throws(VaultError) in try JobEntry(id, barrier) }) {
            case .success(let job):
                guard let job, job.isDue(at: timer) else {
                    return try clear(timer, of: (id, job), environment, barrier)
                }
                var record = job.record
                record.fail(text, at: environment.now, &draft)
                try draft.replace(job, with: record)
                return .commit(try draft.finish(), progress)
            // A job whose record cannot be read is treated like any other record.
            case .failure: break
            }
        }
        if try JobTable(barrier).refusal != nil {
            // No room to say why. It comes again.
            let again = environment.now.adding(seconds: VaultLimits.jobPauseSecondsMax)
            try draft.setTimer(due: again, path: timer.path)
            return .commit(try draft.finish(), progress)
        }
        let new = NewJob(kind: .due, arguments: Array(timer.path.utf8))
        let home = TimerPlace(timer.path).home
        var record = JobRecord(new, of: home, at: environment.now)
        record.fail(text, at: environment.now, &draft)
        try draft.begin(record, barrier)
        return .commit(try draft.finish(), progress)
    }

    // MARK: inside

    /// Clears the timer of a job that is gone, or is due at another time; refused where it is not.
    private func clear(
        _ timer: DueTimer,
        of found: (id: String, job: JobEntry?),
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TaskStep {
        var draft = try BatchDraft(ofTask: environment, view)
        draft.consume(timer)
        let index = found.job?.modificationIndex ?? 0
        try draft.check(SystemPaths.job(found.id), index, in: .system)
        return .commit(try draft.finish(), .done)
    }

    private func attempt(
        _ timer: DueTimer,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView,
        _ step: Step
    ) throws(VaultError) -> TaskStep {
        guard try view.isThere(timer) else { return .nothing }
        guard let id = timer.path.below(SystemPaths.jobs) else {
            return try look(timer, environment, view)
        }
        let found = try JobEntry(id, view)
        guard let job = found, job.isDue(at: timer) else {
            return try clear(timer, of: (id, found), environment, view)
        }
        guard try view.hasKeys(of: job.record.home) else {
            var draft = try BatchDraft(ofTask: environment, view)
            draft.consume(timer)
            try draft.end(job, view)
            return .commit(try draft.finish(), .done)
        }
        return try view.inside(job.record.home) { view throws(VaultError) in
            try goOn(job, timer, environment, view, step)
        }
    }

    /// What a job adds to a batch; the view is at home where the job is.
    private typealias Step = (
        _ job: JobEntry, _ view: borrowing BarrierView, _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep

    /// A record that is no job is due.
    private func look(
        _ timer: DueTimer,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TaskStep {
        let place = TimerPlace(timer.path)
        guard try view.hasKeys(of: place.home) else {
            // Its namespace is gone, and all that could be due in it.
            var draft = try BatchDraft(ofTask: environment, view)
            draft.consume(timer)
            return .commit(try draft.finish(), .done)
        }
        return try view.inside(place.home) { view throws(VaultError) in
            var draft = try BatchDraft(ofTask: environment, view)
            draft.consume(timer)
            try dealWith(place.path, view, environment, &draft)
            return .commit(try draft.finish(), .done)
        }
    }

    private func goOn(
        _ job: JobEntry,
        _ timer: DueTimer,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView,
        _ step: Step
    ) throws(VaultError) -> TaskStep {
        var draft = try BatchDraft(ofTask: environment, view)
        var record = job.record
        switch record.kind == .due
            ? try again(record, view, environment, &draft) : try step(job, view, &draft)
        {
        case .perform(let kind, let body):
            return .perform(try job.effect(kind, body), timer)
        case .undo(let kind, let body, let batch):
            guard batch < record.batchCount else {
                throw .damaged("a job undoes an effect that it has not asked for")
            }
            var effect = try job.effect(kind, body)
            effect.undoes = job.effectID(batch)
            return .perform(effect, timer)
        case .advance(.more(let cursor, let done)):
            guard cursor.count <= VaultLimits.jobBytesMax else {
                throw .damaged("a job's cursor of \(cursor.count) bytes")
            }
            record.cursor = cursor
            record.goOn(done)
            try draft.replace(job, with: record)
            return .commit(try draft.finish(), .goesOn)
        case .advance(.finished):
            draft.consume(timer)
            try draft.end(job, view)
            return .commit(try draft.finish(), .done)
        }
    }

    /// The record of a path is due: does what its folder's kind of record needs.
    private func dealWith(
        _ path: String,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) {
        guard let (_, handler) = timers.first(where: { path.below($0.folder) != nil }) else {
            throw .damaged("a timer leads to a kind of record that this version does not know")
        }
        switch try handler(path, view, environment, &draft) {
        case .nothing: break
        case .job(let new): _ = try draft.begin(new, view, at: environment.now)
        }
    }

    /// Another look at a record that was due.
    private func again(
        _ job: JobRecord,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> JobStep {
        guard let path = String(validating: job.arguments, as: UTF8.self) else {
            throw .damaged("a job's path is not UTF-8")
        }
        try dealWith(TimerPlace(path).path, view, environment, &draft)
        return .finished(done: 1)
    }

    private func handler(of kind: JobKind) throws(VaultError) -> JobHandler {
        guard let found = jobs.first(where: { $0.kind == kind }) else {
            throw .damaged("a job of a kind that this version does not know: \(kind.rawValue)")
        }
        return found.handler
    }
}

/// What a timer is about, for whoever counts.
package enum TaskSubject: Sendable {
    /// A token or another lease whose time is over.
    case lease
    /// Long work.
    case job
    case other

    /// By the folder that the record is in.
    package init(of timer: DueTimer) {
        let path = TimerPlace(timer.path).path
        if path.below(SystemPaths.tokens) != nil {
            self = .lease
        } else {
            self = path.below(SystemPaths.jobs) == nil ? .other : .job
        }
    }
}

/// A job as one view has it.
struct JobEntry: Sendable {
    /// A UUID.
    let id: String
    /// The same.
    let idBytes: [UInt8]
    let record: JobRecord
    let modificationIndex: UInt64

    /// Nil if there is no such job.
    init?(_ id: String, _ view: borrowing BarrierView) throws(VaultError) {
        let system = view.at(.system)
        guard let idBytes = uuidBytes(id),
            let opened = try system.systemRecord(SystemPaths.job(id))
        else { return nil }
        self.id = id
        self.idBytes = idBytes
        record = try JobRecord(decoding: opened.value)
        modificationIndex = opened.modificationIndex
    }

    /// Whether this is its timer, and not one that was left from before.
    func isDue(at timer: DueTimer) -> Bool { timer.isSet(for: record.due) }

    /// Names the effect that is asked for when `batch` batches were committed.
    func effectID(_ batch: UInt64) -> [UInt8] { idBytes + batch.bigEndianBytes }

    /// The effect that the job asks for now.
    func effect(_ kind: EffectKind, _ body: [UInt8]) throws(VaultError) -> Effect {
        // The removal of a namespace ends its jobs wherever they are, with nothing undone.
        guard record.home == .system else {
            throw .damaged("an effect of a job that ends with its namespace")
        }
        return Effect(kind: kind, id: effectID(record.batchCount), body: body)
    }
}

extension JobRecord {
    /// A batch was committed.
    mutating func goOn(_ done: UInt64) {
        doneCount = doneCount.addingReportingOverflow(done).partialValue
        batchCount += 1
        failureCount = 0
        lastError = ""
    }

    /// It failed: tried again after a pause that doubles with each failure, from a second to ten
    /// minutes, of which a part is drawn, so that what failed together is not tried together.
    mutating func fail(_ reason: String, at now: Timestamp, _ draft: inout BatchDraft) {
        failureCount = failureCount == .max ? .max : failureCount + 1
        lastError = reason
        let full = VaultLimits.jobPauseSecondsMax
        let pause = failureCount > 10 ? full : min(full, 1 << UInt64(failureCount - 1))
        let drawn = draft.randomBytes(2).reduce(0) { $0 << 8 | UInt64($1) }
        due = now.adding(seconds: pause + pause * drawn >> 17)
    }
}

extension Timestamp {
    /// Later; no later than the last moment that there is.
    func adding(seconds: UInt64) -> Timestamp {
        let (long, isLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (moment, isFar) = nanoseconds.addingReportingOverflow(long)
        return Timestamp(nanoseconds: isLong || isFar ? .max : moment)
    }
}

extension UInt64 {
    /// Eight bytes, most significant first.
    fileprivate var bigEndianBytes: [UInt8] {
        var writer = ByteWriter(capacity: 8)
        writer.writeUInt64(self)
        return writer.bytes
    }
}
