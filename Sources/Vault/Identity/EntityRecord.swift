import Wire

/// A name under which an auth method knows an entity or, for an external group, a group.
struct AliasRecord: Sendable, Equatable {
    let id: IdentityID
    /// As the auth method calls it. Compared without regard to case.
    var name: String
    /// Of the auth method's mount.
    var mountAccessor: String
    let created: Timestamp
    var updated: Timestamp
    /// What the auth method said at the last login; nil: nothing, ever.
    var metadata: IdentityTexts?
    /// What an operator noted.
    var customMetadata: IdentityTexts
    /// Entities that it was taken over from when they were merged, the oldest first.
    var mergedFrom: [IdentityID]

    func write(to writer: inout ByteWriter) {
        writer.writeBytes(id.bytes)
        writer.writeString(name)
        writer.writeString(mountAccessor)
        writer.writeUInt64(created.nanoseconds)
        writer.writeUInt64(updated.nanoseconds)
        writer.writeBool(metadata != nil)
        metadata?.write(to: &writer)
        customMetadata.write(to: &writer)
        writer.writeIdentities(mergedFrom)
    }
}

extension AliasRecord {
    init(reading reader: inout ByteReader) throws(WireError) {
        id = try reader.readIdentity()
        name = try reader.readString(atMost: VaultLimits.identityNameBytesMax)
        mountAccessor = try reader.readString(atMost: VaultLimits.mountAccessorBytesMax)
        created = Timestamp(nanoseconds: try reader.readUInt64())
        updated = Timestamp(nanoseconds: try reader.readUInt64())
        metadata = try reader.readBool() ? try IdentityTexts(reading: &reader) : nil
        customMetadata = try IdentityTexts(reading: &reader)
        mergedFrom = try reader.readIdentities(atMost: VaultLimits.entityMergesMax)
    }

    /// Whether it is the alias of this name on this mount.
    func isNamed(_ name: String, _ mountAccessor: String) -> Bool {
        utf8Equals(self.mountAccessor, mountAccessor) && IdentityPaths.isSame(self.name, name)
    }
}

/// Somebody or something that logs in, at rest under its id. All that one token's rights depend on
/// besides policies and groups is in this record, so one look at its modification index tells
/// whether what was put together from it still holds.
///
/// Format 1: name, created, updated, flags (1: disabled, 2: has metadata, 4: its tokens were
/// revoked once), metadata if it has any, the moment up to which tokens were revoked if they were,
/// policies, ids of the groups it is a member of, ids of entities that were merged into it,
/// aliases.
struct EntityRecord: Sendable, Equatable {
    var name: String
    let created: Timestamp
    var updated: Timestamp
    var isDisabled = false
    /// Tokens made up to then are over for good, also where it is enabled again before all of them
    /// are swept: when it was last disabled or, where that is over, just before it was enabled.
    var revokedThrough: Timestamp?
    /// What an operator noted; nil: nothing was ever said.
    var metadata: IdentityTexts?
    /// Normalised, sorted, each once.
    var policies: [String] = []
    /// Groups of which it is a member itself, in order. Their rosters name it.
    var groups: [IdentityID] = []
    /// In the order in which they were merged. A redirect leads here from each.
    var merged: [IdentityID] = []
    /// At most one for each mount, the oldest first.
    var aliases: [AliasRecord] = []

    init(name: String, created: Timestamp) {
        self.name = name
        self.created = created
        updated = created
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(1)
        writer.writeString(name)
        writer.writeUInt64(created.nanoseconds)
        writer.writeUInt64(updated.nanoseconds)
        var flags: UInt8 = isDisabled ? 1 : 0
        if metadata != nil { flags |= 2 }
        if revokedThrough != nil { flags |= 4 }
        writer.writeUInt8(flags)
        metadata?.write(to: &writer)
        if let revokedThrough { writer.writeUInt64(revokedThrough.nanoseconds) }
        writer.writeTexts(policies)
        writer.writeIdentities(groups)
        writer.writeIdentities(merged)
        writer.writeVarint(UInt64(aliases.count))
        for alias in aliases { alias.write(to: &writer) }
        return writer.bytes
    }
}

extension EntityRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("entity: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "an entity")
        name = try reader.readString(atMost: VaultLimits.identityNameBytesMax)
        created = Timestamp(nanoseconds: try reader.readUInt64())
        updated = Timestamp(nanoseconds: try reader.readUInt64())
        let flags = try reader.readUInt8()
        guard flags < 8 else { throw .malformed("an entity with flags \(flags)") }
        isDisabled = flags & 1 != 0
        metadata = flags & 2 != 0 ? try IdentityTexts(reading: &reader) : nil
        revokedThrough = flags & 4 != 0 ? Timestamp(nanoseconds: try reader.readUInt64()) : nil
        policies = try reader.readTexts(
            countMax: VaultLimits.identityPoliciesMax,
            bytesMax: VaultLimits.policyNameBytesMax
        )
        groups = try reader.readIdentities(atMost: VaultLimits.entityGroupsMax)
        merged = try reader.readIdentities(atMost: VaultLimits.entityMergesMax)
        let count = try reader.readVarint()
        guard count <= UInt64(VaultLimits.entityAliasesMax) else {
            throw .malformed("an entity with \(count) aliases")
        }
        for _ in 0..<count { aliases.append(try AliasRecord(reading: &reader)) }
        try reader.finish()
    }
}

extension ByteWriter {
    /// A count, then each id.
    mutating func writeIdentities(_ ids: [IdentityID]) {
        writeVarint(UInt64(ids.count))
        for id in ids { writeBytes(id.bytes) }
    }
}

extension ByteReader {
    /// 16 bytes.
    mutating func readIdentity() throws(WireError) -> IdentityID {
        guard let id = IdentityID(try readBytes(16)) else {
            preconditionFailure("16 bytes are an id")
        }
        return id
    }

    /// A count, then each id.
    mutating func readIdentities(atMost limit: Int) throws(WireError) -> [IdentityID] {
        let count = try readVarint()
        guard count <= UInt64(limit) else { throw .malformed("\(count) ids, at most \(limit)") }
        var ids: [IdentityID] = []
        for _ in 0..<count { ids.append(try readIdentity()) }
        return ids
    }
}
