import Engines
import Vault
import Wire

/// Headers by which a read chooses how fresh its answer is, and by which the answer says how fresh
/// it is.
///
/// ```
/// X-Holdfast-Consistency: linearizable | stale
/// X-Holdfast-Max-Staleness: 5s                      (with stale; a duration, at most 1h)
/// ```
/// An answer to a read that names a consistency carries `X-Holdfast-Index` (the log index that the
/// state shows) and `X-Holdfast-Staleness` (milliseconds, an upper bound, rounded up).
package enum ConsistencyHeaders {
    /// Chooses.
    package static let consistency = "X-Holdfast-Consistency"
    /// Bounds.
    package static let maxStaleness = "X-Holdfast-Max-Staleness"
    /// The highest log index whose effect the state shows.
    package static let index = "X-Holdfast-Index"
    /// How old the state is at most, in milliseconds.
    package static let staleness = "X-Holdfast-Staleness"
    /// The value of ``consistency`` that a read has that names none.
    static let linearizable = "linearizable"

    /// What a read asks for.
    static func parse(_ headers: APIHeaders) throws(RouteError) -> ReadConsistency {
        let name = headers.consistency ?? ""
        let bound = headers.maxStaleness ?? ""
        switch name {
        case "", linearizable:
            guard bound.isEmpty else {
                throw .refused(400, ["\(maxStaleness) needs \(consistency): stale"])
            }
            return ReadConsistency(isReported: !name.isEmpty)
        case "stale":
            return ReadConsistency(
                staleNanosecondsMax: try nanoseconds(bound),
                isReported: true
            )
        default:
            throw .refused(
                400,
                ["\(consistency) must be linearizable or stale, not \(GoText.quoted(name))"]
            )
        }
    }

    private static func nanoseconds(_ text: String) throws(RouteError) -> Int64 {
        guard !text.isEmpty else { return APILimits.staleNanosecondsDefault }
        let nanoseconds: Int64
        do throws(DurationError) {
            nanoseconds = try GoDuration.nanoseconds(of: text)
        } catch {
            throw .refused(400, ["error parsing \(maxStaleness) header: \(error.summary)"])
        }
        guard nanoseconds > 0, nanoseconds <= APILimits.staleNanosecondsMax else {
            let most = GoDuration.format(nanoseconds: APILimits.staleNanosecondsMax)
            throw .refused(400, ["\(maxStaleness) must be above 0 and at most \(most)"])
        }
        return nanoseconds
    }

    /// The answer with what it is worth.
    ///
    /// - Parameters:
    ///   - index: the highest log index that the state shows.
    ///   - ageNanoseconds: an upper bound; not negative.
    package static func report(
        _ response: APIResponse,
        index: UInt64,
        ageNanoseconds: Int64
    ) -> APIResponse {
        var response = response
        response.headers.append((name: Self.index, value: String(index)))
        response.headers.append((name: staleness, value: milliseconds(ageNanoseconds)))
        return response
    }

    /// A member's answer that says what it is worth, as it is when it gets here.
    ///
    /// - Parameter ageNanoseconds: an upper bound on the age here; not negative.
    /// - Returns: nil for an answer that does not say, such as a refusal.
    package static func reportAgain(
        _ response: APIResponse,
        ageNanoseconds: Int64
    ) -> APIResponse? {
        guard let place = response.headers.firstIndex(where: { $0.name == staleness }) else {
            return nil
        }
        var response = response
        response.headers[place].value = milliseconds(ageNanoseconds)
        return response
    }

    private static func milliseconds(_ nanoseconds: Int64) -> String {
        precondition(nanoseconds >= 0, "no state is from the future")
        return String(nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0))
    }
}
