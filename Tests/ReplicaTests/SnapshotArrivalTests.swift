import Raft
import TestSupport
import Testing

@testable import Replica

/// The driver's side of a snapshot that arrived: its file is installed or discarded, exactly once.
@Suite("arrived snapshots")
struct SnapshotArrivalTests {
    typealias Event = RecordingPorts.Event

    private func point(_ number: UInt64, term number2: UInt64 = 2) -> SnapshotPoint {
        SnapshotPoint(index: index(number), term: term(number2), configuration: voters(3))
    }

    private func arrived(_ number: UInt64, _ file: String, leader: UInt64 = 2) -> CoreInput {
        .arrived(point(number), from: node(leader), term: term(2), file: file)
    }

    private func relevant(_ events: [Event]) -> [Event] {
        events.filter { event in
            switch event {
            case .install, .discard, .installed, .entries: true
            default: false
            }
        }
    }

    @Test("is installed, and evaluation goes on behind it once it is durable")
    func install() {
        var bench = DriverBench(voters: 3)
        let events = bench.turn(arrived(20, "a"))
        let wanted = bench.driver.core.newestToken
        #expect(relevant(events) == [.install(index(20), wanted, file: "a")])
        #expect(relevant(bench.flush()) == [.installed(index(20))])
        #expect(bench.driver.applied == index(20))
        // What follows is handed over from there.
        let next = LogEntry(index: index(21), term: term(2), kind: .batch, body: [1])
        _ = bench.receive(
            .append(
                Append(
                    previousIndex: index(20),
                    previousTerm: term(2),
                    commit: index(21),
                    entries: [next]
                )
            ),
            from: 2,
            term: term(2)
        )
        #expect(relevant(bench.flush()) == [.entries([index(21)])])
    }

    @Test("is discarded when the node is further already")
    func unwanted() {
        var bench = DriverBench(voters: 3, log: 30, evaluated: 30)
        #expect(relevant(bench.turn(arrived(20, "a"))) == [.discard("a")])
    }

    @Test("is discarded when its sender was deposed meanwhile")
    func deposed() {
        var bench = DriverBench(voters: 3)
        _ = bench.receive(
            .heartbeat(Heartbeat(commit: .zero, round: 0)),
            from: 3,
            term: term(5)
        )
        #expect(relevant(bench.turn(arrived(20, "a"))) == [.discard("a")])
    }

    /// Found by reading: the file of the second was removed with the first's.
    @Test("a second one that arrives during the installation keeps its own file")
    func second() {
        var bench = DriverBench(voters: 3)
        bench.turn(arrived(20, "a"))
        let first = bench.driver.core.newestToken
        let events = bench.turn(arrived(40, "b"), arrived(40, "c"))
        let second = bench.driver.core.newestToken
        #expect(
            relevant(events) == [.install(index(40), second, file: "b"), .discard("c")]
        )
        // Only the last one counts for evaluation.
        #expect(relevant(bench.turn(.raft(.durable(first)))) == [])
        #expect(relevant(bench.turn(.raft(.durable(second)))) == [.installed(index(40))])
    }
}
