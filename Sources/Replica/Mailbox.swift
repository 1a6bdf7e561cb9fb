import Synchronization

/// A queue with many senders and one receiving thread: the only way into that thread.
///
/// `offer` is for work from outside and honours the bound; `post` is for the answers of our own
/// threads, which are bounded by the work that caused them and must never be dropped.
final class Mailbox<Element: Sendable>: Sendable {
    private struct State: Sendable {
        var waiting: [Element] = []
        var isReceiverAsleep = false
        /// Asleep, and what is not urgent need not wake it.
        var isPatient = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let wake = WakeSignal()
    private let bound: Int

    /// - Parameter bound: elements that may wait before `offer` refuses.
    init(bound: Int) {
        self.bound = bound
    }

    /// Adds `element` unless the bound is reached.
    ///
    /// - Parameters:
    ///   - extra: room beyond the bound for what matters more than the rest.
    ///   - isUrgent: false for what a patient receiver may find when it wakes for something else.
    /// - Returns: false at the bound; the caller answers "overloaded" at once.
    func offer(_ element: Element, extra: Int = 0, isUrgent: Bool = true) -> Bool {
        add(element, mostWaiting: bound + extra, isUrgent: isUrgent)
    }

    /// Adds `element` whatever the bound says. Only for inputs that our own threads answer with.
    /// A closed mailbox drops it.
    func post(_ element: Element) {
        _ = add(element, mostWaiting: .max, isUrgent: true)
    }

    private func add(_ element: Element, mostWaiting: Int, isUrgent: Bool) -> Bool {
        let (isAdded, mustWake) = state.withLock { state in
            guard !state.isClosed, state.waiting.count < mostWaiting else { return (false, false) }
            state.waiting.append(element)
            let mustWake = state.isReceiverAsleep && (isUrgent || !state.isPatient)
            if mustWake { state.isReceiverAsleep = false }
            return (true, mustWake)
        }
        if mustWake { wake.signal() }
        return isAdded
    }

    /// Drops what waits and takes nothing more; the receiving thread is told to end.
    func close() {
        let (dropped, mustWake) = state.withLock { state -> ([Element], Bool) in
            let dropped = state.waiting
            state.waiting = []
            state.isClosed = true
            let mustWake = state.isReceiverAsleep
            state.isReceiverAsleep = false
            return (dropped, mustWake)
        }
        if mustWake { wake.signal() }
        // What was dropped ends here, outside the lock: it may be the last to hold something.
        _ = consume dropped
    }

    /// Whether ``close()`` was called.
    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Takes up to `most` elements, waiting until `deadline` for the first. One thread only.
    ///
    /// - Parameter isPatient: what is not urgent may wait until `deadline`, or until something
    ///   urgent comes; it is then taken in its place.
    /// - Returns: the elements in order; empty when the deadline passed; nil when closed.
    func take(
        most: Int,
        until deadline: Moment,
        isPatient: Bool = false
    ) -> [Element]? {
        while true {
            guard let taken = takeWaiting(most: most, orSleep: isPatient) else { return nil }
            if !taken.isEmpty { return taken }
            if !wake.wait(until: deadline) {
                // A sender may have signalled between the time-out and this line: leave no
                // signal behind, or the next sleep would end early (harmless, but a spin).
                let wasWoken = state.withLock { state in
                    let wasWoken = !state.isReceiverAsleep
                    state.isReceiverAsleep = false
                    return wasWoken
                }
                if wasWoken { wake.wait() }
                return takeWaiting(most: most, orSleep: nil)
            }
        }
    }

    /// - Parameter isPatient: how to sleep if nothing waits; nil for not at all.
    private func takeWaiting(most: Int, orSleep isPatient: Bool?) -> [Element]? {
        state.withLock { state -> [Element]? in
            if state.isClosed { return nil }
            if state.waiting.isEmpty {
                state.isReceiverAsleep = isPatient != nil
                state.isPatient = isPatient ?? false
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
    }

    /// Whether ``take(most:until:isPatient:)`` waits for something to come.
    var isReceiverAsleep: Bool { state.withLock { $0.isReceiverAsleep } }

    /// Elements waiting now.
    var count: Int {
        state.withLock { $0.waiting.count }
    }
}
