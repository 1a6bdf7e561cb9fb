package import Logging
package import Raft
package import Wire

/// The settings of one process. The replicated configuration (who votes) is something else: only
/// the *initial* members come from here.
package struct Settings: Equatable, Sendable {
    /// This node's name; one of the initial members'.
    package var node: String
    /// The data folder.
    package var data: String
    /// Where clients connect, "host:port".
    package var apiListen: String
    /// How others reach the API, "https://host:port".
    package var apiAddress: String
    /// Where the other members connect, "host:port".
    package var peerListen: String
    /// The cluster's name, for people.
    package var clusterName: String
    /// PEM files for the client port; nil: the node makes its own certificate.
    package var certificateFile: String?
    package var certificateKeyFile: String?
    /// Plain HTTP for clients; only on loopback addresses.
    package var plainHTTPOnLoopback: Bool
    /// "trace", "debug", "info", "notice", "warning" or "error".
    package var logLevel: String
    /// How lines of the log look.
    package var logFormat: LogFormat
    /// Level of the line that tells of each request of a client; nil: there is none.
    package var requestLogLevel: Logger.Level?
    /// Go on when secrets cannot be locked in memory. Off: such a start is refused.
    package var allowUnlockedMemory: Bool
    /// Leaders read by lease, without asking a majority each time. The same on every node.
    package var readLease: Bool
    /// How far any node's clock may run fast or slow, in parts per million: what leases rest on.
    package var clockDriftPPM: Int
    /// Members compare what their states add up to every so many log entries. The same on every
    /// node: only at a common multiple of theirs can two compare.
    package var checkpointEntries: Int
    /// `sys/metrics` answers without a token, sealed or not.
    package var metricsUnauthenticated: Bool
    /// Every request is on the record of this node before it is answered.
    package var auditLog: Bool
    /// The initial members, in any order; empty for a node that joined later.
    package var members: [InitialMember]
    /// For a node that joins a cluster that exists already.
    package var join: JoinPlace?

    /// What the leader does with members on its own.
    package var autopilot: Autopilot

    /// See ``logFormat``.
    package enum LogFormat: String, CaseIterable, Sendable {
        /// For people.
        case text
        /// One JSON object a line, for machines.
        case json
    }

    /// The `[autopilot]` table. Give all members the same: the leader's counts.
    package struct Autopilot: Equatable, Sendable {
        /// Remove members that were not heard for ``deadSeconds``, where enough voters are left.
        package var removesDead = false
        package var deadSeconds = 24 * 3_600
    }

    /// The `[join]` table: what a node that joins says of itself.
    package struct JoinPlace: Equatable, Sendable {
        /// Failure domain, for example "eu".
        package var region: String
        /// Failure domain inside the region; the region itself if not given.
        package var zone: String
        /// Where the other members reach it, "host:port".
        package var peerAddress: String
    }

    /// One `[[member]]` table.
    package struct InitialMember: Equatable, Sendable {
        /// 1 to 64 letters, digits, `-`, `_` or `.`.
        package var name: String
        package var region: String
        package var zone: String
        package var peerAddress: String
        package var apiAddress: String
        /// SHA-256 of the member's public key, 32 bytes.
        package var pin: [UInt8]
    }

    /// How consensus is tuned.
    var raft: RaftSettings {
        var raft = RaftSettings()
        if readLease {
            var lease = ReadLeaseSettings()
            lease.clockDriftPPM = UInt64(clamping: clockDriftPPM)
            raft.readLease = lease
        }
        return raft
    }

    /// The initial configuration: ids by position in name order, the same on every node.
    package var initialConfiguration: Configuration {
        Configuration(members: Self.configured(members))
    }

    /// The members as consensus knows them; ``Raft/Configuration/problem(in:)`` may find fault.
    static func configured(_ members: [InitialMember]) -> [Member] {
        let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return sorted.enumerated().map { position, member in
            Member(
                id: NodeID(number: UInt64(position + 1)),
                name: member.name,
                region: member.region,
                zone: member.zone,
                peerAddress: member.peerAddress,
                apiAddress: member.apiAddress,
                pin: member.pin,
                role: .voter
            )
        }
    }
}

/// What is wrong with the settings. Always the operator's to mend.
package enum SettingsError: OperatorError, Equatable {
    case unreadable(path: String, reason: String)
    case syntax(path: String, reason: String)
    case unknownKey(String, nearest: String?)
    case missing(String)
    case wrongType(key: String, want: String)
    case wrongValue(key: String, reason: String)
    case notAMember(node: String, members: [String])

    package var blame: Blame { .operator }

    package var summary: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read the settings \(path): \(reason)"
        case .syntax(let path, let reason): "the settings \(path) are not TOML: \(reason)"
        case .unknownKey(let key, _): "unknown setting \"\(key)\""
        case .missing(let key): "the setting \"\(key)\" is missing"
        case .wrongType(let key, let want): "the setting \"\(key)\" must be \(want)"
        case .wrongValue(let key, let reason): "the setting \"\(key)\" is wrong: \(reason)"
        case .notAMember(let node, let members):
            "node \"\(node)\" is not among the members \(members.joined(separator: ", "))"
        }
    }

    package var remedy: String {
        switch self {
        case .unreadable: "check the path given to --config and the file's permissions"
        case .syntax: "mend the line named above; see the example in the README"
        case .unknownKey(_, let nearest):
            nearest.map { "did you mean \"\($0)\"?" } ?? "remove it; see the example in the README"
        case .missing(let key): "add \(key) to the settings file or set its environment variable"
        case .wrongType, .wrongValue: "correct the value"
        case .notAMember: "set node to one of them, or add a [[member]] table for it"
        }
    }
}
