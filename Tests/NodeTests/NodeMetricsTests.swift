import API
import Cryptography
import Raft
import Store
import TestSupport
import Testing
import Transport

@testable import Node
@testable import Replica

@Suite("what a node tells of itself")
struct NodeMetricsTests {
    @Test("every number has a name of its own, a unit, a sentence and a value")
    func table() throws {
        let folder = TemporaryFolder()
        let store = try LocalStore.open(folder: folder.path + "/node", digest: sha256)
        var status = ReplicaStatus()
        let now = Moment.now
        status.snapshots.delivered = 3
        status.snapshots.sparedBytes = 5_000
        status.scrub.lastPass = now - .seconds(7)
        status.scrub.agreed = LogIndex(number: 20_000)
        let metrics = NodeMetrics.metrics(
            of: NodeMetrics.Facts(
                growth: try store.growth(),
                status: status,
                overlay: (3, 400),
                isSealed: true,
                sharesGiven: 2,
                requestsWaiting: 3,
                now: now,
                work: nil,
                tokens: 12,
                disk: Machine.room(folder.path),
                clocks: WallClocks.Standing(own: 7_000_000_000, median: 5_500_000_000, sound: []),
                aheadOfCluster: 0.25
            )
        )
        #expect(Set(metrics.map(\.name)).count == metrics.count)
        for metric in metrics {
            #expect(metric.name.hasPrefix("holdfast_"))
            #expect(metric.name.utf8.allSatisfy { $0 == 0x5F || (0x61...0x7A).contains($0) })
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter))
            #expect(!metric.help.isEmpty && !metric.help.contains("\n"))
        }
        let values = Dictionary(
            uniqueKeysWithValues: metrics.compactMap { metric in
                metric.samples.first.map { (metric.name, $0.value) }
            }
        )
        #expect(values["holdfast_sealed"] == 1)
        #expect(values["holdfast_unseal_shares_given"] == 2)
        #expect(values["holdfast_requests_waiting"] == 3)
        #expect(values["holdfast_tokens"] == 12)
        #expect(values["holdfast_clock_ahead_seconds"] == 1.5)
        #expect(values["holdfast_clock_ahead_of_cluster_seconds"] == 0.25)
        let (available, total) = (
            try #require(values["holdfast_disk_available_bytes"]),
            try #require(values["holdfast_disk_total_bytes"])
        )
        #expect(available > 0 && available <= total)
        #expect(metrics.contains { $0.name == "holdfast_jobs_failing" })
        #expect(values["holdfast_jobs_failing"] == nil, "a sealed node cannot read them")
        #expect(values["holdfast_store_overlay_bytes"] == 400)
        #expect(values["holdfast_store_live_bytes"] ?? 0 > 0)
        #expect(values["holdfast_raft_has_leader"] == 0)
        #expect(values["holdfast_snapshot_delivered_total"] == 3)
        #expect(values["holdfast_snapshot_spared_bytes_total"] == 5_000)
        #expect(values["holdfast_store_scrub_age_seconds"] == 7)
        #expect(values["holdfast_store_agreed_index"] == 20_000)
        #expect(metrics.contains { $0.name == "holdfast_raft_state_age_seconds" })
        #expect(values["holdfast_raft_state_age_seconds"] == nil, "nobody has confirmed it yet")
    }
}
