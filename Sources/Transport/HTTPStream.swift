import NIOCore
import Synchronization

/// The body of an answer that is written while it is made: no length is known, and it ends when
/// its writer, its client or the server does. Chunked; the connection closes behind it.
///
/// Whoever writes never waits: what the client has not taken is kept up to a bound, and what comes
/// on top of that is refused.
package final class HTTPStream: Sendable {
    private struct State: Sendable {
        /// Not handed to the connection yet.
        var kept: [UInt8] = []
        /// The connection was told to look.
        var isScheduled = false
        /// No more is taken.
        var isOver = false
        /// The connection is through with it.
        var hasEnded = false
        var whenEnded: (@Sendable () -> Void)?
    }

    private let loop: any EventLoop
    private let service: HTTPService
    private let owner: NIOLoopBound<HTTPConnection>
    private let state = Mutex(State())

    init(_ owner: NIOLoopBound<HTTPConnection>, _ service: HTTPService, on loop: any EventLoop) {
        (self.owner, self.service, self.loop) = (owner, service, loop)
    }

    /// Adds to the body. On any thread; costs a lock, and a wake of the event loop where nothing
    /// waited.
    ///
    /// - Returns: false if nothing of it was taken: the client has not read what is kept for it,
    ///   ``TransportLimits/streamBytesKept`` at most, or it is over.
    @discardableResult
    package func write(_ bytes: [UInt8]) -> Bool {
        let (isTaken, mustWake) = state.withLock { state -> (Bool, Bool) in
            guard !state.isOver,
                state.kept.count + bytes.count <= TransportLimits.streamBytesKept
            else { return (false, false) }
            state.kept += bytes
            defer { state.isScheduled = true }
            return (true, !state.isScheduled)
        }
        if mustWake { wake() }
        return isTaken
    }

    /// The body is complete: the client gets what is kept, and then its end.
    package func finish() {
        let mustWake = state.withLock { state -> Bool in
            guard !state.isOver else { return false }
            state.isOver = true
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if mustWake { wake() }
    }

    /// Calls `body` once, when nothing written can reach the client any more; at once if that is
    /// so already. On any thread.
    package func whenEnded(_ body: @escaping @Sendable () -> Void) {
        let hasEnded = state.withLock { state -> Bool in
            if !state.hasEnded { state.whenEnded = body }
            return state.hasEnded
        }
        if hasEnded { body() }
    }

    private func wake() {
        guard !service.isOver.load(ordering: .acquiring) else { return ended() }
        loop.execute { [self] in owner.value.streamHasMore(self) }
    }

    // MARK: the connection's side

    /// What to send now, and whether that is the last of it.
    func take() -> (bytes: [UInt8], isLast: Bool) {
        state.withLock { state in
            state.isScheduled = false
            defer { state.kept = [] }
            return (state.kept, state.isOver)
        }
    }

    /// It is over, whatever the reason.
    func ended() {
        let body = state.withLock { state in
            state.isOver = true
            state.hasEnded = true
            state.kept = []
            return state.whenEnded.take()
        }
        body?()
    }
}
