import API
import Synchronization

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
    /// Under way.
    let running = Atomic<UInt64>(0)
    /// For how long the earliest timer has been due, in seconds, at the last look.
    let lagSeconds = Atomic<UInt64>(0)

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
            metric("tasks_running", "Tasks under way here", .gauge, running),
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
