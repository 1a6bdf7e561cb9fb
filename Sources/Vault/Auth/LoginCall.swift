import Barrier
import Engines
import Wire

/// A request to a path of an auth method that needs no token, which nearly always is a login.
///
/// One batch makes the token with all that belongs to it, and checks that the mount, and whatever
/// the method read, are still the same. A failure that could be guessing is counted, in a batch of
/// its own, before the client hears of it: so a fail-over forgets no failure, and no lock.
struct LoginCall {
    let call: VaultCall
    let entry: MountEntry
    /// Below the mount.
    let path: String

    private var request: VaultRequest { call.request }
    private var environment: VaultEnvironment { call.environment }

    func step(_ view: borrowing BarrierView) throws(VaultError) -> VaultStep {
        let engineRequest = call.engineRequest(path, tokenName: "")
        var attempt = try LoginAttempt(engineRequest, entry, view)
        guard !(attempt?.isLocked(at: environment.now) ?? false) else { throw .permissionDenied }
        let step: EngineStep
        do throws(EngineError) {
            step = try EngineCatalog.step(engineRequest, in: entry.engineMount, view: view)
        } catch {
            if case .badCredentials = error { call.trace?.noteGuess() }
            guard case .badCredentials = error, let plan = attempt?.failure(at: environment.now)
            else { throw .engine(error, isBare: true) }
            var draft = try draft(view)
            try draft.add(plan, in: entry.id)
            return .commitRefusing(try draft.finish(), .engine(error, isBare: true))
        }
        switch step {
        case .answer(let answer):
            guard request.wrapSeconds != nil else { return .answer(VaultAnswer(answer)) }
            return try draft(view).commit(VaultAnswer(answer))
        case .commit(let plan, let answer):
            var draft = try draft(view)
            try draft.add(plan, in: entry.id)
            return try draft.commit(VaultAnswer(answer))
        case .perform(let kind, let body):
            return call.effect(kind, body)
        case .login(let grant, let plan):
            var draft = try draft(view)
            try draft.add(plan, in: entry.id)
            if let plan = attempt?.success() { try draft.add(plan, in: entry.id) }
            return try login(grant, draft, view)
        }
    }

    /// What every batch without a token rests on: the mount.
    private func draft(_ view: borrowing BarrierView) throws(VaultError) -> BatchDraft {
        do throws(BarrierError) {
            try view.loadKeys(entry.id)
        } catch {
            throw .barrier(error)
        }
        var draft = try BatchDraft(withoutToken: request, environment, view)
        try draft.check(SystemPaths.activeMount(entry.id), entry.modificationIndex)
        return draft
    }

    private func login(
        _ grant: LoginGrant,
        _ draft: consuming BatchDraft,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> VaultStep {
        let parameters = grant.parameters
        var token = TokenGrant(
            displayName: displayName(grant),
            path: request.path,
            policies: TokenPolicies.normalised(
                parameters.policies,
                addsDefault: !parameters.omitsDefaultPolicy
            )
        )
        try refuseReserved(token.policies)
        let (life, warnings) = try life(parameters)
        token.life = life
        token.isBatch = isBatch(parameters.kind)
        token.isRenewable = !token.isBatch
        token.metadata = grant.metadata.map { TokenRecord.Pair(name: $0.name, value: $0.value) }
        // Nothing counts the uses of a batch token: it works without a limit, as in OpenBao.
        token.usesMax = token.isBatch ? 0 : UInt64(parameters.usesMax)
        token.boundCIDRs = try boundCIDRs(parameters)
        var alias = LoginAlias(name: grant.alias, mountAccessor: entry.record.accessor)
        alias.metadata = grant.aliasMetadata.map { (name: $0.name, value: $0.value) }
        alias.groups = grant.groupAliases
        let now = environment.now
        let identity = try IdentityState.entity(for: alias, in: &draft, at: now, view)
        token.entityID = identity.entityID
        var auth = try TokenIssuer.issue(token, in: &draft, environment).auth
        auth.identityPolicies = identity.policies
        call.trace?.note(auth, isEntityNew: identity.isNew)
        let body = EngineAnswer(status: 200, warnings: grant.warnings + warnings)
        return try draft.commit(VaultAnswer(body, auth: auth))
    }

    /// `userpass-bob`: the mount's path with the method's own name of the client. In a namespace
    /// the path is whole: `team-auth-userpass-bob`.
    private func displayName(_ grant: LoginGrant) -> String {
        let whole = environment.namespace.path + entry.record.path
        let mount = whole.below(MountTable.authPrefix) ?? whole
        var name = Array(mount.utf8.map { $0 == 0x2F ? 0x2D : $0 }) + Array(grant.displayName.utf8)
        if name.last == 0x2D { name.removeLast() }
        return String(decoding: name, as: UTF8.self)
    }

    private func refuseReserved(_ policies: [String]) throws(VaultError) {
        if policies.contains(BuiltInPolicy.root) {
            throw .invalid("auth methods cannot create root tokens")
        }
        if policies.contains("response-wrapping") {
            throw .invalid("cannot assign policy \"response-wrapping\"")
        }
    }

    /// A mount that says `batch` or `service` decides; else the user or role does.
    private func isBatch(_ kind: TokenKind) -> Bool {
        switch (entry.record.tuning.tokenKind, kind) {
        case (.batch, _): true
        case (.service, _): false
        case (_, .batch): true
        case (_, .service): false
        case (let mount, _): mount == .defaultBatch
        }
    }

    private func life(
        _ parameters: TokenParameters
    ) throws(VaultError) -> (TokenLife, warnings: [String]) {
        var time = LeaseTime()
        time.limit(by: entry.record.tuning)
        time.backend = UInt64(parameters.ttlSeconds)
        time.backendMax = UInt64(parameters.ttlSecondsMax)
        time.period = UInt64(parameters.periodSeconds)
        time.explicitMax = UInt64(parameters.explicitSecondsMax)
        guard let decision = time.decide() else {
            throw .invalid("past the max TTL, cannot renew")
        }
        let life = TokenLife(
            seconds: decision.seconds,
            secondsMax: time.backendMax,
            explicitSecondsMax: time.explicitMax,
            periodSeconds: time.period
        )
        return (life, decision.warnings)
    }

    private func boundCIDRs(_ parameters: TokenParameters) throws(VaultError) -> [String] {
        guard parameters.isBoundToAddress else { return parameters.boundCIDRs }
        guard let address = request.remoteAddress else { throw .permissionDenied }
        return [address.text]
    }
}
