import API
import Barrier
import Cryptography
import Dispatch
import Engines
import NIOCore
import NIOPosix
import Raft
import Shamir
import Store
import Synchronization
import TestSupport
import Testing
import Vault
import Wire

@testable import Node
@testable import Replica

/// A follower with a vault whose leader, node 2, is played by hand: it answers questions about the
/// commit index, or falls silent.
@Suite("stale reads")
struct StaleReadTests {
    private final class Bench: Sendable {
        let one: TestReplica
        let keeper: SealKeeper
        let flow: RequestFlow
        let token: [UInt8]
        /// What was passed to the leader.
        let asked = Collector<ForwardedRequest>()
        let forwarder: Forwarder
        let questions = Atomic(0)
        private let isLeading = Atomic(true)
        private let isOver = Atomic(false)

        /// - Parameter isOpen: whether the node is unsealed.
        init(isOpen: Bool = true) async throws {
            let one = try TestReplica(voters: 3)
            self.one = one
            keeper = SealKeeper(
                store: one.store,
                replica: one.replica,
                epoch: 0,
                logger: quietLogger
            )
            let vault = try VaultCreation.make(
                layout: try ShareLayout(threshold: 2, of: 3),
                facts: VaultCreation.Facts(
                    baseIndex: 0,
                    requestID: try Random.bytes(16),
                    time: 1,
                    epoch: 0
                ),
                entropy: Entropy(seed: try Random.bytes(Entropy.seedBytes)),
                populate: { (builder, token) throws(BarrierError) in
                    try VaultBirth.populate(&builder, token)
                }
            )
            token = vault.rootToken.exposedCopy()
            forwarder = Forwarder(firstNumber: 1) { [asked] request, _ in
                asked.add(request)
                return true
            }
            flow = makeFlow(one, keeper, forwarder)
            lead(vault.batch.encoded())
            try await eventually("the vault is there") {
                one.replica.status.evaluated == LogIndex(number: 1)
            }
            guard isOpen else { return }
            for share in vault.shares.map({ $0.words }).prefix(2) {
                let keeper = keeper
                await withCheckedContinuation { done in
                    DispatchQueue.global().async {
                        _ = keeper.give(share)
                        done.resume()
                    }
                }
            }
            #expect(keeper.unsealed != nil)
        }

        /// Node 2 sends its log and heartbeats, and answers questions, until it is silenced.
        private func lead(_ body: [UInt8]) {
            let one = one
            let entry = LogEntry(
                index: LogIndex(number: 1),
                term: Term(number: 1),
                kind: .batch,
                body: body
            )
            one.listen { [self] said in
                guard case .readIndexRequest(let batch) = said,
                    isLeading.load(ordering: .relaxed)
                else { return }
                questions.add(1, ordering: .relaxed)
                let answer = ReadIndexResponse(batch: batch, index: LogIndex(number: 1))
                one.hear(.readIndexResponse(answer))
            }
            Task { [self] in
                while !isOver.load(ordering: .relaxed) {
                    if isLeading.load(ordering: .relaxed) {
                        one.hear(
                            .append(
                                Append(
                                    previousIndex: .zero,
                                    previousTerm: .zero,
                                    commit: LogIndex(number: 1),
                                    entries: [entry]
                                )
                            )
                        )
                        one.hear(.heartbeat(Heartbeat(commit: .zero, round: 0)))
                    }
                    try? await Task.sleep(for: .milliseconds(30))
                }
            }
        }

        /// The leader is gone, and this node knows it.
        func silence() async throws {
            isLeading.store(false, ordering: .relaxed)
            try await eventually("nobody leads") { one.replica.status.leader == nil }
        }

        /// Up to when the state is current, after a read that asked. A reader may hear its answer
        /// before the turn that gave it ends, and only then is the status written.
        func currentAsOf() async throws -> Moment {
            try await eventually("an answer counts") { one.replica.status.currentAsOf != nil }
            return try #require(one.replica.status.currentAsOf)
        }

        /// The leader answers what it was asked at `place`.
        func reply(to place: Int, aged milliseconds: Int) {
            let response = APIResponse(
                status: 200,
                headers: [
                    ("X-Holdfast-Index", "9"), ("X-Holdfast-Staleness", "\(milliseconds)"),
                ],
                body: []
            )
            forwarder.replied(
                ForwardedReply(number: asked.all[place].number, outcome: .answer(response)),
                from: NodeID(number: 2)
            )
        }

        func stop() {
            isOver.store(true, ordering: .relaxed)
            one.listen(nil)
            one.stop()
        }

        /// Reads the mounts as root.
        func read(_ consistency: ReadConsistency, patience: Duration = .milliseconds(300))
            async throws -> APIResponse
        {
            let answers = Collector<APIResponse>()
            flow.handle(
                readContext(token, consistency, patience: patience) { answers.add($0) }
            )
            try await eventually("the read is answered") { answers.count == 1 }
            return answers.all[0]
        }
    }

    private func stale(_ nanoseconds: Int64) -> ReadConsistency {
        ReadConsistency(staleNanosecondsMax: nanoseconds, isReported: true)
    }

    private func header(_ response: APIResponse, _ name: String) -> Int64? {
        response.headers.first { $0.name == name }.flatMap { Int64($0.value) }
    }

    private let hour: Int64 = 3_600_000_000_000

    @Test("a stale read asks once, then lives on that answer, and tells its age")
    func bound() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        #expect(bench.one.replica.status.currentAsOf == nil, "a heartbeat proves nothing")
        let first = try await bench.read(stale(hour))
        #expect(first.status == 200)
        #expect(header(first, "X-Holdfast-Index") == 1)
        let asked = bench.questions.load(ordering: .relaxed)
        #expect(asked >= 1)
        let began = try await bench.currentAsOf()
        try await bench.silence()
        let before = Moment.now.nanoseconds(since: began) / 1_000_000
        let second = try await bench.read(stale(hour))
        #expect(second.status == 200)
        #expect(second.body.count > 100)
        let age = try #require(header(second, "X-Holdfast-Staleness"))
        let afterwards = Moment.now.nanoseconds(since: began) / 1_000_000
        // An upper bound on the age at the answer.
        #expect(age >= before && age <= afterwards + 1)
        #expect(bench.questions.load(ordering: .relaxed) == asked)
    }

    @Test("a bound that does not hold is never served: 503 with what is known")
    func tooOld() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        _ = try await bench.read(.linearizable)
        try await bench.silence()
        let refused = try await bench.read(stale(100_000_000))
        #expect(refused.status == 503)
        let text = String(decoding: refused.body, as: UTF8.self)
        #expect(text.contains("no leader answers, and this node's state is up to"))
        #expect(text.contains("you allow 100ms"))
        // A linearizable read says what it always said.
        let strict = try await bench.read(.linearizable)
        #expect(strict.status == 503)
        #expect(strict.headers.isEmpty)
        let other = String(decoding: strict.body, as: UTF8.self)
        #expect(other.contains("no active Vault instance found"))
        // The same state, for whoever allows its age.
        #expect(try await bench.read(stale(hour)).status == 200)
    }

    @Test("of a node that no leader ever answered, the age is not known")
    func unknownAge() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        try await bench.silence()
        let refused = try await bench.read(stale(hour))
        #expect(refused.status == 503)
        let text = String(decoding: refused.body, as: UTF8.self)
        #expect(text.contains("may be of any age; you allow 1h0m0s"))
    }

    @Test("linearizable reads keep the state fresh; unasked, nothing is reported")
    func linearizableRefreshes() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        let plain = try await bench.read(.linearizable)
        #expect(plain.status == 200 && plain.headers.isEmpty)
        let asOf = try await bench.currentAsOf()
        #expect(Moment.now - asOf < .seconds(60))
        let named = try await bench.read(ReadConsistency(isReported: true))
        #expect(header(named, "X-Holdfast-Index") == 1)
        #expect(header(named, "X-Holdfast-Staleness") != nil)
    }

    @Test("ahead of need: a stale read past half its bound asks in the background")
    func refreshAhead() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        _ = try await bench.read(.linearizable)
        let before = bench.questions.load(ordering: .relaxed)
        let asOf = try await bench.currentAsOf()
        // Young against its bound: nothing is asked.
        _ = try await bench.read(stale(hour))
        #expect(bench.questions.load(ordering: .relaxed) == before)
        try await Task.sleep(for: .milliseconds(50))
        // Past half of it: answered as it is, and asked behind its back.
        let age = Moment.now - asOf
        let keeper = RefreshAhead(replica: bench.one.replica)
        keeper.staleReadCame(currentAsOf: asOf, bound: age)
        keeper.staleReadCame(currentAsOf: asOf, bound: age)
        try await eventually("a newer answer") {
            bench.one.replica.status.currentAsOf.map { $0 > asOf } == true
        }
        #expect(bench.questions.load(ordering: .relaxed) == before + 1, "at its own slow pace")
    }

    @Test("a sealed node refuses, however little a read asks for")
    func sealed() async throws {
        let bench = try await Bench(isOpen: false)
        defer { bench.stop() }
        let answer = try await bench.read(stale(hour))
        #expect(answer.status == 503)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("Vault is sealed"))
    }

    /// A node without room takes no entries, so it lets the leader answer reads.
    @Test("what a full node passes on from the leader says how old it is by then")
    func fullNode() async throws {
        let bench = try await Bench()
        defer { bench.stop() }
        bench.one.replica.core.post(.space(.exhausted))
        try await eventually("it is full") { bench.one.replica.status.space == .exhausted }

        async let answer = bench.read(stale(hour), patience: .seconds(60))
        let began = Moment.now
        try await eventually("the leader is asked") { bench.asked.count == 1 }
        guard case .request(let request) = bench.asked.all[0].content else {
            return #expect(Bool(false), "another kind of content")
        }
        #expect(request.headers.consistency == "linearizable")
        #expect(request.headers.maxStaleness == nil)
        try await Task.sleep(for: .milliseconds(40))
        bench.reply(to: 0, aged: 3)
        let told = try await answer
        #expect(told.status == 200)
        #expect(header(told, "X-Holdfast-Index") == 9)
        let age = try #require(header(told, "X-Holdfast-Staleness"))
        let elapsed = (Moment.now - began) / Duration.milliseconds(1)
        #expect(age >= 40 && Double(age) <= elapsed + 1)

        // What comes later than its bound is asked for again, and not handed out.
        async let strict = bench.read(stale(1_000), patience: .seconds(60))
        try await eventually("the leader is asked") { bench.asked.count == 2 }
        try await Task.sleep(for: .milliseconds(1))
        bench.reply(to: 1, aged: 0)
        try await eventually("it is asked again") { bench.asked.count == 3 }
        bench.forwarder.replied(
            ForwardedReply(
                number: bench.asked.all[2].number,
                outcome: .answer(ServiceFailure.overloaded.response)
            ),
            from: NodeID(number: 2)
        )
        #expect(try await strict.status == 503, "a refusal has no age")
    }

    // MARK: Leases

    /// The event loop is held up for longer than the lease: what vouched for the read is gone when
    /// the value has been read, so a majority is asked after all.
    @Test("a lease that ends while the read is on its way does not count")
    func leaseEndsMeanwhile() async throws {
        var settings = RaftSettings()
        settings.readLease = ReadLeaseSettings()
        let one = try TestReplica(voters: 1, settings: settings)
        defer { one.stop() }
        try await one.lead()
        let keeper = SealKeeper(
            store: one.store,
            replica: one.replica,
            epoch: 0,
            logger: quietLogger
        )
        try await open(one, keeper)
        let flow = makeFlow(one, keeper)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        for isHeldUp in [false, true] {
            try await eventually("a lease") { leasedReads(one) }
            let before = one.replica.status.reads
            let answers = Collector<APIResponse>()
            if isHeldUp {
                loop.execute {
                    _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(900))
                }
            }
            let context = readContext([1], .linearizable, loop: loop) { answers.add($0) }
            flow.handle(context)
            try await eventually("the read is answered") { answers.count == 1 }
            #expect(answers.all[0].status == 403, "an answer, if only to a bad token")
            try await eventually("the counters are told") {
                let reads = one.replica.status.reads
                return reads.leased > before.leased
                    && (!isHeldUp || reads.confirmed > before.confirmed)
            }
            if !isHeldUp {
                #expect(one.replica.status.reads.confirmed == before.confirmed)
            }
        }
        try await group.shutdownGracefully()
    }

    /// Asks for a read that a lease may answer, and looks whether one did.
    private func leasedReads(_ one: TestReplica) -> Bool {
        let before = one.replica.status.reads.leased
        one.replica.waitForRead(deadline: .now + .seconds(9), mustConfirm: false) { _ in }
        return before > 0
    }

    private func open(_ one: TestReplica, _ keeper: SealKeeper) async throws {
        let vault = try VaultBench.creation(one)
        #expect(try await one.commit(vault.batch) == .applied)
        for share in vault.shares.prefix(2) {
            await withCheckedContinuation { done in
                DispatchQueue.global().async {
                    _ = keeper.give(share)
                    done.resume()
                }
            }
        }
        #expect(keeper.unsealed != nil)
    }
}

private func makeFlow(
    _ one: TestReplica,
    _ keeper: SealKeeper,
    _ forwarder: Forwarder = Forwarder(firstNumber: 1) { _, _ in false }
) -> RequestFlow {
    let clock: @Sendable () -> Timestamp = { Timestamp(nanoseconds: 1) }
    return RequestFlow(
        store: one.store,
        replica: one.replica,
        seal: keeper,
        opener: VaultOpener(
            store: one.store,
            replica: one.replica,
            clock: clock,
            logger: quietLogger
        ),
        forwarder: forwarder,
        workers: Workers(threads: 1, waitingMax: 8),
        waiting: WaitingRequests(EffectPool([])),
        facts: { NodeFacts(version: "", appliedIndex: 0, members: []) },
        clock: clock,
        logger: quietLogger
    )
}

private func readContext(
    _ token: [UInt8],
    _ consistency: ReadConsistency,
    patience: Duration = .seconds(60),
    loop: any EventLoop = MultiThreadedEventLoopGroup.singleton.next(),
    answer: @escaping @Sendable (APIResponse) -> Void
) -> RequestContext {
    let id = [UInt8](1...16)
    let now = Moment.now
    return RequestContext(
        origin: .client,
        request: APIRequest(
            method: "GET",
            target: Array("/v1/sys/mounts".utf8),
            headers: APIHeaders(),
            body: [],
            requestID: id
        ),
        vault: VaultRequest(
            operation: .read,
            path: "sys/mounts",
            token: token,
            fields: JSONObject(),
            requestID: id,
            consistency: consistency
        ),
        seed: [UInt8](repeating: 3, count: 32),
        since: .zero,
        deadline: now + .seconds(60),
        leaderDeadline: now + patience,
        attemptBase: 0,
        loop: loop
    ) { outcome in
        guard case .answer(let response) = outcome else {
            preconditionFailure("a client gets an answer")
        }
        answer(response)
    }
}
