import Engines
import Replica
import Testing
import Wire

@testable import Node

/// When an issuer is asked, with a clock that the test moves.
@Suite("kept key sets")
struct KeySetTableTests {
    /// A table, its clock, and who was told what.
    private struct Bench {
        var table = KeySetTable<String>()
        var now = Moment(nanoseconds: 0)
        var fetches = 0
        var told: [String] = []

        static let source = KeySource(kind: .keySet, url: "https://a", authorities: "")

        mutating func pass(_ seconds: Int) { now += .seconds(seconds) }

        /// "wait", or what is answered: the set's revision or the failure.
        mutating func ask(
            _ need: KeySetQuestion.Need,
            _ name: String = "x",
            of source: KeySource = source
        ) -> String {
            let question = KeySetQuestion(source, need)
            let fetching: Bool
            let said: String
            switch table.ask(question, Array(name.utf8), name, at: now) {
            case .answer(let outcome, let fetches): (said, fetching) = (Self.text(outcome), fetches)
            case .wait(let fetches): (said, fetching) = ("wait", fetches)
            }
            if fetching { fetches += 1 }
            return said
        }

        mutating func end(_ failure: String? = nil, of source: KeySource = source) throws {
            let keys = try KeySet(parsing: Array(#"{"keys":[]}"#.utf8))
            let result = failure.map { Result<KeySet, KeySetFailure>.failure(.init(text: $0)) }
            for (name, outcome) in table.ended(result ?? .success(keys), of: source, at: now) {
                told.append("\(name) \(Self.text(outcome))")
            }
        }

        private static func text(_ outcome: EffectOutcome) -> String {
            switch outcome {
            case .failed(let reason): return reason
            case .done(let bytes):
                let answer = try? KeySetAnswer(decoding: bytes)
                return answer.map { "set \($0.revision)" } ?? "damage"
            }
        }
    }

    @Test("one fetch at a time, whoever asks meanwhile waits for it")
    func singleFlight() throws {
        var bench = Bench()
        for name in ["a", "b", "c"] { #expect(bench.ask(.kept, name) == "wait") }
        #expect(bench.ask(.newer(than: 0), "d") == "wait")
        #expect(bench.ask(.now, "e") == "wait")
        #expect(bench.fetches == 1)
        bench.table.abandon(Array("b".utf8), of: Bench.source)
        try bench.end()
        #expect(bench.told == ["a set 1", "c set 1", "d set 1", "e set 1"])
        #expect(bench.ask(.kept) == "set 1")
        #expect(bench.fetches == 1)
    }

    @Test("a set is used for its life; from half of it on it is fetched for those who come later")
    func life() throws {
        var bench = Bench()
        _ = bench.ask(.kept)
        try bench.end()
        bench.pass(Limits.keySetSeconds / 2 - 1)
        #expect(bench.ask(.kept) == "set 1" && bench.fetches == 1)
        bench.pass(1)
        #expect(bench.ask(.kept) == "set 1" && bench.fetches == 2)
        #expect(bench.ask(.kept) == "set 1" && bench.fetches == 2)
        try bench.end()
        #expect(bench.ask(.kept) == "set 2")
        bench.pass(Limits.keySetSeconds)
        #expect(bench.ask(.kept) == "wait" && bench.fetches == 3)
    }

    @Test("unknown keys make the vault ask once in a while, however many come")
    func flood() throws {
        var bench = Bench()
        _ = bench.ask(.kept)
        try bench.end()
        // Just fetched: what there is, is the answer.
        for _ in 0..<1_000 { #expect(bench.ask(.newer(than: 1)) == "set 1") }
        #expect(bench.fetches == 1)
        var answers = 0
        for second in 0..<100 {
            for _ in 0..<10 where bench.ask(.newer(than: UInt64.max)) != "wait" { answers += 1 }
            if second % 3 == 0 { try bench.end() }
            bench.pass(1)
        }
        #expect(bench.fetches <= 1 + 100 / Limits.keySetPauseSeconds)
        #expect(bench.fetches >= 100 / Limits.keySetPauseSeconds - 1)
        #expect(answers > 500)
        // Who asks for a newer one than an old one gets what is there.
        #expect(bench.ask(.newer(than: 1)).hasPrefix("set "))
    }

    @Test("an issuer that is down: the old set for a while, then its failure; asked after pauses")
    func stale() throws {
        var bench = Bench()
        _ = bench.ask(.kept)
        try bench.end()
        bench.pass(Limits.keySetSeconds)
        #expect(bench.ask(.kept, "a") == "wait")
        #expect(bench.ask(.newer(than: 1), "b") == "wait")
        #expect(bench.ask(.now, "c") == "wait")
        try bench.end("down")
        #expect(bench.told.suffix(3) == ["a set 1", "b down", "c down"])
        #expect(bench.ask(.kept) == "set 1" && bench.fetches == 2)
        #expect(bench.ask(.newer(than: 1)) == "set 1" && bench.fetches == 2)
        bench.pass(Limits.keySetPauseSeconds)
        #expect(bench.ask(.kept) == "wait" && bench.fetches == 3)
        try bench.end("down")
        bench.pass(Limits.keySetStaleSeconds)
        #expect(bench.ask(.kept, "late") == "wait" && bench.fetches == 4)
        try bench.end("still down")
        #expect(bench.told.last == "late still down")
        #expect(bench.ask(.kept) == "still down" && bench.fetches == 4)
        // Who configures it does not wait for a pause.
        #expect(bench.ask(.now) == "wait" && bench.fetches == 5)
        try bench.end()
        #expect(bench.ask(.kept) == "set 2")
    }

    @Test("an issuer that was never reached is not hammered")
    func neverReached() throws {
        var bench = Bench()
        #expect(bench.ask(.kept) == "wait")
        try bench.end("down")
        for _ in 0..<100 { #expect(bench.ask(.kept) == "down") }
        #expect(bench.fetches == 1)
        bench.pass(Limits.keySetPauseSeconds - 1)
        #expect(bench.ask(.kept) == "down")
        bench.pass(1)
        #expect(bench.ask(.kept) == "wait" && bench.fetches == 2)
    }

    @Test("issuers, and those who wait for one, are bounded")
    func bounds() throws {
        var bench = Bench()
        for number in 0..<Limits.keySetWaitingMax {
            #expect(bench.ask(.kept, "\(number)") == "wait")
        }
        #expect(bench.ask(.kept, "more").hasSuffix("others wait for this issuer"))
        bench.table.abandon(Array("7".utf8), of: Bench.source)
        #expect(bench.ask(.kept, "again") == "wait")
        try bench.end()
        #expect(bench.told.count == Limits.keySetWaitingMax)
        func source(_ number: Int) -> KeySource {
            KeySource(kind: .keySet, url: "https://a", authorities: "\(number)")
        }
        for number in 1..<Limits.keySetsMax {
            bench.pass(1)
            #expect(bench.ask(.kept, of: source(number)) == "wait")
            if number > 1 { try bench.end(of: source(number)) }
        }
        // The one that was used longest ago, and is not being asked, makes room.
        bench.pass(1)
        #expect(bench.ask(.kept, of: source(-1)) == "wait")
        #expect(bench.ask(.kept, of: source(1)) == "wait")
        #expect(bench.ask(.kept, of: source(2)).hasPrefix("set"))
        let before = bench.fetches
        #expect(bench.ask(.kept) == "wait" && bench.fetches == before + 1)
    }

    @Test("sealing forgets all; a late answer finds nobody")
    func forgetting() throws {
        var bench = Bench()
        _ = bench.ask(.kept, "a")
        #expect(bench.table.forgetAll() == ["a"])
        try bench.end()
        #expect(bench.told.isEmpty)
        #expect(bench.ask(.kept) == "wait")
        try bench.end()
        #expect(bench.ask(.kept) == "set 1")
    }

    @Test("limits make sense together")
    func limits() {
        let fetch = Duration.milliseconds(Limits.keySetFetchMilliseconds)
        #expect(fetch < .seconds(Limits.effectWaitSeconds))
        #expect(Limits.keySetSeconds > 2 * Limits.keySetPauseSeconds)
        #expect(Limits.keySetStaleSeconds > Limits.keySetSeconds)
        #expect(Limits.keySetWaitingMax < Limits.requestsWaitingMax)
        #expect(Limits.effectWaitSeconds * 2 < Limits.requestSeconds)
    }
}
