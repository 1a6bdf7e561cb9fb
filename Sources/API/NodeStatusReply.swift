package import Vault
package import Wire

/// What `sys/node-status` says of the node that is asked, and of the cluster as far as it knows.
package struct NodeStatusFacts: Sendable {
    /// Everybody is told: no more than `sys/health`, `sys/seal-status` and `sys/leader` tell.
    package var node = Node()
    /// For a token that may read it, and for everybody while the node is sealed, because then no
    /// token can be looked at; nil for others.
    package var details: Details?

    /// Nothing is known yet.
    package init() {}

    /// Of the node itself.
    package struct Node: Sendable {
        /// As the settings have it: `eu-1`.
        package var name = ""
        /// Of this program.
        package var version = ""
        /// Wall clock.
        package var time = Timestamp(nanoseconds: 0)
        /// Whether the vault exists, and whether this node lacks its keys.
        package var isInitialized = false
        package var isSealed = true
        /// Shares given in this attempt, and needed; 0 of 0 before initialisation.
        package var sharesGiven = 0
        package var sharesNeeded = 0
        /// `leader`, `follower`, `candidate` or `learner`.
        package var role = "follower"
        /// The current one.
        package var term: UInt64 = 0
        /// Whether a leader is known.
        package var hasLeader = false
        /// End of its log; known to be on the disks of a majority; decided and visible here.
        package var lastIndex: UInt64 = 0
        package var committedIndex: UInt64 = 0
        package var appliedIndex: UInt64 = 0
        /// `ample`, `deletes only` or `none`: what its disk has room for.
        package var room = "ample"

        /// Nothing is known yet.
        package init() {}
    }

    /// What only operators need.
    package struct Details: Sendable {
        /// Name of the leader, if one is known.
        package var leader: String?
        /// RFC 3339, since when this node leads; nil on others.
        package var leaderSince: String?
        /// In the order of their ids.
        package var members: [Member] = []
        /// Of the disk that holds the data folder; nil where the system does not say.
        package var disk: Disk?
        /// Bytes of the database file that were ever used.
        package var databaseBytes: UInt64 = 0
        /// Things found damaged since the start; of these, repaired; parts that wait for repair.
        package var damagesFound: UInt64 = 0
        package var damagesRepaired: UInt64 = 0
        package var doubtfulParts = 0
        package var lastDamage: String?
        /// The node's audit log.
        package var audit = Audit()
        /// Streams of the whole state to members that were too far behind, since the start.
        package var snapshotsDelivered: UInt64 = 0
        package var snapshotsFailed: UInt64 = 0
        /// For how long the first thing to do has been due: on the leader, 0 elsewhere.
        package var tasksLagSeconds: UInt64 = 0
        /// Nil while sealed.
        package var work: WorkSummary?
        /// Tokens that there are; nil where they were not counted.
        package var tokens: Int?

        /// Nothing is known yet.
        package init() {}
    }

    /// A member as this node knows it.
    package struct Member: Sendable {
        /// Name, region and zone from the configuration.
        package var name = ""
        package var region = ""
        package var zone = ""
        /// Where clients reach it, and where members do.
        package var apiAddress = ""
        package var peerAddress = ""
        /// A learner otherwise.
        package var isVoter = false
        /// What the leader alone knows of the others; nil elsewhere.
        package var heard: Heard?

        /// Nothing is known yet.
        package init() {}
    }

    /// What a leader knows of a member.
    package struct Heard: Sendable {
        /// It spoke within the last election time-out.
        package let isActive: Bool
        /// Its log equals the leader's through here.
        package let matchIndex: UInt64

        /// As the leader has it.
        package init(isActive: Bool, matchIndex: UInt64) {
            self.isActive = isActive
            self.matchIndex = matchIndex
        }
    }

    /// Room on a disk.
    package struct Disk: Sendable {
        /// Bytes that an ordinary user may have, and all.
        package let available: UInt64
        package let total: UInt64

        /// As the system has it.
        package init(available: UInt64, total: UInt64) {
            self.available = available
            self.total = total
        }
    }

    /// The node's audit log.
    package struct Audit: Sendable {
        /// The setting `audit_log`.
        package var isOn = false
        /// Records that could not be written since the start: as many requests failed.
        package var refused: UInt64 = 0
        /// Seconds since the last of them; nil if there was none.
        package var secondsSinceRefusal: UInt64?
        /// Records that wait to be written.
        package var waiting = 0

        /// Nothing is known yet.
        package init() {}
    }
}

/// The answer to `GET sys/node-status`.
package enum NodeStatusReply {
    /// Bare JSON, like that of `sys/seal-status`.
    package static func response(_ facts: NodeStatusFacts) -> APIResponse {
        var object = own(facts.node)
        if let details = facts.details {
            for (name, value) in told(details, by: facts.node).members { object[name] = value }
        }
        let body = JSONValue.object(object).encoded(sortingKeys: false)
        return APIResponse(status: 200, body: body + [0x0A])
    }

    private static func own(_ node: NodeStatusFacts.Node) -> JSONObject {
        [
            "node": .string(node.name), "version": .string(node.version),
            "time": .string(node.time.rfc3339), "initialized": .bool(node.isInitialized),
            "sealed": .bool(node.isSealed), "shares_given": number(node.sharesGiven),
            "shares_needed": number(node.sharesNeeded), "role": .string(node.role),
            "term": number(node.term), "has_leader": .bool(node.hasLeader),
            "last_index": number(node.lastIndex), "committed_index": number(node.committedIndex),
            "applied_index": number(node.appliedIndex), "room": .string(node.room),
        ]
    }

    private static func told(
        _ details: NodeStatusFacts.Details,
        by node: NodeStatusFacts.Node
    ) -> JSONObject {
        var object: JSONObject = [
            "leader": text(details.leader), "leader_since": text(details.leaderSince),
            "disk_available_bytes": details.disk.map { number($0.available) } ?? .null,
            "disk_total_bytes": details.disk.map { number($0.total) } ?? .null,
            "database_bytes": number(details.databaseBytes),
            "damage": [
                "found": number(details.damagesFound),
                "repaired": number(details.damagesRepaired),
                "waiting": number(details.doubtfulParts), "last": text(details.lastDamage),
            ],
            "audit": [
                "on": .bool(details.audit.isOn), "refused": number(details.audit.refused),
                "seconds_since_refusal": details.audit.secondsSinceRefusal.map(number) ?? .null,
                "waiting": number(details.audit.waiting),
            ],
            "member_snapshots": [
                "delivered": number(details.snapshotsDelivered),
                "failed": number(details.snapshotsFailed),
            ],
        ]
        if let work = details.work {
            object["jobs"] = [
                "under_way": number(work.jobs), "failing": number(work.failing),
                "stuck_leases": number(work.stuckLeases),
                "lag_seconds": number(details.tasksLagSeconds),
                "worst": .array(work.worst.map(stuck)),
            ]
        }
        if let tokens = details.tokens { object["tokens"] = number(tokens) }
        object["members"] = .array(details.members.map(member))
        return object
    }

    private static func stuck(_ job: WorkSummary.Stuck) -> JSONValue {
        [
            "id": .string(job.id), "kind": .string(job.kind),
            "failures": number(UInt64(job.failures)),
            "next_attempt": .string(job.nextAttempt.rfc3339), "reason": .string(job.reason),
        ]
    }

    private static func member(_ member: NodeStatusFacts.Member) -> JSONValue {
        [
            "name": .string(member.name), "region": .string(member.region),
            "zone": .string(member.zone), "api_address": .string(member.apiAddress),
            "peer_address": .string(member.peerAddress), "voter": .bool(member.isVoter),
            "active": member.heard.map { .bool($0.isActive) } ?? .null,
            "match_index": member.heard.map { number($0.matchIndex) } ?? .null,
        ]
    }

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
    private static func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(value)) }
    private static func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
}
