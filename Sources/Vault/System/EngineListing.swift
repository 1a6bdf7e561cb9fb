import Engines
import Wire

/// `sys/plugins/catalog…`: which engines and auth methods this program has. All are built in, so
/// there is nothing to register, and nothing that an operator could bring.
struct EngineListing {
    let call: VaultCall

    /// - Parameter path: below `sys/plugins/catalog`.
    func answer(_ path: String) throws(VaultError) -> VaultAnswer {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        switch (call.request.operation, parts.count) {
        case (.read, 0):
            guard path.isEmpty else { throw .engine(.unsupportedPath) }
            return answer(all())
        case (.list, 1):
            guard let names = Self.names(of: parts[0]) else { throw .engine(.unsupportedOperation) }
            guard !names.isEmpty else { throw .notFound }
            return answer(["keys": .array(names.map { .string($0) })])
        case (.read, 2):
            guard path.utf8.last != 0x2F else { throw .engine(.unsupportedPath) }
            let names = Self.names(of: parts[0]) ?? []
            guard names.contains(where: { utf8Equals($0, parts[1]) }) else { throw .notFound }
            return answer(one(parts[1]))
        case (_, 0...2): throw .engine(.unsupportedOperation)
        default: throw .engine(.unsupportedPath)
        }
    }

    private func answer(_ data: JSONObject) -> VaultAnswer {
        VaultAnswer(EngineAnswer(data: JSONValue.object(data).encoded(sortingKeys: true)))
    }

    private var version: JSONValue {
        .string("v\(call.environment.facts.version)+builtin.holdfast")
    }

    private func all() -> JSONObject {
        var data = JSONObject()
        var details: [JSONValue] = []
        for (kind, names) in Self.kinds {
            data[kind] = .array(names.map { .string($0) })
            details += names.map { name in
                [
                    "builtin": true, "deprecation_status": "supported", "name": .string(name),
                    "type": .string(kind), "version": version,
                ]
            }
        }
        data["detailed"] = .array(details)
        return data
    }

    private func one(_ name: String) -> JSONObject {
        [
            "args": .null, "builtin": true, "command": "", "declarative": false,
            "deprecation_status": "supported", "name": .string(name), "oci": false,
            "sha256": "", "version": version,
        ]
    }

    private static func names(of kind: String) -> [String]? {
        kinds.first { utf8Equals($0.kind, kind) }?.names
    }

    /// Of the auth methods that OpenBao has, those that can be enabled here.
    private static let authMethods = ["approle", "cert", "jwt", "kubernetes", "oidc", "userpass"]
        .filter { EngineKind(authMethod: $0) != nil }

    private static let kinds: [(kind: String, names: [String])] = [
        ("auth", authMethods), ("database", []), ("secret", ["kv", "totp"]),
    ]
}
