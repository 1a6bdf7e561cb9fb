import Barrier
import Wire

/// `config`: settings of a version 2 mount.
extension KVVersion2 {
    /// The mount's settings as they were read; the defaults where none were written.
    func config(
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: KVConfigRecord, modificationIndex: UInt64) {
        guard let opened = try EngineRecords.read(KVNames.config, mount.id, view) else {
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
        writer.string(GoDuration.format(nanoseconds: record.deleteAfter))
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
        let versionsMax = try KVSettings.versionsMax(fields)
        var (record, modificationIndex) = try config(view)
        record.versionsMax = versionsMax ?? record.versionsMax
        record.isCASRequired = fields.bool("cas_required") ?? record.isCASRequired
        record.isMetadataCASRequired =
            fields.bool("metadata_cas_required") ?? record.isMetadataCASRequired
        record.deleteAfter = try KVSettings.mountDeleteAfter(fields) ?? record.deleteAfter
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

    /// `delete_version_after` of a mount that turns it off.
    static let deleteAfterOff: Int64 = -1_000_000_000

    /// A key's `delete_version_after` in nanoseconds, or nil if the request does not name it.
    static func keyDeleteAfter(_ fields: Fields) throws(EngineError) -> Int64? {
        guard let seconds = fields.int("delete_version_after") else { return nil }
        let (nanoseconds, isOver) = Int64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !isOver, nanoseconds >= 0 else {
            throw .invalid("delete_version_after is \(seconds) seconds, which is no duration")
        }
        return nanoseconds
    }

    /// The same of a mount, where anything negative means off.
    static func mountDeleteAfter(_ fields: Fields) throws(EngineError) -> Int64? {
        if let seconds = fields.int("delete_version_after"), seconds < 0 { return deleteAfterOff }
        return try keyDeleteAfter(fields)
    }

    /// When a version written, or brought back, now will be deleted by itself: after the smaller of
    /// the two durations that are set. Nil: never.
    static func deletion(ofWrite now: Timestamp, mount: Int64, key: Int64) -> Timestamp? {
        guard mount >= 0 else { return nil }
        guard let after = [mount, key].filter({ $0 > 0 }).min() else { return nil }
        let (sum, isOver) = now.nanoseconds.addingReportingOverflow(UInt64(after))
        return Timestamp(nanoseconds: isOver ? .max : sum)
    }
}
