import Raft
import Replica
import Store

/// Snapshots on their way. The files and threads of production's courier are not simulated: an
/// image travels whole, takes its time, and is lost when its connection or an end is.
struct Courier {
    /// Unique names for the files at receivers.
    var arrivals = 0
}

enum CourierEvent {
    /// The sender looks whether it has applied far enough to export.
    case export(process: Int, target: Int, atLeast: LogIndex, term: Term, patience: Int)
    /// All of it is with the receiver.
    case arrive(Parcel)
    /// The sender hears how its stream ended; no point: nothing was exported.
    case end(process: Int, target: Int, SnapshotPoint?, Term, isDelivered: Bool)
}

/// A snapshot between two processes.
struct Parcel {
    let sender: Int
    let receiver: Int
    let target: Int
    let generation: UInt32
    let term: Term
    let point: SnapshotPoint
    let image: SnapshotImage
}

extension World {
    func stream(from process: Process, to target: Int, atLeast index: LogIndex, term: Term) {
        // Of a member that is not committed yet nobody has heard.
        guard target < nodes.count else { return end(process.number, target, nil, term, false) }
        let event = CourierEvent.export(
            process: process.number,
            target: target,
            atLeast: index,
            term: term,
            patience: 400
        )
        queue.add(.courier(event), at: now + 500_000)
    }

    func handle(_ event: CourierEvent) {
        switch event {
        case .export(let number, let target, let index, let term, let patience):
            guard let process = processes[number] else { return }
            let applied = nodes[process.node].disk.durable.point.appliedIndex
            guard applied >= index.number, applied > 0, process.pausedUntil <= now else {
                guard patience > 0 else { return end(number, target, nil, term, false) }
                let again = CourierEvent.export(
                    process: number,
                    target: target,
                    atLeast: index,
                    term: term,
                    patience: patience - 1
                )
                queue.add(.courier(again), at: now + 5_000_000)
                return
            }
            export(process, to: target, term: term)
        case .arrive(let parcel): arrive(parcel)
        case .end(let number, let target, let point, let term, let isDelivered):
            guard let process = processes[number] else { return }
            let member = NodeID(number: UInt64(target) + 1)
            process.coreInbox.append(
                .streamEnded(to: member, point, term: term, isDelivered: isDelivered)
            )
            wakeCore(process)
        }
    }

    private func export(_ process: Process, to target: Int, term: Term) {
        let standing = process.core.standing
        guard standing.role == .leader, standing.term == term else { return }
        let tables = nodes[process.node].disk.durable
        guard let record = tables.cluster,
            let configuration = try? Configuration(decoding: record.configuration),
            !tables.state.contains(where: \.isDamaged)
        else { return end(process.number, target, nil, term, false) }
        let image = SnapshotImage(
            index: tables.point.appliedIndex,
            term: tables.point.appliedTerm,
            configuration: record.configuration,
            tables: tables
        )
        let point = SnapshotPoint(
            index: LogIndex(number: image.index),
            term: Term(number: image.term),
            configuration: configuration
        )
        process.coreInbox.append(.streaming(to: nodes[target].id, point, term: term))
        wakeCore(process)
        guard let receiver = nodes[target].process, !network.isCut(process.node, target) else {
            return end(process.number, target, point, term, false)
        }
        let parcel = Parcel(
            sender: process.number,
            receiver: receiver.number,
            target: target,
            generation: network.generation(process.node, target),
            term: term,
            point: point,
            image: image
        )
        let travel = network.drawDelay(&dice) + dice.draw(1_000_000...200_000_000)
        queue.add(.courier(.arrive(parcel)), at: now + travel)
    }

    /// As the courier's receiving half decides.
    private func arrive(_ parcel: Parcel) {
        guard let sender = processes[parcel.sender] else { return }
        let (source, target) = (sender.node, parcel.target)
        let isLost =
            network.isCut(source, target) || network.isCut(target, source)
            || network.generation(source, target) != parcel.generation
        guard let receiver = processes[parcel.receiver], receiver.pausedUntil <= now, !isLost else {
            return end(parcel.sender, target, parcel.point, parcel.term, false)
        }
        let standing = receiver.core.standing
        guard parcel.term >= standing.term, parcel.point.index > standing.commit else {
            return end(parcel.sender, target, parcel.point, parcel.term, false)
        }
        courier.arrivals += 1
        counts.snapshots += 1
        let file = "snapshot-arrived-\(courier.arrivals)"
        say("\(source + 1) > \(target + 1) snapshot at \(parcel.point.index.number)")
        hash.mix(UInt64(target) << 8 | 4, parcel.point.index.number)
        receiver.store.arrived.append((file, parcel.image))
        receiver.coreInbox.append(
            .arrived(parcel.point, from: nodes[source].id, term: parcel.term, file: file)
        )
        wakeCore(receiver)
        end(parcel.sender, target, parcel.point, parcel.term, true)
    }

    /// Tells the sender; of a failure after the pause that production makes.
    private func end(
        _ number: Int,
        _ target: Int,
        _ point: SnapshotPoint?,
        _ term: Term,
        _ isDelivered: Bool
    ) {
        let pause = isDelivered ? 1_000_000 : UInt64(Limits.snapshotRetryMilliseconds) * 1_000_000
        let event = CourierEvent.end(
            process: number,
            target: target,
            point,
            term,
            isDelivered: isDelivered
        )
        queue.add(.courier(event), at: now + pause)
    }
}
