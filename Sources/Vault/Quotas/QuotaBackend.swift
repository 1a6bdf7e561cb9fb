import Barrier
import Engines
import Wire

/// `sys/quotas/…`: rate limits.
struct QuotaBackend {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: below `sys/quotas/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch path {
        case "config":
            switch call.request.operation {
            case .read: return .answer(try config(view))
            case .update: return try setConfig(view)
            default: throw .engine(.unsupportedOperation)
            }
        case "rate-limit", "rate-limit/":
            guard call.request.operation == .list else { throw .engine(.unsupportedOperation) }
            return .answer(try list(view))
        default: break
        }
        guard let name = path.below("rate-limit/"), !name.utf8.contains(0x2F) else {
            throw .engine(.unsupportedPath)
        }
        switch call.request.operation {
        case .read: return .answer(try read(name, view))
        case .update: return try write(name, view)
        case .delete: return try remove(name, view)
        default: throw .engine(.unsupportedOperation)
        }
    }

    private func answer(_ data: JSONObject, _ warnings: [String] = []) -> VaultAnswer {
        let bytes = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: bytes, warnings: warnings))
    }

    private func commit(
        _ table: RateLimitTable,
        replacing old: StoredRateLimits,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard table != old.table else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.put(table, replacing: old)
        return .commit(try draft.finish(), .empty)
    }

    // MARK: what holds for all

    private func config(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        let table = try StoredRateLimits(view).table
        let data: JSONObject = [
            "enable_rate_limit_audit_logging": .bool(table.auditsRefusals),
            "enable_rate_limit_response_headers": .bool(table.showsHeaders),
            "rate_limit_exempt_paths": .array(table.exemptPaths.map { .string($0) }),
        ]
        return answer(data, warnings)
    }

    /// As in OpenBao, what a request does not name is off, and no path is exempt.
    private func setConfig(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        var raw = call.request.fields
        // One text is one path, with or without commas.
        if case .string(let one) = raw["rate_limit_exempt_paths"] {
            raw["rate_limit_exempt_paths"] = .array(one.isEmpty ? [] : [.string(one)])
        }
        let fields = try SystemFields.parse(raw, Self.configSchema)
        let old = try StoredRateLimits(view)
        var table = old.table
        table.auditsRefusals = fields.bool("enable_rate_limit_audit_logging") ?? false
        table.showsHeaders = fields.bool("enable_rate_limit_response_headers") ?? false
        table.exemptPaths = fields.texts("rate_limit_exempt_paths") ?? []
        guard table.exemptPaths.count <= VaultLimits.quotaExemptionsMax else {
            throw .invalid("at most \(VaultLimits.quotaExemptionsMax) paths can be exempt")
        }
        for path in table.exemptPaths { try Self.check(path, "an exempt path") }
        return try commit(table, replacing: old, view)
    }

    private static func check(_ text: String, _ what: String) throws(VaultError) {
        guard text.utf8.count <= VaultLimits.quotaTextBytesMax else {
            throw .invalid("\(what) has at most \(VaultLimits.quotaTextBytesMax) bytes")
        }
    }

    // MARK: rules

    private func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([("after", .text), ("limit", .int)])
        )
        let after = fields.text("after") ?? ""
        let limit = fields.int("limit").flatMap { $0 > 0 ? $0 : nil } ?? .max
        let names = try StoredRateLimits(view).table.rules.map(\.name)
            .filter { after.isEmpty || utf8Precedes(after, $0) }
            .prefix(limit)
        guard !names.isEmpty else { throw .notFound }
        return answer(["keys": .array(names.map { .string($0) })], fields.warnings)
    }

    private func read(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([], captured: ["name"])
        )
        guard let rule = try StoredRateLimits(view).table.rule(named: name) else {
            throw .notFound
        }
        let data: JSONObject = [
            "block_interval": .number(JSONNumber(rule.blockSeconds)),
            "inheritable": .bool(rule.isInheritable),
            "interval": .number(JSONNumber(rule.intervalSeconds)),
            "name": .string(rule.name), "path": .string(rule.path),
            "rate": .number(Self.number(rule.rate)), "role": .string(rule.role),
            "type": "rate-limit",
        ]
        return answer(data, fields.warnings)
    }

    private func write(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.ruleSchema)
        let rate = fields.float("rate") ?? 0
        guard rate > 0, rate <= VaultLimits.quotaRateMax else {
            throw .invalid("'rate' is invalid")
        }
        let (path, mount) = try place(fields.text("path") ?? "", view)
        let role = fields.text("role") ?? ""
        try Self.check(name, "the name of a rate limit")
        try Self.check(path, "the path of a rate limit")
        try Self.check(role, "the role of a rate limit")
        if !role.isEmpty { try checkRoles(at: mount, path) }
        let interval = UInt64(max(0, fields.int("interval") ?? 0))
        let block = UInt64(max(0, fields.int("block_interval") ?? 0))
        guard interval <= VaultLimits.quotaSecondsMax, block <= VaultLimits.quotaSecondsMax else {
            throw .invalid("an interval is at most \(VaultLimits.quotaSecondsMax) seconds")
        }
        let rule = RateLimitRule(
            name: name,
            path: path,
            role: role,
            rate: rate,
            intervalSeconds: max(1, interval),
            blockSeconds: block,
            isInheritable: fields.bool("inheritable") ?? path.isEmpty
        )
        let old = try StoredRateLimits(view)
        var table = old.table
        if let twin = table.twin(of: rule) {
            throw .invalid(
                "quota rule with similar properties exists under the name "
                    + GoText.quoted(twin.name)
            )
        }
        table.put(rule)
        guard table.rules.count <= VaultLimits.quotasMax else {
            throw .invalid("there are \(VaultLimits.quotasMax) rate limits, which is the limit")
        }
        return try commit(table, replacing: old, view)
    }

    private func remove(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let old = try StoredRateLimits(view)
        var table = old.table
        table.remove(name)
        return try commit(table, replacing: old, view)
    }

    /// The path as a rule keeps it, and the mount that it is in; both empty for everything.
    private func place(
        _ text: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (path: String, mount: MountEntry?) {
        var bytes = text.utf8[...]
        while bytes.first == 0x2F { bytes.removeFirst() }
        while bytes.last == 0x2F { bytes.removeLast() }
        guard !bytes.isEmpty, let whole = String(bytes) else { return ("", nil) }
        let finder = NamespaceFinder(cache: call.environment.cache)
        let found = try finder.find(header: "", path: whole.withSlash, view)
        guard let (place, slashed) = found else { throw .namespaceNotFound }
        let above = place.namespace.path
        if slashed.isEmpty { return (above, nil) }
        let path = String(slashed.utf8.dropLast()) ?? ""
        let builtIn = BuiltInMount.engines.map(\.path) + ["auth/\(BuiltInMount.tokenPath)"]
        if let mount = builtIn.first(where: { slashed.utf8.starts(with: $0.utf8) }) {
            return (above + (utf8Equals(mount, slashed) ? mount : path), nil)
        }
        guard let entry = place.mounts.match(path)?.entry else {
            throw .invalid("invalid mount path \(GoText.quoted(slashed))")
        }
        let isWhole = utf8Equals(entry.record.path, slashed)
        return (above + (isWhole ? slashed : path), entry)
    }

    /// Only an auth method has roles, and not each of them says which one a login is for.
    private func checkRoles(at entry: MountEntry?, _ path: String) throws(VaultError) {
        let mount = entry?.record.path ?? (path.isEmpty ? path : path.withSlash)
        let quoted = GoText.quoted(mount)
        guard mount.utf8.starts(with: MountTable.authPrefix.utf8) else {
            throw .invalid(
                "Mount path \(quoted) is not a valid auth method and therefore unsuitable for use "
                    + "with role-based quotas"
            )
        }
        guard let entry, AuthCatalog.hasRoles(entry.record.kind) else {
            throw .invalid("Mount path \(quoted) does not support use with role-based quotas")
        }
    }

    /// As Go prints it: whole numbers without a point.
    private static func number(_ value: Double) -> JSONNumber {
        if value == value.rounded() { return JSONNumber(UInt64(value)) }
        // An exponent has no leading zero.
        let parts = "\(value)".split(separator: "e-", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[1].hasPrefix("0") else {
            return JSONNumber(text: "\(value)") ?? JSONNumber(0)
        }
        return JSONNumber(text: "\(parts[0])e-\(parts[1].dropFirst())") ?? JSONNumber(0)
    }

    private static let configSchema = FieldSchema([
        ("enable_rate_limit_audit_logging", .bool),
        ("enable_rate_limit_response_headers", .bool), ("rate_limit_exempt_paths", .texts),
    ])
    private static let ruleSchema = FieldSchema(
        [
            ("type", .text), ("rate", .float), ("interval", .seconds),
            ("block_interval", .seconds), ("path", .text), ("role", .text),
            ("inheritable", .bool),
        ],
        captured: ["name"]
    )
}

/// The rate limits as one view has them.
struct StoredRateLimits: Sendable {
    let table: RateLimitTable
    /// 0 before the first change.
    let modificationIndex: UInt64

    init(_ view: borrowing BarrierView) throws(VaultError) {
        let system = view.at(.system)
        guard let opened = try system.systemRecord(SystemPaths.quotas) else {
            (table, modificationIndex) = (RateLimitTable(), 0)
            return
        }
        table = try RateLimitTable(decoding: opened.value)
        modificationIndex = opened.modificationIndex
    }
}

extension BatchDraft {
    /// Writes the rate limits anew.
    mutating func put(
        _ table: RateLimitTable,
        replacing old: StoredRateLimits
    ) throws(VaultError) {
        try check(SystemPaths.quotas, old.modificationIndex, in: .system)
        try put(SystemPaths.quotas, table.encoded(), in: .system)
    }

    /// Changes the rate limits along with the mounts that they are about.
    mutating func changeRateLimits(
        _ view: borrowing BarrierView,
        _ change: (inout RateLimitTable) -> Void
    ) throws(VaultError) {
        let old = try StoredRateLimits(view)
        var table = old.table
        change(&table)
        if table == old.table {
            // One that is made meanwhile would be missed.
            try check(SystemPaths.quotas, old.modificationIndex, in: .system)
        } else {
            try put(table, replacing: old)
        }
    }
}
