import Replica
import Synchronization

/// Has a worker look at what an event loop went by and could not look at: buckets that nobody saw
/// whole lately. What it finds damaged is repaired.
///
/// At most once a second, since every request would ask for it.
final class SecondLook: Sendable {
    private let workers: Workers
    /// When a worker was last asked.
    private let askedAt = Mutex<Moment?>(nil)

    init(_ workers: Workers) { self.workers = workers }

    /// Runs `look` on a worker, unless one was asked less than a second ago or all are busy.
    func ask(_ look: @escaping @Sendable () -> Void) {
        let isDue = askedAt.withLock { last -> Bool in
            if let last, Moment.now < last + .seconds(1) { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        workers.submit(mayFill: false) { isTaken in
            if isTaken { look() }
        }
    }
}
