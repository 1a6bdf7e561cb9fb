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

    /// What a template variable stands for; nil: nothing, or no such variable.
    ///
    /// - Parameter name: `identity.entity.id` and the others of the policy language.
    func value(of name: String) -> String? {
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
            // Names of groups may hold points, so each group's own name is tried.
            for group in groups {
                if let field = field.removing(prefix: group.name + ".") {
                    return Self.value(of: field, of: group)
                }
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
