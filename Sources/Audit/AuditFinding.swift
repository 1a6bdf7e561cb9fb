/// Something in a log's folder that no crash and no mistake in copying explains.
package enum AuditFinding: Sendable, Equatable {
    /// Bytes that cannot be read.
    case damaged(file: String, offset: UInt64, reason: String)
    /// Segments are not there, and with them these leaves.
    case missingSegments(numbers: ClosedRange<UInt64>, leaves: Range<UInt64>)
    /// A file whose content says that it is another segment.
    case swapped(file: String, says: UInt64)
    /// A file of another log.
    case foreign(file: String, log: String)
    /// A leaf that says that it belongs elsewhere.
    case outOfPlace(position: UInt64, says: UInt64)
    /// A leaf that is no sealed record.
    case malformedLeaf(index: UInt64)
    /// Leaves are missing before the start of this segment.
    case deleted(leaves: Range<UInt64>, before: UInt64)
    /// A segment begins with another tree than the leaves before it give.
    case rewritten(before: UInt64, size: UInt64)
    /// The leaves up to `size` do not give the root that was signed; they did up to `since`.
    case altered(since: UInt64, size: UInt64)
    /// A checkpoint stands behind another number of leaves than it says.
    case countDiffers(have: UInt64, signed: UInt64)
    /// A checkpoint that is not one, or whose signature is wrong.
    case badCheckpoint(leaf: UInt64, reason: String)
    /// The log ends earlier than an anchor says it was.
    case truncated(have: UInt64, anchored: UInt64)
    /// The folder and an anchor tell two histories, and both are signed.
    case forked(size: UInt64, have: TreeHash, anchored: TreeHash)
    /// More leaves than the loss window behind the last checkpoint, so anything may have happened
    /// to them.
    case uncovered(Range<UInt64>)

    /// One word for programs.
    package var kind: String {
        switch self {
        case .damaged: "damaged"
        case .missingSegments, .deleted: "deleted"
        case .swapped, .outOfPlace: "reordered"
        case .foreign: "foreign"
        case .malformedLeaf, .rewritten, .altered: "altered"
        case .countDiffers: "deleted"
        case .badCheckpoint: "bad-checkpoint"
        case .truncated: "truncated"
        case .forked: "forked"
        case .uncovered: "uncovered"
        }
    }

    /// One sentence for people.
    package var summary: String {
        switch self {
        case .damaged(let file, let offset, let reason):
            "\(file) is damaged at byte \(offset): \(reason)"
        case .missingSegments(let numbers, let leaves):
            "\(Self.segments(numbers)) missing, with \(Self.text(leaves))"
        case .swapped(let file, let says): "\(file) holds segment \(says)"
        case .foreign(let file, let log): "\(file) is of the log \(log)"
        case .outOfPlace(let position, let says):
            "leaf \(says) stands where leaf \(position) belongs"
        case .malformedLeaf(let index): "leaf \(index) is not a sealed record"
        case .deleted(let leaves, let before):
            "\(Self.text(leaves)) missing before segment \(before)"
        case .rewritten(let before, let size):
            "the \(size) leaves before segment \(before) are not those that it was begun behind"
        case .altered(let since, let size):
            "\(Self.text(since..<size)): not what was signed"
        case .countDiffers(let have, let signed):
            "a checkpoint over \(signed) leaves stands behind \(have)"
        case .badCheckpoint(let leaf, let reason): "the checkpoint behind leaf \(leaf): \(reason)"
        case .truncated(let have, let anchored):
            "the log ends after \(have) leaves and had \(anchored): \(Self.text(have..<anchored)) "
                + "missing"
        case .forked(let size, let have, let anchored):
            "two histories are signed: of \(size) leaves this folder has the root "
                + "\(have.hex.prefix(16))…, the anchor \(anchored.hex.prefix(16))…"
        case .uncovered(let leaves):
            "\(Self.text(leaves)) stand behind the last checkpoint, at most "
                + "\(AuditLimits.uncoveredLeavesMax) ever do"
        }
    }

    private static func text(_ leaves: Range<UInt64>) -> String {
        switch leaves.count {
        case 0: "no leaf"
        case 1: "leaf \(leaves.lowerBound)"
        default: "leaves \(leaves.lowerBound) to \(leaves.upperBound - 1)"
        }
    }

    private static func segments(_ numbers: ClosedRange<UInt64>) -> String {
        numbers.count == 1
            ? "segment \(numbers.lowerBound) is"
            : "segments \(numbers.lowerBound) to \(numbers.upperBound) are"
    }
}
