import Barrier
import Wire

/// `config` and roles: reading and writing.
///
/// Whether a certificate is still good is not asked of anybody (OCSP): that needs effects, which a
/// login cannot have. Parameters that turn it on are refused, never stored.
extension CertMethod {
    func readConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, FieldSchema([]))
        let config = try config(view).record
        let members: JSONObject = [
            "disable_binding": .bool(config.isUnbound),
            "enable_identity_alias_metadata": .bool(config.givesAliasMetadata),
            "ocsp_cache_size": 0,
        ]
        return answer(members, fields)
    }

    func writeConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.configSchema)
        let found = try config(view)
        if let size = fields.int("ocsp_cache_size"), size != 0 {
            throw Self.unsupported("ocsp_cache_size")
        }
        var record = found.record
        record.isUnbound = fields.bool("disable_binding") ?? record.isUnbound
        record.givesAliasMetadata =
            fields.bool("enable_identity_alias_metadata") ?? record.givesAliasMetadata
        var plan = BatchPlan()
        plan.check(Self.configPath, found.modificationIndex)
        plan.put(Self.configPath, record.encoded())
        return .commit(plan, .empty)
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
        let own: JSONObject = [
            "certificate": .string(role.certificate), "display_name": .string(role.displayName),
            "ocsp_ca_certificates": "", "ocsp_enabled": false, "ocsp_fail_open": false,
            "ocsp_query_all_servers": false, "ocsp_servers_override": .null,
        ]
        for rule in CertRoleRecord.Rule.allCases {
            members[rule.rawValue] =
                role.rules[rule].map { .array($0.map { .string($0) }) } ?? .null
        }
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
        for name in Self.switches where fields.bool(name) == true { throw Self.unsupported(name) }
        for name in ["ocsp_ca_certificates", "ocsp_servers_override"] {
            guard (fields.texts(name) ?? []).allSatisfy(\.isEmpty) else {
                throw Self.unsupported(name)
            }
        }
        let found = try role(name, view)
        var role = found?.record ?? CertRoleRecord()
        if found == nil { role.displayName = name }
        if let text = fields.text("certificate") { role.certificate = try Self.pem(text) }
        if let text = fields.text("display_name") {
            role.displayName = try Self.checked(text, "display_name")
        }
        try Self.applyRules(fields, to: &role)
        try role.parameters.apply(fields)
        try role.echo.apply(fields, taking: Self.oldNames, to: &role.parameters)
        try role.parameters.check()
        guard let trusted = try CertRoleRecord.certificates(role.certificate) else {
            throw .invalid("failed to parse certificate")
        }
        guard trusted[0].isAuthority || trusted[0].isForClients else {
            throw .invalid(
                "nonCA certificates should have TLS client authentication set as an extended key "
                    + "usage"
            )
        }
        var plan = BatchPlan()
        plan.check(Self.rolePath(name), found?.modificationIndex ?? 0)
        plan.put(Self.rolePath(name), role.encoded())
        return .commit(plan, .empty)
    }

    private static func applyRules(
        _ fields: Fields,
        to role: inout CertRoleRecord
    ) throws(EngineError) {
        for rule in CertRoleRecord.Rule.allCases {
            guard let texts = fields.texts(rule.rawValue) else { continue }
            let limit =
                rule == .metadataExtensions
                ? EngineLimits.metadataExtensionsMax : EngineLimits.certificateRulesMax
            guard texts.count <= limit else {
                throw .invalid(
                    "\(rule.rawValue) has \(texts.count) members, the limit is \(limit)"
                )
            }
            for text in texts { _ = try checked(text, rule.rawValue) }
            role.rules[rule] = texts
        }
        let required = role.rules[.requiredExtensions] ?? []
        guard required.allSatisfy({ RequiredExtension($0) != nil }) else {
            throw .invalid(
                "a member of required_extensions is an object identifier, a colon and a pattern"
            )
        }
    }

    // MARK: parts

    private static func pem(_ text: String) throws(EngineError) -> String {
        guard text.utf8.count <= EngineLimits.certificateTextBytesMax else {
            throw .invalid(
                "certificate is \(text.utf8.count) bytes, the limit is "
                    + "\(EngineLimits.certificateTextBytesMax)"
            )
        }
        return text
    }

    private static func checked(_ text: String, _ name: String) throws(EngineError) -> String {
        guard text.utf8.count <= EngineLimits.certificateRuleBytesMax else {
            throw .invalid(
                "a text in \(name) is \(text.utf8.count) bytes, the limit is "
                    + "\(EngineLimits.certificateRuleBytesMax)"
            )
        }
        return text
    }

    private static func unsupported(_ name: String) -> EngineError {
        .invalid(
            "this version of Holdfast asks no OCSP server, so \(name) is not supported: upload "
                + "lists of revoked certificates to crls/"
        )
    }

    private func answer(_ members: JSONObject, _ fields: Fields) -> EngineStep {
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    private static let switches = ["ocsp_enabled", "ocsp_fail_open", "ocsp_query_all_servers"]
    private static let configSchema = FieldSchema([
        ("disable_binding", .bool), ("enable_identity_alias_metadata", .bool),
        ("ocsp_cache_size", .int),
    ])
    private static let oldNames: OldTokenNames = [
        .policies, .ttl, .ttlMax, .period, .boundCIDRs,
    ]
    private static let roleSchema = FieldSchema(
        [
            ("certificate", .text), ("display_name", .text), ("ocsp_enabled", .bool),
            ("ocsp_ca_certificates", .texts), ("ocsp_servers_override", .texts),
            ("ocsp_fail_open", .bool), ("ocsp_query_all_servers", .bool),
        ] + CertRoleRecord.Rule.allCases.map { ($0.rawValue, .texts) } + oldNames.schema()
            + TokenParameters.schema,
        captured: ["name"]
    )
}
