import API
import Audit
import Engines
import Vault
import Wire

/// What is recorded of one request: made from its parts, with nothing in it yet that only the
/// answer tells.
struct AuditEntry: Sendable {
    /// The request's id, 16 bytes, the same on every node that works on it.
    let requestID: [UInt8]
    /// What happens to the path, in OpenBao's words.
    let operation: String
    /// Behind `/v1/`, with the namespace that a header names in front.
    let path: String
    /// Body or query; of a ceremony what policies see of them.
    var fields = JSONObject()
    /// As it came; empty on a node that has no key to hide it with.
    var token = ""
    /// `ip:port` of the client, or of nobody.
    var remoteAddress = ""
    /// The member that holds the client; empty where this node does.
    var forwardedFrom = ""
    /// Seconds for which a wrapped answer was asked to live; 0 for an answer as it is.
    var wrapSeconds: UInt64 = 0
    /// Of the request's headers those that are on the record.
    var headers: [AuditHeader] = []

    /// A request to the vault.
    init(_ request: VaultRequest) {
        requestID = request.requestID
        operation = "\(request.operation)"
        // As OpenBao has it: a folder's name ends with a slash.
        let isFolder = request.operation == .list && request.path.utf8.last != 0x2F
        path = request.namespace + (isFolder ? request.path + "/" : request.path)
        fields = request.fields
        token = String(decoding: request.token, as: UTF8.self)
        wrapSeconds = request.wrapSeconds ?? 0
    }

    /// What an operator asks for with a token: the token, in whichever header it came, and what
    /// policies see of the request.
    struct Order {
        let token: [UInt8]
        var parameters = JSONObject()
    }

    /// Anything else: who it was, what was asked for and what became of it, never a body.
    ///
    /// - Parameter order: nil where no token is asked for.
    init(ceremony request: APIRequest, _ order: Order? = nil) {
        requestID = request.requestID
        operation = Self.operation(request.method)
        let target = request.target.prefix { $0 != 0x3F }
        let prefix = Array("/v1/".utf8)
        let path = target.starts(with: prefix) ? target.dropFirst(prefix.count) : target
        self.path = String(decoding: path, as: UTF8.self)
        let shown = order.map { String(decoding: $0.token, as: UTF8.self) }
        token = shown ?? request.headers.token ?? ""
        if let order { fields = order.parameters }
    }

    private static func operation(_ method: String) -> String {
        switch method {
        case "GET", "HEAD": "read"
        case "PUT", "POST": "update"
        case "DELETE": "delete"
        case "LIST": "list"
        case "SCAN": "scan"
        case "PATCH": "patch"
        default: "help"
        }
    }

    /// The record before the request is carried out.
    func record(_ facts: VaultFacts, at time: Timestamp) -> AuditRecord {
        let isCreation = facts.isCreation && operation == "update"
        var request = AuditRequest(
            id: uuidText(requestID),
            operation: isCreation ? "create" : operation,
            path: facts.path ?? path
        )
        if let namespace = facts.namespace {
            request.namespaceID = namespace.id
            request.namespacePath = namespace.path
        }
        request.clientToken = token
        request.clientTokenAccessor = facts.caller?.accessor ?? ""
        request.clientID = facts.caller?.clientID ?? ""
        request.data = fields
        request.clearKeys = facts.mount?.clearRequestKeys ?? []
        if let mount = facts.mount {
            request.mount.point = mount.path
            request.mount.type = mount.type
            request.mount.accessor = mount.accessor
            request.mount.runningVersion = mount.version
            request.mount.kind = mount.path.utf8.starts(with: "auth/".utf8) ? "auth" : "secret"
        }
        if let colon = remoteAddress.lastIndex(of: ":") {
            request.remoteAddress = String(remoteAddress[..<colon])
            request.remotePort = Int(remoteAddress[remoteAddress.index(after: colon)...]) ?? 0
        }
        request.wrapTTLSeconds = Int(clamping: wrapSeconds)
        request.headers = headers
        var record = AuditRecord(time: time, request: request)
        record.auth = auth(facts)
        record.forwardedFrom = forwardedFrom
        return record
    }

    /// The same as OpenBao has it before it routes the request: then it knows the mount's accessor
    /// only where it looked what is there.
    static func beforeRouting(_ record: AuditRecord) -> AuditRecord {
        guard !["create", "update"].contains(record.request.operation) else { return record }
        var record = record
        record.request.mount.accessor = ""
        return record
    }

    /// The request's own record, for a request that nothing announced.
    ///
    /// - Parameter response: the record of its answer. A refusal is on the request's as well.
    func record(refused response: AuditRecord) -> AuditRecord {
        var record = Self.beforeRouting(response)
        record.response = nil
        record.reason = ""
        if let decision = record.auth.decision {
            record.error = decision.isAllowed ? "" : AuditFailure.denied
        } else {
            let isUnknown = utf8Equals(response.reason, AuditFailure.denied)
            record.error = isUnknown ? "permission denied" : ""
        }
        return record
    }

    /// Each once, in the order of their bytes.
    private static func union(_ a: [String], _ b: [String]) -> [String] {
        var names = a
        for name in b where !a.contains(where: { utf8Equals($0, name) }) { names.append(name) }
        return b.isEmpty ? names : names.sorted(by: utf8Precedes)
    }

    private func auth(_ facts: VaultFacts) -> AuditAuth {
        var auth = AuditAuth()
        auth.clientToken = token
        if let isAllowed = facts.isAllowed {
            let namespace = facts.caller?.namespace
            auth.decision = AuditDecision(
                isAllowed: isAllowed,
                deciding: facts.deciding.map { policy in
                    var deciding = AuditDecision.Policy(
                        name: policy.name,
                        namespaceID: namespace?.id ?? "root",
                        namespacePath: namespace?.path ?? ""
                    )
                    deciding.version = policy.version
                    deciding.digest = policy.digest
                    return deciding
                }
            )
        }
        guard let caller = facts.caller else { return auth }
        auth.accessor = caller.accessor
        auth.displayName = caller.displayName
        auth.policies = Self.union(caller.policies, caller.identityPolicies)
        auth.tokenPolicies = caller.policies
        auth.identityPolicies = caller.identityPolicies
        auth.metadata = caller.metadata
        auth.remainingUses = Int(clamping: caller.usesLeft)
        auth.entityID = caller.entityID
        auth.tokenType = caller.isBatch ? "batch" : "service"
        auth.tokenTTLSeconds = caller.lifetimeSeconds
        auth.issued = caller.created
        return auth
    }
}

/// Why a request failed, as lines of OpenBao have it: its kind in the clear, and the client's text
/// as a digest.
struct AuditFailure {
    /// What the client reads.
    let reason: String
    let error: String
    /// Of the answer.
    let data: JSONObject
    /// Whether it was refused before any policy was asked.
    let isUnknownToken: Bool

    static let denied = GoText.errors(["permission denied"])

    /// Texts that stand in the clear: those that have nothing of the client's in them. Any other
    /// may repeat what was sent.
    private static let kinds = [
        "unsupported path", "unsupported operation", "permission denied", "invalid request",
        "missing accessor", "invalid accessor", "missing path", "missing policy",
        "policy does not exist", "provided empty key",
        "at least one origin or the wildcard must be provided",
    ].map { GoText.errors([$0]) }

    /// - Parameter errors: as the client gets them.
    init(_ status: Int, _ errors: [String], _ facts: VaultFacts = VaultFacts()) {
        let text = errors.joined(separator: "; ")
        let isBare = status == 403 && utf8Equals(text, "permission denied")
        isUnknownToken = isBare
        reason = isBare ? Self.denied : errors.isEmpty ? "status \(status)" : text
        if errors.isEmpty {
            // Nothing is there, which is an answer.
            error = status == 404 ? "" : reason
            data = JSONObject()
        } else if status == 403 {
            error = Self.denied
            data = ["error": .string(text)]
        } else if Self.kinds.contains(where: { utf8Equals($0, text) }) {
            error = text
            data = JSONObject()
        } else if text.utf8.starts(with: "no handler for route ".utf8) {
            error = GoText.errors(["unsupported path"])
            data = ["error": .string(text)]
        } else if status == 400 {
            let ofLogin = facts.isGuess ? "invalid credentials" : ""
            error = facts.isLogin ? ofLogin : GoText.errors(["invalid request"])
            data = ["error": .string(text)]
        } else if status < 500 || text.utf8.starts(with: "1 error occurred:".utf8) {
            // What a part of the vault says of the request; a service's failure is below.
            error = GoText.errors([status < 500 ? "invalid request" : "internal error"])
            data = ["error": .string(text)]
        } else {
            error = GoText.errors([text])
            data = JSONObject()
        }
    }
}

/// What is recorded of an answer, read from the answer itself: it may be another node's.
enum AuditAnswer {
    /// - Parameter isBodyKept: false for a ceremony: shares and the like are never on the record,
    ///   not even as digests.
    static func add(
        _ response: APIResponse,
        isBodyKept: Bool,
        facts: VaultFacts,
        to record: inout AuditRecord
    ) {
        record.response = AuditResponse()
        let limits = JSONLimits(
            depthMax: 256,
            stringsMax: .max,
            memoryBytesMax: 256 << 20
        )
        let body =
            response.contentType == nil && !response.body.isEmpty
            ? (try? JSONScanner.parse(response.body, limits: limits))?.asObject : nil
        var failure: AuditFailure?
        if response.status >= 400 {
            let errors = body?["errors"]?.asArray?.compactMap(\.asString) ?? []
            let found = AuditFailure(response.status, errors, facts)
            record.reason = found.reason
            // In the clear on every device, so never what the client reads of it.
            record.error = found.error
            // Nobody is known by a token that is not known, or by a guess.
            let isNobody = found.isUnknownToken && facts.caller == nil
            if isNobody || facts.isGuess { record.auth = AuditAuth() }
            if isNobody { record.request.mount.accessor = "" }
            if facts.isAllowed == false { record = AuditEntry.beforeRouting(record) }
            failure = found
        }
        guard isBodyKept else { return }
        guard let body else { return }
        var answer = AuditResponse()
        answer.data = failure.map(\.data) ?? body["data"]?.asObject ?? JSONObject()
        answer.clearKeys = facts.mount?.clearResponseKeys ?? []
        answer.leaseID = body["lease_id"]?.asString ?? ""
        let isUnwrapped = record.request.path == "sys/wrapping/unwrap"
        answer.hasSecret = !isUnwrapped && body["lease_duration"]?.asInt ?? 0 > 0
        answer.warnings = body["warnings"]?.asArray?.compactMap(\.asString) ?? []
        answer.auth = body["auth"]?.asObject.map { auth($0, facts.given) }
        answer.wrap = body["wrap_info"]?.asObject.map { wrap($0, record.time) }
        record.response = answer
        // Where the answer waits wrapped, the token is in none.
        if facts.isLogin, failure == nil, let given = facts.given {
            record.auth = auth(JSONObject(given.members.map { ($0.name, $0.value) }), given)
            record.auth.entityCreated = facts.isEntityNew
        }
    }

    /// - Parameter given: what the answer does not tell of it; nil where nothing is known.
    private static func auth(_ object: JSONObject, _ given: AuthBlock?) -> AuditAuth {
        var auth = AuditAuth()
        auth.clientToken = object["client_token"]?.asString ?? ""
        auth.accessor = object["accessor"]?.asString ?? ""
        auth.displayName = given?.displayName ?? ""
        auth.issued = given?.created
        auth.policies = texts(object["policies"])
        auth.tokenPolicies = texts(object["token_policies"])
        auth.identityPolicies = texts(object["identity_policies"])
        auth.entityID = object["entity_id"]?.asString ?? ""
        auth.tokenType = object["token_type"]?.asString ?? "default"
        auth.tokenTTLSeconds = UInt64(clamping: object["lease_duration"]?.asInt ?? 0)
        auth.useCount = object["num_uses"]?.asInt ?? 0
        auth.metadata =
            object["metadata"]?.asObject?.members.map { ($0.name, $0.value.asString ?? "") } ?? []
        return auth
    }

    private static func wrap(_ object: JSONObject, _ time: Timestamp) -> AuditWrap {
        let created = object["creation_time"]?.asString.flatMap { Timestamp(rfc3339: $0) }
        var wrap = AuditWrap(
            ttlSeconds: object["ttl"]?.asInt ?? 0,
            token: object["token"]?.asString ?? "",
            accessor: object["accessor"]?.asString ?? "",
            created: created ?? time,
            path: object["creation_path"]?.asString ?? ""
        )
        wrap.wrappedAccessor = object["wrapped_accessor"]?.asString ?? ""
        return wrap
    }

    private static func texts(_ value: JSONValue?) -> [String] {
        value?.asArray?.compactMap(\.asString) ?? []
    }
}
