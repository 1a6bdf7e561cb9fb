import Dispatch
import Synchronization

/// A queue with many senders and one receiving thread: the only way into that thread.
///
/// `offer` is for work that callers bring and honours the bound; `post` is for the answers of our
/// own threads, which are bounded by the work that caused them and must never be dropped.
final class Mailbox<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var waiting: [Element] = []
        var isReceiverAsleep = false
    }

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)
    private let bound: Int

    /// - Parameter bound: elements that may wait before `offer` refuses.
    init(bound: Int) {
        self.bound = bound
    }

    /// Adds `element` unless the bound is reached.
    ///
    /// - Returns: false at the bound; the caller answers "overloaded" at once.
    func offer(_ element: Element) -> Bool {
        add(element, isBounded: true)
    }

    /// Adds `element` whatever the bound says. Only for inputs that our own threads answer with.
    func post(_ element: Element) {
        _ = add(element, isBounded: false)
    }

    private func add(_ element: Element, isBounded: Bool) -> Bool {
        let (isAdded, mustWake) = state.withLock { state in
            if isBounded && state.waiting.count >= bound { return (false, false) }
            state.waiting.append(element)
            let mustWake = state.isReceiverAsleep
            state.isReceiverAsleep = false
            return (true, mustWake)
        }
        if mustWake { wake.signal() }
        return isAdded
    }

    /// Takes up to `most` elements, waiting until `deadline` for the first. One thread only.
    ///
    /// - Returns: the elements in order; empty when the deadline passed.
    func take(most: Int, until deadline: DispatchTime) -> [Element] {
        while true {
            let taken = state.withLock { state -> [Element] in
                if state.waiting.isEmpty {
                    state.isReceiverAsleep = true
                    return []
                }
                if state.waiting.count <= most {
                    let all = state.waiting
                    state.waiting = []
                    state.waiting.reserveCapacity(min(all.count, most))
                    return all
                }
                let some = Array(state.waiting[..<most])
                state.waiting.removeFirst(most)
                return some
            }
            if !taken.isEmpty { return taken }
            if wake.wait(timeout: deadline) == .timedOut {
                // A sender may have signalled between the time-out and this line: leave no
                // signal behind, or the next sleep would end early (harmless, but a spin).
                let wasWoken = state.withLock { state in
                    let wasWoken = !state.isReceiverAsleep
                    state.isReceiverAsleep = false
                    return wasWoken
                }
                if wasWoken { wake.wait() } else { return [] }
            }
        }
    }

    /// Elements waiting now.
    var count: Int {
        state.withLock { $0.waiting.count }
    }
}
