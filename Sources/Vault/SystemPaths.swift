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

    static func activeMount(_ id: MountID) -> String { activeMounts + id.text }

    static func retiredMount(_ id: MountID) -> String { retiredMounts + id.text }

    /// A token's record. A credential is never a name, not even inside the barrier.
    static func token(_ token: [UInt8], _ keyring: Keyring) -> String {
        "tokens/id/" + keyring.tokenPath(token)
    }

    /// What leads from an accessor to its token's record.
    static func accessor(_ accessor: String, _ keyring: Keyring) -> String {
        "tokens/accessor/" + keyring.tokenPath(Array(accessor.utf8))
    }
}
