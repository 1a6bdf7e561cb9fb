import Testing

@testable import Replica

@Suite("ticker")
struct TickerTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Milliseconds after the start at which somebody asks.
        let asked: [Int]
        let due: [Int]
    }

    static let rows = [
        Row(testDescription: "nothing before the first tick", asked: [0, 9], due: [0, 0]),
        Row(testDescription: "one every 10 ms", asked: [10, 20, 30], due: [1, 1, 1]),
        Row(testDescription: "late is made up for", asked: [14, 20, 35], due: [1, 1, 1]),
        Row(testDescription: "two at once", asked: [21, 30], due: [2, 1]),
        Row(
            testDescription: "a pause is forgotten",
            asked: [60_000, 60_001, 60_010],
            due: [5, 0, 1]
        ),
        Row(testDescription: "five are no pause yet", asked: [50, 59, 60], due: [5, 0, 1]),
    ]

    @Test("counts what is due, and at most five after a pause", arguments: rows)
    func due(_ row: Row) {
        let start = Moment.now
        var ticker = Ticker(now: start)
        let due = row.asked.map { ticker.due(start + .milliseconds($0)) }
        #expect(due == row.due)
    }
}
