import TestSupport
import Testing

@testable import History

struct HistoryCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let operations: [Operation]
}

@Suite("linearizability")
struct LinearizabilityTests {
    static let sound = [
        HistoryCase(testDescription: "nothing happened", operations: []),
        HistoryCase(
            testDescription: "a read that overlaps a write may see it or not",
            operations: [put(1, "a", 0, 10), get(2, nil, 5, 6), get(3, "a", 7, 8)]
        ),
        HistoryCase(
            testDescription: "overlapping writes may take effect in any order",
            operations: [put(1, "a", 0, 10), put(2, "b", 1, 9), get(3, "a", 20, 21)]
        ),
        HistoryCase(
            testDescription: "a write that was never answered may be seen long after",
            operations: [put(1, "a", 0, nil), get(2, nil, 50, 51), get(2, "a", 90, 91)]
        ),
        HistoryCase(
            testDescription: "a write that was never answered may never happen",
            operations: [put(1, "a", 0, nil), get(2, nil, 50, 51), get(2, nil, 90, 91)]
        ),
        HistoryCase(
            testDescription:
                "an answer of unknown outcome bounds nothing: later effect is possible",
            operations: [put(1, "a", 0, 5, .unknown), get(2, nil, 50, 51), get(2, "a", 90, 91)]
        ),
        HistoryCase(
            testDescription: "what was refused did not happen",
            operations: [put(1, "a", 0, 5, .refused), get(2, nil, 6, 7)]
        ),
        HistoryCase(
            testDescription: "one of two check-and-set writes wins",
            operations: [
                put(1, "a", 0, 10, .written(version: 4)),
                put(2, "b", 11, 20, if: .version(4), .written(version: 5)),
                put(3, "c", 11, 20, if: .version(4), .mismatch),
                get(1, "b", 21, 22, version: 5),
            ]
        ),
        HistoryCase(
            testDescription: "a hidden write explains a mismatch",
            operations: [
                put(1, "a", 0, 10, .written(version: 4)), put(2, "b", 11, nil),
                put(3, "c", 12, 20, if: .version(4), .mismatch),
            ]
        ),
        HistoryCase(
            testDescription: "an unknown version is settled by the first who sees it",
            operations: [
                put(1, "a", 0, 10), get(2, "a", 11, 12, version: 9),
                put(3, "b", 13, 14, if: .version(9), .written(version: 10)),
            ]
        ),
        HistoryCase(
            testDescription: "create, delete, create again",
            operations: [
                put(1, "a", 0, 1, if: .version(0), .written(version: 3)),
                put(1, nil, 2, 3, .written(version: 4)),
                put(1, "b", 4, 5, if: .version(0), .written(version: 5)),
                put(1, "c", 6, 7, if: .value(nil), .mismatch),
                put(1, "c", 8, 9, if: .value("b"), .written(version: 6)),
            ]
        ),
        HistoryCase(
            testDescription: "keys do not order each other",
            operations: [
                put(1, "a", 0, 10, key: "x"), get(2, nil, 2, 3, key: "y"),
                put(1, "b", 11, 12, key: "y"), get(2, "a", 13, 14, key: "x"),
            ]
        ),
    ]

    @Test("holds for", arguments: sound)
    func accepts(_ row: HistoryCase) throws {
        #expect(try verdict(row.operations) == .linearizable)
    }

    static let broken = [
        HistoryCase(
            testDescription: "a stale read: an older value after a newer one was answered",
            operations: [put(1, "a", 0, 1), put(1, "b", 2, 3), get(2, "a", 4, 5)]
        ),
        HistoryCase(
            testDescription: "a write that was acknowledged is gone",
            operations: [put(1, "a", 0, 1), get(2, nil, 2, 3)]
        ),
        HistoryCase(
            testDescription: "two readers see an overlapping write, then do not",
            operations: [put(1, "a", 0, 100), get(2, "a", 1, 2), get(3, nil, 3, 4)]
        ),
        HistoryCase(
            testDescription: "a lost update: both check-and-set writes win",
            operations: [
                put(1, "a", 0, 10, .written(version: 4)),
                put(2, "b", 11, 20, if: .version(4), .written(version: 5)),
                put(3, "c", 11, 20, if: .version(4), .written(version: 6)),
            ]
        ),
        HistoryCase(
            testDescription: "a mismatch although nothing changed",
            operations: [
                put(1, "a", 0, 10, .written(version: 4)),
                put(3, "c", 12, 20, if: .version(4), .mismatch),
            ]
        ),
        HistoryCase(
            testDescription: "versions fall",
            operations: [
                put(1, "a", 0, 1, .written(version: 4)), put(1, "b", 2, 3, .written(version: 3)),
            ]
        ),
        HistoryCase(
            testDescription: "two writes got the same version",
            operations: [
                put(1, "a", 0, 9, .written(version: 4)), put(2, "b", 0, 9, .written(version: 4)),
            ]
        ),
        HistoryCase(
            testDescription: "a value that nobody wrote",
            operations: [put(1, "a", 0, 1), get(2, "z", 2, 3)]
        ),
        HistoryCase(
            testDescription: "a refused write is seen",
            operations: [put(1, "a", 0, 5, .refused), get(2, "a", 6, 7)]
        ),
        HistoryCase(
            testDescription: "a write is applied twice",
            operations: [
                put(1, "a", 0, 1), put(2, "b", 2, 3), get(3, "b", 4, 5), get(3, "a", 6, 7),
            ]
        ),
        HistoryCase(
            testDescription: "the second of two writes without an answer is seen before the first",
            operations: [
                put(1, "a", 0, nil), put(1, "b", 5, nil), get(2, "b", 10, 11), get(2, nil, 12, 13),
            ]
        ),
        HistoryCase(
            testDescription: "an unknown version cannot be two things",
            operations: [
                put(1, "a", 0, 10), get(2, "a", 11, 12, version: 9),
                get(2, "a", 13, 14, version: 8),
            ]
        ),
    ]

    @Test("does not hold for", arguments: broken)
    func refuses(_ row: HistoryCase) throws {
        guard case .violated = try verdict(row.operations) else {
            Issue.record("not caught")
            return
        }
    }

    @Test("the explanation names the key, the operation and the order that came closest")
    func explains() throws {
        let stale = get(2, "a", 40, 41)
        let operations = [
            put(1, "x", 0, 1, key: "other"), put(1, "a", 0, 10), put(1, "b", 20, 30), stale,
            put(1, "c", 50, 60), get(2, "c", 61, 62),
        ]
        let found = try explanation(operations)
        #expect(found.key == "k")
        #expect(found.culprit == stale)
        #expect(found.prefix == [operations[1], operations[2]])
        #expect(found.waiting == [stale])
        #expect(
            found.description == """
                key "k" is not linearizable: no order explains
                  client 2 get -> "a" [40...41]
                the longest order that fits has 2 operations
                  client 1 put "a" -> written [0...10]
                  client 1 put "b" -> written [20...30]
                then the record is "b" of a version above 1, and none of these can come next
                  client 2 get -> "a" [40...41]
                """
        )
    }

    @Test("of many violations the one in the first key by name, first in time, is told")
    func first() throws {
        let found = try explanation([
            put(1, "a", 0, 1, key: "z"), get(1, nil, 2, 3, key: "z"),
            put(1, "a", 0, 1, key: "b"), get(1, nil, 4, 5, key: "b"), get(1, nil, 6, 7, key: "b"),
        ])
        #expect(found.key == "b")
        #expect(found.culprit.call == 4)
    }

    @Test("when the work is too much, it says so and does not guess")
    func undecided() throws {
        // Any order of the writes is possible, and none explains the read.
        let writes = (0..<10).map { put(UInt64($0), "v\($0)", 0, 100) }
        let operations = writes + [get(30, "z", 110, 111)]
        #expect(
            try LinearizabilityChecker(stepsPerKeyMax: 100).check(operations)
                == .undecided(keys: ["k"])
        )
        guard case .violated = try verdict(operations) else {
            Issue.record("not caught with enough work")
            return
        }
    }

    @Test("many writes without an answer are searched only where something sees them")
    func hidden() throws {
        let hidden = (0..<40).map { put(UInt64($0), "v\($0)", 0, nil) }
        let reads = (0..<40).map { get(50, "v\($0)", 10 + 2 * UInt64($0), 11 + 2 * UInt64($0)) }
        #expect(try verdict(hidden + reads) == .linearizable)
        let found = try explanation(hidden + reads + [get(50, "v0", 190, 191)])
        #expect(found.culprit.call == 190)
    }

    @Test("more than 64 operations in flight on one key")
    func wide() throws {
        var operations = (0..<200).map { number in
            put(number, "v\(number)", number, 1_000, .written(version: 1_000 - number))
        }
        operations.append(get(7, "v0", 2_000, 2_001, version: 1_000))
        #expect(try verdict(operations) == .linearizable)
        operations[200] = get(7, "v1", 2_000, 2_001, version: 999)
        let found = try explanation(operations)
        #expect(found.culprit == operations[200])
        #expect(found.prefix.count == 200)
    }

    @Test("what is no history is refused, with its position")
    func malformed() {
        #expect(throws: HistoryError.malformed(position: 1, "it ends before it begins")) {
            try verdict([put(1, "a", 0, 1), put(1, "a", 9, 8)])
        }
        #expect(
            throws: HistoryError.malformed(position: 0, "an unconditional write cannot mismatch")
        ) { try verdict([put(1, "a", 0, 1, .mismatch)]) }
        #expect(throws: HistoryError.malformed(position: 0, "it has an outcome but no end")) {
            try verdict([put(1, "a", 0, nil, .written(version: 1))])
        }
        #expect(
            throws: HistoryError.malformed(position: 0, "the outcome belongs to another action")
        ) { try verdict([put(1, "a", 0, 1, .found(value: "a", version: nil))]) }
    }
}

@Suite("set of positions")
struct PositionSetTests {
    @Test("equals a plain set, and does not depend on the order", arguments: UInt64(0)..<30)
    func model(seed: UInt64) {
        var random = Seeded(seed)
        let bound = [10, 64, 65, 300][Int(seed % 4)]
        var order = Array(0..<bound)
        for position in order.indices.reversed() {
            order.swapAt(position, random.below(position + 1))
        }
        let kept = order.prefix(random.below(bound + 1))
        var set = PositionSet()
        for position in kept {
            set.insert(position)
        }
        var sorted = PositionSet()
        for position in kept.sorted() {
            sorted.insert(position)
        }
        #expect(set == sorted)
        #expect(set.hashValue == sorted.hashValue)
        for position in 0..<bound + 130 {
            #expect(set.contains(position) == kept.contains(position))
        }
        #expect(set.prefix == (0...bound).first { !kept.contains($0) })
    }
}
