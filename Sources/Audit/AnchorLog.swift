package import Wire

/// The cluster's own log: anchors of all members' audit logs, in the order in which they were
/// agreed on. Its leaves are the signed notes.
///
/// Bytes: format u8, 1 · the tree's frontier · length and bytes of the newest note over the tree;
/// empty at first.
package struct AnchorLog: Sendable, Equatable {
    private static let formatVersion: UInt8 = 1

    /// The tree over all anchors that ever were.
    package private(set) var frontier: Frontier
    /// The newest signed checkpoint of this log itself.
    package private(set) var note: [UInt8]

    /// Without an anchor.
    package init() {
        frontier = Frontier()
        note = []
    }

    /// Anchors that ever were.
    package var size: UInt64 { frontier.size }

    /// Adds anchors and signs the tree.
    ///
    /// - Parameter origin: the name of the cluster's log.
    /// - Throws: ``NoteError/signing(_:)``.
    package mutating func add(
        _ anchors: [SignedNote],
        origin: String,
        by signer: borrowing NoteSigner
    ) throws(NoteError) {
        for anchor in anchors { frontier.append(.leaf(anchor.bytes)) }
        let checkpoint = Checkpoint(origin: origin, size: frontier.size, root: frontier.root)
        note = try checkpoint.signed(by: signer).bytes
    }

    /// As it is stored.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 1_024)
        writer.writeUInt8(Self.formatVersion)
        frontier.write(into: &writer)
        writer.writeBlob(note)
        return writer.bytes
    }

    /// Reads ``encoded()``.
    ///
    /// - Throws: ``WireError``.
    package init(decoding bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        try reader.readFormat(Self.formatVersion, of: "the anchors' log")
        frontier = try Frontier(from: &reader)
        note = try reader.readBlob(atMost: AuditLimits.noteBytesMax)
        try reader.finish()
    }
}
