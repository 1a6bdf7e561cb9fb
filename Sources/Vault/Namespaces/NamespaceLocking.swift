import Barrier
import Engines
import Wire

/// `sys/namespaces/api-lock/…`: closes the API of a namespace and of all below it, and opens it
/// again.
///
/// What is in there stays as it is: tokens and leases live on and end at their time. Only nobody
/// gets through to it: see ``Namespace/checkLock()``.
struct NamespaceLocking {
    let call: VaultCall
    let authority: Authority

    private static let folder = "api-lock/"
    private static let unlocking = "sys/namespaces/api-lock/unlock"

    /// What a locked namespace still takes, from whoever is in it or above it.
    ///
    /// - Parameter path: behind `/v1/` and the namespace.
    static func isUnlocking(_ path: String) -> Bool { utf8Equals(path, unlocking) }

    /// - Parameter path: below `sys/namespaces/`.
    /// - Returns: nil for a path of others.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        guard let below = path.below(Self.folder) else { return nil }
        if let way = Self.way(below, behind: "lock") { return try lock(way, view) }
        if let way = Self.way(below, behind: "unlock") { return try unlock(way, view) }
        return nil
    }

    /// From the request's namespace to the one that is meant: empty, or with a slash at its end.
    private static func way(_ path: String, behind verb: String) -> String? {
        if utf8Equals(path, verb) { return "" }
        guard let way = path.below("\(verb)/") else { return nil }
        return way.isEmpty || way.utf8.last == 0x2F ? way : way.withSlash
    }

    /// The namespace that is meant, as its parent has it.
    private struct Target {
        let parent: Place
        let entry: NamespaceEntry

        var path: String { parent.namespace.path + entry.record.name.withSlash }
        var quoted: String { GoText.quoted(path) }
        /// What locks it whatever its own record says.
        var lockedAbove: String? { parent.namespace.lockedBy }
    }

    private func target(
        _ way: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Target {
        let path = call.environment.namespace.path + way
        guard !path.isEmpty else { throw .invalid("root namespace cannot be locked/unlocked") }
        let names = path.utf8.dropLast()
        let start = names.lastIndex(of: 0x2F).map { names.index(after: $0) } ?? names.startIndex
        let above = String(path[..<start])
        let finder = NamespaceFinder(cache: call.environment.cache)
        guard let parent = try finder.find(path: above, view),
            let entry = parent.mounts.namespace(named: String(Substring(names[start...]))),
            !entry.record.isEnding
        else { throw .invalid("requested namespace does not exist") }
        return Target(parent: parent, entry: entry)
    }

    // MARK: locking

    private func lock(
        _ way: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard call.request.operation == .update else { throw .engine(.unsupportedOperation) }
        let schema = FieldSchema([], captured: ["path"])
        let warnings = try SystemFields.parse(call.request.fields, schema).warnings
        let target = try target(way, view)
        if let above = target.lockedAbove {
            throw .invalid(
                "cannot lock namespace \(target.quoted): ancestor namespace "
                    + "\(GoText.quoted(above)) is already locked"
            )
        }
        guard !target.entry.record.isLocked else {
            throw .invalid("cannot lock namespace \(target.quoted): is already locked")
        }
        // The key would wait behind the lock that it opens.
        if call.request.wrapSeconds != nil, way.isEmpty {
            throw .invalid(
                "the unlock key cannot be wrapped inside of the namespace that is locked; "
                    + "lock it from a namespace above"
            )
        }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        let key = draft.base62(VaultLimits.unlockKeyCharacters)
        var record = target.entry.record
        record.lock = NamespaceLock(
            key: key,
            home: target.entry.home,
            call.environment.keyring
        )
        try Self.change(target, to: record, in: &draft)
        let data = JSONValue.object(["unlock_key": .string(key)]).encoded(sortingKeys: true)
        return try draft.commit(VaultAnswer(EngineAnswer(data: data, warnings: warnings)))
    }

    // MARK: unlocking

    private func unlock(
        _ way: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard call.request.operation == .update else { throw .engine(.unsupportedOperation) }
        let fields = try SystemFields.parse(call.request.fields, Self.unlockSchema)
        let key = fields.text("unlock_key") ?? ""
        guard !key.isEmpty || authority.hasSudo(on: call.request.path) else {
            throw .invalid(GoText.errors(["provided empty key"]))
        }
        let target = try target(way, view)
        guard let lock = target.entry.record.lock else {
            throw .invalid("namespace \(target.quoted) is not locked")
        }
        if let above = target.lockedAbove {
            throw .invalid(
                "cannot unlock \(target.quoted) with namespace \(GoText.quoted(above)) "
                    + "being locked"
            )
        }
        let environment = call.environment
        guard key.isEmpty || lock.isOpened(by: key, home: target.entry.home, environment.keyring)
        else { throw .invalid("incorrect unlock key") }
        var draft = try BatchDraft(call.request, authority, environment, view)
        var record = target.entry.record
        record.lock = nil
        try Self.change(target, to: record, in: &draft)
        let used = key.isEmpty ? ["Namespace unlocked using sudo capabilities"] : []
        let warnings = used + fields.warnings
        let answer = EngineAnswer(status: warnings.isEmpty ? 204 : 200, warnings: warnings)
        return try draft.commit(VaultAnswer(answer))
    }

    private static let unlockSchema = FieldSchema([("unlock_key", .text)], captured: ["path"])

    /// Nothing on the way to it has changed meanwhile: it is there, and not locked from above.
    private static func change(
        _ target: Target,
        to record: NamespaceRecord,
        in draft: inout BatchDraft
    ) throws(VaultError) {
        let (parent, entry) = (target.parent, target.entry)
        let home = parent.namespace.home
        try draft.check(parent.namespace)
        try draft.changeTable(parent.mounts, in: home)
        try draft.check(SystemPaths.namespace(entry.home), entry.modificationIndex, in: home)
        try draft.put(SystemPaths.namespace(entry.home), record.encoded(), in: home)
    }
}
