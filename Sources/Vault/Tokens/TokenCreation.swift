import Barrier
import Engines
import Policy
import Wire

/// The body of `auth/token/create` and its relatives, read and not yet judged.
private struct TokenRequest {
    var policies: [String] = []
    var life = TokenLife()
    var period: UInt64?
    var explicitMax: UInt64?
    var usesMax: UInt64 = 0
    var displayName = "token"
    var metadata: [TokenRecord.Pair] = []
    var isRenewable = true
    var omitsDefaultPolicy = false
    var isOrphan = false
    var customID: String?
    var type = ""
    var entityAlias = ""
    var warnings: [String] = []

    init(_ raw: JSONObject) throws(VaultError) {
        var rest = raw
        if let given = raw["policies"] {
            policies = try Self.policies(given)
            rest["policies"] = nil
        }
        let fields = try SystemFields.parse(rest, Self.schema)
        warnings = fields.warnings
        guard let uses = UInt64(exactly: fields.int("num_uses") ?? 0) else {
            throw .invalid("number of uses cannot be negative")
        }
        usesMax = uses
        if let name = fields.text("display_name"), !name.isEmpty {
            displayName = "token-" + Self.sanitised(name)
            if displayName.utf8.last == 0x2D { displayName = String(displayName.dropLast()) }
        }
        let pairs = (fields.map("meta") ?? JSONObject()).members
        metadata = pairs.map { TokenRecord.Pair(name: $0.name, value: $0.value.asString ?? "") }
            .sorted { utf8Precedes($0.name, $1.name) }
        isRenewable = fields.bool("renewable") ?? true
        omitsDefaultPolicy = fields.bool("no_default_policy") ?? false
        isOrphan = fields.bool("no_parent") ?? false
        if let id = fields.text("id"), !id.isEmpty { customID = id }
        type = fields.text("type") ?? ""
        entityAlias = fields.text("entity_alias") ?? ""
        explicitMax = try Self.seconds(fields, "explicit_max_ttl")
        period = try Self.seconds(fields, "period")
        if let seconds = try Self.seconds(fields, "ttl") {
            life.seconds = seconds
        } else {
            life.seconds = try Self.seconds(fields, "lease") ?? 0
        }
    }

    /// A list; one text is one name, whatever is in it.
    private static func policies(_ given: JSONValue) throws(VaultError) -> [String] {
        let name = "policies"
        let list: [JSONValue]
        switch given {
        case .null: list = []
        case .array(let elements): list = elements
        case .bool, .number, .string, .object: list = [given]
        }
        var texts: [String] = []
        for element in list {
            let fields = try SystemFields.parse([name: element], FieldSchema([(name, .text)]))
            texts.append(fields.text(name) ?? "")
        }
        return texts
    }

    /// Whole seconds; nil for a parameter that is not given or empty.
    private static func seconds(
        _ fields: Fields,
        _ name: String
    ) throws(VaultError) -> UInt64? {
        guard let text = fields.text(name), !text.isEmpty else { return nil }
        let nanoseconds: Int64
        do throws(DurationError) {
            nanoseconds = try GoDuration.nanoseconds(of: text)
        } catch {
            throw .invalid(error.summary)
        }
        guard let seconds = UInt64(exactly: nanoseconds / 1_000_000_000) else {
            throw .invalid("\(name) must be positive")
        }
        return seconds
    }

    private static func sanitised(_ name: String) -> String {
        let bytes = name.utf8.map { byte -> UInt8 in
            let isKept =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte)
            return isKept ? byte : 0x2D
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let schema = FieldSchema(
        [
            ("ttl", .text), ("lease", .text), ("explicit_max_ttl", .text), ("period", .text),
            ("num_uses", .int), ("display_name", .text), ("meta", .pairs), ("renewable", .bool),
            ("no_default_policy", .bool), ("no_parent", .bool), ("id", .text), ("type", .text),
            ("entity_alias", .text),
        ],
        captured: ["role_name"]
    )
}

/// `auth/token/create`, `create-orphan` and `create/<role>`.
extension TokenBackend {
    func createByRole(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let role = try TokenRole.read(name, view) else {
            throw .invalid("unknown role \(name)")
        }
        return try create(role, isOrphan: false, view)
    }

    /// - Parameter isOrphan: whether the endpoint itself makes orphans.
    func create(
        _ role: TokenRole?,
        isOrphan: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let parent = authority.live
        guard !parent.record.isBatch else {
            throw .invalid("batch tokens cannot create more tokens")
        }
        guard parent.usesLeft != 1 else {
            throw .invalid("parent token lookup failed: no parent found")
        }
        guard parent.usesLeft == nil else {
            throw .invalid("restricted use token cannot generate child tokens")
        }
        let request = try TokenRequest(call.request.fields)
        var maker = TokenMaker(
            parent: parent,
            request: request,
            role: role,
            namespace: call.environment.namespace,
            hasSudo: authority.hasSudo(on: call.request.path)
        )
        let leases = try TokenLeases(of: call, view)
        maker.time = leases.time
        var grant = try maker.grant(isOrphan: isOrphan)
        let missing = try missingPolicies(grant.policies, view)
        var draft = try draft(view)
        try leases.check(in: &draft)
        if let role { try draft.check(SystemPaths.tokenRole(role.name), role.modificationIndex) }
        if let id = grant.customID { try requireUnused(id, view) }
        var added = grant.entityID.isEmpty ? [] : try identityPolicies(of: parent, view)
        if !request.entityAlias.isEmpty {
            // Whoever asks for an alias stands for it, as the role lets him.
            let vaultID = call.environment.keyring.vaultID
            let mount = BuiltInMount.token.identity(vaultID, in: view.home)
            let alias = LoginAlias(name: request.entityAlias, mountAccessor: mount.accessor)
            let found = try IdentityState.entity(for: alias, in: &draft, at: now, view)
            (grant.entityID, added) = (found.entityID, found.policies)
        }
        let issued = try TokenIssuer.issue(grant, in: &draft, call.environment)
        let body = EngineAnswer(warnings: maker.warnings + missing)
        var auth = issued.auth
        auth.identityPolicies = added
        call.trace?.note(auth)
        let answer = VaultAnswer(body, auth: auth)
        return try draft.commit(answer)
    }

    /// A chosen id may have been another token's. Nothing of that one may come to the new one:
    /// neither what descends from it and is not swept yet, nor what it kept. The batch checks the
    /// record itself, and none of this comes up without a write to that.
    private func requireUnused(
        _ id: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let hash = TokenPlace.hash(Array(id.utf8), call.environment.keyring)
        var isUsed = try view.systemIndex(SystemPaths.token(hash: hash)) > 0
        for folder in [SystemPaths.children(of: hash), SystemPaths.cubbyhole(hash)] where !isUsed {
            isUsed = try !view.systemNames(in: folder, limit: 1).isEmpty
        }
        guard !isUsed else { throw .invalid("cannot create a token with a duplicate ID") }
    }

    private func missingPolicies(
        _ names: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [String] {
        var warnings: [String] = []
        for text in names {
            guard let name = PolicyName(text), !BuiltInPolicy.isFixed(name) else { continue }
            let policy = try PolicyState.current(name, view)
            if policy.map({ $0.record.isExpired(at: now) }) ?? true {
                warnings.append("Policy \(GoText.quoted(text)) does not exist")
            }
        }
        return warnings
    }
}

/// Judges what was asked for against the parent and the role, in OpenBao's order and words.
private struct TokenMaker {
    let parent: LiveToken
    let request: TokenRequest
    let role: TokenRole?
    /// In which it is made.
    let namespace: Namespace
    /// Of the parent, on the very path.
    let hasSudo: Bool
    /// What the auth method allows.
    var time = LeaseTime()
    private(set) var warnings: [String]

    init(
        parent: LiveToken,
        request: TokenRequest,
        role: TokenRole?,
        namespace: Namespace,
        hasSudo: Bool
    ) {
        self.parent = parent
        self.request = request
        self.role = role
        self.namespace = namespace
        self.hasSudo = hasSudo
        warnings = request.warnings
    }

    /// Whether the parent is of a namespace above.
    private var isForeign: Bool { parent.namespace.home != namespace.home }

    private func checkNamespace() throws(VaultError) {
        guard isForeign else { return }
        guard hasSudo else {
            throw .invalid(
                "root or sudo privileges required to directly generate a token in a child namespace"
            )
        }
        let names = TokenPolicies.normalised(request.policies, addsDefault: false)
        if names.contains(BuiltInPolicy.root) { throw Self.foreignRoot }
    }

    private static let foreignRoot = VaultError.invalid(
        "root tokens may not be created from a parent namespace"
    )

    mutating func grant(isOrphan: Bool) throws(VaultError) -> TokenGrant {
        try checkNamespace()
        try checkID()
        let isBatch = try isBatch()
        let policies = try policies()
        var grant = TokenGrant(
            displayName: request.displayName,
            path: role.map(\.creationPath)
                ?? (isOrphan ? "auth/token/create-orphan" : "auth/token/create"),
            policies: policies
        )
        grant.isBatch = isBatch
        grant.metadata = request.metadata
        grant.role = role?.name ?? ""
        grant.customID = request.customID
        grant.usesMax = usesMax()
        // A role may ask for both. Nothing would count the uses of a batch token.
        guard grant.usesMax == 0 || !isBatch else { throw Self.unfit("num_uses") }
        guard !policies.contains(BuiltInPolicy.root) || !isBatch else {
            throw .invalid("batch tokens cannot be root tokens")
        }
        // A role decides, and nobody is asked who he is for what the role gives.
        if role == nil, request.isOrphan, !hasSudo {
            throw .invalid("root or sudo privileges required to create orphan token")
        }
        let dies = !(isOrphan || role?.isOrphan ?? request.isOrphan)
        grant.parent = dies ? parent.hash : ""
        grant.parentHome = dies && isForeign ? parent.namespace.home : nil
        guard !dies || parent.generations < TokenLimits.generationsMax else {
            throw .invalid(
                "the parent descends from \(parent.generations) others, which is the limit; create "
                    + "an orphan"
            )
        }
        grant.isRenewable = request.isRenewable && role?.isRenewable ?? true
        // A child comes from where its parent may. Addresses of a role stand instead of those, as
        // in OpenBao: that is what a role is for. One without any frees nobody, as it would there.
        let ofRole = role?.boundCIDRs ?? []
        grant.boundCIDRs = ofRole.isEmpty && dies ? parent.record.boundCIDRs : ofRole
        // Nobody of another namespace is anybody here.
        grant.entityID = dies && !isForeign ? parent.record.entityID : ""
        try setLife(of: &grant)
        return grant
    }

    private func checkID() throws(VaultError) {
        if !request.entityAlias.isEmpty {
            guard let role else {
                throw .invalid("'entity_alias' is only allowed in combination with token role")
            }
            guard role.allows(alias: request.entityAlias) else {
                throw .invalid("invalid 'entity_alias' value")
            }
        }
        guard let id = request.customID else { return }
        guard hasSudo else {
            throw .invalid("root or sudo privileges required to specify token id")
        }
        guard namespace.isRoot else {
            throw .invalid("token IDs can only be manually specified in the root namespace")
        }
        guard !id.utf8.starts(with: "s.".utf8) else {
            throw .invalid("custom token ID cannot have the 's.' prefix")
        }
        guard !id.utf8.contains(0x2E) else {
            throw .invalid("custom token ID cannot have a '.' in the value")
        }
        guard id.utf8.count <= VaultLimits.tokenBytesMax else {
            throw .invalid(
                "custom token ID has \(id.utf8.count) bytes, the limit is "
                    + "\(VaultLimits.tokenBytesMax)"
            )
        }
    }

    private func isBatch() throws(VaultError) -> Bool {
        let isBatch: Bool
        switch (role?.kind, request.type) {
        case (.service?, _): return false
        case (.batch?, _): return true
        case (let kind, ""): isBatch = kind == .defaultBatch
        case (_, "service"): isBatch = false
        case (_, "batch"): isBatch = true
        default: throw .invalid("invalid 'token_type' value")
        }
        guard isBatch else { return false }
        guard request.customID == nil else { throw Self.unfit("id") }
        let given = [
            ("num_uses", request.usesMax), ("period", request.period ?? 0),
            ("explicit_max_ttl", request.explicitMax ?? 0),
        ]
        for (name, value) in given where value > 0 { throw Self.unfit(name) }
        return true
    }

    private static func unfit(_ name: String) -> VaultError {
        .invalid("batch tokens cannot have \"\(name)\" set")
    }

    private func usesMax() -> UInt64 {
        guard let most = role?.usesMax, most > 0 else { return request.usesMax }
        return request.usesMax > 0 ? min(most, request.usesMax) : most
    }

    // MARK: policies

    private func policies() throws(VaultError) -> [String] {
        for name in request.policies
        where PolicyName(name)?.text == BuiltInPolicy.wrapping {
            throw .invalid("cannot assign policy \(GoText.quoted(BuiltInPolicy.wrapping))")
        }
        let omitsDefault = request.omitsDefaultPolicy || role?.omitsDefaultPolicy ?? false
        var names: [String]
        if let role, role.restrictsPolicies {
            names = try role.policies(
                of: request.policies,
                parent: parent.record.policies,
                omitsDefault: omitsDefault
            )
        } else if isForeign {
            // Names of another namespace's policies mean nothing here.
            names = TokenPolicies.normalised(request.policies, addsDefault: !omitsDefault)
        } else if request.policies.isEmpty {
            names = parent.record.policies
        } else {
            names = TokenPolicies.normalised(request.policies, addsDefault: false)
            let parents = TokenPolicies.normalised(parent.record.policies, addsDefault: false)
            if hasSudo {
                names = TokenPolicies.normalised(names, addsDefault: true)
            } else {
                guard TokenPolicies.contains(parents, names) else {
                    throw .invalid("child policies must be subset of parent")
                }
                let hasDefault = parents.contains(BuiltInPolicy.standard)
                names = TokenPolicies.normalised(names, addsDefault: hasDefault)
            }
        }
        if omitsDefault { names.removeAll { $0 == BuiltInPolicy.standard } }
        guard !names.contains(BuiltInPolicy.root) || !isForeign else { throw Self.foreignRoot }
        guard !names.contains(BuiltInPolicy.root) || parent.record.isRoot else {
            throw .invalid("root tokens may not be created without parent token being root")
        }
        return names
    }

    // MARK: life

    private mutating func setLife(of grant: inout TokenGrant) throws(VaultError) {
        if request.period ?? 0 > 0, role == nil, !hasSudo {
            throw .invalid("root or sudo privileges required to create periodic token")
        }
        var time = time
        time.backend = request.life.seconds
        time.explicitMax = lesser(
            request.explicitMax,
            role?.explicitSecondsMax,
            "Explicit max TTL"
        )
        time.period = lesser(request.period, role?.periodSeconds, "Period")
        if grant.isBatch { (time.explicitMax, time.period) = (0, 0) }
        var seconds: UInt64 = 0
        let isRoot = grant.policies == [BuiltInPolicy.root]
        if time.period > 0 || time.backend > 0 || !isRoot {
            guard let decision = time.decide() else {
                throw .invalid("past the max TTL, cannot renew")
            }
            seconds = decision.seconds
            warnings += decision.warnings
        } else if time.explicitMax > 0 {
            seconds = time.explicitMax
        }
        grant.life = TokenLife(
            seconds: seconds,
            explicitSecondsMax: time.explicitMax,
            periodSeconds: time.period
        )
        if seconds == 0 {
            guard parent.record.expiration == nil else {
                throw .invalid("expiring root tokens cannot create non-expiring root tokens")
            }
            grant.isRenewable = false
            grant.boundCIDRs = []
        }
        if grant.customID != nil { warnings.append(Self.customWarning) }
    }

    private mutating func lesser(
        _ asked: UInt64?,
        _ ofRole: UInt64?,
        _ what: String
    ) -> UInt64 {
        let (asked, ofRole) = (asked ?? 0, ofRole ?? 0)
        guard asked > 0, ofRole > 0 else { return max(asked, ofRole) }
        let lesser = min(asked, ofRole)
        warnings.append(
            "\(what) specified both during creation call and in role; using the lesser value of "
                + "\(lesser) seconds"
        )
        return lesser
    }

    private static let customWarning =
        "Supplying a custom ID for the token is weaker than a random one: whoever guesses it has "
        + "the rights of the token."
}

extension Authority {
    /// Whether its policies give `sudo` on a path.
    func hasSudo(on path: String) -> Bool {
        access.capabilities(of: path).contains { $0 == "sudo" || $0 == "root" }
    }
}
