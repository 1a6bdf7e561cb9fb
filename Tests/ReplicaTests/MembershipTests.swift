import Raft
import Store
import TestSupport
import Testing

@testable import Replica

/// No leader took the change.
private struct NeverTaken: Error {}

/// Membership through real replicas, threads and disks.
@Suite("membership of replicas", .serialized)
struct MembershipTests {
    /// Asks whoever leads until the change is committed and no longer joint.
    private func change(
        _ cluster: TestCluster,
        _ change: MembershipChange
    ) async throws -> Configuration {
        for _ in 0..<400 {
            guard let leader = cluster.leader(),
                let current = leader.replica.status.configuration,
                let next = try? current.applying(change)
            else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            let outcomes = Collector<CommitOutcome?>()
            leader.replica.propose(
                MembershipProposal(
                    entry: ConfigurationEntry(configuration: next, authorisation: [7]),
                    deadline: .now + .seconds(20),
                    onProposed: { if case .refused = $0 { outcomes.add(nil) } },
                    onCommitted: { outcomes.add($0) }
                )
            )
            try await eventually("the change is answered") { outcomes.count == 1 }
            guard outcomes.all == [.applied] else {
                try await Task.sleep(for: .milliseconds(20))
                continue
            }
            return try await settled(cluster, after: next.revision)
        }
        throw NeverTaken()
    }

    private func settled(
        _ cluster: TestCluster,
        after revision: UInt64
    ) async throws -> Configuration {
        try await eventually("nobody is joint any more") {
            cluster.members.allSatisfy { member in
                guard let known = member.replica.status.committedConfiguration else { return false }
                return known.revision >= revision && !known.isJoint
            }
        }
        return try #require(cluster.members[0].replica.status.committedConfiguration)
    }

    @Test("a voter is demoted and promoted again; restarts in between remember who votes")
    func demoteAndPromote() async throws {
        let cluster = try TestCluster(seed: 31)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        let demoted = try await change(cluster, .voters(promote: [], demote: [node(3)]))
        #expect(demoted.voters.map(\.id) == [node(1), node(2)])
        #expect(demoted.revision == 2)
        try await cluster.restart(2)
        try await cluster.restart(0)
        for member in cluster.members {
            #expect(member.replica.status.configuration == demoted)
        }
        try await cluster.write(2, key: 2, value: [2])
        let promoted = try await change(cluster, .voters(promote: [node(3)], demote: []))
        #expect(promoted.voters.count == 3 && promoted.revision == 4)
        try await cluster.converge()
        for member in cluster.members {
            #expect(member.alarms.all == [])
            #expect(try member.value(2) == [2])
            let record = try #require(try member.store.load().cluster)
            let known = try Configuration(decoding: record.configuration)
            #expect(known.revision <= promoted.revision)
        }
    }

    @Test("the leader itself is demoted: another one leads, and nothing is lost")
    func demoteLeader() async throws {
        let cluster = try TestCluster(seed: 32)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        let old = try #require(cluster.leader())
        let after = try await change(cluster, .voters(promote: [], demote: [old.id]))
        #expect(after.member(old.id)?.role == .learner)
        try await eventually("a voter leads") {
            cluster.leader().map { $0.id != old.id } ?? false
        }
        try await cluster.write(2, key: 2, value: [2])
        try await cluster.converge()
        #expect(try old.value(2) == [2])
    }

    @Test("a follower refuses a change and says who leads")
    func follower() async throws {
        let cluster = try TestCluster(seed: 33)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        let leader = try #require(cluster.leader())
        let other = try #require(cluster.members.first { $0.id != leader.id })
        let current = try #require(other.replica.status.configuration)
        let outcomes = Collector<ProposeOutcome>()
        other.replica.propose(
            MembershipProposal(
                entry: ConfigurationEntry(
                    configuration: try current.applying(.raiseFormat(2)),
                    authorisation: []
                ),
                deadline: .now + .seconds(20),
                onProposed: { outcomes.add($0) },
                onCommitted: { _ in }
            )
        )
        try await eventually("it is answered") { outcomes.count == 1 }
        #expect(outcomes.all == [.refused(.notLeader(hint: leader.id))])
    }
}
