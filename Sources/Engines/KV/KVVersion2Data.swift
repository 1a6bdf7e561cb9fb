import Barrier
import Wire

/// `data/<name>`: read a version, add a version, delete the latest.
extension KVVersion2 {
    func readData(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.readFields)
        let (record, version) = try version(fields.int("version"), of: name, view)
        guard version.isReadable(at: request.now) else {
            let data = KVVersionAnswer(version, of: record).encoded(data: Array("null".utf8))
            return .answer(EngineAnswer(status: 404, data: data))
        }
        let json = try value(version, of: name, view)
        let data = KVVersionAnswer(version, of: record).encoded(data: json)
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    /// The version asked for, or the latest.
    func version(
        _ asked: Int?,
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> (record: KVMetadataRecord, version: KVMetadataRecord.Version) {
        guard let record = try state(of: name, view).record else { throw .notFound }
        let number = asked.flatMap { $0 > 0 ? UInt64($0) : nil } ?? record.currentVersion
        guard let version = record.version(number) else { throw .notFound }
        return (record, version)
    }

    /// The JSON of a version that is not destroyed.
    func value(
        _ version: KVMetadataRecord.Version,
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> [UInt8] {
        let path = KVNames.version(version.number, of: name)
        guard let opened = try EngineRecords.read(path, mount.id, view) else {
            throw .damaged(
                "KV metadata lists version \(version.number), and its value is not there"
            )
        }
        return try KVVersionRecord(decoding: opened.value).json
    }

    func writeData(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.writeFields)
        guard KVNames.isKey(name) else { throw .invalid("missing path") }
        guard let data = fields.map("data") else { throw .invalid("no data provided") }
        // `null` is a value of its own: it is stored, and read back, as null.
        let isNull = request.fields["data"]?.isNull ?? false
        let value = KVVersionRecord(data: isNull ? .null : .object(data))
        try KVAnswers.checkSize(value.json)

        let state = try state(of: name, view)
        let config = try config(view).record
        let record = state.record ?? KVMetadataRecord(created: request.now)
        try checkAndSet(fields.map("options"), against: record, config)
        let key = KVKey(name: name, record: record, modificationIndex: state.modificationIndex)
        return try add(value, to: key, config, at: request.now, fields.warnings)
    }

    /// Makes a value the latest version of a key.
    func add(
        _ value: KVVersionRecord,
        to key: KVKey,
        _ config: KVConfigRecord,
        at now: Timestamp,
        _ warnings: [String]
    ) throws(EngineError) -> EngineStep {
        var record = key.record
        let (added, forgotten) = record.addVersion(at: now, config)
        var plan = try plan(record, of: key.name, over: key.modificationIndex)
        plan.put(KVNames.version(added.number, of: key.name), value.encoded())
        for version in forgotten where !version.isDestroyed {
            plan.delete(KVNames.version(version.number, of: key.name))
        }
        let data = KVVersionAnswer(added, of: record).encoded()
        return .commit(plan, EngineAnswer(data: data, warnings: warnings))
    }

    func deleteLatest(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let state = try state(of: name, view)
        guard var record = state.record,
            let position = record.position(of: record.currentVersion),
            record.versions[position].isReadable(at: request.now)
        else { return .answer(.empty) }
        record.versions[position].deletion = request.now
        return .commit(try plan(record, of: name, over: state.modificationIndex), .empty)
    }

    /// `options.cas`: 0 means that there is no version yet, n that n is the latest.
    func checkAndSet(
        _ options: JSONObject?,
        against record: KVMetadataRecord,
        _ config: KVConfigRecord
    ) throws(EngineError) {
        guard let raw = options?["cas"] else {
            if config.isCASRequired || record.isCASRequired {
                throw .invalid("check-and-set parameter required for this call")
            }
            return
        }
        guard let expected = try? Conversion.int(raw) else {
            throw .invalid("error parsing check-and-set parameter")
        }
        guard UInt64(exactly: expected) == record.currentVersion else {
            throw .invalid("check-and-set parameter did not match the current version")
        }
    }

    private static let kinds: [(String, FieldSchema.Kind)] = [
        ("data", .map), ("options", .map), ("version", .int),
    ]
    private static let readFields = FieldSchema(kinds, captured: ["path"])
    private static let writeFields = FieldSchema(kinds, captured: ["path"], looksFirst: true)
}

/// What answers say of one version.
struct KVVersionAnswer {
    private let version: KVMetadataRecord.Version
    private let customMetadata: [(name: String, value: String)]

    init(_ version: KVMetadataRecord.Version, of record: KVMetadataRecord) {
        self.version = version
        customMetadata = record.customMetadata
    }

    /// `{"created_time":…,"custom_metadata":…,"deletion_time":…,"destroyed":…,"version":…}`
    func encoded() -> [UInt8] {
        var writer = JSONWriter(capacity: 192)
        write(to: &writer)
        return writer.bytes
    }

    /// `{"metadata":{…},"subkeys":…}`
    func encoded(subkeys: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: 224 + subkeys.count)
        writer.beginObject()
        writer.name("metadata")
        write(to: &writer)
        writer.name("subkeys")
        writer.raw(subkeys)
        writer.endObject()
        return writer.bytes
    }

    /// `{"data":…,"metadata":{…}}`
    func encoded(data: [UInt8]) -> [UInt8] {
        var writer = JSONWriter(capacity: 224 + data.count)
        writer.beginObject()
        writer.name("data")
        writer.raw(data)
        writer.name("metadata")
        write(to: &writer)
        writer.endObject()
        return writer.bytes
    }

    private func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.name("created_time")
        writer.string(version.created.rfc3339)
        writer.name("custom_metadata")
        writer.writeCustomMetadata(customMetadata)
        writer.name("deletion_time")
        writer.string(version.deletion?.rfc3339 ?? "")
        writer.name("destroyed")
        writer.bool(version.isDestroyed)
        writer.name("version")
        writer.uint(version.number)
        writer.endObject()
    }
}

extension JSONWriter {
    /// An object of texts, or `null` for none.
    mutating func writeCustomMetadata(_ pairs: [(name: String, value: String)]) {
        guard !pairs.isEmpty else {
            null()
            return
        }
        beginObject()
        for (name, value) in pairs {
            self.name(name)
            string(value)
        }
        endObject()
    }
}
