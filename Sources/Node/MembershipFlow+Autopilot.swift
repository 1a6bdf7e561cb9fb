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

/// How long each member has been silent, as this process has seen it while it led.
struct Silence: Sendable {
    private var heard: [NodeID: ContinuousClock.Instant] = [:]
    private var term = Term.zero

    /// Takes in what is known at `now`; a new term begins anew, with everyone heard.
    mutating func update(
        _ members: [RaftCore.MemberProgress],
        term: Term,
        now: ContinuousClock.Instant
    ) {
        if term != self.term {
            heard = [:]
            self.term = term
        }
        for member in members where member.isRecentlyActive || heard[member.id] == nil {
            heard[member.id] = now
        }
    }

    func milliseconds(of id: NodeID, now: ContinuousClock.Instant) -> Int {
        guard let last = heard[id] else { return 0 }
        return Int((now - last) / .milliseconds(1))
    }
}

extension MembershipFlow {
    /// What the leader knows now; empty on others.
    func memberStates() -> [MemberState] {
        let status = replica.status
        let now = ContinuousClock.now
        return silence.withLock { silence in
            silence.update(status.members, term: status.term, now: now)
            return status.members.map { member in
                let configured = status.configuration?.member(member.id)?.incarnation
                let spoken = member.incarnation.flatMap { $0 == NodeLife.forgotten ? nil : $0 }
                return MemberState(
                    id: member.id,
                    isSelf: member.progress == nil,
                    match: member.match,
                    isRecentlyActive: member.isRecentlyActive,
                    isCounted: member.isCounted,
                    foreignIncarnation: spoken == configured ? nil : spoken,
                    quietMilliseconds: silence.milliseconds(of: member.id, now: now)
                )
            }
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
        let call: ClusterCall
        let changes: [MembershipChange]
        switch step {
        case .promote(let id, let name):
            (call, changes) = (.promote(server: name), [.voters(promote: [id], demote: [])])
        case .suspend(let id, let name):
            (call, changes) = (.demote(server: name), [.suspend(id)])
        case .readmit(let id, let incarnation, let name):
            (call, changes) = (.demote(server: name), [.readmit(id, incarnation: incarnation)])
        case .remove(let id, let name):
            let isVoter = replica.configuration.member(id)?.role == .voter
            let demotion = MembershipChange.voters(promote: [], demote: [id])
            (call, changes) = (.remove(server: name), (isVoter ? [demotion] : []) + [.remove(id)])
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
        make(changes, context, unsealed.keyring)
    }

    private func make(_ changes: [MembershipChange], _ context: Context, _ keyring: Keyring) {
        guard let first = changes.first else { return context.answer(ClusterReply.done) }
        change(first, context, keyring) { self.make(Array(changes.dropFirst()), context, keyring) }
    }
}
