package import Wire

/// Something that cannot happen, happened. The core ignored the message that showed it and stays
/// safe; somebody should look. A simulation that is not lying to the core must raise none.
package enum Alarm: Equatable, Sendable {
    /// A message that came from outside in this node's own name.
    /// Reason: the transport knows each peer by its key.
    case ownName(NodeID)
    /// A message of an epoch after this node's.
    /// Reason: a recovery that this node was not part of has begun another history.
    case laterEpoch(NodeID, epoch: UInt64)
    /// A member keeps speaking in an earlier boot than it was heard in before.
    /// Reason: boots are counted on disk, so its disk is an older one.
    case bootWentBack(NodeID, from: UInt64, to: UInt64)
    /// A member lacks entries that it acknowledged before; it has them through the
    /// second index at most. Reason: what is acknowledged is on disk.
    case acknowledgedLess(NodeID, from: LogIndex, to: LogIndex)
    /// Two nodes claim to lead one term.
    /// Reason: a voter votes once a term, and two majorities share a voter.
    case secondLeader(NodeID, term: Term)
    /// A leader's log contradicts an entry that is committed here.
    /// Reason: only a node whose log has every committed entry can be elected.
    case committedConflict(LogIndex, with: NodeID)
    /// A term or index above what can honestly be reached.
    /// Reason: ``Limits/termMax`` elections do not happen.
    case numberOutOfRange(from: NodeID)
    /// An append whose terms fall, or exceed its own, or that skips positions.
    /// Reason: a leader's log never does.
    case malformedAppend(from: NodeID)
    /// A follower acknowledges what this leader never had.
    /// Reason: it can only have got its entries from this leader, in this term.
    case acknowledgedTooMuch(NodeID, LogIndex)
    /// A heartbeat answer names a read round that has not begun.
    /// Reason: rounds are only echoed.
    case unknownRound(NodeID)
    /// An entry of a kind this version does not put into a log.
    /// Reason: the format level keeps newer entries away from older nodes.
    case unsupportedEntry(LogIndex, from: NodeID)
    /// A configuration in the log that may not follow on the one before it.
    /// Reason: leaders ask the same question before they append one.
    case illegalConfiguration(LogIndex, from: NodeID)
    /// A snapshot that contradicts what is committed here.
    /// Reason: a snapshot holds committed state only.
    case snapshotConflict(LogIndex, from: NodeID)
    /// A leader asks for a promise that this node is not set to give, so its answers count for no
    /// read lease. Once a term.
    /// Reason: all members have the same settings for leases.
    case leaseMismatch(NodeID)
    /// The highest term is used up, so this node cannot campaign.
    /// Reason: ``Limits/termMax`` elections do not happen.
    case termsExhausted
    /// The highest index is used up, so this node takes no proposals.
    /// Reason: ``Limits/indexMax`` entries do not happen.
    case indexesExhausted
}

extension Alarm: OperatorError {
    package var blame: Blame {
        switch self {
        case .termsExhausted, .indexesExhausted: .bug
        case .leaseMismatch: .operator
        default: .peer
        }
    }

    package var summary: String {
        switch self {
        case .ownName(let node):
            "a peer sent a message in the name of this node, \(node.number)"
        case .laterEpoch(let node, let epoch):
            "node \(node.number) is in epoch \(epoch), after a recovery that left this node out"
        case .bootWentBack(let node, let from, let to):
            "node \(node.number) is in its boot \(to) but was heard in its boot \(from) before"
        case .acknowledgedLess(let node, let from, let to):
            "node \(node.number) acknowledged entry \(from.number) and has none after \(to.number)"
        case .secondLeader(let node, let term):
            "node \(node.number) claims to lead term \(term.number), which has another leader"
        case .committedConflict(let index, let node):
            "node \(node.number) contradicts the committed entry \(index.number)"
        case .numberOutOfRange(let node):
            "node \(node.number) sent a term or index that cannot be reached"
        case .malformedAppend(let node):
            "node \(node.number) sent an append whose terms make no sense"
        case .acknowledgedTooMuch(let node, let index):
            "node \(node.number) acknowledged entry \(index.number), which it was never sent"
        case .unknownRound(let node):
            "node \(node.number) answered a read round that has not begun"
        case .unsupportedEntry(let index, let node):
            "node \(node.number) sent entry \(index.number) of a kind not supported here"
        case .illegalConfiguration(let index, let node):
            "node \(node.number) sent a configuration as entry \(index.number) that does not follow"
        case .snapshotConflict(let index, let node):
            "the snapshot of node \(node.number) at \(index.number) contradicts the local log"
        case .leaseMismatch(let node):
            "node \(node.number) leads with read leases that this node's settings do not allow"
        case .termsExhausted:
            "the highest term is used up"
        case .indexesExhausted:
            "the highest log index is used up"
        }
    }

    package var remedy: String {
        switch self {
        case .laterEpoch:
            "keep this node's data, and admit it again as a learner"
        case .bootWentBack, .acknowledgedLess:
            "its disk is an older image or copy: stop it, and admit it again as a learner"
        case .unsupportedEntry:
            "run the same version on all nodes"
        case .leaseMismatch:
            "set read_lease and what goes with it to the same on all nodes"
        case .termsExhausted, .indexesExhausted:
            "restore a snapshot into a new cluster and report this"
        default:
            "check that node's version, disk and memory, and report this if they are sound"
        }
    }
}
