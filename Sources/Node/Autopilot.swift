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
        let plan = AutopilotPlan(configuration: replica.configuration, members: members)
        guard let step = plan.next(flow.rules) else { return }
        isBusy.value = true
        logger.notice("autopilot: \(step.text)")
        flow.carryOut(step, loop: loop) { [self] in
            loop.execute { self.isBusy.value = false }
        }
    }
}

extension AutopilotPlan {
    /// What is due by an operator's rules.
    func next(_ rules: AutopilotRules) -> Step? {
        let removal = Removal(
            quietMillisecondsMin: rules.deadSeconds * 1_000,
            votersMin: rules.votersMin
        )
        return next(removing: rules.removesDead ? removal : nil)
    }
}
