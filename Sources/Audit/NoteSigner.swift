package import Cryptography

/// A key that signs notes, with its name.
package struct NoteSigner: ~Copyable, Sendable {
    /// What others check its signatures with.
    package let verifier: NoteVerifier
    private let key: SigningKey

    /// - Throws: ``NoteError/badKey(_:)`` for a name that cannot stand in a note.
    package init(name: String, key: consuming SigningKey) throws(NoteError) {
        verifier = try NoteVerifier(name: name, publicKey: key.publicKey)
        self.key = key
    }

    /// The signature of a note's text.
    borrowing func sign(_ text: String) throws(NoteError) -> NoteSignature {
        let bytes: [UInt8]
        do throws(CryptographyError) {
            bytes = try key.sign(Array(text.utf8))
        } catch {
            throw .signing(error.summary)
        }
        return NoteSignature(name: verifier.name, keyID: verifier.keyID, signature: bytes)
    }
}
