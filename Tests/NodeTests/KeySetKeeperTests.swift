import Engines
import Replica
import Synchronization
import TestSupport
import Testing
import Transport
import Wire

@testable import Node

/// What is fetched to learn an issuer's keys, with servers that the test plays.
@Suite("asking issuers")
struct KeySetKeeperTests {
    private typealias Completion = @Sendable (Result<[UInt8], WebFetchError>) -> Void

    /// Answers by address; what has no answer is kept until the test has one.
    private final class Servers: Sendable {
        let asked = Collector<String>()
        let traces = Collector<String>()
        let waiting = Collector<Completion>()
        let pages: [String: String]

        init(_ pages: [String: String]) { self.pages = pages }

        func fetch(_ fetch: WebFetch, _ completion: @escaping Completion) {
            asked.add(fetch.address.text)
            traces.add(fetch.trace ?? "none")
            guard let page = pages[fetch.address.text] else { return waiting.add(completion) }
            completion(.success(Array(page.utf8)))
        }
    }

    private func keeper(_ servers: Servers) -> KeySetKeeper {
        KeySetKeeper(fetch: { servers.fetch($0, $1) }, logger: quietLogger)
    }

    private func effect(
        _ kind: KeySource.Kind,
        _ url: String,
        _ need: KeySetQuestion.Need = .kept,
        id: UInt8 = 0
    ) -> Effect {
        let source = KeySource(kind: kind, url: url, authorities: "")
        return Effect(
            kind: .keySet,
            id: [UInt8](repeating: id, count: 24),
            body: KeySetQuestion(source, need).encoded()
        )
    }

    private func text(_ outcome: EffectOutcome?) -> String {
        switch outcome {
        case nil: "nothing"
        case .failed(let reason): reason
        case .done(let bytes):
            (try? KeySetAnswer(decoding: bytes)).map { "\($0.keys.keys.count) keys" } ?? "damage"
        }
    }

    private static let issuer = "https://i.example"
    private static let place = issuer + "/.well-known/openid-configuration"
    private static let set =
        #"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"R6RrfxF213OkNsXf78zYuwz-A-vKbDPO8jqrA_zXFNA"}]}"#

    /// Kind, URL, what the servers have, what comes of it, what is asked.
    static let rows: [(KeySource.Kind, String, [String: String], String, [String])] = [
        (.keySet, "https://k.example/x", ["https://k.example/x": set], "1 keys", ["x"]),
        (.keySet, "https://k.example/x", ["https://k.example/x": "<html>"], "not a JSON", ["x"]),
        (
            .discovery, issuer,
            [
                place: #"{"issuer":"https://i.example","jwks_uri":"https://k.example/x"}"#,
                "https://k.example/x": set,
            ],
            "1 keys", ["openid-configuration", "x"]
        ),
        (
            .discovery, issuer,
            [place: #"{"issuer":"https://evil.example","jwks_uri":"https://k.example/x"}"#],
            "did not match", ["openid-configuration"]
        ),
        (
            .discovery, issuer,
            [place: #"{"issuer":"https://i.example","jwks_uri":"http://127.0.0.1:1/x"}"#],
            "not https", ["openid-configuration"]
        ),
        (
            .discovery, issuer,
            [place: #"{"issuer":"https://i.example","jwks_uri":"http://k.example/x"}"#],
            "refused", ["openid-configuration"]
        ),
        (.keySet, "http://k.example/x", [:], "the URL is refused", []),
    ]

    @Test("documents are fetched in turn, and read strictly", arguments: rows.indices)
    func fetches(_ row: Int) {
        let (kind, url, pages, expected, asked) = Self.rows[row]
        let servers = Servers(pages)
        let keeper = keeper(servers)
        let outcomes = Collector<EffectOutcome>()
        keeper.perform(effect(kind, url), deadline: .now) { outcomes.add($0) }
        #expect(outcomes.count == 1)
        #expect(text(outcomes.all.first).contains(expected), "\(text(outcomes.all.first))")
        #expect(servers.asked.all.map { String($0.split(separator: "/").last ?? "") } == asked)
    }

    @Test("each document is asked for in the trace of the request that began it")
    func trace() {
        let found = #"{"issuer":"https://i.example","jwks_uri":"https://k.example/x"}"#
        let servers = Servers([Self.place: found, "https://k.example/x": Self.set])
        let keeper = keeper(servers)
        var effect = effect(.discovery, Self.issuer, .now)
        effect.trace = "first"
        keeper.perform(effect, deadline: .now) { _ in }
        effect.trace = nil
        keeper.perform(effect, deadline: .now) { _ in }
        #expect(servers.traces.all == ["first", "first", "none", "none"])
    }

    @Test("whoever asks while the issuer is being asked gets the same answer")
    func shared() {
        let servers = Servers([:])
        let keeper = keeper(servers)
        let outcomes = Collector<EffectOutcome>()
        let url = "https://k.example/x"
        for id in UInt8(0)..<5 {
            keeper.perform(effect(.keySet, url, id: id), deadline: .now) { outcomes.add($0) }
        }
        #expect(servers.asked.count == 1 && outcomes.count == 0)
        keeper.abandon(effect(.keySet, url, id: 3))
        servers.waiting.all[0](.success(Array(Self.set.utf8)))
        #expect(outcomes.all.map { text($0) } == Array(repeating: "1 keys", count: 4))
        keeper.perform(effect(.keySet, url), deadline: .now) { outcomes.add($0) }
        #expect(servers.asked.count == 1 && outcomes.count == 5)
        // Sealed: nothing is kept.
        keeper.perform(effect(.keySet, url, .now), deadline: .now) { outcomes.add($0) }
        keeper.forgetAll()
        #expect(text(outcomes.all.last).contains("sealed"))
        servers.waiting.all[1](.success(Array(Self.set.utf8)))
        #expect(outcomes.count == 6)
        keeper.perform(effect(.keySet, url), deadline: .now) { outcomes.add($0) }
        #expect(servers.asked.count == 3)
    }

    @Test("a question that nobody asked is a failure")
    func damage() {
        let keeper = keeper(Servers([:]))
        let outcomes = Collector<EffectOutcome>()
        let effect = Effect(kind: .keySet, id: [], body: [7])
        keeper.perform(effect, deadline: .now) { outcomes.add($0) }
        keeper.abandon(effect)
        guard case .failed = outcomes.all.first else { return #expect(Bool(false)) }
    }
}
