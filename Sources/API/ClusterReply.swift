import Engines
import Vault
import Wire

/// What the leader knows of the cluster's health. Filled by the node, shown by ``ClusterReply``.
package struct AutopilotFacts: Sendable, Equatable {
    /// One member.
    package struct Server: Sendable, Equatable {
        /// From the configuration: `eu-1`.
        package let name: String
        /// "host:port" of its peer port.
        package let address: String
        package let isLeader: Bool
        package let isVoter: Bool
        /// Spoke within the last election time-out.
        package let isAlive: Bool
        /// Milliseconds since it was last heard, 0 for the leader itself.
        package let lastContactMilliseconds: Int
        /// The end of its log as far as the leader knows.
        package let lastIndex: UInt64
        /// Alive, and its log is close to the leader's.
        package let isHealthy: Bool

        package init(
            name: String,
            address: String,
            isLeader: Bool,
            isVoter: Bool,
            isAlive: Bool,
            lastContactMilliseconds: Int,
            lastIndex: UInt64,
            isHealthy: Bool
        ) {
            self.name = name
            self.address = address
            self.isLeader = isLeader
            self.isVoter = isVoter
            self.isAlive = isAlive
            self.lastContactMilliseconds = lastContactMilliseconds
            self.lastIndex = lastIndex
            self.isHealthy = isHealthy
        }
    }

    /// The leader's term.
    package let term: UInt64
    /// Of this program; members do not tell theirs.
    package let version: String
    /// In the order of their ids.
    package let servers: [Server]

    package init(term: UInt64, version: String, servers: [Server]) {
        self.term = term
        self.version = version
        self.servers = servers
    }

    /// Healthy voters beyond the majority.
    var failureTolerance: Int {
        let voters = servers.filter(\.isVoter)
        return max(0, voters.count(where: \.isHealthy) - (voters.count / 2 + 1))
    }
}

/// The rules of automatic membership, as `autopilot/configuration` shows them.
package struct AutopilotRules: Sendable, Equatable {
    /// Whether the leader removes members that were not heard for ``deadSeconds``.
    package var removesDead: Bool
    package var deadSeconds: Int
    /// A member that was not heard for so long is not healthy.
    package var contactMilliseconds: Int
    /// A member whose log lags by more is not healthy.
    package var trailingEntriesMax: Int
    /// Fewest voters that removal may leave.
    package var votersMin: Int

    package init(
        removesDead: Bool,
        deadSeconds: Int,
        contactMilliseconds: Int,
        trailingEntriesMax: Int,
        votersMin: Int
    ) {
        self.removesDead = removesDead
        self.deadSeconds = deadSeconds
        self.contactMilliseconds = contactMilliseconds
        self.trailingEntriesMax = trailingEntriesMax
        self.votersMin = votersMin
    }
}

/// Answers to ``ClusterCall``.
package enum ClusterReply {
    /// A change is made.
    package static let done = APIResponse(status: 204)

    /// `sys/storage/raft/autopilot/state`, members in OpenBao's order.
    package static func state(_ facts: AutopilotFacts, requestID: [UInt8]) -> APIResponse {
        data(requestID) { writer in
            writer.name("failure_tolerance")
            writer.int(facts.failureTolerance)
            writer.name("healthy")
            writer.bool(facts.servers.allSatisfy(\.isHealthy))
            writer.name("leader")
            writer.string(facts.servers.first(where: \.isLeader)?.name ?? "")
            writer.name("servers")
            writer.beginObject()
            for server in facts.servers {
                writer.name(server.name)
                write(server, facts, &writer)
            }
            writer.endObject()
            writer.name("voters")
            writer.beginArray()
            for server in facts.servers where server.isVoter { writer.string(server.name) }
            writer.endArray()
        }
    }

    private static func write(
        _ server: AutopilotFacts.Server,
        _ facts: AutopilotFacts,
        _ writer: inout JSONWriter
    ) {
        writer.beginObject()
        for (name, text) in [
            ("id", server.name), ("name", server.name), ("address", server.address),
            ("node_status", server.isAlive ? "alive" : "failed"),
            ("last_contact", duration(milliseconds: server.lastContactMilliseconds)),
        ] {
            writer.name(name)
            writer.string(text)
        }
        writer.name("last_term")
        writer.uint(facts.term)
        writer.name("last_index")
        writer.uint(server.lastIndex)
        writer.name("healthy")
        writer.bool(server.isHealthy)
        writer.name("status")
        writer.string(server.isLeader ? "leader" : server.isVoter ? "voter" : "non-voter")
        writer.name("version")
        writer.string(facts.version)
        writer.name("node_type")
        writer.string(server.isVoter ? "voter" : "non-voter")
        writer.endObject()
    }

    /// `sys/storage/raft/autopilot/configuration`
    package static func configuration(_ rules: AutopilotRules, requestID: [UInt8]) -> APIResponse {
        data(requestID) { writer in
            writer.name("cleanup_dead_servers")
            writer.bool(rules.removesDead)
            writer.name("dead_server_last_contact_threshold")
            writer.string(duration(milliseconds: rules.deadSeconds * 1_000))
            writer.name("last_contact_threshold")
            writer.string(duration(milliseconds: rules.contactMilliseconds))
            writer.name("max_trailing_logs")
            writer.int(rules.trailingEntriesMax)
            writer.name("min_quorum")
            writer.int(rules.votersMin)
            writer.name("server_stabilization_time")
            writer.string("0s")
        }
    }

    /// `sys/cluster/join-token`. The only time that the token leaves the cluster.
    package static func joinToken(
        _ token: String,
        seconds: Int,
        requestID: [UInt8]
    ) -> APIResponse {
        data(requestID) { writer in
            writer.name("token")
            writer.string(token)
            writer.name("ttl_seconds")
            writer.int(seconds)
        }
    }

    /// `sys/cluster/join`
    ///
    /// - Parameter admission: what the new node has to know, opaque here.
    package static func joined(_ admission: [UInt8], requestID: [UInt8]) -> APIResponse {
        data(requestID) { writer in
            writer.name("admission")
            writer.string(Base64.encode(admission))
        }
    }

    private static func duration(milliseconds: Int) -> String {
        GoDuration.format(nanoseconds: Int64(milliseconds) * 1_000_000)
    }

    private static func data(
        _ requestID: [UInt8],
        _ write: (inout JSONWriter) -> Void
    ) -> APIResponse {
        var writer = JSONWriter(capacity: 1_024)
        writer.beginObject()
        write(&writer)
        writer.endObject()
        let answer = VaultAnswer(EngineAnswer(data: writer.bytes, warnings: []))
        return Reply.response(to: answer, requestID: requestID)
    }
}
