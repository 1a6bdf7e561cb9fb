import API
import Barrier
import Cryptography
import Raft
import Store
import TestSupport
import Testing
import Vault
import Wire

@testable import Node
@testable import Replica

/// Rate limits on a node whose disk is to be believed as little as any other.
@Suite("rate limits of a node")
struct RateLimitGateTests {
    private struct Bench {
        let vault: VaultBench
        let workers = Workers(threads: 1, waitingMax: 8)
        let gate: RateLimitGate
        let unsealed: Unsealed

        init() async throws {
            vault = try await VaultBench()
            try await vault.unseal()
            unsealed = try #require(vault.keeper.unsealed)
            gate = RateLimitGate(
                (vault.one.store, vault.one.replica, workers),
                seal: vault.keeper,
                facts: { Self.facts },
                clock: { Self.now },
                logger: quietLogger
            )
        }

        static let facts = NodeFacts(version: "", appliedIndex: 0, members: [])
        static let now = Timestamp(nanoseconds: 1_000_000_000)

        func route(_ method: String, _ path: String, _ body: String = "") throws -> Route {
            var headers = APIHeaders()
            headers.token = vault.rootToken
            let request = APIRequest(
                method: method,
                target: Array("/v1/\(path)".utf8),
                headers: headers,
                body: Array(body.utf8),
                requestID: try Random.bytes(16)
            )
            return Router.route(request, isSealed: false)
        }

        /// With a cache of its own, so that what it reads is read.
        func environment() throws -> VaultEnvironment {
            VaultEnvironment(
                keyring: unsealed.keyring,
                cache: VaultCache(),
                now: Self.now,
                seed: try Random.bytes(Entropy.seedBytes),
                attempt: 0,
                facts: Self.facts
            )
        }

        /// Writes as root, until it stands in the table.
        func write(_ path: String, _ body: String) async throws {
            guard case .vault(let request) = try route("PUT", path, body) else {
                throw Problem(text: "\(path) is not the vault's")
            }
            let environment = try environment()
            let step = vault.one.store.view { view in
                VaultCore.step(request, in: environment, view: view)
            }
            guard case .commit(let batch, _) = step else { throw Problem(text: "\(step)") }
            #expect(try await vault.one.commit(batch) == .applied)
            try await eventually("it is in the table") {
                vault.one.store.view { $0.appliedIndex == $0.evaluatedIndex }
            }
        }

        /// What is known of the buckets that the rule for a request is read from.
        func verdict(on route: Route) throws -> BucketTrust.Verdict {
            let subject = try #require(route.limited)
            let limits = try vault.one.store.view { view throws(VaultError) in
                try RateLimits.load(nil, unsealed.keyring, view: view)
            }
            let environment = try environment()
            return try vault.one.store.view { view throws(VaultError) in
                _ = try limits.rule(for: subject, in: environment, view: view)
                return vault.one.replica.verdict(
                    on: view.doubts(),
                    in: view,
                    .init(isJudgedAgain: true, mayWalk: false)
                )
            }
        }
    }

    private struct Problem: Error { let text: String }

    @Test("a rule counts at once, and a worker looks whether what it was read from is whole")
    func secondLook() async throws {
        let bench = try await Bench()
        let (one, trust) = (bench.vault.one, bench.vault.one.replica.trust)
        defer { one.stop() }
        try await bench.write("sys/quotas/rate-limit/all", #"{"rate":1,"interval":"1h"}"#)
        // There are others that have copies, so records that are found are doubted.
        one.replica.membersChanged([NodeID(number: 2)])
        // The scrubber looks at all of it, and not again within a minute.
        try await eventually("a first pass") { one.replica.status.scrub.passes > 0 }
        trust.forget(.now)
        let route = try bench.route("GET", "nothing/there")
        #expect(try bench.verdict(on: route) == .unseen)
        guard case .goesOn = bench.gate.check(route, client: "192.0.2.1:1") else {
            throw Problem(text: "the first request is refused")
        }
        guard case .refused = bench.gate.check(route, client: "192.0.2.1:2") else {
            throw Problem(text: "the second request is not refused")
        }
        try await eventually("a worker has looked", seconds: 20) {
            try bench.verdict(on: route) == .whole
        }
        let all = BucketSet(Array(0..<StateBucket.countOfBuckets))
        #expect(trust.unseen(of: all, .now).count > 200, "at no more than it rests on")
        await bench.workers.stop()
    }
}
