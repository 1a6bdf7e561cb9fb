import Barrier
import Engines
import Policy
import Wire

/// `sys/policies/explain`: which rule allows or denies something, and what would be needed. For
/// those who may ask; everybody else reads "permission denied".
extension PolicyBackend {
    func explain(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try parse(Self.explainFields, captured: [])
        let request = try question(fields, view)
        let access = try subject(fields, view)
        let data: JSONObject
        if let list = access.list {
            data = Self.members(list.explain(request), request, access)
        } else if case .nothing(let reason, let remedy) = access.grant {
            let wish = "\(request.operation.rawValue) on \"\(request.path)\""
            data = Self.members(
                Explained(
                    isAllowed: false,
                    reason: "denied: \(wish), because \(reason)",
                    remedy: remedy
                ),
                request,
                access
            )
        } else {
            preconditionFailure("what allows something has a list")
        }
        return VaultAnswer(
            EngineAnswer(
                data: JSONValue.object(data).encoded(sortingKeys: true),
                warnings: fields.warnings
            )
        )
    }

    private static let explainFields: [(String, FieldSchema.Kind)] = [
        ("path", .text), ("operation", .text), ("parameters", .map), ("policies", .texts),
        ("token", .text), ("accessor", .text), ("wrap_ttl", .seconds),
    ]

    /// What is asked about.
    private func question(
        _ fields: Fields,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> AccessRequest {
        var path = (fields.text("path") ?? "").utf8[...]
        if path.first == 0x2F { path.removeFirst() }
        if path.starts(with: "v1/".utf8) { path.removeFirst(3) }
        guard !path.isEmpty, path.count <= PolicyLimits.pathBytesMax else {
            throw .invalid("'path' is needed: 1 to \(PolicyLimits.pathBytesMax) bytes")
        }
        var text = String(decoding: Array(path), as: UTF8.self)
        let operation = try self.operation(fields.text("operation") ?? "read", text, view)
        // As every list goes out.
        if operation == .list || operation == .scan { text = text.withSlash }
        var request = AccessRequest(operation, text)
        request.parameters = fields.map("parameters") ?? JSONObject()
        request.needsSudo = SudoPaths.contains(text)
        request.wrappingSeconds = fields.int("wrap_ttl").flatMap { UInt64(exactly: $0) }
        return request
    }

    /// - Parameter name: a capability, or `write` for what a write would be now.
    private func operation(
        _ name: String,
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> AccessOperation {
        if name == "write" {
            let existing = try call.existence(path, for: authority.cubbyhole, view)
            return existing.map { $0.existence.isThere } ?? true ? .update : .create
        }
        guard let operation = AccessOperation(rawValue: name), operation != .help else {
            throw .invalid(
                "'operation' is write, create, read, update, patch, delete, list or scan, not "
                    + GoText.quoted(name)
            )
        }
        return operation
    }

    /// Whose question it is: the caller's own, unless the request names somebody.
    private func subject(
        _ fields: Fields,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenAccess {
        let token = fields.text("token") ?? ""
        let accessor = fields.text("accessor") ?? ""
        let policies = fields.texts("policies") ?? []
        let named = [!token.isEmpty, !accessor.isEmpty, !policies.isEmpty].count { $0 }
        guard named <= 1 else {
            throw .invalid("name one of 'token', 'accessor' and 'policies'")
        }
        let subjects = SubjectLookup(call: call, authority: authority)
        if !token.isEmpty { return try subjects.access(ofToken: token, isOwn: true, view) }
        if !accessor.isEmpty { return try subjects.access(ofAccessor: accessor, view) }
        if policies.isEmpty { return authority.access }
        let isRoot = call.environment.namespace.isRoot
        if isRoot, policies == [BuiltInPolicy.root] { return .root }
        return try call.environment.cache.access(ofPolicies: policies, at: now, view)
    }

    /// An explanation without a rule.
    private struct Explained {
        let isAllowed: Bool
        let reason: String
        let remedy: String?
        var matches: [JSONValue] = []
    }

    private static func members(
        _ explanation: Explanation,
        _ request: AccessRequest,
        _ access: TokenAccess
    ) -> JSONObject {
        let matches = explanation.matches.map { match -> JSONValue in
            let origins = match.origins.map { origin -> JSONValue in
                [
                    "line": .number(JSONNumber(origin.line)), "path": .string(origin.path),
                    "policy": .string(origin.policy),
                ]
            }
            return [
                "capabilities": .array(match.capabilities.map { .string($0) }),
                "decides": .bool(match.yieldsBecause == nil), "from": .array(origins),
                "path": .string(match.path),
                "yields_because": match.yieldsBecause.map { .string($0) } ?? .null,
            ]
        }
        return members(
            Explained(
                isAllowed: explanation.decision.isAllowed,
                reason: explanation.summary,
                remedy: explanation.remedy,
                matches: matches
            ),
            request,
            access
        )
    }

    private static func members(
        _ explained: Explained,
        _ request: AccessRequest,
        _ access: TokenAccess
    ) -> JSONObject {
        let policies = access.policies.map { policy -> JSONValue in
            [
                "digest": .string(policy.digest), "name": .string(policy.name),
                "version": .number(JSONNumber(policy.version)),
            ]
        }
        return [
            "allowed": .bool(explained.isAllowed), "matches": .array(explained.matches),
            "needs_sudo": .bool(request.needsSudo),
            "operation": .string(request.operation.rawValue), "path": .string(request.path),
            "policies": .array(policies), "reason": .string(explained.reason),
            "remedy": explained.remedy.map { .string($0) } ?? .null,
        ]
    }
}
