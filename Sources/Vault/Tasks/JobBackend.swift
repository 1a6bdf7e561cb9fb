import Barrier
import Engines
import Wire

/// `sys/jobs/…`: what the vault is doing by itself, how far it has come, and what keeps it.
struct JobBackend {
    let call: VaultCall

    /// - Parameter path: below `sys/jobs/`; empty for the list.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        switch (call.request.operation, path.isEmpty) {
        case (.list, true):
            return .answer(VaultAnswer(EngineAnswer(data: try list(view), warnings: warnings)))
        case (.read, false):
            guard let job = try JobEntry(path, view),
                call.environment.namespace.isRoot || job.record.home == view.home
            else { throw .notFound }
            let data = JSONValue.object(Self.facts(job)).encoded(sortingKeys: true)
            return .answer(VaultAnswer(EngineAnswer(data: data, warnings: warnings)))
        default: throw .engine(.unsupportedOperation)
        }
    }

    private func list(_ view: borrowing BarrierView) throws(VaultError) -> [UInt8] {
        let isRoot = call.environment.namespace.isRoot
        let system = view.at(.system)
        let all = try system.systemNames(SystemPaths.jobs)
        guard !all.isEmpty else { throw .notFound }
        var facts = JSONObject()
        var names: [JSONValue] = []
        for id in isRoot ? all.prefix(VaultLimits.jobsShownMax) : all[...] {
            do throws(VaultError) {
                guard let job = try JobEntry(id, view) else { continue }
                // Whoever operates the vault sees every job; a namespace sees its own.
                guard isRoot || job.record.home == view.home else { continue }
                facts[id] = .object(Self.facts(job))
            } catch {
                // One damaged record must not hide the others.
                guard isRoot else { continue }
                facts[id] = ["last_error": .string(error.summary), "state": "damaged"]
            }
            names.append(.string(id))
            if names.count == VaultLimits.jobsShownMax { break }
        }
        guard !names.isEmpty else { throw .notFound }
        let data: JSONValue = [
            "key_info": .object(facts), "keys": .array(names),
            "total": .number(JSONNumber(isRoot ? all.count : names.count)),
        ]
        return data.encoded(sortingKeys: true)
    }

    private static func facts(_ job: JobEntry) -> JSONObject {
        let record = job.record
        let hasFailed = record.failureCount > 0
        return [
            "begun": .string(record.begun.rfc3339),
            "batches": .number(JSONNumber(record.batchCount)),
            "done": .number(JSONNumber(record.doneCount)),
            "failures": .number(JSONNumber(UInt64(record.failureCount))),
            "id": .string(job.id),
            "kind": .string(record.kind.name),
            "last_error": .string(record.lastError),
            "next_attempt": hasFailed ? .string(record.due.rfc3339) : .null,
            "state": hasFailed ? "failing" : "running",
        ]
    }
}
