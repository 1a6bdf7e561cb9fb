import Wire

/// Settings of a mount at rest, under `config`: format 1, the fields in the order of their
/// declaration.
struct CertConfigRecord: Sendable, Equatable {
    /// Whether a renewal needs no certificate.
    var isUnbound = false
    /// Whether an alias gets what its token gets as metadata.
    var givesAliasMetadata = false

    init() {}

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 3)
        writer.writeUInt8(1)
        writer.writeBool(isUnbound)
        writer.writeBool(givesAliasMetadata)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a configuration of certificates")
            isUnbound = try reader.readBool()
            givesAliasMetadata = try reader.readBool()
            try reader.finish()
        } catch {
            throw .damaged("certificate configuration: \(error.summary)")
        }
    }
}

/// A role at rest, under `cert/<name>`: format 1, the fields in the order of their declaration; of
/// each list whether it was given, and then its members.
struct CertRoleRecord: Sendable, Equatable {
    /// The lists of a role, under the names of their parameters. All but the last two hold
    /// patterns, one of which has to fit.
    enum Rule: String, Sendable, CaseIterable {
        case names = "allowed_names"
        case commonNames = "allowed_common_names"
        case dnsNames = "allowed_dns_sans"
        case emails = "allowed_email_sans"
        case uris = "allowed_uri_sans"
        case organizationalUnits = "allowed_organizational_units"
        /// Texts of ``RequiredExtension``, all of which have to fit.
        case requiredExtensions = "required_extensions"
        /// Object identifiers.
        case metadataExtensions = "allowed_metadata_extensions"
    }

    var echo = OldTokenNames()
    var parameters = TokenParameters()
    /// PEM as it was given, with one certificate or more.
    var certificate = ""
    var displayName = ""
    /// Those that were given. One that is empty asks for nothing.
    var rules: [Rule: [String]] = [:]

    init() {}

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256 + certificate.utf8.count)
        writer.writeUInt8(1)
        writer.writeUInt8(echo.rawValue)
        parameters.write(to: &writer)
        writer.writeString(certificate)
        writer.writeString(displayName)
        for rule in Rule.allCases {
            writer.writeBool(rules[rule] != nil)
            if let texts = rules[rule] { writer.writeTexts(texts) }
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a certificate role")
            guard let echo = OldTokenNames(stored: try reader.readUInt8()) else {
                throw .malformed("old names that this version does not have")
            }
            self.echo = echo
            parameters = try TokenParameters(reading: &reader)
            certificate = try reader.readString(atMost: EngineLimits.certificateTextBytesMax)
            displayName = try reader.readString(atMost: EngineLimits.certificateRuleBytesMax)
            for rule in Rule.allCases where try reader.readBool() {
                rules[rule] = try reader.readTexts(
                    countMax: EngineLimits.certificateRulesMax,
                    bytesMax: EngineLimits.certificateRuleBytesMax
                )
            }
            try reader.finish()
        } catch {
            throw .damaged("certificate role: \(error.summary)")
        }
    }

    /// The certificates that the role trusts: one or more.
    func anchors() throws(EngineError) -> [ClientCertificate] {
        guard let anchors = try Self.certificates(certificate) else {
            throw .damaged("certificate role: its certificates do not read")
        }
        return anchors
    }

    /// - Returns: nil for a text without certificates, or with one that does not read.
    /// - Throws: ``EngineError/invalid(_:)`` for too many.
    static func certificates(_ text: String) throws(EngineError) -> [ClientCertificate]? {
        guard let blocks = PEMText.blocks("CERTIFICATE", in: text), !blocks.isEmpty else {
            return nil
        }
        guard blocks.count <= EngineLimits.certificatesPerRoleMax else {
            throw .invalid(
                "\(blocks.count) certificates, the limit is "
                    + "\(EngineLimits.certificatesPerRoleMax)"
            )
        }
        var certificates: [ClientCertificate] = []
        for block in blocks {
            guard let certificate = try? ClientCertificate(block) else { return nil }
            certificates.append(certificate)
        }
        return certificates
    }
}

/// Serial numbers of one list of revoked certificates at rest. They lie in ``slotCount`` records,
/// so that a login reads a part of a long list only.
///
/// Format 1: the count, and each number's bytes with their length, sorted.
struct RevokedSerials: Sendable, Equatable {
    static let slotCount = 256

    /// Sorted by bytes.
    private(set) var serials: [[UInt8]]

    init(_ serials: [[UInt8]]) {
        self.serials = serials.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The record in which a number would be.
    static func slot(of serial: [UInt8]) -> Int { Int(serial.last ?? 0) }

    func contains(_ serial: [UInt8]) -> Bool { serials.contains(serial) }

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 16 + serials.count * 24)
        writer.writeUInt8(1)
        writer.writeVarint(UInt64(serials.count))
        for serial in serials { writer.writeBlob(serial) }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        serials = []
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "revoked serial numbers")
            let count = try reader.readVarint()
            guard count <= UInt64(EngineLimits.revokedSerialsMax) else {
                throw .tooLong(limit: EngineLimits.revokedSerialsMax, have: count)
            }
            for _ in 0..<count {
                serials.append(try reader.readBlob(atMost: EngineLimits.serialBytesMax))
            }
            try reader.finish()
        } catch {
            throw .damaged("revoked serial numbers: \(error.summary)")
        }
    }

    /// The serial numbers of a list of revoked certificates, DER or PEM.
    ///
    /// Who signed it and how old it is are not looked at: whoever may write here is trusted.
    /// - Source: RFC 5280, section 5.1.
    static func parse(_ text: String) throws(WireError) -> [[UInt8]] {
        let blocks = PEMText.blocks("X509 CRL", in: text) ?? []
        guard let bytes = blocks.first, blocks.count == 1 else {
            throw .malformed("not one block of PEM with the label X509 CRL")
        }
        var outer = DERReader(bytes)
        var parts = DERReader(try outer.read(0x30).content)
        try outer.finish()
        var fields = DERReader(try parts.read(0x30).content)
        _ = try parts.read(0x30)
        _ = try parts.read(0x03)
        try parts.finish()
        _ = try fields.readOptional(0x02)
        _ = try fields.read(0x30)
        _ = try fields.read(0x30)
        // When it was made and, perhaps, when the next one will be: two kinds of time.
        for _ in 0..<2 where fields.nextTag == 0x17 || fields.nextTag == 0x18 {
            _ = try fields.read()
        }
        guard let list = try fields.readOptional(0x30) else { return [] }
        var reader = DERReader(list.content)
        var serials: Set<[UInt8]> = []
        while !reader.isAtEnd {
            var entry = DERReader(try reader.read(0x30).content)
            let serial = Array(try entry.read(0x02).magnitude())
            guard serial.count <= EngineLimits.serialBytesMax else {
                throw .tooLong(limit: EngineLimits.serialBytesMax, have: UInt64(serial.count))
            }
            serials.insert(serial)
        }
        guard serials.count <= EngineLimits.revokedSerialsMax else {
            throw .tooLong(
                limit: EngineLimits.revokedSerialsMax,
                have: UInt64(serials.count)
            )
        }
        return serials.sorted { $0.lexicographicallyPrecedes($1) }
    }
}
