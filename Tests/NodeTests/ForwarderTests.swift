import API
import Raft
import Replica
import Synchronization
import TestSupport
import Testing

@testable import Node

@Suite("forwarder")
struct ForwarderTests {
    private let leader = NodeID(number: 1)
    private let other = NodeID(number: 2)

    /// A forwarder, what it sent, and how its waits ended.
    private final class Bench: Sendable {
        let forwarder: Forwarder
        let sent = Collector<ForwardedRequest>()
        let ended = Collector<String>()

        init(first: UInt64 = 1, takes: Bool = true) {
            let sent = sent
            forwarder = Forwarder(firstNumber: first) { request, _ in
                sent.add(request)
                return takes
            }
        }

        func ask(_ leader: NodeID, _ name: String = "a") {
            forwarder.ask(leader) { number in
                ForwardedRequest(
                    number: number,
                    requestID: Array(1...16),
                    seed: Array(1...32),
                    since: .zero,
                    attempt: 1,
                    patienceMilliseconds: 1_000,
                    content: .creation([])
                )
            } completion: { [ended] outcome in
                switch outcome {
                case .replied(.answer(let response)): ended.add("\(name) \(response.status)")
                case .replied(.appended(_, let index, _)): ended.add("\(name) at \(index.number)")
                case .replied(.notLeader): ended.add("\(name) not leader")
                case .replied(.overloaded): ended.add("\(name) overloaded")
                case .notSent: ended.add("\(name) not sent")
                case .lost: ended.add("\(name) lost")
                }
            }
        }

        var lastNumber: UInt64 { sent.all.last?.number ?? 0 }
    }

    @Test("news of the leader that was asked make the wait longer; others' do not")
    func news() throws {
        let bench = Bench()
        bench.ask(leader, "told")
        let told = bench.lastNumber
        bench.ask(leader, "untold")
        bench.forwarder.heard(ForwardedNews(number: told), from: leader)
        bench.forwarder.heard(ForwardedNews(number: bench.lastNumber), from: other)
        bench.forwarder.heard(ForwardedNews(number: 99), from: leader)
        let silence = Limits.forwardSilenceMilliseconds
        bench.forwarder.sweep(at: .now + .milliseconds(silence + 1))
        #expect(bench.ended.all == ["untold lost"])
        bench.forwarder.replied(answer(told), from: leader)
        #expect(bench.ended.all == ["untold lost", "told 200"])
        bench.ask(leader, "silent")
        bench.forwarder.heard(ForwardedNews(number: bench.lastNumber), from: leader)
        let most = Limits.effectWaitSeconds * 1_000 + silence
        bench.forwarder.sweep(at: .now + .milliseconds(most + 1))
        #expect(bench.ended.all.last == "silent lost")
        let news = ForwardedNews(number: .max)
        #expect(try ForwardedNews(decoding: news.encoded()) == news)
        for bytes in [[], [UInt8](repeating: 0, count: 7), [UInt8](repeating: 0, count: 9)] {
            #expect(throws: (any Error).self) { try ForwardedNews(decoding: bytes) }
        }
    }

    private func answer(_ number: UInt64, _ status: Int = 200) -> ForwardedReply {
        ForwardedReply(number: number, outcome: .answer(APIResponse(status: status)))
    }

    @Test("a reply ends the wait, once")
    func reply() {
        let bench = Bench()
        bench.ask(leader)
        #expect(bench.ended.all == [])
        bench.forwarder.replied(answer(bench.lastNumber), from: leader)
        bench.forwarder.replied(answer(bench.lastNumber, 500), from: leader)
        bench.forwarder.connectionLost(leader)
        #expect(bench.ended.all == ["a 200"])
    }

    @Test("replies find their own request, in any order")
    func order() {
        let bench = Bench()
        for name in ["a", "b", "c"] { bench.ask(leader, name) }
        let numbers = bench.sent.all.map(\.number)
        #expect(Set(numbers).count == 3)
        for (number, status) in zip(numbers, [201, 202, 203]).reversed() {
            bench.forwarder.replied(answer(number, status), from: leader)
        }
        #expect(bench.ended.all == ["c 203", "b 202", "a 201"])
    }

    @Test("only the member that was asked may answer")
    func wrongMember() {
        let bench = Bench()
        bench.ask(leader)
        bench.forwarder.replied(answer(bench.lastNumber), from: other)
        bench.forwarder.connectionLost(other)
        #expect(bench.ended.all == [])
        bench.forwarder.replied(answer(bench.lastNumber), from: leader)
        #expect(bench.ended.all == ["a 200"])
    }

    @Test("a number that nobody waits for is ignored")
    func unknownNumber() {
        let bench = Bench()
        bench.ask(leader)
        bench.forwarder.replied(answer(bench.lastNumber &+ 1), from: leader)
        bench.forwarder.replied(answer(0), from: leader)
        #expect(bench.ended.all == [])
    }

    /// Found by reading: numbers began at 1 in each process, so a late reply to the one before
    /// could give one client's answer to another.
    @Test("a reply to an earlier process answers nobody")
    func earlierProcess() {
        let before = Bench(first: 0x1111_0000_0000_0000)
        let after = Bench(first: 0x2222_0000_0000_0000)
        before.ask(leader)
        after.ask(leader)
        after.forwarder.replied(answer(before.lastNumber), from: leader)
        #expect(after.ended.all == [])
    }

    @Test("numbers go on past the highest")
    func wrap() {
        let bench = Bench(first: .max)
        bench.ask(leader, "a")
        bench.ask(leader, "b")
        #expect(bench.sent.all.map(\.number) == [.max, 0])
        bench.forwarder.replied(answer(0), from: leader)
        bench.forwarder.replied(answer(.max), from: leader)
        #expect(bench.ended.all == ["b 200", "a 200"])
    }

    @Test("a frame that is not taken ends the wait as not sent")
    func notSent() {
        let bench = Bench(takes: false)
        bench.ask(leader)
        #expect(bench.ended.all == ["a not sent"])
        bench.forwarder.replied(answer(bench.lastNumber), from: leader)
        #expect(bench.ended.count == 1)
    }

    @Test("a broken connection loses what was asked over it, and nothing else")
    func lost() {
        let bench = Bench()
        bench.ask(leader, "a")
        bench.ask(other, "b")
        bench.ask(leader, "c")
        bench.forwarder.connectionLost(leader)
        #expect(bench.ended.all == ["a lost", "c lost"])
    }

    @Test("a reply that comes while it is being sent is not missed")
    func instantReply() {
        let ended = Collector<String>()
        let inner = Mutex<Forwarder?>(nil)
        let forwarder = Forwarder(firstNumber: 1) { request, _ in
            let reply = ForwardedReply(number: request.number, outcome: .overloaded)
            inner.withLock { $0 }?.replied(reply, from: NodeID(number: 1))
            return true
        }
        inner.withLock { $0 = forwarder }
        forwarder.ask(leader) { number in
            ForwardedRequest(
                number: number,
                requestID: Array(1...16),
                seed: Array(1...32),
                since: .zero,
                attempt: 1,
                patienceMilliseconds: 1,
                content: .creation([])
            )
        } completion: { _ in
            ended.add("ended")
        }
        #expect(ended.all == ["ended"])
    }

    @Test("silence ends the wait, and not before its time")
    func silence() async throws {
        let bench = Bench()
        let began = Moment.now
        bench.ask(leader)
        try await eventually("silence is noticed") {
            bench.forwarder.sweep()
            return bench.ended.count == 1
        }
        #expect(bench.ended.all == ["a lost"])
        let patience = Duration.milliseconds(Limits.forwardSilenceMilliseconds)
        #expect(Moment.now - began >= patience)
    }

    @Test("beyond the bound nothing is sent")
    func bound() {
        let bench = Bench()
        for _ in 0..<Limits.forwardsWaitingMax { bench.ask(leader) }
        #expect(bench.ended.count == 0)
        bench.ask(leader, "last")
        #expect(bench.ended.all == ["last overloaded"])
        #expect(bench.sent.count == Limits.forwardsWaitingMax)
        bench.forwarder.replied(answer(bench.lastNumber), from: leader)
        bench.ask(leader, "again")
        #expect(bench.sent.count == Limits.forwardsWaitingMax + 1)
    }
}
