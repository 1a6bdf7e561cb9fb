import CLinux
import Glibc

/// A semaphore whose timed waits go by a monotonic clock.
///
/// Dispatch's go by the wall clock on Linux. Set back by an hour, that lets every wait that had
/// begun end an hour late: no ticks, no elections, no flush that somebody waits for.
///
/// The system's semaphore is for all threads, and has to stay where it was made: hence the pointer,
/// which never changes, and `@unchecked Sendable`.
@safe final class WakeSignal: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() {
        let code = unsafe sem_init(semaphore, 0, 0)
        precondition(code == 0, "the system refused a semaphore: errno \(errno)")
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Lets one wait end, now or later.
    func signal() {
        let code = unsafe sem_post(semaphore)
        precondition(code == 0, "nobody takes the signals: errno \(errno)")
    }

    /// Waits for a signal.
    func wait() {
        while unsafe sem_wait(semaphore) != 0 {
            precondition(errno == EINTR, "a wait was refused: errno \(errno)")
        }
    }

    /// Waits for a signal until `deadline` comes.
    ///
    /// - Returns: false when it came first.
    func wait(until deadline: Moment) -> Bool {
        var end = Self.monotonic(deadline)
        while unsafe sem_clockwait(semaphore, CLOCK_MONOTONIC, &end) != 0 {
            if errno == ETIMEDOUT { return false }
            precondition(errno == EINTR, "a timed wait was refused: errno \(errno)")
        }
        return true
    }

    /// Waits for so long, and for nothing.
    static func pause(_ duration: Duration) { _ = WakeSignal().wait(until: .now + duration) }

    /// `Moment` goes on while the machine sleeps, and no wait can: it ends late by what the machine
    /// slept.
    private static func monotonic(_ deadline: Moment) -> timespec {
        var now = timespec()
        let code = unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        precondition(code == 0, "there is no monotonic clock")
        // A hundred years are enough, and no sum overflows.
        let rest = min(max(0, deadline.nanoseconds(since: .now)), 3_155_760_000_000_000_000)
        let nanoseconds = now.tv_nsec + Int(rest % 1_000_000_000)
        return timespec(
            tv_sec: now.tv_sec + Int(rest / 1_000_000_000) + nanoseconds / 1_000_000_000,
            tv_nsec: nanoseconds % 1_000_000_000
        )
    }
}
