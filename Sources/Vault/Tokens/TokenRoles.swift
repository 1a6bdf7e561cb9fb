import Barrier
import Engines
import Wire

/// `auth/token/roles/…`
struct TokenRoles {
    let call: VaultCall
    let authority: Authority

    func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let names = try view.systemNames(SystemPaths.tokenRoles)
        guard !names.isEmpty else { throw .notFound }
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        let data: JSONValue = ["keys": .array(names.map { .string($0) })]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        )
    }

    func step(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read: return .answer(try read(name, view))
        case .update, .patch: return try write(name, view)
        case .delete:
            guard let role = try TokenRole.read(name, view) else { return .answer(.empty) }
            var draft = try BatchDraft(call.request, authority, call.environment, view)
            try draft.check(SystemPaths.tokenRole(name), role.modificationIndex)
            try draft.delete(SystemPaths.tokenRole(name))
            return .commit(try draft.finish(), .empty)
        case .list, .scan, .help: throw TokenBackend.unsupported
        }
    }

    private func read(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let schema = FieldSchema([], captured: ["role_name"])
        let warnings = try SystemFields.parse(call.request.fields, schema).warnings
        guard let role = try TokenRole.read(name, view) else { throw .notFound }
        let data = JSONValue.object(members(of: role)).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: data, warnings: warnings))
    }

    private func members(of role: TokenRole) -> JSONObject {
        func texts(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }
        func number(_ value: UInt64) -> JSONValue { .number(JSONNumber(value)) }
        var members: JSONObject = [
            "allowed_entity_aliases": role.allowedEntityAliases.isEmpty
                ? .null : texts(role.allowedEntityAliases),
            "allowed_policies": texts(role.allowedPolicies),
            "allowed_policies_glob": texts(role.allowedPolicyGlobs),
            "disallowed_policies": texts(role.disallowedPolicies),
            "disallowed_policies_glob": texts(role.disallowedPolicyGlobs),
            "explicit_max_ttl": number(role.old.explicitMax ? role.explicitSecondsMax : 0),
            "name": .string(role.name), "orphan": .bool(role.isOrphan),
            "path_suffix": .string(role.pathSuffix),
            "period": number(role.old.period ? role.periodSeconds : 0),
            "renewable": .bool(role.isRenewable),
            "token_explicit_max_ttl": number(role.explicitSecondsMax),
            "token_no_default_policy": .bool(role.omitsDefaultPolicy),
            "token_period": number(role.periodSeconds), "token_type": .string(role.kind.text),
        ]
        if !role.boundCIDRs.isEmpty {
            members["token_bound_cidrs"] = texts(role.boundCIDRs)
            if role.old.boundCIDRs { members["bound_cidrs"] = texts(role.boundCIDRs) }
        }
        if role.usesMax > 0 { members["token_num_uses"] = number(role.usesMax) }
        return members
    }

    // MARK: writing

    private func write(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let schema = FieldSchema(Self.fields, captured: ["role_name"], looksFirst: true)
        let fields = try SystemFields.parse(call.request.fields, schema)
        let old = try TokenRole.read(name, view)
        var role = old ?? TokenRole(named: name)
        var warnings: [String] = []
        try setLists(of: &role, fields)
        role.isOrphan = fields.bool("orphan") ?? role.isOrphan
        role.isRenewable = fields.bool("renewable") ?? role.isRenewable
        role.omitsDefaultPolicy =
            fields.bool("token_no_default_policy") ?? role.omitsDefaultPolicy
        if let suffix = fields.text("path_suffix") {
            guard suffix.isEmpty || suffix.utf8.count >= 3 && TokenRole.isWord(suffix) else {
                throw .invalid(
                    "given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w"
                )
            }
            role.pathSuffix = suffix
        }
        try setKind(of: &role, fields)
        try setLimits(of: &role, fields, &warnings)
        let leases = try TokenLeases(of: call, view)
        if role.explicitSecondsMax > leases.time.mountMax {
            warnings.append(
                "Given explicit max TTL of \(role.explicitSecondsMax) is greater than system/mount "
                    + "allowed value of \(leases.time.mountMax) seconds; until this is "
                    + "fixed attempting to create tokens against this role will result in an error"
            )
        }
        try setAddresses(of: &role, fields, &warnings)
        let record = role.encoded()
        guard record.count <= TokenLimits.roleListBytesMax else {
            throw .invalid(
                "the role has \(record.count) bytes, the limit is \(TokenLimits.roleListBytesMax)"
            )
        }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        let path = SystemPaths.tokenRole(name)
        try draft.check(path, old?.modificationIndex ?? 0)
        try draft.put(path, record)
        let answer =
            warnings.isEmpty ? .empty : VaultAnswer(EngineAnswer(warnings: warnings))
        return try draft.commit(answer)
    }

    private func setLists(of role: inout TokenRole, _ fields: Fields) throws(VaultError) {
        func policies(_ texts: [String]) -> [String] {
            TokenPolicies.normalised(texts, addsDefault: false)
        }
        role.allowedPolicies =
            fields.texts("allowed_policies").map(policies) ?? role.allowedPolicies
        role.allowedPolicyGlobs =
            fields.texts("allowed_policies_glob").map(policies) ?? role.allowedPolicyGlobs
        role.disallowedPolicies =
            fields.texts("disallowed_policies").map(policies) ?? role.disallowedPolicies
        role.disallowedPolicyGlobs =
            fields.texts("disallowed_policies_glob").map(policies) ?? role.disallowedPolicyGlobs
        if let aliases = fields.texts("allowed_entity_aliases") {
            role.allowedEntityAliases = aliases.map { $0.lowercased() }
        }
    }

    private func setKind(of role: inout TokenRole, _ fields: Fields) throws(VaultError) {
        if let text = fields.text("token_type") {
            guard let kind = TokenKind(text: text) else {
                throw .invalid("invalid 'token_type' value \(GoText.quoted(text))")
            }
            role.kind = kind == .default ? .defaultService : kind
        }
        guard role.kind == .batch else { return }
        guard role.isOrphan else {
            throw .invalid(
                "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"
            )
        }
        guard !role.isRenewable else {
            throw .invalid(
                "'token_type' cannot be 'batch' when role is set to generate renewable tokens"
            )
        }
    }

    private func setLimits(
        of role: inout TokenRole,
        _ fields: Fields,
        _ warnings: inout [String]
    ) throws(VaultError) {
        if let new = fields.int("token_period") {
            if fields.has("period") { warnings.append(Self.bothGiven("period")) }
            (role.periodSeconds, role.old.period) = (UInt64(new), false)
        } else if let old = fields.int("period") {
            (role.periodSeconds, role.old.period) = (UInt64(old), true)
        }
        if let new = fields.int("token_explicit_max_ttl") {
            if fields.has("explicit_max_ttl") {
                warnings.append(Self.bothGiven("explicit_max_ttl"))
            }
            (role.explicitSecondsMax, role.old.explicitMax) = (UInt64(new), false)
        } else if let old = fields.int("explicit_max_ttl") {
            (role.explicitSecondsMax, role.old.explicitMax) = (UInt64(old), true)
        }
        if let uses = fields.int("token_num_uses") {
            guard let uses = UInt64(exactly: uses) else {
                throw .invalid(
                    "error parsing role fields: 'token_num_uses' cannot be negative"
                )
            }
            role.usesMax = uses
        }
    }

    private func setAddresses(
        of role: inout TokenRole,
        _ fields: Fields,
        _ warnings: inout [String]
    ) throws(VaultError) {
        let new = fields.texts("token_bound_cidrs")
        guard let texts = new ?? fields.texts("bound_cidrs") else { return }
        if new != nil, fields.has("bound_cidrs") {
            warnings.append(Self.bothGiven("bound_cidrs"))
        }
        do throws(EngineError) {
            role.boundCIDRs = try TokenParameters.blocks(texts)
        } catch {
            throw .invalid("error parsing role fields: \(error.summary)")
        }
        role.old.boundCIDRs = new == nil
    }

    private static func bothGiven(_ name: String) -> String {
        "Both 'token_\(name)' and deprecated '\(name)' value supplied, ignoring the deprecated "
            + "value"
    }

    private static let fields: [(String, FieldSchema.Kind)] = [
        ("allowed_policies", .texts), ("allowed_policies_glob", .texts),
        ("disallowed_policies", .texts), ("disallowed_policies_glob", .texts),
        ("allowed_entity_aliases", .texts), ("orphan", .bool), ("renewable", .bool),
        ("path_suffix", .text), ("period", .seconds), ("explicit_max_ttl", .seconds),
        ("bound_cidrs", .texts), ("token_period", .seconds), ("token_explicit_max_ttl", .seconds),
        ("token_bound_cidrs", .texts), ("token_no_default_policy", .bool),
        ("token_num_uses", .int), ("token_type", .text),
    ]
}
