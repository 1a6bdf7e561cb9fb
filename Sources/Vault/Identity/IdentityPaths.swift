import Cryptography
import Wire

/// Where identity keeps its records, relative to the system mount.
///
/// Names that people and auth methods give are hashed: they may be long, hold slashes, and differ
/// in case only, and a record's place must not depend on any of that.
enum IdentityPaths {
    /// One ``EntityRecord`` for each entity.
    static let entities = "identity/entity/"
    /// One ``GroupRecord`` for each group: what a token's rights may depend on.
    static let groups = "identity/group/"
    /// Written with every change below ``groups``, so one look tells whether what was put together
    /// from groups still holds, and a batch that they allowed checks it.
    static let groupMark = "identity/group-mark"

    static func entity(_ id: IdentityID) -> String { entities + id.text }

    static func group(_ id: IdentityID) -> String { groups + id.text }

    /// The members of a group, apart from ``group(_:)`` because they change with logins.
    static func roster(_ id: IdentityID) -> String { "identity/roster/\(id.text)" }

    /// From an entity that was merged into another to that other one: a ``MergedEntity``.
    static func merged(_ id: IdentityID) -> String { "identity/merged/\(id.text)" }

    static func entityName(_ name: String) -> String { "identity/entity-name/\(digest(name))" }

    static func groupName(_ name: String) -> String { "identity/group-name/\(digest(name))" }

    /// All aliases of entities, by their ids.
    static let entityAliases = "identity/entity-alias/"

    static func entityAlias(_ id: IdentityID) -> String { entityAliases + id.text }

    /// All aliases of groups, by their ids.
    static let groupAliases = "identity/group-alias/"

    static func groupAlias(_ id: IdentityID) -> String { groupAliases + id.text }

    static func entityAliasName(_ name: String, _ mountAccessor: String) -> String {
        "identity/entity-alias-name/\(digest(name, mountAccessor))"
    }

    static func groupAliasName(_ name: String, _ mountAccessor: String) -> String {
        "identity/group-alias-name/\(digest(name, mountAccessor))"
    }

    /// Whether two names are the same one: case makes no difference.
    static func isSame(_ a: String, _ b: String) -> Bool {
        utf8Equals(a.lowercased(), b.lowercased())
    }

    /// The accessor is at most 255 bytes long, so its length in front keeps pairs apart.
    private static func digest(_ name: String, _ mountAccessor: String = "") -> String {
        let accessor = Array(mountAccessor.utf8)
        var input: [UInt8] = [UInt8(clamping: accessor.count)]
        input += accessor
        input += Array(name.lowercased().utf8)
        return Hex.encode(sha256(input))
    }
}

/// What leads from a name or an alias to an id. Format 1: the id.
struct IdentityPointer: Sendable, Equatable {
    let id: IdentityID

    func encoded() -> [UInt8] { [1] + id.bytes }
}

extension IdentityPointer {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a pointer to an identity")
            id = try reader.readIdentity()
            try reader.finish()
        } catch {
            throw .damaged("pointer to an identity: \(error.summary)")
        }
    }
}

/// What leads from an entity that was merged into another to that other one. Tokens that were made
/// for the former keep its id, so what was revoked of it is kept with it.
///
/// Format 2: the id, since when, whether tokens were revoked before, and if so up to when. Format
/// 1: an ``IdentityPointer``, of a merge that kept no moments. Every revocation of the other entity
/// counts then, earlier ones too.
struct MergedEntity: Sendable, Equatable {
    /// Where it is now, by however many merges.
    let into: IdentityID
    /// When it came there. What had been revoked of that entity were no tokens of this one.
    let since: Timestamp
    /// Its own tokens made up to then were over before it came there; nil: none were.
    let revokedThrough: Timestamp?

    /// Its own tokens made up to then are over.
    ///
    /// - Parameter other: the same of the entity where it is.
    func revokedThrough(with other: Timestamp?) -> Timestamp? {
        guard let other, since <= other else { return revokedThrough }
        return max(other, revokedThrough ?? other)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 34)
        writer.writeUInt8(2)
        writer.writeBytes(into.bytes)
        writer.writeUInt64(since.nanoseconds)
        writer.writeBool(revokedThrough != nil)
        if let revokedThrough { writer.writeUInt64(revokedThrough.nanoseconds) }
        return writer.bytes
    }
}

extension MergedEntity {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("merged entity: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readFormat(1...2, of: "a merged entity")
        into = try reader.readIdentity()
        var moments: (since: UInt64, revoked: UInt64?) = (0, nil)
        if format == 2 {
            moments.since = try reader.readUInt64()
            moments.revoked = try reader.readBool() ? try reader.readUInt64() : nil
        }
        since = Timestamp(nanoseconds: moments.since)
        revokedThrough = moments.revoked.map { Timestamp(nanoseconds: $0) }
        try reader.finish()
    }
}
