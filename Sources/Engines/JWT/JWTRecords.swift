import Wire

/// Settings of a mount at rest, under `config`: the fields in the order of their declaration.
/// Format 1 ends before the source, and is what a configuration without one is written in.
struct JWTConfigRecord: Sendable, Equatable {
    /// PEM, each with one key or more.
    var publicKeys: [String] = []
    /// Names of ``SignatureAlgorithm``; empty = all.
    var algorithms: [String] = []
    /// What `iss` has to be; empty = anything.
    var issuer = ""
    /// The role of a login that names none.
    var defaultRole = ""
    /// Where the keys are published; nil: they are those above.
    var source: KeySource?

    init() {}

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 1_024)
        writer.writeUInt8(source == nil ? 1 : 2)
        writer.writeTexts(publicKeys)
        writer.writeTexts(algorithms)
        writer.writeString(issuer)
        writer.writeString(defaultRole)
        source?.write(to: &writer)
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            let format = try reader.readFormat(1...2, of: "a JWT configuration")
            publicKeys = try reader.readTexts(
                countMax: EngineLimits.jwtKeysMax,
                bytesMax: EngineLimits.jwtKeyBytesMax
            )
            algorithms = try reader.readTexts(countMax: 16, bytesMax: 16)
            issuer = try reader.readString(atMost: EngineLimits.claimBytesMax)
            defaultRole = try reader.readString(atMost: EngineLimits.authNameBytesMax)
            if format > 1 { source = try KeySource(reading: &reader) }
            try reader.finish()
        } catch {
            throw .damaged("JWT configuration: \(error.summary)")
        }
    }
}

/// A role at rest, under `role/<name>`: format 1, the fields in the order of their declaration.
struct JWTRoleRecord: Sendable, Equatable {
    /// One claim and what it may be.
    struct BoundClaim: Sendable, Equatable {
        /// A name, or a JSON pointer that begins with `/`.
        let claim: String
        /// Texts of JSON values, one of which it has to be.
        let values: [String]
        /// Whether it was given as a list, and is shown as one.
        let isList: Bool
    }

    /// One claim that becomes metadata of the token.
    struct Mapping: Sendable, Equatable {
        let claim: String
        let metadata: String
    }

    var echo = OldTokenNames()
    var parameters = TokenParameters()
    var audiences: [String] = []
    /// What `sub` has to be; empty = anything.
    var subject = ""
    /// Sorted by claim.
    var boundClaims: [BoundClaim] = []
    /// Whether texts of bound claims may have `*` for anything.
    var isGlob = false
    /// Sorted by claim.
    var mappings: [Mapping] = []
    /// The claim that names who logs in.
    var userClaim = ""
    /// Whether that is a JSON pointer.
    var isUserPointer = false
    /// The claim that lists groups; empty = none.
    var groupsClaim = ""
    /// Seconds; see ``JWTTimes``.
    var expirationLeeway = 0
    var notBeforeLeeway = 0
    var skewLeeway = 0

    init() {}

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeUInt8(1)
        writer.writeUInt8(echo.rawValue)
        parameters.write(to: &writer)
        writer.writeTexts(audiences)
        writer.writeString(subject)
        writer.writeVarint(UInt64(boundClaims.count))
        for bound in boundClaims {
            writer.writeString(bound.claim)
            writer.writeTexts(bound.values)
            writer.writeBool(bound.isList)
        }
        writer.writeBool(isGlob)
        writer.writeTexts(mappings.map(\.claim))
        writer.writeTexts(mappings.map(\.metadata))
        writer.writeString(userClaim)
        writer.writeBool(isUserPointer)
        writer.writeString(groupsClaim)
        for leeway in [expirationLeeway, notBeforeLeeway, skewLeeway] {
            writer.writeUInt64(UInt64(bitPattern: Int64(leeway)))
        }
        return writer.bytes
    }

    init(decoding bytes: [UInt8]) throws(EngineError) {
        do throws(WireError) {
            var reader = ByteReader(bytes)
            try reader.readFormat(of: "a JWT role")
            guard let echo = OldTokenNames(stored: try reader.readUInt8()) else {
                throw .malformed("old names that this version does not have")
            }
            self.echo = echo
            parameters = try TokenParameters(reading: &reader)
            audiences = try Self.texts(&reader)
            subject = try reader.readString(atMost: EngineLimits.claimBytesMax)
            let count = try reader.readVarint()
            guard count <= UInt64(EngineLimits.claimsMax) else {
                throw .tooLong(limit: EngineLimits.claimsMax, have: count)
            }
            for _ in 0..<count {
                let claim = try reader.readString(atMost: EngineLimits.claimBytesMax)
                let values = try Self.texts(&reader)
                let isList = try reader.readBool()
                guard !values.isEmpty || isList else {
                    throw .malformed("a bound claim without a value")
                }
                boundClaims.append(BoundClaim(claim: claim, values: values, isList: isList))
            }
            isGlob = try reader.readBool()
            let claims = try Self.texts(&reader)
            let names = try Self.texts(&reader)
            guard claims.count == names.count else {
                throw .malformed("\(claims.count) mapped claims and \(names.count) names")
            }
            mappings = zip(claims, names).map { Mapping(claim: $0, metadata: $1) }
            userClaim = try reader.readString(atMost: EngineLimits.claimBytesMax)
            isUserPointer = try reader.readBool()
            groupsClaim = try reader.readString(atMost: EngineLimits.claimBytesMax)
            expirationLeeway = try Self.leeway(&reader)
            notBeforeLeeway = try Self.leeway(&reader)
            skewLeeway = try Self.leeway(&reader)
            try reader.finish()
        } catch {
            throw .damaged("JWT role: \(error.summary)")
        }
    }

    private static func texts(_ reader: inout ByteReader) throws(WireError) -> [String] {
        try reader.readTexts(
            countMax: EngineLimits.claimsMax,
            bytesMax: EngineLimits.claimBytesMax
        )
    }

    private static func leeway(_ reader: inout ByteReader) throws(WireError) -> Int {
        let seconds = Int(Int64(bitPattern: try reader.readUInt64()))
        guard EngineLimits.leewaySeconds.contains(seconds) else {
            throw .malformed("a leeway of \(seconds) s")
        }
        return seconds
    }
}
