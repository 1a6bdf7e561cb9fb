import Raft
import Store
import TestSupport
import Testing

@testable import Replica

@Suite("recent writes")
struct RecentWritesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let base: UInt64
        let checks: [UInt64]
        let conflict: UInt64?
    }

    /// The term began after entry 10; 11 wrote key 1, 12 wrote keys 1 and 2, 13 wrote key 3.
    static let rows = [
        Row(testDescription: "no checks never conflict", base: 10, checks: [], conflict: nil),
        Row(testDescription: "base before the term", base: 9, checks: [9], conflict: 10),
        Row(testDescription: "base before the term, no checks", base: 9, checks: [], conflict: 10),
        Row(testDescription: "key written after the base", base: 11, checks: [1], conflict: 12),
        Row(testDescription: "key written at the base", base: 12, checks: [1], conflict: nil),
        Row(testDescription: "the newest counts", base: 10, checks: [3, 1], conflict: 13),
        Row(testDescription: "only what is checked", base: 12, checks: [1, 2, 4], conflict: nil),
        Row(testDescription: "base past the log", base: 99, checks: [1, 2, 3], conflict: nil),
    ]

    @Test("finds the last write after the base", arguments: rows)
    func conflict(_ row: Row) {
        var recent = RecentWrites()
        recent.begin(at: index(10))
        recent.record([key(1)], at: index(11))
        recent.record([key(1), key(2)], at: index(12))
        recent.record([key(3)], at: index(13))
        let batch = batch(1, base: row.base, checks: row.checks.map { ($0, 0) })
        #expect(recent.conflict(of: batch)?.number == row.conflict)
    }

    @Test("a new term forgets the old one's writes and bases")
    func newTerm() {
        var recent = RecentWrites()
        recent.begin(at: index(1))
        recent.record([key(1)], at: index(5))
        recent.begin(at: index(8))
        #expect(recent.count == 0)
        #expect(recent.conflict(of: batch(1, base: 7, checks: [(1, 0)])) == index(8))
        #expect(recent.conflict(of: batch(1, base: 8, checks: [(1, 0)])) == nil)
    }

    /// Remembers everything and looks through all of it.
    struct Model {
        var floor: UInt64 = 0
        var writes: [(index: UInt64, keys: [UInt64])] = []

        func conflict(base: UInt64, checks: [UInt64]) -> UInt64? {
            if base < floor { return floor }
            return writes.last {
                $0.index > base && $0.keys.contains(where: checks.contains)
            }?.index
        }
    }

    @Test("agrees with a model that forgets nothing", arguments: UInt64(1)...20)
    func model(seed: UInt64) {
        var random = Seeded(seed)
        var recent = RecentWrites()
        var model = Model()
        var last: UInt64 = 0
        for _ in 0..<2_000 {
            switch random.next() % 100 {
            case 0:
                last += 1
                recent.begin(at: index(last))
                model = Model(floor: last)
            case 1..<50:
                last += 1
                let keys = (0...random.next() % 3).map { _ in random.next() % 30 }
                recent.record(keys.map(key), at: index(last))
                model.writes.append((last, keys))
            case 50..<60:
                // Far below the bound, so nothing may be forgotten.
                recent.prune(evaluated: index(random.next() % (last + 1)))
            default:
                let base = last - min(last, random.next() % 8)
                let checks = (0..<random.next() % 4).map { _ in random.next() % 30 }
                let found = recent.conflict(
                    of: batch(1, base: base, checks: checks.map { ($0, 0) })
                )
                #expect(found?.number == model.conflict(base: base, checks: checks))
            }
        }
    }

    /// Found by reading: entries that only repeat a key were kept for as long as a leader led.
    @Test("one hot key does not fill the memory", arguments: [1, 5])
    func hotKeys(keysEach: UInt64) {
        var recent = RecentWrites()
        recent.begin(at: index(1))
        let entries = UInt64(Limits.recentWritesMax) / keysEach + 5_000
        for number in 2...entries {
            recent.record((0..<keysEach).map(key), at: index(number))
            recent.prune(evaluated: index(number - 1))
            #expect(recent.count <= Limits.recentWritesMax + Int(keysEach))
        }
        // What was forgotten is answered with "prepare again", never with "go ahead".
        #expect(recent.conflict(of: batch(1, base: 2, checks: [(0, 0)])) != nil)
        #expect(recent.conflict(of: batch(1, base: 2, checks: [(77, 0)])) != nil)
        #expect(recent.conflict(of: batch(1, base: entries, checks: [(0, 0)])) == nil)
        #expect(
            recent.conflict(of: batch(1, base: entries - 1, checks: [(0, 0)])) == index(entries)
        )
    }

    @Test("what is not evaluated is not forgotten")
    func unevaluated() {
        var recent = RecentWrites()
        recent.begin(at: index(1))
        let entries = UInt64(Limits.recentWritesMax) + 100
        for number in 2...entries { recent.record([key(number)], at: index(number)) }
        recent.prune(evaluated: index(1))
        #expect(recent.conflict(of: batch(1, base: 1, checks: [(2, 0)])) == index(2))
        recent.prune(evaluated: index(entries))
        #expect(recent.count == Limits.recentWritesMax)
        #expect(recent.conflict(of: batch(1, base: 1, checks: [(2, 0)])) == index(100))
    }
}
