import Barrier
import Store
import TestSupport
import Testing

@testable import Vault

/// What one node does not find is not gone: a batch that rests on it is refused where it is there.
@Suite("tasks that found nothing")
struct TaskAbsenceTests {
    private func change(
        _ vault: TestVault,
        _ body: (inout BatchDraft) throws(VaultError) -> Void
    ) throws {
        let environment = vault.environment()
        let batch = try vault.view { view in
            var draft = try BatchDraft(ofTask: environment, view)
            try body(&draft)
            return try draft.finish()
        }
        guard case .applied = try vault.commit(batch) else { throw TestFailure("not applied") }
    }

    /// Prepares a step where a record is lost, and commits it where it is there.
    ///
    /// - Returns: whether it was refused.
    private func isRefused(
        _ vault: TestVault,
        without path: String,
        _ step: () throws -> TaskStep
    ) throws -> Bool {
        let value = try #require(try vault.view { try $0.systemRecord(path)?.value })
        try change(vault) { (draft) throws(VaultError) in try draft.delete(path) }
        guard case .commit(let batch, _) = try step() else { throw TestFailure("no batch") }
        try change(vault) { (draft) throws(VaultError) in try draft.put(path, value) }
        if case .applied = try vault.commit(batch) { return false }
        return true
    }

    @Test("the timer of a job that is not there", arguments: [false, true])
    func job(_ hasFailed: Bool) throws {
        let vault = try TestVault()
        let id = try vault.begin(NewJob(kind: CountingJob.kind, arguments: [1]))
        let timer = try #require(try vault.dueTimers().first)
        let isRefused = try isRefused(vault, without: SystemPaths.job(id)) {
            hasFailed
                ? try vault.postpone(timer, "away") : try vault.wake(timer, CountingJob.tasks())
        }
        #expect(isRefused)
        #expect(try vault.dueTimers() == [timer])
        try vault.runTasks(CountingJob.tasks())
        #expect(try vault.jobCount() == 0 && vault.dueTimers().isEmpty)
    }

    @Test("the timer of a token that is not there")
    func token() throws {
        let vault = try TestVault()
        #expect(try vault.send("POST", "auth/token/create", #"{"ttl":"10s"}"#).status == 200)
        vault.seconds(20)
        let timer = try #require(try vault.dueTimers().first)
        #expect(TaskSubject(of: timer) == .lease)
        #expect(try isRefused(vault, without: timer.path) { try vault.wake(timer) })
        #expect(try vault.dueTimers() == [timer])
        try vault.runTasks()
        #expect(try vault.view { try $0.systemRecord(timer.path) } == nil)
    }
}
