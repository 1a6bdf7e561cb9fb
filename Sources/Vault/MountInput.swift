import Engines
import Wire

/// The body of `POST sys/mounts/<path>` or `POST sys/auth/<path>`, checked.
struct MountInput {
    let type: String
    let kind: EngineKind
    let tuning: MountRecord.Tuning

    /// - Parameter isAuthMethod: whether the types are those of auth methods.
    init(_ raw: JSONObject, isAuthMethod: Bool) throws(VaultError) {
        let fields = try SystemFields.parse(raw, Self.schema)
        guard var type = fields.text("type"), !type.isEmpty else {
            throw .invalid("backend type must be specified as a string")
        }
        let config = fields.map("config") ?? JSONObject()
        var tuning = try Self.tuning(config, isAuthMethod ? "auth" : "mount")
        if type == "plugin", let name = fields.text("plugin_name"), !name.isEmpty { type = name }
        try Self.refuseUnsupported(fields)
        tuning.description = try MountText.description(fields.text("description") ?? "")
        tuning.options = try MountText.options(fields.map("options") ?? JSONObject())
        if isAuthMethod {
            self.type = type
            kind = try Self.authMethod(type)
            try Self.addLogins(config, kind, to: &tuning)
        } else {
            (self.type, kind) = try Self.engine(type, &tuning)
        }
        self.tuning = tuning
    }

    /// The auth method behind a type.
    private static func authMethod(_ type: String) throws(VaultError) -> EngineKind {
        if type == "token" { throw .invalid("token credential backend cannot be instantiated") }
        guard let kind = EngineKind(authMethod: type) else {
            throw .invalid("plugin not found in the catalog: \(type)")
        }
        return kind
    }

    /// What only auth methods have.
    private static func addLogins(
        _ config: JSONObject,
        _ kind: EngineKind,
        to tuning: inout MountRecord.Tuning
    ) throws(VaultError) {
        let fields = try SystemFields.parse(config, authSchema)
        if let text = fields.text("token_type") {
            tuning.tokenKind = try MountText.tokenKind(text)
        }
        guard let raw = fields.map("user_lockout_config"), !raw.isEmpty else { return }
        guard LockoutTuning.applies(to: kind) else {
            throw .invalid("user_lockout_config is for userpass and approle only")
        }
        var lockout = LockoutTuning()
        try lockout.apply(raw)
        tuning.lockout = lockout
    }

    /// The engine behind a type. `kv-v1` and `kv-v2` are short for `kv` with its option.
    private static func engine(
        _ type: String,
        _ tuning: inout MountRecord.Tuning
    ) throws(VaultError) -> (type: String, kind: EngineKind) {
        switch type {
        case "kv":
            let version = tuning.options.first { $0.name == "version" }?.value
            switch version {
            case nil, "", "1": return ("kv", .kvVersion1)
            case "2": return ("kv", .kvVersion2)
            case .some(let other):
                throw .invalid("kv has versions 1 and 2, not \(GoText.quoted(other))")
            }
        case "kv-v1":
            tuning.options = MountText.setting("version", to: "1", in: tuning.options)
            return ("kv", .kvVersion1)
        case "kv-v2":
            tuning.options = MountText.setting("version", to: "2", in: tuning.options)
            return ("kv", .kvVersion2)
        case "generic":
            return ("generic", .kvVersion1)
        case "totp":
            return ("totp", .totp)
        case "system", "cubbyhole", "identity", "ns_system", "ns_cubbyhole", "ns_identity":
            throw .invalid("mount type of \(GoText.quoted(type)) is not mountable")
        default:
            throw .invalid("plugin not found in the catalog: \(type)")
        }
    }

    /// - Parameter noun: what OpenBao calls the mount in its errors.
    private static func tuning(
        _ config: JSONObject,
        _ noun: String
    ) throws(VaultError) -> MountRecord.Tuning {
        var tuning = MountRecord.Tuning()
        tuning.leaseSeconds = try seconds(config["default_lease_ttl"], "default", noun)
        tuning.leaseSecondsMax = try seconds(config["max_lease_ttl"], "max", noun)
        let system = VaultLimits.leaseSecondsDefault
        if tuning.leaseSecondsMax > 0 && tuning.leaseSeconds > tuning.leaseSecondsMax {
            throw .invalid("given default lease TTL greater than given max lease TTL")
        }
        if tuning.leaseSecondsMax == 0 && tuning.leaseSeconds > system {
            throw .invalid("given default lease TTL greater than system max lease TTL of \(system)")
        }
        switch config["force_no_cache"] {
        case nil, .null: break
        case .bool(let flag): tuning.isForcedUncached = flag
        default: throw .invalid("unable to convert given \(noun) config information")
        }
        let fields = try SystemFields.parse(config, configSchema)
        tuning.listingVisibility = try MountText.visibility(fields.text("listing_visibility") ?? "")
        tuning.auditRequestKeys = try MountText.list(fields, "audit_non_hmac_request_keys") ?? []
        tuning.auditResponseKeys = try MountText.list(fields, "audit_non_hmac_response_keys") ?? []
        tuning.passthroughHeaders = try MountText.list(fields, "passthrough_request_headers") ?? []
        tuning.responseHeaders = try MountText.list(fields, "allowed_response_headers") ?? []
        return tuning
    }

    private static func seconds(
        _ raw: JSONValue?,
        _ which: String,
        _ noun: String
    ) throws(VaultError) -> Int {
        let text: String
        switch raw {
        case nil, .null: return 0
        case .string(let given): text = given
        case .number(let number): text = number.text
        default: throw .invalid("unable to convert given \(noun) config information")
        }
        do throws(DurationError) {
            return try GoDuration.seconds(of: text)
        } catch {
            throw .invalid("unable to parse \(which) TTL of \(text): \(error.summary)")
        }
    }

    /// What would be accepted and not obeyed is refused instead.
    private static func refuseUnsupported(_ fields: Fields) throws(VaultError) {
        for name in ["local", "seal_wrap", "external_entropy_access"]
        where fields.bool(name) == true {
            throw .invalid("this version of Holdfast does not support \(name) mounts")
        }
        if let version = fields.text("plugin_version"), !version.isEmpty {
            throw .invalid("plugin_version is \(version), and engines here have none but their own")
        }
    }

    private static let schema = FieldSchema(
        [
            ("type", .text), ("description", .text), ("config", .map), ("options", .pairs),
            ("local", .bool), ("seal_wrap", .bool), ("external_entropy_access", .bool),
            ("plugin_name", .text), ("plugin_version", .text),
        ],
        captured: ["path"]
    )

    private static let configSchema = FieldSchema([
        ("listing_visibility", .text), ("audit_non_hmac_request_keys", .texts),
        ("audit_non_hmac_response_keys", .texts), ("passthrough_request_headers", .texts),
        ("allowed_response_headers", .texts),
    ])

    private static let authSchema = FieldSchema([
        ("token_type", .text), ("user_lockout_config", .map),
    ])
}

/// Checks that mounting and tuning share.
enum MountText {
    /// A number of seconds, or a duration such as `1h30m`, in whole seconds.
    static func seconds(_ text: String) throws(VaultError) -> Int {
        do throws(DurationError) {
            return try GoDuration.seconds(of: text)
        } catch {
            throw .invalid(error.summary)
        }
    }

    static func visibility(_ text: String) throws(VaultError) -> String {
        switch text {
        case "", "hidden", "unauth": return text
        default: throw .invalid("invalid listing_visibility \(text)")
        }
    }

    static func tokenKind(_ text: String) throws(VaultError) -> TokenKind {
        switch text {
        case "", "default-service": .defaultService
        case "service": .service
        case "batch": .batch
        case "default-batch": .defaultBatch
        default: throw .invalid("invalid value for 'token_type'")
        }
    }

    static func description(_ text: String) throws(VaultError) -> String {
        guard text.utf8.count <= VaultLimits.descriptionBytesMax else {
            throw .invalid(
                "the description is \(text.utf8.count) bytes, the limit is "
                    + "\(VaultLimits.descriptionBytesMax)"
            )
        }
        return text
    }

    static func list(_ fields: Fields, _ name: String) throws(VaultError) -> [String]? {
        guard let texts = fields.texts(name) else { return nil }
        try checkSizes(texts, name)
        return texts
    }

    /// Sorted by name.
    static func options(_ raw: JSONObject) throws(VaultError) -> [MountRecord.Option] {
        let options = raw.sorted().members.map { member in
            MountRecord.Option(name: member.name, value: member.value.asString ?? "")
        }
        try checkSizes(options.map(\.name), "options")
        try checkSizes(options.map(\.value), "options")
        return options
    }

    static func setting(
        _ name: String,
        to value: String,
        in options: [MountRecord.Option]
    ) -> [MountRecord.Option] {
        let others = options.filter { !utf8Equals($0.name, name) }
        return (others + [MountRecord.Option(name: name, value: value)]).sorted {
            utf8Precedes($0.name, $1.name)
        }
    }

    private static func checkSizes(_ texts: [String], _ name: String) throws(VaultError) {
        let bytesMax = VaultLimits.mountOptionBytesMax
        guard texts.count <= VaultLimits.mountOptionsMax,
            texts.allSatisfy({ $0.utf8.count <= bytesMax })
        else {
            throw .invalid(
                "\(name) takes at most \(VaultLimits.mountOptionsMax) texts of \(bytesMax) bytes"
            )
        }
    }
}
