import Barrier
import Cryptography
import Engines
package import Store
import Wire

/// The vault: from a request to what should happen next. Pure: reads through the view, writes
/// nothing, has no clock and no randomness of its own.
package enum VaultCore {
    /// Decides a request.
    ///
    /// - Parameters:
    ///   - view: of committed entries only, opened at or after the request's read index.
    ///   - environment: everything else, decided before.
    /// - Returns: never throws; refusals are a case.
    package static func step(
        _ request: VaultRequest,
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) -> VaultStep {
        let barrier = BarrierView(environment.keyring, over: view)
        do throws(VaultError) {
            return try VaultCall(request: request, environment: environment).step(barrier)
        } catch {
            return .refuse(error)
        }
    }

    /// Whether a token may seal nodes and do other work on the node itself.
    ///
    /// - Throws: ``VaultError/permissionDenied``, or what is wrong with the store.
    package static func authorizeOperator(
        _ token: [UInt8],
        in environment: VaultEnvironment,
        view: borrowing ReadView
    ) throws(VaultError) {
        let barrier = BarrierView(environment.keyring, over: view)
        _ = try Authority.check(token, environment, barrier)
    }
}

/// One request on its way through the vault.
struct VaultCall {
    let request: VaultRequest
    let environment: VaultEnvironment

    func step(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let path = request.path
        if let step = try stepWithoutToken(view) { return step }
        let authority = try Authority.check(request.token, environment, view)
        let mounts = try environment.cache.mounts(view)
        if let below = path.below("sys/") {
            let backend = SystemBackend(call: self, authority: authority, mounts: mounts)
            return try backend.step(below, view)
        }
        if let below = path.below("auth/token/") ?? (path == "auth/token" ? "" : nil) {
            return try TokenBackend(call: self, authority: authority).step(below)
        }
        guard let (entry, below) = mounts.match(path) else { throw .noHandler(path: path) }
        return try engineStep(entry, below, authority, view)
    }

    /// The few paths that need no token.
    private func stepWithoutToken(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        switch request.path {
        case "sys/internal/ui/mounts":
            guard request.operation == .read else {
                throw .engine(.unsupportedOperation, isBare: true)
            }
            guard request.token.isEmpty else { return nil }
            let mounts = try environment.cache.mounts(view)
            return .answer(MountLookups(mounts, environment).visibleToAll(request.fields))
        case "sys/internal/ui/mounts/":
            throw .engine(.unsupportedPath, isBare: true)
        default:
            return nil
        }
    }

    private func engineStep(
        _ entry: MountEntry,
        _ below: String,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let engineRequest = EngineRequest(
            operation: request.operation,
            path: below,
            fields: request.fields,
            now: environment.now
        )
        let step: EngineStep
        do throws(EngineError) {
            step = try KVEngine.step(engineRequest, in: entry.engineMount, view: view)
        } catch {
            throw .engine(error)
        }
        switch step {
        case .answer(let answer):
            return .answer(VaultAnswer(answer))
        case .commit(let plan, let answer):
            // A blind write read nothing of the mount, and a batch needs its keys.
            do throws(BarrierError) {
                try view.loadKeys(entry.id)
            } catch {
                throw .barrier(error)
            }
            var draft = try BatchDraft(request, authority, environment, view)
            try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
            try draft.add(plan, in: entry.id)
            return .commit(try draft.finish(), VaultAnswer(answer))
        }
    }
}

extension String {
    /// What stands behind a prefix, compared as bytes; nil without the prefix.
    func below(_ prefix: String) -> String? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return String(utf8.dropFirst(prefix.utf8.count))
    }
}
