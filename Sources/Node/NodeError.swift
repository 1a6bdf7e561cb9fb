package import Wire

/// Why a node cannot start. Each says what to do about it.
package enum NodeError: OperatorError, Equatable {
    /// The settings name another pin for this node than its key has.
    case wrongOwnPin(node: String, settings: String, key: String)
    /// The data folder belongs to a cluster with other initial members.
    case otherCluster(folder: String, have: String, want: String)
    /// Secrets cannot be locked in memory.
    case memoryNotLockable(limit: String)
    /// The data folder belongs to a cluster, so it cannot join one.
    case joinedAlready(folder: String)
    /// The cluster's answer speaks of another node.
    case notAdmitted(node: String)
    /// The settings have a `[join]` table, but the folder belongs to no cluster yet.
    case notJoined(folder: String)
    /// The configuration in the data folder does not have this node's key.
    case removed(node: String, pin: String)
    /// The cluster uses a format level above the one that this version knows.
    case newerFormat(level: UInt64, known: UInt64)
    /// An address cannot be listened on.
    case cannotListen(address: String, reason: String)

    package var blame: Blame { .operator }

    package var summary: String {
        switch self {
        case .wrongOwnPin(let node, let settings, let key):
            "the settings give node \(node) the pin \(settings), but its key has the pin \(key)"
        case .otherCluster(let folder, let have, let want):
            "the data folder \(folder) belongs to another cluster, or the initial members were "
                + "changed\n  in the data folder:\n\(have)\n  in the settings:\n\(want)"
        case .memoryNotLockable(let limit):
            "secrets cannot be locked in memory (limit \(limit))"
        case .joinedAlready(let folder): "the data folder \(folder) belongs to a cluster already"
        case .notAdmitted(let node):
            "the cluster's answer does not speak of this node, \(node)"
        case .notJoined(let folder): "the data folder \(folder) belongs to no cluster yet"
        case .removed(let node, let pin):
            "node \(node) with the pin \(pin) is no member of its cluster (any more)"
        case .newerFormat(let level, let known):
            "the cluster uses format level \(level), and this version of Holdfast knows \(known)"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }

    package var remedy: String {
        switch self {
        case .wrongOwnPin:
            "if the key is right, put its pin into the settings of every node; if the data folder "
                + "is not this node's, correct data"
        case .otherCluster:
            "use the data folder of this cluster, or restore the [[member]] tables it was made with"
        case .memoryNotLockable:
            "raise the limit (LimitMEMLOCK= in systemd, ulimit -l), or set allow_unlocked_memory = "
                + "true where swap is off"
        case .joinedAlready:
            "start it with holdfast server, or give another, empty data folder"
        case .notAdmitted: "ask again with the settings and the data folder of this node"
        case .notJoined: "run holdfast cluster join with a token of the cluster first"
        case .removed:
            "if it is to come back: move its data folder away, then holdfast cluster join with a "
                + "new token"
        case .newerFormat:
            "install the version that the other members run; a level that is in use stays in use"
        case .cannotListen: "end the process that uses it, or choose another address"
        }
    }
}
