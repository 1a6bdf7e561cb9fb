import Raft
import Replica
import Store

// Bad luck: one disturbance at a time, each with an end of its own.

extension World {
    func startFaults() {
        guard faults.pauseMillisecondsMost > 0 else { return }
        drawWeather()
        planFault()
    }

    private func planFault() {
        let pause = dice.draw(1...UInt64(faults.pauseMillisecondsMost)) * 1_000_000
        queue.add(.fault, at: now + pause)
    }

    func disturb() throws {
        guard !isHealing else { return }
        planFault()
        let total = faults.weights.reduce(0, +)
        guard total > 0 else { return }
        var ticket = dice.below(total)
        for kind in FaultKind.allCases {
            ticket -= faults[kind]
            guard ticket < 0 else { continue }
            counts.faults += 1
            hash.mix(UInt64(kind.rawValue) << 8 | 5, now)
            return try disturb(kind)
        }
    }

    /// Counts a disturbance where it takes effect: many are drawn and find nothing to disturb.
    func happened(_ kind: FaultKind) { counts.happened[kind.rawValue] += 1 }

    private var anyNode: Int { dice.below(nodes.count) }

    /// The node that leads the newest term, if one does.
    var leaderPosition: Int? {
        var best: (position: Int, term: Term)?
        for (position, node) in nodes.enumerated() {
            guard let standing = node.process?.core.standing, standing.role == .leader,
                standing.term > best?.term ?? .zero
            else { continue }
            best = (position, standing.term)
        }
        return best?.position
    }

    private func disturb(_ kind: FaultKind) throws {
        switch kind {
        case .crash: try kill(anyNode, as: kind)
        case .crashLeader: try kill(leaderPosition ?? anyNode, as: kind)
        case .crashAll: for position in nodes.indices { try kill(position, as: kind) }
        case .pause: pause(dice.chance(400) ? leaderPosition ?? anyNode : anyNode)
        case .partition, .isolate, .oneWay, .partial: cut(kind)
        case .mend:
            say("the network is whole")
            happened(kind)
            network.mend()
        case .reset: resetSome()
        case .weather:
            happened(kind)
            drawWeather()
        case .drift, .leap: disturbClock(kind)
        case .slowDisk, .stall, .full, .syncError: disturbDisk(kind)
        case .strand: strand()
        case .jam: jamAppends()
        case .flipVote: if nodes[anyNode].disk.flipVoteBit(&dice) { happened(kind) }
        case .damageLog, .damageState, .loseRecord, .ageRecord: try damage(kind)
        case .damageSnapshot: damageSnapshot(anyNode)
        case .loseArchived: planLoss()
        case .seal:
            happened(kind)
            toggleSeal(anyNode)
        case .admit, .promote, .demote, .replace, .letGo, .transfer:
            if operate(kind) { happened(kind) }
        case .loseDatabase: try loseDatabase(anyNode)
        case .restoreImage: try restoreImage(anyNode)
        case .ghost: haunt()
        }
    }

    // MARK: Processes

    private func kill(_ position: Int, as kind: FaultKind) throws {
        if nodes[position].process != nil { happened(kind) }
        try crash(position)
        let nap = dice.chance(512) ? 100_000_000 : UInt64(4_000_000_000)
        planStart(position, after: dice.draw(1_000_000...nap))
    }

    /// Some leaders are not meant to last: they leave the hardest logs behind.
    func elected(_ process: Process) {
        counts.elections += 1
        guard !isHealing, dice.chance(faults.freshLeaderDeaths) else { return }
        let event = Event.doom(process: process.number)
        switch dice.below(3) {
        case 0:
            // With an entry that nobody else ever gets.
            for other in nodes.indices { network.cut(process.node, other) }
            queue.add(event, at: now + dice.draw(1_000_000...30_000_000))
        case 1:
            // With the first commit of its term, before anybody hears of it.
            process.lastsUntil = process.core.standing.commit
        default: queue.add(event, at: now + dice.skewed(32_000) * 1_000)
        }
    }

    func doom(_ number: Int) throws {
        guard !isHealing, let process = processes[number] else { return }
        counts.faults += 1
        happened(.crashLeader)
        let position = process.node
        for other in nodes.indices { network.join(position, other) }
        try crash(position)
        // Soon enough to be the next one.
        planStart(position, after: dice.draw(1_000_000...500_000_000))
    }

    private func pause(_ position: Int) {
        guard let process = nodes[position].process, process.pausedUntil <= now else { return }
        let length = dice.skewed(3_000) * 1_000_000
        happened(.pause)
        say("node \(position + 1) stands still for \(length / 1_000_000) ms")
        process.pausedUntil = now + length
        queue.add(.resume(process: process.number), at: process.pausedUntil)
    }

    func toggleSeal(_ position: Int) {
        nodes[position].isSealed.toggle()
        let isSealed = nodes[position].isSealed
        say("node \(position + 1) is \(isSealed ? "sealed" : "unsealed")")
        post(.raft(.sealChanged(isSealed: isSealed)), to: position)
    }

    // MARK: Network

    private func cut(_ kind: FaultKind) {
        if dice.chance(700) { network.mend() }
        let alone = dice.chance(400) ? leaderPosition ?? anyNode : anyNode
        say("the network falls apart: \(kind)")
        switch kind {
        case .partition:
            let group = nodes.indices.map { _ in dice.chance(512) }
            for source in nodes.indices {
                for target in nodes.indices where group[source] != group[target] {
                    network.cut(source, target)
                }
            }
        case .isolate:
            for other in nodes.indices where other != alone {
                network.cut(alone, other)
                network.cut(other, alone)
            }
        case .oneWay:
            let isInward = dice.chance(512)
            for other in nodes.indices where other != alone && dice.chance(800) {
                if isInward { network.cut(other, alone) } else { network.cut(alone, other) }
            }
        default:
            for _ in 0..<dice.draw(1...nodes.count) {
                let (one, other) = (anyNode, anyNode)
                network.cut(one, other)
                if dice.chance(700) { network.cut(other, one) }
            }
        }
        if network.hasCuts { happened(kind) }
        if dice.chance(300) { noticeCuts() }
    }

    /// What the follower takes from the one leader, and would acknowledge, the next one replaces
    /// before its disk has any of it: one sync then brings both.
    private func strand() {
        guard let leader = leaderPosition else { return }
        let follower = anyNode
        guard follower != leader else { return }
        happened(.strand)
        say("node \(leader + 1) has nobody left but \(follower + 1), whose disk hangs")
        network.mend()
        nodes[follower].disk.stalledUntil = now + dice.draw(200_000_000...2_000_000_000)
        for other in nodes.indices where other != leader && other != follower {
            network.cut(leader, other)
            network.cut(other, leader)
        }
        noticeCuts()
        var pause: UInt64 = 0
        for _ in 0..<4 {
            pause += dice.draw(1_000_000...8_000_000)
            begin(.put, at: leader, after: pause)
        }
    }

    /// The appends of a busy leader wait on their way to one follower until its log begins after
    /// them: a snapshot is sent past them, on another connection, and they meet it.
    private func jamAppends() {
        guard jam == nil, let leader = leaderPosition else { return }
        let follower = anyNode
        guard follower != leader else { return }
        happened(.jam)
        say("appends from \(leader + 1) to \(follower + 1) wait")
        jam = Jam(number: counts.faults, source: leader, target: follower)
        queue.add(.unjam(counts.faults), at: now + dice.draw(200_000_000...2_000_000_000))
        // Enough that the log goes on past what the follower has, and a snapshot is sent.
        for _ in 0..<min(tuning.retention.entriesMax + 16, 80) {
            begin(.put, at: leader, after: dice.draw(1_000_000...300_000_000))
        }
    }

    /// Some cuts are noticed at once, as where a router refuses what it carried before: followers
    /// then campaign while their leader believes in itself for the rest of its time-out.
    private func noticeCuts() {
        for source in nodes.indices {
            for target in nodes.indices where network.isCut(source, target) {
                network.reset(source, target)
                linkBroke(at: target, with: source)
            }
        }
    }

    private func resetSome() {
        let (one, other) = (anyNode, anyNode)
        guard one != other else { return }
        happened(.reset)
        say("connection \(one + 1) - \(other + 1) breaks")
        network.reset(one, other)
        linkBroke(at: one, with: other)
        if dice.chance(800) { linkBroke(at: other, with: one) }
    }

    /// A leader of the epoch before this one, in the name of a member: its terms and indexes mean
    /// other entries.
    private func haunt() {
        let (source, target) = (anyNode, anyNode)
        guard source != target, let standing = nodes[target].process?.core.standing else { return }
        let message = Message(
            term: Term(number: standing.term.number + UInt64(dice.below(3))),
            epoch: Self.epoch - 1,
            boot: 1 << 20,
            incarnation: 0,
            body: .heartbeat(Heartbeat(commit: standing.last, round: 0))
        )
        happened(.ghost)
        say("\(source + 1) speaks to \(target + 1) in an earlier epoch")
        post(.raft(.received(message, from: nodes[source].id)), to: target)
    }

    private func drawWeather() {
        let isFair = dice.chance(400)
        network.loss = isFair ? 0 : dice.below(faults.lossMost + 1)
        network.duplication = isFair ? 0 : dice.below(faults.duplicationMost + 1)
        network.reorder = isFair ? 0 : dice.below(faults.reorderMost + 1)
        let slowest = dice.skewed(UInt64(faults.delayMicrosecondsMost)) * 1_000
        network.delay = 20_000...max(30_000, slowest)
    }

    // MARK: Clocks

    private func disturbClock(_ kind: FaultKind) {
        let position = anyNode
        if kind == .leap {
            // Leases trust that clocks do not.
            guard tuning.raft.readLease == nil else { return }
            happened(kind)
            nodes[position].clock.leap(by: dice.skewed(2_000) * 1_000_000)
        } else {
            happened(kind)
            let most = Int(NodeClock.rateErrorMost)
            let rate = Int(NodeClock.trueRate) + dice.draw(-most...most)
            nodes[position].clock.setRate(UInt64(rate), at: now)
        }
        if let process = nodes[position].process { planTick(process) }
    }

    // MARK: Disks

    /// A failing sync is counted when a sync fails.
    private func disturbDisk(_ kind: FaultKind) {
        let position = anyNode
        let disk = nodes[position].disk
        if kind != .syncError { happened(kind) }
        switch kind {
        case .slowDisk:
            let slowest = dice.skewed(60_000) * 1_000
            disk.flushTime = 30_000...max(40_000, slowest)
        case .stall: disk.stalledUntil = now + dice.skewed(4_000) * 1_000_000
        case .full:
            disk.space = disk.space == .ample ? [.reserved, .exhausted][dice.below(2)] : .ample
            say("node \(position + 1) has room: \(disk.space)")
        default: disk.failsNextSync = true
        }
    }

    /// Only where enough others have what is damaged.
    private func damage(_ kind: FaultKind) throws {
        let position = anyNode
        guard nodes[position].isJoined, canSpare(position) else { return }
        // The power goes while the end of the log is written.
        let isTorn = kind == .damageLog && dice.chance(512)
        if isTorn { try kill(position, as: .crash) }
        let tables = nodes[position].process?.store.live ?? nodes[position].disk.durable
        if kind == .damageLog {
            let (base, last) = (tables.point.base.index, tables.point.last.index)
            guard last > base else { return }
            let depth =
                isTorn ? min(dice.skewed(16), last - base - 1) : dice.next() % (last - base)
            let index = last - depth
            let damage: Damage = [.header, .body, .missing][dice.below(3)]
            say("entry \(index) of node \(position + 1) is damaged: \(damage)")
            happened(kind)
            counts.damagedEntries[isTorn ? 3 : damage.rawValue - 1] += 1
            return suffer(.entry(index, damage), at: position)
        }
        guard !tables.state.isEmpty else { return }
        let key = tables.state[dice.below(tables.state.count)].key
        guard kind == .loseRecord || kind == .ageRecord else {
            say("a record of node \(position + 1) is damaged")
            happened(kind)
            return suffer(.record(key, dice.chance(512) ? .content : .header), at: position)
        }
        var mishap = Mishap.loss(key)
        if kind == .ageRecord {
            guard let older = older(than: key, in: tables) else { return }
            mishap = .stale(key, older)
        }
        // What is decided on a record that goes shortly after its bucket was seen whole is wrong
        // until the next checkpoint: decision 0014 bears that. So the process ends, and sees the
        // disk with fresh eyes, unless it did not trust the bucket anyway.
        let process = nodes[position].process
        if process?.trust.isWhole(key.bucket, instant(position)) == true {
            try kill(position, as: .crash)
        }
        happened(kind)
        let verb = kind == .loseRecord ? "loses" : "has an old"
        say("node \(position + 1) \(verb) record of bucket \(key.bucket)")
        nodes[position].hasLostRecords = true
        suffer(mishap, at: position)
    }

    /// What lay under the key before the record that is there.
    private func older(than key: StorageKey, in tables: DiskTables) -> [UInt8]? {
        guard let row = tables.row(of: key), row.damage == .none,
            let index = Record.index(of: row.bytes), index > 0
        else { return nil }
        return checker.oracle.record(of: key, at: index - 1)
    }

    /// A record of the archive is going to be lost. Before that its bucket is seen whole, by a read
    /// that finds nothing there; perhaps a record is written that one member does not hear of.
    private func planLoss() {
        let position = anyNode
        guard tuning.hasArchive, nodes[position].process != nil, canSpare(position) else { return }
        let unwritten = Keyspace.archive + Keyspace.archivedMost
        begin(.read(mustConfirm: false), at: position, on: unwritten)
        let other = anyNode
        if dice.chance(512), other != position, other != leaderPosition {
            say("the disk of node \(other + 1) hangs")
            nodes[other].disk.stalledUntil = now + dice.draw(500_000_000...2_000_000_000)
        }
        for _ in 0..<2 {
            guard let fresh = clients.nextArchived() else { break }
            begin(.put, at: leaderPosition, after: 5_000_000, on: fresh)
        }
        queue.add(.loss(node: position), at: now + dice.draw(50_000_000...600_000_000))
    }

    /// Whatever else the others have lost of it, readers are told right.
    func lose(_ position: Int) throws {
        let node = nodes[position]
        guard !isHealing, node.isJoined, canSpare(position) else { return }
        let tables = node.process?.store.live ?? node.disk.durable
        let archived = (0..<clients.archived).reversed().map { Keyspace.archive + $0 }.filter {
            let key = Keyspace.key($0)
            return tables.row(of: key) != nil && !isLost(key, besides: position)
        }
        guard !archived.isEmpty else { return }
        let lost = archived[dice.chance(700) ? 0 : dice.below(archived.count)]
        happened(.loseArchived)
        say("node \(position + 1) loses record \(lost)")
        suffer(.loss(Keyspace.key(lost)), at: position)
        let other = dice.chance(512) ? memberAsked(by: position) : anyNode
        var pause: ClosedRange<UInt64> = 5_000_000...20_000_000
        if dice.chance(512), other != position, nodes[other].isJoined, canSpare(other) {
            // Whoever was restarted for it has to be there again when it is asked.
            if try spoil(lost, at: other) { pause = 100_000_000...400_000_000 }
        }
        let reads: [OperationKind] = [
            .read(mustConfirm: true), .read(mustConfirm: false), .list,
            .staleRead(bound: 5_000_000_000),
        ]
        for kind in reads {
            begin(kind, at: position, after: dice.draw(pause), on: lost)
        }
    }

    /// Whether another member has lost it. Two that lose the same record unseen, each within the
    /// time for which a bucket is trusted, are more than is promised (decision 0014).
    private func isLost(_ key: StorageKey, besides position: Int) -> Bool {
        nodes.indices.contains { other in
            guard other != position, nodes[other].isJoined else { return false }
            let tables = nodes[other].process?.store.live ?? nodes[other].disk.durable
            return tables.row(of: key) == nil && tables.bucketDamage(key.bucket) != nil
        }
    }

    /// Whom the node will ask about what it misses.
    private func memberAsked(by position: Int) -> Int {
        let member = nodes[position].process?.repair.machine.nextAsked
        return member.map { Int($0.number) - 1 } ?? anyNode
    }

    /// A second node cannot tell either: its record is damaged; or lost, and its scrubber finds
    /// that; or lost while its process was down, so that nobody trusts the bucket and nobody has
    /// found it.
    ///
    /// - Returns: whether it was restarted.
    private func spoil(_ lost: Int, at position: Int) throws -> Bool {
        let key = Keyspace.key(lost)
        let way = nodes[position].process == nil ? 0 : dice.below(4)
        guard way > 0 else {
            say("record \(lost) of node \(position + 1) is damaged")
            suffer(.record(key, .content), at: position)
            return false
        }
        if way > 1 {
            try crash(position)
            planStart(position, after: dice.draw(1_000_000...50_000_000))
        }
        let tables = nodes[position].process?.store.live ?? nodes[position].disk.durable
        guard tables.row(of: key) != nil else { return way > 1 }
        say("node \(position + 1) loses record \(lost), too")
        suffer(.loss(key), at: position)
        guard way == 1 else { return true }
        post(.found(.bucket(key.bucket, reason: "it is short")), toRepairOf: position)
        return false
    }

    private func suffer(_ mishap: Mishap, at position: Int) {
        nodes[position].wasDamaged = true
        if let store = nodes[position].process?.store {
            store.suffer(mishap)
        } else {
            nodes[position].disk.suffer(mishap)
        }
    }

    private func damageSnapshot(_ position: Int) {
        guard nodes[position].disk.files.damage(&dice) else { return }
        happened(.damageSnapshot)
        say("a snapshot file of node \(position + 1) is damaged")
    }

    /// The database is found unusable and made anew.
    private func loseDatabase(_ position: Int) throws {
        guard nodes[position].isJoined, canSpare(position) else { return }
        happened(.loseDatabase)
        try crash(position)
        makeAnew(position)
        planStart(position, after: dice.draw(1_000_000...2_000_000_000))
    }

    // MARK: The end of it

    /// Nothing goes wrong from here on, and a majority runs: all that can, or only just enough.
    func heal() throws {
        isHealing = true
        say("all faults end")
        network.mend()
        network.loss = 0
        network.duplication = 0
        network.reorder = 0
        network.delay = 50_000...500_000
        let leavesAny = faults.pauseMillisecondsMost > 0 && dice.chance(512)
        for position in nodes.indices.reversed()
        where leavesAny && dice.chance(512) && nodes[position].isJoined && canSpare(position) {
            say("node \(position + 1) stays away")
            try crash(position)
            nodes[position].isAway = true
        }
        for position in nodes.indices {
            let disk = nodes[position].disk
            disk.flushTime = 60_000...400_000
            disk.stalledUntil = min(disk.stalledUntil, now)
            disk.space = .ample
            disk.failsNextSync = false
            nodes[position].clock.setRate(NodeClock.trueRate, at: now)
            if nodes[position].isSealed { toggleSeal(position) }
            if let process = nodes[position].process {
                if process.pausedUntil > now {
                    process.pausedUntil = now
                    queue.add(.resume(process: process.number), at: now)
                }
                planTick(process)
            }
            planStart(position, after: 1_000_000)
        }
    }
}
