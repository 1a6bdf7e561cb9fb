import Glibc
import Synchronization

/// Names the seeds that were running when a precondition of the product fails, because that ends
/// this process before it can report anything.
enum CrashReport {
    private static let seeds = Table()

    private struct Table: ~Copyable, Sendable {
        // Four are enough for the machines at hand; further jobs share the last one.
        let first = Atomic<UInt64>(0)
        let second = Atomic<UInt64>(0)
        let third = Atomic<UInt64>(0)
        let fourth = Atomic<UInt64>(0)
    }

    /// From here on `job` works on `seed`.
    static func begin(_ seed: UInt64, job: Int) {
        switch job {
        case 0: seeds.first.store(seed, ordering: .relaxed)
        case 1: seeds.second.store(seed, ordering: .relaxed)
        case 2: seeds.third.store(seed, ordering: .relaxed)
        default: seeds.fourth.store(seed, ordering: .relaxed)
        }
    }

    /// Catches the signals that a trap raises.
    static func install() {
        for number in [SIGILL, SIGTRAP, SIGABRT, SIGSEGV] {
            signal(number) { _ in CrashReport.tell() }
        }
    }

    private static func tell() -> Never {
        var text = "simulate: a precondition failed; repeat with --seed and one of:"
        let running = [
            seeds.first.load(ordering: .relaxed), seeds.second.load(ordering: .relaxed),
            seeds.third.load(ordering: .relaxed), seeds.fourth.load(ordering: .relaxed),
        ]
        for seed in running where seed > 0 { text += " \(seed)" }
        Simulate.complain(text)
        _exit(1)
    }
}
