import Wire

/// Entities that share policies, at rest under its id: what a token's rights may depend on. Who is
/// in it stands in its ``RosterRecord``.
///
/// Format 1: name, flags (1: external, 2: has metadata, 4: has an alias), created, metadata if it
/// has any, policies, ids of the groups that it is a member of, the alias if it has one.
struct GroupRecord: Sendable, Equatable {
    var name: String
    /// Whether an auth method says who is in it, by way of the group's alias.
    let isExternal: Bool
    let created: Timestamp
    /// nil: nothing was ever said.
    var metadata: IdentityTexts?
    /// Normalised, sorted, each once.
    var policies: [String] = []
    /// Groups of which it is a member, in order. Their rosters name it.
    var parents: [IdentityID] = []
    /// Only of an external group.
    var alias: AliasRecord?

    init(name: String, isExternal: Bool, created: Timestamp) {
        self.name = name
        self.isExternal = isExternal
        self.created = created
    }

    /// As clients call it.
    var type: String { isExternal ? "external" : "internal" }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(1)
        writer.writeString(name)
        var flags: UInt8 = isExternal ? 1 : 0
        if metadata != nil { flags |= 2 }
        if alias != nil { flags |= 4 }
        writer.writeUInt8(flags)
        writer.writeUInt64(created.nanoseconds)
        metadata?.write(to: &writer)
        writer.writeTexts(policies)
        writer.writeIdentities(parents)
        alias?.write(to: &writer)
        return writer.bytes
    }
}

extension GroupRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("group: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(of: "a group")
        name = try reader.readString(atMost: VaultLimits.identityNameBytesMax)
        let flags = try reader.readUInt8()
        guard flags < 8 else { throw .malformed("a group with flags \(flags)") }
        isExternal = flags & 1 != 0
        created = Timestamp(nanoseconds: try reader.readUInt64())
        metadata = flags & 2 != 0 ? try IdentityTexts(reading: &reader) : nil
        policies = try reader.readTexts(
            countMax: VaultLimits.identityPoliciesMax,
            bytesMax: VaultLimits.policyNameBytesMax
        )
        parents = try reader.readIdentities(atMost: VaultLimits.groupParentsMax)
        alias = flags & 4 != 0 ? try AliasRecord(reading: &reader) : nil
        guard isExternal || alias == nil else { throw .malformed("an internal group's alias") }
        try reader.finish()
    }
}

/// Who is in a group, and when the group was changed last.
///
/// Format 1: number of changes, time of the last, ids of entities, ids of groups.
struct RosterRecord: Sendable, Equatable {
    /// As `modify_index` shows it: 1 when the group is made, one more with every change.
    var changes: UInt64
    var updated: Timestamp
    /// In order. Their records name the group.
    var entities: [IdentityID] = []
    /// In order. Their records name the group among their parents.
    var groups: [IdentityID] = []

    init(created: Timestamp) {
        changes = 1
        updated = created
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 32 + (entities.count + groups.count) * 16)
        writer.writeUInt8(1)
        writer.writeUInt64(changes)
        writer.writeUInt64(updated.nanoseconds)
        writer.writeIdentities(entities)
        writer.writeIdentities(groups)
        return writer.bytes
    }
}

extension RosterRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a roster")
            changes = try reader.readUInt64()
            updated = Timestamp(nanoseconds: try reader.readUInt64())
            entities = try reader.readIdentities(atMost: VaultLimits.groupMembersMax)
            groups = try reader.readIdentities(atMost: VaultLimits.groupMembersMax)
            try reader.finish()
        } catch {
            throw .damaged("roster of a group: \(error.summary)")
        }
    }
}
