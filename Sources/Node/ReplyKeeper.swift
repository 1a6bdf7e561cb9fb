import API
import NIOCore
import Raft
import Replica
import Synchronization

/// What this node, as leader, has told other members about their clients' writes, for some seconds:
/// a reply that was lost with its connection is given again. Otherwise the client of a write that
/// was carried out could be told no more than that, and a token that it made would be lost.
///
/// Only for who asks again without having had a reply. A write that is prepared anew, because what
/// it was based on has changed, comes under the same request id and needs a new reply.
///
/// Replies may hold secrets; they are forgotten when the node is sealed.
final class ReplyKeeper: Sendable {
    /// What is known of a request that a member has sent.
    enum Finding: Sendable {
        /// It is to be carried out.
        case nothing
        /// It is being carried out, and the reply will bear the newest number.
        case underWay
        /// It was carried out.
        case kept(ForwardedReply.Outcome)
    }

    private struct Entry: Sendable {
        let member: NodeID
        /// The member's newest number for it.
        var number: UInt64
        /// Nil while it is under way.
        var kept: Kept?
    }

    private struct Kept: Sendable {
        let outcome: ForwardedReply.Outcome
        let byteCount: Int
        let until: Moment
    }

    private struct State: Sendable {
        /// Only looked up. By request id.
        var entries: [[UInt8]: Entry] = [:]
        /// Those with a reply, the oldest first; one that was replaced since is in it twice.
        var order = CircularBuffer<(id: [UInt8], until: Moment)>()
        var byteCount = 0

        mutating func remove(_ id: [UInt8]) {
            byteCount -= entries.removeValue(forKey: id)?.kept?.byteCount ?? 0
        }

        mutating func trim(_ now: Moment) {
            while let oldest = order.first,
                oldest.until <= now || byteCount > Limits.repliesKeptBytesMax
                    || order.count > Limits.repliesKeptMax
            {
                order.removeFirst()
                if entries[oldest.id]?.kept?.until == oldest.until { remove(oldest.id) }
            }
        }
    }

    private let state = Mutex(State())

    /// A request has come.
    func begin(_ request: ForwardedRequest, from member: NodeID) -> Finding {
        state.withLock { state in
            if request.isRepeated, let entry = state.entries[request.requestID],
                entry.member == member
            {
                if let kept = entry.kept { return .kept(kept.outcome) }
                state.entries[request.requestID]?.number = request.number
                return .underWay
            }
            state.remove(request.requestID)
            state.entries[request.requestID] = Entry(member: member, number: request.number)
            return .nothing
        }
    }

    /// It is over. What is in the log is kept; everything else may be tried again.
    ///
    /// - Returns: the number to reply under.
    func end(
        _ request: ForwardedRequest,
        _ outcome: ForwardedReply.Outcome,
        at now: Moment = .now
    ) -> UInt64 {
        state.withLock { state in
            guard let entry = state.entries[request.requestID] else { return request.number }
            state.remove(request.requestID)
            guard case .appended(_, _, let response) = outcome else { return entry.number }
            let kept = Kept(
                outcome: outcome,
                byteCount: response.body.count,
                until: now + .seconds(Limits.replyKeptSeconds)
            )
            state.entries[request.requestID] = Entry(
                member: entry.member,
                number: entry.number,
                kept: kept
            )
            state.byteCount += kept.byteCount
            state.order.append((request.requestID, kept.until))
            state.trim(now)
            return entry.number
        }
    }

    /// The member's newest number for a request that is under way.
    func number(of request: ForwardedRequest) -> UInt64 {
        state.withLock { $0.entries[request.requestID]?.number ?? request.number }
    }

    /// Forgets what is old. Called a few times a second.
    func sweep(at now: Moment = .now) { state.withLock { $0.trim(now) } }

    /// Forgets all replies; what is under way goes on.
    func forgetAll() {
        state.withLock { state in
            for (id, _) in state.order where state.entries[id]?.kept != nil { state.remove(id) }
            state.order.removeAll()
        }
    }

    /// Replies that are kept, and the bytes of their answers' bodies.
    var size: (count: Int, bytes: Int) {
        state.withLock { state in
            (state.entries.values.count { $0.kept != nil }, state.byteCount)
        }
    }
}
