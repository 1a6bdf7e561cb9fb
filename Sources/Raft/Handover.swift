/// How the storage of this node does.
package enum DiskHealth: Equatable, Sendable {
    case ok
    /// A transaction has been under way for longer than half an election time-out.
    case stalled
}

/// What became of an ``Input/transferRequested(_:to:)``.
package enum TransferOutcome: Equatable, Sendable {
    /// Another node leads a later term; usually the one asked for.
    case done(leader: NodeID)
    /// Nothing was tried, or the target became unfit before anything had happened.
    case refused(TransferRefusal)
    /// The target did not make it in time. This node leads on, or does not know who leads.
    case timedOut
}

/// Why leadership was not transferred.
package enum TransferRefusal: Equatable, Sendable {
    /// This node does not lead. The hint is who might.
    case notLeader(hint: NodeID?)
    /// Another handover is under way.
    case underWay
    /// The target leads already.
    case leadsAlready
    /// The target is no voter.
    case notVoter
    /// The target is silent, sealed, or its disk is stalled; without a named one, every voter is.
    case unfit
    /// Too much waits in this node.
    case overloaded
}

/// One attempt of a leader to give way to another node.
struct Handover: Sendable {
    enum Reason: Sendable {
        /// An operator, or a node that is about to stop, asked.
        case requested
        /// This node holds no keys and the target does.
        case sealed
        /// This node's disk has no room for what clients write, and the target's has.
        case roomless
        /// The members have agreed to do without it as a voter.
        case retiring
        /// This node hears a majority only through the target, which hears one itself.
        case bridged
    }

    enum Stage: Sendable {
        /// Proposals go on. When the target has everything up to `mark`, which was the log's end
        /// at `sinceTick`, the time that took tells how long a stop would last.
        case catchingUp(mark: LogIndex, sinceTick: UInt64, previousTicks: UInt64?)
        /// Proposals are refused until the target has the whole log.
        case flushing(sinceTick: UInt64)
        /// The target was told to campaign.
        case told(sinceTick: UInt64)
    }

    let reason: Reason
    let target: NodeID
    /// When it began; with leases on, when the last promise to this leader had run out.
    var beganTick: UInt64
    var stage: Stage

    /// From the stop until the target leads or the attempt is given up.
    var refusesProposals: Bool {
        switch stage {
        case .catchingUp: false
        case .flushing, .told: true
        }
    }
}

/// Somebody waits to hear how a transfer ends; outlives the leadership that it ends.
struct TransferWait: Sendable {
    let ticket: Ticket
    /// Set when this node stops leading: it then has to hear of a new leader by this tick.
    var untilTick: UInt64?
}
