import Barrier
import Wire

/// KV version 1: a name holds one object, a write replaces it.
///
/// Contract, from `PUT` to record: body object → ``KVSecretRecord`` → one `put`. No check on the
/// record itself: the last write wins, as in OpenBao.
struct KVVersion1 {
    let mount: EngineMount

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        switch request.operation {
        case .read: try read(request, view)
        case .list: try list(request, view)
        case .scan: try scan(request, view)
        case .update: try write(request)
        case .delete: try delete(request, view)
        case .patch, .help: throw .unsupportedOperation
        }
    }

    /// The record that tells whether a write would create something; nil where nothing is created.
    static func record(of path: String) -> String? { KVNames.isKey(path) ? path : nil }

    private func read(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard KVNames.isKey(request.path),
            let opened = try EngineRecords.read(request.path, mount.id, view)
        else { throw .notFound }
        let secret = try KVSecretRecord(decoding: opened.value)
        let answer = EngineAnswer(
            data: secret.json,
            leaseSeconds: secret.leaseSeconds ?? mount.leaseSeconds,
            warnings: try Fields(request.fields, Self.noFields).warnings
        )
        return .answer(answer)
    }

    private func list(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let folder = KVNames.folder(request.path)
        let names = try EngineRecords.list(folder, mount.id, view)
        let warnings = try Fields(request.fields, Self.noFields).warnings
        return .answer(EngineAnswer(data: KVAnswers.keys(names), warnings: warnings))
    }

    private func scan(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let folder = KVNames.folder(request.path)
        let names = try EngineRecords.scan(folder, mount.id, view)
        let warnings = try Fields(request.fields, Self.noFields).warnings
        return .answer(EngineAnswer(data: KVAnswers.scanned(names), warnings: warnings))
    }

    private func write(_ request: EngineRequest) throws(EngineError) -> EngineStep {
        guard !request.path.isEmpty else { throw .invalid("missing path") }
        try KVNames.check(request.path)
        guard !request.fields.isEmpty else { throw .invalid("missing data fields") }
        let secret = KVSecretRecord(fields: request.fields)
        try KVAnswers.checkSize(secret.json)
        var plan = BatchPlan()
        plan.put(request.path, secret.encoded())
        return .commit(plan, .empty)
    }

    private func delete(
        _ request: EngineRequest,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        // What is absent needs no entry in the log: the view is newer than the request.
        guard KVNames.isKey(request.path),
            try EngineRecords.read(request.path, mount.id, view) != nil
        else { return .answer(.empty) }
        var plan = BatchPlan()
        plan.delete(request.path)
        return .commit(plan, .empty)
    }

    /// Everything in a body is data; in a query nothing is known.
    private static let noFields = FieldSchema([])
}

/// A secret of version 1 at rest: format 1, the lease in seconds where the secret names one, and
/// the object as JSON with sorted names and numbers as they were sent.
struct KVSecretRecord {
    let leaseSeconds: Int?
    let json: [UInt8]

    init(fields: JSONObject) {
        json = JSONValue.object(fields).encoded(sortingKeys: true)
        leaseSeconds = Self.lease(of: fields)
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a KV secret")
            if try reader.readBool() {
                leaseSeconds = Int(truncatingIfNeeded: try reader.readUInt64())
            } else {
                leaseSeconds = nil
            }
            json = try reader.readBytes(reader.remaining)
            guard json.count >= 2 else { throw .malformed("a KV secret without its object") }
        } catch {
            throw .damaged("KV secret: \(error.summary)")
        }
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: json.count + 10)
        writer.writeUInt8(1)
        writer.writeBool(leaseSeconds != nil)
        if let leaseSeconds {
            writer.writeUInt64(UInt64(truncatingIfNeeded: leaseSeconds))
        }
        writer.writeBytes(json)
        return writer.bytes
    }

    /// `ttl`, or where there is none `lease`, if it reads as a duration. Stored so that a read need
    /// not parse the secret.
    private static func lease(of fields: JSONObject) -> Int? {
        guard let raw = fields["ttl"] ?? fields["lease"] else { return nil }
        switch raw {
        case .string, .number: return try? Conversion.seconds(raw, isSigned: true)
        case .null, .bool, .array, .object: return nil
        }
    }
}
