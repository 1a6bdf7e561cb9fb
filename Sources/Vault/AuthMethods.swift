import Engines

/// `sys/auth/…`: the one auth method there is, tokens.
extension SystemBackend {
    /// - Parameter path: ends in `/`.
    func authMethod(_ path: String, isTune: Bool) throws(VaultError) -> VaultStep {
        let lookups = MountLookups(mounts, call.environment)
        let isToken = path == BuiltInMount.tokenPath
        switch (call.request.operation, isTune) {
        case (.read, false):
            guard isToken else { throw .invalid("No auth engine at \(path)") }
            return .answer(lookups.token(call.request.fields))
        case (.read, true):
            guard isToken else {
                throw .invalid("cannot fetch sysview for path \"auth/\(path)\"")
            }
            return .answer(lookups.tokenTuning(call.request.fields))
        case (.update, false):
            throw try refusalOfNewMethod(isTaken: isToken, path)
        case (.update, true):
            guard isToken else {
                throw .invalid("tune of path \"auth/\(path)\" failed: no mount entry found")
            }
            return try BuiltInMount.refuseTuning("auth/token/", call.request.fields)
        case (.delete, false):
            guard !isToken else { throw .invalid("token credential backend cannot be disabled") }
            return .answer(.empty)
        default:
            throw .engine(.unsupportedOperation)
        }
    }

    private func refusalOfNewMethod(
        isTaken: Bool,
        _ path: String
    ) throws(VaultError) -> VaultError {
        let fields = try SystemFields.parse(
            call.request.fields,
            FieldSchema([("type", .text)], captured: ["path"])
        )
        guard let type = fields.text("type"), !type.isEmpty else {
            return .invalid("backend type must be specified as a string")
        }
        if type == "token" { return .invalid("token credential backend cannot be instantiated") }
        if isTaken { return .invalid("path is already in use at \(path)") }
        return .invalid("plugin not found in the catalog: \(type)")
    }
}
