import Barrier
import Engines
import Wire

/// `sys/leases/…`, and the names that some of it had before.
struct LeaseBackend {
    let call: VaultCall
    let authority: Authority

    /// - Parameter path: below `sys/`.
    /// - Returns: nil for a path about something else.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        if let below = path.below("leases/") { return try endpoint(below, view) }
        switch path {
        case "leases": return .answer(try irrevocable(listing: true, view))
        case "renew", "revoke": return try endpoint(path, view)
        default: break
        }
        for prefix in ["renew/", "revoke/", "revoke-prefix/", "revoke-force/"]
        where path.utf8.starts(with: prefix.utf8) {
            return try endpoint(path, view)
        }
        return nil
    }

    private func endpoint(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let isUpdate = call.request.operation == .update
        switch path {
        case "lookup":
            guard isUpdate else { throw TokenBackend.unsupported }
            return .answer(try lookup(view))
        case "renew":
            guard isUpdate else { throw TokenBackend.unsupported }
            return try renew(nil, view)
        case "revoke":
            guard isUpdate else { throw TokenBackend.unsupported }
            return try revoke(nil, view)
        case "count":
            guard call.request.operation == .read else { throw TokenBackend.unsupported }
            return .answer(try irrevocable(listing: false, view))
        case "tidy":
            guard isUpdate else { throw TokenBackend.unsupported }
            return try TokenTidy(call: call, authority: authority).step(view)
        default: break
        }
        if let prefix = path.below("lookup/") {
            guard call.request.operation == .list else { throw TokenBackend.unsupported }
            return .answer(try list(prefix, view))
        }
        if let id = path.below("renew/"), !id.isEmpty {
            guard isUpdate else { throw TokenBackend.unsupported }
            return try renew(id, view)
        }
        if let id = path.below("revoke/"), !id.isEmpty {
            guard isUpdate else { throw TokenBackend.unsupported }
            return try revoke(id, view)
        }
        if let prefix = path.below("revoke-prefix/") ?? path.below("revoke-force/"),
            !prefix.isEmpty
        {
            guard isUpdate else { throw TokenBackend.unsupported }
            return try revokePrefix(prefix, view)
        }
        throw .engine(.unsupportedPath)
    }

    // MARK: looking up

    private func lookup(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let schema = FieldSchema([("lease_id", .text)])
        let fields = try SystemFields.parse(call.request.fields, schema)
        guard let id = fields.text("lease_id"), !id.isEmpty else {
            throw .invalid("lease_id must be specified")
        }
        guard let token = try token(behind: id, view) else { throw .invalid("invalid lease") }
        let record = token.record
        let now = call.environment.now
        var data: JSONObject = [
            "expire_time": record.expiration.map { .string($0.rfc3339) } ?? .null,
            "id": .string(id), "issue_time": .string(record.created.rfc3339),
            "last_renewal": record.renewed.map { .string($0.rfc3339) } ?? .null,
            "path": .string(record.path),
            "renewable": .bool(record.isRenewable && record.expiration != nil),
            "ttl": .number(JSONNumber(record.secondsLeft(at: now))),
        ]
        let namespace = call.environment.namespace
        if !namespace.isRoot { data["namespace_path"] = .string(namespace.path) }
        let bytes = JSONValue.object(data).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: bytes, warnings: fields.warnings))
    }

    /// The token that a lease is about, if the lease and the token are there.
    private func token(
        behind id: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> LiveToken? {
        guard Self.isID(id), let opened = try view.systemRecord(SystemPaths.lease(id)) else {
            return nil
        }
        switch try LeaseRecord(decoding: opened.value) {
        case .token(let hash):
            return try TokenFinder(environment: call.environment).live(hash: hash, view)
        }
    }

    /// Whether a client's text can be part of a path. What cannot is no lease's id.
    private static func isID(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...TokenLimits.pathBytesMax).contains(bytes.count), bytes.first != 0x2F,
            bytes.last != 0x2F
        else { return false }
        return !zip(bytes, bytes.dropFirst()).contains { $0 == 0x2F && $1 == 0x2F }
    }

    /// - Parameter prefix: empty, or ends in `/`.
    private func list(
        _ prefix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let schema = FieldSchema([("after", .text), ("limit", .int)], captured: ["prefix"])
        let fields = try SystemFields.parse(call.request.fields, schema)
        let names = try view.systemNames(SystemPaths.leases + prefix, page: ListPage(fields))
        guard !names.isEmpty else { throw .notFound }
        let data: JSONValue = ["keys": .array(names.map { .string($0) })]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    // MARK: renewing and taking back

    private func renew(
        _ captured: String?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try fields(captured)
        guard let id = captured ?? fields.text("lease_id"), !id.isEmpty else {
            throw .invalid("lease_id must be specified")
        }
        guard let token = try token(behind: id, view) else { throw .invalid("lease not found") }
        guard token.record.isRenewable, token.record.expiration != nil else {
            throw .invalid("lease is not renewable")
        }
        throw .invalid("tokens cannot be renewed through this endpoint")
    }

    private func revoke(
        _ captured: String?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try fields(captured)
        guard let id = captured ?? fields.text("lease_id"), !id.isEmpty else {
            throw .invalid("lease_id must be specified")
        }
        return try revoke(try token(behind: id, view), answer(to: fields), view)
    }

    private func revoke(
        _ token: LiveToken?,
        _ answer: VaultAnswer,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard let token else { return .answer(answer) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try TokenRevocation.revoke(token.hash, in: &draft, call.environment, view)
        return try draft.commit(answer)
    }

    private func revokePrefix(
        _ prefix: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let schema = FieldSchema([("sync", .bool)], captured: ["prefix"])
        let fields = try SystemFields.parse(call.request.fields, schema)
        let answer = answer(to: fields)
        guard Self.isID(prefix) else { return .answer(answer) }
        // Whole ids are taken as well, as clients send them.
        if let token = try token(behind: prefix, view) { return try revoke(token, answer, view) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try TokenRevocation.revokePrefix(
            prefix.withSlash,
            in: &draft,
            call.environment,
            view
        )
        return draft.isEmpty ? .answer(answer) : .commit(try draft.finish(), answer)
    }

    private func fields(_ captured: String?) throws(VaultError) -> Fields {
        let schema = FieldSchema(
            [("lease_id", .text), ("increment", .seconds), ("sync", .bool)],
            captured: captured == nil ? [] : ["url_lease_id"]
        )
        return try SystemFields.parse(call.request.fields, schema)
    }

    /// Nothing that was taken back can be used once the batch is applied, whether the client wants
    /// to wait for the sweep or not.
    private func answer(to fields: Fields) -> VaultAnswer {
        fields.bool("sync") ?? true ? .empty : .begun
    }

    // MARK: what could not be taken back

    /// Revocations that failed again and again. They are still tried, at the longest pause.
    ///
    /// - Returns: of each, the end of its lease's id, and why.
    private func stuck(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [(id: String, reason: String)] {
        var found: [(id: String, reason: String)] = []
        let limit = VaultLimits.jobsShownMax
        let system = view.at(.system)
        for name in try system.systemNames(in: SystemPaths.jobs, limit: limit) {
            guard let job = try JobEntry(name, view)?.record, job.home == view.home,
                job.failureCount >= TokenLimits.failuresUntilStuck
            else { continue }
            if job.kind == .due {
                let path = TimerPlace(String(decoding: job.arguments, as: UTF8.self)).path
                guard let hash = TokenPlace.hash(ofRecord: path) else { continue }
                found.append(("h\(hash)", job.lastError))
            } else if job.kind == .revocation {
                found.append((name, job.lastError))
            }
        }
        return found
    }

    private func irrevocable(
        listing: Bool,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        guard call.request.operation == .read else { throw TokenBackend.unsupported }
        let fields = try SystemFields.parse(call.request.fields, Self.countFields)
        guard fields.text("type") == "irrevocable" else { throw .notFound }
        let stuck = try stuck(view)
        let mount = "auth/token/"
        let leases = stuck.map { lease -> JSONValue in
            [
                "error": .string(lease.reason), "lease_id": .string(lease.id),
                "mount_id": .string(mount),
            ]
        }
        let counts: JSONObject = stuck.isEmpty ? [:] : [mount: .number(JSONNumber(stuck.count))]
        let data: JSONValue = [
            "lease_count": .number(JSONNumber(stuck.count)),
            listing ? "leases" : "counts": listing ? .array(leases) : .object(counts),
        ]
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: fields.warnings)
        )
    }

    private static let countFields = FieldSchema([
        ("type", .text), ("limit", .text), ("include_child_namespaces", .bool),
    ])
}
