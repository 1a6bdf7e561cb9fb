import Wire

@testable import Policy

/// A value in a policy or a request.
enum PlainValue: Sendable {
    case text(String)
    /// Two spellings of one number are the same value.
    case number(Double, spelling: String)
    case flag(Bool)
    case null
    case list([PlainValue])

    /// As HCL and JSON both spell it.
    var spelling: String {
        switch self {
        case .text(let text): "\"\(text)\""
        case .number(_, let spelling): spelling
        case .flag(let flag): "\(flag)"
        case .null: "null"
        case .list(let values): "[" + values.map(\.spelling).joined(separator: ", ") + "]"
        }
    }

    /// As requests carry it.
    var json: JSONValue {
        switch self {
        case .text(let text): .string(text)
        case .number(_, let spelling): JSONNumber(text: spelling).map { .number($0) } ?? .null
        case .flag(let flag): .bool(flag)
        case .null: .null
        case .list(let values): .array(values.map(\.json))
        }
    }
}

/// A part of a rule's path.
enum PlainPiece: Sendable {
    case text(String)
    /// What stands between double braces.
    case variable(String)

    var spelling: String {
        switch self {
        case .text(let text): text
        case .variable(let name): "{{ \(name) }}"
        }
    }
}

/// Parameters of a rule, each with the values that are meant; none: any value.
typealias PlainTable = [(name: String, values: [PlainValue])]

/// A `path` block, before it is written down.
struct PlainBlock: Sendable {
    var path: [PlainPiece]
    var capabilities: [String] = []
    /// The word from before there were capabilities.
    var oldPolicy: String?
    /// nil: nothing is said.
    var allowed: PlainTable?
    var denied: PlainTable = []
    var required: [String] = []
    /// Seconds.
    var wrappingMin: Int?
    var wrappingMax: Int?
    var pageLimit: Int?
    /// Where it is looked up whether a name of a list is shown.
    var filter: String?
    var expiration: String?

    var isTemplate: Bool {
        path.contains { if case .variable = $0 { true } else { false } }
    }

    /// Keys and values; tables have this sign between a name and its values.
    fileprivate func members(_ sign: String) -> [(key: String, value: String)] {
        func table(_ table: PlainTable) -> String {
            let names = table.map { "\"\($0.name)\"\(sign)\(PlainValue.list($0.values).spelling)" }
            return "{ " + names.joined(separator: ", ") + " }"
        }
        func list(_ texts: [String]) -> String {
            PlainValue.list(texts.map { .text($0) }).spelling
        }
        var members = [("capabilities", list(capabilities))]
        if let oldPolicy { members.append(("policy", "\"\(oldPolicy)\"")) }
        if let allowed { members.append(("allowed_parameters", table(allowed))) }
        if !denied.isEmpty { members.append(("denied_parameters", table(denied))) }
        if !required.isEmpty { members.append(("required_parameters", list(required))) }
        if let wrappingMin { members.append(("min_wrapping_ttl", Self.duration(wrappingMin))) }
        if let wrappingMax { members.append(("max_wrapping_ttl", Self.duration(wrappingMax))) }
        if let pageLimit { members.append(("pagination_limit", "\(pageLimit)")) }
        if let filter { members.append(("list_scan_response_keys_filter_path", "\"\(filter)\"")) }
        if let expiration { members.append(("expiration", "\"\(expiration)\"")) }
        return members
    }

    /// Minutes, a text with a unit, or a bare number, by turns.
    private static func duration(_ seconds: Int) -> String {
        if seconds % 60 == 0 { return "\"\(seconds / 60)m\"" }
        return seconds % 2 == 0 ? "\"\(seconds)s\"" : "\(seconds)"
    }
}

/// A policy, before it is written down.
struct PlainPolicy: Sendable {
    var blocks: [PlainBlock]
    var isJSON: Bool
    var allowsWildcards: Bool
    var allowsSlashes: Bool

    var text: String {
        let all = blocks.map { block in
            let path = "\"" + block.path.map(\.spelling).joined() + "\""
            if isJSON {
                let members = block.members(": ").map { "\"\($0.key)\": \($0.value)" }
                return "{ \(path): { " + members.joined(separator: ", ") + " } }"
            }
            let members = block.members(" = ").map { "\($0.key) = \($0.value)" }
            return "path \(path) {\n  " + members.joined(separator: "\n  ") + "\n}"
        }
        return isJSON
            ? "{ \"path\": [\n" + all.joined(separator: ",\n") + "\n] }"
            : all.joined(separator: "\n")
    }

    func source(_ name: String) throws -> AccessList.Source {
        var source = try PolicyTests.source(name, text)
        source.allowsWildcardsInTemplates = allowsWildcards
        source.allowsSlashesInTemplates = allowsSlashes
        return source
    }
}

/// A request, before it becomes one of ours.
struct PlainRequest: Sendable {
    var operation: String
    var path: String
    var parameters: [(name: String, value: PlainValue)] = []
    var needsSudo = false
    var wrappingSeconds: Int?

    var text: String {
        let fields = parameters.map { "\"\($0.name)\": \($0.value.spelling)" }
        let wrapping = wrappingSeconds.map { ", wrapped for \($0) s" } ?? ""
        return "\(operation) \"\(path)\" { \(fields.joined(separator: ", ")) }\(wrapping)"
            + (needsSudo ? ", needs sudo" : "")
    }

    func request(_ operation: AccessOperation) -> AccessRequest {
        var request = AccessRequest(operation, path)
        request.parameters = JSONObject(parameters.map { ($0.name, $0.value.json) })
        request.needsSudo = needsSudo
        request.wrappingSeconds = wrappingSeconds.map { UInt64($0) }
        return request
    }
}

/// Somebody, as ours, and as the plain list of what each template variable stands for. What is empty
/// stands for nothing.
struct PlainSubject: Sendable {
    let subject: PolicySubject
    let facts: [String: String]

    static let all = [ann, bob, PlainSubject(subject: .nobody, facts: [:])]

    private init(subject: PolicySubject, facts: [String: String]) {
        self.subject = subject
        // Of the tests' now.
        let times = ["time.now": "1795000000", "time.now.minus.1h": "1794996400"]
        self.facts = facts.merging(times) { fact, _ in fact }
    }

    private static let ann = PlainSubject(
        subject: PolicySubject(
            entity: .init(
                id: "e1",
                name: "a",
                metadata: ["team": "b", "deep": "a/b", "star": "a*", "plus": "+", "empty": ""]
            ),
            aliases: [
                .init(
                    mountAccessor: "auth_1",
                    id: "l1",
                    name: "ab",
                    metadata: ["role": "a"],
                    customMetadata: [:]
                )
            ],
            groups: [
                .init(id: "g1", name: "ops", metadata: ["floor": "ab"]),
                .init(id: "g2", name: "dev.ops", metadata: ["floor": "b"]),
            ]
        ),
        facts: [
            "identity.entity.id": "e1", "identity.entity.name": "a",
            "identity.entity.metadata.team": "b", "identity.entity.metadata.deep": "a/b",
            "identity.entity.metadata.star": "a*", "identity.entity.metadata.plus": "+",
            "identity.entity.aliases.auth_1.name": "ab",
            "identity.entity.aliases.auth_1.metadata.role": "a",
            "identity.groups.ids.g1.name": "ops", "identity.groups.names.ops.id": "g1",
            "identity.groups.names.ops.metadata.floor": "ab",
            "identity.groups.names.dev.ops.metadata.floor": "b",
        ]
    )

    /// Not in the group `ops`, and with less metadata.
    private static let bob = PlainSubject(
        subject: PolicySubject(
            entity: .init(id: "e2", name: "ab", metadata: ["team": "a", "deep": "/b"]),
            aliases: [],
            groups: [.init(id: "g2", name: "dev.ops", metadata: ["floor": "b"])]
        ),
        facts: [
            "identity.entity.id": "e2", "identity.entity.name": "ab",
            "identity.entity.metadata.team": "a", "identity.entity.metadata.deep": "/b",
            "identity.groups.names.dev.ops.metadata.floor": "b",
        ]
    )
}
