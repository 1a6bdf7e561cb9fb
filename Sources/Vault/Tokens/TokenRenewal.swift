import Barrier
import Engines
import Wire

/// A token that is to live longer.
struct TokenRenewal {
    /// What a token from a login rests on: the mount, and in it the user or role.
    private struct Ground {
        let entry: MountEntry
        let plan: BatchPlan
    }

    private let live: LiveToken
    private let now: Timestamp
    private let time: LeaseTime
    /// Of a token from a login.
    private let ground: Ground?
    /// Of any other.
    private let leases: TokenLeases?

    /// - Returns: nil for a token of a user that is gone: nothing is renewed, and nothing said.
    /// - Throws: ``VaultError/invalid(_:)`` for a token that cannot be renewed.
    init?(
        _ live: LiveToken,
        for call: VaultCall,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let record = live.record
        guard record.hasLease else { throw .invalid("invalid lease ID") }
        guard record.isRenewable, record.expiration != nil else {
            throw .invalid("lease is not renewable")
        }
        self.live = live
        now = call.environment.now
        let leases = record.isFromLogin ? nil : try TokenLeases(of: call, view)
        self.leases = leases
        var time = leases?.time ?? LeaseTime()
        time.backend = record.secondsGranted
        time.backendMax = record.lifetimeSecondsMax
        time.explicitMax = record.explicitSecondsMax
        time.period = record.periodSeconds
        if record.isFromLogin {
            guard let ground = try Self.ground(record, (call, call.mounts), &time, view) else {
                return nil
            }
            self.ground = ground
        } else {
            ground = nil
            try Self.consider(record.role, &time, view)
        }
        self.time = time
    }

    /// What a role of `auth/token` says now is what counts. But no role lengthens what the token
    /// was made for at the most: OpenBao forgets that here.
    private static func consider(
        _ role: String,
        _ time: inout LeaseTime,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        guard !role.isEmpty else { return }
        guard let found = try TokenRole.read(role, view) else {
            throw .invalid(
                "original token role \(GoText.quoted(role)) could not be found, not renewing"
            )
        }
        time.period = found.periodSeconds
        let most = [time.explicitMax, found.explicitSecondsMax].filter { $0 > 0 }
        time.explicitMax = most.min() ?? 0
    }

    /// What the user or role says now is what counts, and what the mount allows now. Whoever may
    /// not log in any more must not live on what was given before.
    private static func ground(
        _ record: TokenRecord,
        _ context: (call: VaultCall, mounts: MountTable),
        _ time: inout LeaseTime,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> Ground? {
        guard let (entry, _) = context.mounts.match(record.path) else {
            throw refused("there is no auth method at its path any more")
        }
        let metadata = record.metadata.map {
            LoginGrant.Metadata(name: $0.name, value: $0.value)
        }
        let standing: LoginStanding
        do throws(EngineError) {
            standing = try AuthCatalog.standing(
                of: metadata,
                for: context.call.engineRequest("", tokenName: ""),
                in: entry.engineMount,
                view: view
            )
        } catch {
            throw .engine(error)
        }
        switch standing {
        case .gone: return nil
        case .refused(let reason): throw refused(reason)
        case .refusedAsLogin(let reason): throw .invalid(reason)
        case .current(let parameters, let plan, let bindsPolicies):
            if bindsPolicies, !areAlike(parameters.policies, record.policies) {
                throw refused("policies have changed, not renewing")
            }
            time.limit(by: entry.record.tuning)
            time.backend = UInt64(parameters.ttlSeconds)
            time.backendMax = UInt64(parameters.ttlSecondsMax)
            time.period = UInt64(parameters.periodSeconds)
            return Ground(entry: entry, plan: plan)
        }
    }

    private static func refused(_ reason: String) -> VaultError {
        .invalid(GoText.errors(["failed to renew entry: \(reason)"]))
    }

    /// The policy `default` comes and goes by itself.
    private static func areAlike(_ ones: [String], _ others: [String]) -> Bool {
        func compared(_ policies: [String]) -> [String] {
            TokenPolicies.normalised(policies, addsDefault: false)
                .filter { !utf8Equals($0, BuiltInPolicy.standard) }
        }
        return compared(ones) == compared(others)
    }

    /// The token's record after it.
    ///
    /// - Parameter increment: seconds from now that are asked for; 0: as the last time.
    func renewed(
        _ increment: UInt64
    ) throws(VaultError) -> (record: TokenRecord, warnings: [String]) {
        var time = time
        time.increment = increment
        let created = live.record.created.nanoseconds
        let age = now.nanoseconds > created ? now.nanoseconds - created : 0
        guard let decision = time.decide(age: age) else {
            throw .invalid("past the max TTL, cannot renew")
        }
        var record = live.record
        record.renewed = now
        record.expiration = now.adding(seconds: decision.seconds)
        return (record, decision.warnings)
    }

    /// Puts it and its timer in place of the old ones.
    func write(_ record: TokenRecord, in draft: inout BatchDraft) throws(VaultError) {
        if let ground {
            let mount = SystemPaths.activeMount(ground.entry.id)
            try draft.check(mount, ground.entry.modificationIndex)
            try draft.add(ground.plan, in: ground.entry.id)
        }
        try leases?.check(in: &draft)
        let path = SystemPaths.token(hash: live.hash)
        if let old = live.record.expiration { try draft.clearTimer(due: old, path: path) }
        try draft.put(path, record.encoded())
        if let new = record.expiration { try draft.setTimer(due: new, path: path) }
    }
}
