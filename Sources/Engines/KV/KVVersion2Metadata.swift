import Barrier
import Wire

/// `metadata/<name>`: settings and history of a key, removal of all of it, and lists of keys.
extension KVVersion2 {
    func readMetadata(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.readFields)
        guard let record = try state(of: name, view).record else { throw .notFound }
        let data = KVMetadataAnswer(record: record).encoded()
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    func list(
        _ path: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.readFields)
        let folder = KVNames.metadataFolder(KVNames.folder(path))
        let names = try EngineRecords.list(folder, page: ListPage(fields), mount.id, view)
        let answer = EngineAnswer(data: KVAnswers.keys(names), warnings: fields.warnings)
        return .answer(answer)
    }

    /// A recursive listing has no pages, as in OpenBao.
    func scan(
        _ path: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.readFields)
        let folder = KVNames.metadataFolder(KVNames.folder(path))
        let names = try EngineRecords.scan(folder, mount.id, view)
        let answer = EngineAnswer(data: KVAnswers.scanned(names), warnings: fields.warnings)
        return .answer(answer)
    }

    /// `detailed-metadata/<folder>`: a list or a scan with what is known of each key.
    func listDetailed(
        _ path: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.readFields)
        let below = KVNames.folder(path)
        let folder = KVNames.metadataFolder(below)
        let names =
            request.operation == .scan
            ? try EngineRecords.scan(folder, mount.id, view)
            : try EngineRecords.list(folder, page: ListPage(fields), mount.id, view)
        guard names.count <= EngineLimits.detailedNamesMax else {
            throw .invalid(
                "\(names.count) keys in one answer with details, the limit is "
                    + "\(EngineLimits.detailedNamesMax): ask for pages with limit and after"
            )
        }
        var details = JSONWriter(capacity: names.count * 320)
        details.beginObject()
        for name in names.sorted(by: utf8Precedes) {
            details.name(name)
            if name.utf8.last == 0x2F {
                details.raw(Array("{}".utf8))
            } else if let record = try state(of: below + name, view).record {
                details.raw(KVMetadataAnswer(record: record).encoded())
            } else {
                throw .damaged("a key is listed, and its metadata is not there")
            }
            guard details.bytes.count <= EngineLimits.detailedBytesMax else {
                throw .tooLarge(
                    "the details of these keys are over \(EngineLimits.detailedBytesMax) bytes: "
                        + "ask for pages with limit and after"
                )
            }
        }
        details.endObject()
        let data =
            names.isEmpty
            ? KVAnswers.scanned([]) : KVAnswers.keys(names, details: details.bytes)
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    func writeMetadata(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.writeFields)
        guard KVNames.isKey(name) else { throw .invalid("missing path") }
        guard Self.settings.contains(where: { fields.has($0) }) else { return .answer(.empty) }
        let custom = try fields.map("custom_metadata").map { raw throws(EngineError) in
            try KVCustomMetadata.parse(raw)
        }
        let state = try state(of: name, view)
        let config = try config(view).record
        try checkAndSet(fields.int("metadata_cas"), against: state.record, config)

        var record = state.record ?? KVMetadataRecord(created: request.now)
        try change(&record, fields, at: request.now)
        record.customMetadata = custom ?? record.customMetadata
        let plan = try plan(record, of: name, over: state.modificationIndex)
        return .commit(plan, answer(to: fields, config))
    }

    /// A JSON merge patch: what the request does not name stays, and null takes a setting back.
    func patchMetadata(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.patchFields)
        guard KVNames.isKey(name) else { throw .invalid("missing path") }
        let keepsVersions = request.fields["delete_version_after"]?.isNull ?? false
        guard keepsVersions || Self.settings.contains(where: { fields.has($0) }) else {
            return .answer(.empty)
        }
        let state = try state(of: name, view)
        guard var record = state.record else { throw .nothingToPatch }
        let isCleared = request.fields["custom_metadata"]?.isNull ?? false
        let custom = try fields.map("custom_metadata").map { raw throws(EngineError) in
            isCleared ? [] : try KVCustomMetadata.patch(record.customMetadata, with: raw)
        }
        let config = try config(view).record
        try checkAndSet(fields.int("metadata_cas"), against: record, config)
        try change(&record, fields, at: request.now)
        if keepsVersions { record.deleteAfter = 0 }
        record.customMetadata = custom ?? record.customMetadata
        let plan = try plan(record, of: name, over: state.modificationIndex)
        return .commit(plan, answer(to: fields, config))
    }

    private func change(
        _ record: inout KVMetadataRecord,
        _ fields: Fields,
        at now: Timestamp
    ) throws(EngineError) {
        record.metadataVersion += 1
        record.updated = now
        record.versionsMax = try KVSettings.versionsMax(fields) ?? record.versionsMax
        record.isCASRequired = fields.bool("cas_required") ?? record.isCASRequired
        record.isMetadataCASRequired =
            fields.bool("metadata_cas_required") ?? record.isMetadataCASRequired
        record.deleteAfter = try KVSettings.keyDeleteAfter(fields) ?? record.deleteAfter
    }

    func deleteMetadata(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let state = try state(of: name, view)
        guard let record = state.record else { return .answer(.empty) }
        let kept = record.versions.filter { !$0.isDestroyed }
        guard kept.count <= EngineLimits.planStepsMax else {
            throw .invalid(
                "this key holds \(kept.count) versions and at most \(EngineLimits.planStepsMax) "
                    + "can be removed at once: destroy some of them first"
            )
        }
        let path = KVNames.metadata(name)
        var plan = BatchPlan()
        plan.check(path, state.modificationIndex)
        plan.delete(path)
        for version in kept {
            plan.delete(KVNames.version(version.number, of: name))
        }
        return .commit(plan, .empty)
    }

    private func checkAndSet(
        _ expected: Int?,
        against record: KVMetadataRecord?,
        _ config: KVConfigRecord
    ) throws(EngineError) {
        guard let expected else {
            if config.isMetadataCASRequired || record?.isMetadataCASRequired == true {
                throw .invalid("metadata check-and-set parameter required for this call")
            }
            return
        }
        if let record {
            guard UInt64(exactly: expected) == record.metadataVersion else {
                throw .invalid(
                    "metadata check-and-set parameter does not match the current version"
                )
            }
        } else if expected != 0 {
            throw .invalid("metadata_cas must be 0 when creating new metadata")
        }
    }

    private func answer(to fields: Fields, _ config: KVConfigRecord) -> EngineAnswer {
        var warnings: [String] = []
        for (name, isMandated) in [
            ("cas_required", config.isCASRequired),
            ("metadata_cas_required", config.isMetadataCASRequired),
        ] where isMandated && fields.bool(name) == false {
            warnings.append(
                "\"\(name)\" set to false, but is mandated by backend config. This value will be "
                    + "ignored."
            )
        }
        return warnings.isEmpty ? .empty : EngineAnswer(warnings: warnings + fields.warnings)
    }

    private static let settings = [
        "max_versions", "cas_required", "metadata_cas_required", "delete_version_after",
        "custom_metadata",
    ]
    private static let kinds: [(String, FieldSchema.Kind)] = [
        ("cas_required", .bool), ("metadata_cas_required", .bool), ("max_versions", .int),
        ("delete_version_after", .seconds), ("custom_metadata", .map), ("metadata_cas", .int),
        ("after", .text), ("limit", .int),
    ]
    private static let readFields = FieldSchema(kinds, captured: ["path"])
    private static let writeFields = FieldSchema(kinds, captured: ["path"], looksFirst: true)
    private static let patchFields = FieldSchema(kinds, captured: ["path"])
}

/// The body of `GET metadata/<name>`.
private struct KVMetadataAnswer {
    let record: KVMetadataRecord

    func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 320 + record.versions.count * 112)
        writer.beginObject()
        writer.name("cas_required")
        writer.bool(record.isCASRequired)
        writer.name("created_time")
        writer.string(record.created.rfc3339)
        writer.name("current_metadata_version")
        writer.uint(record.metadataVersion)
        writer.name("current_version")
        writer.uint(record.currentVersion)
        writer.name("custom_metadata")
        writer.writeCustomMetadata(record.customMetadata)
        writer.name("delete_version_after")
        writer.string(GoDuration.format(nanoseconds: record.deleteAfter))
        writer.name("max_versions")
        writer.uint(record.versionsMax)
        writer.name("metadata_cas_required")
        writer.bool(record.isMetadataCASRequired)
        writer.name("oldest_version")
        writer.uint(record.oldestVersion)
        writer.name("updated_time")
        writer.string(record.updated.rfc3339)
        writer.name("versions")
        writeVersions(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    /// Sorted by the number's text, as Go sorts the names of a map.
    private func writeVersions(to writer: inout JSONWriter) {
        let named = record.versions.map { (name: String($0.number), version: $0) }
        writer.beginObject()
        for (name, version) in named.sorted(by: { utf8Precedes($0.name, $1.name) }) {
            writer.name(name)
            writer.beginObject()
            writer.name("created_time")
            writer.string(version.created.rfc3339)
            writer.name("deletion_time")
            writer.string(version.deletion?.rfc3339 ?? "")
            writer.name("destroyed")
            writer.bool(version.isDestroyed)
            writer.endObject()
        }
        writer.endObject()
    }
}
