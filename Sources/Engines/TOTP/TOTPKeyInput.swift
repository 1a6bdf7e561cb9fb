import Cryptography
import Wire

/// How codes are made.
struct TOTPSettings: Equatable {
    var hash = HMACFamily.sha1
    var digits = 6
    var period: UInt64 = 30
    var skew: UInt64 = 1

    static func hash(named name: String) throws(EngineError) -> HMACFamily {
        switch name {
        case "SHA1": return .sha1
        case "SHA256": return .sha256
        case "SHA512": return .sha512
        default: throw .invalid("the algorithm value is not valid")
        }
    }

    static func name(of hash: HMACFamily) -> String {
        switch hash {
        case .sha1: "SHA1"
        case .sha256: "SHA256"
        case .sha512: "SHA512"
        }
    }
}

/// The body of `POST keys/<name>`, checked in OpenBao's order.
struct TOTPKeyInput {
    /// Where the key comes from.
    enum Source: Equatable {
        case given([UInt8])
        /// To be made, with this many bytes.
        case generated(bytes: Int)
    }

    let source: Source
    let issuer: String
    let account: String
    let settings: TOTPSettings
    /// Whether the answer shows a key that is made.
    let isExported: Bool
    /// Pixels along a side of the image in the answer; 0: no image.
    let imageSize: Int
    let warnings: [String]

    init(_ raw: JSONObject) throws(EngineError) {
        let fields = try Fields(raw, Self.schema)
        warnings = fields.warnings
        let isGenerated = fields.bool("generate") ?? false
        var url = TOTPURL(
            issuer: fields.text("issuer") ?? "",
            account: fields.text("account_name") ?? "",
            key: fields.text("key") ?? "",
            period: fields.int("period") ?? 30,
            digits: fields.int("digits") ?? 6,
            algorithm: fields.text("algorithm") ?? "SHA1"
        )
        let given = fields.text("url") ?? ""
        if isGenerated {
            guard url.key.isEmpty else {
                throw .invalid("a key should not be passed if generate is true")
            }
            guard given.isEmpty else {
                throw .invalid("a url should not be passed if generate is true")
            }
        }
        if !given.isEmpty { try url.read(given) }
        settings = try Self.settings(url, skew: fields.int("skew") ?? 1)
        imageSize = fields.int("qr_size") ?? 200
        guard imageSize >= 0 else {
            throw .invalid("the qr_size value must be greater than or equal to zero")
        }
        guard imageSize <= EngineLimits.totpImagePixelsMax else {
            throw .invalid("the qr_size value must be at most \(EngineLimits.totpImagePixelsMax)")
        }
        let keyBytes = fields.int("key_size") ?? 20
        guard keyBytes > 0 else { throw .invalid("the key_size value must be greater than zero") }
        guard keyBytes <= EngineLimits.totpKeyBytesMax else {
            throw .invalid("the key_size value must be at most \(EngineLimits.totpKeyBytesMax)")
        }
        isExported = fields.bool("exported") ?? true
        issuer = try Self.checked(url.issuer, "issuer")
        account = try Self.checked(url.account, "account_name")
        source = isGenerated ? .generated(bytes: keyBytes) : .given(try Self.key(url.key))
        guard isGenerated else { return }
        guard !account.isEmpty else {
            throw .invalid("the account_name value is required for generated keys")
        }
        guard !issuer.isEmpty else {
            throw .invalid("the issuer value is required for generated keys")
        }
    }

    private static func settings(_ url: TOTPURL, skew: Int) throws(EngineError) -> TOTPSettings {
        guard url.digits == 6 || url.digits == 8 else {
            throw .invalid("the digits value can only be 6 or 8")
        }
        let hash = try TOTPSettings.hash(named: url.algorithm)
        guard url.period > 0 else { throw .invalid("the period value must be greater than zero") }
        guard url.period <= EngineLimits.totpPeriodSecondsMax else {
            throw .invalid(
                "the period value must be at most \(EngineLimits.totpPeriodSecondsMax) seconds"
            )
        }
        guard skew == 0 || skew == 1 else { throw .invalid("the skew value must be 0 or 1") }
        return TOTPSettings(
            hash: hash,
            digits: url.digits,
            period: UInt64(url.period),
            skew: UInt64(skew)
        )
    }

    private static func key(_ text: String) throws(EngineError) -> [UInt8] {
        guard !text.isEmpty else { throw .invalid("the key value is required") }
        let key: [UInt8]
        do throws(Base32Error) {
            key = try Base32.decode(text)
        } catch {
            throw .invalid(
                "invalid key value: illegal base32 data at input byte \(error.position)"
            )
        }
        guard key.count <= EngineLimits.totpKeyBytesMax else {
            throw .invalid(
                "the key is \(key.count) bytes, the limit is \(EngineLimits.totpKeyBytesMax)"
            )
        }
        return key
    }

    private static func checked(_ text: String, _ name: String) throws(EngineError) -> String {
        guard text.utf8.count <= EngineLimits.totpTextBytesMax else {
            throw .invalid(
                "the \(name) value is \(text.utf8.count) bytes, the limit is "
                    + "\(EngineLimits.totpTextBytesMax)"
            )
        }
        return text
    }

    private static let schema = FieldSchema(
        [
            ("generate", .bool), ("exported", .bool), ("issuer", .text), ("account_name", .text),
            ("url", .text), ("key", .text), ("algorithm", .text), ("digits", .int),
            ("period", .seconds), ("skew", .int), ("key_size", .int), ("qr_size", .int),
        ],
        captured: ["name"]
    )
}
