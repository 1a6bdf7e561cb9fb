import API
import Barrier
import Cryptography
import Engines
import NIOCore
import Policy
import Raft
import Replica
import Store
import Vault
import Wire

/// Who wants something that no mount serves.
struct OperatorCaller: Sendable {
    let token: [UInt8]
    /// Nil: not known. Then a token that is bound to addresses may do nothing.
    let address: IPAddress?
    /// Where the request is recorded; nil: nowhere.
    let audit: RequestAudit?
}

/// Whether a token may do what no mount serves: seal a node, change the members. The one place.
///
/// Who may rests on records of this node's disk, so what is said of them is looked at as for any
/// other request: what is damaged is waited for, and what nobody looked at lately is looked at on a
/// worker.
///
/// A request with a token of limited uses is counted before it is carried out, or refused by its
/// policies. That takes the leader: any other node refuses it, and says so.
struct OperatorCheck: Sendable {
    /// What it came to.
    enum Decision: Sendable {
        /// It may; with the keys that said so.
        case allowed(Unsealed)
        /// It may not, or nobody can tell: what it is told.
        case refused(APIResponse)
        /// This node is sealed.
        case sealed
    }

    /// What one look came to.
    private enum Look {
        /// Why not, nil when it may; and what has to be applied before that is told.
        case told(APIResponse?, counting: WriteBatch?)
        /// It has to be looked where a walk may be made.
        case unseen
        case damaged(Int)
    }

    /// Who asks, what for, and for how long.
    private struct Question: Sendable {
        let caller: OperatorCaller
        let request: AccessRequest
        let loop: any EventLoop
        let deadline: Moment
        let done: @Sendable (Decision) -> Void
    }

    let store: LocalStore
    let replica: LocalReplica
    let seal: SealKeeper
    /// Runs a body on a worker, or says at once that there is none for it.
    let onWorker: @Sendable (@escaping @Sendable (Bool) -> Void) -> Void
    let facts: @Sendable () -> NodeFacts
    let clock: @Sendable () -> Timestamp

    /// Decides. Ask after a linearizable read, on `loop`; called once, on it. Who it was and what
    /// decided is on the request's record from then on.
    func decide(
        of caller: OperatorCaller,
        for request: AccessRequest,
        on loop: any EventLoop,
        deadline: Moment,
        _ done: @escaping @Sendable (Decision) -> Void
    ) {
        let question = Question(
            caller: caller,
            request: request,
            loop: loop,
            deadline: deadline,
            done: done
        )
        decide(question, attempt: 0, mayWalk: false)
    }

    /// The same where it is, waiting for nothing: what is damaged allows nobody anything, nor does
    /// a token whose use would have to be counted. Not on an event loop.
    func allowsNow(_ caller: OperatorCaller, for request: AccessRequest) -> Bool {
        guard let unsealed = seal.unsealed else { return false }
        let look = look(caller, request, unsealed, mayWalk: true)
        guard case .told(nil, counting: nil) = look else { return false }
        return true
    }

    private func decide(_ question: Question, attempt: Int, mayWalk: Bool) {
        guard let unsealed = seal.unsealed else { return tell(.sealed, question) }
        switch look(question.caller, question.request, unsealed, mayWalk: mayWalk) {
        case .told(let refusal, let use):
            let decision = refusal.map { Decision.refused($0) } ?? .allowed(unsealed)
            guard let use else { return tell(decision, question) }
            count(use, unsealed, question, attempt: attempt) { tell(decision, question) }
        case .unseen:
            onWorker { isTaken in
                guard isTaken else {
                    return tell(.refused(ServiceFailure.overloaded.response), question)
                }
                decide(question, attempt: attempt, mayWalk: true)
            }
        case .damaged(let bucket):
            let failure = Decision.refused(ServiceFailure.underRepair.response)
            guard attempt < Limits.attemptsMax else { return tell(failure, question) }
            replica.mend(bucket, deadline: question.deadline) { isMended in
                question.loop.execute {
                    guard isMended else { return tell(failure, question) }
                    decide(question, attempt: attempt + 1, mayWalk: false)
                }
            }
        }
    }

    // MARK: Counting

    /// Has a use of the token applied, then goes on; where that fails it does not.
    private func count(
        _ use: WriteBatch,
        _ unsealed: Unsealed,
        _ question: Question,
        attempt: Int,
        _ body: @escaping @Sendable () -> Void
    ) {
        let fail = { @Sendable (failure: ServiceFailure) in
            tell(.refused(failure.response), question)
        }
        guard replica.status.role == .leader else { return tell(Self.notCounted, question) }
        guard store.space == .ample else { return fail(.storageFull) }
        let again = { @Sendable in
            guard attempt < Limits.attemptsMax else { return fail(.contended) }
            question.loop.execute { decide(question, attempt: attempt + 1, mayWalk: false) }
        }
        announced(use, unsealed, question) { [replica] batch in
            guard let batch else { return fail(.notRecorded) }
            replica.propose(
                BatchProposal(batch: batch, deadline: question.deadline) { outcome in
                    switch outcome {
                    case .appended: break
                    case .conflict(let after):
                        replica.waitForEvaluation(after, deadline: question.deadline) { outcome in
                            if case .ready = outcome { again() } else { fail(.timedOut) }
                        }
                    case .refused(.notLeader): tell(Self.notCounted, question)
                    case .refused(.overloaded): fail(.overloaded)
                    case .refused: fail(.internalFailure)
                    }
                } onCommitted: { outcome in
                    switch outcome {
                    case .applied, .duplicate: body()
                    case .rejected, .superseded: again()
                    case .unknown: fail(.outcomeUnknown)
                    }
                }
            )
        }
    }

    /// The batch once it is on the record that it will be proposed; nil where it cannot be.
    private func announced(
        _ batch: WriteBatch,
        _ unsealed: Unsealed,
        _ question: Question,
        _ done: @escaping @Sendable (WriteBatch?) -> Void
    ) {
        guard let audit = question.caller.audit else { return done(batch) }
        audit.announce { announcement in
            switch announcement {
            case .refused: done(nil)
            case .recorded(nil): done(batch)
            case .recorded(let leaf?): done(unsealed.keyring.announced(batch, by: leaf))
            }
        }
    }

    private static var notCounted: Decision {
        .refused(
            Reply.errors(
                400,
                [
                    "this token has a limited number of uses, and only the leader counts what a "
                        + "node answers itself: send the request to the leader, or use a token "
                        + "without a limit"
                ]
            )
        )
    }

    // MARK: Telling

    private func tell(_ decision: Decision, _ question: Question) {
        guard !question.loop.inEventLoop else { return question.done(decision) }
        question.loop.execute { question.done(decision) }
    }

    private func look(
        _ caller: OperatorCaller,
        _ request: AccessRequest,
        _ unsealed: Unsealed,
        mayWalk: Bool
    ) -> Look {
        let seed: [UInt8]
        do {
            seed = try Random.bytes(Entropy.seedBytes)
        } catch {
            return .told(ServiceFailure.internalFailure.response, counting: nil)
        }
        let environment = VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: clock(),
            seed: seed,
            attempt: 0,
            facts: facts()
        )
        let trace = caller.audit.map { _ in VaultTrace() }
        defer { if let trace { caller.audit?.learned(trace.facts) } }
        return store.view { view in
            var refusal: APIResponse?
            var use: WriteBatch?
            do throws(VaultError) {
                let verdict = try VaultCore.authorizeOperator(
                    (caller.token, caller.address),
                    for: request,
                    in: environment,
                    view: view,
                    trace: trace
                )
                refusal = verdict.refusal.map { Reply.response(to: $0) }
                use = verdict.counting
            } catch {
                refusal = Reply.response(to: error)
            }
            switch replica.verdict(on: view.doubts(), in: view, .init(mayWalk: mayWalk)) {
            case .whole: return .told(refusal, counting: use)
            case .unseen: return .unseen
            case .damaged(let bucket): return .damaged(bucket)
            }
        }
    }
}
