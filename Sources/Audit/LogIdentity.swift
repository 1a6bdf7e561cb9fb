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

/// The names by which a vault's logs and its key are known in notes.
package enum AuditNames {
    /// Of the key that signs the checkpoints of all its logs.
    package static func key(of vaultID: [UInt8]) -> String { "holdfast/" + Hex.encode(vaultID) }

    /// Of the log of one node.
    package static func log(of vaultID: [UInt8], node: String) -> String {
        key(of: vaultID) + "/" + node
    }

    /// Of the cluster's log of anchors; no node has this name, for theirs end in digits of a pin.
    package static func anchors(of vaultID: [UInt8]) -> String { key(of: vaultID) + "/anchors" }
}
