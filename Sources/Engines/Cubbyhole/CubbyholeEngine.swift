import Barrier
import Wire

/// The cubbyhole: secrets of one token that no other token reaches, not even root's. They go with
/// their token.
///
/// Records lie in the system mount, below a folder for each token, because the batch that removes a
/// token removes them, too. The folder is named by the token's HMAC.
struct CubbyholeEngine {
    let mount: EngineMount

    func step(
        _ request: EngineRequest,
        view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard let folder = CubbyholePlace.folder(of: request.context.tokenName) else {
            throw .invalid("cubbyhole operations are only supported by 'service' type tokens")
        }
        switch request.operation {
        case .read: return try read(request, folder, view)
        case .update: return try write(request, folder)
        case .delete: return try delete(request, folder, view)
        case .list: return try list(request, folder, view)
        case .scan, .patch, .help: throw .unsupportedOperation
        }
    }

    private func read(
        _ request: EngineRequest,
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard !request.path.isEmpty else { throw .failed("missing path") }
        guard CubbyholePlace.isKey(request.path),
            let opened = try EngineRecords.read(folder + request.path, mount.id, view)
        else { throw .notFound }
        let json = try KVVersionRecord(decoding: opened.value).json
        let warnings = try Fields(request.fields, Self.noFields).warnings
        return .answer(EngineAnswer(data: json, warnings: warnings))
    }

    private func list(
        _ request: EngineRequest,
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        let path = folder + KVNames.folder(request.path)
        let names = try EngineRecords.list(path, mount.id, view)
        let warnings = try Fields(request.fields, Self.noFields).warnings
        return .answer(EngineAnswer(data: KVAnswers.keys(names), warnings: warnings))
    }

    private func write(
        _ request: EngineRequest,
        _ folder: String
    ) throws(EngineError) -> EngineStep {
        guard !request.path.isEmpty else { throw .failed("missing path") }
        guard request.path.utf8.count <= EngineLimits.cubbyholeNameBytesMax else {
            throw .invalid(
                "the name of a secret in the cubbyhole is \(request.path.utf8.count) bytes long, "
                    + "the limit is \(EngineLimits.cubbyholeNameBytesMax)"
            )
        }
        guard !request.fields.isEmpty else { throw .failed("missing data fields") }
        let secret = KVVersionRecord(data: .object(request.fields))
        try KVAnswers.checkSize(secret.json)
        var plan = BatchPlan()
        plan.put(folder + request.path, secret.encoded())
        return .commit(plan, .empty)
    }

    private func delete(
        _ request: EngineRequest,
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(EngineError) -> EngineStep {
        guard CubbyholePlace.isKey(request.path),
            try EngineRecords.read(folder + request.path, mount.id, view) != nil
        else { return .answer(.empty) }
        var plan = BatchPlan()
        plan.delete(folder + request.path)
        return .commit(plan, .empty)
    }

    /// Everything in a body is data; in a query nothing is known.
    private static let noFields = FieldSchema([])
}

/// Where cubbyholes are in the system mount.
package enum CubbyholePlace {
    /// One folder for each token below it.
    package static let root = "cubbyhole/"

    /// The folder of a token, with everything that goes with it; nil for a client without a record.
    ///
    /// - Parameter tokenName: see ``EngineContext/tokenName``.
    package static func folder(of tokenName: String) -> String? {
        tokenName.isEmpty ? nil : root + tokenName + "/"
    }

    /// The record behind a path, or nil where there can be none.
    static func record(of path: String, tokenName: String) -> String? {
        guard isKey(path), let folder = folder(of: tokenName) else { return nil }
        return folder + path
    }

    /// Whether a record can exist under the name: not the root, not a folder, not too long.
    static func isKey(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.last != 0x2F
            && name.utf8.count <= EngineLimits.cubbyholeNameBytesMax
    }
}
