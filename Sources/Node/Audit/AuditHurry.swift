import NIOCore
import Synchronization

/// Ticks often, for as long as there is a reason, and not at all otherwise: eight wake-ups a second
/// on two threads would be a fifth of what an idle node costs.
final class AuditHurry: Sendable {
    private let loop: any EventLoop
    private let isRestless: @Sendable () -> Bool
    private let tick: @Sendable () -> Void
    /// One at a time, however often it is asked for.
    private let isUnderWay = Atomic(false)

    /// - Parameters:
    ///   - loop: where the ticks happen.
    ///   - isRestless: whether there is a reason for another one.
    init(
        on loop: any EventLoop,
        while isRestless: @escaping @Sendable () -> Bool,
        _ tick: @escaping @Sendable () -> Void
    ) {
        self.loop = loop
        self.isRestless = isRestless
        self.tick = tick
    }

    /// There is a reason now. Any thread.
    func begin() {
        guard !isUnderWay.exchange(true, ordering: .sequentiallyConsistent) else { return }
        schedule()
    }

    private func schedule() {
        loop.scheduleTask(in: .milliseconds(Int64(Limits.auditTickMilliseconds))) { [self] in
            tick()
            if isRestless() { return schedule() }
            isUnderWay.store(false, ordering: .sequentiallyConsistent)
            // The reason may have come between the two.
            if isRestless() { begin() }
        }
    }
}
