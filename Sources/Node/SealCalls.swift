import API
import Barrier
import Logging
import NIOCore
import Raft
import Replica
import Store
import Vault
import Wire

/// Calls that tell whether there is a vault and how far it is sealed, and those that unseal it.
///
/// "Not initialised" is said on an absence that is sure, never because the seal record is lost
/// here. While it is, what this process has seen of it before is told; if that is nothing, the
/// call fails, and the record is got back meanwhile.
struct SealCalls: Sendable {
    let state: NodeState
    let seal: SealKeeper
    let replica: LocalReplica
    let workers: Workers
    /// Called when a share has opened the vault, on a worker.
    let opened: @Sendable (Unsealed) -> Void
    let logger: Logger

    /// `GET sys/seal-status`
    func status(_ completion: @escaping @Sendable (APIResponse) -> Void) {
        tell(completion) { NodeReply.sealStatus(state.sealStatus($0)) }
    }

    /// `sys/health`
    func health(
        _ input: HealthInput,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        tell(completion) { NodeReply.health(state.health($0), input) }
    }

    /// `sys/unseal` without a share: forgets those that were given.
    func reset(_ completion: @escaping @Sendable (APIResponse) -> Void) {
        guard seal.reset() else {
            return completion(ServiceFailure.ceremony("vault is unsealed").response)
        }
        status(completion)
    }

    /// Answers from the seal record, which is nil where there is no vault.
    private func tell(
        mayWalk: Bool = false,
        _ completion: @escaping @Sendable (APIResponse) -> Void,
        _ make: @escaping @Sendable (SealRecord?) -> APIResponse
    ) {
        guard let look = look(mayWalk: mayWalk, completion) else { return }
        switch look {
        case .found(let record): completion(make(record))
        case .absent: completion(make(nil))
        case .unseen: workers.run(or: completion) { tell(mayWalk: true, completion, make) }
        case .damaged(let bucket):
            seal.mend(bucket)
            let known = seal.lastSeen.map { make($0) }
            completion(known ?? ServiceFailure.underRepair.response)
        }
    }

    // MARK: Init

    private struct InitQuestion: Sendable {
        /// Whether this node has everything that was decided before the question.
        let isCurrent: Bool
        let loop: any EventLoop
        let deadline: Moment
        let done: @Sendable (APIResponse) -> Void

        func tell(_ isInitialized: Bool) {
            done(NodeReply.initStatus(isInitialized: isInitialized))
        }
    }

    /// `GET sys/init`: whether a vault exists is asked of a majority where there is one; a node
    /// alone says what it has.
    func initStatus(
        on loop: any EventLoop,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let deadline = Moment.now + .milliseconds(Limits.initStatusWaitMilliseconds)
        replica.waitForReadPatiently(on: loop, deadline: deadline) { outcome in
            let isCurrent = if case .ready = outcome { true } else { false }
            answer(
                InitQuestion(
                    isCurrent: isCurrent,
                    loop: loop,
                    deadline: deadline,
                    done: completion
                ),
                mayWalk: false
            )
        }
    }

    private func answer(_ question: InitQuestion, mayWalk: Bool) {
        guard let look = look(mayWalk: mayWalk, question.done) else { return }
        switch look {
        case .found: question.tell(true)
        case .unseen: workers.run(or: question.done) { answer(question, mayWalk: true) }
        case .damaged(let bucket):
            guard seal.lastSeen == nil else {
                seal.mend(bucket)
                return question.tell(true)
            }
            replica.mend(bucket, deadline: question.deadline) { isMended in
                guard isMended, Moment.now < question.deadline else {
                    return question.done(ServiceFailure.underRepair.response)
                }
                question.loop.execute { answer(question, mayWalk: false) }
            }
        case .absent(let missed, let index): confirm(missed, index, question)
        }
    }

    /// One other member has no vault either, where members can be asked.
    private func confirm(_ missed: [StorageKey], _ index: UInt64, _ question: InitQuestion) {
        guard question.isCurrent, replica.hasOthers, !missed.isEmpty else {
            return question.tell(false)
        }
        replica.confirmAbsent(
            PresenceQuestion(
                keys: missed,
                index: LogIndex(number: index),
                deadline: question.deadline
            ) { verdict in
                switch verdict {
                case .confirmed, .nobody: question.tell(false)
                // It has a vault that this node lost, or that was made a moment ago.
                case .contradicted, .younger: question.tell(true)
                }
            }
        )
    }

    // MARK: Unseal

    /// `sys/unseal` with a share. Where the seal record is damaged it waits for the repair. On a
    /// worker.
    func give(
        _ share: String,
        requestID: [UInt8],
        deadline: Moment,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        switch seal.give(share) {
        case .collecting, .alreadyUnsealed: status(completion)
        case .unsealed:
            if let unsealed = seal.unsealed { opened(unsealed) }
            status(completion)
        case .notInitialized: completion(ServiceFailure.notInitialized.response)
        case .damaged(let bucket):
            replica.mend(bucket, deadline: deadline) { isMended in
                guard isMended, Moment.now < deadline else {
                    return completion(ServiceFailure.underRepair.response)
                }
                workers.run(or: completion) {
                    give(share, requestID: requestID, deadline: deadline, completion)
                }
            }
        case .refused(let error):
            logger.warning(
                "a share was refused: \(error.summary)",
                metadata: ["request_id": "\(uuidText(requestID))"]
            )
            completion(ServiceFailure.ceremony("\(error.summary); \(error.remedy)").response)
        }
    }

    // MARK: Looks

    /// Looks for the seal record; if that fails, so does the call.
    private func look(
        mayWalk: Bool,
        _ failed: (APIResponse) -> Void
    ) -> SealLook? {
        do throws(BarrierError) {
            return try seal.look(mayWalk: mayWalk)
        } catch {
            logger.error("\(error.summary)", metadata: ["remedy": "\(error.remedy)"])
            failed(ServiceFailure.internalFailure.response)
            return nil
        }
    }
}
