package import Wire

/// Why a node could not serve a request at all. Everything here is about the cluster, not the
/// request.
///
/// 503 means that nothing was applied: clients repeat those. An outcome that is not known is 409,
/// so that no client repeats it blindly.
package enum ServiceFailure: OperatorError, Equatable {
    /// This node has no keys.
    case sealed
    /// The vault has not been initialised.
    case notInitialized
    /// `PUT sys/init` a second time.
    case alreadyInitialized
    /// No leader is known, or it could not be reached and the request did not reach it.
    case noLeader
    /// A stale read whose bound this node cannot keep by itself, and no leader to ask. Both in
    /// nanoseconds; nil: nothing is known about the age of this node's state.
    case tooStale(have: Int64?, allowed: Int64)
    /// A queue is full. Nothing was applied.
    case overloaded
    /// The request waited longer than allowed and was given up before it was proposed.
    case timedOut
    /// The client went away while the request waited for something outside the vault.
    case clientGone
    /// The batch was proposed and nobody can say yet whether it was applied.
    case outcomeUnknown
    /// An earlier copy of the write was applied, and its answer is lost.
    case appliedWithoutAnswer
    /// Writers of the same record kept winning. Nothing was applied.
    case contended
    /// What the answer rests on is damaged on this node's disk and not repaired yet.
    case underRepair
    /// No other member could confirm in time that there is nothing.
    case unconfirmed
    /// The data folder is full but for its reserve.
    case storageFull
    /// The disk of this node takes no more entries, so it would never learn what became of a write.
    case nodeFull
    /// The audit log of this node takes no record, so nothing may be done or told.
    case notRecorded
    /// The request is too large to travel to the leader. Bytes.
    case tooLargeToForward(have: Int, limit: Int)
    /// A share or another input of a ceremony was refused; the text is for the person at the
    /// keyboard.
    case ceremony(String)
    /// Something broke here. Details are in the trace.
    case internalFailure

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .alreadyInitialized, .tooLargeToForward, .contended, .clientGone: .caller
        case .sealed, .notInitialized, .noLeader, .tooStale, .overloaded, .timedOut,
            .underRepair, .unconfirmed, .storageFull, .nodeFull, .notRecorded:
            .operator
        case .ceremony: .operator
        case .outcomeUnknown, .appliedWithoutAnswer: .peer
        case .internalFailure: .bug
        }
    }

    /// What the client reads.
    package var summary: String {
        switch self {
        case .sealed: "Vault is sealed"
        case .notInitialized: "Vault is not initialized"
        case .alreadyInitialized: "Vault is already initialized"
        case .noLeader: "no active Vault instance found"
        case .tooStale(let have?, let allowed):
            "no leader answers, and this node's state is up to \(Self.rounded(have)) old; "
                + "you allow \(Self.rounded(allowed))"
        case .tooStale(nil, let allowed):
            "no leader answers, and has not since this node started, so its state may be of any "
                + "age; you allow \(Self.rounded(allowed))"
        case .overloaded: "too many requests waiting"
        case .timedOut: "the request took too long and was not applied"
        case .clientGone: "the client went away, and the request was not applied"
        case .outcomeUnknown:
            "the outcome of this write is unknown: it may have been applied; "
                + "read before you repeat it"
        case .appliedWithoutAnswer:
            "this write was applied, and its answer was lost on the way; read the current state"
        case .contended:
            "other writers kept changing the same record; this write was not applied"
        case .underRepair:
            "what this answer rests on is damaged on this node's disk and being repaired"
        case .unconfirmed: "no other member could confirm in time that there is nothing"
        case .storageFull: "the storage of this vault is full: only deletes are accepted"
        case .nodeFull: "the disk of this node is full: write through another node"
        case .notRecorded: "the audit log of this node takes no record, so nothing was done"
        case .tooLargeToForward(let have, let limit):
            "the request is \(have) bytes, a node forwards at most \(limit) to the leader"
        case .ceremony(let text): text
        case .internalFailure: "internal error"
        }
    }

    /// What an operator can do.
    package var remedy: String {
        switch self {
        case .sealed: "give enough shares with: holdfast unseal"
        case .notInitialized: "initialise the vault once with: holdfast init"
        case .alreadyInitialized: "unseal it with the shares that were made then"
        case .underRepair: "ask another node, or repeat the request a little later"
        case .noLeader, .tooStale, .unconfirmed:
            "check with: holdfast cluster status, whether a majority of members is up"
        case .overloaded, .timedOut, .contended, .clientGone: "repeat the request a little later"
        case .outcomeUnknown, .appliedWithoutAnswer: "read what the write would have changed"
        case .storageFull, .nodeFull: "add disk space, or delete data"
        case .notRecorded: "see this node's log for what keeps the audit from writing"
        case .tooLargeToForward: "send it to the leader itself, or in smaller parts"
        case .ceremony: "check the share and its label"
        case .internalFailure: "see this node's log at the same time"
        }
    }

    /// Whole milliseconds, upward: an age must not look smaller than it is.
    private static func rounded(_ nanoseconds: Int64) -> String {
        let rest = nanoseconds % 1_000_000
        let up = rest == 0 ? 0 : 1_000_000 - rest
        return GoDuration.format(nanoseconds: nanoseconds + up)
    }

    /// Status and body.
    package var response: APIResponse {
        switch self {
        case .sealed, .noLeader, .tooStale, .overloaded, .timedOut, .contended, .clientGone,
            .underRepair, .unconfirmed, .nodeFull, .notRecorded:
            Reply.errors(503, [summary])
        case .storageFull: Reply.errors(507, [summary])
        case .notInitialized, .alreadyInitialized, .ceremony: Reply.errors(400, [summary])
        case .outcomeUnknown, .appliedWithoutAnswer: Reply.errors(409, [summary])
        case .tooLargeToForward: Reply.errors(413, [summary])
        case .internalFailure: Reply.errors(500, [summary])
        }
    }
}
