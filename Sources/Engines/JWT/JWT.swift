import Cryptography
import Wire

/// A JSON web token in compact form, taken apart and not yet believed.
///
/// Strict: three parts of base64url without padding, a header that is an object with a known
/// algorithm and nothing critical, a payload that is an object. `none` and the algorithms with a
/// shared secret are unknown here, so no key can be taken for another kind.
/// - Source: RFC 7515, sections 3 and 5.2; RFC 7519, section 7.2.
struct JWT {
    let algorithm: SignatureAlgorithm
    let claims: JSONObject
    /// `kid`: which key of its issuer it says it is signed with.
    let keyID: String?
    /// What is signed: header and payload as they came.
    private let message: [UInt8]
    private let signature: [UInt8]

    /// - Throws: why it is none, in words that do not repeat it.
    init(_ text: String) throws(JWTError) {
        guard text.utf8.count <= EngineLimits.jwtBytesMax else {
            throw JWTError("the token is longer than \(EngineLimits.jwtBytesMax) bytes")
        }
        let parts = text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw JWTError("compact JWS format must have three parts") }
        let header = try Self.object(parts[0], "header")
        guard case .string(let name) = header["alg"],
            let algorithm = SignatureAlgorithm(rawValue: name)
        else { throw JWTError("the header names no signature algorithm that is allowed") }
        // Whoever does not understand a critical header must refuse the token.
        guard header["crit"] == nil, header["b64"] == nil else {
            throw JWTError("the header has critical parameters, which are not supported")
        }
        switch header["kid"] {
        case nil, .null: keyID = nil
        case .string(let id) where id.utf8.count <= EngineLimits.keyIDBytesMax: keyID = id
        default:
            throw JWTError(
                "the key id (kid) is no text of at most \(EngineLimits.keyIDBytesMax) bytes"
            )
        }
        claims = try Self.object(parts[1], "payload")
        guard let signature = Base64.decodeURL(String(Substring(parts[2]))), !signature.isEmpty
        else { throw JWTError("the signature is not base64url") }
        self.algorithm = algorithm
        self.signature = signature
        message = Array(parts[0]) + [0x2E] + Array(parts[1])
    }

    /// Whether one of the keys made the signature.
    func isSigned(byOneOf keys: [VerificationKey]) -> Bool {
        keys.contains { $0.verifies(signature, message, by: algorithm) }
    }

    /// A name that stands twice is refused: readers differ in which of the two they take.
    ///
    /// - Source: RFC 7515, section 4, and RFC 7519, section 4.
    private static let limits = JSONLimits(
        depthMax: 32,
        stringsMax: 4_096,
        memoryBytesMax: 1 << 20,
        allowsDuplicateNames: false
    )

    private static func object(
        _ part: Substring.UTF8View,
        _ noun: String
    ) throws(JWTError) -> JSONObject {
        guard let bytes = Base64.decodeURL(String(Substring(part))) else {
            throw JWTError("the \(noun) is not base64url")
        }
        guard let value = try? JSONScanner.parse(bytes, limits: limits),
            let object = value.asObject
        else { throw JWTError("the \(noun) is not a JSON object that this server reads") }
        return object
    }
}

/// Why a token is not accepted, for the client that sent it.
struct JWTError: Error, Equatable {
    let text: String

    init(_ text: String) { self.text = text }
}

/// The times of a token, against the clock of the request.
///
/// - Source: RFC 7519, sections 4.1.4 to 4.1.6; the leeways are those of OpenBao.
struct JWTTimes {
    /// In seconds; a negative one means none at all, 0 the default.
    let expirationLeeway: Int
    let notBeforeLeeway: Int
    let skewLeeway: Int

    private static let leewayDefault = 150
    private static let skewDefault = 60

    func check(_ claims: JSONObject, at now: Timestamp) throws(JWTError) {
        let issued = try Self.seconds(claims, "iat")
        var starts = try Self.seconds(claims, "nbf")
        var ends = try Self.seconds(claims, "exp")
        guard issued != nil || starts != nil || ends != nil else {
            throw JWTError(
                "no issued at (iat), not before (nbf), or expiration time (exp) claims in token"
            )
        }
        // What is missing follows from what is there, as OpenBao has it.
        if ends == nil {
            ends =
                max(issued ?? 0, starts ?? 0)
                + Self.given(
                    expirationLeeway,
                    Self.leewayDefault
                )
        }
        if starts == nil {
            starts = issued ?? (ends ?? 0) - Self.given(notBeforeLeeway, Self.leewayDefault)
        }
        let skew = Self.given(skewLeeway, Self.skewDefault)
        let time = Double(now.nanoseconds / 1_000_000_000)
        guard time + skew >= starts ?? 0 else {
            throw JWTError("invalid not before (nbf) claim: token not yet valid")
        }
        guard time - skew < ends ?? 0 else {
            throw JWTError("invalid expiration time (exp) claim: token is expired")
        }
        if let issued, issued > time + skew {
            throw JWTError("invalid issued at (iat) claim: token issued in the future")
        }
    }

    private static func given(_ leeway: Int, _ standard: Int) -> Double {
        Double(leeway < 0 ? 0 : leeway == 0 ? standard : leeway)
    }

    /// Seconds since 1970; RFC 7519 allows fractions.
    private static func seconds(
        _ claims: JSONObject,
        _ name: String
    ) throws(JWTError) -> Double? {
        switch claims[name] {
        case nil, .null: return nil
        case .number(let number):
            guard let seconds = Double(number.text), seconds.isFinite, seconds >= 0,
                seconds < 1e12
            else { throw JWTError("the claim \(name) is not a time") }
            return seconds
        default: throw JWTError("the claim \(name) is not a time")
        }
    }
}
