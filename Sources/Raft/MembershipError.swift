package import Wire

/// Why a membership change cannot be made. Nothing was changed.
package enum MembershipError: OperatorError, Equatable {
    /// An earlier change is not over: its entry is not committed, or its joint configuration not
    /// left.
    case changeUnderWay
    /// The leader has not committed an entry of its own term yet.
    case leaderTooNew
    case notJoint
    case nothingChanges
    case unknownMember(NodeID)
    /// Only learners are removed or given a new incarnation.
    case notALearner(NodeID)
    /// To be promoted and demoted at once.
    case contradiction(NodeID)
    case nameTaken(String)
    case pinTaken(by: NodeID)
    case unknownToken(UInt64)
    case tokenExists(UInt64)
    /// The token admitted another node.
    case tokenBoundElsewhere(UInt64)
    case formatNotAbove(UInt64)
    /// A member has not said that it knows the level.
    case formatUnknown(to: NodeID)
    /// The member to be promoted speaks under another incarnation, or has not spoken.
    case notCounted(NodeID)
    /// The member to be promoted lacks so many entries of the log, or the one that brought the
    /// members in effect.
    case behind(NodeID, entries: UInt64)
    /// The result would be no configuration, or does not follow on the current one.
    case invalid(String)

    package var blame: Blame {
        switch self {
        case .changeUnderWay, .leaderTooNew, .formatUnknown, .notCounted, .behind: .operator
        default: .caller
        }
    }

    package var summary: String {
        switch self {
        case .changeUnderWay: "another membership change is not over yet"
        case .leaderTooNew: "the leader was elected just now and does not know what is committed"
        case .notJoint: "there is no joint configuration to leave"
        case .nothingChanges: "the change changes nothing"
        case .unknownMember(let id): "there is no member \(id.number)"
        case .notALearner(let id): "member \(id.number) is a voter"
        case .contradiction(let id): "member \(id.number) cannot be promoted and demoted at once"
        case .nameTaken(let name): "another member is called \(name)"
        case .pinTaken(let id): "member \(id.number) has the same key"
        case .unknownToken(let id): "there is no join token \(id)"
        case .tokenExists(let id): "there is a join token \(id) already"
        case .tokenBoundElsewhere(let id): "join token \(id) was used by another node"
        case .formatNotAbove(let level): "the format level is \(level) already"
        case .formatUnknown(let id): "member \(id.number) has not said that it knows the level"
        case .notCounted(let id):
            "member \(id.number) was not heard, or its disk is not the one that was admitted"
        case .behind(let id, let entries):
            "member \(id.number) has not caught up, it lacks \(entries) "
                + "\(entries == 1 ? "entry" : "entries") of the log"
        case .invalid(let problem): "the change is not possible: \(problem)"
        }
    }

    package var remedy: String {
        switch self {
        case .changeUnderWay, .leaderTooNew: "repeat it when that is over, usually at once"
        case .notALearner: "demote it first"
        case .formatUnknown: "run a version that knows it on every member"
        case .notCounted: "check that the member runs; if its disk is a new one, readmit it first"
        case .behind: "repeat it once it has; a member that cannot catch up cannot vote either"
        case .unknownToken, .tokenBoundElsewhere: "ask for a new join token"
        case .nameTaken(let name):
            "choose another name; if that member was this node: holdfast cluster remove \(name)"
        default: "look at the members as they are, and ask for something else"
        }
    }
}
