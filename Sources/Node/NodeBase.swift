import API
import Engines
import Logging
import Raft
import Replica
import Store
import Transport
import Vault
import Wire

/// What all other parts of a node stand on, and how those that need nothing else are made.
struct NodeBase {
    let store: LocalStore
    let network: PeerNetwork
    let replica: LocalReplica
    let forwarder: Forwarder
    let replies = ReplyKeeper()
    let seal: SealKeeper
    let state: NodeState
    let workers: Workers
    let fetcher = WebFetcher()
    let effects: EffectPool
    let waiting: WaitingRequests
    let observer: RequestObserver
    let taskCounts = TaskCounts()
    /// What tokens, leases and timers go by.
    let clusterClock: ClusterClock
    let clock: @Sendable () -> Timestamp
    /// What logs, audit records and answers about this node itself show.
    let wall: @Sendable () -> Timestamp = { WallClock.now() }
    let loggers: NodeLoggers

    init(_ settings: Settings, _ start: NodeStart, loggers: NodeLoggers) {
        self.loggers = loggers
        store = start.store
        let network = PeerNetwork(settings, logger: loggers[.transport])
        self.network = network
        replica = LocalReplica(store: store, logger: loggers[.replica])
        let clusterClock = ClusterClock(
            store: store,
            replica: replica,
            start,
            logger: loggers[.core]
        )
        self.clusterClock = clusterClock
        clock = { clusterClock.now() }
        forwarder = Forwarder(firstNumber: start.firstForward) { network.send($0, to: $1) }
        seal = SealKeeper(
            store: store,
            replica: replica,
            epoch: start.cluster.epoch,
            logger: loggers[.core]
        )
        state = NodeState(
            settings: settings,
            configuration: start.configuration,
            selfID: start.selfID,
            clusterID: start.clusterID,
            store: store,
            replica: replica,
            seal: seal,
            clock: wall
        )
        workers = Workers(threads: Limits.workerThreads, waitingMax: Limits.workerQueueMax)
        let fetcher = fetcher
        let keySets = KeySetKeeper(
            fetch: { fetcher.fetch($0, completion: $1) },
            logger: loggers[.requests]
        )
        let monitor = loggers.monitor
        let replies = replies
        seal.whenSealed {
            replies.forgetAll()
            keySets.forgetAll()
            monitor.endAll()
        }
        effects = EffectPool([(.keySet, keySets)])
        waiting = WaitingRequests(effects)
        observer = RequestObserver(
            level: settings.requestLogLevel,
            logger: loggers[.requests]
        )
    }

    private var facts: @Sendable () -> NodeFacts { { [state] in state.facts() } }

    func opener() -> VaultOpener {
        VaultOpener(store: store, replica: replica, clock: clock, logger: loggers[.core])
    }

    func versions(_ opener: VaultOpener) -> VersionKeeper {
        VersionKeeper(
            parts: (store, replica, opener),
            facts: facts,
            clock: clock,
            logger: loggers[.core]
        )
    }

    func creation(epoch: UInt64) -> CreationFlow {
        CreationFlow(
            store: store,
            replica: replica,
            forwarder: forwarder,
            workers: workers,
            epoch: epoch,
            clock: clock,
            logger: loggers[.core]
        )
    }

    func calls(
        _ settings: Settings,
        _ versions: VersionKeeper,
        _ creation: CreationFlow,
        _ audit: AuditParts
    ) -> NodeCalls {
        NodeCalls(
            state: state,
            parts: (seal, versions, creation, audit, waiting),
            local: LocalCalls(
                settings: settings,
                levels: loggers.levels,
                inFlight: observer.inFlight,
                monitor: loggers.monitor,
                seal: seal,
                logger: loggers[.core]
            ),
            tasks: taskCounts,
            tellsMetricsToAll: settings.metricsUnauthenticated,
            meter: observer.meter,
            store: store,
            replica: replica,
            workers: workers,
            clusterClock: clusterClock,
            logger: loggers[.core]
        )
    }

    func flow(_ opener: VaultOpener) -> RequestFlow {
        RequestFlow(
            store: store,
            replica: replica,
            seal: seal,
            opener: opener,
            forwarder: forwarder,
            workers: workers,
            waiting: waiting,
            facts: facts,
            clock: clock,
            logger: loggers[.requests]
        )
    }

    /// Who may do what no mount serves.
    private var operators: OperatorCheck {
        OperatorCheck(
            store: store,
            replica: replica,
            seal: seal,
            onWorker: { [workers] in workers.submit($0) },
            facts: facts,
            clock: clock
        )
    }

    func membership(_ settings: Settings, _ start: NodeStart) -> MembershipFlow {
        MembershipFlow(
            MembershipFlow.ClusterIdentity(start),
            AutopilotRules(settings.autopilot),
            replica: replica,
            seal: seal,
            forwarder: forwarder,
            operators: operators,
            logger: loggers[.core]
        )
    }

    func rateLimits() -> RateLimitGate {
        RateLimitGate(
            (store, replica, workers),
            seal: seal,
            facts: facts,
            clock: clock,
            logger: loggers[.core]
        )
    }

    func crossOrigin() -> CrossOriginGate {
        CrossOriginGate((store, replica, workers), seal: seal, logger: loggers[.core])
    }

    /// What does the vault's own work on this node.
    func taskRunner() -> TaskRunner {
        TaskRunner(
            TaskRunner.Parts(
                store: store,
                replica: replica,
                seal: seal,
                facts: facts,
                clock: clock,
                logger: loggers[.tasks]
            ),
            effects: effects,
            counts: taskCounts
        )
    }
}
