package import Wire

/// What kind of token a login, or a role of `auth/token`, gives. The number is part of records.
package enum TokenKind: UInt8, Sendable, Equatable {
    /// As the mount says.
    case `default` = 0
    case service = 1
    case batch = 2
    /// A service token where the client asks for no kind.
    case defaultService = 3
    /// A batch token where the client asks for no kind.
    case defaultBatch = 4

    /// As clients write and read it.
    package var text: String {
        switch self {
        case .default: "default"
        case .service: "service"
        case .batch: "batch"
        case .defaultService: "default-service"
        case .defaultBatch: "default-batch"
        }
    }

    /// Nil for a text that names no kind; an empty one means "as the mount says".
    package init?(text: String) {
        switch text {
        case "", "default": self = .default
        case "service": self = .service
        case "batch": self = .batch
        case "default-service": self = .defaultService
        case "default-batch": self = .defaultBatch
        default: return nil
        }
    }

    /// Whether a token of this kind is a batch token, where nobody asks for another kind.
    package var isBatch: Bool { self == .batch || self == .defaultBatch }
}

/// What every auth method lets an administrator say about the tokens that its logins give: the
/// `token_*` parameters of users and roles.
///
/// Contract: ``schema`` joins the endpoint's own parameters; ``apply(_:)`` changes what a request
/// names and leaves the rest; ``check()`` refuses what contradicts itself, after everything the
/// endpoint applies; ``members`` shows them.
/// - Source: the API contract, part 3, and OpenBao 2.7.2's answers.
package struct TokenParameters: Sendable, Equatable {
    /// As they were given: not sorted, not lower-cased. Whoever issues the token does that.
    package var policies: [String] = []
    /// 0 = as the mount says. All durations are in seconds.
    package var ttlSeconds = 0
    /// 0 = as the mount says.
    package var ttlSecondsMax = 0
    /// 0 = none. Counts from the creation, whatever renewals say.
    package var explicitSecondsMax = 0
    /// Not 0: the token lives for ever, as long as it is renewed this often.
    package var periodSeconds = 0
    /// 0 = any number.
    package var usesMax = 0
    /// Texts of ``AddressBlock``; empty = from everywhere.
    package var boundCIDRs: [String] = []
    /// Whether the token lacks the policy `default`.
    package var omitsDefaultPolicy = false
    package var kind = TokenKind.default
    /// Whether the token may only be used from the address that logged in.
    package var isBoundToAddress = false

    /// Nothing said.
    package init() {}

    /// The parameters' names and kinds.
    package static let schema: [(String, FieldSchema.Kind)] = [
        ("token_policies", .texts), ("token_ttl", .seconds), ("token_max_ttl", .seconds),
        ("token_explicit_max_ttl", .seconds), ("token_period", .seconds),
        ("token_num_uses", .int), ("token_bound_cidrs", .texts),
        ("token_no_default_policy", .bool), ("token_type", .text),
        ("token_strictly_bind_ip", .bool),
    ]

    /// Takes over what the request names.
    ///
    /// - Throws: ``EngineError/invalid(_:)`` in OpenBao's words, for values that are wrong alone.
    package mutating func apply(_ fields: Fields) throws(EngineError) {
        if let texts = fields.texts("token_bound_cidrs") {
            boundCIDRs = try Self.blocks(texts)
        }
        explicitSecondsMax = fields.int("token_explicit_max_ttl") ?? explicitSecondsMax
        ttlSecondsMax = fields.int("token_max_ttl") ?? ttlSecondsMax
        omitsDefaultPolicy = fields.bool("token_no_default_policy") ?? omitsDefaultPolicy
        periodSeconds = fields.int("token_period") ?? periodSeconds
        if let texts = fields.texts("token_policies") { policies = try Self.policies(texts) }
        if let text = fields.text("token_type") {
            // The other kinds are for mounts and for roles of `auth/token`.
            guard let kind = TokenKind(text: text), kind.rawValue <= TokenKind.batch.rawValue else {
                throw .invalid("invalid 'token_type' value \(GoText.quoted(text))")
            }
            self.kind = kind
        }
        ttlSeconds = fields.int("token_ttl") ?? ttlSeconds
        usesMax = fields.int("token_num_uses") ?? usesMax
        isBoundToAddress = fields.bool("token_strictly_bind_ip") ?? isBoundToAddress
    }

    /// Refuses what cannot hold together.
    package func check() throws(EngineError) {
        guard usesMax >= 0 else { throw .invalid("'token_num_uses' cannot be negative") }
        if kind.isBatch, periodSeconds > 0 {
            throw .invalid(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic "
                    + "tokens"
            )
        }
        if kind.isBatch, usesMax > 0 {
            throw .invalid(
                "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens "
                    + "with limited use count"
            )
        }
        guard ttlSeconds == 0 || ttlSecondsMax == 0 || ttlSeconds <= ttlSecondsMax else {
            throw .invalid("'token_ttl' cannot be greater than 'token_max_ttl'")
        }
        if isBoundToAddress, !boundCIDRs.isEmpty {
            throw .invalid(
                "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one"
            )
        }
    }

    /// As reads of users and roles show them.
    package var members: JSONObject {
        [
            "token_bound_cidrs": .array(boundCIDRs.map { .string($0) }),
            "token_explicit_max_ttl": .number(JSONNumber(explicitSecondsMax)),
            "token_max_ttl": .number(JSONNumber(ttlSecondsMax)),
            "token_no_default_policy": .bool(omitsDefaultPolicy),
            "token_num_uses": .number(JSONNumber(usesMax)),
            "token_period": .number(JSONNumber(periodSeconds)),
            "token_policies": .array(policies.map { .string($0) }),
            "token_strictly_bind_ip": .bool(isBoundToAddress),
            "token_ttl": .number(JSONNumber(ttlSeconds)),
            "token_type": .string(kind.text),
        ]
    }

    /// Names of policies within their limits.
    package static func policies(_ texts: [String]) throws(EngineError) -> [String] {
        guard texts.count <= EngineLimits.tokenPoliciesMax,
            texts.allSatisfy({ $0.utf8.count <= EngineLimits.tokenPolicyBytesMax })
        else {
            throw .invalid(
                "a token has at most \(EngineLimits.tokenPoliciesMax) policies with names of "
                    + "\(EngineLimits.tokenPolicyBytesMax) bytes"
            )
        }
        return texts
    }

    /// Blocks of addresses, each checked and as it is shown.
    package static func blocks(_ texts: [String]) throws(EngineError) -> [String] {
        guard texts.count <= EngineLimits.boundCIDRsMax else {
            throw .invalid(
                "\(texts.count) blocks of addresses, the limit is \(EngineLimits.boundCIDRsMax)"
            )
        }
        var shown: [String] = []
        for text in texts {
            guard let block = AddressBlock(text) else {
                throw .invalid(
                    "error parsing address \(GoText.quoted(text)): Unable to convert "
                        + "\(GoText.quoted(text)) to an IPv4 or IPv6 address, or a UNIX Socket"
                )
            }
            shown.append(block.text)
        }
        return shown
    }
}

// MARK: at rest

extension TokenParameters {
    /// Part of records of users and roles. Format 1: the fields in the order of their declaration.
    package func write(to writer: inout ByteWriter) {
        writer.writeUInt8(1)
        writer.writeTexts(policies)
        for number in [ttlSeconds, ttlSecondsMax, explicitSecondsMax, periodSeconds, usesMax] {
            precondition(number >= 0, "checked before it is stored")
            writer.writeVarint(UInt64(number))
        }
        writer.writeTexts(boundCIDRs)
        writer.writeBool(omitsDefaultPolicy)
        writer.writeUInt8(kind.rawValue)
        writer.writeBool(isBoundToAddress)
    }

    /// - Throws: for another format, for what is over a limit, and for an address that is none.
    package init(reading reader: inout ByteReader) throws(WireError) {
        try reader.readFormat(of: "token parameters")
        policies = try reader.readTexts(
            countMax: EngineLimits.tokenPoliciesMax,
            bytesMax: EngineLimits.tokenPolicyBytesMax
        )
        ttlSeconds = try reader.readCount()
        ttlSecondsMax = try reader.readCount()
        explicitSecondsMax = try reader.readCount()
        periodSeconds = try reader.readCount()
        usesMax = try reader.readCount()
        boundCIDRs = try reader.readBlocks()
        omitsDefaultPolicy = try reader.readBool()
        guard let kind = TokenKind(rawValue: try reader.readUInt8()) else {
            throw .malformed("a kind of token that this version does not have")
        }
        self.kind = kind
        isBoundToAddress = try reader.readBool()
    }
}

extension ByteReader {
    /// A number that is not negative.
    mutating func readCount() throws(WireError) -> Int {
        let number = try readVarint()
        guard let count = Int(exactly: number) else { throw .malformed("\(number) is too large") }
        return count
    }

    /// Texts of ``AddressBlock``.
    mutating func readBlocks() throws(WireError) -> [String] {
        let texts = try readTexts(countMax: EngineLimits.boundCIDRsMax, bytesMax: 64)
        guard texts.allSatisfy({ AddressBlock($0) != nil }) else {
            throw .malformed("a block of addresses that does not read")
        }
        return texts
    }
}
