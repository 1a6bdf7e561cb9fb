import ArgumentParser
import Client
import Wire

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "The cluster as a whole.",
        subcommands: [
            ClusterStatusCommand.self, JoinTokenCommand.self, JoinCommand.self,
            PromoteCommand.self, DemoteCommand.self, ReplaceCommand.self, RemoveCommand.self,
            TransferCommand.self,
        ]
    )
}

struct ClusterStatusCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show every member, who leads, and what the cluster survives.",
        discussion: "Every member is asked itself, so its address must be reachable from here."
    )

    @Option(name: long("timeout"), help: "seconds to wait for each member, 0.1 to 600")
    var timeout = 2.0
    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        guard (0.1...600).contains(timeout) else {
            throw ValidationError("-timeout must be from 0.1 to 600 seconds")
        }
    }

    func perform(_ session: Session) throws -> ExitStatus {
        let client = try connection.client(session)
        var members = try ClusterMember.all(client)
        ClusterMember.probe(&members, client, timeoutSeconds: timeout)
        switch try connection.format.chosen(session) {
        case .json: session.printJSON(ClusterReport.json(members))
        case .table:
            let hasColours =
                session.terminal.outputIsTerminal && session.environment.plain("NO_COLOR") == nil
            session.terminal.result(ClusterReport.text(members, hasColours: hasColours))
        }
        return .done
    }
}

/// One member as the configuration has it, and what it says of itself.
struct ClusterMember {
    enum State: String {
        case unsealed
        case sealed
        case empty = "no vault"
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

    var role: String { isLeader ? "leader" : isVoter ? "follower" : "learner" }

    /// The members of the configuration, sorted by name.
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

    /// Asks every member for its state and position.
    static func probe(
        _ members: inout [ClusterMember],
        _ client: VaultClient,
        timeoutSeconds: Double
    ) {
        var positions: [Int] = []
        var addresses: [ServerAddress] = []
        for (position, member) in members.enumerated() {
            guard let text = member.apiAddress, let address = try? ServerAddress(text) else {
                continue
            }
            positions.append(position)
            addresses.append(address)
        }
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
            members[position].state = state(health[offset])
            if case .success(let response) = leader[offset], response.status == 200 {
                members[position].appliedIndex = response.object?["raft_applied_index"]?.asInt
            }
        }
    }

    /// The status of sys/health says it all.
    private static func state(_ result: Result<ClientResponse, ClientError>) -> State {
        guard case .success(let response) = result else { return .unreachable }
        switch response.status {
        case 200, 429, 472, 473: return .unsealed
        case 501: return .empty
        case 503: return .sealed
        default: return .unknown
        }
    }
}

/// The members as a table, with what the cluster survives.
enum ClusterReport {
    /// Widest line that is printed.
    static let columnsMax = 100

    static func text(_ members: [ClusterMember], hasColours: Bool) -> String {
        let header = ["Node", "Region", "Zone", "Role", "State", "Applied", "Address"]
        let rows = members.map { member in
            [
                short(member.name, 16), short(member.region, 12), short(member.zone, 12),
                member.role, member.state.rawValue,
                short(member.appliedIndex.map(String.init) ?? "-", 12),
            ]
        }
        // The address gets what the other columns leave.
        var table = Table(header, gap: 2)
        let widths = header.indices.dropLast().map { column in
            ([header] + rows).map { $0[column].count }.max() ?? 0
        }
        let left = columnsMax - widths.reduce(0) { $0 + $1 + table.gap }
        for (member, row) in zip(members, rows) {
            table.add(row + [short(member.apiAddress ?? "-", left)])
        }
        let text = table.text { row, column, cell in
            guard hasColours, column == 4 else { return cell }
            return "\u{1B}[\(colour(members[row].state))m\(cell)\u{1B}[0m"
        }
        var lines = [text, "", "survives: \(configured(members).text)"]
        let now = current(members)
        let lost = configured(members).have - now.have
        if lost > 0 {
            let voters = configured(members).have
            lines.append(
                "now:      \(lost) of \(voters) voters unreachable; \(now.textAfterLosses)"
            )
        }
        return lines.joined(separator: "\n")
    }

    static func json(_ members: [ClusterMember]) -> JSONValue {
        func optional(_ text: String) -> JSONValue { text.isEmpty ? nil : .string(text) }
        let list = members.map { member -> JSONValue in
            [
                "name": .string(member.name), "region": optional(member.region),
                "zone": optional(member.zone), "role": .string(member.role),
                "voter": .bool(member.isVoter),
                "state": .string(member.state == .empty ? "empty" : member.state.rawValue),
                "api_address": member.apiAddress.map(JSONValue.string) ?? nil,
                "peer_address": .string(member.peerAddress),
                "applied_index": member.appliedIndex.map { .number(JSONNumber($0)) } ?? nil,
            ]
        }
        let leader = members.first(where: \.isLeader)?.name
        return [
            "leader": leader.map(JSONValue.string) ?? nil, "members": .array(list),
            "survives": json(configured(members)), "survives_now": json(current(members)),
        ]
    }

    /// What the configuration survives with every voter there.
    static func configured(_ members: [ClusterMember]) -> Survival {
        Survival(votersByRegion: count(members.filter(\.isVoter)))
    }

    /// What is left to lose, with the unreachable voters lost already. A sealed voter counts as
    /// there: it replicates and votes.
    static func current(_ members: [ClusterMember]) -> Survival {
        let voters = members.filter(\.isVoter)
        return Survival(
            votersByRegion: count(voters),
            lostByRegion: count(voters.filter { $0.state == .unreachable })
        )
    }

    private static func count(_ members: [ClusterMember]) -> [String: Int] {
        var counts: [String: Int] = [:]
        for member in members { counts[member.region, default: 0] += 1 }
        return counts
    }

    private static func json(_ survival: Survival) -> JSONValue {
        [
            "nodes": .number(JSONNumber(survival.nodes)),
            "regions": survival.regions.map { .number(JSONNumber($0)) } ?? nil,
            "majority": .bool(survival.hasMajority),
        ]
    }

    private static func short(_ text: String, _ limit: Int) -> String {
        text.count <= limit ? text : "\(text.prefix(limit - 1))…"
    }

    /// Green, yellow, red.
    private static func colour(_ state: ClusterMember.State) -> Int {
        switch state {
        case .unsealed: 32
        case .sealed, .empty, .unknown: 33
        case .unreachable: 31
        }
    }
}
