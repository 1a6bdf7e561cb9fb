import API
import Barrier
import Engines
import Logging
import NIOCore
import NIOPosix
import Raft
import Replica
import Store
import Vault
import Wire

/// Carries out requests to the vault: linearizable reads here, writes where the log is led.
///
/// A chain of steps without state of its own; every step either ends the request or hands it to
/// exactly one next step.
///
/// ```
/// read     wait until a view is linearizable → step → answer
///            stale, and fresh enough as it is: no wait
///            what vouched for it ran out meanwhile: a majority confirms, once more
/// write    follower: forward → wait for the entry here → answer
///          leader:   step → propose → wait for the entry → answer
///                      ↑ conflict, rejected or superseded: prepared again
/// either   step → something outside has to be asked → wait → from the start, with the outcome
/// ```
final class RequestFlow: Sendable {
    private let store: LocalStore
    let replica: LocalReplica
    private let seal: SealKeeper
    private let opener: VaultOpener
    private let forwarder: Forwarder
    private let workers: Workers
    private let waiting: WaitingRequests
    private let refresh: RefreshAhead
    private let facts: @Sendable () -> NodeFacts
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        store: LocalStore,
        replica: LocalReplica,
        seal: SealKeeper,
        opener: VaultOpener,
        forwarder: Forwarder,
        workers: Workers,
        waiting: WaitingRequests,
        facts: @escaping @Sendable () -> NodeFacts,
        clock: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.store = store
        self.replica = replica
        self.seal = seal
        self.opener = opener
        self.forwarder = forwarder
        self.workers = workers
        self.waiting = waiting
        refresh = RefreshAhead(replica: replica)
        self.facts = facts
        self.clock = clock
        self.logger = logger
    }

    /// Begins. Called on the context's loop.
    func handle(_ context: RequestContext) { go(context, attempt: 0) }

    private func go(_ context: RequestContext, attempt: Int) {
        if context.vault.isWrite {
            write(context, attempt: attempt)
        } else {
            read(context, attempt: attempt)
        }
    }

    // MARK: Reads

    private func read(_ context: RequestContext, attempt: Int) {
        if let proof = staleProof(context) {
            onLoop(context) { self.answerRead(context, attempt: attempt, proof) }
        } else if let leader = readerInstead(of: context) {
            forward(context, to: leader, attempt: attempt)
        } else {
            confirmRead(context, attempt: attempt, mustConfirm: false)
        }
    }

    /// The leader, on a node whose disk takes no entries: what it has grows old, and no wait for
    /// what is committed would end.
    private func readerInstead(of context: RequestContext) -> NodeID? {
        let status = replica.status
        guard case .client = context.origin, status.space == .exhausted, status.role != .leader
        else { return nil }
        return status.leader
    }

    /// What vouches for the state as it is, if it is fresh enough for this read.
    private func staleProof(_ context: RequestContext) -> ReadProof? {
        guard let nanoseconds = context.vault.consistency.staleNanosecondsMax else { return nil }
        let bound = Duration.nanoseconds(nanoseconds)
        // Looked at before the view is opened, so the view shows at least what this stands for.
        let currentAsOf = replica.status.currentAsOf
        refresh.staleReadCame(currentAsOf: currentAsOf, bound: bound)
        guard let currentAsOf else { return nil }
        let proof = ReadProof(currentAsOf: currentAsOf, validUntil: currentAsOf + bound)
        return isValid(proof, at: .now) ? proof : nil
    }

    private func isValid(_ proof: ReadProof, at now: Moment) -> Bool {
        proof.validUntil.map { now < $0 } ?? true
    }

    private func confirmRead(_ context: RequestContext, attempt: Int, mustConfirm: Bool) {
        replica.waitForRead(deadline: context.deadline, mustConfirm: mustConfirm) {
            [self] outcome in
            switch outcome {
            case .ready(_, let proof):
                onLoop(context) { self.answerRead(context, attempt: attempt, proof) }
            case .refused(.overloaded): context.fail(.overloaded)
            case .refused:
                retryLater(context, since: attempt) { self.read(context, attempt: $0) }
            }
        }
    }

    private func answerRead(_ context: RequestContext, attempt: Int, _ proof: ReadProof) {
        guard let unsealed = seal.unsealed else { return context.fail(.sealed) }
        let outcome = step(context, unsealed, attempt: attempt)
        settle(outcome, context, attempt: attempt) {
            self.answerRead(outcome, context, attempt: attempt, proof)
        } again: {
            self.read($0, attempt: attempt + 1)
        }
    }

    private func answerRead(
        _ outcome: StepOutcome,
        _ context: RequestContext,
        attempt: Int,
        _ proof: ReadProof
    ) {
        let (step, index) = (outcome.step, outcome.index)
        if case .perform(let effect) = step { return ask(effect, context, attempt: attempt) }
        // A read that has something to write, as one with a token of limited uses has.
        guard !step.isWritten else { return write(context, attempt: attempt + 1) }
        // After the reading, not before: the process may have been stopped in between.
        let now = Moment.now
        guard isValid(proof, at: now) else {
            return confirmRead(context, attempt: attempt + 1, mustConfirm: true)
        }
        context.answer(
            reported(
                response(to: step, context),
                context,
                index,
                proof.currentAsOf.map { now - $0 }
            )
        )
    }

    /// Says how fresh the answer is, to a client that wants to know.
    private func reported(
        _ response: APIResponse,
        _ context: RequestContext,
        _ index: UInt64,
        _ age: Duration?
    ) -> APIResponse {
        guard context.vault.consistency.isReported, let age else { return response }
        return ConsistencyHeaders.report(
            response,
            index: index,
            ageNanoseconds: nanoseconds(age)
        )
    }

    private func nanoseconds(_ age: Duration) -> Int64 { max(0, age.nanoseconds) }

    // MARK: Writes

    private func write(_ context: RequestContext, attempt: Int) {
        guard attempt < Limits.attemptsMax else { return context.fail(.contended) }
        guard !context.isOver else { return context.fail(.timedOut) }
        let status = replica.status
        if status.role == .leader {
            onLoop(context) { self.prepare(context, attempt: attempt, isConfirmed: false) }
        } else if case .member = context.origin {
            context.finish(.notLeader(hint: status.leader))
        } else if status.space == .exhausted {
            context.fail(.nodeFull)
        } else if let leader = status.leader {
            forward(context, to: leader, attempt: attempt)
        } else {
            retryLater(context, since: attempt) { self.write(context, attempt: $0) }
        }
    }

    /// Steps the vault on what is evaluated now.
    ///
    /// A refusal from a leader that was deposed without knowing it could rest on an old state, so
    /// it is confirmed by a linearizable read first; a batch confirms itself by being committed.
    private func prepare(_ context: RequestContext, attempt: Int, isConfirmed: Bool) {
        guard let unsealed = seal.unsealed else { return sealedLeader(context) }
        switch opener.look() {
        case .isThere: break
        case .isMissing:
            // The first write of a vault's life waits for the record that it was unsealed.
            return opener.recordOpening(unsealed, deadline: context.deadline) { [self] in
                retryLater(context, since: attempt) { self.write(context, attempt: $0) }
            }
        case .isDamaged(let bucket):
            return mend(bucket, context) { self.write(context, attempt: attempt + 1) }
        }
        if attempt > 0 || context.attemptBase > 0, wasApplied(context) {
            return context.fail(.appliedWithoutAnswer)
        }
        let outcome = step(context, unsealed, attempt: attempt)
        if outcome.step.isWritten, outcome.verdict != .whole {
            return settle(outcome, context, attempt: attempt) {
            } again: {
                self.write($0, attempt: attempt + 1)
            }
        }
        switch outcome.step {
        case .commit(let batch, let answer):
            let response = Reply.response(to: answer, requestID: context.request.requestID)
            announce(batch, unsealed, context) {
                self.propose($0, response, context, attempt: attempt)
            }
        case .commitRefusing(let batch, _):
            let response = self.response(to: outcome.step, context)
            announce(batch, unsealed, context) {
                self.propose($0, response, context, attempt: attempt)
            }
        case .perform(let effect):
            settle(outcome, context, attempt: attempt) {
                self.ask(effect, context, attempt: attempt)
            } again: {
                self.write($0, attempt: attempt + 1)
            }
        case .answer, .refuse:
            guard !isConfirmed else {
                return settle(outcome, context, attempt: attempt) {
                    context.answer(self.response(to: outcome.step, context))
                } again: {
                    self.write($0, attempt: attempt + 1)
                }
            }
            replica.waitForRead(deadline: context.deadline) { [self] outcome in
                guard case .ready = outcome else {
                    return retryLater(context, since: attempt) {
                        self.write(context, attempt: $0)
                    }
                }
                onLoop(context) {
                    self.prepare(context, attempt: attempt + 1, isConfirmed: true)
                }
            }
        }
    }

    /// Waits for an effect, then begins again with what came of it. Nothing is held meanwhile, so
    /// what asked for it may be outdated: then it is not asked for again, or something else is.
    private func ask(_ effect: Engines.Effect, _ context: RequestContext, attempt: Int) {
        guard context.performed.count < EngineLimits.effectsPerRequestMax else {
            return context.fail(.contended)
        }
        waiting.wait(for: effect, context) { [self] ending in
            switch ending {
            case .performed(let outcome):
                var next = context
                next.performed.append(
                    PerformedEffect(kind: effect.kind, body: effect.body, outcome: outcome)
                )
                go(next, attempt: attempt + 1)
            case .refused: context.fail(.overloaded)
            case .gone: context.fail(.clientGone)
            }
        }
    }

    private func propose(
        _ batch: WriteBatch,
        _ response: APIResponse,
        _ context: RequestContext,
        attempt: Int
    ) {
        do throws(StoreError) {
            try batch.checkLimits()
        } catch {
            return context.answer(Reply.errors(413, [error.summary]))
        }
        let space = store.space
        guard space == .ample || space == .reserved && context.vault.isRemoval else {
            return context.fail(.storageFull)
        }
        // Alone, evaluation looks at all that there is: the node's own digest.
        let leaf = context.audit?.leaf
        let claims = replica.hasOthers ? AbsenceClaims(of: batch, besides: leaf) : nil
        confirm(claims, context)
        let waits: (@Sendable (CommitOutcome) -> Void)? =
            if case .client = context.origin {
                { outcome in
                    guard case .applied = outcome, let claims else {
                        return self.committed(outcome, response, context, attempt: attempt)
                    }
                    self.created(claims, response, context)
                }
            } else {
                nil
            }
        replica.propose(
            BatchProposal(
                batch: batch,
                since: context.since,
                deadline: context.deadline,
                onProposed: { self.proposed($0, response, context, attempt: attempt) },
                onCommitted: waits
            )
        )
    }

    private func proposed(
        _ outcome: ProposeOutcome,
        _ response: APIResponse,
        _ context: RequestContext,
        attempt: Int
    ) {
        switch outcome {
        case .appended(let term, let index):
            if case .member = context.origin { context.finish(.appended(term, index, response)) }
        case .conflict(let after):
            replica.waitForEvaluation(after, deadline: context.deadline) { [self] outcome in
                guard case .ready = outcome else { return context.fail(.timedOut) }
                write(context, attempt: attempt + 1)
            }
        case .refused(.overloaded): context.fail(.overloaded)
        case .refused(.tooLarge): context.answer(Reply.errors(413, ["the write is too large"]))
        case .refused(.unsupported), .refused(.membership): context.fail(.internalFailure)
        case .refused(.notLeader):
            retryLater(context, since: attempt) { self.write(context, attempt: $0) }
        }
    }

    private func committed(
        _ outcome: CommitOutcome,
        _ response: APIResponse,
        _ context: RequestContext,
        attempt: Int
    ) {
        switch outcome {
        case .applied: context.answer(response)
        case .duplicate: context.fail(.appliedWithoutAnswer)
        case .rejected, .superseded:
            // The reply came; what it promised did not. The next one has to be another.
            var again = context
            again.isUnanswered = false
            write(again, attempt: attempt + 1)
        case .unknown: context.fail(.outcomeUnknown)
        }
    }

    // MARK: Forwarding

    private func forward(_ context: RequestContext, to leader: NodeID, attempt: Int) {
        guard context.request.isForwardable else {
            return context.fail(
                .tooLargeToForward(
                    have: context.request.body.count,
                    limit: APILimits.forwardBytesMax
                )
            )
        }
        announce(context) { self.sendForward(context, to: leader, attempt: attempt) }
    }

    private func sendForward(_ context: RequestContext, to leader: NodeID, attempt: Int) {
        let patience = (context.deadline - Moment.now) / Duration.milliseconds(1)
        let milliseconds = max(1, min(patience, Double(Limits.requestSeconds) * 1_000))
        let isReported = !context.vault.isWrite && context.vault.consistency.isReported
        let passedOn = context.hadSilence ? context.request.untraced : context.request.passedOn
        let request = isReported ? passedOn.confirmedAndReported : passedOn
        let askedAt = Moment.now
        forwarder.ask(leader) { number in
            ForwardedRequest(
                number: number,
                requestID: context.request.requestID,
                seed: context.seed,
                since: context.since,
                attempt: UInt32(attempt + 1),
                patienceMilliseconds: UInt32(milliseconds),
                isRepeated: context.isUnanswered,
                content: .request(request)
            )
        } completion: { [self] outcome in
            switch outcome {
            case .replied(.answer(let response)) where isReported:
                passOn(response, context, attempt: attempt, askedAt: askedAt)
            case .replied(.answer(let response)): context.answer(response)
            case .replied(.appended(let term, let index, let response)):
                replica.waitForCommit(index, term, deadline: context.deadline) { [self] in
                    committed($0, response, context, attempt: attempt)
                }
            case .replied(.overloaded): context.fail(.overloaded)
            case .replied(.notLeader), .notSent:
                retryLater(context, since: attempt) { self.go(context, attempt: $0) }
            case .lost:
                // It may be in the log. Asked again under the same id it happens once all the
                // same, but from now on a failure must not claim that nothing happened.
                var uncertain = context
                uncertain.mayBeApplied = context.mayBeApplied || context.vault.isWrite
                uncertain.isUnanswered = true
                uncertain.hadSilence = true
                retryLater(uncertain, since: attempt) { [uncertain] in
                    self.go(uncertain, attempt: $0)
                }
            }
        }
    }

    /// The leader's answer to a read. It was confirmed after it was asked for, so its age is at
    /// most what the way took; and the bound holds for that, too.
    private func passOn(
        _ response: APIResponse,
        _ context: RequestContext,
        attempt: Int,
        askedAt: Moment
    ) {
        let age = nanoseconds(Moment.now - askedAt)
        guard let told = ConsistencyHeaders.reportAgain(response, ageNanoseconds: age) else {
            return context.answer(response)
        }
        if let most = context.vault.consistency.staleNanosecondsMax, age >= most {
            return retryLater(context, since: attempt) { self.read(context, attempt: $0) }
        }
        context.answer(told)
    }

    /// This node leads without keys. A client of its own hears that it is sealed; another member
    /// asks again, because a sealed leader hands over.
    private func sealedLeader(_ context: RequestContext) {
        switch context.origin {
        case .client: context.fail(.sealed)
        case .member: context.finish(.notLeader(hint: nil))
        }
    }

    // MARK: Steps

    private func step(
        _ context: RequestContext,
        _ unsealed: Unsealed,
        attempt: Int
    ) -> StepOutcome {
        var environment = VaultEnvironment(
            keyring: unsealed.keyring,
            cache: unsealed.cache,
            now: clock(),
            seed: context.seed,
            attempt: context.attemptNumber(attempt),
            facts: facts()
        )
        environment.performed = context.performed
        let trace = context.audit.map { _ in VaultTrace() }
        defer { if let trace { context.audit?.learned(trace.facts) } }
        return store.view { view in
            let step = VaultCore.step(context.vault, in: environment, view: view, trace: trace)
            let doubts = view.doubts()
            return StepOutcome(
                step: step,
                index: view.evaluatedIndex,
                missed: doubts.missed,
                // A batch, too, although it is judged again when it is evaluated: its checks are
                // of what it changes, not of all that allowed it.
                verdict: replica.verdict(
                    on: doubts,
                    in: view,
                    .init(
                        isAlone: context.isAlone,
                        isJudgedAgain: step.isWritten,
                        mayWalk: context.isLong
                    )
                )
            )
        }
    }

    /// The answer to a step that writes nothing. What is not the caller's fault is for operators to
    /// read: clients see "internal error".
    private func response(to step: VaultStep, _ context: RequestContext) -> APIResponse {
        if case .refuse(let error) = step, error.blame != .caller {
            var metadata = context.identity
            metadata["remedy"] = "\(error.remedy)"
            logger.error("\(error.summary)", metadata: metadata)
        }
        return Reply.response(to: step, requestID: context.request.requestID)
    }

    /// Whether an earlier copy of this request is among the committed ones.
    private func wasApplied(_ context: RequestContext) -> Bool {
        let id = context.request.requestID
        do throws(StoreError) {
            return try store.view { view throws(StoreError) in try view.requestIndex(id) } != nil
        } catch {
            Halt.now(error, while: "looking for a repeated request", logger: logger)
        }
    }

    // MARK: Where and when

    /// Runs the next step where the request belongs: its event loop, or a worker if it is long.
    func onLoop(_ context: RequestContext, _ body: @escaping @Sendable () -> Void) {
        if context.isLong {
            workers.submit(mayFill: context.vault.isLong) { [self] isTaken in
                if isTaken { return body() }
                // What is long only because its buckets were not looked at yet waits its turn:
                // after a start that holds for whatever comes first.
                let waits = !context.vault.isLong && !context.isOver && !workers.isStopped
                if waits { later(context, body) } else { context.fail(.overloaded) }
            }
        } else if context.loop.inEventLoop {
            body()
        } else {
            context.loop.execute(body)
        }
    }

    /// Tries again after a pause, while the client's patience and an election's length last.
    private func retryLater(
        _ context: RequestContext,
        since attempt: Int,
        _ body: @escaping @Sendable (Int) -> Void
    ) {
        let hasPatience = attempt < Limits.attemptsMax && !context.isOver
        guard hasPatience, context.leaderDeadline > Moment.now else {
            if case .member = context.origin { return context.finish(.notLeader(hint: nil)) }
            return context.fail(noLeader(context))
        }
        let pause = TimeAmount.milliseconds(Int64(Limits.leaderPollMilliseconds))
        context.loop.scheduleTask(in: pause) { body(attempt + 1) }
    }

    /// A stale read is told what this node knows about its own state, never served in silence.
    private func noLeader(_ context: RequestContext) -> ServiceFailure {
        guard let allowed = context.vault.consistency.staleNanosecondsMax else { return .noLeader }
        let age = replica.status.currentAsOf.map { nanoseconds(Moment.now - $0) }
        return .tooStale(have: age, allowed: allowed)
    }
}
