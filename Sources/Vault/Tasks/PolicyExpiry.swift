import Barrier
import Wire

/// Removes policies that have expired: they become history, as if somebody had deleted them.
///
/// Nothing depends on when: a policy that has expired counts for nothing, wherever it is looked at.
enum PolicyExpiry {
    /// - Parameter path: of the mark that a policy will expire.
    static func due(
        _ path: String,
        _ view: borrowing BarrierView,
        _ environment: VaultEnvironment,
        _ draft: inout BatchDraft
    ) throws(VaultError) -> TaskRest {
        guard let stored = path.below(SystemPaths.expiringPolicies),
            let name = PolicyName(stored: stored)
        else { throw .damaged("a timer leads to a policy that cannot be") }
        let state = try PolicyState(name, view)
        // One that was deleted, or written anew with another time, since the timer was set.
        guard let current = state.current, current.record.isExpired(at: environment.now) else {
            // Where it is another, the timer stays.
            let index = state.current?.modificationIndex ?? 0
            try draft.check(SystemPaths.policy(name), index)
            return .nothing
        }
        try state.delete(in: &draft, at: environment.now, by: "")
        return .nothing
    }
}
