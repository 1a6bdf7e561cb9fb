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
        let call: ClusterCall =
            switch step {
            case .promote(_, let name): .promote(server: name)
            case .suspend(_, let name), .readmit(_, _, let name): .demote(server: name)
            case .remove(_, let name): .remove(server: name)
            // No client can ask for it.
            case .raiseFormat: .autopilotState
            }
        let context = Context(
            call: call,
            token: [],
            request: APIRequest(
                method: "PUT",
                target: [],
                headers: APIHeaders(),
                body: [],
                requestID: [UInt8](repeating: 0, count: 16)
            ),
            origin: .member,
            deadline: .now + .seconds(Limits.requestSeconds),
            loop: loop
        ) { [logger] outcome in
            if case .answer(let response) = outcome, response.status != 204 {
                logger.warning(
                    "autopilot: not done: \(String(decoding: response.body, as: UTF8.self))"
                )
            }
            completion()
        }
        make(step.changes(in: replica.configuration), context, unsealed.keyring)
    }

    private func make(_ changes: [MembershipChange], _ context: Context, _ keyring: Keyring) {
        guard let first = changes.first else { return context.answer(ClusterReply.done) }
        change(first, context, keyring) { self.make(Array(changes.dropFirst()), context, keyring) }
    }
}
