package import Audit
package import Wire

/// An audit log as it was at one moment: what other members keep of it.
package enum AuditHead: Sendable, Equatable {
    /// Signed by the node that writes it, which has the vault's key.
    case signed(SignedNote)
    /// Of a sealed node: whoever leads signs it.
    case unsigned(Audit.Checkpoint)

    /// Kind u8, 1 or 2, then the note or the text, with its length.
    package func write(into writer: inout ByteWriter) {
        switch self {
        case .signed(let note):
            writer.writeUInt8(1)
            writer.writeBlob(note.bytes)
        case .unsigned(let checkpoint):
            writer.writeUInt8(2)
            writer.writeString(checkpoint.text)
        }
    }

    /// Reads what a peer sent. Never traps.
    package init(from reader: inout ByteReader) throws(WireError) {
        let kind = try reader.readUInt8()
        let bytes = try reader.readBlob(atMost: AuditLimits.noteBytesMax)
        do throws(NoteError) {
            switch kind {
            case 1: self = .signed(try SignedNote(bytes))
            case 2:
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw .malformed("it is not UTF-8")
                }
                self = .unsigned(try Audit.Checkpoint(text: text))
            default: throw .malformed("a head of kind \(kind)")
            }
        } catch {
            throw .malformed(error.summary)
        }
    }
}
