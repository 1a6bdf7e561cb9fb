import Wire

/// What a node finds of its log when it starts: how far the log goes.
struct FoundLog {
    /// Number of the newest segment; 0 for a folder without a log.
    let segments: UInt64
    /// The tree over all leaves.
    let frontier: Frontier
    /// Bytes of a torn write that were cut off.
    let cutBytes: UInt32

    /// Reads the newest segment and cuts off what a crash left half written.
    ///
    /// - Parameter anchored: what was kept elsewhere of the log.
    init(
        _ settings: AuditLog.Settings,
        anchored: Checkpoint? = nil
    ) throws(AuditError) {
        let names = try SegmentName.all(in: settings.folder)
        for (name, next) in zip(names, names.dropFirst()) where name.number + 1 != next.number {
            throw .missingSegments(after: name.number, next: next.number)
        }
        guard let newest = names.last else {
            segments = 0
            frontier = Frontier()
            cutBytes = 0
            try check(anchored, settings)
            return
        }
        let path = settings.folder + "/" + newest.text
        let segment = try Segment(reading: path, isLast: true)
        let opening = segment.opening
        guard opening.log == settings.log else {
            throw .otherLog(
                path: path,
                have: opening.log.origin,
                want: settings.log.origin
            )
        }
        guard opening.number == newest.number else {
            throw .damaged(
                path: path,
                offset: 0,
                reason: "it says that it is segment \(opening.number)"
            )
        }
        segments = newest.number
        frontier = try Self.frontier(of: segment)
        if case .damaged(let offset, let reason) = segment.ending {
            throw .damaged(path: path, offset: offset, reason: reason)
        }
        if case .torn(_, let bytes) = segment.ending {
            cutBytes = UInt32(clamping: bytes)
        } else {
            cutBytes = 0
        }
        try check(anchored, settings)
        try finish(path, segment.ending)
    }

    /// A log without its end looks whole; what another member kept of it tells.
    private func check(
        _ anchored: Checkpoint?,
        _ settings: AuditLog.Settings
    ) throws(AuditError) {
        guard let anchored else { return }
        guard frontier.size >= anchored.size else {
            throw .cut(path: settings.folder, have: frontier.size, anchored: anchored.size)
        }
        guard frontier.size > anchored.size || frontier.root == anchored.root else {
            throw .altered(size: anchored.size)
        }
    }

    /// Cuts off a torn write, and gives back the room that the last process had taken ahead.
    private func finish(_ path: String, _ ending: Segment.Ending) throws(AuditError) {
        let file = try AuditFile(changing: path)
        guard case .torn(let offset, _) = ending else {
            return try file.cut(to: file.bytes().size)
        }
        try file.cut(to: offset)
        try file.sync()
    }

    /// Grows the tree by the segment's leaves, and compares it with the checkpoints among them:
    /// signed or not, they say what this node had written.
    private static func frontier(of segment: Segment) throws(AuditError) -> Frontier {
        var frontier = segment.opening.frontier
        for frame in segment.frames {
            switch frame.kind {
            case .leaf: frontier.append(.leaf(frame.content))
            case .syncMark: break
            case .checkpoint:
                let checkpoint: Checkpoint
                do throws(NoteError) {
                    checkpoint = try Checkpoint(text: SignedNote(frame.content).text)
                } catch {
                    throw .note(error)
                }
                guard checkpoint.size == frontier.size, checkpoint.root == frontier.root else {
                    throw .altered(size: checkpoint.size)
                }
            }
        }
        return frontier
    }
}
