import Barrier
import Engines
import Wire

/// `sys/namespaces…`: makes, shows, changes and removes the namespaces directly below the one that
/// is asked.
struct NamespaceBackend {
    let call: VaultCall
    let authority: Authority

    private var namespace: Namespace { call.environment.namespace }
    private var mounts: MountTable { call.mounts }

    /// - Parameter path: below `sys/`.
    /// - Returns: nil for a path of others.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        if path == "namespaces" || path == "namespaces/" {
            switch call.request.operation {
            case .list:
                guard !mounts.namespaces.isEmpty else { throw .notFound }
                return .answer(try answer(to: place.children))
            case .scan: return .answer(try answer(to: try descendants(view)))
            default: throw .engine(.unsupportedOperation)
            }
        }
        guard let below = path.below("namespaces/") else { return nil }
        let locking = NamespaceLocking(call: call, authority: authority)
        if let step = try locking.step(below, view) { return step }
        try refuseUnsupported(below)
        let name = try Self.name(below)
        switch call.request.operation {
        case .read: return .answer(try read(name))
        case .update: return try write(name, view)
        case .patch: return try patch(name, view)
        case .delete: return try remove(name, view)
        case .list, .scan, .help: throw .engine(.unsupportedOperation)
        }
    }

    /// What OpenBao does to a namespace besides: seals of its own.
    private func refuseUnsupported(_ path: String) throws(VaultError) {
        let parts = path.utf8.split(separator: 0x2F).map { String(Substring($0)) }
        guard parts.count > 1 else { return }
        if parts[1] == "seal-status", parts.count == 2, call.request.operation == .read {
            guard mounts.namespace(named: parts[0]) != nil else { throw .namespaceNotFound }
            throw .invalid("namespace is not sealable")
        }
        if ["seal", "unseal", "seal-status"].contains(parts[1]) {
            throw .engine(.unsupportedPath)
        }
    }

    /// A single name, without the slash that it may come with.
    private static func name(_ text: String) throws(VaultError) -> String {
        var bytes = text.utf8[...]
        while bytes.last == 0x2F { bytes.removeLast() }
        guard let name = String(bytes), !name.isEmpty else {
            throw .invalid("namespace name cannot be empty")
        }
        guard !name.utf8.contains(0x2F) else { throw .invalid("namespace name cannot contain /") }
        guard !reservedNames.contains(where: { utf8Equals($0, name) }) else {
            throw .invalid(
                "\(GoText.quoted(name.withSlash)) is a reserved path and cannot be used as a "
                    + "namespace name"
            )
        }
        return name
    }

    /// - Source: OpenBao.
    private static let reservedNames = [
        ".", "..", "root", "sys", "audit", "auth", "cubbyhole", "identity",
    ]

    // MARK: showing

    /// Where the request is.
    private var place: Place { Place(namespace: namespace, mounts: mounts) }

    /// Level by level.
    private func descendants(
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [NamespacePlace] {
        let finder = NamespaceFinder(cache: call.environment.cache)
        guard let found = try finder.descendants(of: place, view) else {
            throw .invalid(
                "there are more than \(VaultLimits.namespacesMax) namespaces below this one: "
                    + "list them one by one"
            )
        }
        return found
    }

    /// Nothing is an empty object here; a plain list of nothing was answered before.
    private func answer(to found: [NamespacePlace]) throws(VaultError) -> VaultAnswer {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        guard !found.isEmpty else {
            return VaultAnswer(EngineAnswer(data: Array("{}".utf8), warnings: warnings))
        }
        var writer = JSONWriter(capacity: 64 + found.count * 192)
        writer.beginObject()
        writer.name("key_info")
        writer.beginObject()
        for one in found {
            writer.name(one.shown)
            writer.write(.object(Self.members(one.entry, namespace.path + one.shown)))
        }
        writer.endObject()
        writer.name("keys")
        writer.write(.array(found.map { .string($0.shown) }))
        writer.endObject()
        return VaultAnswer(EngineAnswer(data: writer.bytes, warnings: warnings))
    }

    private static func members(_ entry: NamespaceEntry, _ path: String) -> JSONObject {
        [
            "custom_metadata": entry.record.metadata.json, "id": .string(entry.record.id),
            "locked": .bool(entry.record.isLocked), "path": .string(path),
            "tainted": .bool(entry.record.isEnding), "uuid": .string(entry.home.text),
        ]
    }

    private func shown(_ entry: NamespaceEntry, _ warnings: [String] = []) -> VaultAnswer {
        let path = namespace.path + entry.record.name.withSlash
        let data = JSONValue.object(Self.members(entry, path)).encoded(sortingKeys: true)
        return VaultAnswer(EngineAnswer(data: data, warnings: warnings))
    }

    private func read(_ name: String) throws(VaultError) -> VaultAnswer {
        let schema = FieldSchema([], captured: ["path"])
        let warnings = try SystemFields.parse(call.request.fields, schema).warnings
        guard let entry = mounts.namespace(named: name) else { throw .notFound }
        return shown(entry, warnings)
    }

    // MARK: making and changing

    private func write(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        guard !fields.has("seal") else {
            throw .invalid(
                "a namespace has no seal of its own here: it is sealed with the cluster; "
                    + "leave seal out"
            )
        }
        let metadata = try Self.metadata(fields.map("custom_metadata") ?? JSONObject())
        guard let entry = mounts.namespace(named: name) else {
            return try make(name, metadata, fields.warnings, view)
        }
        return try replace(metadata, of: entry, fields.warnings, view)
    }

    private static func metadata(_ object: JSONObject) throws(VaultError) -> IdentityTexts {
        guard object.members.allSatisfy({ $0.value.asString != nil }) else {
            throw .invalid("custom_metadata values must be strings")
        }
        return try IdentityTexts(object, "namespace custom_metadata")
    }

    private func make(
        _ name: String,
        _ metadata: IdentityTexts,
        _ warnings: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        try checkPlace(of: name)
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.changeTable(mounts)
        let home = draft.mountID()
        let id = try freshID(&draft, view)
        let record = NamespaceRecord(
            id: id,
            name: name,
            created: call.environment.now,
            metadata: metadata
        )
        let path = namespace.path + name.withSlash
        try draft.createMount(home)
        for first in VaultBirth.firstRecords(at: call.environment.now) {
            try draft.put(first.path, first.value, in: home)
        }
        try draft.check(SystemPaths.namespace(home), 0)
        try draft.put(SystemPaths.namespace(home), record.encoded())
        try draft.check(SystemPaths.namespaceID(id), 0, in: .system)
        try draft.put(SystemPaths.namespaceID(id), NamespacePointer.encoded(path), in: .system)
        let entry = NamespaceEntry(home: home, record: record, modificationIndex: 0)
        return try draft.commit(shown(entry, warnings))
    }

    private func checkPlace(of name: String) throws(VaultError) {
        try Self.checkCharacters(name)
        let path = namespace.path + name.withSlash
        guard path.utf8.count <= VaultLimits.namespacePathBytesMax else {
            throw .invalid(
                "the path of a namespace is \(path.utf8.count) bytes, the limit is "
                    + "\(VaultLimits.namespacePathBytesMax)"
            )
        }
        guard path.utf8.count(where: { $0 == 0x2F }) <= VaultLimits.namespaceDepthMax else {
            throw .invalid(
                "namespaces are at most \(VaultLimits.namespaceDepthMax) inside each other"
            )
        }
        guard mounts.namespaces.count < VaultLimits.namespacesMax else {
            throw .invalid(
                "there are \(mounts.namespaces.count) namespaces here, which is the limit"
            )
        }
        if let mount = mounts.conflict(with: name.withSlash) {
            throw .invalid("new namespace conflicts with existing mount: \(mount)")
        }
    }

    private static func checkCharacters(_ name: String) throws(VaultError) {
        let quoted = GoText.quoted(name)
        if name.contains(where: \.isWhitespace) {
            throw .invalid(
                "\(quoted) contains space characters that cannot be used in a namespace name"
            )
        }
        for character in [Character("+"), "*"] where name.contains(character) {
            throw .invalid(
                "\(quoted) contains wildcard characters that cannot be used in a namespace name: "
                    + "'\(character)'"
            )
        }
        guard name.isPrintable else {
            throw .invalid("\(quoted) contains characters that do not print")
        }
    }

    /// Six characters that no namespace has.
    private func freshID(
        _ draft: inout BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String {
        let system = view.at(.system)
        for _ in 0..<16 {
            let id = draft.base62(VaultLimits.namespaceIDCharacters)
            if try system.systemIndex(SystemPaths.namespaceID(id)) == 0 { return id }
        }
        throw .invalid("no free id was found for the namespace; try again")
    }

    private func replace(
        _ metadata: IdentityTexts,
        of entry: NamespaceEntry,
        _ warnings: [String],
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard !entry.record.isEnding else {
            throw .invalid("namespace with that name exists and is currently tainted")
        }
        var record = entry.record
        record.metadata = metadata
        let changed = NamespaceEntry(home: entry.home, record: record, modificationIndex: 0)
        guard record != entry.record else { return .answer(shown(entry, warnings)) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.changeTable(mounts)
        try draft.check(SystemPaths.namespace(entry.home), entry.modificationIndex)
        try draft.put(SystemPaths.namespace(entry.home), record.encoded())
        return try draft.commit(shown(changed, warnings))
    }

    private func patch(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        // The namespace of the request is there; it is the path that is wrong.
        guard let entry = mounts.namespace(named: name) else {
            throw .invalid("namespace not found")
        }
        let given = call.request.fields["custom_metadata"]
        let patch = given ?? .object(JSONObject())
        for (_, value) in patch.asObject?.members ?? [] {
            try Self.checkPatch(value)
        }
        let merged = entry.record.metadata.json.patched(with: patch).asObject ?? JSONObject()
        return try replace(try Self.metadata(merged), of: entry, fields.warnings, view)
    }

    private static func checkPatch(_ value: JSONValue) throws(VaultError) {
        let kind =
            switch value {
            case .null, .string: ""
            case .number: "json.Number"
            case .bool: "bool"
            case .array: "[]interface {}"
            case .object: "map[string]interface {}"
            }
        guard !kind.isEmpty else { return }
        throw .invalid("metadata patch can only have string or null values, got \(kind)")
    }

    private static let schema = FieldSchema(
        [("custom_metadata", .map), ("seal", .text), ("pgp_keys", .texts)],
        captured: ["path"]
    )

    // MARK: removing

    /// From this batch on nobody reaches the namespace, nothing is written into it, and no token of
    /// it is good for anything. What is in it is removed by a job.
    private func remove(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let schema = FieldSchema([], captured: ["path"])
        let warnings = try SystemFields.parse(call.request.fields, schema).warnings
        guard let entry = mounts.namespace(named: name) else {
            let warning = "requested namespace does not exist"
            return .answer(VaultAnswer(EngineAnswer(warnings: warnings + [warning])))
        }
        let data = JSONValue.object(["status": "in-progress"]).encoded(sortingKeys: true)
        let answer = VaultAnswer(EngineAnswer(data: data, warnings: warnings))
        guard !entry.record.isEnding else { return .answer(answer) }
        let path = namespace.path + name.withSlash
        let inside = try call.environment.cache.mounts(view.at(entry.home))
        guard inside.namespaces.isEmpty else {
            throw .invalid("unable to delete namespace containing child namespaces")
        }
        var record = entry.record
        record.isEnding = true
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.changeTable(mounts)
        // None is born below it meanwhile.
        try draft.check(SystemPaths.mountTable, inside.modificationIndex, in: entry.home)
        try draft.check(SystemPaths.namespace(entry.home), entry.modificationIndex)
        try draft.put(SystemPaths.namespace(entry.home), record.encoded())
        try draft.changeRateLimits(view) { $0.mountRemoved(path) }
        let removal = NamespaceRemoval.Subject(home: entry.home, id: record.id)
        let job = NewJob(kind: .namespaceRemoval, arguments: removal.encoded())
        try draft.begin(job, view, at: call.environment.now)
        return try draft.commit(answer)
    }
}
