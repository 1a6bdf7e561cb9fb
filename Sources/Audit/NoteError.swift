package import Wire

/// Why a signed note or a checkpoint is not accepted.
package enum NoteError: OperatorError, Equatable {
    /// The bytes are not a signed note; the text says which rule they break.
    case malformed(String)
    /// The text of the note is not a checkpoint; the text says which rule it breaks.
    case notACheckpoint(String)
    /// The text is not a verifier key; the text says which rule it breaks.
    case badKey(String)
    /// None of the known keys signed it. Names the keys that claim to have.
    case unknownSigners([String])
    /// A signature that names a known key is not by that key.
    case badSignature(key: String)
    /// Signing failed in the cryptographic library.
    case signing(String)

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .malformed, .notACheckpoint, .unknownSigners, .badSignature: .peer
        case .badKey: .caller
        case .signing: .bug
        }
    }

    /// What happened.
    package var summary: String {
        switch self {
        case .malformed(let reason): "not a signed note: \(reason)"
        case .notACheckpoint(let reason): "not a checkpoint: \(reason)"
        case .badKey(let reason): "not a verifier key: \(reason)"
        case .unknownSigners(let names):
            names.isEmpty
                ? "signed by nobody"
                : "signed by \(names.joined(separator: ", ")) only, which is not a given key"
        case .badSignature(let key): "the signature of \(key) does not match the text"
        case .signing(let reason): "a checkpoint could not be signed: \(reason)"
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .malformed, .notACheckpoint:
            "give the file as the node wrote it; it begins with the log's name"
        case .badKey: "give it as NAME+ID+BASE64, as the node prints it"
        case .unknownSigners: "give the verifier key of the log's signer"
        case .badSignature:
            "do not trust the text; compare it with a copy that came by another way"
        case .signing: "restart the node; if it happens again, report it"
        }
    }
}
