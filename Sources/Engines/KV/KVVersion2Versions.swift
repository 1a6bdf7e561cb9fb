import Barrier
import Wire

/// `delete/<name>`, `undelete/<name>`, `destroy/<name>`: change some versions of a key.
///
/// Versions that do not exist, and changes that are there already, are passed over in silence: the
/// answer is 204 either way, as in OpenBao.
extension KVVersion2 {
    func deleteVersions(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let numbers = try numbers(request, orThrow: "No version number provided")
        return try change(numbers, of: name, view) { version in
            guard version.isReadable(at: request.now) else { return false }
            version.deletion = request.now
            return true
        }
    }

    func undeleteVersions(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let numbers = try numbers(request, orThrow: "No version number provided")
        let config = try config(view).record
        // Where versions are deleted by themselves, their time begins anew.
        let after = try state(of: name, view).record?.deleteAfter ?? 0
        let now = request.now
        let deletion = KVSettings.deletion(ofWrite: now, mount: config.deleteAfter, key: after)
        return try change(numbers, of: name, view) { version in
            guard version.deletion != deletion && !version.isDestroyed else { return false }
            version.deletion = deletion
            return true
        }
    }

    func destroyVersions(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let numbers = try numbers(request, orThrow: "no version number provided")
        return try change(numbers, of: name, view) { version in
            guard !version.isDestroyed else { return false }
            version.isDestroyed = true
            return true
        }
    }

    /// Applies `edit` to the versions that exist; an edit returns whether it changed anything.
    private func change(
        _ numbers: [UInt64],
        of name: String,
        _ view: borrowing BarrierView,
        _ edit: (inout KVMetadataRecord.Version) -> Bool
    ) throws(EngineError) -> EngineStep {
        let state = try state(of: name, view)
        guard var record = state.record else { return .answer(.empty) }
        var destroyed: [UInt64] = []
        var isChanged = false
        for number in numbers {
            guard let position = record.position(of: number) else { continue }
            let wasDestroyed = record.versions[position].isDestroyed
            guard edit(&record.versions[position]) else { continue }
            isChanged = true
            if record.versions[position].isDestroyed && !wasDestroyed {
                destroyed.append(number)
            }
        }
        guard isChanged else { return .answer(.empty) }
        var plan = try plan(record, of: name, over: state.modificationIndex)
        for number in destroyed {
            plan.delete(KVNames.version(number, of: name))
        }
        return .commit(plan, .empty)
    }

    private func numbers(
        _ request: EngineRequest,
        orThrow text: String
    ) throws(EngineError) -> [UInt64] {
        let fields = try Fields(request.fields, Self.versionFields)
        let numbers = fields.ints("versions") ?? []
        guard !numbers.isEmpty else { throw .invalid(text) }
        guard numbers.count <= EngineLimits.versionsPerRequestMax else {
            throw .invalid(
                "\(numbers.count) versions in one request, the limit is "
                    + "\(EngineLimits.versionsPerRequestMax)"
            )
        }
        return numbers.compactMap { UInt64(exactly: $0) }
    }

    private static let versionFields = FieldSchema([("versions", .ints)], captured: ["path"])
}
