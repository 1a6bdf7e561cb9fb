import API
import Barrier
import Cryptography
import Engines
import Logging
import NIOCore
import NIOPosix
import Policy
import Raft
import Replica
import Store
import Vault
import Wire

/// Calls that a node answers itself, in any state: init, unseal, seal, health and their like.
final class NodeCalls: Sendable {
    private let state: NodeState
    private let seal: SealKeeper
    private let versions: VersionKeeper
    private let local: LocalCalls
    private let creation: CreationFlow
    private let metrics: NodeMetrics
    private let status: NodeStatus
    private let store: LocalStore
    private let replica: LocalReplica
    private let workers: Workers
    private let clock: @Sendable () -> Timestamp
    private let logger: Logger

    init(
        state: NodeState,
        parts: (
            seal: SealKeeper, versions: VersionKeeper, creation: CreationFlow, audit: AuditParts,
            waiting: WaitingRequests
        ),
        local: LocalCalls,
        tasks: TaskCounts,
        tellsMetricsToAll: Bool,
        meter: RequestMeter,
        store: LocalStore,
        replica: LocalReplica,
        workers: Workers,
        clusterClock: ClusterClock,
        logger: Logger
    ) {
        self.state = state
        let clock = { @Sendable in clusterClock.now() }
        (seal, versions, creation) = (parts.seal, parts.versions, parts.creation)
        self.local = local
        let census = TokenCensus()
        metrics = NodeMetrics(
            store: store,
            replica: replica,
            seal: parts.seal,
            meter: meter,
            audit: parts.audit,
            isOpen: tellsMetricsToAll,
            tasks: tasks,
            waiting: parts.waiting,
            census: census,
            clock: clusterClock,
            data: state.settings.data
        )
        status = NodeStatus(
            state: state,
            store: store,
            replica: replica,
            seal: parts.seal,
            audit: parts.audit,
            tasks: tasks,
            census: census,
            workers: workers,
            clock: clock
        )
        self.store = store
        self.replica = replica
        self.workers = workers
        self.clock = clock
        self.logger = logger
    }

    /// Where a call comes from.
    struct Origin: Sendable {
        let requestID: [UInt8]
        /// Of the client; nil: not known.
        let address: IPAddress?
        let audit: RequestAudit?
        /// The client's.
        let loop: any EventLoop

        func caller(_ token: [UInt8]) -> OperatorCaller {
            OperatorCaller(token: token, address: address, audit: audit)
        }
    }

    /// Answers `call`; `completion` is called exactly once, on any thread.
    func handle(
        _ call: NodeCall,
        of origin: Origin,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let deadline = Moment.now + .seconds(Limits.requestSeconds)
        let (requestID, loop) = (origin.requestID, origin.loop)
        switch call {
        case .initStatus: ofSeal.initStatus(on: loop, completion)
        case .initialize(let input):
            creation.create(
                input,
                requestID: requestID,
                loop: loop,
                deadline: deadline,
                completion: completion
            )
        case .sealStatus: ofSeal.status(completion)
        case .unseal(.reset): ofSeal.reset(completion)
        case .unseal(.share(let share)):
            workers.run(or: completion) { [self] in
                if let slot = SealMachine.slot(of: share) { origin.audit?.took(share: slot) }
                ofSeal.give(share, requestID: requestID, deadline: deadline, completion)
            }
        case .seal(let token): sealNode(token, deadline, origin, completion)
        case .health(let input): ofSeal.health(input, completion)
        case .leader:
            completion(
                seal.unsealed == nil
                    ? ServiceFailure.sealed.response : NodeReply.leader(state.leader())
            )
        case .raftJoin(let address):
            let members = state.configuration.members.map(\.apiAddress)
            completion(NodeReply.raftJoin(address, members: members))
        case .status(let token):
            status.answer(origin.caller(token), loop: loop, completion)
        case .metrics(let format, let token):
            metrics.isOpen ? tell(format, completion) : tell(format, token, origin, completion)
        case .local(let call, let token):
            allowed(call, token, deadline, origin) { [self] refusal in
                if let refusal { return completion(refusal) }
                workers.run(or: completion) { [self] in
                    completion(local.answer(call, requestID: requestID, now: WallClock.now()))
                }
            }
        }
    }

    /// Answers a call whose answer goes on: `completion` is called once, on any thread.
    func stream(
        _ call: LocalCall,
        _ token: [UInt8],
        of origin: Origin,
        completion: @escaping @Sendable (StreamedAnswer) -> Void
    ) {
        let deadline = Moment.now + .seconds(Limits.requestSeconds)
        allowed(call, token, deadline, origin) { [local] refusal in
            completion(refusal.map { StreamedAnswer($0) } ?? local.watch(call))
        }
    }

    /// Gives up a vault that was never opened, for whoever can read this node's data folder.
    func abandon(
        requestID: [UInt8],
        loop: any EventLoop,
        completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let deadline = Moment.now + .seconds(Limits.requestSeconds)
        creation.abandon(
            requestID: requestID,
            loop: loop,
            deadline: deadline,
            completion: completion
        )
    }

    private var ofSeal: SealCalls {
        SealCalls(
            state: state,
            seal: seal,
            replica: replica,
            workers: workers,
            opened: { [versions] in versions.note($0) },
            logger: logger
        )
    }

    private func sealNode(
        _ token: [UInt8],
        _ deadline: Moment,
        _ origin: Origin,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        guard seal.unsealed != nil else { return completion(NodeReply.sealed) }
        replica.waitForRead(deadline: deadline) { [self] outcome in
            guard case .ready = outcome else {
                return completion(ServiceFailure.noLeader.response)
            }
            origin.loop.execute { [self] in
                authorizeAndSeal(origin.caller(token), deadline, origin.loop, completion)
            }
        }
    }

    /// Whether a token may make a call about this node; `done` gets why not, or nil. What only
    /// tells is told on a node that cannot ask a majority as well, see below.
    private func allowed(
        _ call: LocalCall,
        _ token: [UInt8],
        _ deadline: Moment,
        _ origin: Origin,
        _ done: @escaping @Sendable (APIResponse?) -> Void
    ) {
        let loop = origin.loop
        let decide: @Sendable () -> Void = { [self] in
            let caller = origin.caller(token)
            check.decide(of: caller, for: call.access, on: loop, deadline: deadline) { decision in
                switch decision {
                case .allowed: done(nil)
                case .refused(let refusal): done(refusal)
                case .sealed: done(ServiceFailure.sealed.response)
                }
            }
        }
        guard call.isRead else {
            return replica.waitForRead(deadline: deadline) { outcome in
                guard case .ready = outcome else { return done(ServiceFailure.noLeader.response) }
                loop.execute(decide)
            }
        }
        let soon = Moment.now + .milliseconds(Limits.initStatusWaitMilliseconds)
        replica.waitForReadPatiently(on: loop, deadline: soon) { _ in decide() }
    }

    /// A token that was taken back a moment ago may still read numbers on a node that cannot ask
    /// a majority: that is when they are needed most.
    private func tell(
        _ format: MetricsFormat,
        _ token: [UInt8],
        _ origin: Origin,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let deadline = Moment.now + .milliseconds(Limits.initStatusWaitMilliseconds)
        replica.waitForReadPatiently(on: origin.loop, deadline: deadline) { [self] _ in
            var request = AccessRequest(.read, "sys/metrics")
            request.parameters = format == .json ? [:] : ["format": "prometheus"]
            check.decide(
                of: origin.caller(token),
                for: request,
                on: origin.loop,
                deadline: deadline
            ) { [self] decision in
                switch decision {
                case .allowed: tell(format, completion)
                case .refused(let refusal): completion(refusal)
                case .sealed: completion(ServiceFailure.sealed.response)
                }
            }
        }
    }

    private func tell(
        _ format: MetricsFormat,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        workers.run(or: completion) { [self] in
            let now = WallClock.now()
            completion(answer { MetricsReply.response(try metrics.collect(), format, now: now) })
        }
    }

    private var check: OperatorCheck {
        OperatorCheck(
            store: store,
            replica: replica,
            seal: seal,
            onWorker: { [workers] in workers.submit($0) },
            facts: { self.state.facts() },
            clock: clock
        )
    }

    private func authorizeAndSeal(
        _ caller: OperatorCaller,
        _ deadline: Moment,
        _ loop: any EventLoop,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let request = AccessRequest(.update, "sys/seal")
        check.decide(of: caller, for: request, on: loop, deadline: deadline) { [self] decision in
            switch decision {
            case .refused(let refusal): completion(refusal)
            case .sealed: completion(NodeReply.sealed)
            case .allowed:
                seal.seal()
                completion(NodeReply.sealed)
            }
        }
    }

    private func answer(_ make: () throws -> APIResponse) -> APIResponse {
        do {
            return try make()
        } catch let error as any OperatorError {
            logger.error("\(error.summary)", metadata: ["remedy": "\(error.remedy)"])
            return ServiceFailure.internalFailure.response
        } catch {
            return ServiceFailure.internalFailure.response
        }
    }
}
