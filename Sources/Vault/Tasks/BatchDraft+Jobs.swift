import Barrier
import Wire

/// Jobs that begin, go on and end in a batch.
extension BatchDraft {
    /// Lets a job begin, whenever this batch is committed. The leader takes it up within a second.
    ///
    /// - Returns: its id, a UUID; the same when the batch is prepared again.
    /// - Throws: ``VaultError/invalid(_:)`` when there are too many jobs.
    @discardableResult
    mutating func begin(
        _ job: NewJob,
        _ view: borrowing BarrierView,
        at now: Timestamp
    ) throws(VaultError) -> String {
        try begin(JobRecord(job, of: view.home, at: now), view)
    }

    /// The same, of a job that may have failed already.
    @discardableResult
    mutating func begin(
        _ record: JobRecord,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String {
        precondition(
            record.arguments.count <= VaultLimits.jobBytesMax
                && record.cursor.count <= VaultLimits.jobBytesMax,
            "what a job is about has a bound"
        )
        let table = try JobTable(view)
        if let refusal = table.refusal { throw refusal }
        let id = uuidText(drawUUID())
        let path = SystemPaths.job(id)
        try countJobs(1, table)
        try check(path, 0, in: .system)
        try put(path, record.encoded(), in: .system)
        try setTimer(due: record.due, path: path, in: .system)
        return id
    }

    /// Writes what has become of a job; its timer with it, if it is due at another time.
    mutating func replace(_ job: JobEntry, with record: JobRecord) throws(VaultError) {
        let path = SystemPaths.job(job.id)
        try check(path, job.modificationIndex, in: .system)
        try put(path, record.encoded(), in: .system)
        guard record.due != job.record.due else { return }
        try clearTimer(due: job.record.due, path: path, in: .system)
        try setTimer(due: record.due, path: path, in: .system)
    }

    /// Removes a job that has ended.
    mutating func end(_ job: JobEntry, _ view: borrowing BarrierView) throws(VaultError) {
        let path = SystemPaths.job(job.id)
        try check(path, job.modificationIndex, in: .system)
        try delete(path, in: .system)
        try clearTimer(due: job.record.due, path: path, in: .system)
        try countJobs(-1, JobTable(view))
    }
}
