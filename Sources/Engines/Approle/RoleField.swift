import Barrier
import Wire

/// A part of a role with a path of its own: `role/<name>/<field>`.
enum RoleField: String, CaseIterable {
    case policies
    case secretIDUses = "secret-id-num-uses"
    case secretIDSeconds = "secret-id-ttl"
    case ttl = "token-ttl"
    case ttlMax = "token-max-ttl"
    case uses = "token-num-uses"
    case period
    case tokenCIDRs = "token-bound-cidrs"
    case secretIDCIDRs = "secret-id-bound-cidrs"
    case isLocal = "local-secret-ids"

    /// The parameter's name and kind.
    var parameter: (name: String, kind: FieldSchema.Kind) {
        switch self {
        case .policies: ("token_policies", .texts)
        case .secretIDUses: ("secret_id_num_uses", .int)
        case .secretIDSeconds: ("secret_id_ttl", .seconds)
        case .ttl: ("token_ttl", .seconds)
        case .ttlMax: ("token_max_ttl", .seconds)
        case .uses: ("token_num_uses", .int)
        case .period: ("token_period", .seconds)
        case .tokenCIDRs: ("token_bound_cidrs", .texts)
        case .secretIDCIDRs: ("secret_id_bound_cidrs", .texts)
        case .isLocal: ("local_secret_ids", .bool)
        }
    }

    /// The name that the parameter had before, where the path still takes it.
    fileprivate var old: OldTokenNames {
        switch self {
        case .policies: .policies
        case .period: .period
        default: []
        }
    }

    fileprivate func value(of role: RoleRecord) -> JSONValue {
        switch self {
        case .policies: .array(role.parameters.policies.map { .string($0) })
        case .secretIDUses: .number(JSONNumber(role.secretIDUses))
        case .secretIDSeconds: .number(JSONNumber(role.secretIDSeconds))
        case .ttl: .number(JSONNumber(role.parameters.ttlSeconds))
        case .ttlMax: .number(JSONNumber(role.parameters.ttlSecondsMax))
        case .uses: .number(JSONNumber(role.parameters.usesMax))
        case .period: .number(JSONNumber(role.parameters.periodSeconds))
        case .tokenCIDRs: Approle.listOrNull(role.parameters.boundCIDRs)
        case .secretIDCIDRs: Approle.listOrNull(role.secretIDCIDRs)
        case .isLocal: .bool(role.isLocal)
        }
    }

    /// Takes over what the request gives.
    fileprivate func apply(_ fields: Fields, to role: inout RoleRecord) throws(EngineError) {
        let name = parameter.name
        switch self {
        case .policies, .period, .ttl, .ttlMax, .uses, .tokenCIDRs:
            try role.parameters.apply(fields)
            try role.echo.apply(fields, taking: old, to: &role.parameters)
        case .secretIDUses:
            role.secretIDUses = fields.int(name) ?? 0
            guard role.secretIDUses >= 0 else {
                throw .invalid("secret_id_num_uses cannot be negative")
            }
        case .secretIDSeconds: role.secretIDSeconds = fields.int(name) ?? 0
        case .secretIDCIDRs:
            guard let blocks = fields.texts(name), !blocks.isEmpty else {
                throw .invalid("missing bound_cidr_list")
            }
            role.secretIDCIDRs = try Approle.strictBlocks(blocks)
        case .isLocal: throw .unsupportedOperation
        }
    }

    /// Takes the value back to what a new role has.
    fileprivate func reset(_ role: inout RoleRecord) throws(EngineError) {
        switch self {
        case .policies: role.parameters.policies = []
        case .secretIDUses: role.secretIDUses = 0
        case .secretIDSeconds: role.secretIDSeconds = 0
        case .ttl: role.parameters.ttlSeconds = 0
        case .ttlMax: role.parameters.ttlSecondsMax = 0
        case .uses: role.parameters.usesMax = 0
        case .period: role.parameters.periodSeconds = 0
        case .tokenCIDRs: role.parameters.boundCIDRs = []
        case .secretIDCIDRs: role.secretIDCIDRs = []
        case .isLocal: throw .unsupportedOperation
        }
        role.echo.remove(old)
    }

    fileprivate var schema: FieldSchema {
        FieldSchema([parameter] + old.schema(), captured: ["role_name"])
    }

    /// What OpenBao calls a missing value.
    fileprivate var missing: String {
        self == .period ? "missing period" : "missing \(parameter.name)"
    }
}

extension Approle {
    /// One request to a part of a role.
    func step(
        _ field: RoleField,
        of name: String,
        _ operation: Operation,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, field.schema)
        switch operation {
        case .read:
            guard let role = try role(name, view)?.record else { throw .notFound }
            var members: JSONObject = [field.parameter.name: field.value(of: role)]
            role.echo.intersection(field.old).add(to: &members)
            return Self.answer(members, fields)
        case .update:
            guard var found = try role(name, view) else { throw .unsupportedPath }
            let names = [field.parameter.name] + field.old.schema().map(\.0)
            guard names.contains(where: { fields.has($0) }) else {
                switch field {
                case .tokenCIDRs, .secretIDCIDRs: return .answer(.empty)
                default: throw .invalid(field.missing)
                }
            }
            try field.apply(fields, to: &found.record)
            return try put(found, name)
        case .delete:
            guard var found = try role(name, view) else { return .answer(.empty) }
            try field.reset(&found.record)
            return try put(found, name)
        case .list, .scan, .patch, .help: throw .unsupportedOperation
        }
    }

    private func put(_ found: Found, _ name: String) throws(EngineError) -> EngineStep {
        try found.record.parameters.check()
        try Self.checkConstraint(found.record)
        var plan = BatchPlan()
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        plan.put(ApprolePaths.role(name), found.record.encoded())
        return .commit(plan, .empty)
    }
}
