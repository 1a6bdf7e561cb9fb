package import Cryptography
package import Wire

/// The public keys of an issuer, as it publishes them: a JSON web key set.
///
/// What this version cannot use is left out, as RFC 7517 wants it: keys of other kinds, keys for
/// encryption, keys that are too short or malformed. So one bad key costs an issuer only that key.
/// - Source: RFC 7517, section 5; RFC 7518, section 6; RFC 8037, section 2.
package struct KeySet: Sendable {
    /// One of them.
    package struct Key: Sendable {
        /// `kid`; empty where the issuer gives none.
        package let id: String
        /// The only algorithm that it is for; nil: any of its kind.
        package let algorithm: SignatureAlgorithm?
        package let key: VerificationKey
    }

    /// In the order of the set.
    package let keys: [Key]

    /// Reads what an issuer sent.
    ///
    /// - Throws: ``KeySetError`` for what is no key set, and for more keys than fit.
    package init(parsing bytes: [UInt8]) throws(KeySetError) {
        guard let object = IssuerDocument.object(bytes),
            let members = object["keys"]?.asArray
        else { throw KeySetError("the answer is not a JSON web key set") }
        guard members.count <= EngineLimits.keySetKeysMax else {
            throw KeySetError(
                "the key set has \(members.count) keys, the limit is \(EngineLimits.keySetKeysMax)"
            )
        }
        keys = members.compactMap(Self.key)
    }

    /// Whether one of the keys made the token's signature. A token that names its key counts with
    /// that one only.
    func verifies(_ token: JWT) -> Bool {
        let id = token.keyID ?? ""
        return keys.contains { candidate in
            guard id.isEmpty || utf8Equals(candidate.id, id),
                candidate.algorithm.map({ $0 == token.algorithm }) ?? true
            else { return false }
            return token.isSigned(byOneOf: [candidate.key])
        }
    }

    // MARK: reading

    private static func key(_ value: JSONValue) -> Key? {
        guard let members = value.asObject, isForSignatures(members),
            let key = verificationKey(members)
        else { return nil }
        var algorithm: SignatureAlgorithm?
        if let name = members["alg"], !name.isNull {
            guard let known = name.asString.flatMap(SignatureAlgorithm.init(rawValue:)),
                key.fits(known)
            else { return nil }
            algorithm = known
        }
        var id = ""
        if let name = members["kid"], !name.isNull {
            guard let text = name.asString, text.utf8.count <= EngineLimits.keyIDBytesMax else {
                return nil
            }
            id = text
        }
        return Key(id: id, algorithm: algorithm, key: key)
    }

    /// A key that says nothing of its use is for all.
    private static func isForSignatures(_ members: JSONObject) -> Bool {
        if let use = members["use"], !use.isNull, use != "sig" { return false }
        guard let operations = members["key_ops"], !operations.isNull else { return true }
        return operations.asArray?.contains("verify") ?? false
    }

    private static func verificationKey(_ members: JSONObject) -> VerificationKey? {
        func bytes(_ name: String) -> [UInt8]? {
            guard let text = members[name]?.asString,
                text.utf8.count <= EngineLimits.keyMemberBytesMax
            else { return nil }
            return Base64.decodeURL(text)
        }
        switch members["kty"]?.asString {
        case "RSA":
            guard let modulus = bytes("n"), let exponent = bytes("e") else { return nil }
            return VerificationKey(rsaModulus: modulus, exponent: exponent)
        case "EC":
            guard let curve = members["crv"]?.asString, let x = bytes("x"), let y = bytes("y")
            else { return nil }
            return VerificationKey(curve: curve, x: x, y: y)
        case "OKP":
            guard members["crv"] == "Ed25519", let x = bytes("x"), x.count == 32 else {
                return nil
            }
            return VerificationKey(ed25519: x)
        default: return nil
        }
    }

    // MARK: between node and engine

    /// Count, then for each: id, algorithm (empty: any), SubjectPublicKeyInfo.
    func write(to writer: inout ByteWriter) {
        writer.writeVarint(UInt64(keys.count))
        for key in keys {
            writer.writeString(key.id)
            writer.writeString(key.algorithm?.rawValue ?? "")
            writer.writeBlob(key.key.subjectPublicKeyInfo)
        }
    }

    init(reading reader: inout ByteReader) throws(WireError) {
        let count = try reader.readVarint()
        guard count <= UInt64(EngineLimits.keySetKeysMax) else {
            throw .tooLong(limit: EngineLimits.keySetKeysMax, have: count)
        }
        var keys: [Key] = []
        for _ in 0..<count {
            let id = try reader.readString(atMost: EngineLimits.keyIDBytesMax)
            let name = try reader.readString(atMost: 16)
            let info = try reader.readBlob(atMost: Cryptography.Limits.publicKeyBytesMax)
            let algorithm = SignatureAlgorithm(rawValue: name)
            guard let key = VerificationKey(subjectPublicKeyInfo: info),
                name.isEmpty == (algorithm == nil)
            else { throw .malformed("a key that this version does not have") }
            keys.append(Key(id: id, algorithm: algorithm, key: key))
        }
        self.keys = keys
    }
}

/// Why something that an issuer sent is not usable. The text is for operators: what is wrong, lower
/// case, and nothing that the issuer wrote.
package struct KeySetError: Error, Equatable {
    /// The reason.
    package let text: String

    init(_ text: String) { self.text = text }
}

/// What an issuer says about itself: where its keys are.
///
/// - Source: OpenID Connect Discovery 1.0, sections 3 and 4.
package struct IssuerDocument: Sendable, Equatable {
    /// Where the key set is.
    package let keys: WebAddress

    /// Where the document of an issuer is.
    package static func address(of issuer: String) throws(WebAddressError) -> WebAddress {
        let base = issuer.utf8.last == 0x2F ? String(issuer.utf8.dropLast()) ?? "" : issuer
        return try WebAddress(base + "/.well-known/openid-configuration")
    }

    /// - Parameter issuer: who is asked. A document of another issuer is refused: keys would count
    ///   for whoever can place a document somewhere.
    /// - Throws: ``KeySetError``.
    package init(parsing bytes: [UInt8], of issuer: String) throws(KeySetError) {
        guard let object = Self.object(bytes) else {
            throw KeySetError("the discovery document is not a JSON object that this server reads")
        }
        guard let name = object["issuer"]?.asString, utf8Equals(name, issuer) else {
            throw KeySetError(
                "issuer did not match the returned issuer: the discovery document is not that of "
                    + "the URL, byte by byte"
            )
        }
        guard let text = object["jwks_uri"]?.asString else {
            throw KeySetError("the discovery document names no jwks_uri")
        }
        do throws(WebAddressError) {
            keys = try WebAddress(text)
        } catch {
            throw KeySetError("the jwks_uri of the discovery document is refused: \(error.text)")
        }
    }

    /// Names that stand twice are refused: readers differ in which of the two they take.
    private static let limits = JSONLimits(
        depthMax: 32,
        stringsMax: 16_384,
        memoryBytesMax: 8 << 20,
        allowsDuplicateNames: false
    )

    static func object(_ bytes: [UInt8]) -> JSONObject? {
        guard bytes.count <= EngineLimits.issuerAnswerBytesMax else { return nil }
        return (try? JSONScanner.parse(bytes, limits: limits))?.asObject
    }
}
