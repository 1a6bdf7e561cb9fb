import Barrier
import Engines
import Policy
import Wire

/// `auth/token/…`: tokens are made, looked up, renewed and taken back.
struct TokenBackend {
    let call: VaultCall
    let authority: Authority

    /// - Parameter path: below `auth/token/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let operation = call.request.operation
        switch path {
        case "create": return try only(.update, try create(nil, isOrphan: false, view))
        case "create-orphan": return try only(.update, try create(nil, isOrphan: true, view))
        case "lookup":
            guard operation == .read || operation == .update else { throw Self.unsupported }
            return .answer(try lookup(view))
        case "lookup-self":
            guard operation == .read || operation == .update else { throw Self.unsupported }
            return .answer(try lookupSelf(view))
        case "lookup-accessor": return try only(.update, .answer(try lookupAccessor(view)))
        case "renew": return try only(.update, try renew(view))
        case "renew-self": return try only(.update, try renewSelf(view))
        case "renew-accessor": return try only(.update, try renewAccessor(view))
        case "revoke": return try only(.update, try revoke(view))
        case "revoke-self": return try only(.update, try revokeSelf(view))
        case "revoke-accessor": return try only(.update, try revokeAccessor(view))
        case "revoke-orphan": return try only(.update, try revokeOrphan(view))
        case "accessors", "accessors/": return try only(.list, .answer(try accessors(view)))
        case "tidy":
            return try only(.update, try TokenTidy(call: call, authority: authority).step(view))
        case "roles", "roles/": return try only(.list, .answer(try roles.list(view)))
        default: break
        }
        if let name = path.below("create/"), TokenRole.isName(name) {
            return try only(.update, try createByRole(name, view))
        }
        if let name = path.below("roles/"), TokenRole.isName(name) {
            return try roles.step(name, view)
        }
        throw .engine(.unsupportedPath)
    }

    static let unsupported = VaultError.engine(.unsupportedOperation)

    /// The step of an endpoint that has one operation.
    private func only(
        _ operation: Operation,
        _ step: @autoclosure () throws(VaultError) -> VaultStep
    ) throws(VaultError) -> VaultStep {
        guard call.request.operation == operation else { throw Self.unsupported }
        return try step()
    }

    private var roles: TokenRoles { TokenRoles(call: call, authority: authority) }

    var now: Timestamp { call.environment.now }

    var finder: TokenFinder { TokenFinder(environment: call.environment) }

    func draft(_ view: borrowing BarrierView) throws(VaultError) -> BatchDraft {
        try BatchDraft(call.request, authority, call.environment, view)
    }

    // MARK: looking up

    private func lookupSelf(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, Self.tokenFields).warnings
        return try shown(authority.live, id: text(authority.token), warnings, view)
    }

    private func lookup(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(call.request.fields, Self.tokenFields)
        guard let token = fields.text("token"), !token.isEmpty else {
            return try shown(authority.live, id: text(authority.token), fields.warnings, view)
        }
        guard let live = try finder.here(Array(token.utf8), view) else {
            throw .forbidden("bad token")
        }
        return try shown(live, id: token, fields.warnings, view)
    }

    private func lookupAccessor(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(call.request.fields, Self.accessorFields)
        return try shown(try subject(fields, view), id: "", fields.warnings, view)
    }

    private func text(_ token: [UInt8]) -> String { String(decoding: token, as: UTF8.self) }

    /// The token that a request names by its accessor.
    private func subject(
        _ fields: Fields,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken {
        guard let accessor = fields.text("accessor"), !accessor.isEmpty else {
            throw .invalid(GoText.errors(["missing accessor"]))
        }
        guard let live = try finder.live(accessor: accessor, view) else {
            throw .invalid(GoText.errors(["invalid accessor"]))
        }
        return live
    }

    private func shown(
        _ live: LiveToken,
        id: String,
        _ warnings: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        var members = TokenText.members(live, id: id, uses: uses(of: live), at: now)
        let added = try identityPolicies(of: live, view)
        if !added.isEmpty {
            members["external_namespace_policies"] = .object(JSONObject())
            members["identity_policies"] = .array(added.map { .string($0) })
        }
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: data, warnings: warnings))
    }

    /// What the token's entity brings along now.
    func identityPolicies(
        of token: LiveToken,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [String] {
        try view.inside(token.namespace.home) { view throws(VaultError) in
            try call.environment.cache.identity(of: token.record, view)?.policies ?? []
        }
    }

    /// As the answer has it: without this request, and -1 for the last.
    func uses(of live: LiveToken) -> Int {
        guard let left = live.usesLeft else { return 0 }
        let isOwn = live.hash == authority.live.hash
        if isOwn { return left == 1 ? -1 : Int(clamping: left - 1) }
        return Int(clamping: left)
    }

    private func accessors(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let schema = FieldSchema([("after", .text), ("limit", .int)])
        let fields = try SystemFields.parse(call.request.fields, schema)
        let names = try view.systemNames(SystemPaths.accessors, page: ListPage(fields))
        guard !names.isEmpty else { throw .notFound }
        let data: JSONValue = ["keys": .array(names.map { .string($0) })]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    // MARK: renewing

    private func renew(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.renewFields)
        guard let token = fields.text("token"), !token.isEmpty else {
            throw .invalid("missing token ID")
        }
        guard let live = try finder.here(Array(token.utf8), view) else {
            throw .invalid("token not found")
        }
        return try renew(live, shownAs: token, fields, view)
    }

    private func renewSelf(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.renewFields)
        return try renew(authority.live, shownAs: text(authority.token), fields, view)
    }

    private func renewAccessor(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([("accessor", .text), ("increment", .seconds)])
        )
        return try renew(try subject(fields, view), shownAs: "", fields, view)
    }

    private func renew(
        _ live: LiveToken,
        shownAs token: String,
        _ fields: Fields,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard !live.record.isBatch else { throw .invalid("batch tokens cannot be renewed") }
        // The last use is this one, and nothing is left to live longer.
        let isOver = live.usesLeft == 1 && live.hash == authority.live.hash
        guard !isOver else { throw .invalid("token not found") }
        guard let renewal = try TokenRenewal(live, for: call, view) else {
            return .answer(.empty)
        }
        let (record, warnings) = try renewal.renewed(UInt64(fields.int("increment") ?? 0))
        var draft = try draft(view)
        try draft.check(live)
        try renewal.write(record, in: &draft)
        // Here OpenBao shows them with this request.
        var auth = AuthBlock(token, record, usesLeft: live.usesShown, at: now)
        auth.identityPolicies = try identityPolicies(of: live, view)
        call.trace?.note(auth)
        let body = EngineAnswer(warnings: fields.warnings + warnings)
        return try draft.commit(VaultAnswer(body, auth: auth))
    }

    // MARK: taking back

    private func revoke(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.tokenFields)
        guard let token = fields.text("token"), !token.isEmpty else {
            throw .invalid("missing token ID")
        }
        guard let live = try finder.here(Array(token.utf8), view) else {
            return .answer(.empty)
        }
        return try revoke(live, view)
    }

    private func revokeSelf(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        try revoke(authority.live, view)
    }

    private func revokeAccessor(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.accessorFields)
        guard let accessor = fields.text("accessor"), !accessor.isEmpty else {
            throw .invalid(GoText.errors(["missing accessor"]))
        }
        guard let live = try finder.live(accessor: accessor, view) else {
            let warning = "No token found with this accessor"
            return .answer(VaultAnswer(EngineAnswer(warnings: fields.warnings + [warning])))
        }
        return try revoke(live, view)
    }

    private func revoke(
        _ live: LiveToken,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard !live.record.isBatch else { throw .invalid("batch tokens cannot be revoked") }
        var draft = try draft(view)
        try TokenRevocation.revoke(live.hash, in: &draft, call.environment, view)
        return .commit(try draft.finish(), .empty)
    }

    private func revokeOrphan(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.tokenFields)
        guard let token = fields.text("token"), !token.isEmpty else {
            throw .invalid("missing token ID")
        }
        guard authority.mayOrphan(call.request) else {
            throw .invalid("root or sudo privileges required to revoke and orphan")
        }
        guard let live = try finder.here(Array(token.utf8), view) else {
            throw .invalid("token to revoke not found")
        }
        guard !live.record.isBatch else { throw .invalid("batch tokens cannot be revoked") }
        var draft = try draft(view)
        try TokenRevocation.revokeAlone(live, in: &draft, call.environment, view)
        return .commit(try draft.finish(), .empty)
    }

    private static let tokenFields = FieldSchema([("token", .text)])
    private static let accessorFields = FieldSchema([("accessor", .text)])
    private static let renewFields = FieldSchema([("token", .text), ("increment", .seconds)])
}

extension Authority {
    /// `sudo` for `revoke-orphan` is asked for by its handler, whose words clients know; see
    /// ``VaultCall``.
    fileprivate func mayOrphan(_ request: borrowing VaultRequest) -> Bool {
        access.list?.decide(AccessRequest(request)).isAllowed ?? false
    }
}

extension AccessRequest {
    /// What policies are asked before any handler is.
    init(beforeHandlerOf request: borrowing VaultRequest) {
        self.init(request)
        let isFolder = request.operation == .list || request.operation == .scan
        if !isFolder, utf8Equals(request.path, "auth/token/revoke-orphan") { needsSudo = false }
    }
}

/// Parameters of the vault's own endpoints.
enum SystemFields {
    static func parse(_ raw: JSONObject, _ schema: FieldSchema) throws(VaultError) -> Fields {
        do throws(EngineError) {
            return try Fields(raw, schema)
        } catch {
            throw .engine(error)
        }
    }
}

/// A token as `lookup` shows it.
enum TokenText {
    /// - Parameters:
    ///   - id: the token, for one who has it already; else empty.
    ///   - uses: see ``TokenBackend/uses(of:)``.
    static func members(
        _ live: LiveToken,
        id: String,
        uses: Int,
        at now: Timestamp
    ) -> JSONObject {
        let record = live.record
        let pairs = JSONObject(record.metadata.map { ($0.name, .string($0.value)) })
        var members: JSONObject = [
            "accessor": .string(record.accessor),
            "creation_time": .number(JSONNumber(record.created.nanoseconds / 1_000_000_000)),
            "creation_ttl": .number(JSONNumber(record.lifetimeSeconds)),
            "display_name": .string(record.displayName), "entity_id": .string(record.entityShown),
            "expire_time": record.expiration.map { .string($0.rfc3339) } ?? .null,
            "explicit_max_ttl": .number(JSONNumber(record.explicitSecondsMax)),
            "id": .string(id), "meta": record.metadata.isEmpty ? .null : .object(pairs),
            "num_uses": .number(JSONNumber(uses)), "orphan": .bool(record.isOrphan),
            "path": .string(record.path),
            "policies": .array(record.policies.map { .string($0) }),
            "ttl": .number(JSONNumber(record.secondsLeft(at: now))),
            "type": .string(record.isBatch ? "batch" : "service"),
        ]
        // The root token of `init` has no lease, and shows none.
        if record.hasLease {
            members["issue_time"] = .string(record.created.rfc3339)
            members["renewable"] = .bool(record.isRenewable && record.expiration != nil)
        }
        if let renewed = record.renewed {
            members["last_renewal"] = .string(renewed.rfc3339)
            members["last_renewal_time"] = .number(
                JSONNumber(renewed.nanoseconds / 1_000_000_000)
            )
        }
        // What a role says may change; it is looked at when the token is renewed.
        if record.periodSeconds > 0, record.role.isEmpty {
            members["period"] = .number(JSONNumber(record.periodSeconds))
        }
        if !record.role.isEmpty { members["role"] = .string(record.role) }
        if !live.namespace.isRoot { members["namespace_path"] = .string(live.namespace.path) }
        if !record.boundCIDRs.isEmpty {
            members["bound_cidrs"] = .array(record.boundCIDRs.map { .string($0) })
        }
        return members
    }
}
