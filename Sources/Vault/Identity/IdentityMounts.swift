import Barrier
import Wire

/// Which mount an accessor names: aliases know their auth method by it.
struct IdentityMounts {
    /// What an alias shows of its mount.
    struct Mount {
        /// Behind `/v1/`, with its slash: `auth/userpass/`.
        let path: String
        let type: String
    }

    private let mounts: MountTable
    private let vaultID: [UInt8]
    private let namespace: Namespace

    init(_ mounts: MountTable, _ environment: borrowing VaultEnvironment) {
        self.mounts = mounts
        vaultID = environment.keyring.vaultID
        namespace = environment.namespace
    }

    /// - Returns: nil if there is no such mount, or none any more.
    func find(_ accessor: String) -> Mount? {
        let engines = BuiltInMount.engines.map { ($0, "") }
        for (mount, prefix) in engines + [(BuiltInMount.token, "auth/")]
        where utf8Equals(mount.identity(vaultID, in: namespace.home).accessor, accessor) {
            return Mount(path: prefix + mount.path, type: mount.type(in: namespace))
        }
        let entry = mounts.entries.first { utf8Equals($0.record.accessor, accessor) }
        return entry.map { Mount(path: $0.record.path, type: $0.record.type) }
    }
}
