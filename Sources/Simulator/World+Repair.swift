import Raft
import Replica
import Store

// Repair: production's machine for each process, and for starts that lack bodies. And disks that
// are old images of themselves.

extension World {
    // MARK: Turns

    /// A job for the repair thread of a node, if it has one.
    func post(_ job: RepairJob, toRepairOf position: Int) {
        if let process = nodes[position].process {
            process.repair.inbox.append(job)
            wake(process.repair, .repair(process: process.number))
        } else if let desk = nodes[position].recovery {
            desk.inbox.append(job)
            wake(desk, .recovery(node: position))
        }
    }

    private func wake(_ desk: RepairDesk, _ event: Event) {
        let due = now + wakeTime()
        guard due < desk.due else { return }
        desk.due = due
        queue.add(event, at: due)
    }

    func turnRepair(_ process: Process) throws {
        turn(process.repair, at: process.node, .repair(process: process.number))
        try drainRepair(process)
    }

    private func turn(_ desk: RepairDesk, at position: Int, _ event: Event) {
        desk.due = .max
        let jobs = Self.take(&desk.inbox)
        desk.mail.connect(
            nodes.indices.map { target in
                target != position
                    && (nodes[target].process != nil || nodes[target].recovery != nil)
            }
        )
        desk.machine.turn(jobs, now: instant(position))
        setIdle(
            &desk.idle,
            at: now + UInt64(desk.machine.waitMilliseconds) * 1_000_000,
            event
        )
        if !desk.inbox.isEmpty { wake(desk, event) }
    }

    /// What the machine said in its turn, or out of a closure in another thread's.
    func drainRepair(_ process: Process) throws {
        guard let said = process.repair.mail.take() else { return }
        let position = process.node
        send(said.frames, from: position)
        for job in said.jobs { post(job, toRepairOf: position) }
        if !said.writes.isEmpty {
            process.repairWrites += said.writes
            wakeStorage(process, at: now + wakeTime())
        }
        if !said.bodies.isEmpty {
            process.coreInbox += said.bodies
            wakeCore(process)
        }
        if let doubts = said.doubts {
            process.trust.doubt(BucketSet(doubts), instant(process.node))
        }
        for event in said.events where processes[process.number] != nil {
            try noted(event, by: process)
        }
    }

    private func send(_ frames: [(frame: RepairFrame, target: NodeID)], from position: Int) {
        for (frame, member) in frames {
            let target = Int(member.number) - 1
            hash.mix(UInt64(position) << 16 | UInt64(target) << 8 | 8, now)
            guard !network.isCut(position, target), !dice.chance(network.loss) else { continue }
            transmit(.repair(frame), from: position, to: target)
        }
    }

    private func noted(_ event: RepairEvent, by process: Process) throws {
        let position = process.node
        switch event {
        case .found(let finding): say("node \(position + 1) finds \(finding)")
        case .repaired(let what):
            say("node \(position + 1) has repaired \(what)")
            counts.mended += 1
        case .agreed(let index): hash.mix(UInt64(position) << 8 | 9, index.number)
        case .diverged(let divergence):
            let other = nodes[Int(divergence.member.number) - 1]
            guard nodes[position].hasLostRecords || other.hasLostRecords else {
                throw Violation(
                    "nodes \(position + 1) and \(other.id.number) differ after entry "
                        + "\(divergence.own.index.number)"
                )
            }
        case .outvoted(let own, _):
            guard nodes[position].hasLostRecords else {
                throw Violation(
                    "node \(position + 1) is outvoted after entry \(own.index.number)"
                )
            }
            try giveUp(process, .known)
        case .beyondRepair(let error):
            guard nodes[position].wasDamaged else {
                throw Violation("node \(position + 1) is beyond repair: \(error.summary)")
            }
            say("node \(position + 1) is beyond repair: \(error.summary)")
            try giveUp(process, .walk)
        case .irreplaceable(let error):
            guard nodes[position].wasDamaged else {
                throw Violation("node \(position + 1) lacks something: \(error.summary)")
            }
            say("node \(position + 1) cannot get back what it lost: \(error.summary)")
            try giveUp(process, .known)
        }
    }

    /// It leaves the marker of a suspect database and ends.
    private func giveUp(_ process: Process, _ suspicion: Suspicion) throws {
        let position = process.node
        if suspicion == .known || nodes[position].suspicion == .none {
            nodes[position].suspicion = suspicion
        }
        try crash(position)
        planStart(position, after: dice.draw(1_000_000...500_000_000))
    }

    // MARK: Damage that nobody has met yet

    /// A look over everything, as the scrubber has it.
    func scrub(_ process: Process) {
        let position = process.node
        guard nodes[position].wasDamaged, isHealing || dice.chance(200) else { return }
        let store = process.store
        for row in store.live.log where row.damage != .none {
            guard row.damage == .body else {
                post(.found(.structure(DiskTables.error(row))), toRepairOf: position)
                break
            }
            post(.found(.body(DiskTables.damagedBody(row))), toRepairOf: position)
        }
        for finding in store.live.stateFindings { post(.found(finding), toRepairOf: position) }
    }

    /// The evaluation waits for these.
    func mendForEvaluation(_ process: Process) {
        for bucket in process.ports.mends {
            mend(bucket, in: process, for: 1_000_000_000) { _ in }
        }
        process.ports.mends.removeAll(keepingCapacity: true)
    }

    func mend(
        _ bucket: Int,
        in process: Process,
        for nanoseconds: UInt64,
        _ completion: @escaping @Sendable (Bool) -> Void
    ) {
        let deadline = instant(process.node) + .nanoseconds(Int64(nanoseconds))
        post(.mend(bucket, deadline: deadline, completion: completion), toRepairOf: process.node)
    }

    // MARK: Starts

    /// Whether a start may open the database. After an end that it may have caused it is walked
    /// over; records and bodies that are damaged by themselves are no reason to give up the rest.
    func isTrusted(_ position: Int) -> Bool {
        let tables = nodes[position].disk.durable
        let suspicion = nodes[position].suspicion
        nodes[position].suspicion = .none
        switch suspicion {
        case .none: return true
        case .known: return false
        case .walk:
            return tables.headerDamage == nil
                && !tables.stateFindings.contains { if case .bucket = $0 { true } else { false } }
        }
    }

    /// Begins to fetch what the log lost; the node takes no part until it is whole.
    func recover(_ lost: [DamagedBody], _ position: Int, _ configuration: Configuration) {
        say("node \(position + 1) waits for \(lost.count) bodies from \(lost[0].index) on")
        let own = nodes[position].id
        let desk = RepairDesk(
            store: SimulatedStore(disk: nodes[position].disk),
            members: configuration.members.map(\.id).filter { $0 != own }
        )
        nodes[position].recovery = desk
        nodes[position].isStartPlanned = true
        let mail = desk.mail
        desk.inbox.append(.fetchBodies(lost) { mail.recovered($0, cut: $1) })
        wake(desk, .recovery(node: position))
    }

    func turnRecovery(_ position: Int, _ desk: RepairDesk) throws {
        turn(desk, at: position, .recovery(node: position))
        guard let said = desk.mail.take() else { return }
        send(said.frames, from: position)
        for case .irreplaceable(let error) in said.events {
            say("node \(position + 1) cannot get back what it lost: \(error.summary)")
            nodes[position].recovery = nil
            nodes[position].suspicion = .known
            return try start(position)
        }
        guard let (bodies, cut) = said.recovered else { return }
        nodes[position].recovery = nil
        try write(bodies, cut, to: nodes[position])
        try start(position)
    }

    private func write(_ bodies: [UInt64: [UInt8]], _ cut: UInt64?, to node: Node) throws {
        if let cut {
            say("node \(node.id.number) cuts its log at \(cut)")
            do throws(StoreError) {
                try node.disk.durable.truncateLog(from: cut)
            } catch {
                guard error.isDamage, node.wasDamaged else {
                    throw Violation("node \(node.id.number) cuts its log: \(error.summary)")
                }
                // It ends; the next start meets the same and puts the database aside.
                return say("node \(node.id.number) cannot cut its log: \(error.summary)")
            }
        }
        for lost in node.disk.durable.damagedBodies {
            guard let body = bodies[lost.index] else { continue }
            guard hash256(body) == lost.digest else {
                throw Violation("node \(node.id.number) takes another body \(lost.index)")
            }
            node.disk.durable.damageLog(at: lost.index, .none)
            counts.mended += 1
        }
    }

    // MARK: Old images

    /// Keeps an image of a stopped node's disk, or puts the one that was kept back.
    func restoreImage(_ position: Int) throws {
        let node = nodes[position]
        guard let image = node.oldImage, image.incarnation == node.incarnation else { return }
        try crash(position)
        if isHarmless(position, image) {
            say("node \(position + 1) is put back to entry \(image.tables.point.last.index)")
            happened(.restoreImage)
            nodes[position].formerDisks.append(
                FormerDisk(incarnation: node.incarnation, tables: node.disk.durable)
            )
            nodes[position].wasRestored = true
            nodes[position].hasBeenRestored = true
            nodes[position].oldImage = nil
            node.disk.restore(image)
            checker.renewed(position)
        }
        planStart(position, after: dice.draw(1_000_000...1_000_000_000))
    }

    /// Whether the others need nothing that this node forgets by it. Peers remember boots in memory
    /// only, so that an old image is found is no promise, and consensus promises nothing for a
    /// disk that takes back what it said. What must work in any case is the rest of the cluster,
    /// and the way back.
    private func isHarmless(_ position: Int, _ image: Disk.Image) -> Bool {
        let disk = nodes[position].disk
        let (last, ballot) = (disk.durable.point.last, disk.durableBallot)
        let committed = checker.oracle.lastIndex
        let term = checker.oracle.committed(at: committed)?.entry.term.number ?? 0
        func holdsAll(_ member: Member) -> Bool {
            let other = Int(member.id.number) - 1
            guard other != position, isWhole(member) else { return false }
            let (tables, vote) = (nodes[other].disk.durable, nodes[other].disk.durableBallot)
            let isVoteSettled =
                ballot.vote == nil || vote.term > ballot.term
                || (vote.term == ballot.term && vote.vote == ballot.vote)
            return isVoteSettled && tables.holds(last.index, of: last.term)
                && tables.holds(committed, of: term)
        }
        // The node will go by what the image says of the members, too: it may say that this node
        // alone decides.
        let goneBy = knownConfigurations + configurations(of: image.tables)
        return canSpare(position) && !image.tables.isDamaged
            && goneBy.allSatisfy { $0.isBacked(by: holdsAll) }
    }

    /// An alarm that the product raises. Only one is expected: an operator deals with it.
    func alarmed(_ alarm: Alarm, at position: Int) throws {
        let accused: NodeID? =
            switch alarm {
            case .bootWentBack(let peer, _, _), .acknowledgedLess(let peer, _, _): peer
            default: nil
            }
        guard let peer = accused, nodes.indices.contains(Int(peer.number) - 1),
            nodes[Int(peer.number) - 1].hasBeenRestored
        else { return try checker.alarmed(alarm, at: nodes[position].id) }
        let restored = Int(peer.number) - 1
        say("node \(position + 1) finds that node \(restored + 1) has an old disk")
        guard !nodes[restored].isOperatorComing else { return }
        nodes[restored].isOperatorComing = true
        let event = MemberEvent.readmit(node: restored)
        queue.add(.members(event), at: now + dice.draw(100_000_000...1_000_000_000))
    }

    /// The alarm's remedy: stop it, and admit it again.
    func readmit(_ position: Int) throws {
        // Made anew meanwhile, for another reason: stragglers of its old life raised the alarm.
        guard nodes[position].wasRestored else {
            nodes[position].isOperatorComing = false
            return
        }
        // Once nothing goes wrong any more, damage unfound elsewhere is no reason to wait.
        guard isHealing || canSpare(position) else {
            return queue.add(.members(.readmit(node: position)), at: now + 1_000_000_000)
        }
        nodes[position].isOperatorComing = false
        try crash(position)
        makeAnew(position)
        planStart(position, after: dice.draw(1_000_000...500_000_000))
    }
}
