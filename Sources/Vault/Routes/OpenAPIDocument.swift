import Engines
import Wire

/// The description of the API as OpenAPI 3.0.2, made from the tables that route requests.
///
/// - Source: the OpenAPI specification 3.0.2; what OpenBao 2.7.2 adds (`x-vault-sudo`,
///   `x-vault-unauthenticated`).
struct OpenAPIDocument {
    private var paths = JSONWriter(capacity: 16 << 10)
    private let version: String
    private(set) var count = 0

    init(version: String) {
        self.version = version
        paths.beginObject()
    }

    /// Adds an endpoint.
    ///
    /// - Parameters:
    ///   - place: what its path begins with, a slash at its end or nothing.
    ///   - tag: what it is told under.
    mutating func add(_ endpoint: Endpoint, below place: String, tag: String) {
        count += 1
        let text = place + endpoint.pattern.text
        paths.name("/" + text)
        paths.write(.object(item(endpoint, text, tag)))
    }

    private func item(_ endpoint: Endpoint, _ text: String, _ tag: String) -> JSONObject {
        var item: JSONObject = ["description": .string(endpoint.summary)]
        let names = endpoint.pattern.names
        if !names.isEmpty { item["parameters"] = .array(names.map { Self.parameter($0) }) }
        // Where no token is looked at, no capability of one is, whatever the prefix says.
        if endpoint.isOpen {
            item["x-vault-unauthenticated"] = true
        } else if SudoPaths.contains(text) {
            item["x-vault-sudo"] = true
        }
        for operation in endpoint.operations where operation != .list && operation != .scan {
            guard let method = Self.method(operation) else { continue }
            item[method] = .object(call(operation, text, tag))
        }
        // Listing is a GET that says so; where there is another one, the two share it.
        let listings = endpoint.operations.filter { $0 == .list || $0 == .scan }
        if !listings.isEmpty {
            let isAlone = !endpoint.operations.contains(.read)
            var get = item["get"]?.asObject ?? call(listings[0], text, tag)
            let isRequired = isAlone && listings.count == 1
            get["parameters"] = .array(listings.map { Self.flag("\($0)", isRequired: isRequired) })
            item["get"] = .object(get)
        }
        return item
    }

    private func call(_ operation: Operation, _ text: String, _ tag: String) -> JSONObject {
        var call: JSONObject = [
            "operationId": .string(Self.identifier(operation, text)), "tags": [.string(tag)],
        ]
        switch operation {
        case .update:
            call["requestBody"] = Self.body("application/json")
            call["responses"] = ["200": ["description": "OK"], "204": ["description": "done"]]
        case .patch:
            call["requestBody"] = Self.body("application/merge-patch+json")
            call["responses"] = ["200": ["description": "OK"], "204": ["description": "done"]]
        case .delete:
            call["responses"] = ["204": ["description": "done"]]
        case .read, .list, .scan, .help:
            call["responses"] = ["200": ["description": "OK"]]
        }
        return call
    }

    /// What OpenBao's clients send for an operation.
    static func method(_ operation: Operation) -> String? {
        switch operation {
        case .read, .list, .scan: "get"
        case .update: "post"
        case .patch: "patch"
        case .delete: "delete"
        case .help: nil
        }
    }

    /// Unique, because the path is in it: `update-sys-mounts-path`.
    private static func identifier(_ operation: Operation, _ text: String) -> String {
        let words = text.utf8.split { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: false
            default: true
            }
        }
        let names = words.map { String(Substring($0)) }
        return (["\(operation)"] + names).joined(separator: "-")
    }

    private static func parameter(_ name: String) -> JSONValue {
        ["in": "path", "name": .string(name), "required": true, "schema": ["type": "string"]]
    }

    private static func flag(_ name: String, isRequired: Bool) -> JSONValue {
        var flag: JSONObject = [
            "description": "Must be `true`", "in": "query", "name": .string(name),
            "schema": ["enum": ["true"], "type": "string"],
        ]
        if isRequired { flag["required"] = true }
        return .object(flag)
    }

    private static func body(_ type: String) -> JSONValue {
        let schema: JSONValue = ["schema": ["type": "object"]]
        return ["content": .object(JSONObject([(type, schema)]))]
    }

    /// The whole document.
    consuming func encoded() -> [UInt8] {
        paths.endObject()
        var writer = JSONWriter(capacity: paths.bytes.count + 512)
        writer.beginObject()
        writer.name("openapi")
        writer.string("3.0.2")
        writer.name("info")
        writer.write([
            "title": "Holdfast API",
            "description": """
            HTTP API that gives you full access to Holdfast. All API routes are prefixed with \
            `/v1/`.
            """,
            "version": .string(version),
        ])
        writer.name("paths")
        writer.raw(paths.bytes)
        writer.name("components")
        writer.raw(Array(#"{"schemas":{}}"#.utf8))
        writer.endObject()
        return writer.bytes
    }
}
