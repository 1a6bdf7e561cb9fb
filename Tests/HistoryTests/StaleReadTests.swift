import Testing

@testable import History

@Suite("stale reads")
struct StaleReadTests {
    private let writes = [
        put(1, "a", 0, 10, .written(version: 3)), put(1, "b", 100, 110, .written(version: 5)),
    ]

    private func findings(_ read: Operation) throws -> [StaleReadChecker.Finding] {
        try StaleReadChecker.findings(in: writes + [read])
    }

    @Test("old within the bound is fine, and does not count as a linearizability violation")
    func within() throws {
        #expect(try findings(get(2, "a", 150, 151, stale: 60)).isEmpty)
        #expect(try verdict(writes + [get(2, "a", 150, 151, stale: 60)]) == .linearizable)
        #expect(try findings(get(2, "b", 150, 151, stale: 0)).isEmpty)
        #expect(try findings(get(2, nil, 50, 51, stale: 60)).isEmpty)
    }

    @Test("older than the bound is found, with the write that shows it")
    func beyond() throws {
        let read = get(2, "a", 150, 151, stale: 30)
        let found = try findings(read)
        #expect(found == [StaleReadChecker.Finding(read: read, witness: writes[1])])
        #expect(try findings(get(2, "a", 150, 151, version: 3, stale: 30)).count == 1)
        #expect(try findings(get(2, nil, 150, 151, stale: 30)).count == 1)
    }

    @Test("a moment counts as inside the bound")
    func edge() throws {
        #expect(try findings(get(2, "a", 150, 151, stale: 40)).isEmpty)
        #expect(try findings(get(2, "a", 150, 151, stale: 39)).count == 1)
    }

    @Test("values from the future and from nowhere are found")
    func unwritten() throws {
        let early = get(2, "b", 50, 60, stale: 1_000)
        #expect(try findings(early) == [StaleReadChecker.Finding(read: early, witness: nil)])
        #expect(try findings(get(2, "z", 150, 151, stale: 1_000)).count == 1)
    }

    @Test("an overlapping write may be the newest")
    func overlapping() throws {
        let operations = [
            put(1, "a", 0, 50), put(2, "b", 10, 20), get(3, "a", 100, 101, stale: 0),
        ]
        #expect(try StaleReadChecker.findings(in: operations).isEmpty)
    }

    @Test("a deleted record may be absent again")
    func deleted() throws {
        let operations = writes + [put(1, nil, 200, 210), get(2, nil, 300, 301, stale: 5)]
        #expect(try StaleReadChecker.findings(in: operations).isEmpty)
    }

    @Test("a session that goes back in time is found; overlapping reads and other clients are not")
    func sessions() throws {
        let newer = get(2, "b", 120, 130, version: 5, stale: 1_000)
        let older = get(2, "a", 131, 140, version: 3, stale: 1_000)
        let found = try StaleReadChecker.regressions(in: writes + [newer, older])
        #expect(found == [StaleReadChecker.Finding(read: older, witness: newer)])
        let overlapping = get(2, "a", 125, 140, version: 3, stale: 1_000)
        #expect(try StaleReadChecker.regressions(in: [newer, overlapping]).isEmpty)
        let other = get(3, "a", 131, 140, version: 3, stale: 1_000)
        #expect(try StaleReadChecker.regressions(in: [newer, other]).isEmpty)
    }
}

@Suite("history from text")
struct HistoryLinesTests {
    private func parse(_ text: String) throws -> [Operation] {
        try HistoryLines.parse(Array(text.utf8))
    }

    @Test("each kind of line")
    func lines() throws {
        let text = """
            {"op":"put","key":"k","client":1,"call":0,"end":10,"outcome":"ok","value":"a","version":3}

            {"op":"get","key":"k","client":2,"call":11,"end":12,"outcome":"ok","value":"a","version":3}
            {"op":"get","key":"k","client":2,"call":11,"end":12,"outcome":"ok","value":null}
            {"op":"get","key":"k","client":2,"call":13,"end":14,"outcome":"ok","value":"a","stale_bound":9}
            {"op":"delete","key":"k","client":1,"call":15,"end":null,"outcome":"unknown","if_version":3}
            {"op":"put","key":"k","client":1,"call":15,"end":16,"outcome":"mismatch","value":"b","if_value":null}
            """
        #expect(
            try parse(text) == [
                put(1, "a", 0, 10, .written(version: 3)), get(2, "a", 11, 12, version: 3),
                get(2, nil, 11, 12), get(2, "a", 13, 14, stale: 9),
                put(1, nil, 15, nil, if: .version(3), .unknown),
                put(1, "b", 15, 16, if: .value(nil), .mismatch),
            ]
        )
    }

    static let bad = [
        ("{", 1, "not JSON"),
        ("\n[1]", 2, "not an object"),
        (#"{"op":"put","key":"k","client":1,"call":0,"end":1,"outcome":"ok"}"#, 1, "value"),
        (#"{"op":"cas","key":"k","client":1,"call":0,"end":1,"outcome":"ok"}"#, 1, "unknown op"),
        (#"{"op":"get","key":"k","client":1,"call":0,"end":1,"outcome":"fine"}"#, 1, "outcome"),
        (#"{"op":"get","key":"k","client":1,"call":2,"end":1,"outcome":"ok"}"#, 1, "ends before"),
        (#"{"op":"get","key":"k","client":1,"call":-2,"end":1,"outcome":"ok"}"#, 1, "whole"),
        (#"{"op":"get","key":"k","client":1,"call":2,"outcome":"ok"}"#, 1, "no end"),
        (
            #"{"op":"get","key":"k","client":1,"call":0,"end":1,"outcome":"ok","ifversion":1}"#, 1,
            "unknown member"
        ),
        (
            #"{"op":"get","key":"k","client":1,"call":0,"end":1,"outcome":"ok","if_version":1}"#, 1,
            "no condition"
        ),
    ]

    @Test("what is wrong is told with its line", arguments: bad)
    func problems(_ row: (String, Int, String)) {
        do {
            _ = try parse(row.0)
            Issue.record("accepted: \(row.0)")
        } catch {
            let problem = error as? HistoryLines.Problem
            #expect(problem?.line == row.1)
            #expect(problem?.text.contains(row.2) == true, "\(error)")
        }
    }
}
