import API
import Engines
import NIOPosix
import Raft
import Replica
import TestSupport
import Testing
import Vault
import Wire

@testable import Node

private typealias Effect = Engines.Effect

/// Requests that wait for something outside: bounded, in time, and not for nobody.
@Suite("requests that wait")
struct WaitingRequestsTests {
    /// Keeps what it should say until it is asked, and who does not want it any more.
    private struct Performer: EffectPerformer {
        let completions = Collector<@Sendable (EffectOutcome) -> Void>()
        let abandoned = Collector<Effect>()
        let traces = Collector<String>()

        func perform(
            _ effect: Effect,
            deadline: Moment,
            completion: @escaping @Sendable (EffectOutcome) -> Void
        ) {
            completions.add(completion)
            traces.add(effect.trace ?? "none")
        }

        func abandon(_ effect: Effect) { abandoned.add(effect) }
    }

    private static let kind = EffectKind(rawValue: 9)

    private func effect(_ number: UInt8 = 1) -> Effect {
        Effect(kind: Self.kind, id: [number], body: [])
    }

    private func context(
        _ patience: Duration = .seconds(300),
        origin: RequestContext.Origin = .client,
        trace: String? = nil,
        whenGone: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil,
        underWay: (@Sendable () -> Void)? = nil
    ) -> RequestContext {
        let id = [UInt8](1...16)
        var headers = APIHeaders()
        headers.trace = trace
        var context = RequestContext(
            origin: origin,
            request: APIRequest(
                method: "PUT",
                target: Array("/v1/auth/j/login".utf8),
                headers: headers,
                body: [],
                requestID: id
            ),
            vault: VaultRequest(
                operation: .update,
                path: "auth/j/login",
                token: [],
                fields: JSONObject(),
                requestID: id
            ),
            seed: [UInt8](repeating: 3, count: 32),
            since: .zero,
            deadline: .now + patience,
            leaderDeadline: .now,
            attemptBase: 0,
            loop: MultiThreadedEventLoopGroup.singleton.next()
        ) { _ in }
        context.whenGone = whenGone
        context.underWay = underWay
        return context
    }

    private func text(_ ending: WaitingRequests.Ending) -> String {
        switch ending {
        case .performed(.done(let bytes)): "done \(bytes)"
        case .performed(.failed(let reason)): reason
        case .refused: "refused"
        case .gone: "gone"
        }
    }

    @Test("an effect's first word ends the wait, and frees its place")
    func outcome() {
        let performer = Performer()
        let waiting = WaitingRequests(EffectPool([(Self.kind, performer)]), waitingMax: 2)
        let ends = Collector<String>()
        let told = Collector<Int>()
        for number in UInt8(1)...3 {
            waiting.wait(for: effect(number), context(underWay: { told.add(1) })) {
                ends.add("\(number) \(text($0))")
            }
        }
        #expect(ends.all == ["3 refused"])
        #expect(waiting.count == 2 && told.count == 2 && performer.completions.count == 2)
        performer.completions.all[0](.done([7]))
        performer.completions.all[0](.done([8]))
        #expect(ends.all == ["3 refused", "1 done [7]"])
        #expect(waiting.count == 1)
        waiting.wait(for: effect(4), context()) { ends.add("4 \(text($0))") }
        performer.completions.all[2](.failed("down"))
        #expect(ends.all.last == "4 down")
        #expect(performer.abandoned.count == 0)
    }

    /// Who asks, the caller's `traceparent`, and what others are asked with. The request's id is
    /// 0102…10.
    static let traces: [(isClient: Bool, caller: String?, expected: String)] = [
        (
            true, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-01"
        ),
        (
            false, "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-00",
            "00-0af7651916cd43dd8448eb211c80319c-090a0b0c0d0e0f10-00"
        ),
        (true, nil, "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-00"),
        (true, "00-x\r\nX: y", "00-0102030405060708090a0b0c0d0e0f10-0102030405060708-00"),
    ]

    @Test("what is asked of others is in the request's trace", arguments: traces)
    func trace(_ row: (isClient: Bool, caller: String?, expected: String)) {
        let performer = Performer()
        let waiting = WaitingRequests(EffectPool([(Self.kind, performer)]))
        let context = context(origin: row.isClient ? .client : .member, trace: row.caller)
        waiting.wait(for: effect(), context) { _ in }
        #expect(performer.traces.all == [row.expected])
        waiting.stop()
    }

    @Test("a wait ends when its time is over, and with its request's")
    func time() async throws {
        let performer = Performer()
        let waiting = WaitingRequests(EffectPool([(Self.kind, performer)]))
        let ends = Collector<String>()
        waiting.wait(for: effect(), context(.milliseconds(20))) { ends.add(text($0)) }
        try await eventually("its time is over") { ends.count == 1 }
        #expect(ends.all[0].contains("it took longer than"))
        #expect(waiting.count == 0)
        #expect(performer.abandoned.all.map(\.id) == [effect().id])
        performer.completions.all[0](.done([]))
        #expect(ends.count == 1)
    }

    @Test("a client that goes away ends its wait, and the performer hears of it")
    func gone() {
        let performer = Performer()
        let waiting = WaitingRequests(EffectPool([(Self.kind, performer)]))
        let ends = Collector<String>()
        let leave = Collector<@Sendable () -> Void>()
        waiting.wait(for: effect(), context(whenGone: { leave.add($0) })) { ends.add(text($0)) }
        #expect(waiting.count == 1)
        leave.all[0]()
        #expect(ends.all == ["gone"])
        #expect(waiting.count == 0 && performer.abandoned.all.map(\.id) == [effect().id])
        leave.all[0]()
        performer.completions.all[0](.done([]))
        #expect(ends.count == 1)
        // Gone before it began: nobody is asked.
        waiting.wait(for: effect(2), context(whenGone: { $0() })) { ends.add(text($0)) }
        #expect(ends.all == ["gone", "gone"])
        #expect(performer.completions.count == 1 && waiting.count == 0)
    }

    @Test("a node that stops ends all waits, and takes no more")
    func stop() {
        let performer = Performer()
        let waiting = WaitingRequests(EffectPool([(Self.kind, performer)]))
        let ends = Collector<String>()
        for number in UInt8(1)...3 {
            waiting.wait(for: effect(number), context()) { ends.add(text($0)) }
        }
        waiting.stop()
        #expect(ends.all == ["refused", "refused", "refused"])
        #expect(waiting.count == 0 && performer.abandoned.count == 3)
        waiting.wait(for: effect(), context()) { ends.add(text($0)) }
        #expect(ends.count == 4 && performer.completions.count == 3)
    }
}
