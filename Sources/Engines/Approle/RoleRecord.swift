import Wire

/// A role at rest, under `role/<name>`.
///
/// Format 1: the role's own id (16 bytes), the id that clients log in with, which old names reads
/// show as well, the token parameters, and the fields in the order of their declaration.
struct RoleRecord: Sendable, Equatable {
    /// What the role's secret ids lie below. A role that is made again under the same name has
    /// another one, so secret ids of the old one never open it.
    let id: [UInt8]
    var roleID: String
    var echo = OldTokenNames()
    var parameters = TokenParameters()
    /// Whether a login needs a secret id.
    var bindsSecretID = true
    /// From where secret ids may be used; empty = from everywhere.
    var secretIDCIDRs: [String] = []
    /// Uses of a new secret id; 0 = any number.
    var secretIDUses = 0
    /// Life of a new secret id, in seconds; 0 = for ever.
    var secretIDSeconds = 0
    /// Kept and shown. There is one cluster, so every secret id is its own.
    var isLocal = false

    init(id: [UInt8], roleID: String) {
        self.id = id
        self.roleID = roleID
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.writeUInt8(1)
        writer.writeBytes(id)
        writer.writeString(roleID)
        writer.writeUInt8(echo.rawValue)
        parameters.write(to: &writer)
        writer.writeBool(bindsSecretID)
        writer.writeTexts(secretIDCIDRs)
        writer.writeVarint(UInt64(secretIDUses))
        writer.writeVarint(UInt64(secretIDSeconds))
        writer.writeBool(isLocal)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a role")
            id = try reader.readBytes(16)
            roleID = try reader.readString(atMost: EngineLimits.roleIDBytesMax)
            guard let echo = OldTokenNames(stored: try reader.readUInt8()) else {
                throw .malformed("old names that this version does not have")
            }
            self.echo = echo
            parameters = try TokenParameters(reading: &reader)
            bindsSecretID = try reader.readBool()
            secretIDCIDRs = try reader.readBlocks()
            secretIDUses = try reader.readCount()
            secretIDSeconds = try reader.readCount()
            isLocal = try reader.readBool()
            try reader.finish()
        } catch {
            throw .damaged("role: \(error.summary)")
        }
    }
}

/// A secret id at rest. The secret id itself is not in it: the record's place is derived from it.
///
/// Format 1: the fields in the order of their declaration.
struct SecretIDRecord: Sendable, Equatable {
    let accessor: String
    let created: Timestamp
    var updated: Timestamp
    /// Nil: never.
    let expiration: Timestamp?
    /// In seconds; 0 = for ever.
    let lifetimeSeconds: Int
    /// 0 = any number.
    var usesLeft: Int
    /// Sorted by name.
    let metadata: [LoginGrant.Metadata]
    /// From where it may be used; empty = as the role says.
    let cidrs: [String]
    /// From where its tokens may be used; empty = as the role says.
    let tokenCIDRs: [String]

    func isOver(at now: Timestamp) -> Bool { expiration.map { $0 <= now } ?? false }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 160)
        writer.writeUInt8(1)
        writer.writeString(accessor)
        writer.writeUInt64(created.nanoseconds)
        writer.writeUInt64(updated.nanoseconds)
        writer.writeBool(expiration != nil)
        if let expiration { writer.writeUInt64(expiration.nanoseconds) }
        writer.writeVarint(UInt64(lifetimeSeconds))
        writer.writeVarint(UInt64(usesLeft))
        writer.writeTexts(metadata.map(\.name))
        writer.writeTexts(metadata.map(\.value))
        writer.writeTexts(cidrs)
        writer.writeTexts(tokenCIDRs)
        return writer.bytes
    }
}

extension SecretIDRecord {
    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a secret id")
            accessor = try reader.readString(atMost: 64)
            created = Timestamp(nanoseconds: try reader.readUInt64())
            updated = Timestamp(nanoseconds: try reader.readUInt64())
            expiration =
                try reader.readBool() ? Timestamp(nanoseconds: try reader.readUInt64()) : nil
            lifetimeSeconds = try reader.readCount()
            usesLeft = try reader.readCount()
            let names = try Self.texts(&reader)
            let values = try Self.texts(&reader)
            guard names.count == values.count else {
                throw .malformed("\(names.count) names of metadata and \(values.count) values")
            }
            metadata = zip(names, values).map { LoginGrant.Metadata(name: $0, value: $1) }
            cidrs = try reader.readBlocks()
            tokenCIDRs = try reader.readBlocks()
            try reader.finish()
        } catch {
            throw .damaged("secret id: \(error.summary)")
        }
    }

    private static func texts(_ reader: inout ByteReader) throws(WireError) -> [String] {
        try reader.readTexts(
            countMax: EngineLimits.secretIDMetadataMax,
            bytesMax: EngineLimits.secretIDMetadataBytesMax
        )
    }
}
