import API
import Barrier
import NIOCore
import Policy
import Raft
import Replica
import Store
import Synchronization
import Transport
import Vault
import Wire

/// `sys/node-status`: what an operator has to know of this node in any state, sealed, cut off or
/// without room. It asks nobody, needs no leader and leaves no record, so it is answered while
/// everything else is not.
struct NodeStatus: Sendable {
    let state: NodeState
    let store: LocalStore
    let replica: LocalReplica
    let seal: SealKeeper
    let audit: AuditParts
    let tasks: TaskCounts
    let census: TokenCensus
    let workers: Workers
    let clock: @Sendable () -> Timestamp

    /// Who calls it, as policies see it.
    static let access = AccessRequest(.read, "sys/node-status")

    /// Answers once, on any thread. Who may not see details gets the rest.
    ///
    /// A token that was taken back a moment ago may still read it on a node that cannot ask a
    /// majority: that is when it is needed most.
    func answer(
        _ caller: OperatorCaller,
        loop: any EventLoop,
        _ completion: @escaping @Sendable (APIResponse) -> Void
    ) {
        let tell: @Sendable () -> Void = {
            workers.submit { isTaken in
                guard isTaken else { return completion(ServiceFailure.overloaded.response) }
                completion(response(caller))
            }
        }
        guard !caller.token.isEmpty, seal.unsealed != nil, replica.status.leader != nil else {
            return tell()
        }
        let patience = Duration.milliseconds(Limits.statusReadWaitMilliseconds)
        replica.waitForRead(deadline: .now + patience) { _ in loop.execute(tell) }
    }

    private func response(_ caller: OperatorCaller) -> APIResponse {
        var facts = NodeStatusFacts()
        let status = replica.status
        facts.node = node(status)
        if mayKnowAll(caller) { facts.details = details(status) }
        return NodeStatusReply.response(facts)
    }

    private func mayKnowAll(_ caller: OperatorCaller) -> Bool {
        guard seal.unsealed != nil else { return true }
        guard !caller.token.isEmpty else { return false }
        let check = OperatorCheck(
            store: store,
            replica: replica,
            seal: seal,
            onWorker: { [workers] in workers.submit($0) },
            facts: { state.facts() },
            clock: clock
        )
        return check.allowsNow(caller, for: Self.access)
    }

    private func node(_ status: ReplicaStatus) -> NodeStatusFacts.Node {
        var node = NodeStatusFacts.Node()
        node.name = state.settings.node
        node.version = Version.number
        node.time = WallClock.now()
        let record = sealRecord
        node.isInitialized = record.isThere
        node.sharesNeeded = record.known?.sharesRequired ?? 0
        node.isSealed = seal.unsealed == nil
        node.sharesGiven = seal.progress.given
        node.role = role(status)
        node.term = status.term.number
        node.hasLeader = status.leader != nil
        node.lastIndex = status.last.number
        node.committedIndex = status.committed.number
        node.appliedIndex = status.evaluated.number
        node.room =
            switch status.space {
            case .ample: "ample"
            case .reserved: "deletes only"
            case .exhausted: "none"
            }
        return node
    }

    /// Whether there is a vault, and its seal record if it can be had. On a worker.
    private var sealRecord: (isThere: Bool, known: SealRecord?) {
        do throws(BarrierError) {
            switch try seal.look(mayWalk: true) {
            case .found(let record): return (true, record)
            case .absent: return (false, nil)
            // Where no vault is there is nothing to be lost.
            case .damaged(let bucket):
                seal.mend(bucket)
                return (true, seal.lastSeen)
            case .unseen: preconditionFailure("a walk may be made")
            }
        } catch {
            // It cannot be read, so it is there.
            return (true, seal.lastSeen)
        }
    }

    private func role(_ status: ReplicaStatus) -> String {
        switch status.role {
        case .leader: return "leader"
        case .candidate, .preCandidate: return "candidate"
        case .follower:
            let isVoter = state.configuration.member(state.selfID)?.role == .voter
            return isVoter ? "follower" : "learner"
        }
    }

    private func details(_ status: ReplicaStatus) -> NodeStatusFacts.Details {
        var details = NodeStatusFacts.Details()
        let configuration = state.configuration
        details.leader = status.leader.map { configuration.member($0)?.name ?? "\($0.number)" }
        details.leaderSince = state.leader().activeTime
        details.members = configuration.members.map { member in
            var told = NodeStatusFacts.Member()
            (told.name, told.region, told.zone) = (member.name, member.region, member.zone)
            (told.apiAddress, told.peerAddress) = (member.apiAddress, member.peerAddress)
            told.isVoter = member.role == .voter
            told.heard = status.members.first { $0.id == member.id }.map {
                NodeStatusFacts.Heard(
                    isActive: $0.isRecentlyActive,
                    matchIndex: $0.match.number
                )
            }
            return told
        }
        details.disk = Machine.room(state.settings.data).map {
            NodeStatusFacts.Disk(available: $0.available, total: $0.total)
        }
        if status.role == .leader {
            details.tokens = census.count(seal, in: store, mayTakeLong: false)
        }
        // Whoever cannot look into the database still tells everything else.
        if let growth = try? store.growth() {
            details.databaseBytes = growth.usedPages * growth.pageBytes
        }
        (details.damagesFound, details.damagesRepaired) = (
            status.scrub.found, status.scrub.repaired
        )
        details.doubtfulParts = status.scrub.doubtfulBuckets.count
        details.lastDamage = status.scrub.lastFinding
        details.audit = audit.status
        details.snapshotsDelivered = status.snapshots.delivered
        details.snapshotsFailed = status.snapshots.failed
        details.tasksLagSeconds = tasks.lagSeconds.load(ordering: .relaxed)
        details.work = seal.unsealed.flatMap { unsealed in
            try? store.view { view throws(VaultError) in
                try WorkSummary(unsealed.keyring, view: view)
            }
        }
        return details
    }
}

extension AuditParts {
    /// What `sys/node-status` says of the audit.
    fileprivate var status: NodeStatusFacts.Audit {
        var status = NodeStatusFacts.Audit()
        let numbers = keeper.counters.numbers
        status.isOn = isOn
        status.refused = numbers.refused
        status.secondsSinceRefusal = numbers.lastRefusal.map {
            UInt64(max(0, (Moment.now - $0) / .seconds(1)))
        }
        status.waiting = keeper.waiting
        return status
    }
}
