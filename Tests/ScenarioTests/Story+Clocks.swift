@testable import Raft
@testable import RaftLaboratory

/// Time as the nodes' own clocks show it, and disks that do not keep up with it.
extension Story {
    /// `leases [drift PPM] [margin TICKS]`
    func useLeases(_ words: inout Words) throws {
        guard world == nil else { throw words.error("leases come before nodes") }
        var lease = ReadLeaseSettings()
        if words.take("drift") { lease.clockDriftPPM = UInt64(try words.number("the drift")) }
        if words.take("margin") {
            let ticks = UInt64(try words.number("a number of ticks"))
            lease.marginNanoseconds = ticks * SimClock.tickNanoseconds
        }
        settings.readLease = lease
        if let problem = settings.problem { throw words.error(problem) }
    }

    /// With leases every node has a clock. They begin far apart, because nobody compares them.
    func startClocks(of world: World) {
        guard settings.readLease != nil else { return }
        world.clocks = world.nodes.indices.map { position in
            SimClock(startingAt: UInt64(position + 1) * 1_000_000_000, driftPPM: 0)
        }
    }

    /// `clock NODES fast PPM`, `clock NODES slow PPM`, `clock NODES jump TICKS`
    func moveClocks(_ words: inout Words) throws {
        let world = try running(words)
        guard !world.clocks.isEmpty else { throw words.error("clocks come with leases") }
        let positions = try words.nodes()
        let how = try words.next("fast, slow or jump")
        let amount = try words.number("how much")
        for position in positions {
            switch how {
            case "fast": world.clocks[position].driftPPM = amount
            case "slow": world.clocks[position].driftPPM = -amount
            case "jump": for _ in 0..<amount { world.clocks[position].run() }
            default: throw words.error("\"\(how)\" is none of fast, slow, jump")
            }
        }
    }

    /// A tick of true time passes for this node. A clock that is fast or slow makes more or fewer
    /// ticks of it now and then.
    func passTick(at position: Int) throws {
        guard let world else { return }
        guard !world.clocks.isEmpty else { return try world.turn(position, [.tick]) }
        world.clocks[position].run()
        for _ in 0..<world.clocks[position].ticksDue() {
            try world.turn(position, [.tick])
        }
    }

    /// `stall NODES`, `recover NODES`: writes hang, and the watchdog of the disk says so.
    func stallOrRecover(_ verb: String, _ words: inout Words) throws {
        let world = try running(words)
        for position in try words.nodes() {
            guard world.nodes[position].core != nil else { throw words.error("it is down") }
            if verb == "stall" {
                heldDisks.insert(position)
            } else {
                heldDisks.remove(position)
            }
            try world.turn(position, [.diskHealth(verb == "stall" ? .stalled : .ok)])
        }
    }
}
