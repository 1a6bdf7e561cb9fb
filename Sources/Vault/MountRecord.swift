import Barrier
import Engines
import Wire

/// A mount at rest, under its id: a secrets engine, or an auth method, whose path begins with
/// `auth/`. Holds all that `sys/mounts` and `sys/auth` show; keys are the barrier's.
struct MountRecord: Sendable, Equatable {
    /// What people may change later.
    struct Tuning: Sendable, Equatable {
        var description = ""
        /// 0 = as the system says.
        var leaseSeconds = 0
        /// 0 = as the system says.
        var leaseSecondsMax = 0
        var isForcedUncached = false
        /// Empty, `hidden` or `unauth`.
        var listingVisibility = ""
        /// Sorted by name.
        var options: [Option] = []
        var auditRequestKeys: [String] = []
        var auditResponseKeys: [String] = []
        var passthroughHeaders: [String] = []
        var responseHeaders: [String] = []
        /// What tokens of an auth method are, where user or role say nothing.
        var tokenKind = TokenKind.defaultService
        /// Of an auth method whose lockouts were tuned.
        var lockout: LockoutTuning?
    }

    /// One member of a mount's `options`.
    struct Option: Sendable, Equatable {
        let name: String
        let value: String
    }

    /// Ends in `/`.
    let path: String
    /// As clients name it: `kv`, `generic`.
    let type: String
    let kind: EngineKind
    let accessor: String
    let created: Timestamp
    var tuning: Tuning
    /// The id that takes the place of this mount's own once its secrets have version 2; nil: they
    /// are not on their way. See ``KVUpgrade``.
    var upgradeTarget: MountID?

    /// Whether clients log in here.
    var isAuthMethod: Bool { kind.isAuthMethod }

    /// Format 2: the fields in the order of their declaration, but for the last. Format 1 ended
    /// before `tokenKind`; format 3 is 2 and the target of an upgrade.
    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(upgradeTarget == nil ? 2 : 3)
        writer.writeString(path)
        writer.writeString(type)
        writer.writeUInt8(kind.rawValue)
        writer.writeString(accessor)
        writer.writeUInt64(created.nanoseconds)
        tuning.write(to: &writer)
        writer.writeUInt8(tuning.tokenKind.rawValue)
        writer.writeBool(tuning.lockout != nil)
        tuning.lockout?.write(to: &writer)
        if let upgradeTarget { writer.writeBytes(upgradeTarget.bytes) }
        return writer.bytes
    }
}

extension MountRecord {
    init(decoding bytes: [UInt8]) throws(VaultError) {
        do throws(WireError) {
            try self.init(reading: bytes)
        } catch {
            throw .damaged("mount: \(error.summary)")
        }
    }

    private init(reading bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let format = try reader.readFormat(1...3, of: "a mount")
        path = try reader.readString(atMost: VaultLimits.mountPathBytesMax)
        guard path.utf8.last == 0x2F else { throw .malformed("a mount's path without its slash") }
        type = try reader.readString(atMost: 128)
        guard let kind = EngineKind(rawValue: try reader.readUInt8()) else {
            throw .malformed("an engine that this version does not have")
        }
        self.kind = kind
        accessor = try reader.readString(atMost: 128)
        created = Timestamp(nanoseconds: try reader.readUInt64())
        tuning = try Tuning(reading: &reader)
        if format >= 2 { try tuning.readLogins(&reader) }
        if format == 3 {
            guard kind == .kvVersion1, let target = MountID(try reader.readBytes(16)) else {
                throw .malformed("an upgrade that cannot be")
            }
            upgradeTarget = target
        }
        guard kind.isAuthMethod == path.utf8.starts(with: MountTable.authPrefix.utf8) else {
            throw .malformed("an auth method outside auth/, or an engine inside")
        }
        try reader.finish()
    }
}

extension MountRecord.Tuning {
    /// All of it but what format 2 of a mount's record adds.
    func write(to writer: inout ByteWriter) {
        writer.writeString(description)
        writer.writeVarint(UInt64(leaseSeconds))
        writer.writeVarint(UInt64(leaseSecondsMax))
        writer.writeBool(isForcedUncached)
        writer.writeString(listingVisibility)
        writer.writeTexts(options.map(\.name))
        writer.writeTexts(options.map(\.value))
        writer.writeTexts(auditRequestKeys)
        writer.writeTexts(auditResponseKeys)
        writer.writeTexts(passthroughHeaders)
        writer.writeTexts(responseHeaders)
    }

    /// What ``write(to:)`` wrote.
    init(reading reader: inout ByteReader) throws(WireError) {
        description = try reader.readString(atMost: VaultLimits.descriptionBytesMax)
        leaseSeconds = try Self.seconds(&reader)
        leaseSecondsMax = try Self.seconds(&reader)
        isForcedUncached = try reader.readBool()
        listingVisibility = try reader.readString(atMost: 16)
        let names = try Self.texts(&reader)
        let values = try Self.texts(&reader)
        guard names.count == values.count else {
            throw .malformed("\(names.count) names of options and \(values.count) values")
        }
        options = zip(names, values).map { MountRecord.Option(name: $0, value: $1) }
        auditRequestKeys = try Self.texts(&reader)
        auditResponseKeys = try Self.texts(&reader)
        passthroughHeaders = try Self.texts(&reader)
        responseHeaders = try Self.texts(&reader)
    }

    /// What format 2 adds.
    fileprivate mutating func readLogins(_ reader: inout ByteReader) throws(WireError) {
        guard let kind = TokenKind(rawValue: try reader.readUInt8()) else {
            throw .malformed("a kind of token that this version does not have")
        }
        tokenKind = kind
        if try reader.readBool() { lockout = try LockoutTuning(reading: &reader) }
    }

    private static func seconds(_ reader: inout ByteReader) throws(WireError) -> Int {
        let seconds = try reader.readVarint()
        guard seconds <= UInt64(Int.max) else { throw .malformed("a lease of \(seconds) s") }
        return Int(seconds)
    }

    private static func texts(_ reader: inout ByteReader) throws(WireError) -> [String] {
        try reader.readTexts(
            countMax: VaultLimits.mountOptionsMax,
            bytesMax: VaultLimits.mountOptionBytesMax
        )
    }
}
