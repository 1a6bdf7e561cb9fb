import API
import NIOPosix
import Synchronization

/// Threads for what would hold up an event loop: listings, large bodies, unsealing.
final class Workers: Sendable {
    private let pool: NIOThreadPool
    private let waitingMax: Int
    /// Submitted and not ended.
    private let count = Atomic(0)
    private let hasStopped = Atomic(false)

    /// - Parameters:
    ///   - threads: how many run at the same time.
    ///   - waitingMax: how many more may wait.
    init(threads: Int, waitingMax: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        self.waitingMax = waitingMax + threads
        pool.start()
    }

    /// Whether nothing is run any more.
    var isStopped: Bool { hasStopped.load(ordering: .relaxed) }

    /// Runs `body` on a thread, with true. At the bound, and once stopped, runs it at once with
    /// false: it then only says so to whoever waits.
    ///
    /// - Parameter mayFill: up to the bound; false leaves half of the places to others.
    func submit(mayFill: Bool = true, _ body: @escaping @Sendable (Bool) -> Void) {
        let most = mayFill ? waitingMax : waitingMax / 2
        guard count.add(1, ordering: .relaxed).newValue <= most else {
            count.subtract(1, ordering: .relaxed)
            return body(false)
        }
        pool.submit { [self] state in
            body(state == .active)
            count.subtract(1, ordering: .relaxed)
        }
    }

    /// Ends the threads after what they are doing; what waits is told so.
    func stop() async {
        hasStopped.store(true, ordering: .relaxed)
        try? await pool.shutdownGracefully()
    }
}

extension Workers {
    /// Runs `body` on a thread; where none takes it, the call that it is for fails as overloaded.
    func run(
        or completion: @escaping @Sendable (APIResponse) -> Void,
        _ body: @escaping @Sendable () -> Void
    ) {
        submit { isTaken in
            guard isTaken else { return completion(ServiceFailure.overloaded.response) }
            body()
        }
    }
}
