import Wire

/// What a role wants of a token's claims, and what it takes from them.
///
/// Everything throws words for the client that sent the token; they name claims, never values.
struct JWTClaims {
    let claims: JSONObject

    /// The claim with this name; with a `/` in front the value that a JSON pointer leads to.
    ///
    /// - Source: RFC 6901.
    func value(_ name: String, isPointer: Bool = false) -> JSONValue? {
        guard isPointer || name.utf8.first == 0x2F else { return claims[name] }
        guard name.utf8.first == 0x2F else { return nil }
        var value = JSONValue.object(claims)
        for part in name.utf8.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
            let key = Self.unescaped(part)
            switch value {
            case .object(let object):
                guard let next = object[key] else { return nil }
                value = next
            case .array(let elements):
                guard let position = Int(key), elements.indices.contains(position) else {
                    return nil
                }
                value = elements[position]
            default: return nil
            }
        }
        return value
    }

    /// `~1` is `/`, `~0` is `~`.
    private static func unescaped(_ part: Substring.UTF8View) -> String {
        var bytes: [UInt8] = []
        var isEscape = false
        for byte in part {
            if isEscape {
                bytes.append(byte == 0x31 ? 0x2F : 0x7E)
                isEscape = false
            } else if byte == 0x7E {
                isEscape = true
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether the token is meant for somebody.
    var hasAudience: Bool { claims["aud"].map { !$0.isNull } ?? false }

    /// - Parameter wanted: one of which has to be in `aud`; empty: any. See ``hasAudience``.
    func checkAudience(_ wanted: [String]) throws(JWTError) {
        guard !wanted.isEmpty else { return }
        let have: [String]
        switch claims["aud"] {
        case nil, .null: have = []
        case .string(let one): have = [one]
        case .array(let elements):
            have = elements.compactMap(\.asString)
            guard have.count == elements.count else {
                throw JWTError("the audience (aud) claim is not a list of texts")
            }
        default: throw JWTError("the audience (aud) claim is not a list of texts")
        }
        guard have.contains(where: { one in wanted.contains { utf8Equals($0, one) } }) else {
            throw JWTError(
                "invalid audience (aud) claim: audience claim does not match any expected audience"
            )
        }
    }

    /// A claim that has to be a certain text, where one is wanted.
    func check(_ name: String, _ noun: String, is wanted: String) throws(JWTError) {
        guard !wanted.isEmpty else { return }
        guard case .string(let have) = claims[name], utf8Equals(have, wanted) else {
            throw JWTError("invalid \(noun) (\(name)) claim")
        }
    }

    func check(_ bound: JWTRoleRecord.BoundClaim, isGlob: Bool) throws(JWTError) {
        guard let value = value(bound.claim) else {
            throw JWTError(
                "error validating claims: claim \(GoText.quoted(bound.claim)) is missing"
            )
        }
        let have: [JSONValue] = if case .array(let elements) = value { elements } else { [value] }
        let wanted = bound.values.compactMap { try? JSONScanner.parse(Array($0.utf8)) }
        let isMet = have.contains { one in
            wanted.contains { Self.matches(one, $0, isGlob: isGlob) }
        }
        guard isMet else {
            throw JWTError(
                "error validating claims: claim \(GoText.quoted(bound.claim)) does not match any "
                    + "associated bound claim values"
            )
        }
    }

    private static func matches(_ have: JSONValue, _ wanted: JSONValue, isGlob: Bool) -> Bool {
        if isGlob, case .string(let text) = have, case .string(let pattern) = wanted {
            return glob(Array(pattern.utf8), Array(text.utf8))
        }
        return have == wanted
    }

    /// `*` stands for any bytes, none included.
    static func glob(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        let parts = pattern.split(separator: 0x2A, omittingEmptySubsequences: false)
        guard parts.count > 1 else { return pattern == text }
        let (first, last) = (parts[0], parts[parts.count - 1])
        guard text.count >= first.count + last.count, text.starts(with: first),
            text.suffix(last.count).elementsEqual(last)
        else { return false }
        var rest = text[first.count..<(text.count - last.count)]
        // The leftmost place of each part leaves the most for the next.
        for part in parts[1..<(parts.count - 1)] where !part.isEmpty {
            guard let start = rest.indices.first(where: { rest[$0...].starts(with: part) }) else {
                return false
            }
            rest = rest[(start + part.count)...]
        }
        return true
    }

    /// Who logs in.
    func user(_ role: JWTRoleRecord) throws(JWTError) -> String {
        let name = role.userClaim
        guard let value = value(name, isPointer: role.isUserPointer) else {
            throw JWTError("claim \(GoText.quoted(name)) not found in token")
        }
        guard case .string(let user) = value, !user.isEmpty else {
            throw JWTError("claim \(GoText.quoted(name)) could not be converted to string")
        }
        guard user.utf8.count <= EngineLimits.aliasBytesMax else {
            throw JWTError("claim \(GoText.quoted(name)) is too long for a name")
        }
        return user
    }

    func groups(_ role: JWTRoleRecord) throws(JWTError) -> [String] {
        let name = role.groupsClaim
        guard !name.isEmpty else { return [] }
        let elements: [JSONValue]
        switch value(name) {
        case .array(let list): elements = list
        case .string(let one): elements = [.string(one)]
        case nil:
            throw JWTError(
                "failed to fetch groups: \(GoText.quoted(name)) claim not found in token"
            )
        default:
            throw JWTError("\(GoText.quoted(name)) claim could not be converted to string list")
        }
        let groups = elements.compactMap(\.asString)
        guard groups.count == elements.count else {
            throw JWTError("a value in groups claim could not be parsed as string")
        }
        guard groups.count <= EngineLimits.groupAliasesMax,
            groups.allSatisfy({ $0.utf8.count <= EngineLimits.aliasBytesMax })
        else { throw JWTError("the token is in more groups than this server takes") }
        return groups.filter { !$0.isEmpty }
    }

    /// The metadata that the role takes from the claims. What is missing is left out.
    func metadata(_ role: JWTRoleRecord) throws(JWTError) -> [LoginGrant.Metadata] {
        var metadata: [LoginGrant.Metadata] = []
        for mapping in role.mappings {
            guard let value = value(mapping.claim) else { continue }
            guard case .string(let text) = value,
                text.utf8.count <= EngineLimits.claimMappingBytesMax
            else { throw JWTError("error converting claim '\(mapping.claim)' to string") }
            metadata.append(LoginGrant.Metadata(name: mapping.metadata, value: text))
        }
        return metadata
    }
}
