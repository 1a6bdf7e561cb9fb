import Cryptography
import Wire

/// One signature line of a note: an em dash, the key's name, and id and signature in base64.
package struct NoteSignature: Sendable, Equatable {
    /// Who claims to have signed.
    package let name: String
    /// 4 bytes that tell keys of one name apart.
    package let keyID: [UInt8]
    /// 64 bytes for Ed25519; other kinds are kept as they are.
    package let signature: [UInt8]

    var line: String { "\(Self.prefix)\(name) \(Base64.encode(keyID + signature))\n" }

    /// An em dash (U+2014) and a space.
    static let prefix = "\u{2014} "

    init(name: String, keyID: [UInt8], signature: [UInt8]) {
        self.name = name
        self.keyID = keyID
        self.signature = signature
    }

    /// Reads one line, without its line end.
    init(line: Substring) throws(NoteError) {
        guard line.utf8.starts(with: Self.prefix.utf8) else {
            throw .malformed("a signature line does not begin with an em dash and a space")
        }
        // By scalars: a space with an accent on it is one character, and not a space.
        let parts = line.unicodeScalars.dropFirst(2)
            .split(separator: " ", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 2, NoteVerifier.isValidName(parts[0]) else {
            throw .malformed("a signature line is not a name and a signature")
        }
        guard let bytes = Base64.decode(parts[1]), bytes.count > 4 else {
            throw .malformed("a signature is not base64 of a key id and more")
        }
        name = parts[0]
        keyID = Array(bytes.prefix(4))
        signature = Array(bytes.dropFirst(4))
    }
}

/// A text with the signatures of those who vouch for it.
///
/// - Layout: the text, which ends with a line end; an empty line; one line for each signature.
/// - Source: C2SP signed-note.
package struct SignedNote: Sendable, Equatable {
    /// What is signed, its last line end included. Worth nothing before ``signers(among:)``.
    package let text: String
    /// In the order of their lines; at least one.
    package let signatures: [NoteSignature]

    /// Signs a text that a note may have.
    init(_ text: String, by signer: borrowing NoteSigner) throws(NoteError) {
        precondition(text.utf8.last == 0x0A, "the text of a note ends with a line end")
        self.text = text
        signatures = [try signer.sign(text)]
    }

    /// As it is stored and sent.
    package var bytes: [UInt8] {
        Array((text + "\n" + signatures.map(\.line).joined()).utf8)
    }

    /// Reads one note, which must be all there is.
    ///
    /// - Throws: ``NoteError/malformed(_:)``.
    package init(_ bytes: [UInt8]) throws(NoteError) {
        guard bytes.count <= AuditLimits.noteBytesMax else {
            throw .malformed("\(bytes.count) bytes, at most \(AuditLimits.noteBytesMax) are read")
        }
        guard bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A }) else {
            throw .malformed("it has a control character")
        }
        guard bytes.last == 0x0A else { throw .malformed("it does not end with a line end") }
        // The last empty line: the text itself may have some.
        let ends = bytes.indices.dropLast().last { bytes[$0] == 0x0A && bytes[$0 + 1] == 0x0A }
        guard let end = ends else { throw .malformed("no empty line before the signatures") }
        guard let text = String(validating: bytes[...end], as: UTF8.self),
            let tail = String(validating: bytes[(end + 2)...], as: UTF8.self)
        else { throw .malformed("it is not UTF-8") }
        let lines = tail.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard (1...AuditLimits.signaturesMax).contains(lines.count) else {
            throw .malformed(
                "\(lines.count) signatures, it takes 1 to \(AuditLimits.signaturesMax)"
            )
        }
        self.text = text
        var signatures: [NoteSignature] = []
        for line in lines { signatures.append(try NoteSignature(line: line)) }
        self.signatures = signatures
    }

    /// Which of these keys signed the text; never none.
    ///
    /// Signatures of other keys do not count, whatever they are.
    /// - Throws: ``NoteError/badSignature(key:)`` if a signature claims one of these keys and is
    ///   not by it, ``NoteError/unknownSigners(_:)`` if none of them signed.
    package func signers(among keys: [NoteVerifier]) throws(NoteError) -> [NoteVerifier] {
        var signers: [NoteVerifier] = []
        for signature in signatures {
            guard let key = keys.first(where: { $0.isNamed(by: signature) }) else { continue }
            let isGood = SigningKey.verify(
                signature: signature.signature,
                message: Array(text.utf8),
                publicKey: key.publicKey
            )
            guard isGood else { throw .badSignature(key: key.name) }
            if !signers.contains(key) { signers.append(key) }
        }
        guard !signers.isEmpty else { throw .unknownSigners(signatures.map(\.name)) }
        return signers
    }
}
