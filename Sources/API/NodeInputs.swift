import Engines
import Wire

/// Reads the bodies of the calls that a node answers itself. Unlike engines, these take exact types
/// only, and their errors name Go's structs, because that is what clients see from OpenBao.
enum NodeInputs {
    /// `PUT sys/unseal`
    static func unseal(_ body: [UInt8]) throws(RouteError) -> UnsealInput {
        let object = try Strict(body, "UnsealRequest")
        let key = try object.text("key") ?? ""
        let isReset = try object.bool("reset") ?? false
        if try object.bool("migrate") ?? false {
            throw .refused(400, ["can't perform a seal migration, no migration seal found"])
        }
        if isReset { return .reset }
        guard !key.isEmpty else {
            throw .refused(
                400,
                ["'key' must be specified in request body as JSON, or 'reset' set to true"]
            )
        }
        return .share(key)
    }

    /// `PUT sys/storage/raft/join`: all of it is checked, and only the address is of use here.
    static func raftJoin(_ body: [UInt8]) throws(RouteError) -> String {
        let object = try Strict(body, "JoinRequest")
        for name in [
            "leader_ca_cert", "leader_client_cert", "leader_client_key", "leader_tls_servername",
            "auto_join", "auto_join_scheme",
        ] {
            _ = try object.text(name)
        }
        _ = try object.int("auto_join_port")
        _ = try object.bool("retry")
        _ = try object.bool("non_voter")
        return try object.text("leader_api_addr") ?? ""
    }

    /// `GET` and `HEAD sys/health`
    static func health(_ query: Query, isHead: Bool) throws(RouteError) -> HealthInput {
        var input = HealthInput()
        input.isHead = isHead
        if let text = query.first("standbyok"), !text.isEmpty {
            guard let flag = goBool(text) else { throw .refused(400, []) }
            input.isStandbyActive = flag
        }
        input.activeCode = try code(query, "activecode") ?? input.activeCode
        input.standbyCode = try code(query, "standbycode") ?? input.standbyCode
        input.sealedCode = try code(query, "sealedcode") ?? input.sealedCode
        input.uninitializedCode = try code(query, "uninitcode") ?? input.uninitializedCode
        return input
    }

    /// A status that can be sent: OpenBao breaks the connection on others.
    private static func code(_ query: Query, _ name: String) throws(RouteError) -> Int? {
        guard let text = query.first(name), !text.isEmpty else { return nil }
        guard let code = Int(text), (200...599).contains(code) else { throw .refused(400, []) }
        return code
    }
}

/// Go's `strconv.ParseBool`.
func goBool(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    default: nil
    }
}

/// An object whose members must have exactly the right type. Null counts as absent.
struct Strict {
    private let object: JSONObject
    private let typeName: String

    init(_ body: [UInt8], _ typeName: String) throws(RouteError) {
        object = try Body.object(in: body, goType: "http.\(typeName)")
        self.typeName = typeName
    }

    init(_ object: JSONObject, _ typeName: String) {
        self.object = object
        self.typeName = typeName
    }

    func text(_ name: String) throws(RouteError) -> String? {
        guard let value = present(name) else { return nil }
        guard case .string(let text) = value else { throw mismatch(name, value, "string") }
        return text
    }

    func bool(_ name: String) throws(RouteError) -> Bool? {
        guard let value = present(name) else { return nil }
        guard case .bool(let flag) = value else { throw mismatch(name, value, "bool") }
        return flag
    }

    func int(_ name: String) throws(RouteError) -> Int? {
        guard let value = present(name) else { return nil }
        guard let number = value.asInt else { throw mismatch(name, value, "int") }
        return number
    }

    func texts(_ name: String) throws(RouteError) -> [String]? {
        guard let value = present(name) else { return nil }
        guard let elements = value.asArray else { throw mismatch(name, value, "[]string") }
        var texts: [String] = []
        for element in elements {
            guard case .string(let text) = element else {
                throw mismatch(name, element, "string")
            }
            texts.append(text)
        }
        return texts
    }

    func value(_ name: String) -> JSONValue? { present(name) }

    private func present(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private func mismatch(_ name: String, _ value: JSONValue, _ wanted: String) -> RouteError {
        let what =
            if case .number(let number) = value { "number \(number.text)" } else {
                Body.goKind(of: value)
            }
        // Go shows a number's text only where a number was wanted.
        let shown = wanted == "int" ? what : Body.goKind(of: value)
        return .refused(
            400,
            [
                "failed to decode JSON input: json: cannot unmarshal \(shown) into Go struct field "
                    + "\(typeName).\(name) of type \(wanted)"
            ]
        )
    }
}
