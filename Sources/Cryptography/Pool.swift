import Synchronization

/// Idle library contexts, so that a hot call neither allocates nor waits for another thread's use.
///
/// Taking and giving back hold the lock for one array operation. At most `Limits.idleContextsMax`
/// stay idle.
final class Pool<Context>: Sendable {
    private let idle = Mutex<[Entry]>([])
    private let make: @Sendable () -> Context
    private let free: @Sendable (Context) -> Void

    /// Contexts are pointers to library objects that one thread at a time may use, whichever it is:
    /// libcrypto keeps nothing of them by thread.
    ///
    /// `@unchecked` holds because one that is idle is reached through the lock only; `take` removes
    /// it before it lends it, so until `give` it belongs to one caller; and the lock orders what
    /// that caller did before what the next one does. Whoever uses one
    /// keeps the pool alive meanwhile, so `deinit` frees only what nobody has.
    private struct Entry: @unchecked Sendable {
        let context: Context
    }

    init(make: @escaping @Sendable () -> Context, free: @escaping @Sendable (Context) -> Void) {
        self.make = make
        self.free = free
    }

    deinit {
        for entry in idle.withLock({ $0 }) { free(entry.context) }
    }

    func take() -> Context {
        idle.withLock { $0.popLast() }?.context ?? make()
    }

    func give(_ context: Context) {
        let entry = Entry(context: context)
        let isKept = idle.withLock { idle -> Bool in
            guard idle.count < Limits.idleContextsMax else { return false }
            idle.append(entry)
            return true
        }
        if !isKept { free(entry.context) }
    }
}
