import Barrier
import Engines
import Wire

/// `sys/…` behind the token: routes to what handles it.
struct SystemBackend {
    let call: VaultCall
    let authority: Authority
    let mounts: MountTable

    /// - Parameter path: below `sys/`.
    func step(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        switch path {
        case "mounts", "auth": return .answer(try listMounts(path))
        case "capabilities-self", "capabilities", "capabilities-accessor":
            return .answer(try capabilities(path, view))
        case "audit-anchors":
            try require(.read)
            return .answer(try AuditBackend(environment: call.environment).anchors(view))
        case "audit-key":
            try require(.update)
            let backend = AuditBackend(environment: call.environment)
            return .answer(try backend.segmentKey(call.request.fields))
        case "ha-status": return .answer(try haStatus())
        case "storage/raft/configuration": return .answer(try raftConfiguration())
        case "internal/ui/resultant-acl": return .answer(try resultantACL())
        default: break
        }
        let namespaces = NamespaceBackend(call: call, authority: authority)
        if let step = try namespaces.step(path, view) { return step }
        if let below = path.below("jobs/") { return try JobBackend(call: call).step(below, view) }
        if let below = path.below("tools/"), let answer = try tool(below) {
            return .answer(answer)
        }
        let devices = AuditDevices(call: call, authority: authority)
        if let step = try devices.step(path, view) { return step }
        if let step = try extras(path, view) { return step }
        if let policies = PolicyPath(path) {
            let backend = PolicyBackend(call: call, authority: authority, mounts: mounts)
            return try backend.step(policies, view)
        }
        if let below = path.below("wrapping/") {
            return try WrappingBackend(call: call, authority: authority).step(below, view)
        }
        if let below = path.below("retired-mounts") {
            let retired = RetiredMounts(call: call, authority: authority, mounts: mounts)
            return try retired.step(below, view)
        }
        let moves = MountMoves(call: call, authority: authority, mounts: mounts)
        if let step = try moves.step(path, view) { return step }
        let leases = LeaseBackend(call: call, authority: authority)
        if let step = try leases.step(path, view) { return step }
        if LockedUsers.serves(path) {
            let backend = LockedUsers(call: call, authority: authority, mounts: mounts)
            return try backend.step(path, view)
        }
        let mounting = Mounting(call: call, authority: authority, mounts: mounts)
        let methods = AuthMounting(mounting: mounting)
        if let below = path.below("mounts/auth/"), let mount = below.withoutTune {
            return try methods.tune(mount, view)
        }
        if let below = path.below("auth/"), !below.isEmpty {
            if let mount = below.withoutTune { return try methods.tune(mount, view) }
            return try methods.step(below.withSlash, view)
        }
        if let below = path.below("mounts/"), !below.isEmpty {
            if let mount = below.withoutTune { return try mounting.tune(mount, view) }
            return try mounting.step(below.withSlash, view)
        }
        throw .engine(.unsupportedPath)
    }

    /// What the system keeps about itself.
    private func extras(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep? {
        if path == "version-history" || path == "version-history/" {
            return .answer(try VersionHistory.answer(call, view))
        }
        if path == "config/cors" {
            return try CrossOriginBackend(call: call, authority: authority).step(view)
        }
        if let below = path.below("config/auditing/request-headers") {
            return try AuditHeadersBackend(call: call, authority: authority).step(below, view)
        }
        if let below = path.below("policies/password"), below.isEmpty || below.utf8.first == 0x2F {
            return try PasswordPolicies(call: call, authority: authority).step(below, view)
        }
        if let below = path.below("quotas/") {
            let quotas = QuotaBackend(call: call, authority: authority, mounts: mounts)
            return try quotas.step(below, view)
        }
        if let below = path.below("plugins/catalog"), below.isEmpty || below.utf8.first == 0x2F {
            return .answer(try EngineListing(call: call).answer(below))
        }
        return try SystemCounters(call: call).step(path, view)
    }

    private var lookups: MountLookups { MountLookups(mounts, call.environment) }

    func require(_ operation: Operation) throws(VaultError) {
        guard call.request.operation == operation else { throw .engine(.unsupportedOperation) }
    }

    private func listMounts(_ path: String) throws(VaultError) -> VaultAnswer {
        try require(.read)
        return path == "auth"
            ? lookups.authList(call.request.fields) : lookups.list(call.request.fields)
    }
}

extension String {
    /// The mount's path, with its slash, of `<mount>/tune`; nil for other paths.
    fileprivate var withoutTune: String? {
        let suffix = Array("/tune".utf8)
        guard utf8.count > suffix.count, utf8.suffix(suffix.count).elementsEqual(suffix) else {
            return nil
        }
        return String(utf8.dropLast(4))
    }

    /// The same with a slash at its end.
    var withSlash: String { utf8.last == 0x2F ? self : self + "/" }
}
