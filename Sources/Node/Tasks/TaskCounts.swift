import API
import Barrier
import Synchronization
import Vault

/// What the runner of tasks has done since the process began, and how far it is behind.
final class TaskCounts: Sendable {
    /// Timers that were dealt with, jobs that ended included.
    let done = Atomic<UInt64>(0)
    /// Batches after which a job went on.
    let steps = Atomic<UInt64>(0)
    /// Failures that were put off.
    let failures = Atomic<UInt64>(0)
    /// Timers that could not be opened, at the last look.
    let damaged = Atomic<UInt64>(0)
    /// Of those done, tokens and other leases that were ended because their time was over.
    let expirations = Atomic<UInt64>(0)
    /// Of the failures, those that kept one from ending; it is tried again as a job.
    let expirationFailures = Atomic<UInt64>(0)
    /// Left alone until what they rest on is repaired.
    let held = Atomic<UInt64>(0)
    /// Under way.
    let running = Atomic<UInt64>(0)
    /// For how long the earliest timer has been due, in seconds, at the last look.
    let lagSeconds = Atomic<UInt64>(0)

    /// A batch about this timer was committed.
    func committed(_ progress: TaskProgress, _ timer: DueTimer) {
        let isLease = TaskSubject(of: timer) == .lease
        switch progress {
        case .done:
            done.wrappingAdd(1, ordering: .relaxed)
            if isLease { expirations.wrappingAdd(1, ordering: .relaxed) }
        case .postponed:
            failures.wrappingAdd(1, ordering: .relaxed)
            if isLease { expirationFailures.wrappingAdd(1, ordering: .relaxed) }
        case .goesOn: steps.wrappingAdd(1, ordering: .relaxed)
        }
    }

    /// As numbers for `sys/metrics`.
    var metrics: [Metric] {
        [
            metric("tasks_done_total", "Timers that were dealt with here", .counter, done),
            metric("tasks_steps_total", "Batches after which a job went on", .counter, steps),
            metric(
                "tasks_failures_total",
                "Tasks that failed and were put off",
                .counter,
                failures
            ),
            metric(
                "lease_expirations_total",
                "Tokens and leases that ended here because their time was over",
                .counter,
                expirations
            ),
            metric(
                "lease_expiration_failures_total",
                "Those of them that could not be ended and are tried again as jobs",
                .counter,
                expirationFailures
            ),
            metric("tasks_running", "Tasks under way here", .gauge, running),
            metric(
                "tasks_held",
                "Tasks that wait until what they rest on is repaired here",
                .gauge,
                held
            ),
            metric(
                "tasks_lag_seconds",
                "For how long the first timer has been due",
                .gauge,
                lagSeconds
            ),
            metric("tasks_damaged", "Due timers that cannot be opened", .gauge, damaged),
        ]
    }

    private func metric(
        _ name: String,
        _ help: String,
        _ kind: Metric.Kind,
        _ value: borrowing Atomic<UInt64>
    ) -> Metric {
        let value = Double(value.load(ordering: .relaxed))
        return Metric("holdfast_\(name)", help, kind, [Metric.Sample(value: value)])
    }
}
