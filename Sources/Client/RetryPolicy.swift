/// When a failed attempt is repeated.
///
/// A 503 or 429 means that nothing was carried out, so any request may be repeated after it; but
/// not when the node says that it is sealed or has no vault yet, or that the namespace is locked:
/// that lasts until somebody changes it.
/// Other answers from 500 on, except 501, and lost connections are repeated for GET only. A
/// connection that was never made is repeated for every method. Pauses are 1 s, then 1.5 s, as in
/// other clients of this API.
package struct RetryPolicy: Sendable {
    /// Attempts after the first one.
    package let retriesMax: Int

    package init(retriesMax: Int) { self.retriesMax = retriesMax }

    /// Pause before the next attempt after `attempt` (from 0) got an answer, or nil to keep it.
    package func pauseMilliseconds(
        after response: ClientResponse,
        to method: ClientRequest.Method,
        attempt: Int
    ) -> Int? {
        guard attempt < retriesMax else { return nil }
        switch response.status {
        case 429: return Self.pause(attempt)
        case 503:
            let isLasting = response.errors.contains { text in
                Self.lasting.contains { text.contains($0) }
            }
            return isLasting ? nil : Self.pause(attempt)
        case 501: return nil
        case 500...: return method == .get ? Self.pause(attempt) : nil
        default: return nil
        }
    }

    /// Pause before the next attempt after `attempt` (from 0) failed, or nil to give up.
    package func pauseMilliseconds(
        after error: ClientError,
        to method: ClientRequest.Method,
        attempt: Int
    ) -> Int? {
        guard attempt < retriesMax else { return nil }
        switch error {
        case .unreachable, .notSent: return Self.pause(attempt)
        case .outcomeUnknown: return method == .get ? Self.pause(attempt) : nil
        default: return nil
        }
    }

    /// What an answer says that seconds do not change.
    private static let lasting = [
        "is sealed", "not initialized", "has been locked by an administrator",
    ]

    private static func pause(_ attempt: Int) -> Int { attempt == 0 ? 1_000 : 1_500 }
}
