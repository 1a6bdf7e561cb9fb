import Barrier
import Cryptography
import Wire

/// `config` and roles: reading and writing.
extension JWTMethod {
    func readConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, FieldSchema([]))
        guard let config = try config(view)?.record else { throw .notFound }
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        let keySet = config.source.flatMap { $0.kind == .keySet ? $0 : nil }
        let discovery = config.source.flatMap { $0.kind == .discovery ? $0 : nil }
        var members: JSONObject = [
            "bound_issuer": .string(config.issuer), "default_role": .string(config.defaultRole),
            "jwks_ca_pem": .string(keySet?.authorities ?? ""),
            "jwks_url": .string(keySet?.url ?? ""),
            "jwt_supported_algs": list(config.algorithms),
            "jwt_validation_pubkeys": list(config.publicKeys), "namespace_in_state": true,
            "oidc_client_id": "", "oidc_discovery_ca_pem": .string(discovery?.authorities ?? ""),
            "oidc_discovery_url": .string(discovery?.url ?? ""),
            "oidc_response_mode": "", "oidc_response_types": [],
            "override_allowed_server_names": [], "provider_config": [:], "status": "valid",
        ]
        var warnings: [String] = []
        if let source = config.source {
            switch try Self.check(source, .kept, request) {
            case .ask(let question): return .perform(.keySet, body: question.encoded())
            case .good: break
            case .bad(let reason):
                members["status"] = "invalid"
                warnings.append(
                    "failed to construct JWK validator: keyset configuration error: \(reason)"
                )
            }
        }
        return answer(members, fields, warnings)
    }

    func writeConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.configSchema)
        let texts = fields.texts("jwt_validation_pubkeys") ?? []
        let sources = ["jwks_url", "oidc_discovery_url"].filter {
            !(fields.text($0) ?? "").isEmpty
        }
        guard sources.count + (texts.isEmpty ? 0 : 1) == 1 else {
            throw .invalid(
                "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', "
                    + "'oidc_discovery_url', or 'provider_config' must be set"
            )
        }
        try Self.refuse(Self.unsupportedConfig, in: request.fields)
        var record = JWTConfigRecord()
        record.source = try Self.source(fields)
        record.publicKeys = try Self.keys(texts)
        record.algorithms = try Self.algorithms(fields)
        record.issuer = try Self.claimText(fields.text("bound_issuer") ?? "", "bound_issuer")
        if let name = fields.text("default_role"), !name.isEmpty {
            guard let stored = AuthName.stored(name) else {
                throw .invalid("default_role is not the name of a role")
            }
            record.defaultRole = stored
        }
        var answer = EngineAnswer.empty
        if let source = record.source {
            // Last, so that nothing is fetched for a configuration that is refused anyway.
            switch try Self.check(source, .now, request) {
            case .ask(let question): return .perform(.keySet, body: question.encoded())
            case .good: break
            case .bad(let reason):
                let text = "\(source.checkFailed): \(reason)"
                guard fields.bool("skip_jwks_validation") ?? false else { throw .invalid(text) }
                answer = EngineAnswer(warnings: [text])
            }
        }
        var plan = BatchPlan()
        plan.check(Self.configPath, try config(view)?.modificationIndex ?? 0)
        plan.put(Self.configPath, record.encoded())
        return .commit(plan, answer)
    }

    private static func algorithms(_ fields: Fields) throws(EngineError) -> [String] {
        let names = fields.texts("jwt_supported_algs") ?? []
        for name in names where SignatureAlgorithm(rawValue: name) == nil {
            throw .invalid(
                "invalid jwt_supported_algs: unsupported signing algorithm \(GoText.quoted(name))"
            )
        }
        guard names.count <= SignatureAlgorithm.allCases.count else {
            throw .invalid("jwt_supported_algs names an algorithm more than once")
        }
        return names
    }

    private static func keys(_ texts: [String]) throws(EngineError) -> [String] {
        guard texts.count <= EngineLimits.jwtKeysMax,
            texts.allSatisfy({ $0.utf8.count <= EngineLimits.jwtKeyBytesMax })
        else {
            throw .invalid(
                "at most \(EngineLimits.jwtKeysMax) keys of \(EngineLimits.jwtKeyBytesMax) bytes"
            )
        }
        var count = 0
        for text in texts { count += try PublicKeyText.keys(text).count }
        guard count <= EngineLimits.jwtKeysMax else {
            throw .invalid("\(count) keys, the limit is \(EngineLimits.jwtKeysMax)")
        }
        return texts.map(PublicKeyText.trimmed)
    }

    // MARK: roles

    func readRole(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, FieldSchema([], captured: ["name"]))
        guard let role = try role(name, view)?.record else { throw .notFound }
        var members = role.parameters.members
        func listOrNull(_ texts: [String]) -> JSONValue {
            texts.isEmpty ? .null : .array(texts.map { .string($0) })
        }
        func number(_ value: Int) -> JSONValue { .number(JSONNumber(value)) }
        let bound = role.boundClaims.map { ($0.claim, Self.shown($0)) }
        let mappings = role.mappings.map { ($0.claim, JSONValue.string($0.metadata)) }
        let own: JSONObject = [
            "allowed_redirect_uris": .null, "bound_audiences": listOrNull(role.audiences),
            "bound_claims": bound.isEmpty ? .null : .object(JSONObject(bound)),
            "bound_claims_type": role.isGlob ? "glob" : "string",
            "bound_subject": .string(role.subject), "callback_mode": "client",
            "claim_mappings": mappings.isEmpty ? .null : .object(JSONObject(mappings)),
            "clock_skew_leeway": number(role.skewLeeway),
            "expiration_leeway": number(role.expirationLeeway),
            "groups_claim": .string(role.groupsClaim), "max_age": 0,
            "not_before_leeway": number(role.notBeforeLeeway), "oauth2_metadata": .null,
            "oidc_disable_confirmation": false, "oidc_scopes": .null, "role_type": "jwt",
            "token_policies_template_claims": false, "user_claim": .string(role.userClaim),
            "user_claim_json_pointer": .bool(role.isUserPointer), "verbose_oidc_logging": false,
        ]
        for (name, value) in own.members { members[name] = value }
        role.echo.add(to: &members)
        return answer(members, fields)
    }

    func writeRole(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.roleSchema)
        let found = try role(name, view)
        var role = found?.record ?? JWTRoleRecord()
        // As OpenBao has it, a role's type is said with every write.
        let type = fields.text("role_type") ?? "oidc"
        guard ["", "oidc", "jwt"].contains(type) else {
            throw .invalid("invalid 'role_type': \(type)")
        }
        try role.parameters.apply(fields)
        try role.echo.apply(fields, taking: Self.oldNames, to: &role.parameters)
        if let claim = fields.text("user_claim") {
            role.userClaim = try Self.claimText(claim, "user_claim")
        }
        guard !role.userClaim.isEmpty else {
            throw .invalid("a user claim must be defined on the role")
        }
        try Self.refuse(Self.unsupportedRole, in: request.fields)
        guard type == "jwt" else {
            guard !(fields.texts("allowed_redirect_uris") ?? []).isEmpty else {
                throw .invalid(
                    "'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified."
                )
            }
            throw .invalid("this version of Holdfast has roles of role_type jwt only, not oidc")
        }
        try Self.applyBounds(fields, to: &role)
        try Self.applyMappings(fields, to: &role)
        role.isUserPointer = fields.bool("user_claim_json_pointer") ?? role.isUserPointer
        if let claim = fields.text("groups_claim") {
            role.groupsClaim = try Self.claimText(claim, "groups_claim")
        }
        role.expirationLeeway = fields.int("expiration_leeway") ?? role.expirationLeeway
        role.notBeforeLeeway = fields.int("not_before_leeway") ?? role.notBeforeLeeway
        role.skewLeeway = fields.int("clock_skew_leeway") ?? role.skewLeeway
        for leeway in [role.expirationLeeway, role.notBeforeLeeway, role.skewLeeway] {
            guard EngineLimits.leewaySeconds.contains(leeway) else {
                throw .invalid("a leeway is -1 (none), 0 (the default) or up to a year")
            }
        }
        try role.parameters.check()
        let isBound =
            !role.audiences.isEmpty || !role.subject.isEmpty || !role.boundClaims.isEmpty
            || !role.parameters.boundCIDRs.isEmpty
        guard isBound else {
            throw .invalid("must have at least one bound constraint when creating/updating a role")
        }
        var plan = BatchPlan()
        plan.check(Self.rolePath(name), found?.modificationIndex ?? 0)
        plan.put(Self.rolePath(name), role.encoded())
        return .commit(plan, .empty)
    }

    private static func applyBounds(
        _ fields: Fields,
        to role: inout JWTRoleRecord
    ) throws(EngineError) {
        if let texts = fields.texts("bound_audiences") {
            role.audiences = try claimTexts(texts, "bound_audiences")
        }
        if let text = fields.text("bound_subject") {
            role.subject = try claimText(text, "bound_subject")
        }
        switch fields.text("bound_claims_type") {
        case nil: break
        case "", "string": role.isGlob = false
        case "glob": role.isGlob = true
        case .some(let other): throw .invalid("invalid 'bound_claims_type': \(other)")
        }
        if let claims = fields.map("bound_claims") {
            role.boundClaims = []
            for (claim, value) in claims.sorted().members {
                role.boundClaims.append(try bound(claim, value))
            }
            guard role.boundClaims.map(\.values.count).reduce(0, +) <= EngineLimits.claimsMax,
                role.boundClaims.count <= EngineLimits.claimsMax
            else { throw .invalid("bound_claims has more than \(EngineLimits.claimsMax) values") }
        }
        guard role.isGlob else { return }
        for value in role.boundClaims.flatMap(\.values) where value.utf8.first != 0x22 {
            throw .invalid("claim is not a string: \(value)")
        }
    }

    private static func bound(
        _ claim: String,
        _ value: JSONValue
    ) throws(EngineError) -> JWTRoleRecord.BoundClaim {
        let elements: [JSONValue]
        var isList = false
        if case .array(let list) = value {
            elements = list
            isList = true
        } else {
            elements = [value]
        }
        let texts = elements.map { String(decoding: $0.encoded(sortingKeys: true), as: UTF8.self) }
        return JWTRoleRecord.BoundClaim(
            claim: try claimText(claim, "bound_claims"),
            values: try claimTexts(texts, "bound_claims"),
            isList: isList
        )
    }

    private static func shown(_ bound: JWTRoleRecord.BoundClaim) -> JSONValue {
        let values = bound.values.compactMap { try? JSONScanner.parse(Array($0.utf8)) }
        return bound.isList ? .array(values) : values.first ?? .null
    }

    private static func applyMappings(
        _ fields: Fields,
        to role: inout JWTRoleRecord
    ) throws(EngineError) {
        guard let pairs = fields.map("claim_mappings") else { return }
        var mappings: [JWTRoleRecord.Mapping] = []
        for (claim, value) in pairs.sorted().members {
            let name = value.asString ?? ""
            guard (1...EngineLimits.claimMappingNameBytesMax).contains(name.utf8.count) else {
                throw .invalid(
                    "a name in claim_mappings has 1 to "
                        + "\(EngineLimits.claimMappingNameBytesMax) bytes"
                )
            }
            guard name != "role" else {
                throw .invalid(
                    "metadata key \"role\" is reserved and may not be a mapping destination"
                )
            }
            guard !mappings.contains(where: { utf8Equals($0.metadata, name) }) else {
                throw .invalid("multiple keys are mapped to metadata key \(GoText.quoted(name))")
            }
            mappings.append(
                JWTRoleRecord.Mapping(
                    claim: try claimText(claim, "claim_mappings"),
                    metadata: name
                )
            )
        }
        guard mappings.count <= EngineLimits.claimMappingsMax else {
            throw .invalid(
                "claim_mappings has more than \(EngineLimits.claimMappingsMax) members"
            )
        }
        role.mappings = mappings
    }

    // MARK: parts

    private static func claimText(_ text: String, _ name: String) throws(EngineError) -> String {
        guard text.utf8.count <= EngineLimits.claimBytesMax else {
            throw .invalid(
                "\(name) is \(text.utf8.count) bytes, the limit is \(EngineLimits.claimBytesMax)"
            )
        }
        return text
    }

    private static func claimTexts(
        _ texts: [String],
        _ name: String
    ) throws(EngineError) -> [String] {
        guard texts.count <= EngineLimits.claimsMax else {
            throw .invalid("\(name) has more than \(EngineLimits.claimsMax) values")
        }
        for text in texts { _ = try claimText(text, name) }
        return texts
    }

    private func answer(
        _ members: JSONObject,
        _ fields: Fields,
        _ warnings: [String] = []
    ) -> EngineStep {
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return .answer(EngineAnswer(data: data, warnings: fields.warnings + warnings))
    }

    /// What belongs to logins by redirect, or to OpenBao's other ways to keys: nobody is to believe
    /// that it was taken.
    private static let unsupportedConfig = [
        "oidc_client_id", "oidc_client_secret", "oidc_response_mode", "oidc_response_types",
        "provider_config", "jwks_pairs", "override_allowed_server_names",
    ]
    private static let unsupportedRole = [
        "max_age", "oidc_scopes", "oauth2_metadata", "oidc_disable_confirmation",
        "token_policies_template_claims",
    ]

    private static func refuse(_ names: [String], in fields: JSONObject) throws(EngineError) {
        for name in names {
            switch fields[name] {
            case nil, .null, false, "", 0, .array([]), "0", "false": continue
            case .object(let members) where members.count == 0: continue
            default: throw .invalid("this version of Holdfast does not support \(name) of OpenBao")
            }
        }
    }

    private static let configSchema = FieldSchema([
        ("jwt_validation_pubkeys", .texts), ("jwt_supported_algs", .texts),
        ("bound_issuer", .text), ("default_role", .text), ("jwks_url", .text),
        ("jwks_ca_pem", .text), ("oidc_discovery_url", .text), ("oidc_discovery_ca_pem", .text),
        ("skip_jwks_validation", .bool),
    ])
    private static let oldNames: OldTokenNames = [
        .policies, .ttl, .ttlMax, .period, .uses, .boundCIDRs,
    ]
    private static let roleSchema = FieldSchema(
        [
            ("role_type", .text), ("user_claim", .text), ("user_claim_json_pointer", .bool),
            ("bound_audiences", .texts), ("bound_subject", .text), ("bound_claims", .map),
            ("bound_claims_type", .text), ("claim_mappings", .pairs), ("groups_claim", .text),
            ("expiration_leeway", .signedSeconds), ("not_before_leeway", .signedSeconds),
            ("clock_skew_leeway", .signedSeconds), ("allowed_redirect_uris", .texts),
        ] + oldNames.schema() + TokenParameters.schema,
        captured: ["name"],
        looksFirst: true
    )
}
