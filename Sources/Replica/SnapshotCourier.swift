import Logging
package import Raft
import Store

/// The snapshot connections, as the courier needs them.
package protocol SnapshotLink: Sendable {
    /// False when the connection is down or its queue is full: try again soon.
    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool
}

/// The snapshot thread's loop around ``CourierMachine``.
struct SnapshotCourier {
    private struct Ports: CourierPorts {
        let core: Mailbox<CoreInput>
        let repair: Mailbox<RepairJob>
        let link: any SnapshotLink
        let board: StatusBoard
        let logger: Logger

        func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
            link.sendSnapshot(frame, to: member)
        }

        func tellCore(_ input: CoreInput) { core.post(input) }

        func met(_ damage: ScrubFinding) { repair.post(.found(damage)) }

        var standing: CourierStanding {
            let status = board.current
            return CourierStanding(
                (status.role, status.term),
                committed: status.committed,
                applied: board.appliedIndex,
                last: status.last,
                commits: board.commits
            )
        }

        func noted(_ note: CourierNote, _ counters: SnapshotCounters) {
            board.update { $0.snapshots = counters }
            note.log(to: logger)
        }
    }

    let store: LocalStore
    let mailbox: Mailbox<CourierJob>
    let core: Mailbox<CoreInput>
    let repair: Mailbox<RepairJob>
    let folder: SnapshotFolder
    let link: any SnapshotLink
    let status: StatusBoard
    let digest: DigestFunction
    let logger: Logger

    /// Runs until the mailbox is closed.
    func run() {
        let status = status
        let machine = CourierMachine(
            shelf: SnapshotFiles(store: store, folder: folder, digest: digest) { status.commits },
            ports: Ports(
                core: core,
                repair: repair,
                link: link,
                board: status,
                logger: logger
            ),
            now: .now
        )
        machine.begin()
        while let jobs = mailbox.take(
            most: Limits.courierJobsPerTurnMax,
            until: .now + .milliseconds(machine.waitMilliseconds)
        ) {
            machine.turn(jobs, now: .now)
            status.update { $0.snapshots = machine.counters }
        }
    }
}

extension CourierNote {
    fileprivate func log(to logger: Logger) {
        switch self {
        case .sending(let member, let offer):
            logger.info("snapshot: sending", metadata: offer.metadata(["to": "\(member.number)"]))
        case .resuming(let member, let offer, let offset):
            logger.info(
                "snapshot: its receiver has a part of it already",
                metadata: offer.metadata(["to": "\(member.number)", "have": "\(offset)"])
            )
        case .receiving(let member, let offer, let have):
            logger.info(
                "snapshot: receiving",
                metadata: offer.metadata(["from": "\(member.number)", "have": "\(have)"])
            )
        case .arrived(let offer):
            logger.info("snapshot: it is whole and verified", metadata: offer.metadata([:]))
        case .damaged(let offer, let reason):
            logger.error(
                "snapshot: thrown away, it begins anew: \(reason)",
                metadata: offer.metadata([:])
            )
        case .failed(let error):
            logger.error("snapshot: \(error.summary)", metadata: ["remedy": "\(error.remedy)"])
        }
    }
}

extension SnapshotOffer {
    fileprivate func metadata(_ more: Logger.Metadata) -> Logger.Metadata {
        more.merging(
            ["index": "\(point.index.number)", "bytes": "\(bytes)"],
            uniquingKeysWith: { first, _ in first }
        )
    }
}
