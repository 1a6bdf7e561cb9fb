import Barrier
import Cryptography
import Wire

/// The auth method `approle`: roles for machines, which log in with the role's id and a secret id.
///
/// Contract: a role is one record and one that leads to it from its role id; a secret id is one
/// record and one for its accessor. Every write checks what it read. A login with a secret id of
/// limited uses takes one of them in the batch that makes the token, so there are never more tokens
/// than uses.
struct Approle {
    let mount: EngineMount

    /// The record that tells creating from updating.
    static func record(of path: String) -> String? {
        if case .role(let name) = ApproleEndpoint(path) { ApprolePaths.role(name) } else { nil }
    }

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let endpoint = ApproleEndpoint(request.path) else { throw .unsupportedPath }
        switch (endpoint, request.operation) {
        case (.roles, .list): return try list(request, view)
        case (.role(let name), .read): return try read(name, request, view)
        case (.role(let name), .update): return try write(name, request, view)
        case (.role(let name), .delete): return try delete(name, view)
        case (.roleID(let name), .read): return try readRoleID(name, request, view)
        case (.roleID(let name), .update): return try changeRoleID(name, request, view)
        case (.field(let name, let field), let operation):
            return try step(field, of: name, operation, request, view)
        case (.secretIDs(let name), .list): return try listAccessors(name, request, view)
        case (.secretIDs(let name), .update):
            return try makeSecretID(name, isCustom: false, request, view)
        case (.customSecretID(let name), .update):
            return try makeSecretID(name, isCustom: true, request, view)
        case (.secretID(let name, let way, .lookup), .update):
            return try lookup(way, of: name, request, view)
        case (.secretID(let name, let way, .destroy), .update),
            (.secretID(let name, let way, .destroy), .delete):
            return try destroy(way, of: name, request, view)
        case (.tidy, .update): return try tidy(request, view)
        case (.login, .update): return try login(request, view)
        default: throw .unsupportedOperation
        }
    }

    // MARK: roles

    /// A role and when it was written.
    struct Found {
        var record: RoleRecord
        let modificationIndex: UInt64
    }

    func role(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> Found? {
        guard let opened = try EngineRecords.read(ApprolePaths.role(name), mount.id, view) else {
            return nil
        }
        return Found(
            record: try RoleRecord(decoding: opened.value),
            modificationIndex: opened.modificationIndex
        )
    }

    private func list(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.pageSchema)
        let page = ListPage(fields)
        let names = try EngineRecords.list(ApprolePaths.roles, page: page, mount.id, view)
        return .answer(EngineAnswer(data: KVAnswers.keys(names), warnings: fields.warnings))
    }

    private func read(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.nameSchema)
        guard let role = try role(name, view)?.record else { throw .notFound }
        var members = role.parameters.members
        members["bind_secret_id"] = .bool(role.bindsSecretID)
        members["local_secret_ids"] = .bool(role.isLocal)
        members["secret_id_bound_cidrs"] = Self.listOrNull(role.secretIDCIDRs)
        members["secret_id_num_uses"] = .number(JSONNumber(role.secretIDUses))
        members["secret_id_ttl"] = .number(JSONNumber(role.secretIDSeconds))
        role.echo.add(to: &members)
        return Self.answer(members, fields)
    }

    private func write(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.roleSchema)
        let found = try role(name, view)
        var entropy = request.entropy()
        // Drawn in any case, so that a repeated request draws the same.
        let drawn = (id: entropy.bytes(16), roleID: uuidText(entropy.uuid()))
        var role = found?.record ?? RoleRecord(id: drawn.id, roleID: drawn.roleID)
        if let isLocal = fields.bool("local_secret_ids") {
            guard found == nil else {
                throw .invalid("local_secret_ids can only be modified during role creation")
            }
            role.isLocal = isLocal
        }
        let warnings = try Self.apply(fields, to: &role)
        var plan = BatchPlan()
        if found == nil || role.roleID != found?.record.roleID {
            try move(from: found?.record.roleID, to: role.roleID, of: name, &plan, view)
        }
        plan.check(ApprolePaths.role(name), found?.modificationIndex ?? 0)
        plan.put(ApprolePaths.role(name), role.encoded())
        guard !warnings.isEmpty else { return .commit(plan, .empty) }
        return .commit(plan, EngineAnswer(warnings: warnings + fields.warnings))
    }

    private static func apply(
        _ fields: Fields,
        to role: inout RoleRecord
    ) throws(EngineError) -> [String] {
        var warnings: [String] = []
        var fields = fields
        for short in ["service", "batch"] where fields.text("token_type") == "default-\(short)" {
            warnings.append("default-\(short) has no useful meaning; adjusting to \(short)")
            fields = fields.replacing("token_type", with: .text(short))
        }
        try role.parameters.apply(fields)
        try role.echo.apply(fields, taking: [.policies, .period], to: &role.parameters)
        role.bindsSecretID = fields.bool("bind_secret_id") ?? role.bindsSecretID
        if let blocks = fields.texts("secret_id_bound_cidrs") {
            role.secretIDCIDRs = try strictBlocks(blocks)
        }
        if let uses = fields.int("secret_id_num_uses") {
            guard uses >= 0 else { throw .invalid("secret_id_num_uses cannot be negative") }
            role.secretIDUses = uses
        }
        role.secretIDSeconds = fields.int("secret_id_ttl") ?? role.secretIDSeconds
        if let roleID = fields.text("role_id"), !roleID.isEmpty {
            role.roleID = try checked(roleID, "role_id")
        }
        try role.parameters.check()
        try checkConstraint(role)
        return warnings
    }

    static func checkConstraint(_ role: RoleRecord) throws(EngineError) {
        guard
            role.bindsSecretID || !role.secretIDCIDRs.isEmpty
                || !role.parameters.boundCIDRs.isEmpty
        else { throw .failed("at least one constraint should be enabled on the role") }
    }

    private func delete(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let found = try role(name, view) else { return .answer(.empty) }
        var plan = BatchPlan()
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        plan.delete(ApprolePaths.role(name))
        plan.delete(ApprolePaths.roleID(found.record.roleID))
        plan.delete(LoginFailurePaths.path(of: found.record.roleID, isKnown: true))
        // What does not fit is out of reach all the same, and `tidy` removes it.
        try removeSecretIDs(of: found.record, atMost: EngineLimits.sweepMax, &plan, view)
        return .commit(plan, .empty)
    }

    // MARK: the role id

    private func readRoleID(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.nameSchema)
        guard let role = try role(name, view)?.record else { throw .notFound }
        return Self.answer(["role_id": .string(role.roleID)], fields)
    }

    private func changeRoleID(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.roleIDSchema)
        guard var found = try role(name, view) else { throw .unsupportedPath }
        guard let given = fields.text("role_id"), !given.isEmpty else {
            throw .invalid("missing role_id")
        }
        let roleID = try Self.checked(given, "role_id")
        guard roleID != found.record.roleID else { return .answer(.empty) }
        var plan = BatchPlan()
        try move(from: found.record.roleID, to: roleID, of: name, &plan, view)
        found.record.roleID = roleID
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        plan.put(ApprolePaths.role(name), found.record.encoded())
        return .commit(plan, .empty)
    }

    /// Gives a role an id that no other role has.
    private func move(
        from old: String?,
        to new: String,
        of name: String,
        _ plan: inout BatchPlan,
        _ view: borrowing BarrierView
    ) throws(EngineError) {
        let path = ApprolePaths.roleID(new)
        guard try EngineRecords.read(path, mount.id, view) == nil else {
            throw .failed("role_id already in use")
        }
        plan.check(path, 0)
        if let old { plan.delete(ApprolePaths.roleID(old)) }
        plan.put(path, ApproleReference.encoded(name))
    }

    // MARK: parts

    /// An id that somebody chose, within its limit.
    static func checked(_ id: String, _ name: String) throws(EngineError) -> String {
        guard id.utf8.count <= EngineLimits.roleIDBytesMax else {
            throw .invalid(
                "\(name) is \(id.utf8.count) bytes, the limit is \(EngineLimits.roleIDBytesMax)"
            )
        }
        return id
    }

    /// Blocks with their number of bits, as secret ids have them.
    ///
    /// - Parameter noun: what the blocks are for, with a blank behind it, or empty.
    static func strictBlocks(
        _ texts: [String],
        _ noun: String = ""
    ) throws(EngineError) -> [String] {
        for text in texts where !text.utf8.contains(0x2F) || AddressBlock(text) == nil {
            throw .failed("failed to validate \(noun)CIDR blocks: invalid CIDR address: \(text)")
        }
        _ = try TokenParameters.blocks(texts)
        return texts
    }

    static func listOrNull(_ texts: [String]) -> JSONValue {
        texts.isEmpty ? .null : .array(texts.map { .string($0) })
    }

    static func answer(_ members: JSONObject, _ fields: Fields) -> EngineStep {
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    private static let roleSchema = FieldSchema(
        [
            ("bind_secret_id", .bool), ("secret_id_bound_cidrs", .texts),
            ("secret_id_num_uses", .int), ("secret_id_ttl", .seconds),
            ("local_secret_ids", .bool), ("role_id", .text),
        ] + OldTokenNames([.policies, .period]).schema() + TokenParameters.schema,
        captured: ["role_name"],
        looksFirst: true
    )
    private static let roleIDSchema = FieldSchema([("role_id", .text)], captured: ["role_name"])
    static let nameSchema = FieldSchema([], captured: ["role_name"])
    static let pageSchema = FieldSchema(
        [("after", .text), ("limit", .int)],
        captured: ["role_name"]
    )
}
