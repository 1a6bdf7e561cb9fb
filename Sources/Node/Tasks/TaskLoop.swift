import NIOCore
import NIOPosix
import Synchronization

/// The thread of the tasks.
///
/// Answers come from the replica's threads and from whoever performs effects, also after the tasks
/// have ended. Those are dropped: what they were about is in the records, and the next leader finds
/// it there.
final class TaskLoop: Sendable {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let isOpen = Mutex(true)
    /// For what is bound to it, and for what is scheduled from the thread itself.
    let eventLoop: any EventLoop

    init() { eventLoop = group.next() }

    /// Runs `body` on the thread, later; never after ``stop()`` was called.
    func execute(_ body: @escaping @Sendable () -> Void) {
        // Held while it is handed over, so the thread cannot end in between.
        isOpen.withLock { isOpen in
            if isOpen { eventLoop.execute(body) }
        }
    }

    /// Ends the thread. What was handed over before still runs.
    func stop() async {
        isOpen.withLock { $0 = false }
        try? await group.shutdownGracefully()
    }
}
