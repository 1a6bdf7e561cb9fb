import API
import Barrier
import Cryptography
import Engines
import NIOPosix
import Policy
import Replica
import Store
import TestSupport
import Testing
import Vault
import Wire

@testable import Node

/// What a node answers itself, asked for with a token of limited uses.
@Suite("operators with limited tokens")
struct OperatorCheckTests {
    private struct Bench {
        let vault: VaultBench
        let check: OperatorCheck
        private let decisions = Collector<OperatorCheck.Decision>()

        init() async throws {
            vault = try await VaultBench()
            try await vault.unseal()
            check = OperatorCheck(
                store: vault.one.store,
                replica: vault.one.replica,
                seal: vault.keeper,
                onWorker: { $0(true) },
                facts: { Self.facts },
                clock: { Self.now }
            )
        }

        private static let facts = NodeFacts(version: "", appliedIndex: 0, members: [])
        private static let now = Timestamp(nanoseconds: 1_000_000_000)

        /// A token of the root's, good for so many requests.
        func token(uses: Int) async throws -> String {
            let unsealed = try #require(vault.keeper.unsealed)
            let request = VaultRequest(
                operation: .update,
                path: "auth/token/create",
                token: Array(vault.rootToken.utf8),
                fields: ["num_uses": .number(JSONNumber(uses)), "ttl": "1h"],
                requestID: try Random.bytes(16)
            )
            let environment = VaultEnvironment(
                keyring: unsealed.keyring,
                cache: unsealed.cache,
                now: Self.now,
                seed: try Random.bytes(Entropy.seedBytes),
                attempt: 0,
                facts: Self.facts
            )
            let step = vault.one.store.view { view in
                VaultCore.step(request, in: environment, view: view)
            }
            guard case .commit(let batch, let answer) = step else {
                throw TestFailure("no token: \(step)")
            }
            #expect(try await vault.one.commit(batch) == .applied)
            return try #require(answer.auth?.clientToken)
        }

        func ask(_ token: String) {
            check.decide(
                of: OperatorCaller(token: Array(token.utf8), address: nil, audit: nil),
                for: AccessRequest(.read, "sys/host-info"),
                on: MultiThreadedEventLoopGroup.singleton.next(),
                deadline: .now + .seconds(300)
            ) { [decisions] in decisions.add($0) }
        }

        /// Once there are so many: how many requests may be carried out.
        func allowed(of count: Int) async throws -> Int {
            try await eventually("\(count) decisions") { decisions.count >= count }
            return decisions.all.count { if case .allowed = $0 { true } else { false } }
        }
    }

    @Test("of many requests at once as many are allowed as the token has uses")
    func counts() async throws {
        let bench = try await Bench()
        let token = try await bench.token(uses: 3)
        for _ in 0..<6 { bench.ask(token) }
        #expect(try await bench.allowed(of: 6) == 3)
        bench.ask(token)
        #expect(try await bench.allowed(of: 7) == 3)
        bench.ask(bench.vault.rootToken)
        #expect(try await bench.allowed(of: 8) == 4)
    }

    @Test("what cannot count a use tells nothing for it")
    func tellsNothing() async throws {
        let bench = try await Bench()
        let token = try await bench.token(uses: 1)
        let caller = OperatorCaller(token: Array(token.utf8), address: nil, audit: nil)
        let request = AccessRequest(.read, "sys/host-info")
        #expect(!bench.check.allowsNow(caller, for: request))
        bench.ask(token)
        #expect(try await bench.allowed(of: 1) == 1)
    }
}
