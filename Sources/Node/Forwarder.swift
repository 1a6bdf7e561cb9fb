import Raft
import Replica
import Synchronization

/// How asking the leader ended.
enum ForwardOutcome: Sendable {
    /// The leader answered.
    case replied(ForwardedReply.Outcome)
    /// The frame never left this node.
    case notSent
    /// It left, and nothing is known: ask again under the same request id.
    case lost
}

/// Requests that this node asked a leader to carry out, and who waits for them here.
///
/// Every wait ends: by the reply, by the loss of the connection, or by silence.
final class Forwarder: Sendable {
    private struct Waiting: Sendable {
        let leader: NodeID
        var deadline: Moment
        let completion: @Sendable (ForwardOutcome) -> Void
    }

    private struct State: Sendable {
        var next: UInt64
        var waiting: [UInt64: Waiting] = [:]
    }

    private let state: Mutex<State>
    private let send: @Sendable (ForwardedRequest, NodeID) -> Bool

    /// - Parameters:
    ///   - firstNumber: drawn at random for each start of the process. A reply to an earlier
    ///     process may still arrive; it must not answer another client's request.
    ///   - send: puts a frame on the data connection; false when it was not taken.
    init(
        firstNumber: UInt64,
        send: @escaping @Sendable (ForwardedRequest, NodeID) -> Bool
    ) {
        state = Mutex(State(next: firstNumber))
        self.send = send
    }

    /// Asks `leader`. `completion` is called exactly once, on any thread.
    func ask(
        _ leader: NodeID,
        make: (UInt64) -> ForwardedRequest,
        completion: @escaping @Sendable (ForwardOutcome) -> Void
    ) {
        let deadline =
            Moment.now + .milliseconds(Limits.forwardSilenceMilliseconds)
        let number = state.withLock { state -> UInt64? in
            guard state.waiting.count < Limits.forwardsWaitingMax else { return nil }
            let number = state.next
            state.next &+= 1
            // Registered before it is sent, so an instant reply cannot be missed.
            state.waiting[number] = Waiting(
                leader: leader,
                deadline: deadline,
                completion: completion
            )
            return number
        }
        guard let number else { return completion(.replied(.overloaded)) }
        if !send(make(number), leader), let waiting = take(number) {
            waiting.completion(.notSent)
        }
    }

    /// A reply arrived. Only the leader that was asked may answer.
    func replied(_ reply: ForwardedReply, from member: NodeID) {
        let waiting = state.withLock { state -> Waiting? in
            guard state.waiting[reply.number]?.leader == member else { return nil }
            return state.waiting.removeValue(forKey: reply.number)
        }
        waiting?.completion(.replied(reply.outcome))
    }

    /// The leader says that an answer takes longer: its silence is no loss for as long as an effect
    /// may take.
    func heard(_ news: ForwardedNews, from member: NodeID) {
        let milliseconds =
            Limits.effectWaitSeconds * 1_000 + Limits.forwardSilenceMilliseconds
        let deadline = Moment.now + .milliseconds(milliseconds)
        state.withLock { state in
            guard state.waiting[news.number]?.leader == member else { return }
            state.waiting[news.number]?.deadline = deadline
        }
    }

    /// A data connection with `member` is gone, and with it what it was asked or would answer.
    func connectionLost(_ member: NodeID) {
        end { $0.leader == member }
    }

    /// Ends the waits that silence has outlasted. Called a few times a second.
    func sweep(at now: Moment = .now) {
        end { $0.deadline <= now }
    }

    private func end(where isOver: (Waiting) -> Bool) {
        let ended = state.withLock { state -> [Waiting] in
            let numbers = state.waiting.filter { isOver($0.value) }.map(\.key).sorted()
            return numbers.compactMap { state.waiting.removeValue(forKey: $0) }
        }
        for waiting in ended { waiting.completion(.lost) }
    }

    private func take(_ number: UInt64) -> Waiting? {
        state.withLock { $0.waiting.removeValue(forKey: number) }
    }
}
