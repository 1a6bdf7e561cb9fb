import Dispatch
import Raft
import Store
import Synchronization
import TestSupport
import Testing

@testable import Replica

/// One member's whole replica over a real store, as the only voter.
@Suite("local replica")
struct LocalReplicaTests {
    @Test("what is proposed is applied and can be read, in order")
    func writes() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        for number in 1...5 as ClosedRange<UInt64> {
            #expect(try await one.commit(number, put: [1], value: [UInt8(number)]) == .applied)
        }
        #expect(try await one.read(1) == [5])
        #expect(one.replica.status.role == .leader)
        #expect(one.replica.status.committed == index(6))
    }

    /// The core's thread is held up until all have been offered, so they come in one turn.
    @Test("many writes at a time share a commit")
    func groupCommit() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        let outcomes = Collector<CommitOutcome>()
        let gate = DispatchSemaphore(value: 0)
        let base = one.replica.status.evaluated.number
        let count: UInt64 = 500
        let before = one.store.counters.commits
        for number in 0...count {
            one.replica.propose(
                BatchProposal(
                    batch: batch(number, base: base, put: [number]),
                    deadline: .now + .seconds(300),
                    onProposed: { _ in if number == 0 { gate.wait() } },
                    onCommitted: { outcomes.add($0) }
                )
            )
        }
        gate.signal()
        try await eventually("all are applied") { outcomes.count == Int(count) + 1 }
        #expect(outcomes.all.allSatisfy { $0 == .applied })
        try await eventually("all are in the tables") { one.store.overlayCount == 0 }
        // One for the first, one for the rest, and a few for what is applied when nothing comes.
        #expect(one.store.counters.commits - before < 20)
    }

    @Test("a write that is repeated under its id happens once")
    func duplicates() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        #expect(try await one.commit(7, put: [1], value: [1]) == .applied)
        let first = one.evaluated
        #expect(try await one.commit(8, put: [1], value: [2]) == .applied)
        #expect(try await one.commit(7, put: [1], value: [1]) == .duplicate(of: first))
        #expect(try await one.read(1) == [2])
    }

    @Test("a write is not repeated once its id may be forgotten")
    func forgotten() async throws {
        var options = smallOptions
        options.requestsRetained = 4
        let one = try SoleMember(options: options)
        defer { one.stop() }
        try await one.lead()
        let since = one.evaluated
        #expect(try await one.commit(7, put: [1], value: [1]) == .applied)
        for number in 1...3 as ClosedRange<UInt64> {
            #expect(try await one.commit(number, put: [1], value: [2]) == .applied)
        }
        let outcomes = Collector<ProposeOutcome>()
        let again = batch(7, base: one.evaluated.number, put: [1])
        one.replica.propose(proposal(again, since: since, outcomes: outcomes))
        try await eventually("it is answered") { outcomes.count == 1 }
        #expect(outcomes.all == [.refused(.overloaded)])
        #expect(try await one.read(1) == [2])
    }

    @Test("a write whose check fails changes nothing")
    func rejected() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        let outcome = try await one.commit(1, put: [1], value: [1], checks: [(5, 77)])
        #expect(outcome == .rejected)
        #expect(try await one.read(1) == nil)
    }

    @Test("of two writers who read the same state, one goes again")
    func conflict() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        let base = one.replica.status.evaluated.number
        let outcomes = Collector<ProposeOutcome>()
        for number in 1...2 as ClosedRange<UInt64> {
            one.replica.propose(
                proposal(
                    batch(number, base: base, put: [1], checks: [(1, 0)]),
                    outcomes: outcomes
                )
            )
        }
        try await eventually("both are answered") { outcomes.count == 2 }
        #expect(outcomes.all.last == .conflict(after: index(base + 1)))
    }

    @Test("waits end with their deadline")
    func deadlines() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        let commits = Collector<CommitOutcome>()
        let reads = Collector<ReadOutcome>()
        let past = Moment.now - .seconds(1)
        one.replica.waitForCommit(index(99), term(9), deadline: past) { commits.add($0) }
        one.replica.waitForEvaluation(index(99), deadline: past) { reads.add($0) }
        try await eventually("both end") { commits.count == 1 && reads.count == 1 }
        #expect(commits.all == [.unknown])
        #expect(reads.all == [.refused(.notLeader(hint: nil))])
    }

    @Test("a start on the same folder finds everything, request ids too")
    func restart() async throws {
        let folder = TemporaryFolder()
        func fill() async throws -> LogIndex {
            let first = try SoleMember(folder: folder)
            try await first.lead()
            for number in 1...50 as ClosedRange<UInt64> {
                #expect(try await first.commit(number, put: [number], value: [9]) == .applied)
            }
            first.stop()
            return first.evaluated
        }
        let seen = try await fill()
        let second = try await SoleMember.reopened(folder)
        defer { second.stop() }
        try await second.lead()
        #expect(second.replica.status.term > term(1))
        for number in 1...50 as ClosedRange<UInt64> {
            #expect(try await second.read(number) == [9])
        }
        #expect(try await second.commit(50, put: [1], value: [1]) == .duplicate(of: seen))
    }

    @Test("the log is compacted on disk as it is in memory")
    func compaction() async throws {
        var retention = LogRetention()
        retention.entries = 20
        let folder = TemporaryFolder()
        func fill(_ retention: LogRetention) async throws {
            let first = try SoleMember(folder: folder, retention: retention)
            try await first.lead()
            for number in 1...100 as ClosedRange<UInt64> {
                _ = try await first.commit(number, put: [number % 7], value: [UInt8(number)])
            }
            let last = first.replica.status.last.number
            try await eventually("the older entries are gone") {
                try first.store.load().point.base.index >= last - 26
            }
            first.stop()
        }
        try await fill(retention)
        let second = try await SoleMember.reopened(folder)
        defer { second.stop() }
        try await second.lead()
        #expect(try await second.read(100 % 7) == [100])
        #expect(try await second.read(94 % 7) == [94])
    }

    @Test("an inspector sees what comes, and what the log still holds")
    func inspection() async throws {
        let one = try SoleMember()
        defer { one.stop() }
        try await one.lead()
        #expect(try await one.commit(1, put: [1]) == .applied)
        let later = Collector<[UInt8]>()
        let retained = Collector<[UInt8]>()
        let done = Atomic(false)
        one.replica.setInspector { _, body in
            if case .batch(let batch) = body { later.add(batch.requestID) }
        }
        one.replica.inspectRetained { _, body in
            guard case .batch(let batch) = body else { return }
            retained.add(batch.requestID)
        } completion: {
            done.store(true, ordering: .releasing)
        }
        try await eventually("the inspection ends") { done.load(ordering: .acquiring) }
        #expect(retained.all == [requestID(1)])
        #expect(try await one.commit(2, put: [1]) == .applied)
        #expect(later.all == [requestID(2)])
        one.replica.setInspector(nil)
        #expect(try await one.commit(3, put: [1]) == .applied)
        #expect(later.all == [requestID(2)])
    }

    @Test("a stopped replica refuses at once")
    func stopped() async throws {
        let one = try SoleMember()
        try await one.lead()
        one.stop()
        let outcomes = Collector<ProposeOutcome>()
        one.replica.propose(proposal(batch(1, base: 1), outcomes: outcomes))
        #expect(outcomes.all == [.refused(.overloaded)])
    }
}

/// A cluster of one.
final class SoleMember: Sendable {
    let member: TestMember

    init(
        folder: TemporaryFolder = TemporaryFolder(),
        retention: LogRetention = LogRetention(),
        options: StoreOptions = smallOptions
    ) throws {
        member = try TestMember(
            1,
            of: voters(1),
            folder: folder,
            network: TestNetwork(seed: 1),
            retention: retention,
            options: options
        )
    }

    /// Waits until the folder's former owner has let go of it.
    static func reopened(_ folder: TemporaryFolder) async throws -> SoleMember {
        var member: SoleMember?
        try await eventually("the folder is free") {
            member = try? SoleMember(folder: folder)
            return member != nil
        }
        guard let member else { throw TookTooLong(description: "the folder is not free") }
        return member
    }

    var replica: LocalReplica { member.replica }
    var store: LocalStore { member.store }

    func lead() async throws {
        try await eventually("it leads, and has committed in its term") {
            replica.status.role == .leader && replica.status.evaluated == replica.status.last
                && replica.status.evaluated > .zero
        }
    }

    func stop() { replica.stop() }

    /// What a view shows; the status says so a little later.
    var evaluated: LogIndex { index(store.view { $0.evaluatedIndex }) }

    /// Writes on top of what is evaluated now, and waits for what becomes of it.
    func commit(
        _ number: UInt64,
        put keys: [UInt64],
        value: [UInt8] = [1],
        checks: [(key: UInt64, index: UInt64)] = []
    ) async throws -> CommitOutcome? {
        let base = evaluated.number
        let outcomes = Collector<CommitOutcome>()
        let proposed = Collector<ProposeOutcome>()
        replica.propose(
            proposal(
                batch(number, base: base, put: keys, value: value, checks: checks),
                outcomes: proposed,
                onCommitted: { outcomes.add($0) }
            )
        )
        try await eventually("write \(number) is answered") { outcomes.count == 1 }
        #expect(proposed.count == 1)
        return outcomes.all.first
    }

    /// A linearizable read.
    func read(_ number: UInt64) async throws -> [UInt8]? {
        let outcomes = Collector<ReadOutcome>()
        replica.waitForRead(deadline: .now + .seconds(300)) { outcomes.add($0) }
        try await eventually("the read is answered") { outcomes.count == 1 }
        guard case .ready = outcomes.all.first else {
            throw TookTooLong(description: "the read is served, not \(outcomes.all)")
        }
        return try store.view { view in try view.record(key(number)) }?.valueBox
    }
}
