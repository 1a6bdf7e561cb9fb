package import Wire

/// What the files of a log show, and what they do not.
package struct AuditVerdict: Sendable, Equatable {
    /// Which log.
    package let log: LogIdentity
    /// Segment files that were read.
    package internal(set) var segments = 0
    /// Leaves up to the end of the log, those that are missing included.
    package internal(set) var leaves: UInt64 = 0
    /// The root over them. Means something only if nothing was found.
    package internal(set) var root = TreeHash.ofEmptyTree
    /// The log's own checkpoints that a given key signed and that fit.
    package internal(set) var checkpoints = 0
    /// Checkpoints that none of the given keys signed.
    package internal(set) var foreignCheckpoints = 0
    /// Leaves that the last of the log's own checkpoints covers.
    package internal(set) var covered: UInt64 = 0
    /// Anchors of this log that were given.
    package internal(set) var anchors = 0
    /// Anchors of other logs that were given, and passed over.
    package internal(set) var foreignAnchors = 0
    /// Leaves that the last fitting anchor covers; nil if none was given or none fits.
    package internal(set) var anchored: UInt64?
    /// When the newest segment was begun.
    package internal(set) var newest = Timestamp(nanoseconds: 0)
    /// Bytes of a write at the end that is not finished.
    package internal(set) var tornBytes: UInt64 = 0
    /// Segments that were begun after a crash had torn a write.
    package internal(set) var cuts = 0
    /// The newest checkpoint that fits and is signed, of the log itself or an anchor.
    package internal(set) var proven: SignedCheckpoint?
    /// What is wrong, in the order of the log; at most ``AuditLimits/findingsMax``.
    package private(set) var findings: [AuditFinding] = []
    /// How many there are in all.
    package private(set) var findingsCount = 0

    init(log: LogIdentity) { self.log = log }

    /// Whether nothing was found.
    package var isIntact: Bool { findingsCount == 0 }

    mutating func add(_ finding: AuditFinding) {
        findingsCount += 1
        if findings.count < AuditLimits.findingsMax { findings.append(finding) }
    }

    /// What follows from the files, each as one sentence, and what does not follow.
    package var claims: [String] {
        guard isIntact else {
            return ["the log is not what was written: keep a copy of these files as they are"]
        }
        var claims: [String] = []
        let signed = max(covered, anchored ?? 0)
        if signed > 0 {
            claims.append(
                "complete and unaltered up to leaf \(signed - 1): no leaf before it was changed, "
                    + "deleted or reordered"
            )
        } else {
            claims.append("no checkpoint covers any leaf, so nothing about them is proven")
        }
        if leaves > signed {
            claims.append("\(leaves - signed) leaves behind the last checkpoint are not signed yet")
        }
        if AuditNames.isLater(log.origin) {
            claims.append(
                "this log was begun beside a damaged one of the same node: its first record says "
                    + "which, and that one is evidence of its own"
            )
        }
        if tornBytes > 0 {
            claims.append(
                "\(tornBytes) bytes at the end are a write that was not finished: of a crash, or "
                    + "of a copy made while the node wrote"
            )
        }
        if let anchored {
            claims.append(
                "an anchor kept elsewhere confirms \(anchored) leaves: nothing up to there was cut "
                    + "off, and there is no second history"
            )
            claims.append("nothing proves that there is no more behind leaf \(leaves - 1)")
        } else {
            claims.append(
                "nothing proves that there is no more behind leaf \(leaves - 1), nor that this is "
                    + "the only history: that takes anchors which another node kept"
            )
        }
        return claims
    }
}
