import Barrier

/// Where the vault keeps its own records, relative to the system mount, and where a namespace keeps
/// its own, relative to its home.
enum SystemPaths {
    /// Written with every change of any mount, so one look at its modification index tells
    /// whether a mount table in memory still holds.
    static let mountTable = "mounts/table"
    /// One record for each mount, named by its id.
    static let activeMounts = "mounts/active/"
    /// How the auth method `token/` was tuned; there once it was.
    static let tokenMethod = "mounts/token"
    /// Mounts that were unmounted. Their keys and records are still there; shredding removes them.
    static let retiredMounts = "mounts/retired/"

    /// The latest moves of mounts.
    static let mountMoves = "mounts/moves"
    /// How long unmounted mounts wait for their destruction.
    static let retirement = "mounts/retirement"

    /// Where audit records go besides the nodes' own logs.
    static let auditDevices = "audit/devices"
    /// What audit records have of the headers of requests.
    static let auditHeaders = "audit/headers"

    static func activeMount(_ id: MountID) -> String { activeMounts + id.text }

    static func retiredMount(_ id: MountID) -> String { retiredMounts + id.text }

    /// Which web pages may use the API; there while any may.
    static let crossOrigin = "config/cors"
    /// Versions of the program that have led.
    static let versions = "versions"
    /// Rate limits, all in one record.
    static let quotas = "quotas"

    // MARK: tokens. A credential is never a name, not even inside the barrier: a hash stands for
    // it, see ``TokenPlace``.

    static let tokens = "tokens/id/"

    static func token(hash: String) -> String { tokens + hash }

    /// What leads from an accessor to its token's record. Only for what
    /// ``TokenPlace/isAccessor(_:)``.
    static let accessors = "tokens/accessor/"

    static func accessor(_ accessor: String) -> String { accessors + accessor }

    /// How many requests a token is still good for.
    static let allUses = "tokens/uses/"

    static func tokenUses(_ hash: String) -> String { allUses + hash }

    /// One mark for each child of a token.
    static let allChildren = "tokens/children/"

    static func children(of hash: String) -> String { "\(allChildren)\(hash)/" }

    static func child(_ name: ChildName, of parent: String) -> String {
        children(of: parent) + name.text
    }

    /// One mark for each token of an entity.
    static let allEntities = "tokens/entity/"

    static func tokensOfEntity(_ id: String) -> String { "\(allEntities)\(id)/" }

    static func tokenOfEntity(_ hash: String, _ id: String) -> String {
        tokensOfEntity(id) + hash
    }

    /// Long work that is under way.
    static let jobs = "jobs/active/"

    /// How much of it there is.
    static let jobTable = "jobs/table"

    static func job(_ id: String) -> String { jobs + id }

    /// Written with every revocation of many tokens.
    static let tokenFences = "tokens/fences"
    /// There while records without a token are looked for.
    static let tidying = "tokens/tidying"
    static let tokenRoles = "tokens/roles/"

    static func tokenRole(_ name: String) -> String { tokenRoles + name }

    /// What a token keeps for itself.
    static func cubbyhole(_ hash: String) -> String { "cubbyhole/\(hash)/" }

    /// Leases by their ids, which are paths.
    static let leases = "leases/"

    static func lease(_ id: String) -> String { leases + id }

    /// The content of records of which only matters that they are there: format 1.
    static let marker: [UInt8] = [1]

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

    /// What passwords look like, by ``StoredName``.
    static let passwordPolicies = "policies/password/"

    static func passwordPolicy(_ name: String) -> String {
        passwordPolicies + StoredName.encode(name)
    }
}
