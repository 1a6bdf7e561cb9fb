import Testing

@testable import Simulator

/// Whole runs, few of them: `Tests/run` runs a slice of many with the optimised program.
@Suite("simulation")
struct SimulationTests {
    private func settings(_ seed: UInt64, seconds: Int = 4) -> SimulationSettings {
        var settings = SimulationSettings(seed: seed)
        settings.seconds = seconds
        return settings
    }

    /// What runs with these faults came to; none of them may break a rule.
    private func sum(
        of seeds: ClosedRange<UInt64>,
        seconds: Int,
        under faults: Faults
    ) -> SimulationCounts {
        seeds.reduce(into: SimulationCounts()) { counts, seed in
            var settings = settings(seed, seconds: seconds)
            settings.faults = faults
            let report = Simulation.run(settings)
            #expect(report.violation == nil)
            counts.add(report.counts)
        }
    }

    @Test("no seed breaks a rule, and each converges", arguments: UInt64(1)...12)
    func seeds(_ seed: UInt64) {
        let report = Simulation.run(settings(seed))
        #expect(report.violation == nil)
        #expect(report.counts.committed > 0)
    }

    @Test("a seed is a run: equal hashes, watched or not", arguments: [3, 17] as [UInt64])
    func repeated(_ seed: UInt64) {
        let first = Simulation.run(settings(seed, seconds: 2))
        var lines = 0
        let second = Simulation.run(settings(seed, seconds: 2)) { _ in lines += 1 }
        #expect(first.traceHash == second.traceHash)
        #expect(first.counts == second.counts)
        #expect(lines > 100)
        let other = Simulation.run(settings(seed + 1, seconds: 2))
        #expect(first.traceHash != other.traceHash)
    }

    @Test("without faults there is one election, and no client waits in vain")
    func calm() {
        var settings = settings(6)
        settings.faults = .calm
        settings.nodes = 5
        let report = Simulation.run(settings)
        #expect(report.violation == nil)
        #expect(report.counts.unknown == 0)
        #expect(report.counts.faults == 0)
        #expect(report.counts.elections == 1)
        #expect(report.counts.unconfirmedReads > 0 && report.counts.undecided == 0)
    }

    @Test("members come, go, are replaced and begin anew")
    func members() {
        var faults = Faults.calm
        faults.pauseMillisecondsMost = 250
        for kind in [.admit, .promote, .demote, .replace, .letGo, .transfer] as [FaultKind] {
            faults[kind] = 4
        }
        faults[.loseDatabase] = 3
        faults[.crash] = 2
        let counts = sum(of: 1...4, seconds: 10, under: faults)
        #expect(counts.changes >= 20 && counts.rebuilt >= 2)
    }

    @Test("what disks lose and damage comes back, and nobody is told wrong meanwhile")
    func repair() {
        var faults = Faults.calm
        faults.pauseMillisecondsMost = 200
        let kinds: [FaultKind] = [
            .damageLog, .damageState, .loseRecord, .ageRecord, .loseArchived, .damageSnapshot,
        ]
        for kind in kinds { faults[kind] = 5 }
        faults[.crash] = 3
        let counts = sum(of: 1...3, seconds: 6, under: faults)
        #expect(counts.mended > 0 && counts.rebuilt > 0 && counts.snapshots > 0)
        #expect(counts.confirmed > 0 && counts.lists > 0)
    }

    /// What a disk may not do, and the checkers must see, each within so many seeds.
    @Test("a disk that breaks its word is found out", arguments: Lie.allCases)
    func lies(_ lie: Lie) {
        var faults = Faults.harsh
        faults[.damageLog] = 0
        faults[.damageState] = 0
        faults[.loseRecord] = 0
        faults[.ageRecord] = 0
        faults[.loseArchived] = 0
        faults[.crash] = 200
        let found = (UInt64(1)...10).contains { seed in
            var settings = settings(seed)
            settings.faults = faults
            settings.lie = lie
            return Simulation.run(settings).violation != nil
        }
        #expect(found)
    }
}
