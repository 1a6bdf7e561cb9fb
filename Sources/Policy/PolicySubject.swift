import Wire

/// For whom policies are put together: what their templates can speak of.
package struct PolicySubject: Equatable, Sendable {
    /// A name under which an auth method knows the entity.
    package struct Alias: Equatable, Sendable {
        /// Accessor of the auth method's mount.
        package let mountAccessor: String
        /// Identifier of the alias.
        package let id: String
        /// What the auth method calls it.
        package let name: String
        /// What the auth method said at the last login.
        package let metadata: [String: String]
        /// What an operator noted.
        package let customMetadata: [String: String]

        /// Takes all facts.
        package init(
            mountAccessor: String,
            id: String,
            name: String,
            metadata: [String: String],
            customMetadata: [String: String]
        ) {
            self.mountAccessor = mountAccessor
            self.id = id
            self.name = name
            self.metadata = metadata
            self.customMetadata = customMetadata
        }
    }

    /// An entity, or a group that it is a member of.
    package struct Named: Equatable, Sendable {
        /// Identifier.
        package let id: String
        /// Name.
        package let name: String
        /// What an operator noted.
        package let metadata: [String: String]

        /// Takes all facts.
        package init(id: String, name: String, metadata: [String: String]) {
            self.id = id
            self.name = name
            self.metadata = metadata
        }
    }

    /// nil: a token without an identity. Rules with a template then mean nothing.
    package let entity: Named?
    /// Of the entity.
    package let aliases: [Alias]
    /// All groups that the entity belongs to, also by way of other groups.
    package let groups: [Named]

    /// Takes all facts.
    package init(entity: Named?, aliases: [Alias], groups: [Named]) {
        self.entity = entity
        self.aliases = aliases
        self.groups = groups
    }

    /// A token without an identity.
    package static let nobody = PolicySubject(entity: nil, aliases: [], groups: [])

    /// What a template variable stands for, and until when; nil: nothing, or no such variable.
    ///
    /// Lists (`identity.entity.groups.names`, `identity.entity.groups.ids`) and whole tables
    /// (`identity.entity.metadata`) stand for nothing, as in OpenBao: no path is meant by them.
    ///
    /// - Parameters:
    ///   - name: `identity.entity.id` and the others of the policy language.
    ///   - now: what `time.now` stands for.
    func value(of name: String, at now: Timestamp) -> TemplateValue? {
        if let operation = name.removing(prefix: "time.") {
            return TemplateValue(operation: operation, at: now)
        }
        return ownValue(of: name).map { TemplateValue(text: $0, validUntil: nil) }
    }

    /// Of a variable that speaks of the subject.
    private func ownValue(of name: String) -> String? {
        guard let entity, let rest = name.removing(prefix: "identity.") else { return nil }
        if let field = rest.removing(prefix: "entity.aliases.") {
            guard let (accessor, field) = field.splitAtPoint(),
                let alias = aliases.first(where: { utf8Equals($0.mountAccessor, accessor) })
            else { return nil }
            return Self.value(of: field, of: alias)
        }
        if let field = rest.removing(prefix: "entity.") {
            return Self.value(of: field, of: entity)
        }
        if let field = rest.removing(prefix: "groups.ids.") {
            guard let (id, field) = field.splitAtPoint() else { return nil }
            let group = groups.first { utf8Equals($0.id, id) }
            return group.flatMap { Self.value(of: field, of: $0) }
        }
        if let field = rest.removing(prefix: "groups.names.") {
            return value(ofNamedGroup: field)
        }
        return nil
    }

    /// Names of groups may hold points, so each group's own name is tried: first, as in OpenBao,
    /// those that end at the first point.
    private func value(ofNamedGroup field: String) -> String? {
        func hasPoint(_ group: Named) -> Bool { group.name.utf8.contains(UInt8(ascii: ".")) }
        for group in groups.filter({ !hasPoint($0) }) + groups.filter(hasPoint) {
            if let field = field.removing(prefix: group.name + "."),
                let value = Self.value(of: field, of: group)
            {
                return value
            }
        }
        return nil
    }

    private static func value(of field: String, of named: Named) -> String? {
        switch field {
        case "id": named.id
        case "name": named.name
        default: field.removing(prefix: "metadata.").flatMap { named.metadata[$0] }
        }
    }

    private static func value(of field: String, of alias: Alias) -> String? {
        switch field {
        case "id": alias.id
        case "name": alias.name
        default:
            field.removing(prefix: "metadata.").flatMap { alias.metadata[$0] }
                ?? field.removing(prefix: "custom_metadata.")
                .flatMap { alias.customMetadata[$0] }
        }
    }
}

/// What stands in a path instead of a template variable.
struct TemplateValue: Equatable {
    let text: String
    /// From this moment on the variable stands for something else; nil: it does not change by
    /// itself.
    let validUntil: Timestamp?
}

extension TemplateValue {
    /// Seconds since 1970 at a moment that is now, or so much later or earlier.
    ///
    /// - Parameter operation: what stands behind `time.`: `now`, `now.plus.1h`, `now.minus.90`.
    fileprivate init?(operation: String, at now: Timestamp) {
        let second: Int64 = 1_000_000_000
        guard let shift = Self.shift(operation) else { return nil }
        let whole = shift.quotientAndRemainder(dividingBy: second)
        var seconds = Int64(now.nanoseconds / UInt64(second)) + whole.quotient
        var rest = Int64(now.nanoseconds % UInt64(second)) + whole.remainder
        if rest < 0 {
            seconds -= 1
            rest += second
        } else if rest >= second {
            seconds += 1
            rest -= second
        }
        let (next, isOver) = now.nanoseconds.addingReportingOverflow(UInt64(second - rest))
        text = String(seconds)
        validUntil = isOver ? nil : Timestamp(nanoseconds: next)
    }

    /// Nanoseconds.
    private static func shift(_ operation: String) -> Int64? {
        if operation == "now" { return 0 }
        if let amount = operation.removing(prefix: "now.plus.") {
            return GoDuration.parse(amount)
        }
        guard let amount = operation.removing(prefix: "now.minus."),
            let shift = GoDuration.parse(amount), shift > .min
        else { return nil }
        return -shift
    }
}

extension String {
    /// The rest behind these bytes, or nil if the text does not begin with them.
    fileprivate func removing(prefix: String) -> String? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return String(decoding: utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
    }

    /// What stands before and behind the first point.
    fileprivate func splitAtPoint() -> (String, String)? {
        guard let point = utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
        return (
            String(decoding: utf8[..<point], as: UTF8.self),
            String(decoding: utf8[utf8.index(after: point)...], as: UTF8.self)
        )
    }
}
