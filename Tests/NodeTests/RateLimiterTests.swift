import Replica
import Testing

@testable import Node
@testable import Vault

/// Counting what clients ask for, on a clock that the test moves.
@Suite("rate limiter")
struct RateLimiterTests {
    static func rule(_ rate: Double, every interval: UInt64, block: UInt64 = 0) -> RateLimitRule {
        RateLimitRule(
            name: "r",
            path: "",
            role: "",
            rate: rate,
            intervalSeconds: interval,
            blockSeconds: block,
            isInheritable: true
        )
    }

    private func at(_ milliseconds: Int64) -> Moment {
        Moment(nanoseconds: 5_000_000_000 + milliseconds * 1_000_000)
    }

    @Test("so many in an interval, and as many in the next")
    func intervals() {
        let limiter = RateLimiter()
        let rule = Self.rule(2, every: 4)
        func take(_ milliseconds: Int64, _ client: String = "a") -> RateLimiter.Verdict {
            limiter.take(rule, client: client, at: at(milliseconds))
        }
        func count(_ remaining: UInt64, _ reset: UInt64) -> RateLimiter.Count {
            RateLimiter.Count(limit: 2, remaining: remaining, resetSeconds: reset)
        }
        #expect(take(0) == .allowed(count(1, 4)))
        #expect(take(10) == .allowed(count(0, 3)))
        #expect(take(20) == .refused(count(0, 3), retrySeconds: 4))
        #expect(take(2_200) == .refused(count(0, 1), retrySeconds: 2))
        #expect(take(2_200, "b") == .allowed(count(1, 4)))
        #expect(take(3_999) == .refused(count(0, 0), retrySeconds: 1))
        // Whoever keeps to what he was told is let in.
        #expect(take(4_000) == .allowed(count(1, 4)))
        // Intervals are counted from the first request, whether or not anybody asked meanwhile.
        #expect(take(12_500) == .allowed(count(1, 3)))
    }

    @Test("who asks too often is blocked for as long as the rule says, and no longer")
    func blocks() {
        let limiter = RateLimiter()
        let rule = Self.rule(1, every: 1, block: 5)
        func take(_ milliseconds: Int64) -> RateLimiter.Verdict {
            limiter.take(rule, client: "a", at: at(milliseconds))
        }
        let full = RateLimiter.Count(limit: 1, remaining: 0, resetSeconds: 1)
        let spent = RateLimiter.Count(limit: 1, remaining: 0, resetSeconds: 0)
        #expect(take(0) == .allowed(full))
        #expect(take(750) == .refused(spent, retrySeconds: 5))
        #expect(take(1_500) == .blocked(retrySeconds: 5))
        #expect(take(5_749) == .blocked(retrySeconds: 1))
        #expect(take(5_750) == .allowed(spent))
    }

    @Test("a rule that was changed counts anew")
    func changes() {
        let limiter = RateLimiter()
        let (old, new) = (Self.rule(1, every: 100), Self.rule(2, every: 100))
        _ = limiter.take(old, client: "a", at: at(0))
        guard case .refused = limiter.take(old, client: "a", at: at(1)) else {
            Issue.record("the second request went through")
            return
        }
        guard case .allowed = limiter.take(new, client: "a", at: at(2)) else {
            Issue.record("the new rule was not used")
            return
        }
    }

    @Test("memory is bounded: those for whom there is no room share one count")
    func bounded() {
        let limiter = RateLimiter(clientsMax: 3)
        let rule = Self.rule(2, every: 10)
        func isAllowed(_ client: String, _ milliseconds: Int64) -> Bool {
            if case .allowed = limiter.take(rule, client: client, at: at(milliseconds)) {
                true
            } else {
                false
            }
        }
        for client in ["a", "b", "c"] { #expect(isAllowed(client, 0)) }
        // Two of these three have the shared count.
        #expect([isAllowed("d", 1), isAllowed("e", 1), isAllowed("f", 1)] == [true, true, false])
        #expect(isAllowed("a", 2))
        #expect(limiter.count == 4)
        // What is over makes room.
        #expect(isAllowed("g", 20_000))
        #expect(limiter.count == 1)
    }
}
