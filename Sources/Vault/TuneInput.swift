import Engines
import Wire

/// The body of `POST sys/mounts/<path>/tune` or `POST sys/auth/<path>/tune`, checked against the
/// mount as it is.
struct TuneInput {
    /// The mount's tuning after the request.
    let tuning: MountRecord.Tuning
    /// Whether the mount's secrets have to be given version 2 first.
    let beginsUpgrade: Bool
    /// About parameters that had no effect.
    let warnings: [String]

    /// What is tuned.
    private struct Subject {
        let tuning: MountRecord.Tuning
        /// As clients name it.
        let type: String
        /// Nil for the auth method `token/`.
        let record: MountRecord?

        var isAuthMethod: Bool { record?.isAuthMethod ?? true }
    }

    init(_ raw: JSONObject, _ record: MountRecord) throws(VaultError) {
        try self.init(raw, Subject(tuning: record.tuning, type: record.type, record: record))
    }

    /// - Parameter type: `token`, or what it is in a namespace.
    init(
        _ raw: JSONObject,
        ofTokenMethod tuning: MountRecord.Tuning,
        _ type: String
    ) throws(VaultError) {
        try self.init(raw, Subject(tuning: tuning, type: type, record: nil))
    }

    private init(_ raw: JSONObject, _ subject: Subject) throws(VaultError) {
        // Null in these means "not given", as the command line sends it.
        var given = JSONObject()
        for (name, value) in raw.members where !value.isNull { given[name] = value }
        let fields = try SystemFields.parse(given, Self.schema)
        try Self.refuseUnsupported(fields, subject)
        var tuning = subject.tuning
        tuning.leaseSeconds = try Self.seconds(given["default_lease_ttl"], tuning.leaseSeconds)
        tuning.leaseSecondsMax = try Self.seconds(given["max_lease_ttl"], tuning.leaseSecondsMax)
        try Self.checkLeases(tuning)
        if let text = fields.text("description") {
            tuning.description = try MountText.description(text)
        }
        if let text = fields.text("listing_visibility") {
            tuning.listingVisibility = try MountText.visibility(text)
        }
        tuning.options = try Self.options(fields, subject)
        tuning.auditRequestKeys =
            try MountText.list(fields, "audit_non_hmac_request_keys") ?? tuning.auditRequestKeys
        tuning.auditResponseKeys =
            try MountText.list(fields, "audit_non_hmac_response_keys") ?? tuning.auditResponseKeys
        tuning.passthroughHeaders =
            try MountText.list(fields, "passthrough_request_headers") ?? tuning.passthroughHeaders
        tuning.responseHeaders =
            try MountText.list(fields, "allowed_response_headers") ?? tuning.responseHeaders
        try Self.applyLogins(fields, &tuning)
        self.tuning = tuning
        var others = given
        for name in ["default_lease_ttl", "max_lease_ttl"] { others[name] = nil }
        warnings = try SystemFields.parse(others, Self.schema).warnings
        let version = tuning.options.first { $0.name == "version" }?.value
        let isOld = subject.record.map { $0.kind == .kvVersion1 && !$0.isUpgrading } ?? false
        beginsUpgrade = isOld && version == "2"
    }

    /// What only auth methods have.
    private static func applyLogins(
        _ fields: Fields,
        _ tuning: inout MountRecord.Tuning
    ) throws(VaultError) {
        if let text = fields.text("token_type"), !text.isEmpty {
            tuning.tokenKind = try MountText.tokenKind(text)
        }
        guard let raw = fields.map("user_lockout_config"), !raw.isEmpty else { return }
        var lockout = tuning.lockout ?? LockoutTuning()
        try lockout.apply(raw)
        tuning.lockout = lockout
    }

    /// `""` leaves a lease as it is, `system` gives it back to the system.
    private static func seconds(_ raw: JSONValue?, _ current: Int) throws(VaultError) -> Int {
        let text: String
        switch raw {
        case nil, .string(""): return current
        case .string("system"): return 0
        case .string(let given): text = given
        case .number(let number): text = number.text
        default: throw .invalid("a lease TTL is a number of seconds or a duration such as 1h30m")
        }
        return try MountText.seconds(text)
    }

    private static func checkLeases(_ tuning: MountRecord.Tuning) throws(VaultError) {
        let system = VaultLimits.leaseSecondsDefault
        let leaseMax = tuning.leaseSecondsMax > 0 ? tuning.leaseSecondsMax : system
        guard tuning.leaseSeconds <= leaseMax else {
            throw .invalid(
                "backend max lease TTL of \(leaseMax) would be less than backend default lease TTL "
                    + "of \(tuning.leaseSeconds)"
            )
        }
    }

    private static func refuseUnsupported(
        _ fields: Fields,
        _ subject: Subject
    ) throws(VaultError) {
        if fields.has("token_type"), !subject.isAuthMethod {
            throw .invalid("'token_type' can only be modified on auth mounts")
        }
        if fields.has("token_type"), subject.record == nil {
            throw .invalid("'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
        }
        let hasLockouts = subject.record.map { LockoutTuning.applies(to: $0.kind) } ?? false
        if let raw = fields.map("user_lockout_config"), !raw.isEmpty, !hasLockouts {
            throw .invalid(
                "tuning of user lockout configuration for auth type "
                    + "\(GoText.quoted(subject.type)) not allowed"
            )
        }
        if let version = fields.text("plugin_version"), !version.isEmpty {
            throw .invalid(
                "plugin not found in the catalog: \(subject.type), version=\(version)"
            )
        }
    }

    /// The options after the request.
    private static func options(
        _ fields: Fields,
        _ subject: Subject
    ) throws(VaultError) -> [MountRecord.Option] {
        var options = subject.tuning.options
        for option in try MountText.options(fields.map("options") ?? JSONObject()) {
            if option.name == "version", let record = subject.record, !record.isAuthMethod {
                try checkVersion(option.value, record)
            }
            // Nothing is the end of one, as in OpenBao.
            options =
                option.value.isEmpty
                ? options.filter { !utf8Equals($0.name, option.name) }
                : MountText.setting(option.name, to: option.value, in: options)
        }
        guard options.count <= VaultLimits.mountOptionsMax else {
            throw .invalid("a mount has at most \(VaultLimits.mountOptionsMax) options")
        }
        return options
    }

    private static func checkVersion(_ text: String, _ record: MountRecord) throws(VaultError) {
        guard let wanted = Int(text) else {
            throw .invalid(
                "unable to parse options: strconv.ParseInt: parsing \(GoText.quoted(text)): "
                    + "invalid syntax"
            )
        }
        let current = record.isUpgrading ? EngineKind.kvVersion2 : record.kind
        switch (current, wanted) {
        case (.kvVersion1, 0), (.kvVersion1, 1), (.kvVersion2, 2):
            return
        case (.kvVersion2, ..<2):
            throw .invalid("cannot downgrade mount from version 2")
        case (.kvVersion1, 2) where record.type == "kv":
            return
        default:
            throw .invalid("invalid version provided: \(wanted)")
        }
    }

    /// What tuning can change, in the order in which built-in mounts name it.
    static let settings = [
        "description", "default_lease_ttl", "max_lease_ttl", "listing_visibility", "options",
        "audit_non_hmac_request_keys", "audit_non_hmac_response_keys",
        "passthrough_request_headers", "allowed_response_headers", "token_type",
        "plugin_version", "user_lockout_config",
    ]

    private static let schema = FieldSchema(
        [
            ("description", .text), ("listing_visibility", .text), ("options", .pairs),
            ("audit_non_hmac_request_keys", .texts), ("audit_non_hmac_response_keys", .texts),
            ("passthrough_request_headers", .texts), ("allowed_response_headers", .texts),
            ("token_type", .text), ("plugin_version", .text), ("user_lockout_config", .map),
        ],
        captured: ["path"]
    )
}
