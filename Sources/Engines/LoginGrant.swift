/// What a successful login is worth: everything that the token's maker has to know, and nothing of
/// how the client proved who it is.
package struct LoginGrant: Sendable, Equatable {
    /// One member of the token's metadata.
    package struct Metadata: Sendable, Equatable {
        /// Unique in its list.
        package let name: String
        /// As lookups of the token show it.
        package let value: String

        /// One member.
        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Who logged in, as the method knows them. The mount's path comes before it in the token's
    /// display name; empty: the mount's path alone.
    package var displayName: String
    /// Name of the entity's alias in this mount. Never empty.
    package var alias: String
    /// Names of external groups that the method says the client is in, and in no others; nil: the
    /// method knows no groups.
    package var groupAliases: [String]?
    /// What the method says about the alias itself, sorted by name; replaces what it said before.
    package var aliasMetadata: [Metadata] = []
    /// Sorted by name, each name once.
    package var metadata: [Metadata] = []
    /// What the user or role says about its tokens.
    package var parameters: TokenParameters
    /// Texts for `warnings`.
    package var warnings: [String] = []

    /// - Parameter alias: also what the method calls the client in the token's display name, unless
    ///   another name is set.
    package init(alias: String, parameters: TokenParameters) {
        precondition(!alias.isEmpty, "a login is somebody's")
        self.alias = alias
        displayName = alias
        self.parameters = parameters
    }
}
