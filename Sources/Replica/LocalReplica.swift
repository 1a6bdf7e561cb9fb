package import Logging
package import Raft
package import Store
import Synchronization

/// The connections to the other members, as the replica needs them.
package protocol PeerLink: SnapshotLink, RepairLink {
    /// Sends or drops: consensus repeats what matters. Any thread.
    func send(_ message: Message, to member: NodeID)
}

/// Told about changes of leadership and alarms, on the core's thread: keep it short.
package protocol ReplicaObserver: Sendable {
    /// The role or the known leader changed.
    func roleChanged(_ status: ReplicaStatus)
    /// Other members, or other roles, addresses or keys of them, are in effect from now on.
    func configurationChanged(_ configuration: Configuration)
    /// Something that cannot happen did.
    func raised(_ alarm: Alarm)
    /// Another member's state was another one after the same entry. On the repair thread.
    func diverged(_ divergence: Divergence)
    /// A majority agrees on another state than this node's: it must not go on. On the repair
    /// thread.
    func outvoted(_ own: Checkpoint, majority: [UInt8])
}

/// One member's share of the replicated log: consensus, its disk and its evaluated state.
///
/// Six threads of its own: the core (consensus and timers, never waits for a disk), storage (the
/// one write transaction), evaluation (committed entries become visible, answers leave), the
/// courier (snapshots), repair (what members lost), and the scrubber (looks for damage). Bounded
/// mailboxes between them; every method here may be called from any thread and never blocks.
package final class LocalReplica: Sendable {
    let core = Mailbox<CoreInput>(bound: Limits.inboxInputsMax)
    let storage = Mailbox<StorageJob>(bound: Limits.inboxInputsMax)
    private let evaluation = Mailbox<EvaluationJob>(bound: Limits.inboxInputsMax)
    private let courier = Mailbox<CourierJob>(bound: Limits.courierInboxMax)
    private let watch = DiskWatch()
    let repair = Mailbox<RepairJob>(bound: Limits.repairInboxMax)
    let scrub = Mailbox<Scrubber.Command>(bound: 16)
    let isRepairing = Atomic(false)
    /// All members but this node: who could have another copy of what is damaged here.
    let repairMembers = Mutex<[NodeID]>([])
    /// Who hears of divergences; the repair thread may run before there is one.
    let observer = Mutex<(any ReplicaObserver)?>(nil)
    let board: StatusBoard
    let trust = BucketTrust()
    /// In a struct: a bare closure in a `Mutex` is wrapped once more each time it is looked at,
    /// and every call then walks all the wrappings.
    private struct Inspection: Sendable {
        let inspect: EntryInspector
    }

    private let inspection = Mutex<Inspection?>(nil)
    let store: LocalStore
    let logger: Logger

    /// Prepares the threads' state; ``start(core:state:link:observer:folder:)`` runs them.
    ///
    /// - Parameters:
    ///   - store: open, and used by no other writer.
    ///   - logger: for what operators should know; never sees a body.
    package init(store: LocalStore, logger: Logger) {
        self.store = store
        self.logger = logger
        board = StatusBoard(ReplicaStatus(), applied: .zero)
    }

    /// Starts the threads; call it once.
    ///
    /// - Parameters:
    ///   - raft: the core, restored from what `state` says.
    ///   - state: what the store held at the start.
    ///   - folder: the data folder, where snapshot files live.
    ///   - digest: SHA-256, as the store was opened with.
    ///   - retention: how much log is kept; tests make it small.
    package func start(
        raft: RaftCore,
        state: ReplicaStart,
        link: any PeerLink,
        observer: any ReplicaObserver,
        folder: SnapshotFolder,
        digest: @escaping DigestFunction,
        retention: LogRetention = LogRetention()
    ) {
        board.applied(through: state.applied)
        board.update {
            $0.term = raft.term
            $0.last = raft.lastIndex
            $0.evaluated = state.applied
            $0.configuration = raft.configuration
            $0.committedConfiguration = raft.committedConfiguration
        }
        startStorage(state, checkpointEntries: retention.checkpointEntries)
        startEvaluation(state)
        startCourier(link, folder, digest)
        let others = raft.configuration.members.map(\.id).filter { $0 != raft.id }
        self.observer.withLock { $0 = observer }
        startRepair(link: link, members: others)
        startScrubber()
        var retention = retention
        retention.requests = store.view { $0.requestsRetained }
        startCore(raft, state, link, observer, retention)
    }

    /// Ends the threads, each after what it is doing; nothing is answered any more. The disk needs
    /// no farewell: this is what a crash between two transactions leaves, too.
    package func stop() {
        // It may hold this replica.
        observer.withLock { $0 = nil }
        core.close()
        evaluation.close()
        courier.close()
        scrub.close()
        repair.close()
        storage.close()
    }

    // MARK: Threads

    private func startStorage(_ state: ReplicaStart, checkpointEntries entries: UInt64) {
        let repair = repair
        let (store, storage, core, logger) = (store, storage, core, logger)
        let (watch, board) = (watch, board)
        WorkerThread.start(name: "hf-storage") {
            StorageWorker(
                store: store,
                mailbox: storage,
                core: core,
                state: state,
                watch: watch,
                board: board,
                repair: repair,
                checkpointEntries: entries,
                logger: logger
            ).run()
        }
    }

    private func startEvaluation(_ state: ReplicaStart) {
        let (store, storage, core, evaluation) = (store, storage, core, evaluation)
        let logger = logger
        WorkerThread.start(name: "hf-evaluation") { [self] in
            Evaluator(
                store: store,
                mailbox: evaluation,
                core: core,
                storage: storage,
                evaluated: state.applied,
                logger: logger,
                inspector: { self.inspection.withLock { $0 }?.inspect },
                mend: { [self] bucket in
                    mend(bucket, deadline: .now + .seconds(1)) { _ in }
                    return hasOthers
                },
                hasOthers: { [self] in hasOthers },
                trust: trust
            ).run()
        }
    }

    private func startCourier(
        _ link: any PeerLink,
        _ folder: SnapshotFolder,
        _ digest: @escaping DigestFunction
    ) {
        let (store, courier, core, board, logger) = (store, courier, core, board, logger)
        let repair = repair
        WorkerThread.start(name: "hf-courier") {
            SnapshotCourier(
                store: store,
                mailbox: courier,
                core: core,
                repair: repair,
                folder: folder,
                link: link,
                status: board,
                digest: digest,
                logger: logger
            ).run()
        }
    }

    private func startCore(
        _ raft: RaftCore,
        _ state: ReplicaStart,
        _ link: any PeerLink,
        _ observer: any ReplicaObserver,
        _ retention: LogRetention
    ) {
        let ports = ThreadPorts(
            storage: storage,
            evaluation: evaluation,
            courier: courier,
            board: board,
            link: link,
            observer: observer,
            membersChanged: { [self, id = raft.id] configuration in
                membersChanged(configuration.members.map(\.id).filter { $0 != id })
            }
        )
        let (core, board, watch) = (core, board, watch)
        WorkerThread.start(name: "hf-core") {
            let machine = CoreMachine(
                core: raft,
                applied: state.applied,
                ports: ports,
                retention: retention,
                watch: watch,
                now: .now
            )
            while let inputs = core.take(
                most: Limits.inputsPerTurnMax,
                until: machine.nextTick,
                isPatient: machine.isPatient
            ) {
                // The clock is read after the inputs were taken, never before: see `turn`.
                machine.turn(inputs, now: .now)
                machine.report(to: board)
            }
        }
    }

    // MARK: Inputs

    /// Brings a batch towards the log. `onProposed` is always called exactly once.
    package func propose(_ proposal: BatchProposal) {
        if !core.offer(.propose(proposal)) { proposal.onProposed(.refused(.overloaded)) }
    }

    /// Proposes the next configuration; only a leader takes it. ``ReplicaStatus/configuration`` is
    /// what it has to follow on.
    package func propose(_ change: MembershipProposal) {
        if !core.offer(.change(change)) { change.onProposed(.refused(.overloaded)) }
    }

    /// Waits for the fate of an entry that the leader appended at `index` in `term`.
    package func waitForCommit(
        _ index: LogIndex,
        _ term: Term,
        deadline: Moment,
        completion: @escaping @Sendable (CommitOutcome) -> Void
    ) {
        evaluation.post(
            .wait(
                CommitWaiter(index: index, term: term, deadline: deadline, completion: completion)
            )
        )
    }

    /// Waits until a view of this node's store is linearizable: it then holds every write
    /// acknowledged, anywhere, before this call.
    ///
    /// - Parameter mustConfirm: false for whoever heeds ``ReadProof/validUntil``.
    package func waitForRead(
        deadline: Moment,
        mustConfirm: Bool = true,
        completion: @escaping @Sendable (ReadOutcome) -> Void
    ) {
        let waiter = ReadWaiter(
            deadline: deadline,
            mustConfirm: mustConfirm,
            completion: completion
        )
        if !core.offer(.read(waiter)) { completion(.refused(.overloaded)) }
    }

    /// Waits until `index` is evaluated here, without asking a leader.
    package func waitForEvaluation(
        _ index: LogIndex,
        deadline: Moment,
        completion: @escaping @Sendable (ReadOutcome) -> Void
    ) {
        evaluation.post(
            .readers([ReadWaiter(deadline: deadline, completion: completion)], index)
        )
    }

    /// Lets another voter lead, without a lost or failed request: writes are taken until `target`
    /// has nearly all of the log, then refused with a hint for as long as the change takes.
    ///
    /// - Parameters:
    ///   - target: nil for the fittest voter: unsealed, caught up, its disk well.
    ///   - deadline: when `completion` is told that it timed out; it may still happen.
    ///   - completion: called once, on the core's thread.
    package func transferLeadership(
        to target: NodeID?,
        deadline: Moment,
        completion: @escaping @Sendable (TransferOutcome) -> Void
    ) {
        let request = TransferRequest(target: target, deadline: deadline, completion: completion)
        if !core.offer(.transfer(request)) { completion(.refused(.overloaded)) }
    }

    /// A consensus message arrived. Dropped at the bound: consensus repeats what matters.
    package func received(_ message: Message, from member: NodeID) {
        let isAnswer = if case .heartbeatResponse = message.body { true } else { false }
        _ = core.offer(
            .raft(.received(message, from: member)),
            extra: Limits.inboxMessagesExtra,
            isUrgent: !isAnswer
        )
    }

    /// A frame of a snapshot stream arrived.
    package func received(_ frame: SnapshotFrame, from member: NodeID) {
        _ = courier.offer(.frame(frame, from: member))
    }

    /// The connection to `member` was reset: its process may be gone.
    package func linkReset(_ member: NodeID) {
        core.post(.raft(.linkReset(member)))
        courier.post(.linkReset(member))
    }

    /// A connection that carries snapshots to `member`, or from it, broke.
    package func snapshotLinkLost(_ member: NodeID) { courier.post(.linkReset(member)) }

    /// This node was sealed or unsealed, which decides how eagerly it leads.
    package func sealChanged(isSealed: Bool) {
        core.post(.raft(.sealChanged(isSealed: isSealed)))
    }

    /// Replaces the check that an unsealed node makes on every committed batch; nil while sealed.
    package func setInspector(_ new: EntryInspector?) {
        let inspection = new.map { Inspection(inspect: $0) }
        self.inspection.withLock { $0 = inspection }
    }

    /// Looks at every committed batch that the log still holds, then calls `completion`, both on
    /// the evaluation thread. Those committed later go to the inspector set before this call.
    package func inspectRetained(
        _ inspector: @escaping EntryInspector,
        completion: @escaping @Sendable () -> Void
    ) {
        core.post(.inspect(inspector, completion: completion))
    }

    /// What the core last said about itself.
    package var status: ReplicaStatus { board.current }
}

/// Where a replica begins: what its store held.
package struct ReplicaStart: Sendable {
    /// Term, vote and commit index, merged with the vote file.
    package let hardState: HardState
    /// Everything through here is in the state tables.
    package let applied: LogIndex
    /// The log begins after this index.
    package let logBase: LogIndex
    /// Whom the node belongs to, with this start counted: written before anything else.
    package let cluster: ClusterRecord

    /// Collects the four.
    package init(
        hardState: HardState,
        applied: LogIndex,
        logBase: LogIndex,
        cluster: ClusterRecord
    ) {
        self.hardState = hardState
        self.applied = applied
        self.logBase = logBase
        self.cluster = cluster
    }
}

/// Effects become mail to the other threads and frames to peers.
private struct ThreadPorts: CorePorts {
    let storage: Mailbox<StorageJob>
    let evaluation: Mailbox<EvaluationJob>
    let courier: Mailbox<CourierJob>
    let board: StatusBoard
    let link: any PeerLink
    let observer: any ReplicaObserver
    /// Tells the repair thread whom it can ask.
    let membersChanged: @Sendable (Configuration) -> Void

    func send(_ message: Message, to member: NodeID) { link.send(message, to: member) }
    func persist(_ job: StorageJob) { storage.post(job) }
    func evaluate(_ job: EvaluationJob) { evaluation.post(job) }

    func streamSnapshot(to member: NodeID, atLeast index: LogIndex, term: Term) {
        courier.post(.stream(to: member, atLeast: index, term: term))
    }

    func discardSnapshot(_ file: String) { courier.post(.discard(file)) }

    func roleChanged(_ role: Role, term: Term, leader: NodeID?) {
        board.update { status in
            if role == .leader && status.role != .leader {
                status.leaderSince = Moment.now
            }
            if role != .leader { status.leaderSince = nil }
            status.role = role
            status.term = term
            status.leader = leader
        }
        observer.roleChanged(board.current)
    }

    func configurationChanged(_ configuration: Configuration) {
        membersChanged(configuration)
        observer.configurationChanged(configuration)
    }

    func raised(_ alarm: Alarm) { observer.raised(alarm) }
}
