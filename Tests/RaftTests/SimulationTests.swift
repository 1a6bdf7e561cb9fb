import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("simulation")
struct SimulationTests {
    /// Seeds run in chunks so that both cores of a small machine have work.
    static let chunk = 50
    static let firstSeeds = Array(
        stride(from: 0, to: Fuzzing.laboratorySeeds(usual: 200), by: chunk)
    )

    @Test(
        "seeds of 3 nodes: nothing acknowledged is lost, nothing differs, all heals",
        arguments: firstSeeds
    )
    func three(first: Int) {
        sweep(first: first, nodeCount: 3)
    }

    @Test(
        "seeds of 5 nodes: nothing acknowledged is lost, nothing differs, all heals",
        arguments: firstSeeds
    )
    func five(first: Int) {
        sweep(first: first, nodeCount: 5)
    }

    @Test(
        "seeds of members that come, go and lose their disks",
        arguments: firstSeeds
    )
    func churn(first: Int) {
        sweep(first: first, nodeCount: 3, churns: true)
    }

    @Test("half as many of five of them", arguments: firstSeeds.prefix((firstSeeds.count + 1) / 2))
    func churnOfFive(first: Int) {
        sweep(first: first, nodeCount: 5, churns: true)
    }

    private func sweep(first: Int, nodeCount: Int, churns: Bool = false) {
        for seed in first..<first + Self.chunk {
            let run = ChaosRun(seed: UInt64(seed), nodeCount: nodeCount, churns: churns)
            if let problem = run.problem() {
                Issue.record("\(problem)")
                return
            }
        }
    }

    @Test("a run is eventful: elections, commits, reads and snapshots all happen")
    func eventful() throws {
        var total = ChaosRun.Summary()
        for seed in UInt64(0)..<20 {
            let summary = try ChaosRun(seed: seed, nodeCount: 3).run()
            total.elections += summary.elections
            total.committed += summary.committed
            total.reads += summary.reads
            total.snapshots += summary.snapshots
        }
        #expect(total.elections >= 60)
        #expect(total.committed >= 500)
        #expect(total.reads >= 150)
        #expect(total.snapshots >= 10)
    }

    @Test("churn is eventful: members change and disks are lost")
    func eventfulChurn() throws {
        var total = ChaosRun.Summary()
        for seed in UInt64(0)..<25 {
            let summary = try ChaosRun(seed: seed, nodeCount: 3, churns: true).run()
            total.changes += summary.changes
            total.wipes += summary.wipes
        }
        #expect(total.changes >= 60)
        #expect(total.wipes >= 10)
    }

    @Test("the same seed gives the same run", arguments: [UInt64(3), 77, 501])
    func deterministic(seed: UInt64) throws {
        let run = ChaosRun(seed: seed, nodeCount: 5)
        #expect(try run.run() == run.run())
    }
}
