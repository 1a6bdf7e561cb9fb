import Engines
package import Vault
import Wire

/// Where a request goes.
package enum Route: Sendable {
    /// The node answers itself, in any state.
    case node(NodeCall)
    /// The leader changes or tells about the cluster, unsealed, for a token that may.
    case cluster(ClusterCall, token: [UInt8])
    /// An unsealed node steps the vault.
    case vault(VaultRequest)
    /// The answer is known already.
    case reply(APIResponse)
}

/// From the bytes of a request to what it wants. Pure, and never traps whatever the bytes are.
package enum Router {
    /// - Parameter isSealed: whether this node lacks the keys. A sealed node says so before it
    ///   looks at anything else of a request that it could not serve.
    package static func route(_ request: APIRequest, isSealed: Bool) -> Route {
        do throws(RouteError) {
            return try RequestParser(request: request, isSealed: isSealed).route()
        } catch {
            return .reply(error.response(method: request.method))
        }
    }

    /// Adds to an answer what only the request knows: the namespace header, which OpenBao echoes.
    ///
    /// Every answer passes here on its way out of the node that received the request.
    package static func finish(_ response: APIResponse, for request: APIRequest) -> APIResponse {
        guard let namespace = request.headers.namespace, !namespace.isEmpty,
            namespace.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return response }
        var response = response
        response.headers.append((name: "X-Vault-Namespace", value: namespace))
        return response
    }
}

/// One request on its way through the rules, in the order in which OpenBao applies them.
private struct RequestParser {
    let request: APIRequest
    let isSealed: Bool

    func route() throws(RouteError) -> Route {
        let target = try Target(request.target)
        try checkRestricted(target.path)
        // Help is about a path and never does what the path does.
        let isHelp = isHelp(target.query)
        if !isHelp, let call = try nodeCall(target) { return call }
        if isSealed { throw .refused(503, ["Vault is sealed"]) }
        let namespace = try namespace()
        if !isHelp, namespace.isEmpty {
            let cluster = try ClusterCallParser.parse(
                target.path,
                method: request.method,
                body: request.body
            )
            if let cluster { return .cluster(cluster, token: token()) }
        }
        let operation = try operation(target)
        let wrapSeconds = try wrapSeconds()
        var vaultRequest = try vaultRequest(operation, target)
        vaultRequest.namespace = namespace
        if operation != .help, namespace.isEmpty,
            let local = LocalCall(vaultRequest.path, operation, vaultRequest.fields)
        {
            return .node(.local(local, token: vaultRequest.token))
        }
        vaultRequest.wrapSeconds = wrapSeconds
        return .vault(vaultRequest)
    }

    // MARK: calls of the node

    private func nodeCall(_ target: Target) throws(RouteError) -> Route? {
        switch target.path {
        case "sys/init":
            switch request.method {
            case "GET": return .node(.initStatus)
            case "PUT", "POST": return .node(.initialize(try InitInputParser.parse(request.body)))
            default: throw .refused(405, [])
            }
        case "sys/seal-status":
            try require("GET")
            return .node(.sealStatus)
        case "sys/unseal":
            try require("PUT", "POST")
            return .node(.unseal(try NodeInputs.unseal(request.body)))
        case "sys/seal":
            try require("PUT", "POST")
            return .node(.seal(token: token()))
        case "sys/health":
            try require("GET", "HEAD")
            let isHead = request.method == "HEAD"
            return .node(.health(try NodeInputs.health(target.query, isHead: isHead)))
        case "sys/leader":
            try require("GET")
            if isSealed { throw .refused(503, ["Vault is sealed"]) }
            return .node(.leader)
        case "sys/storage/raft/join":
            try require("PUT", "POST")
            return .node(.raftJoin(address: try NodeInputs.raftJoin(request.body)))
        case "sys/node-status":
            try require("GET")
            return .node(.status(token: token()))
        case "sys/metrics":
            try require("GET")
            let name = target.query.first("format") ?? ""
            guard let format = MetricsFormat(name) else {
                return .reply(MetricsReply.unknownFormat(name))
            }
            return .node(.metrics(format, token: token()))
        default:
            return nil
        }
    }

    private func require(_ methods: String...) throws(RouteError) {
        guard methods.contains(request.method) else { throw .refused(405, []) }
    }

    // MARK: requests to the vault

    private func vaultRequest(
        _ operation: Operation,
        _ target: Target
    ) throws(RouteError) -> VaultRequest {
        var path = target.path
        let fields: JSONObject
        switch operation {
        case .update, .patch:
            guard path.utf8.last != 0x2F else {
                throw .refused(400, ["cannot write to a path ending in '/'"])
            }
            // What comes there is no JSON, and whether there is such a path is not said here.
            let isArchive =
                operation == .update && Self.archivePaths.contains { utf8Equals($0, path) }
            fields =
                isArchive
                ? [:]
                : try Body.fields(request.body, contentType: request.headers.contentType)
        case .list, .scan:
            if path.utf8.last != 0x2F { path += "/" }
            fields = try target.query.fields()
        case .read, .delete, .help:
            fields = try target.query.fields()
        }
        var vaultRequest = VaultRequest(
            operation: operation,
            path: path,
            token: token(),
            fields: fields,
            requestID: request.requestID,
            bodyBytes: request.body.count,
            consistency: operation.isWrite
                ? .linearizable : try ConsistencyHeaders.parse(request.headers),
            remoteAddress: request.clientIP
        )
        vaultRequest.clientCertificates = request.clientCertificates
        return vaultRequest
    }

    private func operation(_ target: Target) throws(RouteError) -> Operation {
        switch request.method {
        case "GET": return try readOperation(target.query)
        case "PUT", "POST": return .update
        case "DELETE": return .delete
        case "LIST": return .list
        case "SCAN": return .scan
        case "HELP": return .help
        case "PATCH":
            try MediaType.requireMergePatch(request.headers.contentType)
            return .patch
        case "OPTIONS":
            throw .refused(400, ["cannot handle internal-only request operation"])
        default:
            throw .refused(405, [])
        }
    }

    /// `GET` with `list=true` is a list, for clients that cannot say `LIST`.
    private func readOperation(_ query: Query) throws(RouteError) -> Operation {
        if isHelp(query) { return .help }
        let isList = try flag("list", query)
        let isScan = try flag("scan", query)
        guard !(isList && isScan) else { throw .refused(400, []) }
        return isList ? .list : isScan ? .scan : .read
    }

    private func isHelp(_ query: Query) -> Bool {
        guard request.method == "GET" else { return request.method == "HELP" }
        return query.first("help").map { !$0.isEmpty } ?? false
    }

    private func flag(_ name: String, _ query: Query) throws(RouteError) -> Bool {
        guard let text = query.first(name), !text.isEmpty else { return false }
        guard let flag = goBool(text) else { throw .refused(400, []) }
        return flag
    }

    // MARK: headers

    /// `X-Vault-Token` wins; else `Authorization: Bearer`, with exactly that spelling.
    private func token() -> [UInt8] {
        if let token = request.headers.token, !token.isEmpty { return Array(token.utf8) }
        let bearer = Array("Bearer ".utf8)
        guard let header = request.headers.authorization, header.utf8.starts(with: bearer) else {
            return []
        }
        var token = header.utf8.dropFirst(bearer.count)
        while token.first == 0x20 { token.removeFirst() }
        while token.last == 0x20 { token.removeLast() }
        return Array(token)
    }

    /// Some calls exist once for the whole vault and refuse any namespace header.
    private func checkRestricted(_ path: String) throws(RouteError) {
        guard let namespace = request.headers.namespace, !namespace.isEmpty else { return }
        let isRestricted =
            Self.restrictedPaths.contains { utf8Equals($0, path) }
            || Self.restrictedPrefixes.contains { path.utf8.starts(with: $0.utf8) }
        if isRestricted { throw .refused(400, ["operation unavailable in namespaces"]) }
    }

    /// What the header says, a slash behind each name; empty for the root namespace, which has
    /// three names. Whether there is such a namespace, the vault finds out.
    private func namespace() throws(RouteError) -> String {
        guard let header = request.headers.namespace, !header.isEmpty else { return "" }
        guard header.utf8.count <= APILimits.namespaceBytesMax, header.isPrintable else {
            throw .refused(404, ["namespace not found"])
        }
        var names: [Substring.UTF8View] = []
        for name in Substring(header).utf8.split(separator: 0x2F) {
            if name.elementsEqual(".".utf8) { continue }
            guard name.elementsEqual("..".utf8) else {
                names.append(name)
                continue
            }
            // Above the root namespace there is none.
            guard names.popLast() != nil else { throw .refused(404, ["namespace not found"]) }
        }
        if names.count == 1, names[0].elementsEqual("root".utf8) { return "" }
        return names.map { String(Substring($0)) + "/" }.joined()
    }

    /// How long the answer shall wait; nil: a client that does not ask gets it itself.
    private func wrapSeconds() throws(RouteError) -> UInt64? {
        guard let text = request.headers.wrapTTL, !text.isEmpty else { return nil }
        let prefix = "error parsing X-Vault-Wrap-TTL header: "
        let nanoseconds: Int64
        do throws(DurationError) {
            nanoseconds = try GoDuration.nanoseconds(of: text)
        } catch {
            throw .refused(400, [prefix + error.summary])
        }
        guard nanoseconds >= 0 else {
            throw .refused(400, [prefix + "requested wrap ttl cannot be negative"])
        }
        // Less than a second is still a wish: its answer must not go to the client.
        return nanoseconds == 0 ? nil : max(1, UInt64(nanoseconds / 1_000_000_000))
    }

    /// Where OpenBao's clients send a whole snapshot as it is.
    private static let archivePaths = [
        "sys/storage/raft/snapshot", "sys/storage/raft/snapshot-force",
    ]
    private static let restrictedPaths = [
        "sys/init", "sys/unseal", "sys/seal", "sys/health", "sys/step-down", "sys/metrics",
        "sys/node-status",
        "sys/in-flight-req", "sys/raw", "sys/pprof",
    ]
    private static let restrictedPrefixes = [
        "sys/raw/", "sys/rekey", "sys/generate-root", "sys/generate-recovery-token",
        "sys/storage/", "sys/pprof/",
    ]
}
