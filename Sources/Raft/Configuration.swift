package import Wire

/// Who takes part: voters and learners, in order of their ids.
package struct Configuration: Equatable, Sendable {
    /// Strictly ascending by id. A member's position here is its *slot*.
    package let members: [Member]

    /// - Parameter members: in any order. ``problem(in:)`` must find nothing wrong with them.
    package init(members: [Member]) {
        if let problem = Self.problem(in: members) {
            preconditionFailure("configuration: \(problem)")
        }
        self.members = members.sorted { $0.id < $1.id }
    }

    /// Why these members cannot be a configuration; `nil` when they can. For settings and
    /// decoders, which meet other people's mistakes.
    package static func problem(in members: [Member]) -> String? {
        guard members.count <= Limits.membersMax else {
            return "\(members.count) members, at most \(Limits.membersMax) are supported"
        }
        let voters = members.count { $0.role == .voter }
        guard voters >= 1 else { return "no voter" }
        guard voters <= Limits.votersMax else {
            return "\(voters) voters, at most \(Limits.votersMax) are supported"
        }
        let sorted = members.sorted { $0.id < $1.id }
        for (earlier, later) in zip(sorted, sorted.dropFirst()) where earlier.id == later.id {
            return "two members have the id \(later.id.number)"
        }
        for member in members {
            if let problem = problem(in: member) { return problem }
        }
        return nil
    }

    private static func problem(in member: Member) -> String? {
        guard member.id.number > 0 else { return "member id 0" }
        guard member.pin.count == Limits.pinBytes else {
            return "the pin of member \(member.id.number) has \(member.pin.count) bytes, not 32"
        }
        let texts = [
            member.name, member.region, member.zone, member.peerAddress, member.apiAddress,
        ]
        for text in texts where text.utf8.count > Limits.memberTextBytesMax {
            return "member \(member.id.number) has a text of \(text.utf8.count) bytes, "
                + "at most \(Limits.memberTextBytesMax) are supported"
        }
        return nil
    }

    /// The members that count in quorums, ascending by id. 1...``Limits/votersMax``.
    package var voters: [Member] { members.filter { $0.role == .voter } }

    /// The member with this id, if it belongs to the cluster.
    package func member(_ id: NodeID) -> Member? {
        slot(of: id).map { members[$0] }
    }

    /// The member's position, which indexes every per-peer array of the core.
    func slot(of id: NodeID) -> Int? {
        members.firstIndex { $0.id == id }
    }

    // MARK: Bytes

    private static let formatVersion: UInt8 = 1

    /// Canonical bytes: equal configurations encode equally, so the cluster id can be their hash.
    ///
    /// Layout: version u8, count varint, then per member id varint, name, region, zone, peer
    /// address, API address (blobs), pin (32 bytes), role u8; ascending by id.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 32 + members.count * 128)
        writer.writeUInt8(Self.formatVersion)
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
        return writer.bytes
    }

    /// Reads what ``encoded()`` wrote, and nothing else: order, version and bounds are checked,
    /// and no byte may be left over.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let version = try reader.readUInt8()
        guard version == Self.formatVersion else {
            throw .malformed("configuration format \(version), this build reads 1")
        }
        let count = try reader.readVarint()
        guard count <= UInt64(Limits.membersMax) else {
            throw .tooLong(limit: Limits.membersMax, have: count)
        }
        var members: [Member] = []
        for _ in 0..<count {
            members.append(try Self.readMember(from: &reader))
        }
        try reader.finish()
        if let problem = Self.problem(in: members) {
            throw .malformed("configuration: \(problem)")
        }
        for (earlier, later) in zip(members, members.dropFirst()) where earlier.id >= later.id {
            throw .malformed("configuration: members are not sorted by id")
        }
        self.members = members
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
        return Member(
            id: id,
            name: name,
            region: region,
            zone: zone,
            peerAddress: peerAddress,
            apiAddress: apiAddress,
            pin: pin,
            role: role
        )
    }
}
