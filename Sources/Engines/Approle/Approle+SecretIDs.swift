import Barrier
import Cryptography
import Wire

/// Secret ids: made, looked at, destroyed. They are shown once, when they are made.
extension Approle {
    func makeSecretID(
        _ name: String,
        isCustom: Bool,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(
            request.fields,
            isCustom ? Self.customSchema : Self.secretIDSchema
        )
        guard let found = try role(name, view) else { throw .absent(Self.missing(name)) }
        let role = found.record
        guard role.bindsSecretID else {
            throw .invalid("bind_secret_id is not set on the role")
        }
        var entropy = request.entropy()
        let drawn = uuidText(entropy.uuid())
        let accessor = uuidText(entropy.uuid())
        let secretID = isCustom ? try Self.secretID(fields) : drawn
        let record = try Self.record(fields, role, accessor: accessor, at: request.now)
        let path = ApprolePaths.secretID(secretID, role, view.keyring)
        if isCustom, try EngineRecords.read(path, mount.id, view) != nil {
            throw .failed("failed to store secret_id: SecretID is already registered")
        }
        var plan = BatchPlan()
        plan.check(ApprolePaths.role(name), found.modificationIndex)
        plan.check(path, 0)
        plan.put(path, record.encoded())
        plan.put(ApprolePaths.accessor(accessor, role), ApproleReference.encoded(path))
        let members: JSONObject = [
            "secret_id": .string(secretID), "secret_id_accessor": .string(accessor),
            "secret_id_num_uses": .number(JSONNumber(record.usesLeft)),
            "secret_id_ttl": .number(JSONNumber(record.lifetimeSeconds)),
        ]
        let data = JSONValue.object(members).encoded(sortingKeys: true)
        var answer = EngineAnswer(data: data, warnings: fields.warnings)
        answer.accessor = accessor
        return .commit(plan, answer)
    }

    private static func record(
        _ fields: Fields,
        _ role: RoleRecord,
        accessor: String,
        at now: Timestamp
    ) throws(EngineError) -> SecretIDRecord {
        let cidrs = try strictBlocks(fields.texts("cidr_list") ?? [])
        try checkSubset(cidrs, of: role.secretIDCIDRs)
        let tokenCIDRs = try strictBlocks(fields.texts("token_bound_cidrs") ?? [], "token ")
        try checkSubset(tokenCIDRs, of: role.parameters.boundCIDRs)
        let uses = fields.int("num_uses") ?? role.secretIDUses
        guard uses >= 0 else { throw .invalid("num_uses cannot be negative") }
        if role.secretIDUses > 0, uses == 0 || uses > role.secretIDUses {
            throw .invalid("num_uses cannot be higher than the role's secret_id_num_uses")
        }
        let seconds = fields.int("ttl") ?? role.secretIDSeconds
        if role.secretIDSeconds > 0, seconds == 0 || seconds > role.secretIDSeconds {
            throw .invalid("ttl cannot be longer than the role's secret_id_ttl")
        }
        return SecretIDRecord(
            accessor: accessor,
            created: now,
            updated: now,
            expiration: seconds > 0 ? now.adding(seconds: seconds) : nil,
            lifetimeSeconds: seconds,
            usesLeft: uses,
            metadata: try SecretIDMetadata.parse(fields.text("metadata") ?? ""),
            cidrs: cidrs,
            tokenCIDRs: tokenCIDRs
        )
    }

    private static func checkSubset(
        _ blocks: [String],
        of outer: [String]
    ) throws(EngineError) {
        guard !outer.isEmpty, !blocks.isEmpty else { return }
        let isInside = blocks.allSatisfy { text in
            guard let block = AddressBlock(text) else { return false }
            return outer.contains { AddressBlock($0)?.contains(block) ?? false }
        }
        guard isInside else {
            throw .failed(
                "failed to verify subset relationship between CIDR blocks on the role "
                    + "\(quoted(outer)) and CIDR blocks on the secret ID \(quoted(blocks))"
            )
        }
    }

    private static func quoted(_ texts: [String]) -> String {
        "[" + texts.map(GoText.quoted).joined(separator: " ") + "]"
    }

    // MARK: looking and destroying

    func listAccessors(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.pageSchema)
        guard let role = try role(name, view)?.record else { throw .invalid(Self.missing(name)) }
        let folder = ApprolePaths.accessors(role)
        let names = try EngineRecords.list(folder, page: ListPage(fields), mount.id, view)
        return .answer(EngineAnswer(data: KVAnswers.keys(names), warnings: fields.warnings))
    }

    func lookup(
        _ way: ApproleEndpoint.SecretIDWay,
        of name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let asked = try ask(way, of: name, request, view)
        switch (way, asked.found) {
        // One that is over is shown by its accessor only, as OpenBao does.
        case (.itself, let found?) where !found.record.isOver(at: request.now),
            (.accessor, let found?):
            return Self.answer(Self.shown(found.record), asked.fields)
        case (.itself, _):
            return .answer(.empty)
        case (.accessor, nil):
            let text = Self.missingAccessor(asked.given)
            let data = JSONValue.object(["error": .string(text)]).encoded(sortingKeys: true)
            return .answer(EngineAnswer(status: 404, data: data))
        }
    }

    func destroy(
        _ way: ApproleEndpoint.SecretIDWay,
        of name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let asked = try ask(way, of: name, request, view)
        if let found = asked.found { return .commit(removal(of: found, asked.role), .empty) }
        switch way {
        case .itself: return .answer(.empty)
        case .accessor: throw .failed(Self.missingAccessor(asked.given))
        }
    }

    /// A request about one secret id of a role.
    private struct Asked {
        let fields: Fields
        /// What the request calls it.
        let given: String
        let role: RoleRecord
        /// nil: the role has none of that name.
        let found: FoundSecretID?
    }

    private func ask(
        _ way: ApproleEndpoint.SecretIDWay,
        of name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> Asked {
        let fields: Fields
        let given: String
        switch way {
        case .itself:
            fields = try Fields(request.fields, Self.lookupSchema)
            given = try Self.secretID(fields)
        case .accessor:
            fields = try Fields(request.fields, Self.accessorSchema)
            given = try Self.accessor(fields)
        }
        guard let role = try role(name, view)?.record else { throw .failed(Self.missing(name)) }
        let found =
            switch way {
            case .itself:
                try secretID(at: ApprolePaths.secretID(given, role, view.keyring), view)
            case .accessor:
                try secretID(of: given, role, view)
            }
        return Asked(fields: fields, given: given, role: role, found: found)
    }

    // MARK: sweeping

    /// Removes secret ids that are over, and those of roles that are gone, as many as one batch
    /// takes. Who has more calls again.
    func tidy(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        var known: Set<String> = []
        var plan = BatchPlan()
        for name in try names(ApprolePaths.roles, view) {
            guard let role = try role(name, view)?.record else { continue }
            known.insert(Hex.encode(role.id) + "/")
            for hash in try names(ApprolePaths.secretIDs(role), view)
            where plan.steps.count < EngineLimits.sweepMax {
                let path = ApprolePaths.secretIDs(role) + hash
                guard let found = try secretID(at: path, view),
                    found.record.isOver(at: request.now)
                else { continue }
                plan.append(removal(of: found, role))
            }
        }
        for folder in try names(ApprolePaths.secretIDs, view) where !known.contains(folder) {
            guard let id = Hex.decode(String(folder.dropLast())), id.count == 16 else { continue }
            let gone = RoleRecord(id: id, roleID: "")
            let room = EngineLimits.sweepMax - plan.steps.count
            try removeSecretIDs(of: gone, atMost: room, &plan, view)
        }
        let answer = EngineAnswer(status: 202, warnings: [Self.tidied])
        return plan.steps.isEmpty ? .answer(answer) : .commit(plan, answer)
    }

    func removeSecretIDs(
        of role: RoleRecord,
        atMost limit: Int,
        _ plan: inout BatchPlan,
        _ view: borrowing BarrierView
    ) throws(EngineError) {
        for hash in try names(ApprolePaths.secretIDs(role), view).prefix(max(0, limit / 3)) {
            let path = ApprolePaths.secretIDs(role) + hash
            guard let found = try secretID(at: path, view) else { continue }
            plan.append(removal(of: found, role))
        }
    }

    // MARK: parts

    /// A secret id and where it lies.
    struct FoundSecretID {
        let path: String
        var record: SecretIDRecord
        let modificationIndex: UInt64
    }

    func secretID(
        at path: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> FoundSecretID? {
        guard let opened = try EngineRecords.read(path, mount.id, view) else { return nil }
        return FoundSecretID(
            path: path,
            record: try SecretIDRecord(decoding: opened.value),
            modificationIndex: opened.modificationIndex
        )
    }

    private func secretID(
        of accessor: String,
        _ role: RoleRecord,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> FoundSecretID? {
        guard AuthName.stored(accessor) != nil else { return nil }
        let path = ApprolePaths.accessor(accessor, role)
        guard let opened = try EngineRecords.read(path, mount.id, view) else { return nil }
        let target = try ApproleReference.text(decoding: opened.value, "accessor of a secret id")
        return try secretID(at: target, view)
    }

    func removal(of found: FoundSecretID, _ role: RoleRecord) -> BatchPlan {
        var plan = BatchPlan()
        plan.check(found.path, found.modificationIndex)
        plan.delete(found.path)
        plan.delete(ApprolePaths.accessor(found.record.accessor, role))
        return plan
    }

    private func names(
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [String] {
        do throws(EngineError) {
            return try EngineRecords.list(folder, mount.id, view)
        } catch {
            guard case .notFound = error else { throw error }
            return []
        }
    }

    private static func shown(_ record: SecretIDRecord) -> JSONObject {
        let metadata = JSONObject(record.metadata.map { ($0.name, .string($0.value)) })
        return [
            "cidr_list": .array(record.cidrs.map { .string($0) }),
            "creation_time": .string(record.created.rfc3339),
            "expiration_time": .string(record.expiration?.rfc3339 ?? "0001-01-01T00:00:00Z"),
            "last_updated_time": .string(record.updated.rfc3339),
            "metadata": .object(metadata), "secret_id_accessor": .string(record.accessor),
            "secret_id_num_uses": .number(JSONNumber(record.usesLeft)),
            "secret_id_ttl": .number(JSONNumber(record.lifetimeSeconds)),
            "token_bound_cidrs": .array(record.tokenCIDRs.map { .string($0) }),
        ]
    }

    private static func secretID(_ fields: Fields) throws(EngineError) -> String {
        guard let secretID = fields.text("secret_id"), !secretID.isEmpty else {
            throw .invalid("missing secret_id")
        }
        return try checked(secretID, "secret_id")
    }

    private static func accessor(_ fields: Fields) throws(EngineError) -> String {
        guard let accessor = fields.text("secret_id_accessor"), !accessor.isEmpty else {
            throw .invalid("missing secret_id_accessor")
        }
        return accessor
    }

    private static func missing(_ name: String) -> String {
        "role \(GoText.quoted(name)) does not exist"
    }

    private static func missingAccessor(_ accessor: String) -> String {
        "failed to find accessor entry for secret_id_accessor: \(GoText.quoted(accessor))"
    }

    private static let tidied =
        "Tidy operation successfully started. Any information from the operation will be printed "
        + "to OpenBao's server logs."
    private static let secretIDFields: [(String, FieldSchema.Kind)] = [
        ("metadata", .text), ("cidr_list", .texts), ("token_bound_cidrs", .texts),
        ("num_uses", .int), ("ttl", .seconds),
    ]
    private static let secretIDSchema = FieldSchema(secretIDFields, captured: ["role_name"])
    private static let customSchema = FieldSchema(
        secretIDFields + [("secret_id", .text)],
        captured: ["role_name"]
    )
    private static let lookupSchema = FieldSchema([("secret_id", .text)], captured: ["role_name"])
    private static let accessorSchema = FieldSchema(
        [("secret_id_accessor", .text)],
        captured: ["role_name"]
    )
}

/// The text that `metadata` of a secret id is: a JSON object of texts, plain or in base64, or
/// `name=value` between commas.
enum SecretIDMetadata {
    static func parse(_ text: String) throws(EngineError) -> [LoginGrant.Metadata] {
        if text.isEmpty { return [] }
        guard
            let pairs = object(Array(text.utf8)) ?? Base64.decode(text).flatMap(object)
                ?? list(text)
        else {
            throw .invalid(
                "failed to parse metadata: failed to parse the input: invalid <key,value> format"
            )
        }
        let bytesMax = EngineLimits.secretIDMetadataBytesMax
        guard pairs.count <= EngineLimits.secretIDMetadataMax,
            pairs.allSatisfy({ max($0.name.utf8.count, $0.value.utf8.count) <= bytesMax })
        else {
            throw .invalid(
                "metadata has at most \(EngineLimits.secretIDMetadataMax) members of "
                    + "\(bytesMax) bytes"
            )
        }
        return pairs.sorted { utf8Precedes($0.name, $1.name) }
    }

    private static func object(_ bytes: [UInt8]) -> [LoginGrant.Metadata]? {
        guard let value = try? JSONScanner.parse(bytes), let object = value.asObject else {
            return nil
        }
        var pairs: [LoginGrant.Metadata] = []
        for (name, value) in object.members {
            guard let text = value.asString else { return nil }
            pairs.append(LoginGrant.Metadata(name: name, value: text))
        }
        return pairs
    }

    private static func list(_ text: String) -> [LoginGrant.Metadata]? {
        var pairs = JSONObject()
        for part in text.utf8.split(separator: 0x2C, omittingEmptySubsequences: false) {
            let halves = part.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            guard halves.count == 2, !halves[0].isEmpty else { return nil }
            pairs[String(Substring(halves[0]))] = .string(String(Substring(halves[1])))
        }
        return pairs.members.map {
            LoginGrant.Metadata(name: $0.name, value: $0.value.asString ?? "")
        }
    }
}
