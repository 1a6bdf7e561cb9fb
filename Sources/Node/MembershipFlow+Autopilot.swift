import API
import Barrier
import Cryptography
import Logging
import NIOCore
import Raft
import Replica
import Synchronization
import Wire

// What the leader knows of the members, and what it changes on its own.

extension LocalReplica {
    /// Who takes part, as this node goes by it.
    ///
    /// - Precondition: the replica was started.
    var configuration: Configuration {
        guard let configuration = status.configuration else {
            preconditionFailure("asked for the members before the replica was started")
        }
        return configuration
    }
}

extension AutopilotRules {
    init(_ settings: Settings.Autopilot) {
        self.init(
            removesDead: settings.removesDead,
            deadSeconds: settings.deadSeconds,
            contactMilliseconds: RaftSettings().electionTicksMin * Replica.Limits.tickMilliseconds,
            trailingEntriesMax: Limits.trailingEntriesMax,
            votersMin: 3
        )
    }
}

extension MembershipFlow {
    /// What the leader knows now; empty on others.
    func memberStates() -> [MemberState] {
        let status = replica.status
        guard let configuration = status.configuration else { return [] }
        return silence.withLock { silence in
            silence.states(
                of: status.members,
                in: configuration,
                term: status.term,
                now: .now
            )
        }
    }

    /// What `sys/storage/raft/autopilot/state` says.
    func health() -> AutopilotFacts {
        let status = replica.status
        let states = memberStates()
        let last = states.first(where: \.isSelf)?.match ?? .zero
        let servers = replica.configuration.members.map { member in
            let state = states.first { $0.id == member.id }
            let match = state?.match ?? .zero
            let isAlive = state?.isRecentlyActive ?? false
            let lag = last.number - min(last.number, match.number)
            return AutopilotFacts.Server(
                name: member.name,
                address: member.peerAddress,
                isLeader: member.id == status.leader,
                isVoter: member.role == .voter,
                isAlive: isAlive,
                lastContactMilliseconds: state?.quietMilliseconds ?? 0,
                lastIndex: match.number,
                isHealthy: isAlive && state?.isCounted == true
                    && lag <= UInt64(rules.trailingEntriesMax)
            )
        }
        return AutopilotFacts(
            term: status.term.number,
            version: Version.number,
            servers: servers
        )
    }

    /// Makes one change of the autopilot's, with the keys of this node; without them, none.
    func carryOut(
        _ step: AutopilotPlan.Step,
        loop: any EventLoop,
        completion: @escaping @Sendable () -> Void
    ) {
        guard let unsealed = seal.unsealed else { return completion() }
        let order = Order(
            begun: .now,
            deadline: .now + .seconds(Limits.requestSeconds),
            loop: loop
        ) { [logger] end in
            switch end {
            case .refused(let text): logger.warning("autopilot: not done: \(text)")
            case .failed(let failure): logger.warning("autopilot: not done: \(failure.summary)")
            // Whoever leads now sees for itself what is due.
            case .notLeader: break
            }
            completion()
        }
        make(step.changes(in: replica.configuration), order, unsealed.keyring, completion)
    }

    private func make(
        _ changes: [MembershipChange],
        _ order: Order,
        _ keyring: Keyring,
        _ completion: @escaping @Sendable () -> Void
    ) {
        guard let first = changes.first else { return completion() }
        change(first, order, keyring) {
            self.make(Array(changes.dropFirst()), order, keyring, completion)
        }
    }
}
