import Raft
import Store
import TestSupport
import Testing

@testable import Replica

@Suite("disk watch")
struct DiskWatchTests {
    private func looks(_ judge: inout DiskJudge, _ mark: UInt64, _ count: Int)
        -> [DiskJudge.Verdict]
    {
        (0..<count).map { _ in judge.look(at: mark) }.filter { $0 != .nothing }
    }

    @Test("the mark is odd inside a transaction, and another one after each that writes")
    func mark() {
        let watch = DiskWatch()
        #expect(watch.mark == 0)
        watch.begin()
        watch.begin()
        #expect(watch.mark == 1)
        watch.end(hasWritten: true)
        watch.end(hasWritten: true)
        #expect(watch.mark == 2)
        watch.begin()
        #expect(watch.mark == 3)
        watch.end(hasWritten: false)
        #expect(watch.mark == 2, "as if it had not begun")
    }

    @Test("one transaction that lasts is a stall, told once; many short ones are none")
    func stall() {
        var judge = DiskJudge(stallTicks: 20)
        #expect(looks(&judge, 1, 20).isEmpty)
        #expect(looks(&judge, 1, 50) == [.stalled])
        judge = DiskJudge(stallTicks: 20)
        for round in 0..<50 as Range<UInt64> {
            #expect(looks(&judge, 1 + 2 * round, 20).isEmpty)
        }
    }

    @Test("a disk is well again only after a while without a stall")
    func recovery() {
        var judge = DiskJudge(stallTicks: 20)
        _ = looks(&judge, 1, 30)
        #expect(looks(&judge, 2, Limits.diskWellTicks - 2).isEmpty)
        #expect(looks(&judge, 3, 30).isEmpty, "a second stall is no news")
        #expect(looks(&judge, 4, Limits.diskWellTicks - 1).isEmpty, "and begins the wait anew")
        #expect(looks(&judge, 4, 1) == [.recovered])
    }

    @Test("an idle disk asks for a probe now and then, a busy one never")
    func idle() {
        var judge = DiskJudge(stallTicks: 20)
        let ticks = Limits.diskProbeTicks * 5 + 5
        #expect(looks(&judge, 0, ticks).count == 5)
        for round in 1..<50 as Range<UInt64> {
            #expect(looks(&judge, 2 * round, Limits.diskProbeTicks).isEmpty)
        }
    }

    @Test("only a leader with other voters is probed")
    func whoIsProbed() {
        var lone = DriverBench()
        lone.lead()
        lone.driver.probeDiskIfLeading()
        #expect(!lone.ports.events.contains(.probe))
        var bench = DriverBench(voters: 3)
        bench.driver.probeDiskIfLeading()
        #expect(!bench.ports.events.contains(.probe))
        bench.lead()
        bench.driver.probeDiskIfLeading()
        #expect(bench.ports.events.last == .probe)
    }

    private struct Silent: StoragePorts {
        func tellCore(_ input: CoreInput) {}
    }

    /// A storage machine that has begun.
    private func machine(over store: LocalStore, _ watch: DiskWatch) throws -> StorageMachine {
        let machine = StorageMachine(
            storage: store,
            ports: Silent(),
            state: try ReplicaStart(store.load()),
            watch: watch,
            now: .now
        )
        try machine.begin()
        return machine
    }

    @Test("a probe is one durable transaction, and changes nothing")
    func probe() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let watch = DiskWatch()
        let machine = try machine(over: store, watch)
        let before = store.counters.commits
        let point = try store.load().point
        try machine.turn([.probe], now: .now)
        #expect(store.counters.commits == before + 1)
        #expect(try store.load().point == point)
        #expect(watch.mark > 0 && watch.mark % 2 == 0)
    }

    @Test("a storage thread that turns for nothing keeps no probe away")
    func idleTurns() throws {
        let folder = TemporaryFolder()
        let store = try folder.open()
        let watch = DiskWatch()
        let machine = try machine(over: store, watch)
        try machine.turn([], now: .now)
        let pause = machine.waitMilliseconds / Limits.tickMilliseconds
        var judge = DiskJudge(stallTicks: 20)
        var probes = 0
        for _ in 0..<5 {
            for _ in 0..<pause where judge.look(at: watch.mark) == .idle { probes += 1 }
            try machine.turn([], now: .now)
        }
        // The first look is at what the start has written.
        #expect(probes == 4, "one in each second")
    }
}

@Suite("leadership of replicas")
struct LeadershipTests {
    @Test("30 transfers under load: each is done, and no write fails or is lost")
    func transfers() async throws {
        let cluster = try TestCluster(seed: 21)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        let writing = Task {
            for number in 2...400 as ClosedRange<UInt64> {
                try await cluster.write(number, key: number, value: [7])
            }
        }
        // On a machine with more to do than it can, a target may not make it in time; then this
        // leader leads on, and is asked again.
        var (done, late) = (0, 0)
        for _ in 0..<100 where done < 30 && late < 10 {
            let outcomes = Collector<TransferOutcome>()
            try await eventually("somebody leads") { cluster.leader() != nil }
            guard let leader = cluster.leader() else { continue }
            leader.replica.transferLeadership(to: nil, deadline: .now + .seconds(60)) {
                outcomes.add($0)
            }
            try await eventually("the transfer ends") { outcomes.count == 1 }
            switch outcomes.all[0] {
            case .done(let other):
                #expect(other != leader.id)
                done += 1
            // A leader of a few milliseconds has heard nobody yet.
            case .refused(.unfit), .refused(.notLeader): break
            case .timedOut: late += 1
            case .refused: Issue.record("\(outcomes.all)")
            }
            try await Task.sleep(for: .milliseconds(30))
        }
        #expect(done == 30, "\(late) others were not done in time")
        try await writing.value
        try await cluster.converge()
        for member in cluster.members {
            for key in 2...400 as ClosedRange<UInt64> {
                #expect(try member.value(key) == [7])
            }
            #expect(member.alarms.count == 0)
        }
    }

    @Test("a transfer whose patience ends is answered, and so is one at a follower")
    func answers() async throws {
        let cluster = try TestCluster(seed: 22)
        defer { cluster.stop() }
        try await cluster.write(1, key: 1, value: [1])
        let follower = try #require(cluster.members.first { $0.replica.status.role == .follower })
        let outcomes = Collector<TransferOutcome>()
        follower.replica.transferLeadership(to: nil, deadline: .now + .seconds(60)) {
            outcomes.add($0)
        }
        try await eventually("it is refused") { outcomes.count == 1 }
        guard case .refused(.notLeader) = outcomes.all[0] else {
            return #expect(Bool(false), "\(outcomes.all)")
        }
    }

    @Test("the driver ends a transfer's wait at its deadline, once")
    func deadline() {
        var bench = DriverBench(voters: 3)
        bench.lead()
        bench.acknowledge(from: 2)
        let response = HeartbeatResponse(
            round: 0,
            received: bench.driver.core.lastIndex,
            durable: bench.driver.core.lastIndex,
            isSealed: false
        )
        _ = bench.receive(.heartbeatResponse(response), from: 2, term: bench.driver.core.term)
        let outcomes = Collector<TransferOutcome>()
        let now = Moment.now
        bench.turn(
            .transfer(
                TransferRequest(target: node(2), deadline: now + .seconds(1)) { outcomes.add($0) }
            )
        )
        #expect(outcomes.all == [])
        bench.turn(.expire(now))
        #expect(outcomes.all == [])
        bench.turn(.expire(now + .seconds(2)))
        #expect(outcomes.all == [.timedOut])
        for _ in 0..<100 { bench.turn(.raft(.tick)) }
        #expect(outcomes.count == 1)
    }
}
