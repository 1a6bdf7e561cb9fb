package import Wire

/// A test that travels with a policy: who wants what, and whether that shall be allowed.
///
/// Run each time the policy is written, against that policy alone, so that an edit which opens or
/// closes too much is noticed before it is in force.
package struct PolicyCase: Equatable, Sendable {
    /// For messages; may be empty.
    package let name: String
    /// Who asks.
    package let subject: PolicySubject
    /// Without `v1/` and without a leading slash.
    package let path: String
    /// What for.
    package let operation: AccessOperation
    /// Whether the path is one for administrators.
    package let needsSudo: Bool
    /// Of the request.
    package let parameters: JSONObject
    /// Whether it shall be allowed.
    package let isAllowed: Bool

    /// What the policy does with each of these cases, where that is not what the case wants.
    ///
    /// - Returns: one sentence a failure, with the case's name, the rule that decided and what it
    ///   said; empty if all is well.
    /// - Complexity: the policy is put together once for each run of cases about the same subject.
    package static func failures(
        of cases: [PolicyCase],
        in source: AccessList.Source,
        at now: Timestamp
    ) -> [String] {
        var kept: (subject: PolicySubject, list: AccessList)?
        return cases.compactMap { one in
            let list: AccessList
            if let kept, kept.subject == one.subject {
                list = kept.list
            } else {
                list = AccessList([source], for: one.subject, at: now)
                kept = (one.subject, list)
            }
            return one.failure(in: list)
        }
    }

    private func failure(in list: AccessList) -> String? {
        var request = AccessRequest(operation, path)
        request.needsSudo = needsSudo
        request.parameters = parameters
        let explanation = list.explain(request)
        guard explanation.decision.isAllowed != isAllowed else { return nil }
        let title = name.isEmpty ? "a case" : "case \"\(name)\""
        let wanted = isAllowed ? "allowed" : "denied"
        let found = list.forbidden.map { "denied: \($0.summary)" } ?? explanation.summary
        return "\(title) wants this \(wanted), but it is \(found)"
    }
}

// MARK: - JSON

/// Why a case cannot be read.
package struct PolicyCaseError: OperatorError, Equatable {
    /// Whoever wrote it.
    package var blame: Blame { .caller }
    /// What is wrong.
    package let summary: String
    /// What a case looks like.
    package var remedy: String {
        #"a case is {"path": "secret/data/a", "capability": "read", "expect": "allow"}, and may "#
            + #"have "name", "sudo", "parameters" and "who""#
    }
}

extension PolicyCase {
    /// Reads `{"name", "who", "path", "capability", "sudo", "parameters", "expect"}`; `path`,
    /// `capability` and `expect` (`allow` or `deny`) are needed.
    ///
    /// `who` is `{"entity": {"id", "name", "metadata"}, "groups": [{"id", "name", "metadata"}]}`.
    package init(_ json: JSONValue) throws(PolicyCaseError) {
        var reader = try CaseReader(json, "a case")
        name = try reader.text("name") ?? ""
        subject = try reader.subject("who")
        path = try reader.needed("path", try reader.text("path"))
        let capability = try reader.needed("capability", try reader.text("capability"))
        guard let operation = AccessOperation(rawValue: capability), operation != .help else {
            throw PolicyCaseError(summary: "\"\(capability)\" is no capability that a case can ask")
        }
        self.operation = operation
        needsSudo = try reader.flag("sudo") ?? false
        parameters = try reader.object("parameters") ?? JSONObject()
        switch try reader.needed("expect", try reader.text("expect")) {
        case "allow": isAllowed = true
        case "deny": isAllowed = false
        case let other:
            throw PolicyCaseError(summary: "\"expect\" is \"allow\" or \"deny\", not \"\(other)\"")
        }
        try reader.finish()
    }

    /// The form that ``init(_:)`` reads; what is not set is left out.
    package var json: JSONValue {
        var object = JSONObject()
        if !name.isEmpty { object["name"] = .string(name) }
        if subject != .nobody { object["who"] = CaseReader.json(subject) }
        object["path"] = .string(path)
        object["capability"] = .string(operation.rawValue)
        if needsSudo { object["sudo"] = true }
        if !parameters.isEmpty { object["parameters"] = .object(parameters) }
        object["expect"] = .string(isAllowed ? "allow" : "deny")
        return .object(object)
    }
}

/// Takes members out of an object and complains about those that nobody asked for.
private struct CaseReader {
    private var object: JSONObject
    private let place: String

    init(_ json: JSONValue, _ place: String) throws(PolicyCaseError) {
        guard case .object(let object) = json else {
            throw PolicyCaseError(summary: "\(place) is not an object")
        }
        self.object = object
        self.place = place
    }

    func needed<Value>(_ name: String, _ value: Value?) throws(PolicyCaseError) -> Value {
        guard let value else { throw PolicyCaseError(summary: "\(place) has no \"\(name)\"") }
        return value
    }

    private mutating func take(_ name: String) -> JSONValue? {
        defer { object[name] = nil }
        return object[name]
    }

    private func wrong(_ name: String, _ kind: String) -> PolicyCaseError {
        PolicyCaseError(summary: "\"\(name)\" of \(place) is not \(kind)")
    }

    mutating func text(_ name: String) throws(PolicyCaseError) -> String? {
        guard let value = take(name) else { return nil }
        guard let text = value.asString else { throw wrong(name, "a text") }
        return text
    }

    mutating func flag(_ name: String) throws(PolicyCaseError) -> Bool? {
        guard let value = take(name) else { return nil }
        guard let flag = value.asBool else { throw wrong(name, "true or false") }
        return flag
    }

    mutating func object(_ name: String) throws(PolicyCaseError) -> JSONObject? {
        guard let value = take(name) else { return nil }
        guard let object = value.asObject else { throw wrong(name, "an object") }
        return object
    }

    mutating func subject(_ name: String) throws(PolicyCaseError) -> PolicySubject {
        guard let value = take(name) else { return .nobody }
        var reader = try CaseReader(value, "\"\(name)\"")
        let entity = try reader.take("entity").map { json throws(PolicyCaseError) in
            try Self.named(json, "\"entity\"")
        }
        var groups: [PolicySubject.Named] = []
        if let value = reader.take("groups") {
            guard let elements = value.asArray else { throw reader.wrong("groups", "a list") }
            for element in elements { groups.append(try Self.named(element, "a group")) }
        }
        try reader.finish()
        return PolicySubject(entity: entity, aliases: [], groups: groups)
    }

    private static func named(
        _ json: JSONValue,
        _ place: String
    ) throws(PolicyCaseError) -> PolicySubject.Named {
        var reader = try CaseReader(json, place)
        let id = try reader.text("id") ?? ""
        let name = try reader.text("name") ?? ""
        var metadata: [String: String] = [:]
        for (key, value) in try reader.object("metadata")?.members ?? [] {
            guard let text = value.asString else { throw reader.wrong("metadata", "all texts") }
            metadata[key] = text
        }
        try reader.finish()
        return PolicySubject.Named(id: id, name: name, metadata: metadata)
    }

    func finish() throws(PolicyCaseError) {
        guard let extra = object.members.first else { return }
        throw PolicyCaseError(summary: "\(place) has an unknown member \"\(extra.name)\"")
    }

    static func json(_ subject: PolicySubject) -> JSONValue {
        var object = JSONObject()
        if let entity = subject.entity { object["entity"] = json(entity) }
        if !subject.groups.isEmpty { object["groups"] = .array(subject.groups.map(json)) }
        return .object(object)
    }

    private static func json(_ named: PolicySubject.Named) -> JSONValue {
        var object = JSONObject()
        if !named.id.isEmpty { object["id"] = .string(named.id) }
        if !named.name.isEmpty { object["name"] = .string(named.name) }
        if !named.metadata.isEmpty {
            let members = named.metadata.map { ($0.key, JSONValue.string($0.value)) }
            object["metadata"] = .object(JSONObject(members).sorted())
        }
        return .object(object)
    }
}
