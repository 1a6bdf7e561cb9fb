import Barrier
import Engines
import Wire

/// `sys/internal/counters/…`: how many tokens and entities there are.
struct SystemCounters {
    let call: VaultCall

    /// - Parameter path: below `sys/`.
    /// - Returns: nil for a path of others.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        switch path {
        case "internal/counters/tokens":
            return try answer("service_tokens", SystemPaths.tokens, view)
        case "internal/counters/entities":
            return try answer("entities", IdentityPaths.entities, view)
        case "internal/counters/requests":
            try requireRead()
            throw .engine(.absent("The functionality has been removed on this path"))
        default: return nil
        }
    }

    private func requireRead() throws(VaultError) {
        guard call.request.operation == .read else { throw .engine(.unsupportedOperation) }
    }

    private func answer(
        _ name: String,
        _ folder: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        try requireRead()
        let warnings = try SystemFields.parse(call.request.fields, FieldSchema([])).warnings
        let count: Int
        do throws(BarrierError) {
            count = try view.count(view.home, in: folder)
        } catch {
            throw .barrier(error)
        }
        let data: JSONValue = [
            "counters": .object(
                JSONObject([(name, .object(["total": .number(JSONNumber(count))]))])
            )
        ]
        let body = EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        return .answer(VaultAnswer(body))
    }
}
