import Barrier
import Cryptography
package import Engines
package import Policy
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
    ///   - trace: takes what the audit wants to know of it.
    /// - Returns: never throws; refusals are a case.
    package static func step(
        _ request: VaultRequest,
        in environment: VaultEnvironment,
        view: borrowing ReadView,
        trace: VaultTrace? = nil
    ) -> VaultStep {
        let barrier = BarrierView(environment.keyring, over: view)
        do throws(VaultError) {
            let call = try VaultCall(request, environment, barrier, trace)
            return try barrier.inside(call.environment.namespace.home) { view throws(VaultError) in
                try call.step(view)
            }
        } catch {
            return .refuse(error)
        }
    }

    /// Whether a token may do what no mount serves: seal a node, change the members, read metrics.
    ///
    /// - Parameters:
    ///   - caller: the token, and where the client is; nil: not known.
    ///   - request: as policies see it. Whether it needs `sudo` is found out here.
    ///   - trace: takes who asked and what decided.
    /// - Returns: it may, or policies are against it.
    /// - Throws: ``VaultError/permissionDenied`` for a token that is not known, or what is wrong
    ///   with the store.
    package static func authorizeOperator(
        _ caller: (token: [UInt8], address: IPAddress?),
        for request: AccessRequest,
        in environment: VaultEnvironment,
        view: borrowing ReadView,
        trace: VaultTrace? = nil
    ) throws(VaultError) -> OperatorVerdict {
        let barrier = BarrierView(environment.keyring, over: view)
        var authority = try Authority.check(
            caller.token,
            from: caller.address,
            environment,
            barrier
        )
        defer { trace?.note(authority) }
        var request = request
        request.needsSudo = SudoPaths.contains(request.path)
        var refusal: VaultError?
        do throws(VaultError) {
            try authority.authorize(request) { () throws(VaultError) in nil }
        } catch {
            guard case .denied = error else { throw error }
            refusal = error
        }
        guard authority.live.usesLeft != nil else {
            return OperatorVerdict(refusal: refusal, counting: nil)
        }
        // Of a client's request nothing else becomes a batch, so any id will do.
        var entropy = Entropy(seed: environment.seed, attempt: environment.attempt)
        let use = VaultRequest(
            operation: .update,
            path: request.path,
            token: caller.token,
            fields: JSONObject(),
            requestID: entropy.bytes(16)
        )
        let draft = try BatchDraft(use, authority, environment, barrier)
        return OperatorVerdict(refusal: refusal, counting: try draft.finish())
    }
}

/// Whether a token may do what no mount serves.
package struct OperatorVerdict: Sendable {
    /// Why not; nil when it may.
    package let refusal: VaultError?
    /// What counts the request, where the token's uses are limited: it has to be applied before
    /// anything is done or told.
    package let counting: WriteBatch?
}

/// One request on its way through the vault.
struct VaultCall {
    /// Its path is the one in the namespace.
    let request: VaultRequest
    /// Knows the namespace.
    let environment: VaultEnvironment
    /// Of the namespace.
    let mounts: MountTable
    var trace: VaultTrace?

    /// Finds out where the request is.
    ///
    /// - Parameter view: at home in the system mount.
    /// - Throws: ``VaultError/namespaceNotFound``; ``VaultError/namespaceLocked(path:)``;
    ///   ``VaultError/invalid(_:)`` for what is not there in namespaces.
    init(
        _ request: VaultRequest,
        _ environment: VaultEnvironment,
        _ view: borrowing BarrierView,
        _ trace: VaultTrace?
    ) throws(VaultError) {
        let finder = NamespaceFinder(cache: environment.cache)
        let found = try finder.find(header: request.namespace, path: request.path, view)
        guard let found else { throw .namespaceNotFound }
        var place = found.place
        let path = found.path
        var request = request
        request.path = path
        if !place.namespace.isRoot {
            trace?.note(place.namespace, path)
            if !NamespaceLocking.isUnlocking(path) { try place.namespace.checkLock() }
            if RootOnlyPaths.contains(path) {
                throw .invalid("operation only available in root namespace")
            }
            if RootOnlyPaths.areOfSeals(path) { throw .invalid("namespace is not sealable") }
        }
        let rerouting = Rerouting(request: request, cache: environment.cache)
        if let target = try rerouting.target(of: place, view) {
            place = target
            trace?.note(place.namespace, path)
            try rerouting.checkLock(of: place.namespace, view)
        }
        self.request = request
        self.environment = environment.inside(place.namespace)
        mounts = place.mounts
        self.trace = trace
    }

    /// The same call with other parameters.
    private init(_ call: VaultCall, _ request: VaultRequest) {
        self.request = request
        environment = call.environment
        mounts = call.mounts
        trace = call.trace
    }

    func step(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        if request.operation == .help { return try help(view) }
        if let step = try stepWithoutToken(view) { return step }
        if let step = try wrappingWithoutPolicy(view) { return step }
        var authority: Authority
        do throws(VaultError) {
            authority = try Authority.check(
                request.token,
                from: request.remoteAddress,
                environment,
                view
            )
        } catch {
            trace?.note(mountOf: request.path, mounts, environment)
            throw error
        }
        guard authority.live.usesLeft != nil, !isFree else { return try step(&authority, view) }
        return try counted(&authority, view)
    }

    /// What OpenBao answers before it counts the uses of a token: the probes of user interfaces.
    private var isFree: Bool {
        let path = request.path
        return path == "sys/internal/ui/namespaces" || path == "sys/internal/ui/mounts"
            || path.utf8.starts(with: "sys/internal/ui/mounts/".utf8)
    }

    /// A request with a token of limited uses: whatever becomes of it, it is one of them.
    private func counted(
        _ authority: inout Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let step: VaultStep
        do throws(VaultError) {
            step =
                request.operation == .help
                ? .answer(try help(for: authority, view)) : try self.step(&authority, view)
        } catch {
            guard error.blame == .caller else { throw error }
            // As OpenBao does, who looks whether something waits wrapped before all else.
            if request.path.utf8.starts(with: "sys/wrapping/".utf8), error.isNothingWrapped {
                throw error
            }
            let draft = try BatchDraft(request, authority, environment, view)
            return .commitRefusing(try draft.finish(), error)
        }
        guard case .answer(let answer) = step else { return step }
        let draft = try BatchDraft(request, authority, environment, view)
        return .commit(try draft.finish(), answer)
    }

    /// A request whose token is known.
    private func step(
        _ authority: inout Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        trace?.note(mountOf: request.path, mounts, environment)
        defer { trace?.note(authority) }
        if let below = request.path.below("sys/internal/ui/mounts") {
            trace?.noteOpen()
            return .answer(try mountProbe(below, authority, view))
        }
        if request.path == "sys/internal/ui/namespaces" {
            let lookups = MountLookups(mounts, environment, for: authority.access)
            return .answer(try lookups.namespaces(request))
        }
        let cubbyhole = authority.cubbyhole
        if let trace, request.operation == .update {
            // For the record only: what is wrong with the path is found out once it is allowed.
            let ground = try? existence(request.path, for: cubbyhole, view)
            trace.note(isCreation: ground.map { !$0.existence.isThere } ?? false)
        }
        let asked = AccessRequest(beforeHandlerOf: request)
        try authority.authorize(asked) { () throws(VaultError) in
            try existence(request.path, for: cubbyhole, view)
        }
        let restriction = ListRestriction(request, authority)
        let call = VaultCall(self, restriction.bounded(request))
        let step = try restriction.apply(to: call.step(authority, view))
        return try wrapped(step, authority, view)
    }

    /// What an allowed request leads to.
    private func step(
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let path = request.path
        try RouteCatalog(mounts: mounts).check(request)
        if let below = path.below("sys/") {
            let backend = SystemBackend(call: self, authority: authority, mounts: mounts)
            return try backend.step(below, view)
        }
        if let below = path.below("auth/token/") ?? (path == "auth/token" ? "" : nil) {
            return try TokenBackend(call: self, authority: authority).step(below, view)
        }
        if let below = BuiltInMount.cubbyhole.below(path) {
            return try cubbyholeStep(below, authority, view)
        }
        if let below = BuiltInMount.identity.below(path) {
            let backend = IdentityBackend(call: self, authority: authority, mounts: mounts)
            return try backend.step(below, view)
        }
        guard let (entry, below) = mounts.match(path) else { throw .noHandler(path: path) }
        guard !entry.record.isUpgrading else { throw KVUpgrade.unavailable }
        return try engineStep(entry, below, authority, view)
    }

    /// Whether what a write is about is there; nil where that makes no difference.
    ///
    /// - Parameter owner: whose cubbyhole a path may be about.
    func existence(
        _ path: String,
        for owner: Authority.CubbyholeOwner,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Authority.Ground? {
        if let name = path.below("auth/token/roles/"), TokenRole.isName(name) {
            let record = SystemPaths.tokenRole(name)
            let index = try view.systemIndex(record)
            return Authority.Ground(
                mount: view.home,
                existence: Existence(path: record, modificationIndex: index)
            )
        }
        let mount: EngineMount
        let below: String
        if let place = BuiltInMount.cubbyhole.below(path) {
            (mount, below) = (owner.mount, place)
        } else if let (entry, place) = mounts.match(path) {
            (mount, below) = (entry.engineMount, place)
        } else {
            return nil
        }
        do throws(EngineError) {
            let found = try EngineCatalog.existence(
                of: below,
                in: mount,
                for: owner.tokenName,
                view: view
            )
            return found.map { Authority.Ground(mount: mount.id, existence: $0) }
        } catch {
            throw .engine(error)
        }
    }

    /// `sys/internal/ui/mounts…` with a token: no policy is asked whether, but what is shown is
    /// what the token's policies reach.
    private func mountProbe(
        _ below: String,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        let lookups = MountLookups(mounts, environment, for: authority.access)
        if below.isEmpty { return lookups.all(request.fields) }
        guard let path = below.below("/") else { throw .engine(.unsupportedPath) }
        guard request.operation == .read else { throw .engine(.unsupportedOperation) }
        // The path may lead into a namespace further down, as that of any request.
        let own = environment.namespace
        let finder = NamespaceFinder(cache: environment.cache)
        let found = try finder.find(header: own.path, path: path, view.at(.system))
        guard let (place, rest) = found, place.namespace.home != own.home,
            let way = place.namespace.path(below: own)
        else { return try lookups.serving(path, request.fields) }
        try place.namespace.checkLock()
        let there = environment.inside(place.namespace)
        let access = try there.access(of: authority.live, view)
        let probe = MountLookups(place.mounts, there, for: access)
        return try probe.serving(rest, request.fields, behind: way)
    }

    /// What a path is for is told to whoever has a token, and to all where the path needs none.
    private func help(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let description = APIDescription(call: self)
        if description.isAboutOpenPath { return .answer(try description.help(view)) }
        var authority = try Authority.check(
            request.token,
            from: request.remoteAddress,
            environment,
            view
        )
        guard authority.live.usesLeft != nil, !isFree else {
            return .answer(try help(for: authority, view))
        }
        return try counted(&authority, view)
    }

    private func help(
        for authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultAnswer {
        guard environment.namespace.path(below: authority.live.namespace) != nil else {
            throw .permissionDenied
        }
        return try APIDescription(call: self).help(view)
    }

    /// The few paths that need no token.
    private func stepWithoutToken(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        switch request.path {
        case "sys/internal/ui/mounts":
            guard request.operation == .read else {
                throw .engine(.unsupportedOperation, isBare: true)
            }
            guard request.token.isEmpty else { return nil }
            trace?.note(mountOf: request.path, mounts, environment)
            trace?.noteOpen()
            return .answer(MountLookups(mounts, environment).visibleToAll(request.fields))
        case "sys/internal/ui/mounts/":
            throw .engine(.unsupportedPath, isBare: true)
        case "sys/internal/specs/openapi":
            return .answer(try APIDescription(call: self).document(view))
        case "sys/decode-token":
            return .answer(try TokenDecoding(call: self).answer())
        default:
            return try loginStep(view)
        }
    }

    /// A path of an auth method that is for clients without a token; nil for any other.
    private func loginStep(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep? {
        guard request.path.utf8.starts(with: MountTable.authPrefix.utf8) else { return nil }
        guard let (entry, below) = mounts.match(request.path),
            AuthCatalog.isOpen(below, in: entry.record.kind)
        else { return nil }
        trace?.note(mountOf: request.path, mounts, environment)
        trace?.noteLogin()
        return try LoginCall(call: self, entry: entry, path: below).step(view)
    }

    private func engineStep(
        _ entry: MountEntry,
        _ below: String,
        _ authority: Authority,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let step = try step(entry.engineMount, below, authority, view)
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
            return try draft.commit(VaultAnswer(answer))
        case .perform(let kind, let body):
            return effect(kind, body)
        case .login:
            throw .engine(.unsupportedOperation)
        }
    }
}

extension VaultError {
    /// Nothing waits wrapped behind the token that was named.
    fileprivate var isNothingWrapped: Bool {
        guard case .invalid(let text) = self, case .invalid(let words) = Wrapping.invalid else {
            return false
        }
        return utf8Equals(text, words)
    }
}

extension String {
    /// What stands behind a prefix, compared as bytes; nil without the prefix.
    func below(_ prefix: String) -> String? {
        guard utf8.starts(with: prefix.utf8) else { return nil }
        return String(utf8.dropFirst(prefix.utf8.count))
    }
}
