import Wire

/// Which log: of which vault, by which name. A folder holds one.
package struct LogIdentity: Sendable, Equatable {
    /// 16 bytes.
    package let vaultID: [UInt8]
    /// The log's name in checkpoints, one for each node.
    package let origin: String

    /// - Throws: ``NoteError/badKey(_:)`` for a name that cannot stand in a note.
    package init(vaultID: [UInt8], origin: String) throws(NoteError) {
        precondition(vaultID.count == AuditLimits.vaultIDBytes, "a vault's id has 16 bytes")
        guard NoteVerifier.isValidName(origin) else {
            throw .badKey("the name of the log is not allowed")
        }
        self.vaultID = vaultID
        self.origin = origin
    }

    func write(into writer: inout ByteWriter) {
        writer.writeBytes(vaultID)
        writer.writeString(origin)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        vaultID = try reader.readBytes(AuditLimits.vaultIDBytes)
        origin = try reader.readString(atMost: AuditLimits.nameBytesMax)
        guard NoteVerifier.isValidName(origin) else {
            throw .malformed("the name of a log has a space or a plus in it")
        }
    }

    /// Names are equal by bytes.
    package static func == (a: LogIdentity, b: LogIdentity) -> Bool {
        a.vaultID == b.vaultID && utf8Equals(a.origin, b.origin)
    }
}
