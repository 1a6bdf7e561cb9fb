package import Wire

extension Configuration {
    private enum Format: UInt8 {
        /// Members only: what an initial configuration has.
        case initial = 1
        /// Everything.
        case changed = 2
    }

    /// Whether there is nothing in it that an initial configuration could not have. Its bytes,
    /// and with them the cluster id, are those of the first version then.
    private var isInitial: Bool {
        self == Configuration(decoded: members, nextNodeID: NodeID(number: lastID + 1))
            && members.allSatisfy { $0.incarnation == 0 && !$0.awaitsPromotion }
    }

    private var lastID: UInt64 { members.last?.id.number ?? 0 }

    /// Canonical bytes: equal configurations encode equally, so the cluster id can be their hash.
    ///
    /// Layout of an initial one: format u8 = 1, count varint, then per member id varint, name,
    /// region, zone, peer address, API address (blobs), pin (32 bytes), role u8; ascending by id.
    ///
    /// Layout of any other: format u8 = 2, the same list, then per member its incarnation u64 and
    /// whether it awaits promotion u8; revision, next node id, format level (varints); count
    /// varint and ids of outgoing voters (varints); count varint and join tokens: id u64, digest
    /// (32 bytes), deadline varint, flag u8, pin (32 bytes, only with flag 1).
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + members.count * 136)
        let format = isInitial ? Format.initial : .changed
        writer.writeUInt8(format.rawValue)
        writeMembers(to: &writer)
        guard format == .changed else { return writer.bytes }
        for member in members {
            writer.writeUInt64(member.incarnation)
            writer.writeBool(member.awaitsPromotion)
        }
        writer.writeVarint(revision)
        writer.writeVarint(nextNodeID.number)
        writer.writeVarint(formatLevel)
        writer.writeVarint(UInt64(outgoingVoters.count))
        for id in outgoingVoters {
            writer.writeVarint(id.number)
        }
        writer.writeVarint(UInt64(joinTokens.count))
        for token in joinTokens {
            token.write(to: &writer)
        }
        return writer.bytes
    }

    private func writeMembers(to writer: inout ByteWriter) {
        writer.writeVarint(UInt64(members.count))
        for member in members {
            writer.writeVarint(member.id.number)
            writer.writeString(member.name)
            writer.writeString(member.region)
            writer.writeString(member.zone)
            writer.writeString(member.peerAddress)
            writer.writeString(member.apiAddress)
            writer.writeBytes(member.pin)
            writer.writeUInt8(member.role.rawValue)
        }
    }

    /// Reads what ``encoded()`` wrote, and nothing else: order, format and bounds are checked,
    /// one configuration has one encoding, and no byte may be left over.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= Limits.configurationBytesMax else {
            throw .tooLong(limit: Limits.configurationBytesMax, have: UInt64(bytes.count))
        }
        var reader = ByteReader(bytes)
        let code = try reader.readUInt8()
        guard let format = Format(rawValue: code) else {
            throw .malformed("configuration format \(code), this build reads 1 and 2")
        }
        let members = try Self.readMembers(from: &reader)
        let lastID = members.last?.id.number ?? 0
        guard lastID < Limits.countMax else { throw .malformed("member id \(lastID)") }
        self.init(decoded: members, nextNodeID: NodeID(number: lastID + 1))
        if format == .changed {
            try readChanges(from: &reader)
        }
        try reader.finish()
        if let problem {
            throw .malformed("configuration: \(problem)")
        }
        guard isInitial == (format == .initial) else {
            throw .malformed("configuration: an initial one in format 2")
        }
    }

    private mutating func readChanges(from reader: inout ByteReader) throws(WireError) {
        for slot in members.indices {
            members[slot].incarnation = try reader.readUInt64()
            members[slot].awaitsPromotion = try reader.readBool()
        }
        revision = try reader.readVarint()
        nextNodeID = NodeID(number: try reader.readVarint())
        formatLevel = try reader.readVarint()
        let voters = try Self.readCount(atMost: Limits.votersMax, from: &reader)
        for _ in 0..<voters {
            outgoingVoters.append(NodeID(number: try reader.readVarint()))
        }
        let tokens = try Self.readCount(atMost: Limits.joinTokensMax, from: &reader)
        for _ in 0..<tokens {
            joinTokens.append(try JoinToken(from: &reader))
        }
    }

    private static func readCount(
        atMost limit: Int,
        from reader: inout ByteReader
    ) throws(WireError) -> Int {
        let count = try reader.readVarint()
        guard count <= UInt64(limit) else { throw .tooLong(limit: limit, have: count) }
        return Int(count)
    }

    private static func readMembers(from reader: inout ByteReader) throws(WireError) -> [Member] {
        let count = try readCount(atMost: Limits.membersMax, from: &reader)
        var members: [Member] = []
        for _ in 0..<count {
            members.append(try readMember(from: &reader))
        }
        return members
    }

    private static func readMember(from reader: inout ByteReader) throws(WireError) -> Member {
        let id = NodeID(number: try reader.readVarint())
        let name = try reader.readString(atMost: Limits.memberTextBytesMax)
        let region = try reader.readString(atMost: Limits.memberTextBytesMax)
        let zone = try reader.readString(atMost: Limits.memberTextBytesMax)
        let peerAddress = try reader.readString(atMost: Limits.memberTextBytesMax)
        let apiAddress = try reader.readString(atMost: Limits.memberTextBytesMax)
        let pin = try reader.readBytes(Limits.pinBytes)
        let code = try reader.readUInt8()
        guard let role = MemberRole(rawValue: code) else {
            throw .malformed("member role \(code)")
        }
        let details = MemberDetails(
            name: name,
            region: region,
            zone: zone,
            peerAddress: peerAddress,
            apiAddress: apiAddress,
            pin: pin
        )
        return Member(id: id, details: details, role: role, incarnation: 0)
    }
}

extension JoinToken {
    fileprivate func write(to writer: inout ByteWriter) {
        writer.writeUInt64(id)
        writer.writeBytes(secretDigest)
        writer.writeVarint(deadline)
        writer.writeBool(pin != nil)
        writer.writeBytes(pin ?? [])
    }

    fileprivate init(from reader: inout ByteReader) throws(WireError) {
        let id = try reader.readUInt64()
        let digest = try reader.readBytes(Limits.pinBytes)
        let deadline = try reader.readVarint()
        let pin = try reader.readBool() ? try reader.readBytes(Limits.pinBytes) : nil
        self.init(id: id, secretDigest: digest, deadline: deadline, pin: pin)
    }
}

/// The body of an entry of kind ``EntryKind/configuration``.
package struct ConfigurationEntry: Equatable, Sendable {
    /// Whole, not a difference: whoever has the entry knows who takes part.
    package let configuration: Configuration
    /// What entitles the change, opaque to the core: above it, nodes that hold keys verify it
    /// before they serve past the entry. Empty in the entry by which a leader ends a joint
    /// configuration, because that one follows from the entry before it.
    package let authorisation: [UInt8]

    private static let formatVersion: UInt8 = 1

    /// - Parameter authorisation: at most ``Limits/authorisationBytesMax`` bytes.
    package init(configuration: Configuration, authorisation: [UInt8]) {
        precondition(authorisation.count <= Limits.authorisationBytesMax)
        self.configuration = configuration
        self.authorisation = authorisation
    }

    /// Layout: format u8 = 1, configuration blob, authorisation blob.
    package func encoded() -> [UInt8] {
        let bytes = configuration.encoded()
        var writer = ByteWriter(capacity: bytes.count + authorisation.count + 16)
        writer.writeUInt8(Self.formatVersion)
        writer.writeBlob(bytes)
        writer.writeBlob(authorisation)
        return writer.bytes
    }

    /// Reads what ``encoded()`` wrote, and nothing else.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readUInt8()
        guard format == Self.formatVersion else {
            throw .malformed("configuration entry format \(format), this build reads 1")
        }
        let body = try reader.readBlob(atMost: Limits.configurationBytesMax)
        authorisation = try reader.readBlob(atMost: Limits.authorisationBytesMax)
        try reader.finish()
        configuration = try Configuration(decoding: body)
    }
}
