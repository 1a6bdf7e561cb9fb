import Barrier

/// Where the vault keeps its own records, relative to the system mount.
enum SystemPaths {
    /// Written with every change of any mount, so one look at its modification index tells
    /// whether a mount table in memory still holds.
    static let mountTable = "mounts/table"
    /// One record for each mount, named by its id.
    static let activeMounts = "mounts/active/"
    /// Mounts that were unmounted. Their keys and records are still there; shredding removes them.
    static let retiredMounts = "mounts/retired/"

    /// The latest moves of mounts.
    static let mountMoves = "mounts/moves"
    /// How long unmounted mounts wait for their destruction.
    static let retirement = "mounts/retirement"

    static func activeMount(_ id: MountID) -> String { activeMounts + id.text }

    static func retiredMount(_ id: MountID) -> String { retiredMounts + id.text }

    /// One record for each token, named by its HMAC.
    static let tokens = "tokens/id/"

    /// A token's record. A credential is never a name, not even inside the barrier.
    static func token(_ token: [UInt8], _ keyring: Keyring) -> String {
        tokens + keyring.tokenPath(token)
    }

    /// What leads from an accessor to its token's record.
    static func accessor(_ accessor: String, _ keyring: Keyring) -> String {
        "tokens/accessor/" + keyring.tokenPath(Array(accessor.utf8))
    }

    /// Long work that is under way.
    static let jobs = "jobs/active/"

    /// How much of it there is.
    static let jobTable = "jobs/table"

    static func job(_ id: String) -> String { jobs + id }

    /// Written with every change of any policy.
    static let policyTable = "policies/table"
    /// The present version of each policy.
    static let policies = "policies/acl/"

    static func policy(_ name: PolicyName) -> String { policies + name.stored }

    /// Marks of policies that were deleted.
    static let deletedPolicies = "policies/deleted/"

    static func deletedPolicy(_ name: PolicyName) -> String { deletedPolicies + name.stored }

    /// One mark for each policy that will expire, so that a listing opens only those.
    static let expiringPolicies = "policies/expiring/"

    static func expiringPolicy(_ name: PolicyName) -> String { expiringPolicies + name.stored }

    /// Earlier versions of one policy.
    static func policyHistory(_ name: PolicyName) -> String { "policies/history/\(name.stored)/" }

    /// An earlier version. Numbers have the same length, so their order is that of the texts.
    static func policyVersion(_ name: PolicyName, _ version: UInt64) -> String {
        let digits = String(version)
        let zeros = String(repeating: "0", count: max(0, 20 - digits.utf8.count))
        return policyHistory(name) + zeros + digits
    }
}
