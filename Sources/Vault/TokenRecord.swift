import Engines
import Wire

/// A token at rest. The token itself is not in it: the record's place is derived from it.
///
/// Format 2: accessor, creation time, display name, path that made it, policies, whether it has no
/// parent, lifetime in seconds (0 = for ever), largest lifetime, uses left (0 = any number),
/// entity.
struct TokenRecord: Sendable, Equatable {
    let accessor: String
    let created: Timestamp
    let displayName: String
    /// The API path that made it: `auth/token/root`.
    let path: String
    let policies: [String]
    let isOrphan: Bool
    let lifetimeSeconds: UInt64
    let lifetimeSecondsMax: UInt64
    let usesLeft: UInt64
    /// Whose it is; empty: nobody's. What the entity brings along is looked up at each use.
    var entityID = ""

    /// The token that `init` hands out: never expires, may do anything.
    static func root(accessor: String, created: Timestamp) -> TokenRecord {
        TokenRecord(
            accessor: accessor,
            created: created,
            displayName: "root",
            path: "auth/token/root",
            policies: ["root"],
            isOrphan: true,
            lifetimeSeconds: 0,
            lifetimeSecondsMax: 0,
            usesLeft: 0
        )
    }

    /// Whether it may do anything. `root` is a token's only policy, or none of its.
    var isRoot: Bool { policies == ["root"] }

    /// When it is over; nil: never.
    var expiration: Timestamp? {
        guard lifetimeSeconds > 0 else { return nil }
        let (life, isLong) = lifetimeSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (moment, isFar) = created.nanoseconds.addingReportingOverflow(life)
        return Timestamp(nanoseconds: isLong || isFar ? .max : moment)
    }

    /// Whether it may be used. A limited number of uses is not counted yet, so a token with one is
    /// not honoured.
    func isUsable(at now: Timestamp) -> Bool {
        usesLeft == 0 && (expiration.map { now < $0 } ?? true)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.writeUInt8(2)
        writer.writeString(accessor)
        writer.writeUInt64(created.nanoseconds)
        writer.writeString(displayName)
        writer.writeString(path)
        writer.writeStrings(policies)
        writer.writeBool(isOrphan)
        writer.writeUInt64(lifetimeSeconds)
        writer.writeUInt64(lifetimeSecondsMax)
        writer.writeUInt64(usesLeft)
        writer.writeString(entityID)
        return writer.bytes
    }
}

extension TokenRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("token: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        guard try reader.readUInt8() == 2 else {
            throw .malformed("the format of a token is not 2")
        }
        accessor = try reader.readString(atMost: 128)
        created = Timestamp(nanoseconds: try reader.readUInt64())
        displayName = try reader.readString(atMost: 4_096)
        path = try reader.readString(atMost: 4_096)
        policies = try reader.readStrings(countMax: 1_024, bytesMax: 4_096)
        isOrphan = try reader.readBool()
        lifetimeSeconds = try reader.readUInt64()
        lifetimeSecondsMax = try reader.readUInt64()
        usesLeft = try reader.readUInt64()
        entityID = try reader.readString(atMost: 36)
        try reader.finish()
    }
}

extension ByteWriter {
    /// A count, then each text.
    mutating func writeStrings(_ texts: [String]) {
        writeVarint(UInt64(texts.count))
        for text in texts {
            writeString(text)
        }
    }
}

extension ByteReader {
    /// A count, then each text.
    mutating func readStrings(countMax: Int, bytesMax: Int) throws(WireError) -> [String] {
        let count = try readVarint()
        guard count <= UInt64(countMax) else { throw .tooLong(limit: countMax, have: count) }
        var texts: [String] = []
        for _ in 0..<count {
            texts.append(try readString(atMost: bytesMax))
        }
        return texts
    }
}
