import Synchronization

/// How many bytes of requests are held at once, for all connections together.
final class ByteBudget: Sendable {
    private let bytesMax: Int
    private let used = Atomic(0)

    init(bytesMax: Int) { self.bytesMax = bytesMax }

    /// What one request has taken; given back when the request is let go.
    final class Share: Sendable {
        private let budget: ByteBudget
        private let bytes = Atomic(0)

        init(of budget: ByteBudget) { self.budget = budget }

        /// - Returns: false when the budget has no room for that many; nothing is taken then.
        func grow(to count: Int) -> Bool {
            let extra = count - bytes.load(ordering: .relaxed)
            guard extra > 0 else { return true }
            let (_, now) = budget.used.add(extra, ordering: .relaxed)
            guard now <= budget.bytesMax else {
                budget.used.subtract(extra, ordering: .relaxed)
                return false
            }
            bytes.store(count, ordering: .relaxed)
            return true
        }

        deinit { budget.used.subtract(bytes.load(ordering: .relaxed), ordering: .relaxed) }
    }

    /// - Parameter share: the request's share so far; small requests have none.
    /// - Returns: the share after it was grown.
    /// - Throws: ``HTTPRefusal/tooMuchInFlight``.
    func hold(_ count: Int, in share: Share?) throws(HTTPRefusal) -> Share? {
        guard count > TransportLimits.requestBytesUncounted else { return share }
        let share = share ?? Share(of: self)
        guard share.grow(to: count) else { throw .tooMuchInFlight }
        return share
    }
}
