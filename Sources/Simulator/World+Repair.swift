import Raft
import Replica
import Store

// What is damaged comes back from other members, as `RepairMachine` brings it back: its contract,
// not its code, which is bound to LMDB. And disks that are old images of themselves.

extension World {
    // MARK: Records and bodies

    /// Looks for damage that nobody has met yet. Bodies of the log are in memory.
    func scrub(_ process: Process) {
        let node = nodes[process.node]
        guard node.wasDamaged else { return }
        let store = process.store
        for row in store.live.log where row.damage == .body {
            let entry = process.core.entry(at: LogIndex(number: row.entry.index))
            guard entry?.term.number == row.entry.term else { continue }
            say("node \(process.node + 1) has body \(row.entry.index) in memory")
            store.damageLog(at: row.entry.index, .none)
            counts.mended += 1
        }
        for row in store.live.state where row.isDamaged { planMend(row.key, in: process, 0) }
    }

    /// Asks for the records that the evaluation has met, with all that share their bucket.
    func planMends(of process: Process) {
        for row in process.store.live.state
        where row.isDamaged && process.ports.mends.contains(row.key.bucket) {
            planMend(row.key, in: process, 0)
        }
        process.ports.mends.removeAll(keepingCapacity: true)
    }

    private func planMend(_ key: StorageKey, in process: Process, _ attempt: Int) {
        guard attempt > 0 || !process.mending.contains(key) else { return }
        process.mending.insert(key)
        let pause = attempt == 0 ? 1_000_000 : UInt64(Limits.repairPauseMilliseconds) * 1_000_000
        let event = MemberEvent.mend(process: process.number, key, attempt: attempt)
        queue.add(.members(event), at: now + pause + network.drawDelay(&dice))
    }

    /// One member's answer: only what the bucket's digest expects is put back. When too many had
    /// something else the node is beyond repair and begins anew.
    func mend(_ key: StorageKey, in number: Int, attempt: Int) throws {
        guard let process = processes[number] else { return }
        let store = process.store
        guard let row = store.live.row(of: key), row.isDamaged else {
            process.mending.remove(key)
            return
        }
        guard process.pausedUntil <= now else { return planMend(key, in: process, attempt) }
        let asked = dice.below(nodes.count)
        guard asked != process.node, let lender = runningPeer(asked, of: process.node) else {
            return planMend(key, in: process, max(1, attempt))
        }
        if let lent = lender.store.live.row(of: key), !lent.isDamaged, lent.hash == row.hash {
            say("node \(process.node + 1) gets a record back from node \(asked + 1)")
            store.repairState(key)
            process.mending.remove(key)
            counts.mended += 1
            return
        }
        guard attempt < Limits.repairAttemptsMax else {
            say("node \(process.node + 1) is beyond repair")
            try crash(process.node)
            makeAnew(process.node)
            return planStart(process.node, after: dice.draw(1_000_000...500_000_000))
        }
        planMend(key, in: process, attempt + 1)
    }

    private func runningPeer(_ peer: Int, of position: Int) -> Process? {
        guard let process = nodes[peer].process, process.pausedUntil <= now,
            !network.isCut(position, peer), !network.isCut(peer, position)
        else { return nil }
        return process
    }

    /// Bodies of the log that a stopped node has lost, from whoever has those entries.
    ///
    /// - Returns: false when some could not be had; the start has to wait.
    func fetchBodies(_ position: Int) -> Bool {
        let disk = nodes[position].disk
        for row in disk.durable.log where row.damage == .body {
            let (index, term) = (row.entry.index, row.entry.term)
            let hasLender = nodes.indices.contains { peer in
                guard peer != position, let lender = runningPeer(peer, of: position) else {
                    return false
                }
                return lender.store.live.isIntact(index, of: term)
            }
            guard hasLender else { return false }
            say("node \(position + 1) gets body \(index) back")
            disk.durable.damageLog(at: index, .none)
            counts.mended += 1
        }
        return true
    }

    // MARK: Old images

    /// Keeps an image of a stopped node's disk, or puts the one that was kept back.
    func restoreImage(_ position: Int) throws {
        let node = nodes[position]
        guard let image = node.oldImage, image.incarnation == node.incarnation else { return }
        try crash(position)
        if isHarmless(position, image) {
            say("node \(position + 1) is put back to entry \(image.tables.point.last.index)")
            counts.restored += 1
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
        return canSpare(position) && !image.tables.isDamaged
            && knownConfigurations.allSatisfy { $0.isBacked(by: holdsAll) }
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
