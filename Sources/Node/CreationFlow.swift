import API
import Barrier
import Cryptography
import Logging
import NIOCore
import Raft
import Replica
import Shamir
import Store
import Vault
import Wire

/// Makes a vault, and abandons one whose shares nobody has.
///
/// The node that is asked makes the keys. Only the sealed batch travels to the leader, which takes
/// it without having a key because its shape shows what it is; shares leave after the commit.
final class CreationFlow: Sendable {
    private let store: LocalStore
    private let replica: LocalReplica
    private let forwarder: Forwarder
    private let workers: Workers
    private let epoch: UInt64
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        store: LocalStore,
        replica: LocalReplica,
        forwarder: Forwarder,
        workers: Workers,
        epoch: UInt64,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.replica = replica
        self.forwarder = forwarder
        self.workers = workers
        self.epoch = epoch
        self.clock = clock
        self.logger = logger
    }

    // MARK: Init

    /// Makes a vault whose seal key is split as `input` says; its keys take a worker some 30 ms.
    func create(
        _ input: InitInput,
        requestID: [UInt8],
        loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        // A vault that another member made a moment ago must not be overlooked.
        let readDeadline = min(
            deadline,
            .now + .milliseconds(Limits.creationLeaderWaitMilliseconds)
        )
        replica.waitForReadPatiently(on: loop, deadline: readDeadline) { [self] outcome in
            guard case .ready = outcome else { return completion(ServiceFailure.noLeader.response) }
            workers.submit { [self] isTaken in
                guard isTaken else { return completion(ServiceFailure.overloaded.response) }
                make(input, requestID, loop: loop, deadline: deadline, completion: completion)
            }
        }
    }

    private func make(
        _ input: InitInput,
        _ requestID: [UInt8],
        loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        do {
            if let obstacle = try obstacle(deadline) { return completion(obstacle.response) }
            let layout = try ShareLayout(
                groupThreshold: input.groupThreshold,
                groups: input.groups.map {
                    GroupSpec(threshold: $0.threshold, count: $0.shares)
                }
            )
            let facts = VaultCreation.Facts(
                baseIndex: store.view { $0.evaluatedIndex },
                requestID: requestID,
                time: clock().nanoseconds,
                epoch: epoch
            )
            let seed = try SecretBytes.random(count: Entropy.seedBytes)
            let created = try VaultCreation.make(
                layout: layout,
                facts: facts,
                entropy: Entropy(seed: seed)
            ) { (builder, token) throws(BarrierError) in
                try VaultBirth.populate(&builder, token)
            }
            let batch = created.batch
            let answer = CreatedAnswer(created)
            commit(batch, loop: loop, deadline: deadline) { [self] outcome in
                if case .applied = outcome {
                    logger.notice(
                        "the vault is initialised; its shares leave with this answer",
                        metadata: ["request_id": "\(uuidText(requestID))"]
                    )
                    completion(answer.take())
                } else {
                    completion(failure(outcome))
                }
            }
        } catch let error as any OperatorError {
            logger.error(
                "init: \(error.summary)",
                metadata: ["remedy": "\(error.remedy)", "request_id": "\(uuidText(requestID))"]
            )
            let isTheirs = error.blame == .caller || error.blame == .operator
            completion(
                isTheirs
                    ? Reply.errors(400, [error.summary])
                    : ServiceFailure.internalFailure.response
            )
        } catch {
            completion(ServiceFailure.internalFailure.response)
        }
    }

    /// Why no vault can be made, or nil. One that this node has lost the record of must not be
    /// overlooked: shares would leave of a vault that the others refuse.
    private func obstacle(_ deadline: Moment) throws(BarrierError) -> ServiceFailure? {
        let (record, verdict) = try store.view { view throws(BarrierError) in
            let record = try SealRecord.load(view)
            return (record, replica.verdict(on: view.doubts(), in: view, .init(isAlone: true)))
        }
        guard record == nil else { return .alreadyInitialized }
        return isSure(verdict, deadline) ? nil : .underRepair
    }

    private func isSure(_ verdict: BucketTrust.Verdict, _ deadline: Moment) -> Bool {
        switch verdict {
        case .whole: return true
        case .damaged(let bucket): replica.mend(bucket, deadline: deadline) { _ in }
        case .unseen: preconditionFailure("a walk may be made")
        }
        return false
    }

    private func failure(_ outcome: CommitOutcome?) -> APIResponse {
        switch outcome {
        case .rejected, .duplicate: ServiceFailure.alreadyInitialized.response
        case .unknown: ServiceFailure.outcomeUnknown.response
        case .applied, .superseded, nil: ServiceFailure.noLeader.response
        }
    }

    // MARK: Abandon

    /// Gives up a vault that was never unsealed. The caller has shown that it may.
    func abandon(
        requestID: [UInt8],
        loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let readDeadline = min(
            deadline,
            .now + .milliseconds(Limits.creationLeaderWaitMilliseconds)
        )
        replica.waitForReadPatiently(on: loop, deadline: readDeadline) { [self] outcome in
            guard case .ready = outcome else { return completion(ServiceFailure.noLeader.response) }
            workers.submit { [self] isTaken in
                guard isTaken else { return completion(ServiceFailure.overloaded.response) }
                giveUp(requestID, loop: loop, deadline: deadline, completion: completion)
            }
        }
    }

    private func giveUp(
        _ requestID: [UInt8],
        loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let time = clock().nanoseconds
        // A mount's key that was overlooked would be in the way of every vault that is made here.
        let (prepared, verdict) = store.view { view in
            let prepared = Result { () throws(BarrierError) in
                try VaultOpening.abandonBatch(view: view, requestID: requestID, time: time)
            }
            return (prepared, replica.verdict(on: view.doubts(), in: view, .init(isAlone: true)))
        }
        guard isSure(verdict, deadline) else {
            return completion(ServiceFailure.underRepair.response)
        }
        do throws(BarrierError) {
            guard let batch = try prepared.get() else {
                return completion(ServiceFailure.notInitialized.response)
            }
            commit(batch, loop: loop, deadline: deadline) { [self] outcome in
                guard case .applied = outcome else { return completion(failure(outcome)) }
                logger.notice(
                    "the vault was abandoned before its first unseal",
                    metadata: ["request_id": "\(uuidText(requestID))"]
                )
                completion(APIResponse(status: 204))
            }
        } catch {
            completion(Reply.errors(400, [error.summary]))
        }
    }

    // MARK: Commit

    /// Brings a creation or an abandonment into the log, here or through the leader.
    ///
    /// `completion` gets nil when it is definitely not in the log.
    private func commit(
        _ batch: WriteBatch,
        loop: any EventLoop,
        deadline: Moment,
        completion: @escaping @Sendable (CommitOutcome?) -> Void
    ) {
        guard Moment.now < deadline else { return completion(nil) }
        let again: @Sendable () -> Void = { [self] in
            loop.scheduleTask(in: .milliseconds(Int64(Limits.leaderPollMilliseconds))) {
                self.commit(batch, loop: loop, deadline: deadline, completion: completion)
            }
        }
        let status = replica.status
        if status.role == .leader {
            propose(batch, deadline: deadline, again: again, completion: completion)
        } else if let leader = status.leader {
            forward(batch, to: leader, deadline: deadline, again: again, completion: completion)
        } else {
            again()
        }
    }

    private func propose(
        _ batch: WriteBatch,
        deadline: Moment,
        again: @escaping @Sendable () -> Void,
        completion: @escaping @Sendable (CommitOutcome?) -> Void
    ) {
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: deadline,
                onProposed: { outcome in
                    switch outcome {
                    case .appended: break
                    // The leader changed since this batch was made, and it cannot be made again
                    // with the same keys: the client asks once more.
                    case .conflict: completion(nil)
                    case .refused: again()
                    }
                },
                onCommitted: { outcome in
                    if outcome == .superseded { again() } else { completion(outcome) }
                }
            )
        )
    }

    private func forward(
        _ batch: WriteBatch,
        to leader: NodeID,
        deadline: Moment,
        again: @escaping @Sendable () -> Void,
        completion: @escaping @Sendable (CommitOutcome?) -> Void
    ) {
        forwarder.ask(leader) { number in
            ForwardedRequest(
                number: number,
                requestID: batch.requestID,
                seed: [UInt8](repeating: 0, count: Entropy.seedBytes),
                since: LogIndex(number: batch.baseIndex),
                attempt: 0,
                patienceMilliseconds: 10_000,
                content: .creation(batch.encoded())
            )
        } completion: { [self] outcome in
            switch outcome {
            case .replied(.appended(let term, let index, _)):
                replica.waitForCommit(index, term, deadline: deadline) { outcome in
                    if outcome == .superseded { again() } else { completion(outcome) }
                }
            case .replied(.notLeader), .replied(.overloaded), .notSent: again()
            case .replied(.answer): completion(nil)
            // It may be in the log: repeating could only be rejected by itself.
            case .lost: completion(.unknown)
            }
        }
    }

    /// The leader's side: takes exactly the two kinds of batch that need no key.
    func take(
        _ bytes: [UInt8],
        finish: @escaping @Sendable (ForwardedReply.Outcome) -> Void
    ) {
        let batch: WriteBatch
        do throws(StoreError) {
            batch = try WriteBatch(decoding: bytes)
        } catch {
            return finish(.answer(Reply.errors(400, [error.summary])))
        }
        guard VaultOpening.isCreation(batch) || VaultOpening.isAbandonment(batch) else {
            logger.warning("a member sent a batch that is neither creation nor abandonment")
            return finish(.answer(Reply.errors(403, ["not a creation"])))
        }
        let deadline = Moment.now + .seconds(Limits.requestSeconds)
        replica.propose(
            BatchProposal(
                batch: batch,
                deadline: deadline,
                onProposed: { outcome in
                    switch outcome {
                    case .appended(let term, let index):
                        finish(.appended(term, index, APIResponse(status: 204)))
                    case .conflict: finish(.answer(ServiceFailure.noLeader.response))
                    case .refused(.notLeader): finish(.notLeader(hint: nil))
                    case .refused: finish(.overloaded)
                    }
                },
                onCommitted: nil
            )
        )
    }
}
