import Barrier
import Engines
import Wire

/// Requests that are carried out in another namespace than the one they are sent to: what a token,
/// a lease or a wrapped answer is about is where that is, whatever the client names.
///
/// Policies are asked about the path there, so whoever may do something in a namespace needs no
/// header to do it, and whoever may not is not helped.
struct Rerouting {
    let request: VaultRequest
    let cache: VaultCache

    /// - Parameter place: that the request was sent to.
    /// - Returns: nil for a request that stays there.
    func target(
        of place: Place,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place? {
        // Where there are no namespaces, there is nowhere to go.
        guard !(place.namespace.isRoot && place.mounts.namespaces.isEmpty) else { return nil }
        switch request.path {
        case "sys/wrapping/lookup", "sys/wrapping/rewrap", "sys/wrapping/unwrap",
            "auth/token/lookup-self", "auth/token/renew-self", "auth/token/revoke-self":
            return try other(than: place, finder.find(ofToken: request.token, view), view)
        case "auth/token/lookup", "auth/token/renew", "auth/token/revoke",
            "auth/token/revoke-orphan":
            guard let token = request.fields["token"]?.asString, !token.isEmpty else {
                guard request.path == "auth/token/lookup" else { return nil }
                return try other(than: place, finder.find(ofToken: request.token, view), view)
            }
            return try named(by: token, view)
        case "sys/leases/lookup", "sys/leases/renew", "sys/leases/revoke", "sys/renew",
            "sys/revoke":
            return try named(by: request.fields["lease_id"]?.asString, view)
        default:
            return try named(by: leaseInPath, view)
        }
    }

    private var finder: NamespaceFinder { NamespaceFinder(cache: cache) }

    /// Lets pass what goes on to another namespace, unless that one is locked. Whoever is outside
    /// can take away tokens and leases there: that is what a lock leaves time for.
    func checkLock(
        of target: Namespace,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        if target.lockedBy == nil { return }
        let caller = try finder.find(ofToken: request.token, view)
        if request.operation == .update, request.isRemoval, caller?.lockedBy == nil { return }
        try target.checkLock()
    }

    private var leaseInPath: String? {
        for prefix in ["sys/leases/renew/", "sys/leases/revoke/", "sys/renew/", "sys/revoke/"] {
            if let id = request.path.below(prefix) { return id }
        }
        return nil
    }

    private func named(
        by text: String?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place? {
        guard let text, let id = Namespace.id(in: text) else { return nil }
        return try finder.find(id: id, view)
    }

    private func other(
        than place: Place,
        _ namespace: Namespace?,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Place? {
        guard let namespace, namespace.home != place.namespace.home else { return nil }
        let mounts = try cache.mounts(view.at(namespace.home))
        return Place(namespace: namespace, mounts: mounts)
    }
}

/// Paths of `sys/` that are there once for the whole vault, and not in namespaces.
enum RootOnlyPaths {
    /// - Parameter path: behind `/v1/` and the namespace.
    static func contains(_ path: String) -> Bool {
        guard let below = path.below("sys/") else { return false }
        return paths.contains { place in
            utf8Equals(place, below) || below.below(place)?.utf8.first == 0x2F
        }
    }

    /// What a namespace with a seal of its own would have.
    static func areOfSeals(_ path: String) -> Bool {
        ["sys/key-status", "sys/rotate"].contains { utf8Equals($0, path) }
    }

    /// - Source: the API contract; OpenBao 2.7.2's answers. The last line is Holdfast's own.
    private static let paths = [
        "audit-hash", "audit", "config/auditing", "config/cors", "config/reload", "config/state",
        "config/ui", "generate-recovery-token", "generate-root", "health", "host-info",
        "in-flight-req", "init", "internal/counters/activity", "internal/counters/config",
        "internal/inspect/router", "loggers", "metrics", "monitor", "pprof", "quotas/config",
        "quotas/lease-count", "quotas/rate-limit", "raw", "rekey-recovery-key", "rekey",
        "replication/status", "seal", "step-down", "storage", "unseal",
        "audit-anchors", "audit-key", "cluster", "node-status", "version-history", "ha-status",
    ]
}
