// What a message means before its content matters: who may speak, and in which term.

import Wire

extension RaftCore {
    mutating func received(
        _ message: Message,
        from peer: NodeID,
        through relay: NodeID? = nil,
        into effects: inout [Effect]
    ) {
        guard peer != id else {
            effects.append(.raise(.ownName(peer)))
            return
        }
        guard message.isInRange else {
            effects.append(.raise(.numberOutOfRange(from: peer)))
            return
        }
        guard isOfThisEpoch(message, from: peer, into: &effects),
            isOfNewestBoot(message, from: peer, isHearsay: relay != nil, into: &effects)
        else { return }
        if case .relayed(let relayed) = message.body {
            relayReceived(relayed, in: message, from: peer, into: &effects)
            return
        }
        // Answers are counted. Of a node that is no member (any more) there is nothing to count,
        // and its term must not end a leadership. Everything else that it may say, a node whose
        // configuration lags behind has to hear.
        guard configuration.slot(of: peer) != nil || !message.body.isAnswer else { return }
        heard(peer, through: relay)
        answering = (peer, relay)
        defer { answering = nil }

        switch message.body {
        case .preVoteRequest(let request):
            preVoteRequested(request, in: message.term, by: peer, into: &effects)
            return
        case .preVoteResponse(let response):
            preVoteAnswered(response, message, from: peer, into: &effects)
            return
        case .voteRequest(let request)
        where message.term > term && ignoresVoteRequest(request):
            return
        default:
            break
        }

        if message.term > term && !planted("ignoresLaterTerms") {
            becomeFollower(term: message.term, leader: nil, into: &effects)
        }
        if message.term < term && !planted("heedsEarlierTerms") {
            answerOutdated(message.body, from: peer, into: &effects)
        } else {
            answerCurrent(message, from: peer, into: &effects)
        }
    }

    /// A message of an earlier term changes nothing here, but its sender has to learn the term: a
    /// node that waits in a later term can only rejoin if the leader follows it there.
    private mutating func answerOutdated(
        _ body: MessageBody,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        switch body {
        case .append, .heartbeat:
            let response = HeartbeatResponse(
                round: 0,
                received: .zero,
                durable: .zero,
                isSealed: isSealed,
                isDiskStalled: isDiskStalled,
                isShortOfRoom: isShortOfRoom,
                formatLevel: settings.formatLevel
            )
            say(.heartbeatResponse(response), to: peer, into: &effects)
        case .voteRequest:
            say(.voteResponse(isGranted: false), to: peer, into: &effects)
        case .readIndexRequest(let batch):
            let response = ReadIndexResponse(batch: batch, index: nil)
            say(.readIndexResponse(response), to: peer, into: &effects)
        case .appendResponse, .heartbeatResponse, .commitNotice, .timeoutNow,
            .readIndexResponse, .voteResponse, .preVoteRequest, .preVoteResponse, .relayed:
            break
        }
    }

    private mutating func answerCurrent(
        _ message: Message,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        switch message.body {
        case .voteRequest(let request):
            voteRequested(request, by: peer, into: &effects)
        case .append(let append):
            appendReceived(append, from: peer, into: &effects)
        case .heartbeat(let heartbeat):
            heartbeatReceived(heartbeat, from: peer, into: &effects)
        case .voteResponse, .appendResponse, .heartbeatResponse:
            answerMember(message, from: peer, into: &effects)
        case .commitNotice(let index):
            commitNoticed(index, from: peer, into: &effects)
        case .timeoutNow:
            timeoutNowReceived(from: peer, into: &effects)
        case .readIndexRequest(let batch):
            readIndexRequested(batch, by: peer, into: &effects)
        case .readIndexResponse(let response):
            readIndexAnswered(response, from: peer, into: &effects)
        case .preVoteRequest, .preVoteResponse, .relayed:
            preconditionFailure("handled before terms are settled")
        }
    }
}

extension RaftCore {
    private mutating func answerMember(
        _ message: Message,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard let slot = configuration.slot(of: peer) else { return }
        if case .voteResponse(let isGranted) = message.body {
            voteAnswered(isGranted, message, by: slot, into: &effects)
            return
        }
        guard role == .leader else { return }
        let isHearsay = answering?.relay != nil
        guard followerSpoke(message.incarnation, slot: slot, isHearsay: isHearsay) else { return }
        if !isHearsay { leadership?.followers[slot].boot = message.boot }
        leadership?.followers[slot].answerBoot = message.boot
        switch message.body {
        case .appendResponse(let response):
            appendAnswered(response, by: slot, into: &effects)
        case .heartbeatResponse(let response):
            heartbeatAnswered(response, by: slot, into: &effects)
        default:
            preconditionFailure("only answers come here")
        }
    }
}

extension MessageBody {
    /// Whether it answers something that only members are asked.
    fileprivate var isAnswer: Bool {
        switch self {
        case .preVoteResponse, .voteResponse, .appendResponse, .heartbeatResponse: true
        case .preVoteRequest, .voteRequest, .append, .heartbeat, .commitNotice, .timeoutNow,
            .readIndexRequest, .readIndexResponse, .relayed:
            false
        }
    }
}

extension Message {
    /// False when a term or index is above ``Limits``. The decoder refuses such messages already;
    /// this holds for whatever way they came.
    var isInRange: Bool {
        guard term <= Limits.termMax, boot >= 1 else { return false }
        switch body {
        case .preVoteRequest(let request), .voteRequest(let request):
            return request.lastIndex <= Limits.indexMax && request.lastTerm <= Limits.termMax
        case .preVoteResponse(let response):
            return response.proposedTerm <= Limits.termMax.next
        case .append(let append):
            return append.previousIndex <= Limits.indexMax
                && append.previousTerm <= Limits.termMax
                && append.commit <= Limits.indexMax
                && append.entries.allSatisfy {
                    $0.index <= Limits.indexMax && $0.term <= Limits.termMax
                }
        case .appendResponse(let response):
            switch response.outcome {
            case .accepted(let index):
                return index <= Limits.indexMax
            case .rejected(let previous, let hintIndex, let hintTerm):
                return previous <= Limits.indexMax && hintIndex <= Limits.indexMax
                    && hintTerm <= Limits.termMax
            }
        case .heartbeat(let heartbeat):
            return heartbeat.commit <= Limits.indexMax
        case .heartbeatResponse(let response):
            return response.received <= Limits.indexMax && response.durable <= Limits.indexMax
        case .commitNotice(let index):
            return index <= Limits.indexMax
        case .readIndexResponse(let response):
            return (response.index ?? .zero) <= Limits.indexMax
        case .voteResponse, .timeoutNow, .readIndexRequest:
            return true
        case .relayed(let relayed):
            return relayed.message.isInRange
        }
    }
}
