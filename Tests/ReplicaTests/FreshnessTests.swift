import Raft
import TestSupport
import Testing

@testable import Replica

@Suite("how current the state is")
struct FreshnessTests {
    private let start = Moment.now
    private func at(_ seconds: Int) -> Moment { start + .seconds(seconds) }

    @Test("only what is answered and evaluated counts, from when it was asked")
    func order() {
        var freshness = Freshness()
        freshness.evaluated(through: index(9))
        #expect(freshness.currentAsOf == nil)
        freshness.answered(at: index(10), askedAt: at(1))
        freshness.answered(at: index(12), askedAt: at(2))
        #expect(freshness.currentAsOf == nil)
        freshness.evaluated(through: index(11))
        #expect(freshness.currentAsOf == at(1))
        freshness.answered(at: index(12), askedAt: at(3))
        freshness.evaluated(through: index(12))
        #expect(freshness.currentAsOf == at(3))
        // A late answer to an old question takes nothing back.
        freshness.answered(at: index(12), askedAt: at(2))
        freshness.evaluated(through: index(13))
        #expect(freshness.currentAsOf == at(3))
    }

    @Test("answers that wait are thinned out, and the newest is kept")
    func bounded() {
        var freshness = Freshness()
        for number in 1...1_000 as ClosedRange<UInt64> {
            freshness.answered(at: index(number), askedAt: at(Int(number)))
        }
        freshness.evaluated(through: index(40))
        #expect(freshness.currentAsOf == at(40))
        freshness.evaluated(through: index(999))
        #expect(freshness.currentAsOf == at(63))
        freshness.evaluated(through: index(1_000))
        #expect(freshness.currentAsOf == at(1_000))
    }

    /// Against a model: the best question whose answer is evaluated, or an earlier one.
    @Test("never claims more than the model", arguments: 0..<50 as Range<UInt64>)
    func model(seed: UInt64) {
        var random = Seeded(seed)
        var freshness = Freshness()
        var answers: [(UInt64, Int)] = []
        var evaluated: UInt64 = 0
        for second in 1...300 {
            let needed = evaluated + random.next() % 6
            let asked = second - Int(random.next() % 4)
            answers.append((needed, asked))
            freshness.answered(at: index(needed), askedAt: at(asked))
            if random.next() % 3 == 0 {
                evaluated += random.next() % 5
                freshness.evaluated(through: index(evaluated))
            }
            let best = answers.filter { $0.0 <= evaluated }.map(\.1).max()
            if let claimed = freshness.currentAsOf {
                #expect(best.map { claimed <= at($0) } == true)
            }
        }
    }

    // MARK: In the driver

    private func waiter(
        _ ended: Collector<ReadOutcome>,
        mustConfirm: Bool = false
    ) -> CoreInput {
        .read(
            ReadWaiter(deadline: start + .seconds(300), mustConfirm: mustConfirm) { ended.add($0) }
        )
    }

    private func status(_ bench: DriverBench) -> ReplicaStatus {
        var bench = bench
        let board = StatusBoard(ReplicaStatus(), applied: .zero)
        bench.driver.report(to: board)
        return board.current
    }

    @Test("a follower's state is current as of its question, once it is evaluated")
    func follower() throws {
        var bench = DriverBench(voters: 3)
        _ = bench.receive(.heartbeat(Heartbeat(commit: .zero, round: 0)), from: 2, term: term(1))
        let ended = Collector<ReadOutcome>()
        bench.driver.look(at: at(10))
        let events = bench.turn(waiter(ended))
        let batch = try #require(
            events.compactMap { event -> ReadBatch? in
                guard case .sent(let message, _) = event,
                    case .readIndexRequest(let batch) = message.body
                else { return nil }
                return batch
            }.first
        )
        #expect(status(bench).currentAsOf == nil)
        // Two seconds on the way; the leader has entries that this node lacks.
        bench.driver.look(at: at(12))
        let answer = ReadIndexResponse(batch: batch, index: index(1))
        let after = bench.receive(.readIndexResponse(answer), from: 2, term: term(1))
        #expect(after.contains(.readers(1, index(1))))
        #expect(status(bench).currentAsOf == nil, "not evaluated yet")
        let entry = LogEntry(index: index(1), term: term(1), kind: .noop, body: [])
        _ = bench.receive(
            .append(
                Append(
                    previousIndex: .zero,
                    previousTerm: .zero,
                    commit: index(1),
                    entries: [entry]
                )
            ),
            from: 2,
            term: term(1)
        )
        bench.flush()
        bench.turn(.raft(.evaluated(index(1))))
        #expect(status(bench).currentAsOf == at(10), "when it asked, not when it heard")
        #expect(status(bench).reads.questions == 1)
        #expect(status(bench).reads.forwarded == 1)
    }

    @Test("a lone voter's read carries the moment of its turn")
    func leader() {
        var bench = DriverBench()
        bench.lead()
        let ended = Collector<ReadOutcome>()
        bench.driver.look(at: at(20))
        bench.turn(waiter(ended), waiter(ended, mustConfirm: true))
        let index = bench.driver.core.commitIndex
        let proof = ReadProof(currentAsOf: at(20))
        #expect(ended.all == [.ready(index, proof), .ready(index, proof)])
        #expect(status(bench).currentAsOf == at(20))
    }
}
