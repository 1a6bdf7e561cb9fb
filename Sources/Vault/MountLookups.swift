import Barrier
import Engines
import Policy
import Wire

/// Everything that shows mounts: `sys/mounts`, `sys/auth`, their tuning, `sys/internal/ui/mounts`.
struct MountLookups {
    private let mounts: MountTable
    private let version: String
    private let vaultID: [UInt8]
    private let namespace: Namespace
    /// Whose policies decide what `sys/internal/ui/mounts` shows.
    private let access: TokenAccess

    init(
        _ mounts: MountTable,
        _ environment: borrowing VaultEnvironment,
        for access: TokenAccess = .root
    ) {
        self.mounts = mounts
        self.access = access
        version = environment.facts.version
        vaultID = environment.keyring.vaultID
        namespace = environment.namespace
    }

    /// The version that mounts show, all of which are part of this program.
    static func runningVersion(_ version: String) -> String { "v\(version)+builtin.holdfast" }

    /// `GET sys/mounts`
    func list(_ raw: JSONObject) -> VaultAnswer {
        injected(secretMounts, raw)
    }

    /// `GET sys/auth`
    func authList(_ raw: JSONObject) -> VaultAnswer {
        injected(authMounts, raw)
    }

    /// `GET sys/auth/<path>`
    ///
    /// - Parameter path: behind `auth/`.
    func authMethod(at path: String, _ raw: JSONObject) throws(VaultError) -> VaultAnswer {
        let members: JSONObject
        if path == BuiltInMount.tokenPath {
            members = shown(.token)
        } else if let entry = mounts.entry(at: MountTable.authPrefix + path) {
            members = shown(entry)
        } else {
            throw .invalid("No auth engine at \(path)")
        }
        return injected(encoded(members), raw, captured: ["path"])
    }

    /// `GET sys/mounts/<path>`
    func secret(at path: String, _ raw: JSONObject) throws(VaultError) -> VaultAnswer {
        let members: JSONObject
        if let builtIn = BuiltInMount.engine(at: path) {
            members = shown(builtIn)
        } else if let entry = mounts.entry(at: path), !entry.record.isAuthMethod {
            members = shown(entry)
        } else {
            throw .invalid("No secret engine mount at \(path)")
        }
        return injected(encoded(members), raw, captured: ["path"])
    }

    /// `GET sys/auth/<path>/tune`
    ///
    /// - Parameter path: behind `auth/`.
    func authTuning(at path: String, _ raw: JSONObject) throws(VaultError) -> VaultAnswer {
        let full = MountTable.authPrefix + path
        guard let tuning = mounts.entry(at: full)?.record.tuning else {
            throw .invalid("cannot fetch sysview for path \(GoText.quoted(full))")
        }
        var members = self.tuning(of: tuning)
        if !tuning.options.isEmpty { members["options"] = shown(tuning.options) }
        members["token_type"] = .string(tuning.tokenKind.text)
        for (name, value) in tuning.lockout?.members ?? [] { members[name] = value }
        return injected(encoded(members), raw, captured: ["path"])
    }

    /// `GET sys/auth/token/tune`
    ///
    /// - Parameter time: how long tokens may live.
    func tokenTuning(_ time: LeaseTime, _ raw: JSONObject) -> VaultAnswer {
        let tuning = mounts.tokenMethod.tuning
        var members = self.tuning(of: tuning)
        members["default_lease_ttl"] = .number(JSONNumber(time.mountDefault))
        members["max_lease_ttl"] = .number(JSONNumber(time.mountMax))
        if !tuning.options.isEmpty { members["options"] = shown(tuning.options) }
        members["token_type"] = .string(TokenMethod.tokenType(in: namespace))
        return injected(encoded(members), raw, captured: ["path"])
    }

    /// `GET sys/mounts/<path>/tune`
    func secretTuning(at path: String, _ raw: JSONObject) throws(VaultError) -> VaultAnswer {
        var members: JSONObject
        if let builtIn = BuiltInMount.engine(at: path) {
            members = tuning(of: MountRecord.Tuning())
            members["description"] = .string(builtIn.description)
        } else if let entry = mounts.entry(at: path) {
            members = tuning(of: entry.record.tuning)
            let options = entry.record.tuning.options
            if !options.isEmpty { members["options"] = shown(options) }
        } else {
            throw .invalid("cannot fetch sysview for path \(GoText.quoted(path))")
        }
        return injected(encoded(members), raw, captured: ["path"])
    }

    /// `GET sys/internal/ui/mounts` with a token
    func all(_ raw: JSONObject) -> VaultAnswer {
        var methods = mounts.authMethods.filter { reaches($0.record.path) }
            .map { (shownPath($0), shown($0)) }
        if reaches(MountTable.authPrefix + BuiltInMount.tokenPath) {
            methods.append((BuiltInMount.tokenPath, shown(.token)))
        }
        var rows = mounts.engines.filter { reaches($0.record.path) }
            .map { (shownPath($0), shown($0)) }
        rows += BuiltInMount.engines.filter { reaches($0.path) }.map { ($0.path, shown($0)) }
        return plain(groups(auth: table(methods), secret: table(rows)), raw)
    }

    /// `GET sys/internal/ui/mounts` without one: what mounts want everybody to see
    func visibleToAll(_ raw: JSONObject) -> VaultAnswer {
        var methods = visible(mounts.authMethods)
        let tuning = mounts.tokenMethod.tuning
        if tuning.listingVisibility == "unauth" {
            let members: JSONObject = [
                "type": .string(BuiltInMount.token.type(in: namespace)),
                "description": .string(tuning.description),
                "options": tuning.options.isEmpty ? .null : shown(tuning.options),
            ]
            methods.append((BuiltInMount.tokenPath, members))
        }
        return plain(groups(auth: table(methods), secret: table(visible(mounts.engines))), raw)
    }

    private func visible(_ entries: [MountEntry]) -> [(path: String, members: JSONObject)] {
        entries.filter { $0.record.tuning.listingVisibility == "unauth" }.map { entry in
            let members: JSONObject = [
                "type": .string(entry.record.type),
                "description": .string(entry.record.tuning.description),
                "options": shown(entry.record.tuning.options),
            ]
            return (shownPath(entry), members)
        }
    }

    /// `GET sys/internal/ui/mounts/<any path inside a mount>`: what the command line asks before
    /// every `kv` command.
    ///
    /// - Parameter way: from the namespace that is asked to this one.
    func serving(
        _ path: String,
        _ raw: JSONObject,
        behind way: String = ""
    ) throws(VaultError) -> VaultAnswer {
        var members: JSONObject
        let builtIn = BuiltInMount.engines.first { path.withSlash.utf8.starts(with: $0.path.utf8) }
        let token = "auth/\(BuiltInMount.tokenPath)"
        if let builtIn, reaches(builtIn.path) {
            members = shown(builtIn)
            members["path"] = .string(way + builtIn.path)
        } else if path.withSlash.utf8.starts(with: token.utf8), reaches(token) {
            members = shown(.token)
            members["path"] = .string(way + BuiltInMount.tokenPath)
        } else if let (entry, _) = mounts.match(path), reaches(entry.record.path) {
            members = shown(entry)
            members["path"] = .string(way + shownPath(entry))
        } else {
            throw .preflightDenied(path: way + path.withSlash)
        }
        return plain(encoded(members), raw, captured: ["path"])
    }
}

// MARK: shapes

extension MountLookups {
    /// `GET sys/internal/ui/namespaces`: those directly below that a token reaches.
    func namespaces(_ request: VaultRequest) throws(VaultError) -> VaultAnswer {
        guard request.operation == .read else { throw .engine(.unsupportedOperation) }
        let warnings = try SystemFields.parse(request.fields, FieldSchema([])).warnings
        let names = mounts.namespaces.filter { !$0.record.isEnding }
            .map(\.record.name.withSlash).filter { reaches($0) }
        let data: JSONObject = names.isEmpty ? [:] : ["keys": .array(names.map { .string($0) })]
        let body = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: body, warnings: warnings))
    }

    /// Whether the policies say anything about this mount. A mount of which they do not is not
    /// there for the token.
    private func reaches(_ mount: String) -> Bool {
        access.list?.reaches(below: mount) ?? false
    }

    private var secretMounts: [UInt8] {
        let rows = mounts.engines.map { (shownPath($0), shown($0)) }
        return table(rows + BuiltInMount.engines.map { ($0.path, shown($0)) })
    }

    private var authMounts: [UInt8] {
        let rows = mounts.authMethods.map { (shownPath($0), shown($0)) }
        return table(rows + [(BuiltInMount.tokenPath, shown(.token))])
    }

    /// A mount's path as lists show it: that of an auth method lacks `auth/`.
    private func shownPath(_ entry: MountEntry) -> String {
        let path = entry.record.path
        return entry.record.isAuthMethod ? path.below(MountTable.authPrefix) ?? path : path
    }

    /// An object of mounts by their paths. There can be many, so no look-up by name happens.
    private func table(_ rows: [(path: String, members: JSONObject)]) -> [UInt8] {
        var writer = JSONWriter(capacity: 2 + rows.count * 512)
        writer.beginObject()
        for row in rows.sorted(by: { utf8Precedes($0.path, $1.path) }) {
            writer.name(row.path)
            writer.raw(encoded(row.members))
        }
        writer.endObject()
        return writer.bytes
    }

    /// `{"auth":…,"secret":…}`
    private func groups(auth: [UInt8], secret: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: 32 + auth.count + secret.count)
        writer.beginObject()
        writer.name("auth")
        writer.raw(auth)
        writer.name("secret")
        writer.raw(secret)
        writer.endObject()
        return writer.bytes
    }

    private func encoded(_ members: JSONObject) -> [UInt8] {
        JSONValue.object(members).encoded(sortingKeys: true)
    }

    private func shown(_ entry: MountEntry) -> JSONObject {
        let record = entry.record
        var members = common(type: record.type, accessor: record.accessor, id: entry.id.bytes)
        members["description"] = .string(record.tuning.description)
        members["options"] = shown(record.tuning.options)
        var config = config(of: record.tuning)
        if record.isAuthMethod {
            config["token_type"] = .string(record.tuning.tokenKind.text)
            if let lockout = record.tuning.lockout {
                config["user_lockout_config"] = .object(
                    JSONObject(lockout.members.map { ($0.name, $0.value) })
                )
            }
        }
        members["config"] = .object(config)
        if record.type != "generic" { members["deprecation_status"] = "supported" }
        return members
    }

    private func shown(_ mount: BuiltInMount) -> JSONObject {
        let (accessor, id) = mount.identity(vaultID, in: namespace.home)
        let isToken = mount.path == BuiltInMount.tokenPath
        let untuned = MountRecord.Tuning(description: mount.description)
        let tuning = isToken ? mounts.tokenMethod.tuning : untuned
        var config = config(of: tuning)
        if isToken { config["token_type"] = .string(TokenMethod.tokenType(in: namespace)) }
        var members = common(type: mount.type(in: namespace), accessor: accessor, id: id)
        members["description"] = .string(tuning.description)
        members["options"] = tuning.options.isEmpty ? .null : shown(tuning.options)
        if mount.path == BuiltInMount.cubbyhole.path { members["local"] = true }
        members["config"] = .object(config)
        return members
    }

    private func common(type: String, accessor: String, id: [UInt8]) -> JSONObject {
        [
            "accessor": .string(accessor), "external_entropy_access": false, "local": false,
            "plugin_version": "",
            "running_plugin_version": .string(Self.runningVersion(version)),
            "running_sha256": "", "seal_wrap": false, "type": .string(type),
            "uuid": .string(uuidText(id)),
        ]
    }

    private func shown(_ options: [MountRecord.Option]) -> JSONValue {
        .object(JSONObject(options.map { ($0.name, .string($0.value)) }))
    }

    /// As a mount shows it: 0 for "as the system says".
    private func config(of tuning: MountRecord.Tuning) -> JSONObject {
        var members: JSONObject = [
            "default_lease_ttl": .number(JSONNumber(tuning.leaseSeconds)),
            "force_no_cache": .bool(tuning.isForcedUncached),
            "max_lease_ttl": .number(JSONNumber(tuning.leaseSecondsMax)),
        ]
        addSet(of: tuning, to: &members)
        return members
    }

    /// As tuning shows it: resolved.
    private func tuning(of tuning: MountRecord.Tuning) -> JSONObject {
        let system = VaultLimits.leaseSecondsDefault
        let lease = tuning.leaseSeconds > 0 ? tuning.leaseSeconds : system
        let leaseMax = tuning.leaseSecondsMax > 0 ? tuning.leaseSecondsMax : system
        var members: JSONObject = [
            "default_lease_ttl": .number(JSONNumber(lease)),
            "description": .string(tuning.description),
            "force_no_cache": .bool(tuning.isForcedUncached),
            "max_lease_ttl": .number(JSONNumber(leaseMax)),
        ]
        addSet(of: tuning, to: &members)
        return members
    }

    /// What shows only where it is set.
    private func addSet(of tuning: MountRecord.Tuning, to members: inout JSONObject) {
        let lists = [
            ("audit_non_hmac_request_keys", tuning.auditRequestKeys),
            ("audit_non_hmac_response_keys", tuning.auditResponseKeys),
            ("passthrough_request_headers", tuning.passthroughHeaders),
            ("allowed_response_headers", tuning.responseHeaders),
        ]
        for (name, texts) in lists where !texts.isEmpty {
            members[name] = .array(texts.map { .string($0) })
        }
        if !tuning.listingVisibility.isEmpty {
            members["listing_visibility"] = .string(tuning.listingVisibility)
        }
    }

    private func injected(
        _ data: [UInt8],
        _ raw: JSONObject,
        captured: [String] = []
    ) -> VaultAnswer {
        VaultAnswer(body(data, raw, captured), isInjected: true)
    }

    private func plain(
        _ data: [UInt8],
        _ raw: JSONObject,
        captured: [String] = []
    ) -> VaultAnswer {
        VaultAnswer(body(data, raw, captured))
    }

    private func body(_ data: [UInt8], _ raw: JSONObject, _ captured: [String]) -> EngineAnswer {
        // A schema without parameters has nothing to convert, so it cannot refuse.
        let warnings = (try? Fields(raw, FieldSchema([], captured: captured)).warnings) ?? []
        return EngineAnswer(data: data, warnings: warnings)
    }
}
