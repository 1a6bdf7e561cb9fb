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
    ///
    /// - Parameter generation: counts, from 1, the logs that the node began because the one before
    ///   was damaged.
    package static func log(
        of vaultID: [UInt8],
        node: String,
        generation: UInt64 = 1
    ) -> String {
        key(of: vaultID) + "/" + node + suffix(generation)
    }

    /// What stands behind the names of a generation's log and folder. A node's own name ends in
    /// digits of its pin, so none looks like another node's.
    package static func suffix(_ generation: UInt64) -> String {
        generation > 1 ? ".\(generation)" : ""
    }

    /// Whether a log was begun beside a damaged one.
    static func isLater(_ origin: String) -> Bool {
        guard let dot = origin.lastIndex(of: ".") else { return false }
        return generation(origin, of: String(origin[..<dot])).map { $0 > 1 } ?? false
    }

    /// Which generation of a log, or a folder, a name is.
    ///
    /// - Parameter first: the name of the first generation.
    /// - Returns: nil for a name that is none.
    package static func generation(_ name: String, of first: String) -> UInt64? {
        guard name.utf8.starts(with: first.utf8) else { return nil }
        let rest = String(decoding: name.utf8.dropFirst(first.utf8.count), as: UTF8.self)
        if rest.isEmpty { return 1 }
        guard let number = UInt64(rest.dropFirst()), number > 1,
            number <= AuditLimits.generationsMax, utf8Equals(suffix(number), rest)
        else { return nil }
        return number
    }

    /// Of the cluster's log of anchors; no node has this name, for theirs end in digits of a pin.
    package static func anchors(of vaultID: [UInt8]) -> String { key(of: vaultID) + "/anchors" }
}
