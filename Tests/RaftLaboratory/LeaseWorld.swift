package import Raft
import TestSupport

/// A node's clock: its rate wanders within a bound, and it runs on while the node is frozen.
struct SimClock {
    /// One tick of true time.
    static let tickNanoseconds: UInt64 = 10_000_000

    /// Nanoseconds since some moment of its own.
    private(set) var reading: UInt64
    /// Parts per million fast (or slow, below zero).
    var driftPPM: Int
    private var ticked: UInt64

    init(startingAt reading: UInt64, driftPPM: Int) {
        self.reading = reading
        self.driftPPM = driftPPM
        ticked = reading / Self.tickNanoseconds
    }

    /// A tick of true time passes.
    mutating func run() {
        reading += Self.tickNanoseconds / 1_000_000 * UInt64(1_000_000 + driftPPM)
    }

    /// Ticks of its own since it was last asked; a few at most after a pause.
    mutating func ticksDue() -> Int {
        let due = reading / Self.tickNanoseconds - ticked
        ticked += due
        return Int(min(due, 3))
    }
}

extension RaftSettings {
    /// Long time-outs against the length of a message's way, so that a lease that is wrong by the
    /// drift of two clocks is wrong for long enough to be seen.
    static func leasing(driftPPM: UInt64, marginTicks: UInt64 = 3) -> RaftSettings {
        var settings = RaftSettings.hectic
        settings.heartbeatTicks = 10
        settings.electionTicksMin = 100
        settings.electionTicksMax = 104
        settings.sealedPenaltyTicks = 100
        settings.readForwardTicksMax = 40
        settings.relayAfterTicks = 25
        settings.relayMemoryTicks = 35
        settings.handoverIntervalTicks = 150
        settings.handoverTicksMax = 60
        var lease = ReadLeaseSettings()
        lease.clockDriftPPM = driftPPM
        lease.marginNanoseconds = marginTicks * SimClock.tickNanoseconds
        lease.pauseNanosecondsMax = 3 * SimClock.tickNanoseconds
        settings.readLease = lease
        return settings
    }
}

/// A run against leases: clocks at the edge of their bound, the leader cut off or frozen right after
/// its heartbeats, voters restarted, seals turned and links reset at the worst moments, while
/// everybody writes and reads all the time.
package struct LeaseRun {
    static let driftPPM = 100_000
    static let episodes = 6

    let seed: UInt64
    /// Members come and go, and lose their disks.
    var churns = false
    var settings = RaftSettings.leasing(driftPPM: UInt64(driftPPM))

    /// - Parameters:
    ///   - seed: decides everything.
    ///   - churns: members come and go, and lose their disks.
    ///   - settings: with leases; nil for ``RaftSettings/leasing(driftPPM:marginTicks:)``.
    package init(seed: UInt64, churns: Bool = false, settings: RaftSettings? = nil) {
        self.seed = seed
        self.churns = churns
        if let settings { self.settings = settings }
    }

    struct Summary: Equatable {
        var fingerprint: UInt64 = 0
        var reads = 0
        var leased: UInt64 = 0
        var elections = 0
        var changes: UInt64 = 0
        var committed = 0
    }

    func run() throws -> Summary {
        let world = World(seed: seed, count: seed.isMultiple(of: 2) ? 3 : 5, settings: settings)
        world.faults.delayTicksMax = 1 + Int(seed % 3)
        world.clocks = world.nodes.indices.map { _ in
            SimClock(
                startingAt: UInt64(1 + world.random.below(1_000)) * 1_000_000_000,
                driftPPM: world.drawDrift(Self.driftPPM)
            )
        }
        try world.startAll()
        world.churns = churns
        for _ in 0..<Self.episodes { try world.leaseEpisode(Self.driftPPM) }
        world.churns = false
        try world.heal()
        if churns { try world.mend(ticksMax: 2_000) }
        try world.requireProgress(ticksMax: 2_000)
        return Summary(
            fingerprint: world.fingerprint,
            reads: world.checker.readsServed,
            leased: world.leasedReads,
            elections: world.checker.elections,
            changes: world.checker.committedConfiguration?.revision ?? 0,
            committed: world.checker.committedCount
        )
    }

    /// `nil` if all is well, else what went wrong.
    package func problem() -> String? {
        do {
            _ = try run()
            return nil
        } catch {
            return "seed \(seed): \(error)"
        }
    }
}

extension World {
    /// Near the edges, where it matters.
    func drawDrift(_ bound: Int) -> Int {
        let size = bound - random.below(bound / 10 + 1)
        return random.chance(50, of: 100) ? size : -size
    }

    var leasedReads: UInt64 {
        nodes.reduce(0) { $0 + ($1.core?.readCounters.leased ?? 0) }
    }

    /// A quiet while with a leader, one disturbance, and what comes of it.
    func leaseEpisode(_ bound: Int) throws {
        for position in clocks.indices { clocks[position].driftPPM = drawDrift(bound) }
        for _ in 0..<150 + random.below(60) { try clientsAndTick() }
        guard let leader = leaderPosition else { return }
        if random.chance(70, of: 100) {
            // The worst case: the leader's clock is slow, everybody else's fast.
            for position in clocks.indices {
                clocks[position].driftPPM = position == leader ? -bound : bound
            }
        }
        try disturbLease(leader)
        if random.chance(30, of: 100) { loseAppends(of: nodes.indices.filter { $0 != leader }) }
        for _ in 0..<160 {
            if random.chance(2, of: 100) { try restartAny(but: leader) }
            if random.chance(2, of: 100) { resetLinks(to: leader) }
            try clientsAndTick()
        }
        cuts = []
        loses = { _ in false }
        for position in nodes.indices where nodes[position].isSealed {
            try turnSeal(position, to: false)
        }
        for _ in 0..<40 { try clientsAndTick() }
    }

    private func disturbLease(_ leader: Int) throws {
        let others = nodes.indices.filter { $0 != leader }
        switch random.below(6) {
        case 0: cut(leader, from: others, isOneWay: false)
        case 1:
            // It hears everybody, nobody hears it, or the other way round.
            cut(leader, from: others, isOneWay: true)
        case 2: frozen[nodes[leader].id] = now + 60 + random.below(90)
        case 3:
            // Half of the others lose it; a voter that forgot its promise would make them enough.
            cut(leader, from: Array(others.prefix(others.count / 2)), isOneWay: false)
            try restartAny(but: leader)
        case 4: try restartWhoPromised(leader, others)
        default: try turnSeal(leader, to: true)
        }
    }

    /// Some are alone for so long that no promise binds them any more. Then the others start anew
    /// and are with them, and the leader is alone: what those promised before still bears its
    /// lease, and together they could elect somebody at once.
    private func restartWhoPromised(_ leader: Int, _ others: [Int]) throws {
        // Nobody writes: those who are alone have all that a leader needs.
        for _ in 0..<15 { try clientsAndTick(areWriting: false) }
        let alone = Array(others.prefix(others.count / 2))
        let rest = Array(others.dropFirst(alone.count))
        for position in rest + [leader] { cut(position, from: alone, isOneWay: false) }
        for _ in 0..<110 + random.below(40) { try clientsAndTick(areWriting: false) }
        cuts = []
        cut(leader, from: others, isOneWay: false)
        for position in rest where nodes[position].core != nil && !isFrozen(position) {
            crash(position, keepingJobs: 9)
            try start(position)
        }
    }

    /// Whoever leads next is promised leases by its heartbeats, and commits nothing.
    private func loseAppends(of positions: [Int]) {
        let leaders = positions.map { nodes[$0].id }
        loses = { flight in
            guard case .append = flight.message.body else { return false }
            return leaders.contains(flight.source)
        }
    }

    private func cut(_ leader: Int, from others: [Int], isOneWay: Bool) {
        let isOutward = random.chance(50, of: 100)
        for other in others {
            if !isOneWay || isOutward { cuts.insert([nodes[leader].id, nodes[other].id]) }
            if !isOneWay || !isOutward { cuts.insert([nodes[other].id, nodes[leader].id]) }
        }
    }

    private func turnSeal(_ position: Int, to isSealed: Bool) throws {
        guard !isFrozen(position) else { return }
        nodes[position].isSealed = isSealed
        try turn(position, [.sealChanged(isSealed: isSealed)])
    }

    private func restartAny(but leader: Int) throws {
        let position = random.below(nodes.count)
        guard position != leader, !isFrozen(position), nodes[position].core != nil else { return }
        crash(position, keepingJobs: 9)
        try start(position)
    }

    private func resetLinks(to leader: Int) {
        for position in nodes.indices where position != leader {
            arrive(.linkReset(of: nodes[leader].id, at: nodes[position].id))
        }
    }

    /// Everybody reads, every leader writes, and a tick passes.
    private func clientsAndTick(areWriting: Bool = true) throws {
        if churns {
            try churn()
            if let down = nodes.indices.first(where: { nodes[$0].core == nil }),
                random.chance(10, of: 100)
            {
                try start(down)
            }
        }
        for position in nodes.indices {
            if areWriting, nodes[position].core?.role == .leader, random.chance(50, of: 100) {
                try propose(position)
            }
            if random.chance(60, of: 100) { try read(position) }
        }
        try tick()
    }
}
