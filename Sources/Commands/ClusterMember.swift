import Client
import Wire

/// One member as the configuration has it, and what it says of itself.
struct ClusterMember {
    enum State: String {
        case unsealed
        case sealed
        case empty = "no vault"
        /// It answers, and neither it nor anybody else knows a leader.
        case leaderless = "no leader"
        /// It answers, and does not hear the leader that others hear, or is not heard by it.
        case cutOff = "cut off"
        case unreachable
        case unknown
    }

    var name: String
    var region: String
    var zone: String
    var peerAddress: String
    var apiAddress: String?
    var isVoter: Bool
    var isLeader: Bool
    var state = State.unknown
    var appliedIndex: Int?
    /// Its own word, where it has one.
    var status: NodeStatusAnswer?
    /// Why it is unreachable.
    var failure: String?
    /// The leader's word on whether it is heard; nil where no leader said anything.
    var isHeard: Bool?
    /// How far its clock is ahead of the members' median.
    var clockSeconds: Double?

    var role: String {
        if isLeader { return "leader" }
        if let status, status.role != "leader" { return status.role }
        return isVoter ? "follower" : "learner"
    }

    /// The members as a Holdfast node knows them.
    init(_ object: JSONObject, leader: String?) {
        func text(_ name: String) -> String { object[name]?.asString ?? "" }
        name = text("name")
        region = text("region")
        zone = text("zone")
        peerAddress = text("peer_address")
        apiAddress = object["api_address"]?.asString
        isVoter = object["voter"]?.asBool ?? false
        isLeader = leader == name
        isHeard = object["active"]?.asBool
    }

    init(
        name: String,
        region: String,
        zone: String,
        peerAddress: String,
        apiAddress: String?,
        isVoter: Bool,
        isLeader: Bool,
        state: State = .unknown,
        appliedIndex: Int? = nil
    ) {
        self.name = name
        self.region = region
        self.zone = zone
        self.peerAddress = peerAddress
        self.apiAddress = apiAddress
        self.isVoter = isVoter
        self.isLeader = isLeader
        self.state = state
        self.appliedIndex = appliedIndex
    }

    /// The members of the configuration, sorted by name, from any server of this API.
    static func all(_ client: VaultClient) throws -> [ClusterMember] {
        let answer = try client.call(ClientRequest(.get, "sys/storage/raft/configuration"))
        guard
            let servers = answer?["data"]?.asObject?["config"]?.asObject?["servers"]?.asArray
        else {
            throw ClientError.badAnswer(
                client.settings.address.text,
                reason: "no list of members"
            )
        }
        func text(_ value: JSONValue?) -> String { value?.asString ?? "" }
        var members = servers.compactMap(\.asObject).map { server in
            ClusterMember(
                name: text(server["node_id"]),
                region: text(server["region"]),
                zone: text(server["zone"]),
                peerAddress: text(server["address"]),
                apiAddress: server["api_address"]?.asString,
                isVoter: server["voter"]?.asBool ?? false,
                isLeader: server["leader"]?.asBool ?? false
            )
        }
        if members.contains(where: { $0.apiAddress == nil }) {
            try addAddresses(&members, client)
        }
        members.sort { utf8Precedes($0.name, $1.name) }
        return members
    }

    /// Other servers of this API tell the addresses for clients elsewhere.
    private static func addAddresses(
        _ members: inout [ClusterMember],
        _ client: VaultClient
    ) throws {
        let answer = try client.call(ClientRequest(.get, "sys/ha-status"))
        let nodes = (answer?["data"]?.asObject?["nodes"] ?? answer?["nodes"])?.asArray ?? []
        for node in nodes.compactMap(\.asObject) {
            // "https://127.0.0.1:8201" here is "127.0.0.1:8201" in the configuration.
            guard let peer = node["cluster_address"]?.asString,
                let position = members.firstIndex(where: {
                    !$0.peerAddress.isEmpty && peer.hasSuffix("//\($0.peerAddress)")
                })
            else { continue }
            members[position].apiAddress = node["api_address"]?.asString
        }
    }
}

/// A cluster as its members tell it, all asked at about the same moment.
struct ClusterView {
    /// Sorted by name.
    var members: [ClusterMember]

    /// Asks one node who the members are, and then each of them.
    static func load(
        _ client: VaultClient,
        timeoutSeconds: Double,
        now: () -> Timestamp
    ) throws -> ClusterView {
        let response = try client.send(ClientRequest(.get, "sys/node-status"))
        var view: ClusterView
        if let told = NodeStatusAnswer(response.status == 200 ? response.object : nil) {
            guard let members = told.members else {
                throw CommandFailure(
                    .server,
                    "the members are shown to a token that may read sys/node-status",
                    "holdfast login, or set HOLDFAST_TOKEN"
                )
            }
            view = ClusterView(members: members.map { ClusterMember($0, leader: told.leader) })
            view.members.sort { utf8Precedes($0.name, $1.name) }
        } else {
            view = ClusterView(members: try ClusterMember.all(client))
        }
        view.ask(client, timeoutSeconds: timeoutSeconds, now: now)
        view.settle()
        return view
    }

    // MARK: asking

    private mutating func ask(
        _ client: VaultClient,
        timeoutSeconds: Double,
        now: () -> Timestamp
    ) {
        var (positions, addresses) = reachable(members.indices)
        var request = ClientRequest(.get, "sys/node-status")
        // The token goes where the operator's own connection would have taken it: by TLS, or to
        // where there is none anywhere.
        if let token = client.settings.token,
            addresses.allSatisfy({ $0.usesTLS || !client.settings.address.usesTLS })
        {
            request.headers = [("X-Vault-Token", token)]
        }
        let begun = now()
        let answers = client.probe(addresses, request, timeoutSeconds: timeoutSeconds)
        var others: [Int] = []
        for (position, answer) in zip(positions, answers) {
            switch answer {
            case .failure(let error):
                members[position].state = .unreachable
                members[position].failure = error.summary
            case .success(let response):
                let object = response.status == 200 ? response.object : nil
                guard let status = NodeStatusAnswer(object) else {
                    others.append(position)
                    continue
                }
                members[position].status = status
                members[position].appliedIndex = status.appliedIndex
                members[position].clockSeconds = status.time.map {
                    (Double($0.nanoseconds) - Double(begun.nanoseconds)) / 1e9
                }
            }
        }
        (positions, addresses) = reachable(others)
        guard !positions.isEmpty else { return }
        askOthers(positions, addresses, client, timeoutSeconds)
    }

    private func reachable(
        _ candidates: some Sequence<Int>
    ) -> (positions: [Int], addresses: [ServerAddress]) {
        let found = candidates.compactMap { position -> (Int, ServerAddress)? in
            guard let text = members[position].apiAddress, let address = try? ServerAddress(text)
            else { return nil }
            return (position, address)
        }
        return (found.map(\.0), found.map(\.1))
    }

    /// Members that know no `sys/node-status`: what every server of this API tells.
    private mutating func askOthers(
        _ positions: [Int],
        _ addresses: [ServerAddress],
        _ client: VaultClient,
        _ timeoutSeconds: Double
    ) {
        let health = client.probe(
            addresses,
            ClientRequest(.get, "sys/health"),
            timeoutSeconds: timeoutSeconds
        )
        let leader = client.probe(
            addresses,
            ClientRequest(.get, "sys/leader"),
            timeoutSeconds: timeoutSeconds
        )
        for (offset, position) in positions.enumerated() {
            members[position].state = Self.state(health[offset])
            if case .success(let response) = leader[offset], response.status == 200 {
                members[position].appliedIndex = response.object?["raft_applied_index"]?.asInt.map {
                    max(0, $0)
                }
            }
        }
    }

    /// The status of sys/health says it all.
    private static func state(_ result: Result<ClientResponse, ClientError>) -> ClusterMember.State
    {
        guard case .success(let response) = result else { return .unreachable }
        switch response.status {
        case 200, 429, 472, 473: return .unsealed
        case 501: return .empty
        case 503: return .sealed
        default: return .unknown
        }
    }

    // MARK: putting together

    /// Finds out what the members' words together mean.
    mutating func settle() {
        // Who believes to lead in the newest term does; an older leader has not heard of it yet.
        let leading = members.compactMap(\.status).filter(\.isLeader)
        if let newest = leading.max(by: { $0.term < $1.term }) {
            for position in members.indices {
                members[position].isLeader = members[position].name == newest.name
            }
            for heard in newest.members ?? [] {
                guard let name = heard["name"]?.asString,
                    let position = members.firstIndex(where: { $0.name == name })
                else { continue }
                members[position].isHeard = heard["active"]?.asBool
            }
        }
        let somebodyLeads = members.contains { $0.status?.hasLeader == true }
        for position in members.indices {
            guard let status = members[position].status else { continue }
            members[position].state =
                if !status.isInitialized {
                    .empty
                } else if status.isSealed {
                    .sealed
                } else if !status.hasLeader {
                    somebodyLeads ? .cutOff : .leaderless
                } else if members[position].isHeard == false {
                    .cutOff
                } else {
                    .unsealed
                }
        }
        let clocks = members.compactMap(\.clockSeconds).sorted()
        guard !clocks.isEmpty else { return }
        let median = clocks[(clocks.count - 1) / 2]
        for position in members.indices { members[position].clockSeconds? -= median }
    }

    /// The leader, if one answered or others know it.
    var leader: ClusterMember? { members.first(where: \.isLeader) }

    /// The word of whoever knows most: the leader, or whoever shows details.
    var mostKnowing: NodeStatusAnswer? {
        leader?.status ?? members.compactMap(\.status).first { $0.members != nil }
            ?? members.compactMap(\.status).first
    }

    /// Known to be on the disks of a majority, by anybody's word.
    var committedIndex: Int? {
        members.compactMap { $0.status?.committedIndex ?? $0.appliedIndex }.max()
    }

    /// Entries that a member has not applied yet; nil where nobody knows.
    func lag(of member: ClusterMember) -> Int? {
        guard let committedIndex, let applied = member.appliedIndex else { return nil }
        return max(0, committedIndex - applied)
    }
}
