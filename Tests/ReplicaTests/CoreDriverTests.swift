import Raft
import Store
import TestSupport
import Testing

@testable import Replica

@Suite("core driver")
struct CoreDriverTests {
    typealias Event = RecordingPorts.Event

    // MARK: Proposals

    @Test("a write is persisted, then durable, then handed to evaluation")
    func order() throws {
        var bench = DriverBench()
        bench.lead()
        let outcomes = Collector<ProposeOutcome>()
        let base = bench.driver.core.evaluatedIndex
        let events = bench.turn(
            .propose(
                proposal(batch(1, base: base.number, put: [1]), outcomes: outcomes) { _ in }
            )
        )
        let at = base.next
        let term = bench.driver.core.term
        #expect(outcomes.all == [.appended(term, at)])
        // Who waits is registered before anything can happen to the entry.
        #expect(events.first == .wait(at, term))
        guard case .persist(let persist) = events.last, events.count == 2 else {
            return #expect(Bool(false), "one wait and one persist, not \(events)")
        }
        #expect(persist.entries.map(\.index) == [at])
        #expect(bench.turn(.raft(.tick)).isEmpty, "nothing is evaluated before it is durable")
        #expect(bench.flush() == [.entries([at])])
    }

    @Test("all proposals of a turn share one persist, in order")
    func group() throws {
        var bench = DriverBench()
        bench.lead()
        let last = bench.driver.core.lastIndex.number
        let before = bench.ports.events.count
        bench.propose(100)
        let events = Array(bench.ports.events[before...])
        let persists = events.compactMap { event -> Persist? in
            if case .persist(let persist) = event { persist } else { nil }
        }
        #expect(persists.count == 1)
        #expect(persists.first?.entries.map(\.index.number) == Array(last + 1...last + 100))
        #expect(bench.flush() == [.entries((last + 1...last + 100).map(index))])
    }

    // Found by simulator seed 9761: with followers that lagged, a write was repeated so far behind
    // its first attempt that evaluation had forgotten the id, and both were carried out.
    @Test("no repeat is appended that evaluation could take for a new request")
    func forgottenRepeats() {
        var retention = LogRetention()
        retention.requests = 8
        var bench = DriverBench(voters: 3, retention: retention)
        bench.lead()
        let since = bench.driver.core.evaluatedIndex
        let outcomes = Collector<ProposeOutcome>()
        let own = bench.driver.core.lastIndex.number
        // The first attempt, and what fills the rest of the window: none of it is committed.
        for number in 1...since.number + 8 - own {
            let batch = batch(number, base: since.number, put: [number])
            bench.turn(.propose(proposal(batch, since: since, outcomes: outcomes)))
        }
        let term = bench.driver.core.term
        #expect(bench.driver.core.lastIndex.number == since.number + 8)
        #expect(outcomes.all.last == .appended(term, index(since.number + 8)))
        // The leader has prepared it anew; how long ago it was asked for is what counts.
        let repeated = batch(1, base: own, put: [1])
        bench.turn(.propose(proposal(repeated, since: since, outcomes: outcomes)))
        #expect(outcomes.all.last == .refused(.overloaded))
        bench.turn(.propose(proposal(repeated, since: since.next, outcomes: outcomes)))
        #expect(outcomes.all.last == .appended(term, index(since.number + 9)))
        // Whoever asks may be ahead of a leader that was deposed and does not know it.
        let ahead = index(.max)
        bench.turn(.propose(proposal(repeated, since: ahead, outcomes: outcomes)))
        #expect(outcomes.all.last == .appended(term, index(since.number + 10)))
    }

    @Test("a batch that was prepared on an older state is found before it enters the log")
    func conflicts() {
        // The term begins after entry 4, with entry 5, which writes nothing.
        var bench = DriverBench(log: 4, evaluated: 4)
        bench.lead()
        let base = bench.driver.core.evaluatedIndex
        let inherited = base.previous
        let outcomes = Collector<ProposeOutcome>()
        let first = batch(1, base: base.number, put: [5], checks: [(5, 0)])
        let rival = batch(2, base: base.number, put: [5], checks: [(5, 0)])
        let bystander = batch(3, base: base.number, put: [6], checks: [(6, 0)])
        let early = batch(4, base: inherited.number, put: [7])
        let stale = batch(5, base: inherited.number - 1, put: [8])
        bench.turn(
            [first, rival, bystander, early, stale].map {
                .propose(proposal($0, outcomes: outcomes))
            }
        )
        let term = bench.driver.core.term
        #expect(
            outcomes.all == [
                .appended(term, base.next), .conflict(after: base.next),
                .appended(term, base.next.next), .appended(term, base.next.next.next),
                .conflict(after: inherited),
            ]
        )
    }

    @Test("a follower refuses with the leader's name, at once")
    func notLeader() {
        var bench = DriverBench(voters: 3)
        _ = bench.receive(
            .heartbeat(Heartbeat(commit: .zero, round: 0)),
            from: 2,
            term: term(1)
        )
        let outcomes = Collector<ProposeOutcome>()
        bench.turn(.propose(proposal(batch(1, base: 0), outcomes: outcomes)))
        #expect(outcomes.all == [.refused(.notLeader(hint: node(2)))])
    }

    @Test("what cannot be in the log is refused, and says why")
    func tooLarge() {
        var bench = DriverBench()
        bench.lead()
        let outcomes = Collector<ProposeOutcome>()
        // Five values of a megabyte are more than an entry holds.
        let value = [UInt8](repeating: 1, count: 1 << 20)
        let last = bench.driver.core.lastIndex
        bench.turn(
            .propose(
                proposal(
                    batch(1, base: last.number, put: [1, 2, 3, 4, 5], value: value),
                    outcomes: outcomes
                )
            )
        )
        #expect(outcomes.all == [.refused(.tooLarge)])
        #expect(bench.driver.core.lastIndex == last)
    }

    // MARK: Messages that wait for the disk

    @Test("an acknowledgement leaves only when what it vouches for is durable")
    func heldAcknowledgement() {
        var bench = DriverBench(voters: 3)
        let entry = LogEntry(index: index(1), term: term(2), kind: .batch, body: [1])
        let append = Append(
            previousIndex: .zero,
            previousTerm: .zero,
            commit: .zero,
            entries: [entry]
        )
        let events = bench.receive(.append(append), from: 2, term: term(2))
        #expect(!events.contains { if case .sent = $0 { true } else { false } })
        // A second one, so that two wait for different persists.
        let next = LogEntry(index: index(2), term: term(2), kind: .batch, body: [2])
        _ = bench.receive(
            .append(
                Append(
                    previousIndex: index(1),
                    previousTerm: term(2),
                    commit: .zero,
                    entries: [next]
                )
            ),
            from: 2,
            term: term(2)
        )
        let newest = bench.driver.core.newestToken
        #expect(newest == token(2))
        #expect(sent(bench.turn(.raft(.durable(token(1))))) == [accepted(1)])
        #expect(sent(bench.turn(.raft(.durable(token(2))))) == [accepted(2)])
    }

    @Test("several that wait are released in the order in which they were said")
    func heldOrder() {
        var bench = DriverBench(voters: 3)
        for number in 1...5 as ClosedRange<UInt64> {
            let entry = LogEntry(index: index(number), term: term(2), kind: .batch, body: [1])
            _ = bench.receive(
                .append(
                    Append(
                        previousIndex: index(number - 1),
                        previousTerm: number == 1 ? .zero : term(2),
                        commit: .zero,
                        entries: [entry]
                    )
                ),
                from: 2,
                term: term(2)
            )
        }
        #expect(sent(bench.turn(.raft(.durable(token(3))))) == (1...3).map(accepted))
        #expect(sent(bench.turn(.raft(.durable(token(2))))).isEmpty, "a late report")
        #expect(sent(bench.turn(.raft(.durable(token(5))))) == (4...5).map(accepted))
    }

    @Test("a vote leaves only when it is durable")
    func heldVote() {
        var bench = DriverBench(voters: 3)
        let request = VoteRequest(lastIndex: .zero, lastTerm: .zero, isTransfer: false)
        let events = bench.receive(.voteRequest(request), from: 3, term: term(2))
        guard case .persist(let persist) = events.last else {
            return #expect(Bool(false), "a vote is persisted")
        }
        #expect(persist.votesChanged)
        #expect(persist.hardState?.vote == node(3))
        #expect(sent(events).isEmpty)
        #expect(sent(bench.flush()) == [.voteResponse(isGranted: true)])
    }

    /// Found by seed 164: a late acknowledgement of entries that a newer leader had replaced.
    @Test("what waited when its term ended never leaves")
    func heldInTermThatEnded() {
        var bench = DriverBench(voters: 3)
        func append(_ entryTerm: UInt64, from peer: UInt64) -> [Event] {
            let entry = LogEntry(index: index(1), term: term(entryTerm), kind: .batch, body: [1])
            return bench.receive(
                .append(
                    Append(
                        previousIndex: .zero,
                        previousTerm: .zero,
                        commit: .zero,
                        entries: [entry]
                    )
                ),
                from: peer,
                term: term(entryTerm)
            )
        }
        #expect(sent(append(2, from: 2)).isEmpty)
        #expect(sent(append(3, from: 3)).isEmpty)
        let newest = bench.driver.core.newestToken
        #expect(sent(bench.turn(.raft(.durable(newest)))) == [accepted(1)], "once, in term 3")
    }

    private func sent(_ events: [Event]) -> [MessageBody] {
        events.compactMap { if case .sent(let message, _) = $0 { message.body } else { nil } }
    }

    private func accepted(_ number: UInt64) -> MessageBody {
        .appendResponse(
            AppendResponse(outcome: .accepted(through: index(number)), isSealed: false)
        )
    }

    // MARK: Reads

    @Test("reads of a turn are confirmed together and served at the commit index")
    func reads() {
        var bench = DriverBench()
        bench.lead()
        let ended = Collector<ReadOutcome>()
        let waiter = ReadWaiter(deadline: .now + .seconds(300)) { ended.add($0) }
        let evaluated = bench.driver.core.commitIndex
        bench.turn(.read(waiter), .read(waiter))
        #expect(ended.all == [.ready(evaluated), .ready(evaluated)])
        // Committed and not evaluated yet: the evaluation thread answers.
        bench.propose(1)
        bench.flush()
        #expect(bench.turn(.read(waiter)).contains(.readers(1, evaluated.next)))
        #expect(ended.count == 2)
    }

    /// Found by reading: the core counts a snapshot as evaluated as soon as it asks for its
    /// installation, when views still show the old state.
    @Test("a read is not served from the state that a snapshot is about to replace")
    func readDuringInstallation() throws {
        var bench = DriverBench(voters: 3)
        let point = SnapshotPoint(index: index(20), term: term(2), configuration: voters(3))
        bench.turn(.arrived(point, from: node(2), term: term(2), file: "a"))
        let heartbeat = Heartbeat(commit: index(20), round: 0)
        _ = bench.receive(.heartbeat(heartbeat), from: 2, term: term(2))
        bench.flush()
        let ended = Collector<ReadOutcome>()
        let question = bench.turn(
            .read(ReadWaiter(deadline: .now + .seconds(300)) { ended.add($0) })
        )
        let batch = try #require(
            sent(question).compactMap {
                if case .readIndexRequest(let batch) = $0 { batch } else { nil }
            }.first
        )
        let answer = ReadIndexResponse(batch: batch, index: index(20))
        let events = bench.receive(.readIndexResponse(answer), from: 2, term: term(2))
        #expect(events.contains(.readers(1, index(20))))
        #expect(ended.all == [])
        // Nor does the status claim that it is there.
        let board = StatusBoard(ReplicaStatus(), applied: .zero)
        bench.driver.report(to: board)
        #expect(board.current.evaluated == .zero)
        #expect(board.current.committed == index(20))
    }

    @Test("a read without a leader is refused at once")
    func readWithoutLeader() {
        var bench = DriverBench(voters: 3)
        let ended = Collector<ReadOutcome>()
        bench.turn(.read(ReadWaiter(deadline: .now + .seconds(300)) { ended.add($0) }))
        guard case .refused(.notLeader(nil)) = ended.all.first else {
            return #expect(Bool(false), "refused, not \(ended.all)")
        }
    }

    /// Found by reading: a leader whose no-op is not committed holds reads for as long as it leads.
    @Test("a read that nobody confirms ends with its client's patience, once")
    func readDeadline() {
        var bench = DriverBench(voters: 3)
        bench.lead()
        let now = Moment.now
        let ended = Collector<String>()
        func waiter(_ name: String, _ seconds: Int) -> CoreInput {
            .read(ReadWaiter(deadline: now + .seconds(seconds)) { _ in ended.add(name) })
        }
        bench.turn(waiter("b", 10), waiter("a", 10), waiter("c", 20))
        bench.turn(.expire(now + .seconds(9)))
        #expect(ended.all == [])
        bench.turn(.expire(now + .seconds(10)))
        #expect(ended.all == ["b", "a"])
        // The core still has all three; only the one that waits is served.
        bench.acknowledge(from: 2)
        let before = bench.ports.events.count
        _ = bench.receive(
            .heartbeatResponse(
                HeartbeatResponse(
                    round: 1,
                    received: bench.driver.core.lastIndex,
                    durable: bench.driver.core.lastIndex,
                    isSealed: false,
                    isDiskStalled: false,
                    formatLevel: 1
                )
            ),
            from: 2,
            term: bench.driver.core.term
        )
        #expect(
            bench.ports.events[before...].contains(.readers(1, bench.driver.core.commitIndex))
        )
        bench.turn(.expire(now + .seconds(60)))
        #expect(ended.all == ["b", "a"], "the third is the evaluation thread's now")
    }

    // MARK: Inspection

    @Test("what was handed over can be looked at again, and nothing else")
    func inspect() {
        var bench = DriverBench(log: 3, evaluated: 3)
        bench.lead()
        bench.propose(2)
        // The last two are in the log and not durable yet.
        let events = bench.turn(.inspect({ _, _ in }, completion: {}))
        #expect(events == [.inspect((1...4).map(index))])
        bench.flush()
        #expect(
            bench.turn(.inspect({ _, _ in }, completion: {}))
                == [.inspect((1...6).map(index))]
        )
    }
}
