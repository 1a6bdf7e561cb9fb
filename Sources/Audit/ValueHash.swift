package import Cryptography
package import Wire

/// Replaces secrets in audit records by digests that only this vault can compute: equal values are
/// equal, and who suspects a value can ask `sys/audit-hash` for its digest.
///
/// - Construction: `hmac-sha256:` ‖ hex of HMAC-SHA256(audit key, UTF-8 of the text). The key is
///   one for the whole cluster and is not rotated with the keyring, so digests stay comparable.
/// - Source: OpenBao 2.7, `audit/hashstructure.go`, whose rules these are.
package struct ValueHash: Sendable {
    private let key: HMACKey

    /// - Parameter key: the audit key.
    package init(key: HMACKey) { self.key = key }

    /// The digest of a text, the empty one included.
    package func text(_ text: String) -> String {
        "hmac-sha256:" + Hex.encode(key.tag(Array(text.utf8)))
    }

    /// A value with all its strings replaced, at any depth. Names of members stay, numbers and
    /// truth values too; a number keeps its digits, where OpenBao rounds large ones.
    ///
    /// - Parameter clearKeys: names whose own strings stay as they are, also those in a list right
    ///   below; objects further down have names of their own.
    package func value(_ value: JSONValue, clearKeys: [String] = []) -> JSONValue {
        hashed(value, isClear: false, clearKeys, depth: 0)
    }

    private func hashed(
        _ value: JSONValue,
        isClear: Bool,
        _ clearKeys: [String],
        depth: Int
    ) -> JSONValue {
        // What a client sent was bounded when it was read; beyond that nothing is passed on.
        guard depth <= AuditLimits.valueDepthMax else { return .null }
        switch value {
        case .null, .bool, .number: return value
        case .string(let text): return .string(isClear ? text : self.text(text))
        case .array(let elements):
            return .array(
                elements.map { hashed($0, isClear: isClear, clearKeys, depth: depth + 1) }
            )
        case .object(let object):
            return .object(
                JSONObject(
                    object.members.map { name, value in
                        let isClear = clearKeys.contains { utf8Equals($0, name) }
                        return (name, hashed(value, isClear: isClear, clearKeys, depth: depth + 1))
                    }
                )
            )
        }
    }
}
