import API
import Engines
import Logging
import NIOCore
import Raft
import Replica
import Vault

/// One request on its way: what was asked, by whom, and how long they wait.
struct RequestContext: Sendable {
    /// Who waits for the end of it.
    enum Origin: Sendable {
        /// A client connected to this node.
        case client
        /// Another member, on behalf of its client: it waits for the commit itself.
        case member
    }

    let origin: Origin
    let request: APIRequest
    let vault: VaultRequest
    /// 32 fresh bytes: the entropy of every attempt.
    let seed: [UInt8]
    /// What the client's node had evaluated before the first attempt: see ``BatchProposal/since``.
    let since: LogIndex
    /// When the client's patience ends.
    let deadline: Moment
    /// Until when it waits for a leader to be elected.
    let leaderDeadline: Moment
    /// Attempts made by other nodes before; the upper half of the attempt number.
    let attemptBase: UInt32
    /// Where the request is worked on.
    let loop: any EventLoop
    /// Ends the request: called exactly once, on any thread.
    let finish: @Sendable (ForwardedReply.Outcome) -> Void
    /// An earlier attempt left this node and was not heard of again.
    var mayBeApplied = false
    /// The last attempt that left this node has had no reply, and the leader may have one to give.
    var isUnanswered = false
    /// An attempt met with silence. A leader of an older version says nothing to what it cannot
    /// read, so what only newer ones know is left out from then on.
    var hadSilence = false
    /// A stale read that no other member has confirmed: what this node's own digest says is enough,
    /// but it has to be looked at in the very view.
    var isAlone = false
    /// It rests on buckets that nobody has looked at lately, so it is worked on where it may walk
    /// over them.
    var mayWalk = false

    /// The effects that this request waited for, and what came of them.
    var performed: [PerformedEffect] = []
    /// Calls its argument, once, when the client goes away unanswered; nil where nobody would know.
    var whenGone: (@Sendable (_ body: @escaping @Sendable () -> Void) -> Void)?
    /// Tells the member that asked that an effect is waited for, so that silence is not loss.
    var underWay: (@Sendable () -> Void)?

    /// Where it is recorded; nil for a request that is not a client's.
    var audit: RequestAudit?

    /// Whether it may hold the thread up, so that it is worked on elsewhere than on an event loop.
    var isLong: Bool { vault.isLong || mayWalk }

    /// The number of one attempt, unique over all nodes that prepare this request.
    func attemptNumber(_ attempt: Int) -> UInt32 {
        attemptBase << 16 | UInt32(attempt)
    }

    /// Answers and is done.
    ///
    /// A server error says "not applied", and clients repeat such a request. While an earlier
    /// attempt may have been applied, nobody may say that.
    func answer(_ response: APIResponse) {
        let isUnknown = mayBeApplied && response.status >= 500
        finish(.answer(isUnknown ? ServiceFailure.outcomeUnknown.response : response))
    }

    /// Fails and is done.
    func fail(_ failure: ServiceFailure) {
        answer(failure.response)
    }

    var isOver: Bool { Moment.now >= deadline }

    /// What names it in every line of the log about it.
    var identity: Logger.Metadata {
        let isForwarded = if case .member = origin { true } else { false }
        return RequestObserver.identity(of: request, isForwarded: isForwarded)
    }
}
