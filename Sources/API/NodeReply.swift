import Wire

/// Bodies of the calls that a node answers itself: bare JSON, members in OpenBao's order.
package enum NodeReply {
    /// `GET sys/init`
    package static func initStatus(isInitialized: Bool) -> APIResponse {
        object { writer in
            writer.name("initialized")
            writer.bool(isInitialized)
        }
    }

    /// `PUT sys/init`. The only time that shares and root token leave the vault.
    ///
    /// - Parameter shares: each share in its byte form, 42 bytes, and in words.
    package static func initialized(
        shares: [(bytes: [UInt8], words: String)],
        rootToken: String
    ) -> APIResponse {
        object { writer in
            writer.name("keys")
            writer.strings(shares.map { Hex.encode($0.bytes) })
            writer.name("keys_base64")
            writer.strings(shares.map { Base64.encode($0.bytes) })
            writer.name("keys_words")
            writer.strings(shares.map(\.words))
            writer.name("root_token")
            writer.string(rootToken)
        }
    }

    /// `GET sys/seal-status` and `PUT sys/unseal`
    package static func sealStatus(_ facts: SealStatusFacts) -> APIResponse {
        object { writer in
            writer.name("type")
            writer.string("shamir")
            writer.name("initialized")
            writer.bool(facts.isInitialized)
            writer.name("sealed")
            writer.bool(facts.isSealed)
            writer.name("t")
            writer.int(facts.threshold)
            writer.name("n")
            writer.int(facts.shares)
            writer.name("progress")
            writer.int(facts.progress)
            writer.name("nonce")
            writer.string(facts.nonce)
            writer.name("recovery_seal")
            writer.bool(false)
            writer.name("version")
            writer.string(facts.version)
            writer.name("commit_date")
            writer.string(facts.buildDate)
            writer.name("migration")
            writer.bool(false)
            if !facts.isSealed {
                writer.name("cluster_name")
                writer.string(facts.clusterName)
                writer.name("cluster_id")
                writer.string(facts.clusterID)
            }
            writer.name("storage_type")
            writer.string("raft")
        }
    }

    /// `GET` and `HEAD sys/health`. Not initialised wins over sealed, sealed over standby.
    package static func health(_ facts: HealthFacts, _ input: HealthInput) -> APIResponse {
        let isUp = facts.isInitialized && !facts.isSealed
        let status =
            if !facts.isInitialized {
                input.uninitializedCode
            } else if facts.isSealed {
                input.sealedCode
            } else if facts.isStandby && !input.isStandbyActive {
                input.standbyCode
            } else {
                input.activeCode
            }
        if input.isHead { return APIResponse(status: status) }
        return object(status: status) { writer in
            writer.name("initialized")
            writer.bool(facts.isInitialized)
            writer.name("sealed")
            writer.bool(facts.isSealed)
            writer.name("standby")
            writer.bool(!isUp || facts.isStandby)
            writer.name("replication_performance_mode")
            writer.string(isUp ? "primary" : "unknown")
            writer.name("replication_dr_mode")
            writer.string(isUp ? "disabled" : "unknown")
            writer.name("server_time_utc")
            writer.uint(facts.serverTimeSeconds)
            writer.name("version")
            writer.string(facts.version)
            if isUp {
                writer.name("cluster_name")
                writer.string(facts.clusterName)
                writer.name("cluster_id")
                writer.string(facts.clusterID)
            }
        }
    }

    /// `PUT sys/storage/raft/join`. A node that runs belongs to a cluster already: it says so of
    /// that one, as OpenBao does, and joins no other. Where OpenBao takes an address and learns the
    /// rest by an unseal, a Holdfast node shows a token before it starts.
    ///
    /// - Parameters:
    ///   - address: of a member of the cluster to join, as it was asked for.
    ///   - members: the API addresses of this node's cluster.
    package static func raftJoin(_ address: String, members: [String]) -> APIResponse {
        let address = address.utf8.last == 0x2F ? String(address.dropLast()) : address
        guard members.contains(where: { utf8Equals($0, address) }) else {
            return Reply.errors(
                500,
                [
                    "failed to join raft cluster: this node is a member of a cluster already and "
                        + "knows no member with this address. A new node joins before it is "
                        + "started: holdfast cluster join-token on a member, then "
                        + "holdfast cluster join --config FILE on the new node"
                ]
            )
        }
        return object { writer in
            writer.name("joined")
            writer.bool(true)
        }
    }

    /// `GET sys/leader`
    package static func leader(_ facts: LeaderFacts) -> APIResponse {
        object { writer in
            writer.name("ha_enabled")
            writer.bool(true)
            writer.name("is_self")
            writer.bool(facts.isSelf)
            if let activeTime = facts.activeTime {
                writer.name("active_time")
                writer.string(activeTime)
            }
            writer.name("leader_address")
            writer.string(facts.leaderAddress)
            writer.name("leader_cluster_address")
            writer.string(facts.leaderPeerAddress)
            writer.name("raft_committed_index")
            writer.uint(facts.committedIndex)
            writer.name("raft_applied_index")
            writer.uint(facts.appliedIndex)
        }
    }

    /// `PUT sys/seal` done.
    package static let sealed = APIResponse(status: 204)

    private static func object(
        status: Int = 200,
        _ write: (inout JSONWriter) -> Void
    ) -> APIResponse {
        var writer = JSONWriter(capacity: 512)
        writer.beginObject()
        write(&writer)
        writer.endObject()
        return APIResponse(status: status, body: writer.bytes + [0x0A])
    }
}

extension JSONWriter {
    fileprivate mutating func strings(_ texts: [String]) {
        beginArray()
        for text in texts {
            string(text)
        }
        endArray()
    }
}
