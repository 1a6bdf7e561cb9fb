import Barrier
import Engines
import Wire

/// A role of `auth/token/roles`: what tokens may be made through it, whatever their parent may.
///
/// Format 1: flags (1: makes orphans, 2: renewable, 4: no default policy), kind of token, path
/// suffix, the five lists in the order of their declaration, then as varints explicit maximum,
/// period and uses, then the addresses, and which of the old parameters it was written with (1:
/// period, 2: explicit maximum, 4: addresses).
struct TokenRole: Sendable, Equatable {
    let name: String
    /// Of its record; 0 for one that is new.
    let modificationIndex: UInt64
    var isOrphan = false
    var isRenewable = true
    var omitsDefaultPolicy = false
    var kind = TokenKind.defaultService
    var pathSuffix = ""
    var allowedPolicies: [String] = []
    var allowedPolicyGlobs: [String] = []
    var disallowedPolicies: [String] = []
    var disallowedPolicyGlobs: [String] = []
    var allowedEntityAliases: [String] = []
    /// In seconds; 0: none.
    var explicitSecondsMax: UInt64 = 0
    var periodSeconds: UInt64 = 0
    /// 0: any number.
    var usesMax: UInt64 = 0
    /// Texts of ``AddressBlock``.
    var boundCIDRs: [String] = []
    /// Parameters that were given under their old names, which reads then show as well.
    var old = Old()

    struct Old: Sendable, Equatable {
        var period = false
        var explicitMax = false
        var boundCIDRs = false
    }

    /// A role that says nothing.
    init(named name: String) {
        self.name = name
        modificationIndex = 0
    }

    /// Letters, digits, `_`, and inside also `-` and `.`.
    static func isName(_ text: String) -> Bool {
        (1...TokenLimits.roleNameBytesMax).contains(text.utf8.count) && isWord(text)
    }

    static func isWord(_ text: String) -> Bool {
        func isWordByte(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return isWordByte(first) && isWordByte(last)
            && text.utf8.allSatisfy { isWordByte($0) || $0 == 0x2D || $0 == 0x2E }
    }

    /// What tokens that it makes show as their path.
    var creationPath: String {
        "auth/token/create/\(name)" + (pathSuffix.isEmpty ? "" : "/\(pathSuffix)")
    }

    // MARK: rules

    /// Whether it has a say in which policies its tokens have; otherwise their parent's count.
    var restrictsPolicies: Bool {
        !(allowedPolicies.isEmpty && allowedPolicyGlobs.isEmpty && disallowedPolicies.isEmpty
            && disallowedPolicyGlobs.isEmpty)
    }

    func allows(alias: String) -> Bool {
        let alias = Array(alias.lowercased().utf8)
        return allowedEntityAliases.contains {
            Glob.matches(Array($0.lowercased().utf8), alias)
        }
    }

    /// The policies of a token, in OpenBao's words where it may not have them.
    ///
    /// - Parameters:
    ///   - asked: as the request has them; none: everything that is allowed.
    ///   - parent: of the parent's record.
    func policies(
        of asked: [String],
        parent: [String],
        omitsDefault: Bool
    ) throws(VaultError) -> [String] {
        let standard = BuiltInPolicy.standard
        let addsDefault = !omitsDefault && !isDisallowed(standard)
        var names: [String]
        let allowed = TokenPolicies.normalised(allowedPolicies, addsDefault: addsDefault)
        let hasAllowed = !(allowedPolicies.isEmpty && allowedPolicyGlobs.isEmpty)
        if asked.isEmpty {
            names =
                hasAllowed
                ? allowed : TokenPolicies.normalised(parent, addsDefault: addsDefault)
        } else {
            names = TokenPolicies.normalised(asked, addsDefault: addsDefault)
            let isOutside = { (name: String) in
                !allowed.contains { utf8Equals($0, name) }
                    && !Glob.anyMatches(allowedPolicyGlobs, name)
            }
            if hasAllowed, names.contains(where: isOutside) {
                throw .invalid(
                    "token policies (\(Self.listed(names))) must be subset of the role's allowed "
                        + "policies (\(Self.listed(allowed))) or glob policies "
                        + "(\(Self.listed(allowedPolicyGlobs)))"
                )
            }
        }
        if let name = names.first(where: isDisallowed) {
            throw .invalid("token policy \(GoText.quoted(name)) is disallowed by this role")
        }
        return names
    }

    private func isDisallowed(_ name: String) -> Bool {
        disallowedPolicies.contains { PolicyName($0).map { utf8Equals($0.text, name) } ?? false }
            || Glob.anyMatches(disallowedPolicyGlobs, name)
    }

    private static func listed(_ names: [String]) -> String {
        "[\(names.map { GoText.quoted($0) }.joined(separator: " "))]"
    }
}

/// Patterns in which `*` stands for any text.
enum Glob {
    static func anyMatches(_ patterns: [String], _ text: String) -> Bool {
        let text = Array(text.utf8)
        return patterns.contains { matches(Array($0.utf8), text) }
    }

    /// Linear in the text but for the stars: each starts again at most once for each byte.
    static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (position, offset) = (0, 0)
        var star: (position: Int, offset: Int)?
        while offset < text.count {
            if position < pattern.count, pattern[position] == 0x2A {
                star = (position, offset)
                position += 1
            } else if position < pattern.count, pattern[position] == text[offset] {
                position += 1
                offset += 1
            } else if let last = star {
                star = (last.position, last.offset + 1)
                (position, offset) = (last.position + 1, last.offset + 1)
            } else {
                return false
            }
        }
        return pattern[position...].allSatisfy { $0 == 0x2A }
    }
}

// MARK: bytes

extension TokenRole {
    /// The role of that name as a view has it; nil if there is none.
    static func read(
        _ name: String,
        _ view: borrowing BarrierView
    ) throws(VaultError) -> TokenRole? {
        guard isName(name),
            let opened = try view.systemRecord(SystemPaths.tokenRole(name))
        else { return nil }
        return try TokenRole(named: name, decoding: opened)
    }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(1)
        var flags: UInt8 = isOrphan ? 1 : 0
        if isRenewable { flags |= 2 }
        if omitsDefaultPolicy { flags |= 4 }
        writer.writeUInt8(flags)
        writer.writeUInt8(kind.rawValue)
        writer.writeString(pathSuffix)
        for list in [
            allowedPolicies, allowedPolicyGlobs, disallowedPolicies, disallowedPolicyGlobs,
            allowedEntityAliases,
        ] {
            writer.writeTexts(list)
        }
        for number in [explicitSecondsMax, periodSeconds, usesMax] { writer.writeVarint(number) }
        writer.writeTexts(boundCIDRs)
        var marks: UInt8 = old.period ? 1 : 0
        if old.explicitMax { marks |= 2 }
        if old.boundCIDRs { marks |= 4 }
        writer.writeUInt8(marks)
        return writer.bytes
    }

    init(named name: String, decoding opened: Opened) throws(VaultError) {
        do throws(WireError) {
            try self.init(named: name, reading: opened)
        } catch {
            throw .damaged("token role: \(error.summary)")
        }
    }

    private init(named name: String, reading opened: Opened) throws(WireError) {
        self.name = name
        modificationIndex = opened.modificationIndex
        var reader = ByteReader(opened.value)
        try reader.readFormat(of: "a token role")
        let flags = try reader.readUInt8()
        guard flags < 8 else { throw .malformed("a role with flags \(flags)") }
        isOrphan = flags & 1 > 0
        isRenewable = flags & 2 > 0
        omitsDefaultPolicy = flags & 4 > 0
        guard let kind = TokenKind(rawValue: try reader.readUInt8()) else {
            throw .malformed("a kind of token that this version does not have")
        }
        self.kind = kind
        pathSuffix = try reader.readString(atMost: TokenLimits.pathBytesMax)
        allowedPolicies = try Self.names(&reader)
        allowedPolicyGlobs = try Self.names(&reader)
        disallowedPolicies = try Self.names(&reader)
        disallowedPolicyGlobs = try Self.names(&reader)
        allowedEntityAliases = try Self.names(&reader)
        explicitSecondsMax = try reader.readVarint()
        periodSeconds = try reader.readVarint()
        usesMax = try reader.readVarint()
        boundCIDRs = try reader.readTexts(countMax: EngineLimits.boundCIDRsMax, bytesMax: 64)
        guard boundCIDRs.allSatisfy({ AddressBlock($0) != nil }) else {
            throw .malformed("a block of addresses that does not read")
        }
        let marks = try reader.readUInt8()
        guard marks < 8 else { throw .malformed("a role with marks \(marks)") }
        old = Old(
            period: marks & 1 > 0,
            explicitMax: marks & 2 > 0,
            boundCIDRs: marks & 4 > 0
        )
        try reader.finish()
    }

    private static func names(_ reader: inout ByteReader) throws(WireError) -> [String] {
        try reader.readTexts(
            countMax: TokenLimits.roleListBytesMax,
            bytesMax: TokenLimits.roleListBytesMax
        )
    }
}
