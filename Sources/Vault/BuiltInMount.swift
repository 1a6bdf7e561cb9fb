import Barrier
import Cryptography
import Engines
import Wire

/// Mounts that exist without a record: `sys/`, `identity/`, `cubbyhole/` and the auth method
/// `token/`.
struct BuiltInMount {
    let path: String
    let type: String
    let description: String
    /// What its accessor begins with.
    let accessorPrefix: String

    static let tokenPath = "token/"

    static let system = BuiltInMount(
        path: "sys/",
        type: "system",
        description: "system endpoints used for control, policy and debugging",
        accessorPrefix: "system"
    )

    static let cubbyhole = BuiltInMount(
        path: "cubbyhole/",
        type: "cubbyhole",
        description: "per-token private secret storage",
        accessorPrefix: "cubbyhole"
    )

    static let identity = BuiltInMount(
        path: "identity/",
        type: "identity",
        description: "identity store",
        accessorPrefix: "identity"
    )

    /// Those that are listed among the secrets engines.
    static let engines = [cubbyhole, identity, system]

    /// The one of them at exactly this path, its slash included.
    static func engine(at path: String) -> BuiltInMount? {
        engines.first { utf8Equals($0.path, path) }
    }

    static let token = BuiltInMount(
        path: tokenPath,
        type: "token",
        description: "token based credentials",
        accessorPrefix: "auth_token"
    )

    /// Paths that no mount may take or be below, among them those of engines still to come.
    static let reservedPrefixes = ["sys/", "auth/", "identity/", "cubbyhole/"]

    /// The path below the mount, if it serves this one; its own path without the slash is its root.
    func below(_ path: String) -> String? {
        path.below(self.path) ?? (utf8Equals(path.withSlash, self.path) ? "" : nil)
    }

    /// What clients see as its type.
    func type(in namespace: Namespace) -> String { namespace.isRoot ? type : "ns_\(type)" }

    /// The same for one vault at all times, and different between vaults and between namespaces.
    func identity(_ vaultID: [UInt8], in home: MountID) -> (accessor: String, id: [UInt8]) {
        let place = home == .system ? [] : home.bytes
        let digest = sha256(Array("holdfast/built-in/\(path)".utf8) + vaultID + place)
        return ("\(accessorPrefix)_\(Hex.encode(Array(digest[..<4])))", Array(digest[4..<20]))
    }

    /// Built-in engines cannot be tuned; a request that would change nothing is fine.
    static func refuseTuning(_ path: String, _ raw: JSONObject) throws(VaultError) -> VaultStep {
        for name in TuneInput.settings where raw[name].map({ !$0.isNull }) ?? false {
            throw .invalid("cannot tune parameter \(name) of \(path)")
        }
        return .answer(.empty)
    }
}
