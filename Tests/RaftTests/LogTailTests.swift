import Testing

@testable import Raft
@testable import RaftLaboratory

@Suite("log tail")
struct LogTailTests {
    /// Base 4 in term 2, then 5:2 6:2 7:4 8:4 9:7.
    private var tail: LogTail {
        LogTail(
            baseIndex: index(4),
            baseTerm: term(2),
            entries: entries(from: 5, terms: [2, 2, 4, 4, 7])
        )
    }

    @Test("a new log is before its first entry")
    func empty() {
        let log = LogTail(baseIndex: .zero, baseTerm: .zero)
        #expect(log.lastIndex == .zero)
        #expect(log.lastTerm == .zero)
        #expect(log.firstIndex == index(1))
        #expect(log.term(at: .zero) == .zero)
        #expect(log.term(at: index(1)) == nil)
        #expect(log.suffix(from: index(1)).isEmpty)
        #expect(log.bytes == 0)
    }

    @Test(
        "knows the terms it holds and that of its base",
        arguments: [
            (3, nil), (4, 2), (5, 2), (6, 2), (7, 4), (8, 4), (9, 7), (10, nil),
        ] as [(UInt64, UInt64?)]
    )
    func terms(at number: UInt64, is expected: UInt64?) {
        #expect(tail.term(at: index(number))?.number == expected)
    }

    @Test(
        "finds where logs can agree, skipping whole terms",
        arguments: [
            (9, 7, 9), (9, 6, 8), (9, 4, 8), (9, 3, 6), (9, 2, 6), (8, 9, 8), (7, 4, 7), (5, 2, 5),
            (4, 2, 4), (20, 7, 9), (20, 5, 8), (9, 1, nil), (3, 7, nil),
        ] as [(UInt64, UInt64, UInt64?)]
    )
    func agreement(notAfter bound: UInt64, termAtMost number: UInt64, is expected: UInt64?) {
        let found = tail.lastIndex(notAfter: index(bound), termAtMost: term(number))
        #expect(found?.number == expected)
    }

    @Test("appends, truncates and compacts, and its weight follows")
    func changes() {
        var log = tail
        let weight = log.bytes
        #expect(weight == 5 * (2 + Limits.entryOverheadBytes))
        log.truncate(from: index(8))
        #expect(log.lastIndex == index(7))
        #expect(log.lastTerm == term(4))
        log.append(LogEntry(index: index(8), term: term(9), kind: .noop, body: []))
        #expect(log.entry(at: index(8))?.term == term(9))
        log.compact(through: index(7))
        #expect(log.firstIndex == index(8))
        #expect(log.baseTerm == term(4))
        #expect(log.entry(at: index(7)) == nil)
        #expect(log.bytes == Limits.entryOverheadBytes)
        log.compact(through: index(8))
        #expect(log.lastIndex == index(8))
        #expect(log.lastTerm == term(9))
        #expect(log.bytes == 0)
    }

    @Test("a batch stops at either limit but is never empty where there is an entry")
    func batches() {
        let one = 2 + Limits.entryOverheadBytes
        #expect(tail.batch(from: index(5), entriesMax: 3, bytesMax: 1 << 20).count == 3)
        #expect(tail.batch(from: index(5), entriesMax: 9, bytesMax: 2 * one).count == 2)
        #expect(tail.batch(from: index(5), entriesMax: 9, bytesMax: 1).count == 1)
        #expect(tail.batch(from: index(9), entriesMax: 9, bytesMax: 1 << 20).count == 1)
        #expect(tail.batch(from: index(10), entriesMax: 9, bytesMax: 1 << 20).isEmpty)
        #expect(tail.weight(after: index(4), through: index(9)) == 5 * one)
        #expect(tail.weight(after: index(6), through: index(6)) == 0)
    }

    @Test("gaps and falling terms are our own mistakes")
    func invariants() async {
        await #expect(processExitsWith: .failure) {
            var log = LogTail(baseIndex: .zero, baseTerm: .zero)
            log.append(LogEntry(index: index(2), term: term(1), kind: .noop, body: []))
        }
        await #expect(processExitsWith: .failure) {
            var log = LogTail(baseIndex: .zero, baseTerm: term(3))
            log.append(LogEntry(index: index(1), term: term(2), kind: .noop, body: []))
        }
    }
}

@Suite("durability")
struct DurabilityTests {
    private func state(_ number: UInt64, vote: UInt64? = nil) -> HardState {
        HardState(term: term(number), vote: vote.map { node($0) }, commit: .zero)
    }

    @Test("a late completion does not count entries rewritten since")
    func lateCompletion() {
        var durability = Durability(hardState: state(1), lastIndex: index(3))
        let first = durability.flushed(hardState: state(1), lastIndex: index(6))
        durability.truncated(from: index(5))
        #expect(durability.truncateFrom == index(5))
        let second = durability.flushed(hardState: state(2), lastIndex: index(6))
        durability.completed(first)
        #expect(durability.durableIndex == index(4))
        durability.completed(second)
        #expect(durability.durableIndex == index(6))
    }

    @Test("cutting what was never handed over cuts nothing on disk")
    func unflushedTruncation() {
        var durability = Durability(hardState: state(1), lastIndex: index(3))
        durability.truncated(from: index(4))
        #expect(durability.truncateFrom == nil)
        durability.truncated(from: index(3))
        #expect(durability.truncateFrom == index(3))
        #expect(durability.unflushedFrom == index(3))
        #expect(durability.durableIndex == index(2))
    }

    @Test("promises wait for the newest persist, speech for the newest vote")
    func gates() {
        var durability = Durability(hardState: state(1), lastIndex: .zero)
        #expect(durability.acknowledgementGate == nil)
        let votes = durability.flushed(hardState: state(2, vote: 1), lastIndex: .zero)
        #expect(durability.votesGate == votes)
        let entries = durability.flushed(hardState: state(2, vote: 1), lastIndex: index(1))
        #expect(durability.votesGate == votes)
        #expect(durability.acknowledgementGate == entries)
        durability.completed(votes)
        #expect(durability.votesGate == nil)
        #expect(durability.acknowledgementGate == entries)
        durability.completed(entries)
        durability.completed(votes)
        #expect(durability.acknowledgementGate == nil)
        #expect(durability.durableIndex == index(1))
    }

    @Test("until a snapshot is installed only what was committed counts")
    func snapshot() {
        var durability = Durability(hardState: state(1), lastIndex: index(8))
        let installed = durability.replaced(by: index(20), committed: index(5))
        #expect(durability.durableIndex == index(5))
        durability.completed(installed)
        #expect(durability.durableIndex == index(20))
    }

    @Test("a token that was never issued is the driver's mistake")
    func unknownToken() async {
        await #expect(processExitsWith: .failure) {
            var durability = Durability(hardState: .initial, lastIndex: .zero)
            durability.completed(PersistToken(number: 1))
        }
    }
}
