import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("simulation")
struct SimulationTests {
    /// Seeds run in chunks so that both cores of a small machine have work.
    static let chunk = 50
    static let firstSeeds = (0..<20).map { $0 * chunk }

    @Test(
        "1,000 seeds of 3 nodes: nothing acknowledged is lost, nothing differs, all heals",
        arguments: firstSeeds
    )
    func three(first: Int) {
        sweep(first: first, nodeCount: 3)
    }

    @Test(
        "1,000 seeds of 5 nodes: nothing acknowledged is lost, nothing differs, all heals",
        arguments: firstSeeds
    )
    func five(first: Int) {
        sweep(first: first, nodeCount: 5)
    }

    private func sweep(first: Int, nodeCount: Int) {
        for seed in first..<first + Self.chunk {
            if let problem = ChaosRun(seed: UInt64(seed), nodeCount: nodeCount).problem() {
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

    @Test("the same seed gives the same run", arguments: [UInt64(3), 77, 501])
    func deterministic(seed: UInt64) throws {
        let run = ChaosRun(seed: seed, nodeCount: 5)
        #expect(try run.run() == run.run())
    }
}
