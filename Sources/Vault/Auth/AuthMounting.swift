import Barrier
import Engines
import Wire

/// `sys/auth/<path>` and its tuning: enable, show, tune and disable auth methods.
///
/// An auth method is a mount whose path begins with `auth/`, so its changes are those of
/// ``Mounting``; only the words differ, and the method `token/`, which is always there.
struct AuthMounting {
    let mounting: Mounting

    private var call: VaultCall { mounting.call }
    private var lookups: MountLookups { MountLookups(mounting.mounts, call.environment) }

    /// - Parameter path: behind `auth/`; ends in `/`.
    func step(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read: .answer(try lookups.authMethod(at: path, call.request.fields))
        case .update: try enable(path, view)
        case .delete: try disable(path, view)
        case .list, .scan, .patch, .help: throw .engine(.unsupportedOperation)
        }
    }

    /// - Parameter path: behind `auth/`; ends in `/`.
    func tune(_ path: String, _ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        switch call.request.operation {
        case .read:
            guard path == BuiltInMount.tokenPath else {
                return .answer(try lookups.authTuning(at: path, call.request.fields))
            }
            let leases = try TokenLeases(of: call, view)
            return .answer(lookups.tokenTuning(leases.time, call.request.fields))
        case .update: break
        case .delete, .list, .scan, .patch, .help: throw .engine(.unsupportedOperation)
        }
        guard path != BuiltInMount.tokenPath else { return try tuneTokenMethod(view) }
        let full = MountTable.authPrefix + path
        guard let entry = mounting.mounts.entry(at: full) else {
            throw .invalid("tune of path \(GoText.quoted(full)) failed: no mount entry found")
        }
        return try mounting.tune(entry, view)
    }

    private func tuneTokenMethod(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let method = mounting.mounts.tokenMethod
        let type = BuiltInMount.token.type(in: call.environment.namespace)
        let input = try TuneInput(call.request.fields, ofTokenMethod: method.tuning, type)
        guard input.tuning != method.tuning else { return .answer(.empty) }
        var draft = try mounting.changeOfTable(view)
        try draft.check(SystemPaths.tokenMethod, method.modificationIndex)
        try draft.put(SystemPaths.tokenMethod, TokenMethod.encoded(input.tuning))
        return .commit(try draft.finish(), .empty)
    }

    private func enable(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let input = try MountInput(call.request.fields, isAuthMethod: true)
        if path.utf8.starts(with: BuiltInMount.tokenPath.utf8) {
            throw .invalid("path is already in use at \(BuiltInMount.tokenPath)")
        }
        let full = MountTable.authPrefix + path
        if let other = mounting.mounts.conflict(with: full) {
            let shown = other.below(MountTable.authPrefix) ?? other
            throw .invalid("path is already in use at \(shown)")
        }
        return try mounting.create(full, input, view)
    }

    private func disable(
        _ path: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        guard path != BuiltInMount.tokenPath else {
            throw .invalid("token credential backend cannot be disabled")
        }
        guard let entry = mounting.mounts.entry(at: MountTable.authPrefix + path) else {
            return .answer(.empty)
        }
        return try mounting.retire(entry, view)
    }
}
