import Raft
import Replica
import Store

/// Runs a seed: trouble first, then none, and everything must come together again.
package enum Simulation {
    /// Simulated seconds after the end of all faults within which the cluster must converge.
    package static let convergenceSecondsMost: UInt64 = 60

    /// One run, from the first start to the last check.
    ///
    /// - Parameters:
    ///   - settings: equal ones give equal reports.
    ///   - trace: told each thing that happens, in words. It changes nothing.
    package static func run(
        _ settings: SimulationSettings,
        trace: ((String) -> Void)? = nil
    ) -> SimulationReport {
        let world = World(settings, trace: trace)
        var report = SimulationReport()
        do {
            try world.runAll()
        } catch {
            report.violation = "\(error)"
        }
        for node in world.nodes {
            world.counts.refusals += node.disk.refusals
            world.counts.happened[FaultKind.syncError.rawValue] += node.disk.failedSyncs
        }
        report.traceHash = world.hash.text
        report.nodes = world.nodes.count
        report.nanoseconds = world.now
        world.counts.committed = Int(world.checker.oracle.lastIndex)
        report.counts = world.counts
        return report
    }
}

extension World {
    private static let second: UInt64 = 1_000_000_000

    fileprivate func runAll() throws {
        for position in nodes.indices { planStart(position, after: dice.draw(1...50_000_000)) }
        try run(until: Self.second / 2)
        startClients()
        startFaults()
        startAutopilots()
        try run(until: now + UInt64(settings.seconds) * Self.second)
        try heal()
        // Clients go on for a while: their operations must get through now.
        try run(until: now + 2 * Self.second)
        clients.isActive = false
        let limit = now + Simulation.convergenceSecondsMost * Self.second
        guard try run(until: limit, isDone: { $0.clients.open.isEmpty && $0.isConverged }) else {
            throw Violation("not converged: \(standing)")
        }
        try probe(until: limit)
        try checkEnd()
    }

    /// A write and a read at the end, which must succeed.
    private func probe(until limit: UInt64) throws {
        let before = clients.acknowledged.count
        while clients.acknowledged.count == before {
            begin(.put)
            begin(.read(mustConfirm: false))
            let isDone = try run(until: limit) { $0.clients.open.isEmpty && $0.isConverged }
            guard isDone, now < limit else { throw Violation("no progress: \(standing)") }
        }
    }

    /// All members that run follow one leader and have applied what it has, and there is nothing
    /// left to be done about the members.
    var isConverged: Bool {
        guard let position = leaderPosition, let leader = nodes[position].process else {
            return false
        }
        let wanted = leader.core.standing
        guard wanted.commit == wanted.last, !leader.configuration.isJoint,
            leader.configuration == checker.oracle.configuration
        else { return false }
        let areEqual = leader.configuration.members.allSatisfy { member in
            let node = nodes[Int(member.id.number) - 1]
            guard let process = node.process else {
                return node.isAway || !node.isJoined
            }
            let standing = process.core.standing
            return standing.leader == wanted.leader && standing.commit == wanted.last
                && standing.last == wanted.last && standing.evaluated == wanted.last
                && node.disk.durable.point.appliedIndex == wanted.last.number
                && node.incarnation == member.incarnation && !node.disk.isDamaged
        }
        return areEqual && dueStep(leader) == nil
    }

    /// Nothing that was promised is missing, and nothing that was refused is there.
    private func checkEnd() throws {
        for (id, index) in clients.acknowledged {
            guard checker.oracle.requestIndex(id) == index else {
                throw Violation("the acknowledged write at \(index) is lost or applied twice")
            }
        }
        for id in clients.refused {
            if let index = checker.oracle.requestIndex(id) {
                throw Violation("a write that was refused for certain is at \(index)")
            }
        }
        counts.undecided = try clients.history.check(
            commitOf: { id in
                checker.oracle.requestIndex(id).map { ($0, commitTimes[Int($0) - 1]) }
            },
            slowest: Self.slowest
        )
        for node in nodes
        where node.process != nil && checker.oracle.configuration.member(node.id) != nil {
            let tables = node.disk.durable
            guard tables.stateHash == checker.oracle.stateHash(at: tables.point.appliedIndex) else {
                throw Violation("node \(node.id.number) ends with another state")
            }
            for row in tables.log {
                let known = checker.oracle.committed(at: row.entry.index)?.entry
                guard known?.term.number == row.entry.term, known?.body == row.entry.body else {
                    throw Violation(
                        "node \(node.id.number) ends with another entry \(row.entry.index)"
                    )
                }
            }
        }
    }

    private var standing: String {
        nodes.map { node in
            guard let process = node.process else {
                return "\(node.id.number) \(node.isAway ? "away" : "down")"
            }
            let standing = process.core.standing
            return "\(node.id.number) \(standing.role) of term \(standing.term.number), commit "
                + "\(standing.commit.number), last \(standing.last.number), applied "
                + "\(node.disk.durable.point.appliedIndex)"
        }.joined(separator: "; ") + "; \(clients.open.count) operations open"
    }
}
