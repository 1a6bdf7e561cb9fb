import Wire

/// What a log was when it had so many leaves: its name, its size and its root. Whoever holds a
/// signed one can tell later whether the log still begins with the same leaves.
///
/// - Source: C2SP tlog-checkpoint.
package struct Checkpoint: Sendable, Equatable {
    /// The name of the log.
    package let origin: String
    /// Leaves in the log.
    package let size: UInt64
    /// The root over them.
    package let root: TreeHash
    /// Further lines, which nothing is known about. We write none.
    package let extensions: [String]

    /// - Parameter origin: satisfies ``NoteVerifier/isValidName(_:)``.
    package init(origin: String, size: UInt64, root: TreeHash) {
        precondition(NoteVerifier.isValidName(origin), "the name of a log has no spaces")
        self.origin = origin
        self.size = size
        self.root = root
        extensions = []
    }

    /// The text of the note: three lines and the further ones.
    package var text: String {
        ([origin, String(size), root.base64] + extensions).map { $0 + "\n" }.joined()
    }

    /// Reads ``text``.
    ///
    /// - Throws: ``NoteError/notACheckpoint(_:)``.
    package init(text: String) throws(NoteError) {
        guard text.utf8.last == 0x0A else {
            throw .notACheckpoint("it does not end with a line end")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        guard (3...3 + AuditLimits.extensionsMax).contains(lines.count) else {
            throw .notACheckpoint("it has \(lines.count) lines")
        }
        guard lines.allSatisfy({ !$0.isEmpty }) else {
            throw .notACheckpoint("it has an empty line")
        }
        guard lines[0].utf8.count <= AuditLimits.nameBytesMax else {
            throw .notACheckpoint("the log's name is too long")
        }
        // One spelling for each number, so that no two texts say the same.
        guard let size = UInt64(lines[1]), utf8Equals(String(size), String(lines[1])) else {
            throw .notACheckpoint("its second line is not a size")
        }
        guard let root = Base64.decode(String(lines[2])).flatMap({ TreeHash($0) }) else {
            throw .notACheckpoint("its third line is not a root hash")
        }
        origin = String(lines[0])
        self.size = size
        self.root = root
        extensions = lines.dropFirst(3).map(String.init)
    }

    /// The checkpoint, signed.
    package func signed(by signer: borrowing NoteSigner) throws(NoteError) -> SignedNote {
        try SignedNote(text, by: signer)
    }
}

/// A checkpoint that a known key vouches for. Cannot be made without one.
package struct SignedCheckpoint: Sendable, Equatable {
    /// What was signed.
    package let checkpoint: Checkpoint
    /// The note as it was given, with all its signatures.
    package let note: SignedNote

    /// Checks the signatures and reads the text.
    ///
    /// - Throws: ``NoteError``.
    package init(_ note: SignedNote, keys: [NoteVerifier]) throws(NoteError) {
        _ = try note.signers(among: keys)
        checkpoint = try Checkpoint(text: note.text)
        self.note = note
    }

    /// Reads a file with several notes, an empty line between two of them, and checks each one.
    ///
    /// - Returns: in the order of the file; none from an empty file.
    /// - Throws: ``NoteError`` of the first one that is not accepted.
    package static func several(
        _ bytes: [UInt8],
        keys: [NoteVerifier]
    ) throws(NoteError) -> [SignedCheckpoint] {
        var checkpoints: [SignedCheckpoint] = []
        var start = bytes.startIndex
        var emptyLines = 0
        for position in bytes.indices where bytes[position] == 0x0A {
            let isEmptyLine = position == start || bytes[position - 1] == 0x0A
            if isEmptyLine { emptyLines += 1 }
            // A checkpoint has no empty line, so the second one ends the note.
            guard emptyLines == 2 else { continue }
            checkpoints.append(
                try SignedCheckpoint(SignedNote(Array(bytes[start..<position])), keys: keys)
            )
            start = position + 1
            emptyLines = 0
        }
        if start < bytes.endIndex {
            checkpoints.append(try SignedCheckpoint(SignedNote(Array(bytes[start...])), keys: keys))
        }
        return checkpoints
    }
}
