import Barrier
import Cryptography
import Engines
import Wire

/// `sys/tools/…`: digests and random bytes for clients that have no better source.
extension SystemBackend {
    /// - Parameter path: below `sys/tools/`.
    /// - Returns: nil for a path that is no tool.
    func tool(_ path: String) throws(VaultError) -> VaultAnswer? {
        if path == "hash" { return try hash(nil) }
        if let algorithm = path.below("hash/"), !algorithm.isEmpty { return try hash(algorithm) }
        if path == "random" { return try random("") }
        if let below = path.below("random/"), !below.isEmpty { return try random(below) }
        return nil
    }

    /// - Parameter named: the algorithm, if the path names it; it wins over the body's.
    private func hash(_ named: String?) throws(VaultError) -> VaultAnswer {
        try require(.update)
        let kinds: [(String, FieldSchema.Kind)] = [
            ("input", .text), ("algorithm", .text), ("format", .text),
        ]
        let fields = try SystemFields.parse(call.request.fields, FieldSchema(kinds))
        let text = fields.text("input") ?? ""
        guard let input = Base64.decode(text) else {
            let position = text.utf8.prefix { Self.isBase64($0) }.count
            throw .invalid(
                "unable to decode input as base64: illegal base64 data at input byte \(position)"
            )
        }
        let given = fields.text("algorithm").flatMap { $0.isEmpty ? nil : $0 }
        let name = named ?? given ?? MessageDigest.sha2With256.rawValue
        guard let algorithm = MessageDigest(rawValue: name) else {
            throw .invalid("unsupported algorithm \(name)")
        }
        let format = fields.text("format").flatMap { $0.isEmpty ? nil : $0 } ?? "hex"
        guard let encode = Self.encoding(format) else {
            throw .invalid(
                "unsupported encoding format \(format); must be \"hex\" or \"base64\""
            )
        }
        let sum = encode(algorithm.digest(of: input))
        return Self.toolAnswer("sum", sum, fields.warnings)
    }

    /// - Parameter below: `<source>/<bytes>`, either of them, or nothing.
    private func random(_ below: String) throws(VaultError) -> VaultAnswer {
        try require(.update)
        let kinds: [(String, FieldSchema.Kind)] = [("bytes", .int), ("format", .text)]
        let schema = FieldSchema(kinds, captured: ["source", "urlbytes"])
        let fields = try SystemFields.parse(call.request.fields, schema)
        let (source, inPath) = Self.sourceAndCount(below)
        var count = fields.int("bytes") ?? VaultLimits.randomBytesDefault
        if let inPath {
            guard let number = Int(inPath) else {
                throw .invalid(
                    "error parsing url-set byte count: strconv.Atoi: parsing "
                        + "\(GoText.quoted(inPath)): invalid syntax"
                )
            }
            count = number
        }
        guard count >= 1 else { throw .invalid("'bytes' cannot be less than 1") }
        guard count <= VaultLimits.randomBytesMax else {
            throw .invalid("'bytes' should be less than \(VaultLimits.randomBytesMax)")
        }
        let format = fields.text("format").flatMap { $0.isEmpty ? nil : $0 } ?? "base64"
        guard let encode = Self.encoding(format) else {
            throw .invalid(
                "unsupported encoding format \(GoText.quoted(format)); must be \"hex\" or "
                    + "\"base64\""
            )
        }
        guard ["platform", "seal", "all"].contains(source) else {
            throw .invalid(
                "unsupported entropy source \(GoText.quoted(source)); must be \"platform\" or "
                    + "\"seal\", or \"all\""
            )
        }
        var warnings = fields.warnings
        if source == "seal" {
            warnings.append(
                "no seal/entropy augmentation available, using platform entropy source"
            )
        }
        let environment = call.environment
        var entropy = Entropy(seed: environment.seed, attempt: environment.attempt)
        return Self.toolAnswer("random_bytes", encode(entropy.bytes(count)), warnings)
    }

    /// A source may come alone, and so may a count; what is no source is taken for a count.
    private static func sourceAndCount(_ below: String) -> (source: String, count: String?) {
        let standard = "platform"
        guard !below.isEmpty else { return (standard, nil) }
        if [standard, "seal", "all"].contains(below) { return (below, nil) }
        guard let slash = below.utf8.firstIndex(of: 0x2F) else { return (standard, below) }
        let source = String(below[..<slash])
        return (source, String(below[below.utf8.index(after: slash)...]))
    }

    private static func encoding(_ format: String) -> (([UInt8]) -> String)? {
        switch format {
        case "hex": { Hex.encode($0) }
        case "base64": { Base64.encode($0) }
        default: nil
        }
    }

    static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2F: true
        default: false
        }
    }

    private static func toolAnswer(
        _ name: String,
        _ value: String,
        _ warnings: [String]
    ) -> VaultAnswer {
        let data = JSONValue.object([name: .string(value)] as JSONObject)
        return VaultAnswer(
            EngineAnswer(data: data.encoded(sortingKeys: true), warnings: warnings)
        )
    }
}
