import Logging
package import Raft
package import Store
import Synchronization

/// The data connections, as repair needs them.
package protocol RepairLink: Sendable {
    /// False when the connection is down or its queue is full.
    func sendRepair(_ frame: RepairFrame, to member: NodeID) -> Bool
}

/// A log whose lost bodies were fetched.
package struct RecoveredLog: Sendable {
    /// All entries, without a gap; shorter than it was where others never were committed.
    package let entries: [StoredEntry]
}

extension LocalReplica {
    /// Starts the thread that answers other members' requests for what they lost. A node that
    /// itself lost bodies calls it before it starts the other threads.
    ///
    /// - Parameter members: all but this node.
    package func startRepair(link: any RepairLink, members: [NodeID]) {
        guard isRepairing.exchange(true, ordering: .acquiringAndReleasing) == false else {
            return repair.post(.members(members))
        }
        let ports = RepairThreadPorts(
            store: store,
            link: link,
            storage: storage,
            repair: repair,
            core: core,
            board: board,
            trust: trust,
            observer: { [self] in observer.withLock { $0 } },
            logger: logger
        )
        let (store, repair) = (store, repair)
        WorkerThread.start(name: "hf-repair") {
            var machine = RepairMachine(
                store: store,
                ports: ports,
                trust: ports.trust,
                members: members
            )
            while let jobs = repair.take(
                most: Limits.inputsPerTurnMax,
                until: .now + .milliseconds(machine.waitMilliseconds)
            ) {
                machine.turn(jobs, now: .now)
            }
        }
        repairMembers.withLock { $0 = members }
    }

    /// Starts the thread that looks everything over, again and again.
    func startScrubber() {
        let scrubber = Scrubber(
            store: store,
            mailbox: scrub,
            repair: repair,
            board: board,
            trust: trust
        )
        WorkerThread.start(name: "hf-scrub", isLowPriority: true) { scrubber.run() }
    }

    /// Fetches the bodies that the log lost while the node was down, before it takes part: it must
    /// neither vote nor acknowledge without them. Waits as long as it takes, because giving up an
    /// entry that was acknowledged could lose it. Where the others have applied one and have it no
    /// more the process ends, and the next start puts the database aside.
    ///
    /// Call ``startRepair(link:members:)`` first. What was fetched is written once the storage
    /// thread runs, before anything else it is asked for.
    package func recoverBodies(of state: StoredState) async -> RecoveredLog {
        let lost = state.damagedBodies
        guard !lost.isEmpty else { return RecoveredLog(entries: state.entries) }
        logger.error(
            "bodies of \(lost.count) log entries are damaged: fetching them from other members",
            metadata: ["first": "\(lost[0].index)"]
        )
        let (bodies, cut) = await withCheckedContinuation { continuation in
            repair.post(
                .fetchBodies(lost) { continuation.resume(returning: ($0, $1)) }
            )
        }
        if let cut {
            maintain("cutting the log") { (transaction) throws(StoreError) in
                try transaction.truncateLog(from: cut)
            }
        }
        var entries = state.entries.filter { $0.index < cut ?? .max }
        for entry in lost {
            guard let body = bodies[entry.index] else { continue }
            entries.append(
                StoredEntry(index: entry.index, term: entry.term, kind: entry.kind, body: body)
            )
            maintain("repairing the log") { (transaction) throws(StoreError) in
                _ = try transaction.repairBody(at: entry.index, term: entry.term, body: body)
            }
        }
        entries.sort { $0.index < $1.index }
        logger.notice("the log is whole again", metadata: ["cut": "\(cut ?? 0)"])
        return RecoveredLog(entries: entries)
    }

    private func maintain(
        _ activity: String,
        _ body: @escaping @Sendable (inout WriteTransaction) throws(StoreError) -> Void
    ) {
        let (store, logger) = (store, logger)
        storage.post(
            .maintain {
                do throws(StoreError) {
                    try store.write(body)
                } catch {
                    Halt.now(error, while: activity, logger: logger)
                }
            }
        )
    }

    /// A frame about repair arrived. Dropped at the bound: whoever asked asks again.
    package func received(_ frame: RepairFrame, from member: NodeID) {
        _ = repair.offer(.frame(frame, from: member))
    }

    /// Asks one other member whether it has a record under one of these keys, before a client is
    /// told that there is none.
    package func confirmAbsent(_ question: PresenceQuestion) {
        if !repair.offer(.confirm(question)) { question.completion(.nobody) }
    }

    /// Waits until a damaged bucket is repaired.
    ///
    /// - Parameter completion: called once, on the repair thread, with whether it was.
    package func mend(
        _ bucket: Int,
        deadline: Moment,
        completion: @escaping @Sendable (Bool) -> Void
    ) {
        guard hasOthers else { return completion(false) }
        requireWhole(bucket, deadline: deadline, completion: completion)
    }

    /// Looks whether a bucket adds up now; if not, waits until it is repaired.
    ///
    /// - Parameter completion: called once, on the repair thread unless that has too much to do,
    ///   with whether the bucket is whole.
    package func requireWhole(
        _ bucket: Int,
        deadline: Moment,
        completion: @escaping @Sendable (Bool) -> Void
    ) {
        guard repair.offer(.mend(bucket, deadline: deadline, completion: completion)) else {
            return completion(false)
        }
    }

    /// What an answer that rests on these doubts may be taken for; see
    /// ``BucketTrust/verdict(on:_:_:walk:found:)``.
    ///
    /// - Parameters:
    ///   - look: how; whether there are others is known here.
    package func verdict(
        on doubts: ViewDoubts,
        in view: borrowing ReadView,
        _ look: BucketTrust.Look
    ) -> BucketTrust.Verdict {
        var look = look
        look.hasOthers = hasOthers
        look.showsAllRepairs = view.edition == store.edition
        let verdict = verdict(on: doubts, in: view, as: look)
        // What somebody saw since is of a repair that came meanwhile.
        guard verdict == .whole, look.showsAllRepairs, view.edition != store.edition
        else { return verdict }
        look.showsAllRepairs = false
        return self.verdict(on: doubts, in: view, as: look)
    }

    private func verdict(
        on doubts: ViewDoubts,
        in view: borrowing ReadView,
        as look: BucketTrust.Look
    ) -> BucketTrust.Verdict {
        trust.verdict(
            on: doubts,
            look,
            .now,
            walk: { (bucket) throws(StoreError) in try store.bucketDamage(bucket, in: view) },
            found: { _ = repair.offer(.found($0)) }
        )
    }

    /// Whether there is anybody else who could have another copy.
    package var hasOthers: Bool { repairMembers.withLock { !$0.isEmpty } }

    /// Other members are in effect; all but this node.
    func membersChanged(_ members: [NodeID]) {
        repairMembers.withLock { $0 = members }
        repair.post(.members(members))
    }

    /// Begins a look over everything now, if none goes on.
    package func scrubNow() { scrub.post(.passNow) }
}

/// What the repair machine needs of the other threads.
private struct RepairThreadPorts: RepairPorts, Sendable {
    let store: LocalStore
    let link: any RepairLink
    let storage: Mailbox<StorageJob>
    let repair: Mailbox<RepairJob>
    let core: Mailbox<CoreInput>
    let board: StatusBoard
    let trust: BucketTrust
    let observer: @Sendable () -> (any ReplicaObserver)?
    let logger: Logger

    func send(_ frame: RepairFrame, to member: NodeID) -> Bool {
        link.sendRepair(frame, to: member)
    }

    func write(_ body: @escaping @Sendable (LocalStore) -> Void) {
        let store = store
        storage.post(.maintain { body(store) })
    }

    func again(_ job: RepairJob) { repair.post(job) }

    func body(
        of index: LogIndex,
        _ term: Term,
        _ completion: @escaping @Sendable ([UInt8]?) -> Void
    ) {
        core.post(.body(index, term, completion: completion))
    }

    func doubt(_ buckets: [Int]) {
        trust.doubt(BucketSet(buckets), .now)
        board.update { $0.scrub.doubtfulBuckets = buckets }
    }

    func note(_ event: RepairEvent) {
        switch event {
        case .found(let finding):
            logger.error("damage found: \(finding)")
            board.update { status in
                status.scrub.found += 1
                status.scrub.lastFinding = "\(finding)"
            }
        case .repaired(let what):
            logger.notice("repaired: \(what)")
            board.update { $0.scrub.repaired += 1 }
        case .diverged(let divergence): observer()?.diverged(divergence)
        case .agreed(let index): board.update { $0.scrub.agreed = index }
        case .outvoted(let own, let majority): observer()?.outvoted(own, majority: majority)
        case .beyondRepair(let error):
            // The next start walks everything, and puts the database aside if it is what it seems.
            SuspectMarker.leave()
            Halt.now(error, while: "repairing the data folder", logger: logger)
        case .irreplaceable(let error):
            SuspectMarker.leave(because: error.summary)
            Halt.now(error, while: "repairing the data folder", logger: logger)
        }
    }
}
