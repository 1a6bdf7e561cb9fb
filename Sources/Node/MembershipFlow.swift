import API
import Barrier
import Cryptography
import Engines
import Logging
import NIOCore
import Raft
import Replica
import Store
import Synchronization
import Vault
import Wire

/// Carries out calls about the cluster's members: here if this node leads, else on the leader.
///
/// Who may is checked on the leader, unsealed, after a linearizable read: a node's own key never
/// suffices. What comes of it is a configuration with a tag under K_batch, so that every unsealed
/// node can tell that a holder of the vault's keys made it.
final class MembershipFlow: Sendable {
    /// One call on its way.
    struct Context: Sendable {
        let call: ClusterCall
        let token: [UInt8]
        let request: APIRequest
        /// Where this node records it.
        var audit: RequestAudit?
        let origin: RequestContext.Origin
        let begun = Moment.now
        let deadline: Moment
        let loop: any EventLoop
        /// Called exactly once, on any thread.
        let finish: @Sendable (ForwardedReply.Outcome) -> Void

        /// What names it in every line of the log about it.
        var metadata: Logger.Metadata {
            let isForwarded = if case .member = origin { true } else { false }
            return RequestObserver.identity(of: request, isForwarded: isForwarded)
        }

        func answer(_ response: APIResponse) { finish(.answer(response)) }
        func fail(_ failure: ServiceFailure) { finish(.answer(failure.response)) }
        /// As OpenBao answers what the cluster cannot do.
        func refuse(_ text: String) { finish(.answer(Reply.errors(500, [text]))) }
    }

    /// What a change of members needs of whoever wants it.
    struct Order: Sendable {
        let begun: Moment
        let deadline: Moment
        let loop: any EventLoop
        /// Called at most once, on any thread: why the change was not made.
        let end: @Sendable (End) -> Void

        enum End: Sendable {
            /// The members cannot be changed so.
            case refused(String)
            /// `outcomeUnknown` says that it may have been made.
            case failed(ServiceFailure)
            /// This node does not lead any more; nothing was changed.
            case notLeader
        }
    }

    let replica: LocalReplica
    private let operators: OperatorCheck
    let seal: SealKeeper
    private let forwarder: Forwarder
    let clock: @Sendable () -> Timestamp
    let identity: ClusterIdentity
    let rules: AutopilotRules
    let logger: Logger
    let silence = Mutex(Silence())

    /// What an admission says of the cluster.
    struct ClusterIdentity: Sendable {
        let clusterID: [UInt8]
        let epoch: UInt64
        let selfID: NodeID
    }

    init(
        _ identity: ClusterIdentity,
        _ rules: AutopilotRules,
        replica: LocalReplica,
        seal: SealKeeper,
        forwarder: Forwarder,
        operators: OperatorCheck,
        logger: Logger
    ) {
        self.replica = replica
        self.operators = operators
        self.seal = seal
        self.forwarder = forwarder
        clock = operators.clock
        self.identity = identity
        self.rules = rules
        self.logger = logger
    }

    /// A call's order: its client hears how it ends, and the next leader is asked where this node
    /// leads no more.
    func order(_ context: Context) -> Order {
        Order(
            begun: context.begun,
            deadline: context.deadline,
            loop: context.loop
        ) { [self] end in
            switch end {
            case .refused(let text): context.refuse(text)
            case .failed(let failure): context.fail(failure)
            case .notLeader: context.loop.execute { self.handle(context) }
            }
        }
    }

    // MARK: To the leader

    /// Begins, and begins again when leadership moved.
    func handle(_ context: Context) {
        let status = replica.status
        if status.role == .leader { return lead(context) }
        if case .member = context.origin {
            return context.finish(.notLeader(hint: status.leader))
        }
        guard let leader = status.leader else { return again(context) }
        let patience = (context.deadline - Moment.now) / Duration.milliseconds(1)
        forwarder.ask(leader) { number in
            ForwardedRequest(
                number: number,
                requestID: context.request.requestID,
                seed: [UInt8](repeating: 0, count: Entropy.seedBytes),
                since: status.evaluated,
                attempt: 0,
                patienceMilliseconds: UInt32(max(1, min(patience, 60_000))),
                // A change that is lost stays unknown: only what every version can read.
                content: .request(context.request.untraced)
            )
        } completion: { [self] outcome in
            switch outcome {
            case .replied(.answer(let response)): context.answer(response)
            case .replied(.appended): context.fail(.internalFailure)
            case .replied(.overloaded): context.fail(.overloaded)
            case .replied(.notLeader), .notSent: again(context)
            case .lost where context.call.isRead: again(context)
            case .lost: context.fail(.outcomeUnknown)
            }
        }
    }

    /// After a pause, while the client's patience lasts.
    private func again(_ context: Context) {
        guard case .client = context.origin else {
            return context.finish(.notLeader(hint: replica.status.leader))
        }
        guard Moment.now < context.deadline else { return context.fail(.noLeader) }
        context.loop.scheduleTask(in: .milliseconds(Int64(Limits.leaderPollMilliseconds))) {
            self.handle(context)
        }
    }

    // MARK: On the leader

    private func lead(_ context: Context) {
        replica.waitForRead(deadline: context.deadline) { [self] outcome in
            guard case .ready = outcome else { return again(context) }
            context.loop.execute { [self] in
                guard context.call.needsToken else {
                    guard let unsealed = seal.unsealed else { return sealed(context) }
                    return perform(context, unsealed.keyring)
                }
                authorize(context)
            }
        }
    }

    private func authorize(_ context: Context) {
        operators.decide(
            of: OperatorCaller(
                token: context.token,
                address: context.request.clientIP,
                audit: context.audit
            ),
            for: context.call.access,
            on: context.loop,
            deadline: context.deadline
        ) { [self] decision in
            switch decision {
            case .allowed(let unsealed): perform(context, unsealed.keyring)
            case .refused(let refusal): context.answer(refusal)
            case .sealed: sealed(context)
            }
        }
    }

    private func sealed(_ context: Context) {
        switch context.origin {
        case .client: context.fail(.sealed)
        case .member: context.finish(.notLeader(hint: nil))
        }
    }

    private func perform(_ context: Context, _ keyring: Keyring) {
        switch context.call {
        case .autopilotState:
            context.answer(ClusterReply.state(health(), requestID: context.request.requestID))
        case .autopilotConfiguration:
            context.answer(
                ClusterReply.configuration(rules, requestID: context.request.requestID)
            )
        // With nobody to hand over to there is nothing to do, as in OpenBao without others.
        case .transfer(nil) where !replica.hasOthers: context.answer(ClusterReply.done)
        case .transfer(let server): transfer(context, to: server)
        case .remove(let server): remove(server, context, keyring)
        case .promote(let server): promote(server, context, keyring)
        case .demote(let server): demote(server, context, keyring)
        case .replace(let old, let new): replace(old, new, context, keyring)
        case .joinToken(let seconds): offer(seconds, context, keyring)
        case .join(let input): admit(input, context, keyring)
        case .malformed(let call): context.answer(Reply.errors(call.status, call.texts))
        }
    }

    private func member(_ name: String) -> Member? {
        replica.configuration.members.first { utf8Equals($0.name, name) }
    }

    /// In OpenBao's words, where the endpoint is OpenBao's.
    private func unknown(_ name: String) -> String {
        "1 error occurred:\n\t* server \(name) not found in raft configuration\n\n"
    }

    /// Where the endpoint is ours: the caller's mistake, and what would have been right.
    private func stranger(_ name: String) -> APIResponse {
        let names = replica.configuration.members.map(\.name).joined(separator: ", ")
        return Reply.errors(400, ["no member is called \(name); the members are \(names)"])
    }
}

// MARK: - Voters

extension MembershipFlow {
    private func promote(_ name: String, _ context: Context, _ keyring: Keyring) {
        guard let member = member(name) else { return context.refuse(unknown(name)) }
        guard member.role == .learner else {
            return context.refuse("server is not a non-voter")
        }
        change(.voters(promote: [member.id], demote: []), order(context), keyring) {
            context.answer(ClusterReply.done)
        }
    }

    private func demote(_ name: String, _ context: Context, _ keyring: Keyring) {
        guard let member = member(name) else { return context.refuse(unknown(name)) }
        guard member.role == .voter else { return context.refuse("server is not a voter") }
        guard member.id != identity.selfID else { return giveWay(context) }
        change(.voters(promote: [], demote: [member.id]), order(context), keyring) {
            context.answer(ClusterReply.done)
        }
    }

    private func replace(
        _ old: String,
        _ new: String,
        _ context: Context,
        _ keyring: Keyring
    ) {
        guard let leaving = member(old) else { return context.answer(stranger(old)) }
        guard let coming = member(new) else { return context.answer(stranger(new)) }
        guard leaving.role == .voter, coming.role == .learner else {
            return context.refuse("\(old) must be a voter and \(new) a learner")
        }
        guard leaving.id != identity.selfID else { return giveWay(context) }
        change(.voters(promote: [coming.id], demote: [leaving.id]), order(context), keyring) {
            context.answer(ClusterReply.done)
        }
    }

    /// By way of learner. Nobody is called so: that is done already, as OpenBao has it.
    private func remove(_ name: String, _ context: Context, _ keyring: Keyring) {
        guard let member = member(name) else { return context.answer(ClusterReply.done) }
        guard member.id != identity.selfID else { return giveWay(context) }
        let letGo: @Sendable () -> Void = { [self] in
            change(.remove(member.id), order(context), keyring) { [self] in
                logger.notice("member \(name) was removed", metadata: context.metadata)
                context.answer(ClusterReply.done)
            }
        }
        guard member.role == .voter else { return letGo() }
        change(.voters(promote: [], demote: [member.id]), order(context), keyring, then: letGo)
    }

    /// What would take the leader's own vote is carried out by its successor.
    private func giveWay(_ context: Context) {
        handOver(context, to: nil) { [self] outcome in
            switch outcome {
            case .done, .timedOut, .refused(.notLeader), .refused(.underWay):
                context.loop.execute { self.again(context) }
            case .refused(let reason):
                context.refuse(
                    "this server leads and goes only once another takes over: "
                        + Self.text(of: reason)
                )
            }
        }
    }

    private func transfer(_ context: Context, to name: String?) {
        var target: NodeID?
        if let name {
            guard let member = member(name) else { return context.answer(stranger(name)) }
            guard member.role == .voter else { return context.refuse("server is not a voter") }
            guard member.id != identity.selfID else { return context.answer(ClusterReply.done) }
            target = member.id
        }
        handOver(context, to: target) { [self] outcome in
            switch outcome {
            case .done, .refused(.leadsAlready): context.answer(ClusterReply.done)
            case .refused(.notLeader): context.loop.execute { self.again(context) }
            case .refused(let reason):
                logger.notice(
                    "leadership was not handed over: \(reason)",
                    metadata: context.metadata
                )
                context.refuse(Self.text(of: reason))
            case .timedOut:
                context.refuse("leadership was not handed over in time; this node may lead on")
            }
        }
    }

    /// Without a target, the next best is asked when the best does not make it. Who is fit may show
    /// a moment later only, so it is waited for: a leader that has just begun, or begun again, has
    /// not heard yet who is, and a disk that stalled for a moment is no reason to refuse.
    private func handOver(
        _ context: Context,
        to target: NodeID?,
        until: Moment = .now + .milliseconds(Limits.transferPatienceMilliseconds),
        ended: @escaping @Sendable (TransferOutcome) -> Void
    ) {
        replica.transferLeadership(to: target, deadline: context.deadline) { [self] outcome in
            // Whoever was chosen and has failed since is no longer fit. Once another leads,
            // nobody is asked: it would hand over what it was just given.
            let goesOn =
                .now < until && replica.status.role == .leader
                && replica.configuration.members.contains {
                    $0.role == .voter && $0.id != identity.selfID
                }
            switch outcome {
            case .refused(.unfit) where goesOn, .timedOut where goesOn && target == nil:
                let pause = TimeAmount.milliseconds(Int64(Limits.transferPauseMilliseconds))
                context.loop.scheduleTask(in: pause) { [self] in
                    handOver(context, to: target, until: until, ended: ended)
                }
            default: ended(outcome)
            }
        }
    }

    private static func text(of refusal: TransferRefusal) -> String {
        switch refusal {
        case .notLeader: "leadership moved meanwhile"
        case .underWay: "leadership is being handed over already"
        case .leadsAlready: "that server leads already"
        case .notVoter: "server is not a voter"
        case .unfit: "no voter is fit to lead: silent, sealed, behind, or its disk is stalled"
        case .overloaded: "too many requests waiting"
        }
    }
}

extension MembershipFlow.ClusterIdentity {
    init(_ start: NodeStart) {
        self.init(
            clusterID: start.clusterID,
            epoch: start.cluster.epoch,
            selfID: start.selfID
        )
    }
}
