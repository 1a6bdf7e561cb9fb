package import Cryptography
import Wire

/// Follows a log while its node writes it, without reading anything twice.
///
/// Only reads, and holds no file open. It stands in one segment: ``next()`` gives what is new
/// there, ``advance()`` goes to the one behind it. Each segment has a key of its own, which the
/// caller has to bring; see ``SegmentOpening/secret(with:)``. It does not verify:
/// ``AuditVerifier`` does.
package struct AuditTail: Sendable {
    /// What is new.
    package enum Step: Sendable {
        /// A segment begins. It comes again until ``unlock(with:)`` was called.
        case opened(SegmentOpening)
        /// Leaves that were read, at least one.
        case leaves([LeafBox])
        /// Nothing, and the log has no more. So many bytes at its end are no whole write: one that
        /// is under way, or one that a crash tore.
        case idle(unfinishedBytes: Int)
        /// Nothing, and there is a later segment.
        case over
        /// From here on this segment cannot be read.
        case damaged(AuditError)
        /// Segments are missing before this one, which comes next.
        case gap(AuditError)
    }

    /// The segment in which it stands.
    package private(set) var segment: UInt64
    private let folder: String
    private var offset: UInt64 = 0
    private var opening: SegmentOpening?
    private var key: SegmentKey?
    /// The segment after which some are missing.
    private var gapAfter: UInt64?

    /// Stands at the beginning of a segment.
    package init(folder: String, segment: UInt64) {
        self.folder = folder
        self.segment = segment
    }

    /// What the segment has behind what was given before.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)`` if a file cannot be read, and
    ///   `wrongFormat`. What is damaged is a step.
    package mutating func next() throws(AuditError) -> Step {
        if let gapAfter {
            self.gapAfter = nil
            return .gap(.missingSegments(after: gapAfter, next: segment))
        }
        do throws(AuditError) {
            if opening == nil { try begin() }
            if let opening, key == nil { return .opened(opening) }
            let step = try read(isLast: true) ?? .idle(unfinishedBytes: 0)
            guard case .idle = step, try later() != nil else { return step }
            // The node finished this one before it named the next, maybe since we looked.
            return try read(isLast: false) ?? .over
        } catch {
            guard case .damaged = error else { throw error }
            return .damaged(error)
        }
    }

    /// Takes the key of the segment that was opened.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` if it is of another segment.
    package mutating func unlock(with secret: borrowing SecretBytes) throws(AuditError) {
        guard let opening else { preconditionFailure("no segment was opened") }
        key = try opening.key(from: secret)
    }

    /// The record in a leaf of the segment.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` if the leaf was altered or moved.
    package func open(_ leaf: LeafBox) throws(AuditError) -> [UInt8] {
        guard let key else { preconditionFailure("the segment is not unlocked") }
        return try key.open(leaf)
    }

    /// Goes to the beginning of the next segment that is there.
    ///
    /// - Returns: false if there is none; it stays where it is then.
    package mutating func advance() throws(AuditError) -> Bool {
        guard let next = try later() else { return false }
        if next != segment + 1 { gapAfter = segment }
        segment = next
        offset = 0
        opening = nil
        key = nil
        return true
    }

    private var path: String { folder + "/" + SegmentName(number: segment).text }

    private func later() throws(AuditError) -> UInt64? {
        try SegmentName.all(in: folder).first { $0.number > segment }?.number
    }

    /// Reads the opening, which is durable before the file has its name.
    private mutating func begin() throws(AuditError) {
        let bytes = try AuditFile(reading: path).read(from: 0, atMost: AuditLimits.tailBytesMax)
        try Segment.checkHead(of: bytes, path: path)
        let start = Segment.headBytes
        do {
            let frame = try Frame(in: bytes, at: start)
            let found = try SegmentOpening(decoding: frame.content)
            guard found.number == segment else {
                throw Frame.Unreadable(reason: "it says that it is segment \(found.number)")
            }
            opening = found
            offset = UInt64(start + frame.byteCount)
        } catch {
            let reason = (error as? Frame.Unreadable)?.reason ?? "it has no opening"
            throw .damaged(path: path, offset: UInt64(start), reason: reason)
        }
    }

    /// - Parameter isLast: whether a write may be under way, or torn, at the end.
    /// - Returns: nil if the segment has nothing more.
    private mutating func read(isLast: Bool) throws(AuditError) -> Step? {
        let file = try AuditFile(reading: path)
        while true {
            let bytes = try file.read(from: offset, atMost: AuditLimits.tailBytesMax)
            guard !bytes.isEmpty else { return nil }
            var position = 0
            var leaves: [LeafBox] = []
            var reason = ""
            while position < bytes.count {
                do throws(Frame.Unreadable) {
                    let frame = try Frame(in: bytes, at: position)
                    if frame.kind == .leaf { leaves.append(try Self.leaf(frame)) }
                    position += frame.byteCount
                } catch {
                    reason = error.reason
                    break
                }
            }
            offset += UInt64(position)
            if !leaves.isEmpty { return .leaves(leaves) }
            if position > 0 { continue }
            let isUnfinished =
                isLast && bytes.count < AuditLimits.tailBytesMax
                && !Frame.hasSyncMark(in: bytes, from: 0)
            if isUnfinished { return .idle(unfinishedBytes: bytes.count) }
            throw .damaged(path: path, offset: offset, reason: reason)
        }
    }

    private static func leaf(_ frame: Frame) throws(Frame.Unreadable) -> LeafBox {
        do throws(WireError) {
            return try LeafBox(decoding: frame.content)
        } catch {
            throw Frame.Unreadable(reason: error.summary)
        }
    }
}
