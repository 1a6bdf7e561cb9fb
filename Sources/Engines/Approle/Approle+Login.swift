import Barrier
import Wire

/// Logging in with a role id and a secret id.
extension Approle {
    /// Who the client says it is.
    func claim(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginClaim? {
        guard request.operation == .update, case .login = ApproleEndpoint(request.path),
            case .string(let roleID) = request.fields["role_id"], !roleID.isEmpty,
            roleID.utf8.count <= EngineLimits.roleIDBytesMax
        else { return nil }
        let path = ApprolePaths.roleID(roleID)
        let isKnown = try EngineRecords.read(path, mount.id, view) != nil
        return LoginClaim(alias: roleID, isKnown: isKnown)
    }

    /// The name of the role that a role id belongs to; nil for one that nobody has.
    func role(
        ofLogin fields: JSONObject,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> String? {
        guard case .string(let roleID) = fields["role_id"], !roleID.isEmpty,
            roleID.utf8.count <= EngineLimits.roleIDBytesMax,
            let opened = try EngineRecords.read(ApprolePaths.roleID(roleID), mount.id, view)
        else { return nil }
        return try ApproleReference.text(decoding: opened.value, "role id")
    }

    func login(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.loginSchema)
        guard let roleID = fields.text("role_id"), !roleID.isEmpty else {
            throw .failed("missing role_id")
        }
        let path = ApprolePaths.roleID(roleID)
        guard roleID.utf8.count <= EngineLimits.roleIDBytesMax,
            let opened = try EngineRecords.read(path, mount.id, view)
        else { throw Self.refusal }
        let name = try ApproleReference.text(decoding: opened.value, "role id")
        guard let found = try role(name, view), found.record.roleID == roleID else {
            throw Self.refusal
        }
        let role = found.record
        var grant = LoginGrant(alias: roleID, parameters: role.parameters)
        grant.displayName = ""
        grant.warnings = fields.warnings
        var metadata: [LoginGrant.Metadata] = []
        var plan = BatchPlan()
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        if role.bindsSecretID {
            let secret = try use(fields.text("secret_id") ?? "", role, request, view)
            plan.append(try spend(secret, role, request))
            metadata = secret.record.metadata.filter { !utf8Equals($0.name, "role_name") }
            if !secret.record.tokenCIDRs.isEmpty {
                grant.parameters.boundCIDRs = secret.record.tokenCIDRs
            }
        }
        try Self.check(request.context.remoteAddress, role.secretIDCIDRs, "role")
        metadata.append(LoginGrant.Metadata(name: "role_name", value: name))
        grant.metadata = metadata.sorted { utf8Precedes($0.name, $1.name) }
        return .login(grant, plan)
    }

    /// What a role says about tokens that were given before.
    func standing(
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginStanding {
        guard let found = try role(name, view) else {
            return .refused("role \(GoText.quoted(name)) does not exist during renewal")
        }
        var plan = BatchPlan()
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        return .current(found.record.parameters, plan, bindsPolicies: false)
    }

    /// The secret id that a client brings, if it opens the role from where the client is.
    private func use(
        _ secretID: String,
        _ role: RoleRecord,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> FoundSecretID {
        guard !secretID.isEmpty else { throw .invalid("missing secret_id") }
        guard secretID.utf8.count <= EngineLimits.roleIDBytesMax else { throw Self.refusal }
        let path = ApprolePaths.secretID(secretID, role, view.keyring)
        guard let found = try self.secretID(at: path, view),
            !found.record.isOver(at: request.now)
        else { throw Self.refusal }
        try Self.check(request.context.remoteAddress, found.record.cidrs, "secret ID")
        return found
    }

    /// Takes one of the uses.
    private func spend(
        _ found: FoundSecretID,
        _ role: RoleRecord,
        _ request: EngineRequest
    ) throws(EngineError) -> BatchPlan {
        if found.record.usesLeft == 1 { return removal(of: found, role) }
        var plan = BatchPlan()
        plan.check(found.path, found.modificationIndex)
        guard found.record.usesLeft > 1 else { return plan }
        var record = found.record
        record.usesLeft -= 1
        record.updated = request.now
        plan.put(found.path, record.encoded())
        return plan
    }

    private static func check(
        _ address: IPAddress?,
        _ blocks: [String],
        _ noun: String
    ) throws(EngineError) {
        guard AddressBlock.allow(address, in: blocks) else {
            throw .invalid(
                "source address \(GoText.quoted(address?.text ?? "")) unauthorized by CIDR "
                    + "restrictions on the \(noun)"
            )
        }
    }

    /// The same words whatever is wrong.
    private static let refusal = EngineError.badCredentials("invalid role or secret ID")
    private static let loginSchema = FieldSchema([("role_id", .text), ("secret_id", .text)])
}
