import Barrier
import Wire

/// `config`: settings of a version 2 mount.
extension KVVersion2 {
    /// The mount's settings as they were read; the defaults where none were written.
    func config(
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: KVConfigRecord, modificationIndex: UInt64) {
        guard let opened = try KVRecords.read(KVNames.config, mount.id, view) else {
            return (KVConfigRecord(), 0)
        }
        return (try KVConfigRecord(decoding: opened.value), opened.modificationIndex)
    }

    func readConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.schema)
        let record = try config(view).record
        var writer = JSONWriter(capacity: 128)
        writer.beginObject()
        writer.name("cas_required")
        writer.bool(record.isCASRequired)
        writer.name("delete_version_after")
        writer.string("0s")
        writer.name("max_versions")
        writer.uint(record.versionsMax)
        writer.name("metadata_cas_required")
        writer.bool(record.isMetadataCASRequired)
        writer.endObject()
        return .answer(EngineAnswer(data: writer.bytes, warnings: fields.warnings))
    }

    func writeConfig(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.schema)
        guard Self.schema.kinds.contains(where: { fields.has($0.name) }) else {
            return .answer(.empty)
        }
        try KVSettings.refuseDeleteAfter(fields)
        let versionsMax = try KVSettings.versionsMax(fields)
        var (record, modificationIndex) = try config(view)
        record.versionsMax = versionsMax ?? record.versionsMax
        record.isCASRequired = fields.bool("cas_required") ?? record.isCASRequired
        record.isMetadataCASRequired =
            fields.bool("metadata_cas_required") ?? record.isMetadataCASRequired
        var plan = BatchPlan()
        plan.check(KVNames.config, modificationIndex)
        plan.put(KVNames.config, record.encoded())
        return .commit(plan, .empty)
    }

    private static let schema = FieldSchema([
        ("max_versions", .int), ("cas_required", .bool), ("metadata_cas_required", .bool),
        ("delete_version_after", .signedSeconds),
    ])
}

/// Settings that a mount and a key have in common.
enum KVSettings {
    /// The wanted number of versions, or nil if the request does not name it.
    static func versionsMax(_ fields: Fields) throws(EngineError) -> UInt64? {
        guard let wanted = fields.int("max_versions") else { return nil }
        guard let number = UInt64(exactly: wanted), number <= EngineLimits.versionsMax else {
            throw .invalid("max_versions is \(wanted), it must be 0 to \(EngineLimits.versionsMax)")
        }
        return number
    }

    /// A setting that would not be obeyed is refused, never stored. Zero means "not set" and is
    /// true.
    static func refuseDeleteAfter(_ fields: Fields) throws(EngineError) {
        if let seconds = fields.int("delete_version_after"), seconds != 0 {
            throw .invalid(
                "this version of Holdfast does not support delete_version_after: versions are kept "
                    + "until they are deleted or trimmed by max_versions"
            )
        }
    }
}
