import Engines
import Wire

/// Every path of the API: the built-in places and all mounts. Requests are routed by it, and it is
/// described from it.
struct RouteCatalog {
    let mounts: MountTable

    /// A place in the API and what there is below it.
    struct Place {
        /// With its slash.
        let path: String
        /// What its paths are told under.
        let tag: String
        let table: RouteTable
        /// Whether what is not in the table is turned away.
        let isClosed: Bool
    }

    /// The built-in ones.
    static let builtIn = [
        Place(path: "sys/", tag: "system", table: system, isClosed: true),
        Place(path: "auth/token/", tag: "auth", table: TokenRoutes.table, isClosed: true),
        Place(path: "identity/", tag: "identity", table: IdentityRoutes.table, isClosed: true),
        Place(
            path: "cubbyhole/",
            tag: "secrets",
            table: EngineRoutes.table(of: .cubbyhole),
            isClosed: false
        ),
    ]

    private static let system = RouteTable(
        SystemRoutes.vault.endpoints + SystemRoutes.node.endpoints
    )

    /// One mount's.
    static func place(_ entry: MountEntry) -> Place {
        let kind = entry.record.kind
        return Place(
            path: entry.record.path,
            tag: kind.isAuthMethod ? "auth" : "secrets",
            table: EngineRoutes.table(of: kind),
            isClosed: EngineRoutes.isClosed(kind)
        )
    }

    /// The place that a path belongs to, and what is left of the path; a place's own path without
    /// its slash belongs to it.
    func find(_ path: String) -> (place: Place, below: String)? {
        for place in Self.builtIn {
            if let below = path.below(place.path) { return (place, below) }
            if utf8Equals(path.withSlash, place.path) { return (place, "") }
        }
        return mounts.match(path).map { (Self.place($0.entry), $0.below) }
    }

    /// Lets pass what has a path in the table of its place; what belongs nowhere, and what its
    /// engine answers for, is not this one's to refuse.
    func check(_ request: borrowing VaultRequest) throws(VaultError) {
        guard let (place, below) = find(request.path), place.isClosed else { return }
        do throws(EngineError) {
            _ = try place.table.endpoint(below, request.operation)
        } catch {
            throw .engine(error)
        }
    }
}
