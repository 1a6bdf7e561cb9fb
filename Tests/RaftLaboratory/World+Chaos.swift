import Raft
import TestSupport

/// A run: everything goes wrong for a while, then nothing does, and it must converge.
package struct ChaosRun {
    static let chaosTicks = 400
    static let convergenceTicksMax = 400
    /// As long as a handover may take, and a few elections.
    static let omissionTicks = 60

    let seed: UInt64
    let nodeCount: Int
    /// Members come and go, and lose their disks.
    var churns = false

    /// - Parameters:
    ///   - seed: decides everything.
    ///   - nodeCount: voters at the beginning.
    ///   - churns: members come and go, and lose their disks.
    package init(seed: UInt64, nodeCount: Int, churns: Bool = false) {
        self.seed = seed
        self.nodeCount = nodeCount
        self.churns = churns
    }

    struct Summary: Equatable {
        var fingerprint: UInt64 = 0
        var elections = 0
        var committed = 0
        var reads = 0
        var snapshots = 0
        var changes: UInt64 = 0
        var wipes = 0
    }

    /// - Parameter isTraced: keeps the story, at a price.
    /// - Returns: what happened.
    /// - Throws: ``Violation``, with the end of the story if it is traced.
    func run(isTraced: Bool = false) throws -> Summary {
        let world = World(seed: seed, count: nodeCount)
        world.trace = isTraced ? [] : nil
        do {
            try world.startAll()
            world.churns = churns
            try world.chaos(ticks: Self.chaosTicks)
            try world.heal()
            if churns { try world.mend(ticksMax: Self.convergenceTicksMax) }
            try world.requireProgress(ticksMax: Self.convergenceTicksMax)
            try world.loseOneKind(ticks: Self.omissionTicks)
            try world.requireProgress(ticksMax: Self.convergenceTicksMax)
        } catch let violation as Violation {
            guard let trace = world.trace else { throw violation }
            throw Violation("\(violation)\n" + trace.suffix(120).joined(separator: "\n"))
        }
        return Summary(
            fingerprint: world.fingerprint,
            elections: world.checker.elections,
            committed: world.checker.committedCount,
            reads: world.checker.readsServed,
            snapshots: world.checker.snapshotsInstalled,
            changes: world.checker.committedConfiguration?.revision ?? 0,
            wipes: world.wipes
        )
    }

    /// `nil` if all is well, else what went wrong, told in full.
    package func problem() -> String? {
        do {
            _ = try run()
            return nil
        } catch {
            do {
                _ = try run(isTraced: true)
                return "seed \(seed), \(nodeCount) nodes: \(error), but not when traced"
            } catch {
                return "seed \(seed), \(nodeCount) nodes: \(error)"
            }
        }
    }
}

extension World {
    func chaos(ticks: Int) throws {
        drawFaults()
        for _ in 0..<ticks {
            try disturb()
            if churns { try churn() }
            try tick()
        }
    }

    private var anyPosition: Int { random.below(nodes.count) }

    private func disturb() throws {
        if random.chance(40, of: 100) {
            let isAtLeader = random.chance(80, of: 100)
            let position = isAtLeader ? leaderPosition ?? anyPosition : anyPosition
            let count = 1 + random.below(4)
            try propose(position, count: count, bytes: 8 + random.below(120))
        }
        if random.chance(35, of: 100) {
            try read(anyPosition, count: 1 + random.below(2))
        }
        if random.chance(4, of: 100) {
            try crashAny()
        }
        try crashFreshLeader()
        if random.chance(15, of: 100) {
            let position = anyPosition
            if nodes[position].core == nil {
                try start(position)
            }
        }
        if random.chance(6, of: 100) {
            drawPartition()
        }
        try freezeAndThaw()
        if random.chance(4, of: 100) {
            drawFaults()
        }
        if random.chance(3, of: 100) {
            let position = anyPosition
            guard !isFrozen(position) else { return }
            nodes[position].isSealed.toggle()
            try turn(position, [.sealChanged(isSealed: nodes[position].isSealed)])
        }
        try disturbLeadership()
        if random.chance(3, of: 100) {
            arrive(.linkReset(of: nodes[anyPosition].id, at: nodes[anyPosition].id))
        }
        if random.chance(3, of: 100) {
            try streamUnasked()
        }
        if random.chance(8, of: 100) {
            try compact(anyPosition, keeping: UInt64(random.below(6)))
        }
    }

    /// A snapshot for somebody who needs none: what made it needless crossed with the request.
    private func streamUnasked() throws {
        guard let position = leaderPosition, let core = nodes[position].core, !isFrozen(position),
            core.evaluatedIndex > .zero
        else { return }
        let target = nodes[anyPosition].id
        guard target != core.id, core.configuration.member(target) != nil else { return }
        try stream(from: position, to: target, atLeast: .zero)
    }

    private func disturbLeadership() throws {
        if random.chance(1, of: 100) {
            let isAtLeader = random.chance(80, of: 100)
            let position = isAtLeader ? leaderPosition ?? anyPosition : anyPosition
            try transfer(
                position,
                to: random.chance(50, of: 100) ? nodes[anyPosition].id.number : nil
            )
        }
        if let stuck = nodes.indices.first(where: { hung.contains(nodes[$0].id) }) {
            if random.chance(15, of: 100) { try hang(stuck, false) }
        } else if random.chance(1, of: 100) {
            try hang(anyPosition)
        }
    }

    /// A stopped process knows nothing of what happened meanwhile, and may be asked to read first.
    private func freezeAndThaw() throws {
        for position in nodes.indices where frozen[nodes[position].id] == now {
            frozen[nodes[position].id] = nil
            try read(position)
        }
        if random.chance(3, of: 100) {
            let position = random.chance(60, of: 100) ? leaderPosition ?? anyPosition : anyPosition
            guard !isFrozen(position) else { return }
            frozen[nodes[position].id] = now + 2 + random.below(40)
        }
    }

    /// Leaders that die between election and first commit leave the hardest logs behind.
    private func crashFreshLeader() throws {
        if let (position, due) = doomed, due <= now {
            doomed = nil
            if nodes[position].core?.role == .leader {
                try crash(at: position)
            }
        }
        if checker.elections > electionsSeen {
            electionsSeen = checker.elections
            if let position = leaderPosition, random.chance(30, of: 100) {
                doomed = (position, now + random.below(6))
            }
        }
    }

    private func crashAny() throws {
        try crash(at: random.chance(50, of: 100) ? leaderPosition ?? anyPosition : anyPosition)
    }

    private func crash(at position: Int) throws {
        guard nodes[position].core != nil else { return }
        frozen[nodes[position].id] = nil
        crash(position, keepingJobs: random.below(nodes[position].jobs.count + 1))
        guard random.chance(50, of: 100) else { return }
        for other in nodes.indices where other != position {
            arrive(.linkReset(of: nodes[position].id, at: nodes[other].id))
        }
    }

    private func drawPartition() {
        cuts = []
        switch random.below(5) {
        case 0:
            let alone = nodes[anyPosition].id
            for other in nodes where other.id != alone {
                cuts.insert([alone, other.id])
                cuts.insert([other.id, alone])
            }
        case 1:
            let group = nodes.filter { _ in random.chance(1, of: 2) }.map { $0.id }
            for source in nodes {
                for target in nodes where group.contains(source.id) != group.contains(target.id) {
                    cuts.insert([source.id, target.id])
                }
            }
        case 2:
            for _ in 0..<(1 + random.below(nodes.count * 2)) {
                cuts.insert([nodes[anyPosition].id, nodes[anyPosition].id])
            }
        default:
            break
        }
    }

    private func drawFaults() {
        faults.loss = [0, 0, 5, 25][random.below(4)]
        faults.duplication = [0, 0, 20][random.below(3)]
        faults.delayTicksMax = [1, 1, 2, 5, 9][random.below(5)]
        faults.diskSpeed = [100, 100, 60, 25, 8][random.below(5)]
        faults.evaluationSpeed = [100, 50, 10][random.below(3)]
        let isSkewed = random.chance(50, of: 100)
        faults.clockSpeeds = isSkewed ? nodes.map { _ in 25 + random.below(76) } : []
    }

    /// Among nodes that are well, messages of one kind never arrive, and nothing else goes wrong:
    /// whatever waits for one of them must come to an end without it, and without help by another
    /// fault. Meanwhile clients write and read, and somebody else is to lead.
    func loseOneKind(ticks: Int) throws {
        let lost = random.below(MessageBody.kinds)
        note("messages of kind \(lost) are lost")
        loses = { $0.message.body.kind == lost }
        if let position = leaderPosition { try transfer(position) }
        for _ in 0..<ticks {
            if random.chance(20, of: 100), let position = leaderPosition { try propose(position) }
            if random.chance(20, of: 100) { try read(anyPosition) }
            try tick()
        }
        loses = { _ in false }
    }

    /// Everyone runs, and nothing is in the way any more.
    func heal() throws {
        faults = Faults()
        cuts = []
        frozen = [:]
        // All of them: a node that was frozen when its disk went on was not told.
        for position in nodes.indices {
            try hang(position, false)
        }
        loses = { _ in false }
        ticking = Set(nodes.map { $0.id })
        try startAll()
    }

    /// After healing: all agree, everything asked is answered, and a new proposal gets through.
    func requireProgress(ticksMax: Int) throws {
        guard try run(atMost: ticksMax, until: { $0.isConverged }) else {
            throw Violation("not converged \(ticksMax) ticks after healing: \(standing)")
        }
        let before = checker.committedIndex
        var ticksLeft = ticksMax
        while checker.committedIndex == before || !isConverged {
            // A leader that hands over refuses, so ask whoever leads until one accepts.
            if let position = leaderPosition, nodes[position].core?.lastIndex == before {
                try propose(position)
            }
            try tick()
            ticksLeft -= 1
            guard ticksLeft > 0 else { throw Violation("no progress after healing: \(standing)") }
        }
        for position in nodes.indices where isMember(position) {
            try read(position)
        }
        guard try run(atMost: ticksMax, until: { $0.hasNoReads && $0.hasNoTransfers }) else {
            throw Violation("a read got no answer after healing: \(standing)")
        }
        try requireEqualLogs()
    }

    var isConverged: Bool {
        guard let position = leaderPosition, let leader = nodes[position].core else { return false }
        return nodes.allSatisfy { node in
            // Whoever was let go is not told, and nobody waits for it.
            guard leader.configuration.member(node.id) != nil else { return true }
            guard let core = node.core else { return false }
            return core.leader == leader.id && core.commitIndex == leader.lastIndex
                && core.lastIndex == leader.lastIndex && core.evaluatedIndex == leader.lastIndex
                && node.reads.isEmpty && node.jobs.isEmpty
        }
    }

    /// Every retained entry of every node is the committed one.
    func requireEqualLogs() throws {
        for node in nodes {
            guard let core = node.core else { continue }
            try checker.reconfigured(core)
            var index = core.snapshotIndex
            while index < core.commitIndex {
                index = index.next
                guard core.entry(at: index) == checker.committedEntry(at: index) else {
                    throw Violation("node \(node.id.number) differs at \(index.number)")
                }
            }
        }
    }

    var standing: String {
        nodes.map { node in
            guard let core = node.core else { return "\(node.id.number) down" }
            return
                "\(node.id.number)@\(node.incarnation) \(core.role) term \(core.term.number) commit "
                + "\(core.commitIndex.number) last \(core.lastIndex.number) reads "
                + "\(node.reads.count) sealed \(node.isSealed)"
        }.joined(separator: "; ")
    }
}

extension MessageBody {
    /// How many there are of ``kind``; what a relay passes on is of its own kind.
    static let kinds = 13

    /// Which of them this is.
    var kind: Int {
        switch self {
        case .preVoteRequest: 0
        case .preVoteResponse: 1
        case .voteRequest: 2
        case .voteResponse: 3
        case .append: 4
        case .appendResponse: 5
        case .heartbeat: 6
        case .heartbeatResponse: 7
        case .commitNotice: 8
        case .timeoutNow: 9
        case .readIndexRequest: 10
        case .readIndexResponse: 11
        case .relayed: 12
        }
    }
}
