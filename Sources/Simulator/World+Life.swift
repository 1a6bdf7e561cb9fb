import Raft
import Replica
import Store
import Wire

// Starts and ends of processes.

extension World {
    /// As after one disaster recovery.
    static let epoch: UInt64 = 1

    /// Plans a start, unless the node runs, is about to, or cannot.
    func planStart(_ position: Int, after nanoseconds: UInt64) {
        let node = nodes[position]
        guard node.process == nil, !node.isStartPlanned, node.isJoined, !node.isAway else { return }
        nodes[position].isStartPlanned = true
        queue.add(.start(node: position), at: now + nanoseconds)
    }

    /// A process begins with what the disk holds, as `NodeStart` does it.
    func start(_ position: Int) throws {
        nodes[position].isStartPlanned = false
        guard nodes[position].process == nil, !nodes[position].isAway else { return }
        guard isTrusted(position) else {
            makeAnew(position)
            return planStart(position, after: 1_000_000)
        }
        if nodes[position].oldImage == nil, !isHealing, dice.chance(512) {
            nodes[position].oldImage = nodes[position].disk.image
        }
        let disk = nodes[position].disk
        let restored: ProcessStart?
        do throws(StoreError) {
            restored = try restore(position)
        } catch {
            guard nodes[position].wasDamaged, error.isDamage else {
                throw Violation("node \(position + 1) cannot start: \(error.summary)")
            }
            say("node \(position + 1) finds its database damaged: \(error.summary)")
            makeAnew(position)
            return planStart(position, after: 1_000_000)
        }
        guard let restored else { return }
        let number = processes.count
        let process = Process(
            number: number,
            node: position,
            store: SimulatedStore(disk: disk),
            start: restored
        )
        processes.append(process)
        nodes[position].process = process
        nodes[position].boots += 1
        counts.starts += 1
        hash.mix(UInt64(position) << 8 | 2, UInt64(number))
        say("node \(position + 1) starts, boot \(nodes[position].boots)")
        try checker.started(position, process)
        do throws(WorkFailure) {
            try process.storage.begin()
        } catch {
            return try stopped(process, error)
        }
        try diskWorks(process)
        process.coreInbox.append(.raft(.sealChanged(isSealed: nodes[position].isSealed)))
        wakeCore(process)
        setIdle(&process.courierIdle, at: now + 10_000_000, .courier(process: number))
        setIdle(&process.repair.idle, at: now + 20_000_000, .repair(process: number))
        setIdle(
            &process.evaluationIdle,
            at: now + 250_000_000,
            .evaluation(process: number)
        )
        // Its connections are made anew.
        for other in nodes.indices where other != position { network.reset(position, other) }
    }

    /// - Returns: nil when bodies have to be fetched first.
    private func restore(_ position: Int) throws(StoreError) -> ProcessStart? {
        let disk = nodes[position].disk
        let vote = try disk.openVote()
        if planted("truncatesCorrupt") { disk.durable.cutAtDamage() }
        if let damage = disk.durable.headerDamage { throw damage }
        try disk.durable.dropAppliedDamage()
        let tables = disk.durable
        if let contradiction = tables.point.contradiction { throw .damagedHardState(contradiction) }
        let point = tables.point
        let ballot = try vote.merged(with: Ballot(term: point.term, vote: point.vote))
        var entries: [LogEntry] = []
        for row in tables.log { entries.append(try Self.entry(row.entry)) }
        let known = try Self.configuration(tables.cluster)
        let configuration = known ?? self.configuration
        let lost = tables.damagedBodies
        guard lost.isEmpty else {
            recover(lost, position, configuration)
            return nil
        }
        let cluster = ClusterRecord(
            clusterID: [UInt8](repeating: 7, count: StoreLimits.digestBytes),
            epoch: Self.epoch,
            incarnation: tables.cluster?.incarnation ?? 0,
            bootCounter: (tables.cluster?.bootCounter ?? 0) + 1,
            configuration: configuration.encoded(),
            formatLevel: tables.cluster?.formatLevel ?? 1
        )
        let hardState = HardState(
            term: Term(number: ballot.term),
            vote: ballot.vote.map { NodeID(number: $0) },
            commit: LogIndex(number: point.commitIndex)
        )
        let core = RaftCore(
            id: nodes[position].id,
            life: NodeLife(
                epoch: cluster.epoch,
                boot: cluster.bootCounter,
                incarnation: cluster.incarnation,
                mayVote: true
            ),
            configuration: configuration,
            hardState: hardState,
            snapshotIndex: LogIndex(number: point.base.index),
            snapshotTerm: Term(number: point.base.term),
            entries: entries,
            evaluated: LogIndex(number: point.appliedIndex),
            isSealed: true,
            settings: tuning.raft,
            seed: dice.next()
        )
        return ProcessStart(
            id: nodes[position].id,
            core: core,
            state: ReplicaStart(
                hardState: hardState,
                applied: LogIndex(number: point.appliedIndex),
                logBase: LogIndex(number: point.base.index),
                cluster: cluster
            ),
            retention: tuning.retention,
            checkpointEntries: tuning.checkpointEntries,
            streams: tuning.streams,
            now: instant(position)
        )
    }

    private static func configuration(
        _ record: ClusterRecord?
    ) throws(StoreError) -> Configuration? {
        guard let record else { return nil }
        do throws(WireError) {
            return try Configuration(decoding: record.configuration)
        } catch {
            throw .damagedHardState(error.summary)
        }
    }

    private static func entry(_ stored: StoredEntry) throws(StoreError) -> LogEntry {
        guard let kind = EntryKind(rawValue: stored.kind) else {
            throw .damagedLogHeader(index: stored.index, reason: "kind \(stored.kind)")
        }
        return LogEntry(
            index: LogIndex(number: stored.index),
            term: Term(number: stored.term),
            kind: kind,
            body: stored.body
        )
    }

    /// A machine gave up, so its process ends, as `Halt` ends it.
    func stopped(_ process: Process, _ failure: WorkFailure) throws {
        let position = process.node
        let isExpected =
            switch failure.error {
            case .full: true
            case .system: true
            case .damagedLogHeader, .damagedLogBody, .evaluatedOnLoss: nodes[position].wasDamaged
            default: false
            }
        guard isExpected else {
            throw Violation(
                "node \(position + 1) stopped while \(failure.activity): \(failure.error.summary)"
            )
        }
        say("node \(position + 1) stops while \(failure.activity): \(failure.error.summary)")
        try crash(position)
        planStart(position, after: dice.draw(50_000_000...2_000_000_000))
    }

    /// The process is gone, and with it what was not synced.
    func crash(_ position: Int) throws {
        if nodes[position].recovery != nil {
            nodes[position].recovery = nil
            nodes[position].isStartPlanned = false
        }
        guard let process = nodes[position].process else { return }
        say("node \(position + 1) dies")
        hash.mix(UInt64(position) << 8 | 3, UInt64(process.number))
        processes[process.number] = nil
        nodes[position].process = nil
        do throws(StoreError) {
            try nodes[position].disk.crash(&dice)
        } catch {
            throw Violation("the disk of node \(position + 1) differs: \(error.summary)")
        }
        if let lie = settings.lie { nodes[position].disk.tell(lie, &dice) }
        try checker.durable(nodes[position])
        checker.ended(position)
        // The kernel closes its connections, unless the machine is gone with it.
        let isSilent = dice.chance(300)
        for other in nodes.indices where other != position {
            network.reset(position, other)
            if !isSilent, !network.isCut(position, other) {
                queue.add(
                    .reset(of: position, at: other),
                    at: now + dice.draw(100_000...3_000_000)
                )
            }
        }
    }
}
