import Barrier
import Cryptography
import Wire

/// Paths of the method's API, below the mount.
enum ApproleEndpoint {
    case roles
    case role(String)
    case roleID(String)
    case secretIDs(String)
    case customSecretID(String)
    case secretID(String, SecretIDWay, SecretIDAction)
    case field(String, RoleField)
    case tidy
    case login

    /// What a request calls one secret id by.
    enum SecretIDWay: String {
        case itself = "secret-id"
        case accessor = "secret-id-accessor"
    }

    /// What is done with one secret id.
    enum SecretIDAction: String {
        case lookup
        case destroy
    }

    init?(_ path: String) {
        let parts = path.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        switch (parts[0], parts.count) {
        case ("login", 1): self = .login
        case ("tidy", 2) where parts[1] == "secret-id": self = .tidy
        case ("role", 1): self = .roles
        case ("role", 2) where parts[1].isEmpty: self = .roles
        case ("role", 2...4):
            guard let name = AuthName.stored(parts[1]) else { return nil }
            // A list ends in a slash.
            let rest = parts.count == 4 && parts[3].isEmpty ? parts[2..<3] : parts[2...]
            self.init(role: name, Array(rest))
        default: return nil
        }
    }

    private init?(role name: String, _ rest: [String]) {
        switch (rest.first, rest.count) {
        case (nil, _): self = .role(name)
        case ("role-id", 1): self = .roleID(name)
        case ("secret-id", 1): self = .secretIDs(name)
        case ("custom-secret-id", 1): self = .customSecretID(name)
        case (.some(let text), 2):
            guard let way = SecretIDWay(rawValue: text),
                let action = SecretIDAction(rawValue: rest[1])
            else { return nil }
            self = .secretID(name, way, action)
        case (.some(let text), 1):
            guard let field = RoleField(rawValue: text) else { return nil }
            self = .field(name, field)
        default: return nil
        }
    }
}

/// Where the method keeps its records, relative to the mount.
///
/// Ids that open something are never names: a role id's place is its hash, and that of a secret id
/// an HMAC with a key of the vault's, because people choose some of them.
enum ApprolePaths {
    static let roles = "role/"
    static let secretIDs = "secretid/"

    static func role(_ name: String) -> String { roles + name }

    /// Leads from the id that clients log in with to the role's name.
    static func roleID(_ id: String) -> String { "roleid/" + Hex.encode(sha256(Array(id.utf8))) }

    /// The secret ids of a role.
    static func secretIDs(_ role: RoleRecord) -> String {
        secretIDs + Hex.encode(role.id) + "/"
    }

    static func secretID(_ secretID: String, _ role: RoleRecord, _ keyring: Keyring) -> String {
        let named = Array("approle\0".utf8) + role.id + Array(secretID.utf8)
        return secretIDs(role) + keyring.tokenPath(named)
    }

    /// What leads from accessors of a role's secret ids to their records' names.
    static func accessors(_ role: RoleRecord) -> String {
        "accessor/" + Hex.encode(role.id) + "/"
    }

    static func accessor(_ accessor: String, _ role: RoleRecord) -> String {
        accessors(role) + accessor
    }
}

/// A record that leads somewhere: from a role id to the role's name, from an accessor to the place
/// of a secret id's record. Format 1, then the text.
enum ApproleReference {
    static func encoded(_ text: String) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(1)
        writer.writeString(text)
        return writer.bytes
    }

    /// - Parameter what: whose record it is, for the error.
    static func text(decoding bytes: [UInt8], _ what: String) throws(EngineError) -> String {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a reference")
            let text = try reader.readString(atMost: EngineLimits.roleIDBytesMax)
            try reader.finish()
            return text
        } catch {
            throw .damaged("\(what): \(error.summary)")
        }
    }
}
