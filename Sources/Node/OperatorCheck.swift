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
        /// Why not; nil when it may.
        case told(APIResponse?)
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

    /// The same where it is, waiting for nothing: what is damaged allows nobody anything. Not on an
    /// event loop.
    func allowsNow(_ caller: OperatorCaller, for request: AccessRequest) -> Bool {
        guard let unsealed = seal.unsealed else { return false }
        guard case .told(nil) = look(caller, request, unsealed, mayWalk: true) else { return false }
        return true
    }

    private func decide(_ question: Question, attempt: Int, mayWalk: Bool) {
        guard let unsealed = seal.unsealed else { return tell(.sealed, question) }
        switch look(question.caller, question.request, unsealed, mayWalk: mayWalk) {
        case .told(let refusal): tell(refusal.map { .refused($0) } ?? .allowed(unsealed), question)
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
            return .told(ServiceFailure.internalFailure.response)
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
            do throws(VaultError) {
                try VaultCore.authorizeOperator(
                    (caller.token, caller.address),
                    for: request,
                    in: environment,
                    view: view,
                    trace: trace
                )
            } catch {
                refusal = Reply.response(to: error)
            }
            switch replica.verdict(on: view.doubts(), in: view, .init(mayWalk: mayWalk)) {
            case .whole: return .told(refusal)
            case .unseen: return .unseen
            case .damaged(let bucket): return .damaged(bucket)
            }
        }
    }
}
