import Barrier
import Engines
import Policy
import Wire

/// A path about policies, below `sys/`.
enum PolicyPath {
    /// `policy` and `policies/acl`, and what lists below the latter.
    case list(isLegacy: Bool)
    /// `policy/:name`
    case legacy(String)
    /// `policies/acl/:name`
    case policy(String)
    /// `policies/detailed/acl[/:prefix]`
    case detailed(prefix: String)
    /// `policies/versions/acl/:name`, Holdfast's own as all that follow.
    case versions(String)
    /// `policies/diff/acl/:name`
    case diff(String)
    /// `policies/rollback/acl/:name`
    case rollback(String)
    /// `policies/explain`
    case explain

    /// Nil for paths about something else.
    init?(_ path: String) {
        switch path {
        case "policy", "policy/": self = .list(isLegacy: true)
        case "policies/acl", "policies/acl/": self = .list(isLegacy: false)
        case "policies/detailed/acl", "policies/detailed/acl/": self = .detailed(prefix: "")
        case "policies/explain": self = .explain
        default:
            if let name = path.below("policy/") {
                self = .legacy(name)
            } else if let name = path.below("policies/acl/") {
                self = .policy(name)
            } else if let prefix = path.below("policies/detailed/acl/") {
                self = .detailed(prefix: prefix)
            } else if let name = path.below("policies/versions/acl/") {
                self = .versions(name)
            } else if let name = path.below("policies/diff/acl/") {
                self = .diff(name)
            } else if let name = path.below("policies/rollback/acl/") {
                self = .rollback(name)
            } else {
                return nil
            }
        }
    }
}

/// `sys/policy` and `sys/policies/…`: policies, their versions, and why something is allowed.
///
/// A policy is its present version's record, one record for each earlier version, and
/// after a delete a mark in place of the first (``SystemPaths``). Version numbers are never used
/// again, so that a version named in an audit record is always the same text.
struct PolicyBackend {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    func step(
        _ path: PolicyPath,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let operation = call.request.operation
        switch (path, operation) {
        case (.list(isLegacy: true), .read), (.list(isLegacy: true), .list):
            return .answer(try legacyList(view))
        case (.list(isLegacy: false), .list):
            return .answer(try list(prefix: "", view))
        case (.policy(let prefix), .list):
            return .answer(try list(prefix: prefix, view))
        case (.detailed(let prefix), .list):
            return .answer(try detailedList(prefix: prefix, view))
        case (.legacy(let name), .read):
            return .answer(try read(name, isLegacy: true, view))
        case (.policy(let name), .read):
            return .answer(try read(name, isLegacy: false, view))
        case (.legacy(let name), .update):
            return try write(name, isLegacy: true, view)
        case (.policy(let name), .update):
            return try write(name, isLegacy: false, view)
        case (.policy(let name), .patch):
            return try patch(name, view)
        case (.legacy(let name), .delete), (.policy(let name), .delete):
            return try delete(name, view)
        case (.versions(let name), .read):
            return .answer(try versions(name, view))
        case (.versions(let name), .delete):
            return try purge(name, view)
        case (.diff(let name), .read):
            return .answer(try diff(name, view))
        case (.rollback(let name), .update):
            return try rollback(name, view)
        case (.explain, .update):
            return .answer(try explain(view))
        default:
            throw .engine(.unsupportedOperation)
        }
    }

    var now: Timestamp { call.environment.now }

    /// The name in the path, or nil for one that no policy has.
    func name(_ written: String) -> PolicyName? { PolicyName(written) }

    func parse(
        _ kinds: [(String, FieldSchema.Kind)],
        captured: [String] = ["name"]
    ) throws(VaultError) -> Fields {
        try SystemFields.parse(call.request.fields, FieldSchema(kinds, captured: captured))
    }

    // MARK: lists

    /// Names of all policies that are in force, sorted, those without a record included.
    private func names(
        prefix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [PolicyName] {
        var gone: [PolicyName] = []
        for stored in try view.systemNames(SystemPaths.expiringPolicies) {
            guard let name = PolicyName(stored: stored) else { throw Self.misnamed }
            let policy = try PolicyState.current(name, view)
            if policy?.record.isExpired(at: now) ?? true { gone.append(name) }
        }
        let expired = Set(gone)
        var names: [PolicyName] = []
        for stored in try view.systemNames(SystemPaths.policies) {
            guard let name = PolicyName(stored: stored) else { throw Self.misnamed }
            if !expired.contains(name), name.text.utf8.starts(with: prefix.utf8) {
                names.append(name)
            }
        }
        let isRoot = call.environment.namespace.isRoot
        if isRoot, prefix.isEmpty, let root = PolicyName(BuiltInPolicy.root) { names.append(root) }
        return names.sorted { utf8Precedes($0.text, $1.text) }
    }

    private static let misnamed = VaultError.damaged("a policy's record has a name that none has")

    private func list(
        prefix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let names = try names(prefix: prefix.lowercased(), view)
        guard !names.isEmpty else { throw .notFound }
        let warnings = try parse([]).warnings
        let data: JSONValue = ["keys": .array(names.map { .string($0.text) })]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        )
    }

    private func legacyList(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let names = try names(prefix: "", view).map { JSONValue.string($0.text) }
        let data: JSONValue = ["keys": .array(names), "policies": .array(names)]
        let warnings = try parse([], captured: []).warnings
        let body = EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        return VaultAnswer(body, isInjected: true)
    }

    private func detailedList(
        prefix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let names = try names(prefix: prefix.lowercased(), view)
        guard !names.isEmpty else { throw .notFound }
        var writer = JSONWriter(capacity: names.count * 512)
        writer.beginObject()
        writer.name("key_info")
        writer.beginObject()
        for name in names {
            writer.name(name.text)
            let policy = try PolicyState.current(name, view)
            writer.write(.object(PolicyText.members(name, policy?.record, textName: "policy")))
        }
        writer.endObject()
        writer.name("keys")
        writer.write(.array(names.map { .string($0.text) }))
        writer.endObject()
        return VaultAnswer(EngineAnswer(data: writer.bytes, warnings: try parse([]).warnings))
    }

    // MARK: one policy

    private func read(
        _ written: String,
        isLegacy: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let warnings = try parse([]).warnings
        guard let name = name(written) else { throw .notFound }
        let policy = try PolicyState.current(name, view)
        if let policy {
            guard !policy.record.isExpired(at: now) else { throw .notFound }
        } else if !BuiltInPolicy.isFixed(name) {
            throw .notFound
        }
        let textName = isLegacy ? "rules" : "policy"
        var members = PolicyText.members(name, policy?.record, textName: textName)
        // Clients that know no more than a name and a text compare the whole answer.
        let isPlain = policy.map { $0.record.version == 1 && $0.record.content.isPlain } ?? true
        if !isLegacy, isPlain {
            members = ["name": .string(name.text), textName: members[textName] ?? .null]
        }
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        let body = EngineAnswer(data: data, warnings: warnings)
        return VaultAnswer(body, isInjected: isLegacy)
    }

    private func delete(
        _ written: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let name = name(written) else { return .answer(.empty) }
        if BuiltInPolicy.isFixed(name) {
            throw .invalid("cannot delete \(GoText.quoted(name.text)) policy")
        }
        if name.text == BuiltInPolicy.standard { throw .invalid("cannot delete default policy") }
        let state = try PolicyState(name, view)
        guard state.current != nil else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try state.delete(in: &draft, at: now, by: authority.record.accessor)
        return .commit(try draft.finish(), .empty)
    }
}

/// A policy as answers show it.
enum PolicyText {
    /// - Parameters:
    ///   - record: nil for a policy without one.
    ///   - textName: of the member that holds the text.
    static func members(
        _ name: PolicyName,
        _ record: PolicyRecord?,
        textName: String
    ) -> JSONObject {
        let builtIn = name.text == BuiltInPolicy.wrapping ? BuiltInPolicy.wrappingText : ""
        let content = record?.content ?? PolicyRecord.Content(text: builtIn)
        var members: JSONObject = [
            "allow_slashes_in_identity_templates": .bool(content.allowsSlashesInTemplates),
            "allow_wildcards_in_identity_templates": .bool(content.allowsWildcardsInTemplates),
            "cas_required": .bool(content.needsCheckAndSet),
            "name": .string(name.text),
            textName: .string(content.text),
            "version": .number(JSONNumber(record?.version ?? 0)),
        ]
        if let record { members["modified"] = .string(record.modified.rfc3339) }
        if let expiration = content.expiration {
            members["expiration"] = .string(expiration.rfc3339)
        }
        let cases = cases(of: content)
        if !cases.isEmpty { members["cases"] = .array(cases) }
        return members
    }

    static func cases(of content: PolicyRecord.Content) -> [JSONValue] {
        // It was checked when it was written, and its record is authenticated.
        (try? JSONScanner.parse(content.cases, limits: .trusted).asArray) ?? []
    }
}
