import API
import Logging
import NIOCore
import Raft
import Replica

/// What the leader does about members on its own: promotes learners that have caught up, and, if
/// the settings say so, removes members that have been silent for long.
///
/// One change at a time, each through ``MembershipFlow``, so each carries the tag of an unsealed
/// leader; a sealed leader changes nothing. Lives on one event loop.
final class Autopilot: Sendable {
    private let flow: MembershipFlow
    private let replica: LocalReplica
    private let loop: any EventLoop
    private let logger: Logger
    private let isBusy: NIOLoopBoundBox<Bool>

    init(flow: MembershipFlow, replica: LocalReplica, loop: any EventLoop, logger: Logger) {
        self.flow = flow
        self.replica = replica
        self.loop = loop
        self.logger = logger
        isBusy = .makeBoxSendingValue(false, eventLoop: loop)
    }

    /// Looks once a second until the loop ends.
    func start() {
        let pause = TimeAmount.milliseconds(Int64(Limits.autopilotMilliseconds))
        loop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { [weak self] _ in
            self?.look()
        }
    }

    private func look() {
        guard !isBusy.value, replica.status.role == .leader else { return }
        let members = flow.memberStates()
        guard
            let step = AutopilotPlan(configuration: replica.configuration, members: members)
                .next(flow.rules)
        else { return }
        isBusy.value = true
        logger.notice("autopilot: \(step.text)")
        flow.carryOut(step, loop: loop) { [self] in
            loop.execute { self.isBusy.value = false }
        }
    }
}

/// What the leader knows of one member, with how long it has been silent.
struct MemberState: Equatable, Sendable {
    let id: NodeID
    let isSelf: Bool
    /// The end of its log as far as the leader knows.
    let match: LogIndex
    /// It spoke within the last election time-out.
    let isRecentlyActive: Bool
    /// Its disk is the one that was admitted.
    let isCounted: Bool
    /// What its disk says of itself, if it is another one than the admitted.
    let foreignIncarnation: UInt64?
    /// How long it has not been heard, as far as this process has looked.
    let quietMilliseconds: Int
}

/// The next thing to do about the members, from what the leader knows. Pure.
struct AutopilotPlan {
    let configuration: Configuration
    let members: [MemberState]

    /// What is due, if anything is.
    enum Step: Equatable, Sendable {
        case promote(NodeID, name: String)
        case suspend(NodeID, name: String)
        case readmit(NodeID, incarnation: UInt64, name: String)
        case remove(NodeID, name: String)

        var text: String {
            switch self {
            case .promote(_, let name): "\(name) has caught up and becomes a voter"
            case .suspend(_, let name): "\(name) has a new disk and is a learner until it has all"
            case .readmit(_, _, let name): "\(name) is taken back with its new disk"
            case .remove(_, let name): "\(name) has been silent for too long and is removed"
            }
        }
    }

    func next(_ rules: AutopilotRules) -> Step? {
        guard !configuration.isJoint else { return nil }
        return rebuilt ?? promotion ?? (rules.removesDead ? removal(rules) : nil)
    }

    /// A member whose database was lost and made anew: first no voter any more, then known by its
    /// new number. From there on it is promoted like any learner.
    private var rebuilt: Step? {
        for state in members where !state.isSelf && state.isRecentlyActive {
            guard let incarnation = state.foreignIncarnation,
                let member = configuration.member(state.id)
            else { continue }
            return member.role == .voter
                ? .suspend(member.id, name: member.name)
                : .readmit(member.id, incarnation: incarnation, name: member.name)
        }
        return nil
    }

    private var promotion: Step? {
        guard let last = members.first(where: \.isSelf)?.match,
            configuration.voters.count < Raft.Limits.votersMax
        else { return nil }
        for member in configuration.members where member.awaitsPromotion {
            guard let state = state(of: member.id), state.isRecentlyActive, state.isCounted,
                last.number <= state.match.number + Limits.promotionLagMax
            else { continue }
            return .promote(member.id, name: member.name)
        }
        return nil
    }

    /// The dead one to remove: never a voter without whom fewer than `votersMin` are left, and
    /// only while a majority of those that stay is alive.
    private func removal(_ rules: AutopilotRules) -> Step? {
        let dead = members.filter {
            !$0.isSelf && $0.quietMilliseconds >= rules.deadSeconds * 1_000
        }
        for state in dead {
            guard let member = configuration.member(state.id) else { continue }
            if member.role == .voter {
                let rest = configuration.voters.filter { $0.id != member.id }
                let alive = rest.count { self.state(of: $0.id)?.isRecentlyActive == true }
                guard rest.count >= rules.votersMin, alive > rest.count / 2 else { continue }
            }
            return .remove(member.id, name: member.name)
        }
        return nil
    }

    private func state(of id: NodeID) -> MemberState? {
        members.first { $0.id == id }
    }
}
