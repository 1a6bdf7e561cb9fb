import Barrier
import Engines
import Wire

/// What a login that could be guessing means for the count of failures.
struct LoginAttempt {
    private let claim: LoginClaim
    private let rule: LoginFailures.Rule
    private var failures: LoginFailures
    private let path: String
    private let modificationIndex: UInt64

    /// Nil where failures are not counted.
    init?(
        _ request: EngineRequest,
        _ entry: MountEntry,
        _ view: borrowing BarrierView
    ) throws(VaultError) {
        guard let rule = LockoutTuning.rule(of: entry.record) else { return nil }
        self.rule = rule
        do throws(EngineError) {
            let mount = entry.engineMount
            guard let claim = try AuthCatalog.claim(request, in: mount, view: view) else {
                return nil
            }
            self.claim = claim
            path = LoginFailurePaths.path(of: claim.alias, isKnown: claim.isKnown)
            let opened: Opened?
            do throws(BarrierError) {
                opened = try view.read(entry.id, path)
            } catch {
                throw .barrier(error)
            }
            modificationIndex = opened?.modificationIndex ?? 0
            failures =
                try opened.map { opened throws(EngineError) in
                    try LoginFailures(decoding: opened.value)
                } ?? LoginFailures()
        } catch {
            throw .engine(error)
        }
    }

    func isLocked(at now: Timestamp) -> Bool {
        failures.isLocked(claim.alias, by: rule, at: now)
    }

    /// What counts one more failure.
    mutating func failure(at now: Timestamp) -> BatchPlan {
        failures.add(claim.alias, isKnown: claim.isKnown, by: rule, at: now)
        var plan = BatchPlan()
        plan.check(path, modificationIndex)
        plan.put(path, failures.encoded())
        return plan
    }

    /// What forgets the failures of who proved who it is; nil where there are none. Checked even
    /// then: a lock that comes while a password is compared stops the login.
    func success() -> BatchPlan {
        var plan = BatchPlan()
        plan.check(path, modificationIndex)
        if claim.isKnown, failures.counts(claim.alias) { plan.delete(path) }
        return plan
    }
}
