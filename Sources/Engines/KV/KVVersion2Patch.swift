import Barrier
import Wire

/// `PATCH data/<name>` and `subkeys/<name>`: change a part of a secret, and see its shape without
/// its values.
extension KVVersion2 {
    /// A JSON merge patch of the latest version; the result is a new version.
    func patchData(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.patchFields)
        guard KVNames.isKey(name) else { throw .invalid("missing path") }
        guard let object = fields.map("data") else { throw .invalid("no data provided") }
        let state = try state(of: name, view)
        guard let record = state.record else { throw .nothingToPatch }
        let config = try config(view).record
        try checkAndSet(fields.map("options"), against: record, config)
        guard let latest = record.version(record.currentVersion) else { throw .nothingToPatch }
        guard latest.isReadable(at: request.now) else {
            let data = KVVersionAnswer(latest, of: record).encoded()
            return .answer(EngineAnswer(status: 404, data: data))
        }
        let isNull = request.fields["data"]?.isNull ?? false
        let current = try stored(latest, of: name, view)
        let merged = isNull ? .null : current.patched(with: .object(object))
        let value = KVVersionRecord(data: merged)
        try KVAnswers.checkSize(value.json)
        let key = KVKey(name: name, record: record, modificationIndex: state.modificationIndex)
        return try add(value, to: key, config, at: request.now, fields.warnings)
    }

    /// The names in a secret, with `null` for every value.
    func readSubkeys(
        _ name: String,
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let fields = try Fields(request.fields, Self.subkeyFields)
        let (record, version) = try version(fields.int("version"), of: name, view)
        let answer = KVVersionAnswer(version, of: record)
        guard version.isReadable(at: request.now) else {
            let data = answer.encoded(subkeys: Array("null".utf8))
            return .answer(EngineAnswer(status: 404, data: data))
        }
        let depth = fields.int("depth") ?? 0
        let value = try stored(version, of: name, view)
        // 0 is everything; OpenBao reads what is negative as 1.
        let names = Self.names(in: value, depth: depth == 0 ? .max : max(1, depth))
        let data = answer.encoded(subkeys: names.encoded(sortingKeys: true))
        return .answer(EngineAnswer(data: data, warnings: fields.warnings))
    }

    /// Objects down to `depth` levels; everything else, and an empty object, is null.
    private static func names(in value: JSONValue, depth: Int) -> JSONValue {
        guard case .object(let object) = value, depth > 0, !object.isEmpty else { return .null }
        return .object(object.mapValues { names(in: $0, depth: depth - 1) })
    }

    private func stored(
        _ version: KVMetadataRecord.Version,
        of name: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> JSONValue {
        let json = try value(version, of: name, view)
        do throws(JSONError) {
            return try JSONScanner.parse(json, limits: .trusted)
        } catch {
            throw .damaged("KV version: \(error.summary)")
        }
    }

    private static let patchFields = FieldSchema(
        [("data", .map), ("options", .map), ("version", .int)],
        captured: ["path"]
    )
    private static let subkeyFields = FieldSchema(
        [("version", .int), ("depth", .int)],
        captured: ["path"]
    )
}
