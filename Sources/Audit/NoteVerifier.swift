import Cryptography
import Wire

/// The public half of a key that signs notes, with its name: Ed25519 only.
///
/// As text, a "verifier key": `NAME+ID+BASE64`, with the id in eight hexadecimal digits and the
/// type byte 1 before the 32 bytes of the key in base64.
/// - Source: C2SP signed-note, "Verifier keys".
package struct NoteVerifier: Sendable, Equatable {
    /// Whose key it is; see ``isValidName(_:)``.
    package let name: String
    /// 32 bytes.
    package let publicKey: [UInt8]
    /// 4 bytes: the start of SHA-256(name ‖ line end ‖ type ‖ public key).
    package let keyID: [UInt8]

    /// The signature type Ed25519.
    static let type: UInt8 = 1

    /// - Throws: ``NoteError/badKey(_:)`` for a name or a key that cannot be one.
    package init(name: String, publicKey: [UInt8]) throws(NoteError) {
        guard Self.isValidName(name) else { throw .badKey("the name is not allowed") }
        guard publicKey.count == SigningKey.publicKeyBytes else {
            throw .badKey("the key has \(publicKey.count) bytes, not \(SigningKey.publicKeyBytes)")
        }
        self.name = name
        self.publicKey = publicKey
        let digest = sha256(Array(name.utf8) + [0x0A, Self.type] + publicKey)
        keyID = Array(digest.prefix(4))
    }

    /// Reads the text of ``text``.
    ///
    /// - Throws: ``NoteError/badKey(_:)``, also when the id is not the key's.
    package init(parsing text: String) throws(NoteError) {
        // Base64 has plus signs too; a name has none.
        let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .badKey("it has not three parts") }
        guard let id = Hex.decode(String(parts[1])), id.count == 4 else {
            throw .badKey("the id is not eight hexadecimal digits")
        }
        guard let key = Base64.decode(String(parts[2])), let type = key.first else {
            throw .badKey("the last part is not base64")
        }
        guard type == Self.type else { throw .badKey("type \(type) is not Ed25519") }
        try self.init(name: String(parts[0]), publicKey: Array(key.dropFirst()))
        guard keyID == id else { throw .badKey("the id does not belong to the key") }
    }

    /// As it is given to whoever verifies.
    package var text: String {
        "\(name)+\(Hex.encode(keyID))+\(Base64.encode([Self.type] + publicKey))"
    }

    /// Whether a signature claims to be by this key: name and id are the same.
    func isNamed(by signature: NoteSignature) -> Bool {
        utf8Equals(signature.name, name) && signature.keyID == keyID
    }

    /// Whether a name may stand in a signature line: not empty, no space of any kind, no plus, no
    /// control character.
    package static func isValidName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= AuditLimits.nameBytesMax else { return false }
        return name.unicodeScalars.allSatisfy { scalar in
            scalar != "+" && scalar.value >= 0x20 && scalar.value != 0x7F
                && !scalar.properties.isWhitespace
        }
    }
}
