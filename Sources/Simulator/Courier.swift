import Raft
import Replica
import Store

/// Where the courier of one process puts what it says, and what it goes by. The world fills it
/// before each turn and empties it afterwards.
final class CourierMail: CourierPorts {
    var standing: CourierStanding
    /// By position: how many more frames the connection takes; none where there is no connection.
    var room: [Int] = []
    var frames: [(frame: SnapshotFrame, target: NodeID)] = []
    var inputs: [CoreInput] = []
    var damage: [ScrubFinding] = []

    init(_ standing: CourierStanding) {
        self.standing = standing
    }

    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
        let position = Int(member.number) - 1
        guard room.indices.contains(position), room[position] > 0 else { return false }
        room[position] -= 1
        frames.append((frame, member))
        return true
    }

    func tellCore(_ input: CoreInput) { inputs.append(input) }
    func met(_ damage: ScrubFinding) { self.damage.append(damage) }
    func noted(_ note: CourierNote, _ counters: SnapshotCounters) {}
}

/// What travels between two nodes besides the messages of consensus.
struct FrameDelivery {
    enum Content {
        case snapshot(SnapshotFrame)
        case repair(RepairFrame)
    }

    let source: Int
    let target: Int
    /// Of the link when it was sent: a reset loses what is on the way.
    let generation: UInt32
    let content: Content
}

extension World {
    /// A job for the courier of a process.
    func post(_ job: CourierJob, to process: Process) {
        process.courierInbox.append(job)
        wakeCourier(process)
    }

    private func wakeCourier(_ process: Process) {
        let due = now + wakeTime()
        guard due < process.courierDue else { return }
        process.courierDue = due
        queue.add(.courier(process: process.number), at: due)
    }

    /// Both ends of a connection learn of its end at their own time.
    func linkBroke(at position: Int, with other: Int) {
        guard let process = nodes[position].process else { return }
        post(.raft(.linkReset(nodes[other].id)), to: position)
        post(.linkReset(nodes[other].id), to: process)
    }

    func turnCourier(_ process: Process) {
        process.courierDue = .max
        let count = min(process.courierInbox.count, Limits.courierJobsPerTurnMax)
        let jobs = Array(process.courierInbox[..<count])
        process.courierInbox.removeFirst(count)
        let (mail, position) = (process.courierMail, process.node)
        mail.standing = courierStanding(of: process)
        mail.room = nodes.indices.map { target in
            nodes[target].process == nil || target == position
                ? 0
                : max(0, tuning.snapshotFramesMost - network.snapshotsUnderWay(position, target))
        }
        process.courier.turn(jobs, now: instant(position))
        drainCourier(process)
        let wait = UInt64(process.courier.waitMilliseconds) * 1_000_000
        setIdle(&process.courierIdle, at: now + wait, .courier(process: process.number))
        if !process.courierInbox.isEmpty { wakeCourier(process) }
    }

    func courierStanding(of process: Process) -> CourierStanding {
        let standing = process.core.standing
        let applied = nodes[process.node].disk.durable.point.appliedIndex
        return CourierStanding(
            (standing.role, standing.term),
            committed: standing.commit,
            applied: LogIndex(number: applied),
            last: standing.last,
            commits: process.commits
        )
    }

    private func drainCourier(_ process: Process) {
        let mail = process.courierMail
        for (frame, target) in mail.frames {
            let target = Int(target.number) - 1
            hash.mix(UInt64(process.node) << 16 | UInt64(target) << 8 | 7, frame.ordinal)
            network.beginSnapshot(process.node, target)
            transmit(.snapshot(frame), from: process.node, to: target)
            if case .begin = frame { meet(process.node, target) }
        }
        mail.frames.removeAll(keepingCapacity: true)
        for finding in mail.damage { post(.found(finding), toRepairOf: process.node) }
        mail.damage.removeAll()
        guard !mail.inputs.isEmpty else { return }
        for case .arrived(let point, let sender, _, _) in mail.inputs {
            counts.snapshots += 1
            say("\(sender.number) > \(process.node + 1) snapshot at \(point.index.number)")
        }
        process.coreInbox += mail.inputs
        mail.inputs.removeAll(keepingCapacity: true)
        wakeCore(process)
    }

    /// Frames keep their order on their connection. What a cut swallows its sender is not told of.
    func transmit(_ content: FrameDelivery.Content, from source: Int, to target: Int) {
        let channel =
            if case .snapshot = content { Network.snapshotChannel } else { Network.appendChannel }
        let delivery = FrameDelivery(
            source: source,
            target: target,
            generation: network.generation(source, target),
            content: content
        )
        let time = network.arrival(source, target, channel: channel, now: now, &dice)
        queue.add(.frame(delivery), at: time)
    }

    func deliver(_ delivery: FrameDelivery) {
        let (source, target) = (delivery.source, delivery.target)
        if case .snapshot = delivery.content { network.endSnapshot(source, target) }
        guard delivery.generation == network.generation(source, target),
            !network.isCut(source, target)
        else { return }
        switch delivery.content {
        case .snapshot(let frame):
            guard let process = nodes[target].process else { return }
            post(.frame(frame, from: nodes[source].id), to: process)
        case .repair(let frame): post(.frame(frame, from: nodes[source].id), toRepairOf: target)
        }
    }
}

extension SnapshotFrame {
    /// For the trace's hash.
    fileprivate var ordinal: UInt64 {
        switch self {
        case .begin(_, let offer): offer.point.index.number << 3 | 1
        case .chunk(let offset, _, _): offset << 3 | 2
        case .received(let index, _): index.number << 3 | 3
        case .taken(_, let offset): offset << 3 | 4
        case .resume(_, let offset): offset << 3 | 5
        }
    }
}
