import Wire

/// What one member says to another.
package struct Message: Equatable, Sendable {
    /// The sender's term, always.
    package let term: Term
    /// The sender's ``NodeLife/epoch``.
    package let epoch: UInt64
    /// The sender's ``NodeLife/boot``.
    package let boot: UInt64
    /// The sender's ``NodeLife/incarnation``, or ``NodeLife/forgotten``.
    package let incarnation: UInt64
    package let body: MessageBody

    package init(term: Term, epoch: UInt64, boot: UInt64, incarnation: UInt64, body: MessageBody) {
        self.term = term
        self.epoch = epoch
        self.boot = boot
        self.incarnation = incarnation
        self.body = body
    }

    /// What `life` says in `term`.
    init(term: Term, life: NodeLife, body: MessageBody) {
        self.init(
            term: term,
            epoch: life.epoch,
            boot: life.boot,
            incarnation: life.spokenIncarnation,
            body: body
        )
    }

    /// The connection it travels on, so that heartbeats never queue behind appends.
    package var channel: MessageChannel {
        switch body {
        case .append, .appendResponse: .data
        case .relayed(let relayed): relayed.message.channel
        default: .control
        }
    }

    /// Whether the sender's disk must have entries before this may leave, besides term and vote.
    package var acknowledgesEntries: Bool {
        switch body {
        case .appendResponse(let response):
            if case .accepted = response.outcome { return !planted("acknowledgesUnwritten") }
            return false
        case .relayed(let relayed): return relayed.message.acknowledgesEntries
        default: return false
        }
    }
}

/// Connections between two members that carry messages. Order holds within one, not across.
package enum MessageChannel: UInt8, Sendable {
    case control
    case data
}

/// The kinds of message.
package enum MessageBody: Equatable, Sendable {
    /// "Would you vote for me in `term.next`?" Binds nobody.
    case preVoteRequest(VoteRequest)
    case preVoteResponse(PreVoteResponse)
    case voteRequest(VoteRequest)
    case voteResponse(isGranted: Bool)
    case append(Append)
    case appendResponse(AppendResponse)
    case heartbeat(Heartbeat)
    case heartbeatResponse(HeartbeatResponse)
    /// "The log is committed through here, and you have acknowledged that much." No answer.
    case commitNotice(LogIndex)
    /// "Campaign now, without pre-vote: I hand over to you."
    case timeoutNow
    /// "From which index on may I serve these reads?"
    case readIndexRequest(ReadBatch)
    case readIndexResponse(ReadIndexResponse)
    /// "Pass this on", and then "this was passed on": where two members cannot reach each other.
    indirect case relayed(Relayed)
}

/// A message on its way through one common peer; see `RaftCore+Relay`.
package struct Relayed: Equatable, Sendable {
    /// Who says it.
    package let origin: NodeID
    /// To whom.
    package let target: NodeID
    /// Not itself one that is relayed: one hop is enough for a majority around the middle of any
    /// connected network of up to nine, and cannot go in circles.
    package let message: Message

    package init(origin: NodeID, target: NodeID, message: Message) {
        self.origin = origin
        self.target = target
        self.message = message
    }

    /// What it counts for in ``RaftSettings/relayBytesPerTick``.
    var bytes: Int {
        guard case .append(let append) = message.body else { return Limits.relayedOverheadBytes }
        return append.entries.reduce(Limits.relayedOverheadBytes) { $0 + $1.bytes }
    }
}

/// A candidate shows its log.
package struct VoteRequest: Equatable, Sendable {
    /// Where its log ends.
    package let lastIndex: LogIndex
    /// The term of its last entry.
    package let lastTerm: Term
    /// The leader asked for this election, so a live leader is no reason to refuse.
    package let isTransfer: Bool

    package init(lastIndex: LogIndex, lastTerm: Term, isTransfer: Bool) {
        self.lastIndex = lastIndex
        self.lastTerm = lastTerm
        self.isTransfer = isTransfer
    }
}

/// The answer to a pre-vote request.
package struct PreVoteResponse: Equatable, Sendable {
    /// The term the candidate asked about, so that a late answer to an older question is seen.
    package let proposedTerm: Term
    package let isGranted: Bool

    package init(proposedTerm: Term, isGranted: Bool) {
        self.proposedTerm = proposedTerm
        self.isGranted = isGranted
    }
}

/// Entries that follow a position the follower must already have.
package struct Append: Equatable, Sendable {
    /// The position before the first entry.
    package let previousIndex: LogIndex
    /// The leader's term at `previousIndex`.
    package let previousTerm: Term
    /// The leader's commit index, which may be past the entries sent.
    package let commit: LogIndex
    /// Consecutive from `previousIndex.next`. Empty: only the position is asked about.
    package let entries: [LogEntry]

    package init(
        previousIndex: LogIndex,
        previousTerm: Term,
        commit: LogIndex,
        entries: [LogEntry]
    ) {
        self.previousIndex = previousIndex
        self.previousTerm = previousTerm
        self.commit = commit
        self.entries = entries
    }
}

/// The answer to an append, and a follower's word after an installed snapshot.
package struct AppendResponse: Equatable, Sendable {
    /// Whether the append followed on what the follower has.
    package enum Outcome: Equatable, Sendable {
        /// The follower's log equals the leader's through here, durably.
        case accepted(through: LogIndex)
        /// It has no such entry at `previous`. Its log can agree with the leader's at most up to
        /// `hintIndex`, where its own term is `hintTerm`.
        case rejected(previous: LogIndex, hintIndex: LogIndex, hintTerm: Term)
    }

    /// What came of it.
    package let outcome: Outcome
    /// Whether the sender holds no keys at the moment.
    package let isSealed: Bool

    package init(outcome: Outcome, isSealed: Bool) {
        self.outcome = outcome
        self.isSealed = isSealed
    }
}

/// "I lead."
package struct Heartbeat: Equatable, Sendable {
    /// min(commit, what this follower acknowledged), so it can be believed without a log check.
    package let commit: LogIndex
    /// The newest read round that had begun when this was sent.
    package let round: UInt64
    /// "Vote for nobody for so many nanoseconds of your clock." 0: no such wish.
    package let promise: UInt64

    package init(commit: LogIndex, round: UInt64, promise: UInt64 = 0) {
        self.commit = commit
        self.round = round
        self.promise = promise
    }
}

/// "You do, and this is where I am."
package struct HeartbeatResponse: Equatable, Sendable {
    /// The round of the heartbeat this answers.
    package let round: UInt64
    /// The log equals the leader's through here, in memory at least. A hint only.
    package let received: LogIndex
    /// The part of `received` that is on disk. Counts as an acknowledgement.
    package let durable: LogIndex
    /// Whether the sender holds no keys at the moment.
    package let isSealed: Bool
    /// Whether the sender promises what the heartbeat asked for.
    package let isPromised: Bool
    /// Whether the sender's disk is stalled, so that it should not be made leader.
    package let isDiskStalled: Bool
    /// Whether the sender's disk has so little room left that another one should lead.
    package let isShortOfRoom: Bool
    /// The highest format level that the sender knows.
    package let formatLevel: UInt64

    package init(
        round: UInt64,
        received: LogIndex,
        durable: LogIndex,
        isSealed: Bool,
        isPromised: Bool = false,
        isDiskStalled: Bool = false,
        isShortOfRoom: Bool = false,
        formatLevel: UInt64 = 1
    ) {
        self.formatLevel = formatLevel
        self.round = round
        self.received = received
        self.durable = durable
        self.isSealed = isSealed
        self.isPromised = isPromised
        self.isDiskStalled = isDiskStalled
        self.isShortOfRoom = isShortOfRoom
    }
}

/// A follower's name for the reads it forwards together. Counts up from a number drawn at start,
/// so an answer to a question asked before a restart never answers a new one.
package struct ReadBatch: Hashable, Sendable {
    /// Any value, drawn at start.
    package let number: UInt64

    package init(number: UInt64) {
        self.number = number
    }
}

/// The answer to ``MessageBody/readIndexRequest(_:)``.
package struct ReadIndexResponse: Equatable, Sendable {
    /// The question.
    package let batch: ReadBatch
    /// `nil`: refused.
    package let index: LogIndex?

    package init(batch: ReadBatch, index: LogIndex?) {
        self.batch = batch
        self.index = index
    }
}
