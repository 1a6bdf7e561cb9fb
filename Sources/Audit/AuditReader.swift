package import Cryptography
import Wire

/// Reads the records of a log, for whoever has the audit's private key.
///
/// Only reads, so it may look at a folder that is being written; what is written meanwhile may be
/// missing at the end. It does not verify: ``AuditVerifier`` does.
package enum AuditReader {
    /// A record and where it stands.
    package struct Entry: Sendable, Equatable {
        /// Position in the log; the first leaf is 0.
        package let index: UInt64
        /// The line, as it was appended.
        package let record: [UInt8]
    }

    /// The numbers of the segments that are there, ascending.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)``.
    package static func segments(in folder: String) throws(AuditError) -> [UInt64] {
        try SegmentName.all(in: folder).map(\.number)
    }

    /// The records of one segment, in their order. The opening is none.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` for another key, or a leaf that was altered;
    ///   `damaged` for a segment that is not whole, unless it is the newest; `system`.
    /// - Complexity: the segment in memory, sealed and opened.
    package static func records(
        ofSegment number: UInt64,
        in folder: String,
        with key: borrowing HPKERecipient.PrivateKey
    ) throws(AuditError) -> [Entry] {
        let path = folder + "/" + SegmentName(number: number).text
        let segment = try Segment(reading: path, isLast: true)
        let segmentKey = try segment.opening.openKey(with: key)
        var entries: [Entry] = []
        for frame in segment.frames.dropFirst() where frame.kind == .leaf {
            let leaf: LeafBox
            do {
                leaf = try LeafBox(decoding: frame.content)
            } catch {
                throw .damaged(path: path, offset: 0, reason: error.summary)
            }
            entries.append(Entry(index: leaf.index, record: try segmentKey.open(leaf)))
        }
        if case .damaged(let offset, let reason) = segment.ending {
            throw .damaged(path: path, offset: offset, reason: reason)
        }
        return entries
    }
}
