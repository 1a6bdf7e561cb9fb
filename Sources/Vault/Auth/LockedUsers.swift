import Barrier
import Engines
import Wire

/// `sys/locked-users`: who may not log in for a while, and letting them in again.
struct LockedUsers {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// Whether a path below `sys/` is meant for this.
    static func serves(_ path: String) -> Bool {
        path == "locked-users" || path.utf8.starts(with: "locked-users/".utf8)
    }

    /// - Parameter path: below `sys/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        guard let below = path.below("locked-users/") else {
            guard call.request.operation == .read else { throw .engine(.unsupportedOperation) }
            return .answer(try list(view))
        }
        guard let slash = below.utf8.firstIndex(of: 0x2F),
            let alias = String(below[slash...]).below("/unlock/"), !alias.isEmpty
        else { throw .engine(.unsupportedPath) }
        guard call.request.operation == .update else { throw .engine(.unsupportedOperation) }
        return try unlock(alias, accessor: String(below[..<slash]), view)
    }

    /// Those of this namespace, and of all below it.
    private func list(_ view: borrowing BarrierView) throws(VaultError) -> VaultAnswer {
        let fields = try SystemFields.parse(call.request.fields, Self.schema)
        let wanted = fields.text("mount_accessor") ?? ""
        let own = Place(namespace: call.environment.namespace, mounts: mounts)
        let finder = NamespaceFinder(cache: call.environment.cache)
        guard let below = try finder.descendants(of: own, view) else {
            throw .invalid(
                "there are more than \(VaultLimits.namespacesMax) namespaces below this one: "
                    + "ask them one by one"
            )
        }
        var places = [own]
        for one in below where !one.entry.record.isEnding {
            places.append(try finder.place(of: one.entry, below: one.parent, view))
        }
        var spaces: [JSONValue] = []
        var total = 0
        for place in places {
            let (space, count) = try space(place, wanted, view)
            total += count
            if let space { spaces.append(space) }
        }
        let data: JSONObject = [
            "by_namespace": .array(spaces), "total": .number(JSONNumber(total)),
        ]
        let body = JSONValue.object(data).encoded(sortingKeys: false)
        return VaultAnswer(EngineAnswer(data: body, warnings: fields.warnings))
    }

    /// One namespace's line, and how many are locked out there. Where one mount is asked for, the
    /// namespaces below that do not have it are left out.
    private func space(
        _ place: Place,
        _ wanted: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> (line: JSONValue?, count: Int) {
        var rows: [JSONValue] = []
        var total = 0
        for entry in place.mounts.authMethods
        where wanted.isEmpty || utf8Equals(entry.record.accessor, wanted) {
            let names = try locked(entry, view)
            total += names.count
            if names.isEmpty, wanted.isEmpty { continue }
            rows.append(row(entry.record.accessor, names))
        }
        if rows.isEmpty, !wanted.isEmpty {
            guard place.namespace.home == call.environment.namespace.home else { return (nil, 0) }
            rows.append(row(wanted, []))
        }
        let line: JSONObject = [
            "namespace_id": .string(place.namespace.id),
            "namespace_path": .string(place.namespace.path),
            "counts": .number(JSONNumber(total)), "mount_accessors": .array(rows),
        ]
        return (.object(line), total)
    }

    private func row(_ accessor: String, _ names: [String]) -> JSONValue {
        .object([
            "mount_accessor": .string(accessor), "counts": .number(JSONNumber(names.count)),
            "alias_identifiers": names.isEmpty ? .null : .array(names.map { .string($0) }),
        ])
    }

    private func locked(
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [String] {
        guard let rule = LockoutTuning.rule(of: entry.record) else { return [] }
        var aliases: [String] = []
        let folder = LoginFailurePaths.known
        for name in try names(folder, entry, view) {
            guard let opened = try read(folder + name, entry, view) else { continue }
            let failures: LoginFailures
            do throws(EngineError) {
                failures = try LoginFailures(decoding: opened.value)
            } catch {
                throw .engine(error)
            }
            if let alias = failures.lockedAlias(by: rule, at: call.environment.now) {
                aliases.append(alias)
            }
        }
        return aliases.sorted(by: utf8Precedes)
    }

    private func names(
        _ folder: String,
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> [String] {
        do throws(BarrierError) {
            return try view.list(entry.id, directory: folder)
        } catch {
            throw .barrier(error)
        }
    }

    private func read(
        _ path: String,
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Opened? {
        do throws(BarrierError) {
            return try view.read(entry.id, path)
        } catch {
            throw .barrier(error)
        }
    }

    private func unlock(
        _ alias: String,
        accessor: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let entry = mounts.authMethods.first { utf8Equals($0.record.accessor, accessor) }
        guard let entry else { return .answer(.empty) }
        let path = LoginFailurePaths.path(of: alias, isKnown: true)
        let index: UInt64
        do throws(BarrierError) {
            index = try view.modificationIndex(entry.id, path)
        } catch {
            throw .barrier(error)
        }
        guard index > 0 else { return .answer(.empty) }
        var draft = try BatchDraft(call.request, authority, call.environment, view)
        try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
        var plan = BatchPlan()
        plan.check(path, index)
        plan.delete(path)
        try draft.add(plan, in: entry.id)
        return .commit(try draft.finish(), .empty)
    }

    private static let schema = FieldSchema([("mount_accessor", .text)])
}
