import Barrier
import Engines
import Wire

/// What a token is: its record at rest, or for a batch token what is sealed in the token itself.
/// The token is not in it: the record's place is derived from it.
///
/// Format 2: flags (1: renewable, 2: batch, 4: has a lease, 8: its children are being set free),
/// accessor, creation, last renewal (0: none), end (0: never), display name, path that made it,
/// policies, names and values of its metadata, entity, hash of its parent (empty: an orphan), role,
/// and as varints the lifetime in seconds that it was made with, most lifetime of its role,
/// explicit maximum, period, and uses (0 = not limited, for each of them), then the addresses that
/// it is bound to. Format 3, of a token of a namespace: the same, then the namespace's id, and
/// whether and in which home its parent is, if it is of another namespace.
struct TokenRecord: Sendable, Equatable {
    /// One member of a token's metadata.
    struct Pair: Sendable, Equatable {
        let name: String
        let value: String
    }

    /// Empty for batch tokens.
    let accessor: String
    let created: Timestamp
    /// Nil before the first renewal.
    var renewed: Timestamp?
    /// When it is over; nil: never.
    var expiration: Timestamp?
    let displayName: String
    /// The API path that made it: `auth/token/root`.
    let path: String
    /// The token's own, sorted; those of its entity come at use.
    let policies: [String]
    /// Sorted by name.
    let metadata: [Pair]
    /// Empty: it belongs to none.
    let entityID: String
    /// Hash of the token that it dies with; empty for an orphan.
    var parent: String
    /// Where that token is, if it is of another namespace.
    var parentHome: MountID?
    /// Of the namespace that it belongs to; empty for the root namespace.
    let namespaceID: String
    /// The role of `auth/token/roles` behind it, or empty.
    let role: String
    /// What it was made with. All of these are in seconds, and 0 means that there is none.
    let lifetimeSeconds: UInt64
    /// What renewals may reach, counted from the creation, where a role says less than its mount.
    let lifetimeSecondsMax: UInt64
    /// What renewals may reach, counted from the creation, whatever else is said.
    let explicitSecondsMax: UInt64
    /// What each renewal gives.
    let periodSeconds: UInt64
    /// Requests that it was made for. What is left of them is in a record of its own.
    let usesMax: UInt64
    /// Texts of ``AddressBlock``; empty = from everywhere.
    let boundCIDRs: [String]
    let isRenewable: Bool
    /// Whether all that it says is in the token itself.
    let isBatch: Bool
    /// Whether `sys/leases` knows it. The root token of `init` has none.
    let hasLease: Bool
    /// It is revoked, and its children, which live on, are not all orphans yet.
    var isFreeing = false

    /// What ids of its namespace end with.
    var suffix: String { namespaceID.isEmpty ? "" : ".\(namespaceID)" }

    /// The id of its entity as clients see it; empty where it has none.
    var entityShown: String { entityID.isEmpty ? "" : entityID + suffix }

    /// Whether an auth method other than `token` gave it.
    var isFromLogin: Bool {
        path.utf8.starts(with: MountTable.authPrefix.utf8)
            && !path.utf8.starts(with: "auth/token/".utf8)
    }

    /// The token that `init` hands out: never expires, may do anything.
    static func root(accessor: String, created: Timestamp) -> TokenRecord {
        var grant = TokenGrant(displayName: "root", path: "auth/token/root", policies: ["root"])
        grant.isRenewable = false
        return TokenRecord(grant, accessor: accessor, created: created, hasLease: false)
    }

    /// A new token.
    init(_ grant: TokenGrant, accessor: String, created: Timestamp, hasLease: Bool) {
        self.accessor = accessor
        self.created = created
        renewed = nil
        expiration =
            grant.life.seconds > 0 ? created.adding(seconds: grant.life.seconds) : nil
        displayName = grant.displayName
        path = grant.path
        policies = grant.policies
        metadata = grant.metadata
        entityID = grant.entityID
        parent = grant.parent
        parentHome = grant.parent.isEmpty ? nil : grant.parentHome
        namespaceID = grant.namespaceID
        role = grant.role
        lifetimeSeconds = grant.life.seconds
        lifetimeSecondsMax = grant.life.secondsMax
        explicitSecondsMax = grant.life.explicitSecondsMax
        periodSeconds = grant.life.periodSeconds
        usesMax = grant.usesMax
        boundCIDRs = grant.boundCIDRs
        isRenewable = grant.isRenewable && !grant.isBatch
        isBatch = grant.isBatch
        self.hasLease = hasLease
    }

    /// Whether it may do anything. `root` is a token's only policy, or none of its.
    var isRoot: Bool { policies == ["root"] }

    /// Whether it dies with no other token.
    var isOrphan: Bool { parent.isEmpty }

    /// Whether its time is not over.
    func isRunning(at now: Timestamp) -> Bool { expiration.map { now < $0 } ?? true }

    /// The id of its lease, by which `sys/leases` knows it.
    func leaseID(hash: String) -> String { "\(path)/h\(hash)\(suffix)" }

    /// What its creation or last renewal gave it, in seconds; 0 for one that never ends.
    var secondsGranted: UInt64 {
        guard let expiration, (renewed ?? created) < expiration else { return 0 }
        return (expiration.nanoseconds - (renewed ?? created).nanoseconds) / 1_000_000_000
    }

    /// What is left of its life, in whole seconds; 0 for one that never ends.
    func secondsLeft(at now: Timestamp) -> UInt64 {
        guard let expiration, now < expiration else { return 0 }
        return (expiration.nanoseconds - now.nanoseconds) / 1_000_000_000
    }
}

// MARK: bytes

extension TokenRecord {
    private enum Flag {
        static let renewable: UInt8 = 1
        static let batch: UInt8 = 2
        static let lease: UInt8 = 4
        static let freeing: UInt8 = 8
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(namespaceID.isEmpty ? 2 : 3)
        var flags = isRenewable ? Flag.renewable : 0
        if isBatch { flags |= Flag.batch }
        if hasLease { flags |= Flag.lease }
        if isFreeing { flags |= Flag.freeing }
        writer.writeUInt8(flags)
        writer.writeString(accessor)
        writer.writeUInt64(created.nanoseconds)
        writer.writeUInt64(renewed?.nanoseconds ?? 0)
        writer.writeUInt64(expiration?.nanoseconds ?? 0)
        writer.writeString(displayName)
        writer.writeString(path)
        writer.writeTexts(policies)
        writer.writeTexts(metadata.map(\.name))
        writer.writeTexts(metadata.map(\.value))
        writer.writeString(entityID)
        writer.writeString(parent)
        writer.writeString(role)
        for number in [
            lifetimeSeconds, lifetimeSecondsMax, explicitSecondsMax, periodSeconds, usesMax,
        ] {
            writer.writeVarint(number)
        }
        writer.writeTexts(boundCIDRs)
        guard !namespaceID.isEmpty else { return writer.bytes }
        writer.writeString(namespaceID)
        writer.writeBool(parentHome != nil)
        if let parentHome { writer.writeBytes(parentHome.bytes) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("token: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readFormat(2...3, of: "a token")
        let flags = try reader.readUInt8()
        guard flags < 16 else { throw .malformed("a token with flags \(flags)") }
        isRenewable = flags & Flag.renewable > 0
        isBatch = flags & Flag.batch > 0
        hasLease = flags & Flag.lease > 0
        isFreeing = flags & Flag.freeing > 0
        accessor = try reader.readString(atMost: TokenLimits.accessorBytesMax)
        created = Timestamp(nanoseconds: try reader.readUInt64())
        renewed = Self.moment(try reader.readUInt64())
        expiration = Self.moment(try reader.readUInt64())
        displayName = try reader.readString(atMost: TokenLimits.displayNameBytesMax)
        path = try reader.readString(atMost: TokenLimits.pathBytesMax)
        policies = try reader.readTexts(
            countMax: TokenLimits.policiesMax,
            bytesMax: VaultLimits.policyNameBytesMax
        )
        metadata = try Self.pairs(&reader)
        entityID = try reader.readString(atMost: TokenLimits.entityBytesMax)
        parent = try reader.readString(atMost: TokenLimits.hashCharacters)
        guard parent.isEmpty || TokenPlace.isHash(parent) else {
            throw .malformed("the parent of a token is no hash")
        }
        role = try reader.readString(atMost: TokenLimits.roleNameBytesMax)
        lifetimeSeconds = try reader.readVarint()
        lifetimeSecondsMax = try reader.readVarint()
        explicitSecondsMax = try reader.readVarint()
        periodSeconds = try reader.readVarint()
        usesMax = try reader.readVarint()
        boundCIDRs = try reader.readTexts(countMax: EngineLimits.boundCIDRsMax, bytesMax: 64)
        guard boundCIDRs.allSatisfy({ AddressBlock($0) != nil }) else {
            throw .malformed("a block of addresses that does not read")
        }
        (namespaceID, parentHome) = try format == 2 ? ("", nil) : Self.namespace(&reader)
        try reader.finish()
    }

    private static func namespace(
        _ reader: inout ByteReader
    ) throws(WireError) -> (id: String, parentHome: MountID?) {
        let id = try reader.readString(atMost: VaultLimits.namespaceIDCharacters)
        guard !id.isEmpty else { throw .malformed("a token of a namespace without an id") }
        return (id, try reader.readBool() ? MountID(try reader.readBytes(16)) : nil)
    }

    private static func moment(_ nanoseconds: UInt64) -> Timestamp? {
        nanoseconds == 0 ? nil : Timestamp(nanoseconds: nanoseconds)
    }

    private static func pairs(_ reader: inout ByteReader) throws(WireError) -> [Pair] {
        let names = try reader.readTexts(
            countMax: TokenLimits.metadataCountMax,
            bytesMax: TokenLimits.metadataBytesMax
        )
        let values = try reader.readTexts(
            countMax: TokenLimits.metadataCountMax,
            bytesMax: TokenLimits.metadataBytesMax
        )
        guard names.count == values.count else {
            throw .malformed("\(names.count) names in a token's metadata, \(values.count) values")
        }
        return zip(names, values).map { Pair(name: $0, value: $1) }
    }
}
