import TestSupport
import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("read leases")
struct LeaseTests {
    // MARK: Arithmetic

    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let promise: UInt64
        let driftPPM: UInt64
        let margin: UInt64
        let lease: UInt64
    }

    static let rows = [
        Row(
            testDescription: "perfect clocks, no margin: all of the promise",
            promise: 400_000_000,
            driftPPM: 0,
            margin: 0,
            lease: 400_000_000
        ),
        Row(
            testDescription: "the margin comes off",
            promise: 400_000_000,
            driftPPM: 0,
            margin: 50_000_000,
            lease: 350_000_000
        ),
        Row(
            testDescription: "ten per cent cost two elevenths",
            promise: 1_100_000_000,
            driftPPM: 100_000,
            margin: 0,
            lease: 900_000_000
        ),
        Row(
            testDescription: "nothing is left: no lease, no underflow",
            promise: 40_000_000,
            driftPPM: 1_000,
            margin: 50_000_000,
            lease: 0
        ),
    ]

    @Test("what a leader believes of a promise", arguments: rows)
    func arithmetic(_ row: Row) {
        var settings = ReadLeaseSettings()
        settings.clockDriftPPM = row.driftPPM
        settings.marginNanoseconds = row.margin
        #expect(settings.lease(ofPromise: row.promise) == row.lease)
    }

    /// The whole claim in one line: in true time, the leader's belief ends before the voter's
    /// promise does, for the slowest leader and the fastest voter. A margin of zero still holds,
    /// because the division rounds down; leaving the drift out does not.
    @Test(
        "a slow leader stops believing before a fast voter stops keeping still",
        arguments: [0, 1, 200, 1_000, 20_000, 100_000] as [UInt64],
        [200_000_000, 400_000_000, 999_999_937, 3_600_000_000_000] as [UInt64]
    )
    func driftIsCovered(drift: UInt64, promise: UInt64) {
        var settings = ReadLeaseSettings()
        settings.clockDriftPPM = drift
        settings.marginNanoseconds = 0
        func isSafe(_ lease: UInt64) -> Bool {
            // lease / (1 − drift) ≤ promise / (1 + drift), without fractions.
            lease.multipliedFullWidth(by: 1_000_000 + drift)
                <= promise.multipliedFullWidth(by: 1_000_000 - drift)
        }
        #expect(isSafe(settings.lease(ofPromise: promise)))
        #expect(settings.lease(ofPromise: promise) > promise / 10 * 8 - 1_100_000)
        // What is planted in the world below: the promise taken at its word.
        if drift > 0 { #expect(!isSafe(promise)) }
        // And the wait before a handover outlasts the slowest voter.
        let patience = settings.patience(forPromise: promise)
        #expect(
            patience.multipliedFullWidth(by: 1_000_000 - drift)
                >= promise.multipliedFullWidth(by: 1_000_000 + drift)
        )
    }

    @Test("settings that leave no room for a lease are refused")
    func problems() {
        var settings = RaftSettings()
        settings.readLease = ReadLeaseSettings()
        #expect(settings.problem == nil)
        settings.readLease?.clockDriftPPM = 100_001
        #expect(settings.problem != nil)
        settings.readLease = ReadLeaseSettings()
        settings.readLease?.marginNanoseconds = 301_000_000
        #expect(settings.problem != nil)
        settings.readLease = ReadLeaseSettings()
        settings.readLease?.tickNanoseconds = 0
        #expect(settings.problem != nil)
    }

    // MARK: Histories

    private static let seedsPerPart = UInt64(Fuzzing.laboratorySeeds(usual: 40) / 4)

    @Test(
        "no stale read: drift, pauses, cuts, restarts, handovers",
        arguments: 0..<4 as Range<UInt64>
    )
    func noStaleRead(part: UInt64) throws {
        var leased: UInt64 = 0
        var elections = 0
        let count = Self.seedsPerPart
        for seed in part * count..<(part + 1) * count {
            let run = LeaseRun(seed: seed)
            let summary = try run.run()
            leased += summary.leased
            elections += summary.elections
        }
        // A run that never reads by lease, or never changes the leader, shows nothing.
        #expect(leased > 200 * count)
        #expect(elections > 2 * Int(count))
    }

    @Test(
        "no stale read while members change and lose their disks",
        arguments: 0..<2 as Range<UInt64>
    )
    func noStaleReadInChurn(part: UInt64) throws {
        var leased: UInt64 = 0
        var changes: UInt64 = 0
        for seed in 1_000 + part * 4..<1_000 + (part + 1) * 4 {
            let summary = try LeaseRun(seed: seed, churns: true).run()
            leased += summary.leased
            changes += summary.changes
        }
        #expect(leased > 500)
        #expect(changes > 20)
    }

    @Test("the same seed is the same history")
    func repeats() throws {
        #expect(try LeaseRun(seed: 11).run() == LeaseRun(seed: 11).run())
    }

    /// Seeds until the first one that shows a stale read.
    private func seedsToCatch(_ settings: RaftSettings) -> UInt64? {
        (0..<60 as Range<UInt64>).first { seed in
            LeaseRun(seed: seed, settings: settings).problem()?.contains("stale read") == true
        }
    }

    @Test("planted: a lease without drift and margin is caught")
    func plantedWithoutMargin() {
        #expect(seedsToCatch(.leasing(driftPPM: 0, marginTicks: 0)) != nil)
    }
}
