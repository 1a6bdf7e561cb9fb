package import Barrier
package import Engines
package import Store
package import Wire

/// The rate limits of a vault as one moment had them, for a node that counts.
package struct RateLimits: Sendable {
    /// Of the record that they come from.
    package let modificationIndex: UInt64
    private let table: RateLimitTable

    /// Whether any request could be concerned.
    package var isEmpty: Bool { table.rules.isEmpty }
    /// Whether answers say how many requests are left.
    package var showsHeaders: Bool { table.showsHeaders }
    /// Whether a refusal is on the record of the audit.
    package var auditsRefusals: Bool { table.auditsRefusals }

    /// A request that a limit may be about.
    package struct Subject: Sendable {
        /// Behind `/v1/`, with the namespace that a header names in front.
        package let path: String
        package let operation: Operation
        /// Members of its body; only those of logins are looked at.
        package let fields: JSONObject

        package init(path: String, operation: Operation, fields: JSONObject) {
            self.path = path
            self.operation = operation
            self.fields = fields
        }
    }

    /// As this view has them.
    ///
    /// - Parameter known: what was loaded before; comes back if nothing changed since.
    package static func load(
        _ known: RateLimits?,
        _ keyring: Keyring,
        view: borrowing ReadView
    ) throws(VaultError) -> RateLimits {
        let barrier = BarrierView(keyring, over: view)
        if let known, try barrier.systemIndex(SystemPaths.quotas) == known.modificationIndex {
            return known
        }
        let stored = try StoredRateLimits(barrier)
        return RateLimits(modificationIndex: stored.modificationIndex, table: stored.table)
    }

    /// The limit that is about a request, or nil.
    package func rule(
        for subject: Subject,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) -> RateLimitRule? {
        let barrier = BarrierView(environment.keyring, over: view)
        let finder = NamespaceFinder(cache: environment.cache)
        let found = try finder.find(header: "", path: subject.path, barrier)
        guard let (place, path) = found else { return nil }
        let namespace = place.namespace
        return try table.rule(for: subject.path, in: namespace.path) { () throws(VaultError) in
            try barrier.inside(namespace.home) { view throws(VaultError) in
                try Self.role(of: subject, at: path, place.mounts, view)
            }
        }
    }

    /// The role that a login is for.
    private static func role(
        of subject: Subject,
        at path: String,
        _ mounts: MountTable,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> String? {
        guard subject.operation == .update, let (entry, below) = mounts.match(path),
            AuthCatalog.hasRoles(entry.record.kind),
            AuthCatalog.isOpen(below, in: entry.record.kind)
        else { return nil }
        do throws(EngineError) {
            return try AuthCatalog.role(of: subject.fields, in: entry.engineMount, view: view)
        } catch {
            throw .engine(error)
        }
    }
}
