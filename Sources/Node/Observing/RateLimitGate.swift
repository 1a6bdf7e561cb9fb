import API
import Barrier
import Engines
import Logging
import Replica
import Store
import Synchronization
import Vault
import Wire

/// Asks the rate limits before anything is done about a client's request: before its token is
/// looked at, and before it goes to another node.
final class RateLimitGate: Sendable {
    /// What becomes of a request.
    enum Outcome: Sendable {
        /// It goes on; its answer has these headers besides its own.
        case goesOn([(name: String, value: String)])
        /// It ends here. Whether that is on the record is the operator's choice.
        case refused(APIResponse, isAudited: Bool)
    }

    private let store: LocalStore
    private let replica: LocalReplica
    private let secondLook: SecondLook
    private let seal: SealKeeper
    private let limiter = RateLimiter()
    private let facts: @Sendable () -> NodeFacts
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger
    private let limits: EvaluatedCache<RateLimits>
    private let complainedAt = Mutex<Moment?>(nil)

    init(
        _ parts: EvaluatedCache<RateLimits>.Parts,
        seal: SealKeeper,
        facts: @escaping @Sendable () -> NodeFacts,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        (store, replica, self.seal) = (parts.store, parts.replica, seal)
        secondLook = SecondLook(parts.workers)
        limits = EvaluatedCache(parts) { known, keyring, view throws(VaultError) in
            try RateLimits.load(known, keyring, view: view)
        }
        self.facts = facts
        self.clock = clock
        self.logger = logger
    }

    /// - Parameter client: `ip:port`.
    func check(_ route: Route, client: String) -> Outcome {
        guard let subject = route.limited, let unsealed = seal.unsealed else { return .goesOn([]) }
        do throws(VaultError) {
            let limits = try limits.current(unsealed)
            guard !limits.isEmpty, let rule = try rule(for: subject, limits, unsealed) else {
                return .goesOn([])
            }
            return outcome(of: rule, limits, subject, client)
        } catch {
            // Limits protect those who wait; without them they are better off than with nothing.
            complain(error)
            return .goesOn([])
        }
    }

    /// The rule that holds by what is there. A worker looks whether that can be trusted, where it
    /// is not known: a request must not wait for that before it is counted.
    private func rule(
        for subject: RateLimits.Subject,
        _ limits: RateLimits,
        _ unsealed: Unsealed
    ) throws(VaultError) -> RateLimitRule? {
        let (found, isWhole) = lookUp(subject, limits, unsealed, mayWalk: false)
        if !isWhole {
            secondLook.ask { [self] in _ = lookUp(subject, limits, unsealed, mayWalk: true) }
        }
        return try found.get()
    }

    private func lookUp(
        _ subject: RateLimits.Subject,
        _ limits: RateLimits,
        _ unsealed: Unsealed,
        mayWalk: Bool
    ) -> (found: Result<RateLimitRule?, VaultError>, isWhole: Bool) {
        // Nothing is written, so nothing is drawn.
        let environment = VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: clock(),
            seed: [UInt8](repeating: 0, count: Entropy.seedBytes),
            attempt: 0,
            facts: facts()
        )
        return store.view { view in
            let found = Result { () throws(VaultError) in
                try limits.rule(for: subject, in: environment, view: view)
            }
            // What was not found makes errors, too.
            // Lists, too, count as whole for a while: else a worker would walk each second.
            let look = BucketTrust.Look(isJudgedAgain: true, mayWalk: mayWalk)
            let verdict = replica.verdict(on: view.doubts(), in: view, look)
            // A damaged record, which no walk has met.
            if mayWalk, case .damaged(let bucket) = verdict {
                replica.mend(bucket, deadline: .now + .seconds(1)) { _ in }
            }
            return (found, verdict == .whole)
        }
    }

    private func outcome(
        of rule: RateLimitRule,
        _ limits: RateLimits,
        _ subject: RateLimits.Subject,
        _ client: String
    ) -> Outcome {
        let address = ClientAddress(client)?.ip.text ?? client
        switch limiter.take(rule, client: address, at: .now) {
        case .allowed(let count): return .goesOn(limits.showsHeaders ? Self.headers(count) : [])
        case .refused(let count, let seconds):
            let headers = limits.showsHeaders ? Self.headers(count) : []
            return refusal(subject, headers, seconds, limits)
        case .blocked(let seconds): return refusal(subject, [], seconds, limits)
        }
    }

    private func refusal(
        _ subject: RateLimits.Subject,
        _ headers: [(name: String, value: String)],
        _ seconds: UInt64,
        _ limits: RateLimits
    ) -> Outcome {
        let response = RateLimitReply.refusal(
            path: subject.path,
            retrySeconds: seconds,
            headers: headers
        )
        return .refused(response, isAudited: limits.auditsRefusals)
    }

    private static func headers(_ count: RateLimiter.Count) -> [(name: String, value: String)] {
        [
            ("X-Ratelimit-Limit", String(count.limit)),
            ("X-Ratelimit-Remaining", String(count.remaining)),
            ("X-Ratelimit-Reset", String(count.resetSeconds)),
        ]
    }

    /// Once a minute, since every request would.
    private func complain(_ error: VaultError) {
        let isDue = complainedAt.withLock { last -> Bool in
            if let last, Moment.now < last + .seconds(60) { return false }
            last = .now
            return true
        }
        guard isDue else { return }
        logger.error(
            "rate limits cannot be read and do not hold: \(error.summary)",
            metadata: ["remedy": "\(error.remedy)"]
        )
    }
}
