import API
import Barrier
import Cryptography
import NIOPosix
import Raft
import Replica
import TestSupport
import Testing
import Vault
import Wire

@testable import Node

/// Admissions by a running leader, several at the very same moment.
@Suite("admissions at once")
struct JoinFlowTests {
    private struct Bench {
        let vault: VaultBench
        let flow: MembershipFlow
        let keyring: Keyring
        private let answers = Collector<APIResponse>()

        init() async throws {
            vault = try await VaultBench()
            try await vault.unseal()
            keyring = try #require(vault.keeper.unsealed?.keyring)
            flow = MembershipFlow(
                MembershipFlow.ClusterIdentity(
                    clusterID: [UInt8](repeating: 7, count: 32),
                    epoch: 0,
                    selfID: NodeID(number: 1)
                ),
                AutopilotRules(Settings.Autopilot()),
                replica: vault.one.replica,
                seal: vault.keeper,
                forwarder: Forwarder(firstNumber: 1) { _, _ in false },
                operators: OperatorCheck(
                    store: vault.one.store,
                    replica: vault.one.replica,
                    seal: vault.keeper,
                    onWorker: { $0(true) },
                    facts: { NodeFacts(version: "", appliedIndex: 0, members: []) },
                    clock: { Timestamp(nanoseconds: 1) }
                ),
                logger: quietLogger
            )
        }

        /// A call whose answer is gathered.
        private func context(_ call: ClusterCall) -> MembershipFlow.Context {
            MembershipFlow.Context(
                call: call,
                token: [],
                request: APIRequest(
                    method: "PUT",
                    target: [],
                    headers: APIHeaders(),
                    body: [],
                    requestID: [UInt8](repeating: 0, count: 16)
                ),
                origin: .client,
                deadline: .now + .seconds(300),
                loop: MultiThreadedEventLoopGroup.singleton.next()
            ) { [answers] outcome in
                guard case .answer(let response) = outcome else {
                    preconditionFailure("the leader answers its own clients")
                }
                answers.add(response)
            }
        }

        /// Puts a join token into the configuration that is in effect.
        func offer(_ secret: JoinSecret) async throws {
            let token = JoinToken(
                id: secret.tokenID,
                secretDigest: secret.digest,
                deadline: 1_000,
                pin: nil
            )
            let context = context(.joinToken(seconds: 1_000))
            let count = answers.count + 1
            flow.change(.offer(token), flow.order(context), keyring) {
                context.answer(ClusterReply.done)
            }
            #expect(try await answered(count).last?.status == 204)
        }

        /// The node with this number asks under an incarnation that this attempt has drawn.
        func ask(_ number: UInt64, _ secret: JoinSecret, incarnation: UInt64) {
            let details = memberDetails(number)
            let input = JoinInput(
                token: secret.text,
                name: details.name,
                region: details.region,
                zone: details.zone,
                peerAddress: details.peerAddress,
                apiAddress: details.apiAddress,
                pin: details.pin,
                incarnation: incarnation,
                isNonVoter: true,
                formatLevel: 1
            )
            flow.admit(input, context(.join(input)), keyring)
        }

        /// The answers, once there are so many.
        func answered(_ count: Int) async throws -> [APIResponse] {
            try await eventually("\(count) answers") { answers.count >= count }
            return answers.all
        }
    }

    /// Found by reading: whoever came second heard that its name was taken, or that the change did
    /// not follow on the configuration.
    @Test("one node that asks many times at once is admitted once, and always told so")
    func oneNode() async throws {
        let bench = try await Bench()
        defer { bench.vault.one.stop() }
        let secret = try JoinSecret.make()
        try await bench.offer(secret)
        for attempt in 1...16 as ClosedRange<UInt64> {
            bench.ask(2, secret, incarnation: attempt)
        }
        let answers = try await bench.answered(17).dropFirst()
        #expect(answers.map(\.status) == [Int](repeating: 200, count: 16))
        let bodies = Set(answers.map(\.body))
        #expect(bodies.count == 1, "all are told the same")
        let configuration = bench.vault.one.replica.configuration
        #expect(configuration.members.map(\.name) == ["n1", "n2"])
        #expect(configuration.joinTokens.map(\.pin) == [memberDetails(2).pin])
    }

    @Test("a token that two nodes show at once admits one of them")
    func twoNodesOneToken() async throws {
        let bench = try await Bench()
        defer { bench.vault.one.stop() }
        let secret = try JoinSecret.make()
        try await bench.offer(secret)
        bench.ask(2, secret, incarnation: 2)
        bench.ask(3, secret, incarnation: 3)
        let answers = try await bench.answered(3).dropFirst()
        #expect(answers.map { $0.status == 200 }.sorted { $0 && !$1 } == [true, false])
        #expect(bench.vault.one.replica.configuration.members.count == 2)
    }

    /// Before, it went by way of a client's call that was none of the kind.
    @Test("the autopilot's steps go the same way, and each ends once, done or not")
    func steps() async throws {
        let bench = try await Bench()
        defer { bench.vault.one.stop() }
        let secret = try JoinSecret.make()
        try await bench.offer(secret)
        bench.ask(2, secret, incarnation: 2)
        #expect(try await bench.answered(2).last?.status == 200)
        let ended = Collector<Int>()
        func carryOut(_ step: AutopilotPlan.Step) async throws {
            let count = ended.count
            bench.flow.carryOut(step, loop: MultiThreadedEventLoopGroup.singleton.next()) {
                ended.add(1)
            }
            try await eventually("the step ends") { ended.count > count }
        }
        let (two, replica) = (NodeID(number: 2), bench.vault.one.replica)
        // Nobody has heard of the member, so it cannot vote.
        try await carryOut(.promote(two, name: "n2"))
        #expect(replica.configuration.member(two)?.role == .learner)
        // It has not said that it knows the level either.
        try await carryOut(.raiseFormat(2))
        #expect(replica.configuration.formatLevel == 1)
        try await carryOut(.readmit(two, incarnation: 9, name: "n2"))
        #expect(replica.configuration.member(two)?.incarnation == 9)
        try await carryOut(.remove(two, name: "n2"))
        #expect(replica.configuration.members.map(\.name) == ["n1"])
        bench.vault.keeper.seal()
        try await carryOut(.raiseFormat(2))
        #expect(ended.count == 5, "a sealed leader changes nothing")
    }

    @Test("nodes with tokens of their own wait for one another")
    func manyNodes() async throws {
        let bench = try await Bench()
        defer { bench.vault.one.stop() }
        let numbers = 2...9 as ClosedRange<UInt64>
        var secrets: [JoinSecret] = []
        for _ in numbers {
            secrets.append(try JoinSecret.make())
            let token = secrets[secrets.count - 1]
            try await bench.offer(token)
        }
        for (number, secret) in zip(numbers, secrets) {
            bench.ask(number, secret, incarnation: number)
        }
        let answers = try await bench.answered(2 * secrets.count).suffix(secrets.count)
        #expect(answers.allSatisfy { $0.status == 200 })
        #expect(bench.vault.one.replica.configuration.members.count == 9)
    }
}
