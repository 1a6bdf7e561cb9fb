import API
import Raft
import Replica
import Testing

@testable import Node

@Suite("kept replies")
struct ReplyKeeperTests {
    private let member = NodeID(number: 2)
    private let keeper = ReplyKeeper()

    private func request(
        _ id: UInt8,
        number: UInt64 = 1,
        isRepeated: Bool = false
    ) -> ForwardedRequest {
        ForwardedRequest(
            number: number,
            requestID: [UInt8](repeating: id, count: 16),
            seed: Array(1...32),
            since: .zero,
            attempt: 1,
            patienceMilliseconds: 1_000,
            isRepeated: isRepeated,
            content: .creation([])
        )
    }

    private func appended(_ index: UInt64, bytes: Int = 3) -> ForwardedReply.Outcome {
        let body = [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: bytes)
        return .appended(
            Term(number: 1),
            LogIndex(number: index),
            APIResponse(status: 200, body: body)
        )
    }

    private func begin(_ request: ForwardedRequest, from member: NodeID? = nil) -> String {
        switch keeper.begin(request, from: member ?? self.member) {
        case .nothing: "nothing"
        case .underWay: "under way"
        case .kept(.appended(_, let index, let response)):
            "index \(index.number), \(response.body.count) bytes"
        case .kept: "kept something else"
        }
    }

    @Test("who asks again has the same reply, who prepares anew has not")
    func again() {
        #expect(begin(request(1)) == "nothing")
        #expect(keeper.end(request(1), appended(7)) == 1)
        #expect(begin(request(1, number: 2, isRepeated: true)) == "index 7, 3 bytes")
        #expect(begin(request(1, number: 3, isRepeated: true)) == "index 7, 3 bytes")
        #expect(begin(request(2, number: 3, isRepeated: true)) == "nothing", "of another request")
        #expect(begin(request(1, isRepeated: true), from: NodeID(number: 3)) == "nothing")
        #expect(begin(request(1, number: 4)) == "nothing")
        #expect(keeper.end(request(1, number: 4), appended(9)) == 4)
        #expect(begin(request(1, number: 5, isRepeated: true)) == "index 9, 3 bytes")
    }

    @Test("while it is under way nothing happens twice, and the reply bears the newest number")
    func underWay() {
        #expect(begin(request(1, number: 1)) == "nothing")
        #expect(begin(request(1, number: 8, isRepeated: true)) == "under way")
        #expect(keeper.number(of: request(1, number: 1)) == 8)
        #expect(keeper.end(request(1, number: 1), appended(7)) == 8)
        #expect(keeper.number(of: request(3, number: 33)) == 33, "nothing is known of it")
        #expect(keeper.end(request(3, number: 33), appended(1)) == 33)
    }

    @Test("what is not in the log is carried out again")
    func refusals() {
        let outcomes: [ForwardedReply.Outcome] = [
            .answer(APIResponse(status: 400)), .notLeader(hint: nil), .overloaded,
        ]
        for (id, outcome) in outcomes.enumerated() {
            let id = UInt8(id)
            #expect(begin(request(id)) == "nothing")
            _ = keeper.end(request(id), outcome)
            #expect(begin(request(id, isRepeated: true)) == "nothing")
        }
        #expect(keeper.size == (0, 0))
    }

    @Test("replies are forgotten with their time, at the seal, and beyond the bounds")
    func bounds() {
        let now = Moment.now
        for id in UInt8(1)...5 {
            _ = begin(request(id))
            _ = keeper.end(request(id), appended(1), at: now + .seconds(Int(id)))
        }
        let kept = Duration.seconds(Limits.replyKeptSeconds)
        keeper.sweep(at: now + kept + .seconds(3))
        #expect(keeper.size == (2, 6))
        // Replaced meanwhile: its old place in the order must not take the new one along.
        _ = begin(request(4))
        _ = keeper.end(request(4), appended(1, bytes: 10), at: now + .seconds(60))
        keeper.sweep(at: now + kept + .seconds(5))
        #expect(keeper.size == (1, 10))
        _ = begin(request(9))
        keeper.forgetAll()
        #expect(keeper.size == (0, 0))
        #expect(begin(request(9, isRepeated: true)) == "under way")

        let large = Limits.repliesKeptBytesMax / 2
        for id in UInt8(11)...13 {
            _ = begin(request(id))
            _ = keeper.end(request(id), appended(1, bytes: large), at: now)
        }
        #expect(keeper.size == (2, 2 * large))
        #expect(begin(request(11, isRepeated: true)) == "nothing")
        #expect(begin(request(12, isRepeated: true)) == "index 1, \(large) bytes")
    }
}
