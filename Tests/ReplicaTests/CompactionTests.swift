import Raft
import TestSupport
import Testing

@testable import Replica

/// How much of the log goes, and when.
@Suite("compaction")
struct CompactionTests {
    typealias Event = RecordingPorts.Event

    static var small: LogRetention {
        var retention = LogRetention()
        retention.entries = 16
        retention.entriesMax = 64
        return retention
    }

    private func compactions(_ events: [Event]) -> [UInt64] {
        events.compactMap { if case .compact(let index) = $0 { index.number } else { nil } }
    }

    @Test("nothing goes while the log is short")
    func short() {
        var bench = DriverBench(retention: Self.small)
        bench.lead()
        bench.propose(15)
        bench.flush()
        bench.settle()
        #expect(compactions(bench.ports.events) == [])
    }

    @Test("a long log keeps what was asked for, and is asked for once")
    func long() {
        var bench = DriverBench(retention: Self.small)
        bench.lead()
        bench.propose(40)
        bench.flush()
        let before = bench.ports.events.count
        bench.settle()
        bench.turn(.raft(.tick))
        let last = bench.driver.core.lastIndex.number
        #expect(compactions(Array(bench.ports.events[before...])) == [last - 16])
        bench.turn(.raft(.compacted(through: index(10))))
        #expect(bench.driver.core.firstIndex == index(11))
    }

    @Test("a heavy log loses its older quarter")
    func heavy() {
        var retention = LogRetention()
        retention.bytes = 8 << 10
        var bench = DriverBench(retention: retention)
        bench.lead()
        bench.propose(20, bytes: 1_000)
        bench.flush()
        bench.settle()
        #expect(compactions(bench.ports.events).last == 6)
    }

    /// Found by reading: the storage thread applies what the evaluation thread gives it one by
    /// one, and may say so before the core hears that the whole run is evaluated. Compacting what
    /// is not evaluated ends the process.
    @Test("nothing goes that the core does not know as evaluated, though it is applied")
    func appliedFirst() {
        var bench = DriverBench(retention: Self.small)
        bench.lead()
        bench.propose(40)
        bench.flush()
        #expect(compactions(bench.turn(.applied(index(30)))) == [])
        #expect(compactions(bench.turn(.raft(.evaluated(index(41))))) == [25])
    }

    @Test("nothing goes that is not applied, though it is evaluated")
    func evaluatedFirst() {
        var bench = DriverBench(retention: Self.small)
        bench.lead()
        bench.propose(40)
        bench.flush()
        #expect(compactions(bench.turn(.raft(.evaluated(index(41))))) == [])
        #expect(compactions(bench.turn(.applied(index(20)))) == [20])
        #expect(compactions(bench.turn(.applied(index(41)))) == [25])
    }

    /// A leader of three with `entries` committed by itself and node 2; node 3 said that it has
    /// the first ten.
    private func leader(entries: Int) -> DriverBench {
        var bench = DriverBench(voters: 3, retention: Self.small)
        bench.lead()
        bench.acknowledge(from: 2)
        bench.settle()
        bench.propose(9)
        bench.flush()
        bench.acknowledge(from: 2)
        bench.acknowledge(from: 3)
        bench.settle()
        bench.propose(entries - 10)
        bench.flush()
        bench.acknowledge(from: 2)
        bench.settle()
        return bench
    }

    @Test("a member that is present keeps what it still needs")
    func presentMember() {
        let bench = leader(entries: 50)
        #expect(bench.driver.core.lastIndex == index(50))
        #expect(compactions(bench.ports.events) == [10])
    }

    @Test("a member that is present keeps no more than the upper bound")
    func upperBound() {
        let bench = leader(entries: 100)
        #expect(compactions(bench.ports.events).last == 84)
    }

    @Test("a member that is gone keeps nothing")
    func absentMember() {
        var bench = leader(entries: 50)
        // Node 2 answers, node 3 does not, for longer than an election takes.
        for _ in 0..<60 {
            bench.turn(.raft(.tick))
            bench.acknowledge(from: 2)
        }
        #expect(compactions(bench.ports.events).last == 34)
    }

    // MARK: Snapshots under way

    private func point(_ number: UInt64) -> SnapshotPoint {
        SnapshotPoint(index: index(number), term: term(2), configuration: voters(3))
    }

    /// Node 3 is gone for long enough and the log is compacted behind its back.
    private func behind() -> DriverBench {
        var bench = leader(entries: 50)
        for _ in 0..<60 {
            bench.turn(.raft(.tick))
            bench.acknowledge(from: 2)
        }
        bench.turn(.raft(.compacted(through: index(34))))
        return bench
    }

    /// It is back and has forgotten everything but the first entry.
    private func speak(_ bench: inout DriverBench) -> [Event] {
        let before = bench.ports.events.count
        for _ in 0..<60 {
            bench.turn(.raft(.tick))
            bench.acknowledge(from: 2)
            let term = bench.driver.core.term
            _ = bench.receive(
                .heartbeatResponse(
                    HeartbeatResponse(
                        round: 0,
                        received: index(10),
                        durable: index(10),
                        isSealed: false,
                        isDiskStalled: false,
                        formatLevel: 1
                    )
                ),
                from: 3,
                term: term
            )
        }
        return Array(bench.ports.events[before...])
    }

    @Test("a member whose entries are gone gets one stream, named with the leader's term")
    func oneStream() {
        var bench = behind()
        let streams = speak(&bench).filter { if case .stream = $0 { true } else { false } }
        #expect(streams == [.stream(node(3), atLeast: index(34), bench.driver.core.term)])
    }

    /// Found by reading: an export that failed was never reported, and the core waited for its end
    /// for as long as it led.
    @Test("a stream that could not begin is asked for again")
    func streamThatFails() {
        var bench = behind()
        _ = speak(&bench)
        let events = bench.turn(
            .streamEnded(to: node(3), nil, term: bench.driver.core.term, isDelivered: false)
        )
        let streams = (events + speak(&bench)).filter {
            if case .stream = $0 { true } else { false }
        }
        #expect(streams == [.stream(node(3), atLeast: index(34), bench.driver.core.term)])
    }

    @Test("the end of a stream of an earlier term means nothing")
    func oldStream() {
        var bench = behind()
        _ = speak(&bench)
        bench.turn(.streamEnded(to: node(3), nil, term: .zero, isDelivered: false))
        #expect(!speak(&bench).contains { if case .stream = $0 { true } else { false } })
    }

    @Test("the log after a snapshot stays while it is streamed, and until its receiver has it")
    func streamKeepsLog() {
        var bench = behind()
        _ = speak(&bench)
        let term = bench.driver.core.term
        bench.turn(.streaming(to: node(3), point(45), term: term))
        let before = bench.ports.events.count
        func commit(_ count: Int) {
            bench.propose(count)
            bench.flush()
            bench.acknowledge(from: 2)
            bench.settle()
        }
        commit(20)
        #expect(compactions(Array(bench.ports.events[before...])) == [45])
        bench.turn(.streamEnded(to: node(3), point(45), term: term, isDelivered: true))
        commit(10)
        #expect(compactions(Array(bench.ports.events[before...])) == [45])
        // It has the snapshot on disk: now its own position counts.
        _ = bench.receive(
            .appendResponse(
                AppendResponse(outcome: .accepted(through: index(47)), isSealed: false)
            ),
            from: 3,
            term: term
        )
        commit(1)
        #expect(compactions(Array(bench.ports.events[before...])) == [45, 47])
    }

    /// Without this a resumed stream would be of a file after which the log is gone.
    @Test("the log after a snapshot whose stream broke stays for a while")
    func brokenStream() {
        var bench = behind()
        _ = speak(&bench)
        let (term, now) = (bench.driver.core.term, Moment.now)
        bench.turn(.streaming(to: node(3), point(45), term: term))
        func commit(_ count: Int, after seconds: Int) {
            bench.driver.look(at: now + .seconds(seconds))
            bench.propose(count)
            bench.flush()
            bench.acknowledge(from: 2)
            bench.settle()
        }
        commit(20, after: 0)
        bench.turn(.streamEnded(to: node(3), point(45), term: term, isDelivered: false))
        commit(10, after: Limits.snapshotResumeSeconds)
        #expect(compactions(bench.ports.events).last == 45)
        commit(1, after: Limits.snapshotResumeSeconds + 1)
        #expect(compactions(bench.ports.events).last == bench.driver.core.lastIndex.number - 16)
    }

    @Test("a stream of an earlier term keeps nothing")
    func streamOfEarlierTerm() {
        var bench = behind()
        _ = speak(&bench)
        bench.turn(.streaming(to: node(3), point(36), term: .zero))
        bench.propose(13)
        bench.flush()
        bench.acknowledge(from: 2)
        bench.settle()
        #expect(compactions(bench.ports.events).last == bench.driver.core.lastIndex.number - 16)
    }
}
