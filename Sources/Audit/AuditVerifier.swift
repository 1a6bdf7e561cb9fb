/// Reads a log's folder and says whether it is what was written.
///
/// With the files and the verifier key of the checkpoints it finds alteration, deletion and
/// reordering; with anchors, which are checkpoints that another node kept, also truncation and a
/// fork. It needs no secret and reads no record. Memory: one segment.
package struct AuditVerifier: Sendable {
    private let keys: [NoteVerifier]
    private let anchors: [SignedCheckpoint]

    /// - Parameters:
    ///   - keys: whose checkpoints count.
    ///   - anchors: checkpoints from elsewhere; those of other logs are passed over.
    package init(keys: [NoteVerifier], anchors: [SignedCheckpoint] = []) {
        self.keys = keys
        self.anchors = anchors
    }

    /// Reads all segments.
    ///
    /// - Throws: ``AuditError/empty(path:)`` if there is no log, `damaged` if no segment can be
    ///   opened, `system`. What is wrong with a log that can be read is in the verdict.
    package func verify(folder: String) throws(AuditError) -> AuditVerdict {
        let names = try SegmentName.all(in: folder)
        guard let newest = names.last else { throw .empty(path: folder) }
        var run: VerifierRun?
        var unread: [AuditFinding] = []
        var firstFailure: AuditError?
        for name in names {
            let segment: Segment
            do throws(AuditError) {
                segment = try Segment(
                    reading: folder + "/" + name.text,
                    isLast: name == newest
                )
            } catch {
                guard case .damaged(_, let offset, let reason) = error else { throw error }
                firstFailure = firstFailure ?? error
                let finding = AuditFinding.damaged(
                    file: name.text,
                    offset: offset,
                    reason: reason
                )
                if run == nil { unread.append(finding) } else { run?.skip(name, finding) }
                continue
            }
            var next = run ?? VerifierRun(segment.opening.log, keys: keys, anchors: anchors)
            if run == nil { next.begin(with: unread, before: name) }
            next.read(segment, name: name)
            run = next
        }
        guard let run else { throw firstFailure ?? .empty(path: folder) }
        return run.finish()
    }
}

/// The state of a verifier between two frames.
struct VerifierRun {
    private let keys: [NoteVerifier]
    /// Of this log, by ascending size.
    private let anchors: [SignedCheckpoint]
    private var verdict: AuditVerdict
    /// The tree over all leaves so far. After something was found it goes on with what the next
    /// segment says about the tree before it, so that one finding does not hide the next.
    private var frontier = Frontier()
    private var nextNumber: UInt64 = 1
    /// Whether the tree cannot be right any more, until the next segment begins.
    private var isBroken = false
    private var anchorPosition = 0
    /// The first anchor that does not fit, with the root that the folder gives for its size.
    private var misfit: (anchor: SignedCheckpoint, have: TreeHash)?
    private var hasDoubt = false

    init(_ log: LogIdentity, keys: [NoteVerifier], anchors: [SignedCheckpoint]) {
        self.keys = keys
        let own = anchors.filter { $0.checkpoint.origin.utf8.elementsEqual(log.origin.utf8) }
        self.anchors = own.sorted { $0.checkpoint.size < $1.checkpoint.size }
        verdict = AuditVerdict(log: log)
        verdict.anchors = own.count
        verdict.foreignAnchors = anchors.count - own.count
    }

    /// Takes what was found before the first segment that could be read.
    mutating func begin(with findings: [AuditFinding], before name: SegmentName) {
        guard !findings.isEmpty else { return }
        for finding in findings { found(finding) }
        nextNumber = name.number
        isBroken = true
    }

    /// A segment that cannot be read at all.
    mutating func skip(_ name: SegmentName, _ finding: AuditFinding) {
        found(finding)
        nextNumber = name.number + 1
        isBroken = true
    }

    /// The next segment that could be read.
    mutating func read(_ segment: Segment, name: SegmentName) {
        verdict.segments += 1
        let opening = segment.opening
        guard opening.log == verdict.log else {
            skip(name, .foreign(file: name.text, log: opening.log.origin))
            return
        }
        join(opening, name: name)
        verdict.newest = max(verdict.newest, opening.made)
        if opening.cutBytes > 0 { verdict.cuts += 1 }
        for (position, frame) in segment.frames.enumerated() {
            switch frame.kind {
            case .leaf: take(leaf: frame.content, isOpening: position == 0)
            case .checkpoint: take(checkpoint: frame.content)
            case .syncMark: break
            }
        }
        switch segment.ending {
        case .whole: break
        case .torn(_, let bytes): verdict.tornBytes = bytes
        case .damaged(let offset, let reason):
            found(.damaged(file: name.text, offset: offset, reason: reason))
            isBroken = true
        }
    }

    /// Compares what a segment says about the tree before it with the leaves that were read.
    private mutating func join(_ opening: SegmentOpening, name: SegmentName) {
        let start = opening.frontier
        if opening.number != name.number {
            found(.swapped(file: name.text, says: opening.number))
        } else if name.number > nextNumber {
            let first = min(frontier.size, start.size)
            found(
                .missingSegments(
                    numbers: nextNumber...(name.number - 1),
                    leaves: first..<start.size
                )
            )
        } else if start != frontier && !isBroken {
            found(
                start.size > frontier.size
                    ? .deleted(leaves: frontier.size..<start.size, before: opening.number)
                    : .rewritten(before: opening.number, size: start.size)
            )
        }
        nextNumber = name.number + 1
        isBroken = false
        if frontier != start {
            frontier = start
            while let next = nextAnchor, next.checkpoint.size < frontier.size {
                anchorPosition += 1
            }
        }
        compareAnchors()
    }

    private mutating func take(leaf content: [UInt8], isOpening: Bool) {
        if !isOpening {
            if let leaf = try? LeafBox(decoding: content) {
                if leaf.index != frontier.size, !isBroken {
                    found(.outOfPlace(position: frontier.size, says: leaf.index))
                    isBroken = true
                }
            } else {
                found(.malformedLeaf(index: frontier.size))
                isBroken = true
            }
        }
        frontier.append(.leaf(content))
        compareAnchors()
    }

    private mutating func take(checkpoint bytes: [UInt8]) {
        guard !isBroken else { return }
        let signed: SignedCheckpoint
        do throws(NoteError) {
            signed = try SignedCheckpoint(SignedNote(bytes), keys: keys)
        } catch {
            if case .unknownSigners = error {
                verdict.foreignCheckpoints += 1
            } else {
                found(.badCheckpoint(leaf: frontier.size, reason: error.summary))
            }
            return
        }
        let checkpoint = signed.checkpoint
        guard checkpoint.origin.utf8.elementsEqual(verdict.log.origin.utf8) else {
            found(.badCheckpoint(leaf: frontier.size, reason: "it is of \(checkpoint.origin)"))
            return
        }
        if checkpoint.size != frontier.size {
            found(.countDiffers(have: frontier.size, signed: checkpoint.size))
            isBroken = true
        } else if checkpoint.root != frontier.root {
            found(.altered(since: min(verdict.covered, checkpoint.size), size: checkpoint.size))
            isBroken = true
        } else {
            verdict.checkpoints += 1
            verdict.covered = checkpoint.size
            if !hasDoubt { verdict.proven = signed }
        }
    }

    private var nextAnchor: SignedCheckpoint? {
        anchorPosition < anchors.count ? anchors[anchorPosition] : nil
    }

    private mutating func compareAnchors() {
        while let next = nextAnchor, next.checkpoint.size == frontier.size {
            anchorPosition += 1
            guard !isBroken else { continue }
            if next.checkpoint.root == frontier.root {
                verdict.anchored = frontier.size
                if !hasDoubt { verdict.proven = next }
            } else if misfit == nil {
                misfit = (next, frontier.root)
            }
        }
    }

    private mutating func found(_ finding: AuditFinding) {
        hasDoubt = true
        verdict.add(finding)
    }

    /// The verdict, when all segments were read.
    consuming func finish() -> AuditVerdict {
        verdict.leaves = frontier.size
        verdict.root = frontier.root
        if let misfit {
            let size = misfit.anchor.checkpoint.size
            // The log's own signature on the other history makes it a fork; without one, somebody
            // changed the files.
            if !hasDoubt && verdict.covered >= size {
                found(
                    .forked(
                        size: size,
                        have: misfit.have,
                        anchored: misfit.anchor.checkpoint.root
                    )
                )
            } else if !hasDoubt {
                let since = max(verdict.covered, verdict.anchored ?? 0)
                found(.altered(since: min(since, size), size: size))
            }
        }
        if let last = anchors.last, last.checkpoint.size > frontier.size {
            found(.truncated(have: frontier.size, anchored: last.checkpoint.size))
        }
        let signed = max(verdict.covered, verdict.anchored ?? 0)
        if frontier.size > signed, frontier.size - signed > AuditLimits.uncoveredLeavesMax {
            found(.uncovered(signed..<frontier.size))
        }
        return verdict
    }
}
