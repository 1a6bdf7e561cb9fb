package import Barrier
package import Engines
package import Store

/// What the vault wants to happen with something that is due.
package enum TaskStep: Sendable {
    /// Propose the batch. If it is rejected, or conflicts, look at the same timer again.
    case commit(WriteBatch, TaskProgress)
    /// Perform it, then ask ``VaultTasks/performed(_:of:for:in:view:)``. Nothing has to be written
    /// first: the job was.
    case perform(Effect, DueTimer)
    /// The timer is not there any more: somebody else was faster.
    case nothing
}

/// What it means that a batch was committed.
package enum TaskProgress: Sendable, Equatable {
    /// The timer is dealt with.
    case done
    /// The job has more to do: look at its timer again, at once.
    case goesOn
    /// It failed, and is tried again later. What an operator should read in the log.
    case postponed(String)
}

/// What is left of something that was due, once a batch has done its part.
enum TaskRest: Sendable {
    case nothing
    /// Goes on as a job.
    case job(NewJob)
}

/// What becomes of a job with the batch that it has added to.
enum JobAdvance: Sendable {
    /// There is more to do from `cursor` on.
    case more(cursor: [UInt8], done: UInt64)
    /// That was the last batch.
    case finished(done: UInt64)
}

/// What a job wants next.
enum JobStep: Sendable {
    /// To commit the batch that it was given.
    case advance(JobAdvance)
    /// Nothing was added: an effect comes first. ``JobHandler/performed`` is asked afterwards.
    case perform(EffectKind, body: [UInt8])
    /// The same, with an effect that undoes an earlier one, whatever has become of that: the one
    /// that was asked for when ``JobRecord/batchCount`` was `batch`.
    case undo(EffectKind, body: [UInt8], batch: UInt64)

    /// To commit, and to go on from `cursor`.
    static func more(cursor: [UInt8], done: UInt64) -> JobStep {
        .advance(.more(cursor: cursor, done: done))
    }

    /// To commit the last batch.
    static func finished(done: UInt64) -> JobStep { .advance(.finished(done: done)) }
}

/// What has to be done when a record below some folder is due.
///
/// The draft consumes the timer, so what is added to it happens once.
typealias TimerHandler =
    @Sendable (
        _ path: String,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> TaskRest

/// One kind of job: pure functions of the job's record and a view.
struct JobHandler: Sendable {
    /// The next batch: as much as fits one, and no more than some hundred records.
    ///
    /// The draft checks the job's record and replaces it, so what is added to it happens once.
    ///
    /// Which effect it asks for follows from the job's record alone, which is the effect's intent:
    /// whoever takes over asks for the same one, under the same name.
    let step:
        @Sendable (
            _ job: JobRecord,
            _ view: borrowing BarrierView,
            _ environment: VaultEnvironment,
            _ draft: inout BatchDraft
        ) throws(VaultError) -> JobStep
    /// What follows on an effect that ``step`` asked for. Throwing lets it be performed again.
    ///
    /// Always a batch, since no effect follows on another without an intent in between. One that
    /// gives up leaves a cursor from which ``step`` undoes what was asked for, one by one, the last
    /// first: also what failed, unless the outside world has said that it did not happen.
    var performed:
        @Sendable (
            _ outcome: EffectOutcome,
            _ job: JobRecord,
            _ view: borrowing BarrierView,
            _ environment: VaultEnvironment,
            _ draft: inout BatchDraft
        ) throws(VaultError) -> JobAdvance = {
            (_, _, _, _, _) throws(VaultError) in
            throw .damaged("a job of this kind has no effects")
        }
}
