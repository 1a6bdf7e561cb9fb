import API
import Engines
import NIOPosix
import Raft
import Replica
import Synchronization
import TestSupport
import Testing
import Vault
import Wire

@testable import Node

/// A follower that forwards a client's write, with the leader played by hand. What the client may
/// believe is what counts: 503 says "not applied".
@Suite("forwarded writes")
struct RequestFlowTests {
    /// What becomes of one frame to the leader.
    enum Turn: Sendable {
        case notTaken
        case lost
        case notLeader
        case overloaded
        case answer(Int)
        /// In the leader's log at index 1 in this term.
        case appended(term: UInt64)
    }

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// The last one goes on for ever.
        let turns: [Turn]
        /// The term of the entry that is committed at index 1; nil: nothing ever is.
        var committed: UInt64?
        /// Which of the first tries say that they are repeated; nil: no matter.
        var repeated: [Bool]?
        let status: Int
    }

    static let rows = [
        Row(testDescription: "the leader's answer", turns: [.answer(200)], status: 200),
        Row(testDescription: "the leader's refusal", turns: [.answer(403)], status: 403),
        Row(testDescription: "the leader's failure", turns: [.answer(503)], status: 503),
        Row(testDescription: "never sent", turns: [.notTaken], status: 503),
        Row(testDescription: "no leader to be found", turns: [.notLeader], status: 503),
        Row(testDescription: "full queues", turns: [.overloaded], status: 503),
        Row(
            testDescription: "found at the second try",
            turns: [.notLeader, .notTaken, .answer(200)],
            status: 200
        ),
        Row(
            testDescription: "applied",
            turns: [.appended(term: 1)],
            committed: 1,
            status: 204
        ),
        Row(
            testDescription: "another leader's entry instead",
            turns: [.appended(term: 9), .answer(201)],
            committed: 1,
            repeated: [false, false],
            status: 201
        ),
        Row(testDescription: "never committed", turns: [.appended(term: 1)], status: 409),
        // Found by reading: all of these claimed that nothing was applied.
        Row(testDescription: "lost, then never sent", turns: [.lost, .notTaken], status: 409),
        Row(testDescription: "lost, then no leader", turns: [.lost, .notLeader], status: 409),
        Row(testDescription: "lost, then full", turns: [.lost, .overloaded], status: 409),
        Row(testDescription: "lost, then a failure", turns: [.lost, .answer(503)], status: 409),
        Row(testDescription: "lost, then no room", turns: [.lost, .answer(507)], status: 409),
        Row(testDescription: "lost for ever", turns: [.lost], status: 409),
        Row(
            testDescription: "lost, then not sent, then no leader",
            turns: [.lost, .notTaken, .notLeader],
            status: 409
        ),
        Row(
            testDescription: "lost, then answered",
            turns: [.lost, .answer(200)],
            repeated: [false, true],
            status: 200
        ),
        Row(
            testDescription: "lost, then not in the log, then answered",
            turns: [.lost, .notLeader, .answer(200)],
            repeated: [false, true, true],
            status: 200
        ),
        // What was promised came to nothing: the same reply again would do so for ever.
        Row(
            testDescription: "lost, then another leader's entry instead",
            turns: [.lost, .appended(term: 9), .answer(201)],
            committed: 1,
            repeated: [false, true, false],
            status: 201
        ),
        Row(testDescription: "lost, then refused", turns: [.lost, .answer(404)], status: 404),
        Row(
            testDescription: "lost, then applied",
            turns: [.lost, .appended(term: 1)],
            committed: 1,
            status: 204
        ),
    ]

    private func response(to row: Row) async throws -> APIResponse {
        let one = try TestReplica(voters: 3)
        defer { one.stop() }
        let follower = Follower(one, committed: row.committed)
        defer { follower.stop() }
        try await eventually("node 2 is known to lead") {
            one.replica.status.leader == NodeID(number: 2)
        }
        let turns = Mutex(row.turns[...])
        let inner = Mutex<Forwarder?>(nil)
        let ids = Collector<[UInt8]>()
        let origins = Collector<LogIndex>()
        let repeated = Collector<Bool>()
        let forwarder = Forwarder(firstNumber: 1) { request, leader in
            ids.add(request.requestID)
            origins.add(request.since)
            repeated.add(request.isRepeated)
            let turn = turns.withLock { turns in
                turns.count > 1 ? turns.removeFirst() : turns[turns.startIndex]
            }
            guard let forwarder = inner.withLock({ $0 }) else { return false }
            func reply(_ outcome: ForwardedReply.Outcome) -> Bool {
                forwarder.replied(
                    ForwardedReply(number: request.number, outcome: outcome),
                    from: leader
                )
                return true
            }
            switch turn {
            case .notTaken: return false
            case .lost:
                forwarder.connectionLost(leader)
                return true
            case .notLeader: return reply(.notLeader(hint: nil))
            case .overloaded: return reply(.overloaded)
            case .answer(let status): return reply(.answer(APIResponse(status: status)))
            case .appended(let term):
                return reply(
                    .appended(
                        Term(number: term),
                        LogIndex(number: 1),
                        APIResponse(status: 204)
                    )
                )
            }
        }
        inner.withLock { $0 = forwarder }
        defer { inner.withLock { $0 = nil } }
        let answers = Collector<APIResponse>()
        flow(one, forwarder).handle(context(row, answers))
        try await eventually("the client is answered") { answers.count == 1 }
        #expect(ids.all.allSatisfy { $0 == Array(1...16) }, "each try has the same id")
        #expect(origins.all.allSatisfy { $0 == LogIndex(number: 7) }, "and the same beginning")
        if let wanted = row.repeated { #expect(repeated.all == wanted) }
        return answers.all[0]
    }

    @Test("the client is told what is certain", arguments: rows)
    func outcome(_ row: Row) async throws {
        #expect(try await response(to: row).status == row.status)
    }

    /// Node 2 as a leader that is there, and commits one entry if it is asked to.
    private final class Follower: Sendable {
        private let isRunning = Atomic(true)

        init(_ one: TestReplica, committed: UInt64?) {
            let isOver: @Sendable () -> Bool = { [weak self] in
                self?.isRunning.load(ordering: .relaxed) != true
            }
            Task {
                let commit = committed == nil ? LogIndex.zero : LogIndex(number: 1)
                while !isOver() {
                    if let committed {
                        let entry = LogEntry(
                            index: LogIndex(number: 1),
                            term: Term(number: committed),
                            kind: .noop,
                            body: []
                        )
                        one.hear(
                            .append(
                                Append(
                                    previousIndex: .zero,
                                    previousTerm: .zero,
                                    commit: commit,
                                    entries: [entry]
                                )
                            )
                        )
                    }
                    one.hear(.heartbeat(Heartbeat(commit: .zero, round: 0)))
                    try? await Task.sleep(for: .milliseconds(30))
                }
            }
        }

        func stop() { isRunning.store(false, ordering: .relaxed) }
    }

    private func flow(_ one: TestReplica, _ forwarder: Forwarder) -> RequestFlow {
        let clock: @Sendable () -> Timestamp = { Timestamp(nanoseconds: 1) }
        return RequestFlow(
            store: one.store,
            replica: one.replica,
            seal: SealKeeper(store: one.store, replica: one.replica, epoch: 0, logger: quietLogger),
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

    private func context(_ row: Row, _ answers: Collector<APIResponse>) -> RequestContext {
        // Short where nothing else ends it.
        let endsItself = [200, 201, 204, 403, 404].contains(row.status)
        let now = Moment.now
        let id = [UInt8](1...16)
        return RequestContext(
            origin: .client,
            request: APIRequest(
                method: "PUT",
                target: Array("/v1/secret/data/a".utf8),
                headers: APIHeaders(),
                body: [],
                requestID: id
            ),
            vault: VaultRequest(
                operation: .update,
                path: "secret/data/a",
                token: [],
                fields: JSONObject(),
                requestID: id
            ),
            seed: [UInt8](repeating: 3, count: 32),
            since: LogIndex(number: 7),
            deadline: now + (endsItself ? .seconds(300) : .seconds(2)),
            leaderDeadline: now + (endsItself ? .seconds(300) : .milliseconds(500)),
            attemptBase: 0,
            loop: MultiThreadedEventLoopGroup.singleton.next()
        ) { outcome in
            guard case .answer(let response) = outcome else {
                preconditionFailure("a client gets an answer")
            }
            answers.add(response)
        }
    }
}
