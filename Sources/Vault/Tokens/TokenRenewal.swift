import Barrier
import Engines
import Wire

/// A token that is to live longer.
struct TokenRenewal {
    private let live: LiveToken
    private let now: Timestamp
    private let period: UInt64
    private let explicitMax: UInt64

    /// - Throws: ``VaultError/invalid(_:)`` for a token that cannot be renewed.
    init(
        _ live: LiveToken,
        at now: Timestamp,
        _ environment: borrowing VaultEnvironment,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        let record = live.record
        guard record.hasLease else { throw .invalid("invalid lease ID") }
        guard record.isRenewable, record.expiration != nil else {
            throw .invalid("lease is not renewable")
        }
        self.live = live
        self.now = now
        guard !record.role.isEmpty else {
            (period, explicitMax) = (record.periodSeconds, record.explicitSecondsMax)
            return
        }
        // What a role says now is what counts.
        guard let role = try TokenRole.read(record.role, view) else {
            throw .invalid(
                "original token role \(GoText.quoted(record.role)) could not be found, not renewing"
            )
        }
        (period, explicitMax) = (role.periodSeconds, role.explicitSecondsMax)
    }

    /// The token's record after it.
    ///
    /// - Parameter increment: seconds from now that are asked for; 0: as the last time.
    func renewed(
        _ increment: UInt64
    ) throws(VaultError) -> (record: TokenRecord, warnings: [String]) {
        var time = LeaseTime()
        time.increment = increment
        time.backend = live.record.secondsGranted
        time.backendMax = live.record.lifetimeSecondsMax
        time.period = period
        time.explicitMax = explicitMax
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
        let path = SystemPaths.token(hash: live.hash)
        if let old = live.record.expiration { try draft.clearTimer(due: old, path: path) }
        try draft.put(path, record.encoded())
        if let new = record.expiration { try draft.setTimer(due: new, path: path) }
    }
}
