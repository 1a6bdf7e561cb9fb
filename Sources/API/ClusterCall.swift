package import Policy
import Wire

/// Calls about the members of the cluster. The leader carries them out; any node takes them.
///
/// `sys/storage/raft/…` and `sys/step-down` are OpenBao's; `sys/cluster/…` is Holdfast's own.
package enum ClusterCall: Sendable, Equatable {
    /// `PUT sys/storage/raft/remove-peer`: out of the cluster, by way of learner.
    case remove(server: String)
    /// `PUT sys/storage/raft/promote`: a learner becomes a voter.
    case promote(server: String)
    /// `PUT sys/storage/raft/demote`: a voter becomes a learner, and stays one.
    case demote(server: String)
    /// `PUT sys/cluster/replace`: a learner takes a voter's place in one change.
    case replace(old: String, new: String)
    /// `PUT sys/step-down` (no server) and `PUT sys/cluster/transfer`.
    case transfer(server: String?)
    /// `PUT sys/cluster/join-token`: a credential for one node to join, valid this long.
    case joinToken(seconds: Int)
    /// `PUT sys/cluster/join`: a node that has a join token. Needs no other.
    case join(JoinInput)
    /// `GET sys/storage/raft/autopilot/state`
    case autopilotState
    /// `GET sys/storage/raft/autopilot/configuration`
    case autopilotConfiguration
    /// One of the above that cannot be carried out. Only who may make it learns what is wrong with
    /// it; to others it looks like every call that is denied.
    case malformed(MalformedCall)

    /// It changes nothing, so it may be asked again when nobody knows what became of it.
    package var isRead: Bool {
        switch self {
        case .autopilotState, .autopilotConfiguration, .malformed: true
        case .remove, .promote, .demote, .replace, .transfer, .joinToken, .join: false
        }
    }

    /// The call as policies see it: path, operation and parameters.
    package var access: AccessRequest {
        switch self {
        case .remove(let server): Self.server(server, "sys/storage/raft/remove-peer")
        case .promote(let server): Self.server(server, "sys/storage/raft/promote")
        case .demote(let server): Self.server(server, "sys/storage/raft/demote")
        case .transfer(let server?): Self.server(server, "sys/cluster/transfer")
        case .transfer(nil): AccessRequest(.update, "sys/step-down")
        case .replace(let old, let new):
            Self.update(
                "sys/cluster/replace",
                ["old_server_id": .string(old), "new_server_id": .string(new)]
            )
        case .joinToken(let seconds):
            Self.update(
                "sys/cluster/join-token",
                ["ttl_seconds": .number(JSONNumber(seconds))]
            )
        case .join: AccessRequest(.update, "sys/cluster/join")
        case .autopilotState: AccessRequest(.read, "sys/storage/raft/autopilot/state")
        case .autopilotConfiguration:
            AccessRequest(.read, "sys/storage/raft/autopilot/configuration")
        case .malformed(let call): AccessRequest(call.operation, call.path)
        }
    }

    private static func server(_ server: String, _ path: String) -> AccessRequest {
        update(path, ["server_id": .string(server)])
    }

    private static func update(_ path: String, _ parameters: JSONObject) -> AccessRequest {
        var request = AccessRequest(.update, path)
        request.parameters = parameters
        return request
    }

    /// False for the one call that brings its own credential.
    package var needsToken: Bool {
        if case .join = self { return false }
        return true
    }
}

/// A call about members whose method or body is wrong.
package struct MalformedCall: Sendable, Equatable {
    /// Behind `/v1/`.
    package let path: String
    /// What policies would have to allow.
    package let operation: AccessOperation
    /// What the caller is told: a status of 400 or above, and texts.
    package let status: Int
    package let texts: [String]
}

/// What a node says of itself when it asks to join.
package struct JoinInput: Sendable, Equatable {
    /// As `sys/cluster/join-token` gave it.
    package let token: String
    package let name: String
    package let region: String
    package let zone: String
    /// "host:port"
    package let peerAddress: String
    /// "https://host:port"
    package let apiAddress: String
    /// SHA-256 of its public key, 32 bytes.
    package let pin: [UInt8]
    /// The number that its disk has drawn, 1...`Int.max`. See `Member.incarnation` in `Raft`.
    package let incarnation: UInt64
    /// Stays a learner instead of becoming a voter once it has caught up.
    package let isNonVoter: Bool
    /// The highest format level that its version knows.
    package let formatLevel: UInt64

    package init(
        token: String,
        name: String,
        region: String,
        zone: String,
        peerAddress: String,
        apiAddress: String,
        pin: [UInt8],
        incarnation: UInt64,
        isNonVoter: Bool,
        formatLevel: UInt64
    ) {
        self.token = token
        self.name = name
        self.region = region
        self.zone = zone
        self.peerAddress = peerAddress
        self.apiAddress = apiAddress
        self.pin = pin
        self.incarnation = incarnation
        self.isNonVoter = isNonVoter
        self.formatLevel = formatLevel
    }
}

/// Paths, methods and bodies of ``ClusterCall``.
enum ClusterCallParser {
    /// - Returns: nil for any other path.
    /// - Throws: what is wrong with a call that needs no token, or with a method that nothing has.
    static func parse(
        _ path: String,
        method: String,
        body: [UInt8]
    ) throws(RouteError) -> ClusterCall? {
        do throws(RouteError) {
            return try wellFormed(path, method: method, body: body)
        } catch {
            guard path != "sys/cluster/join", let operation = operation(method),
                case .refused(let status, let texts) = error
            else { throw error }
            return .malformed(
                MalformedCall(path: path, operation: operation, status: status, texts: texts)
            )
        }
    }

    private static func operation(_ method: String) -> AccessOperation? {
        switch method {
        case "GET": .read
        case "PUT", "POST": .update
        case "DELETE": .delete
        case "LIST": .list
        case "PATCH": .patch
        case "SCAN": .scan
        default: nil
        }
    }

    private static func wellFormed(
        _ path: String,
        method: String,
        body: [UInt8]
    ) throws(RouteError) -> ClusterCall? {
        switch path {
        case "sys/storage/raft/autopilot/state":
            try require(method, "GET")
            return .autopilotState
        case "sys/storage/raft/autopilot/configuration":
            guard method == "GET" else {
                throw .refused(
                    405,
                    ["autopilot is set in each node's settings file: see autopilot there"]
                )
            }
            return .autopilotConfiguration
        case "sys/step-down":
            try require(method, "PUT", "POST")
            return .transfer(server: nil)
        case "sys/storage/raft/remove-peer":
            return .remove(server: try server(method, body))
        case "sys/storage/raft/promote":
            return .promote(server: try server(method, body))
        case "sys/storage/raft/demote":
            return .demote(server: try server(method, body))
        case "sys/cluster/transfer":
            return .transfer(server: try server(method, body))
        case "sys/cluster/replace":
            return try replace(method, body)
        case "sys/cluster/join-token":
            return try joinToken(method, body)
        case "sys/cluster/join":
            try require(method, "PUT", "POST")
            return .join(try join(body))
        default:
            return nil
        }
    }

    private static func require(_ method: String, _ methods: String...) throws(RouteError) {
        guard methods.contains(method) else { throw .refused(405, []) }
    }

    private static func server(_ method: String, _ body: [UInt8]) throws(RouteError) -> String {
        try require(method, "PUT", "POST")
        let object = try Strict(body, "RaftServerRequest")
        guard let id = try object.text("server_id"), !id.isEmpty else {
            throw .refused(400, ["no server id provided"])
        }
        return id
    }

    private static func replace(
        _ method: String,
        _ body: [UInt8]
    ) throws(RouteError) -> ClusterCall {
        try require(method, "PUT", "POST")
        let object = try Strict(body, "ReplaceRequest")
        guard let old = try object.text("old_server_id"), !old.isEmpty,
            let new = try object.text("new_server_id"), !new.isEmpty
        else { throw .refused(400, ["old_server_id and new_server_id are needed"]) }
        return .replace(old: old, new: new)
    }

    private static func joinToken(
        _ method: String,
        _ body: [UInt8]
    ) throws(RouteError) -> ClusterCall {
        try require(method, "PUT", "POST")
        let object = try Strict(body, "JoinTokenRequest")
        let seconds = try object.int("ttl_seconds") ?? APILimits.joinTokenSecondsDefault
        guard (1...APILimits.joinTokenSecondsMax).contains(seconds) else {
            throw .refused(
                400,
                ["ttl_seconds is \(seconds), not in 1 to \(APILimits.joinTokenSecondsMax)"]
            )
        }
        return .joinToken(seconds: seconds)
    }

    private static func join(_ body: [UInt8]) throws(RouteError) -> JoinInput {
        let object = try Strict(body, "JoinRequest")
        func text(_ name: String) throws(RouteError) -> String {
            guard let text = try object.text(name), !text.isEmpty else {
                throw .refused(400, ["\(name) is needed"])
            }
            return text
        }
        guard let pin = Hex.decode(try text("pin")), pin.count == 32 else {
            throw .refused(400, ["pin must be 64 hex digits"])
        }
        guard let incarnation = try object.int("incarnation"), incarnation >= 1 else {
            throw .refused(400, ["incarnation must be a positive number"])
        }
        let formatLevel = try object.int("format_level") ?? 1
        guard formatLevel >= 1 else {
            throw .refused(400, ["format_level must be a positive number"])
        }
        return JoinInput(
            token: try text("token"),
            name: try text("name"),
            region: try object.text("region") ?? "",
            zone: try object.text("zone") ?? "",
            peerAddress: try text("peer_address"),
            apiAddress: try text("api_address"),
            pin: pin,
            incarnation: UInt64(incarnation),
            isNonVoter: try object.bool("non_voter") ?? false,
            formatLevel: UInt64(formatLevel)
        )
    }
}
