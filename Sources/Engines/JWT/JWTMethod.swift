import Barrier
import Cryptography
import Wire

/// The auth method `jwt`: clients bring a JSON web token that somebody else signed.
///
/// Contract: `config` has the public keys, or says where the issuer publishes them; a role has what
/// its tokens have to say. A login reads both, checks signature, times, issuer, audience, subject,
/// bound claims, in this order, and answers with a ``LoginGrant``; its batch checks that both are
/// still the same. For keys that are published it asks first: see ``KeySetQuestion``.
struct JWTMethod {
    let mount: EngineMount

    private enum Endpoint {
        case config
        case roles
        case role(String)
        case login

        init?(_ path: String) {
            let parts = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
                .map { String(Substring($0)) }
            switch (parts[0], parts.count) {
            case ("config", 1): self = .config
            case ("login", 1): self = .login
            case ("role", 1): self = .roles
            case ("role", 2) where parts[1].isEmpty: self = .roles
            case ("role", 2):
                guard let name = AuthName.stored(parts[1]) else { return nil }
                self = .role(name)
            default: return nil
            }
        }
    }

    static let configPath = "config"

    static func rolePath(_ name: String) -> String { "role/" + name }

    /// The record that tells creating from updating.
    static func record(of path: String) -> String? {
        switch Endpoint(path) {
        case .role(let name): rolePath(name)
        case .config, .roles, .login, nil: nil
        }
    }

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let endpoint = Endpoint(request.path) else { throw .unsupportedPath }
        switch (endpoint, request.operation) {
        case (.config, .read): return try readConfig(request, view)
        case (.config, .update): return try writeConfig(request, view)
        case (.roles, .list):
            return try EngineRecords.listing("role/", request, mount.id, view)
        case (.role(let name), .read): return try readRole(name, request, view)
        case (.role(let name), .update): return try writeRole(name, request, view)
        case (.role(let name), .delete): return try deleteRole(name, view)
        case (.login, .update): return try login(request, view)
        default: throw .unsupportedOperation
        }
    }

    // MARK: records

    func config(
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: JWTConfigRecord, modificationIndex: UInt64)? {
        try EngineRecords.record(Self.configPath, mount.id, view, JWTConfigRecord.init(decoding:))
    }

    func role(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: JWTRoleRecord, modificationIndex: UInt64)? {
        try EngineRecords.record(
            Self.rolePath(name),
            mount.id,
            view,
            JWTRoleRecord.init(decoding:)
        )
    }

    private func deleteRole(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let found = try role(name, view) else { return .answer(.empty) }
        return EngineRecords.removal(of: Self.rolePath(name), at: found.modificationIndex)
    }

    // MARK: logins

    private func login(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.loginSchema)
        guard let config = try config(view) else { throw .invalid("could not load configuration") }
        var given = fields.text("role") ?? ""
        if given.isEmpty { given = config.record.defaultRole }
        guard !given.isEmpty else { throw .invalid("missing role") }
        guard let name = AuthName.stored(given), let found = try role(name, view) else {
            throw .invalid("role \(GoText.quoted(given)) could not be found")
        }
        let text = fields.text("jwt") ?? ""
        guard !text.isEmpty else { throw .invalid("missing token") }
        let role = found.record
        guard AddressBlock.allow(request.context.remoteAddress, in: role.parameters.boundCIDRs)
        else { throw .permissionDenied }
        let token: JWT
        do throws(JWTError) {
            token = try Self.token(text, config.record)
        } catch {
            throw .badCredentials("error validating token: \(error.text)")
        }
        if let question = try Self.unanswered(token, config.record, request) {
            return .perform(.keySet, body: question.encoded())
        }
        var grant = try Self.grant(token, config.record, role, name, at: request.now)
        grant.warnings = fields.warnings
        var plan = BatchPlan()
        plan.check(Self.configPath, config.modificationIndex)
        plan.check(Self.rolePath(name), found.modificationIndex)
        return .login(grant, plan)
    }

    /// What a role says about tokens that were given before.
    func standing(
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> LoginStanding {
        guard let found = try role(name, view) else {
            return .refused("role \(name) does not exist during renewal")
        }
        var plan = BatchPlan()
        plan.check(Self.rolePath(name), found.modificationIndex)
        return .current(found.record.parameters, plan, bindsPolicies: false)
    }

    private static func grant(
        _ token: JWT,
        _ config: JWTConfigRecord,
        _ role: JWTRoleRecord,
        _ name: String,
        at now: Timestamp
    ) throws(EngineError) -> LoginGrant {
        let claims: JWTClaims
        do throws(JWTError) {
            claims = try validated(token, config, role, at: now)
        } catch {
            throw .badCredentials("error validating token: \(error.text)")
        }
        do throws(JWTError) {
            guard !role.audiences.isEmpty || !claims.hasAudience else {
                throw JWTError("audience claim found in JWT but no audiences bound to the role")
            }
            let user = try claims.user(role)
            let groups = try claims.groups(role)
            for bound in role.boundClaims {
                try claims.check(bound, isGlob: role.isGlob)
            }
            var metadata = try claims.metadata(role)
            var grant = LoginGrant(alias: user, parameters: role.parameters)
            grant.groupAliases = groups
            metadata.append(LoginGrant.Metadata(name: "role", value: name))
            grant.metadata = metadata.sorted { utf8Precedes($0.name, $1.name) }
            grant.aliasMetadata = grant.metadata
            return grant
        } catch {
            throw .badCredentials(error.text)
        }
    }

    /// A token that may be looked at: what is wrong with it whoever signed it is found here.
    private static func token(
        _ text: String,
        _ config: JWTConfigRecord
    ) throws(JWTError) -> JWT {
        let token = try JWT(text)
        let allowed = config.algorithms
        guard allowed.isEmpty || allowed.contains(token.algorithm.rawValue) else {
            throw JWTError("the token's algorithm is not among those that are configured")
        }
        return token
    }

    /// - Parameter token: its signature was checked.
    private static func validated(
        _ token: JWT,
        _ config: JWTConfigRecord,
        _ role: JWTRoleRecord,
        at now: Timestamp
    ) throws(JWTError) -> JWTClaims {
        let times = JWTTimes(
            expirationLeeway: role.expirationLeeway,
            notBeforeLeeway: role.notBeforeLeeway,
            skewLeeway: role.skewLeeway
        )
        try times.check(token.claims, at: now)
        let claims = JWTClaims(claims: token.claims)
        try claims.check("iss", "issuer", is: config.issuer)
        try claims.checkAudience(role.audiences)
        try claims.check("sub", "subject", is: role.subject)
        return claims
    }

    private static let loginSchema = FieldSchema([("role", .text), ("jwt", .text)])
}
