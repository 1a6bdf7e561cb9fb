import Engines
import Wire

/// `sys/ha-status`, `sys/storage/raft/configuration`: answers made from facts.
extension SystemBackend {
    func haStatus() throws(VaultError) -> VaultAnswer {
        try require(.read)
        let facts = call.environment.facts
        var writer = JSONWriter(capacity: 128 + facts.members.count * 256)
        writer.beginObject()
        writer.name("nodes")
        writer.beginArray()
        for member in facts.members {
            writer.beginObject()
            writer.name("hostname")
            writer.string(member.name)
            writer.name("api_address")
            writer.string(member.apiAddress)
            writer.name("cluster_address")
            writer.string("https://\(member.peerAddress)")
            writer.name("active_node")
            writer.bool(member.isLeader)
            writer.name("last_echo")
            if let lastEcho = member.lastEcho {
                writer.string(lastEcho.rfc3339)
            } else {
                writer.null()
            }
            writer.name("version")
            writer.string(facts.version)
            writer.name("upgrade_version")
            writer.string(facts.version)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return try answer(writer.bytes, isInjected: true)
    }

    func raftConfiguration() throws(VaultError) -> VaultAnswer {
        try require(.read)
        let facts = call.environment.facts
        var writer = JSONWriter(capacity: 128 + facts.members.count * 256)
        writer.beginObject()
        writer.name("config")
        writer.beginObject()
        writer.name("servers")
        writer.beginArray()
        for member in facts.members {
            writer.beginObject()
            writer.name("node_id")
            writer.string(member.name)
            writer.name("address")
            writer.string(member.peerAddress)
            writer.name("leader")
            writer.bool(member.isLeader)
            writer.name("protocol_version")
            writer.string("3")
            writer.name("voter")
            writer.bool(member.isVoter)
            // What Holdfast adds; clients of OpenBao pass over it.
            writer.name("region")
            writer.string(member.region)
            writer.name("zone")
            writer.string(member.zone)
            writer.name("api_address")
            writer.string(member.apiAddress)
            writer.endObject()
        }
        writer.endArray()
        writer.name("index")
        writer.int(0)
        writer.endObject()
        writer.endObject()
        return try answer(writer.bytes)
    }

    /// An answer of an endpoint without parameters.
    func answer(_ data: [UInt8], isInjected: Bool = false) throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        return VaultAnswer(EngineAnswer(data: data, warnings: warnings), isInjected: isInjected)
    }
}
