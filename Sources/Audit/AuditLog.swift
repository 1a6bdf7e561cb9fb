package import Cryptography
package import Wire

/// The audit log of one node, opened for writing. The only writer of its folder; one thread.
///
/// Contract
/// - ``append(_:at:entropy:)`` writes all records of a batch with as few system calls as possible.
///   They are in the page cache when it returns: an answer may leave then. They are durable after
///   the next ``sync()`` or ``checkpoint(by:)``, which the caller does at least every second or
///   every ``AuditLimits/uncoveredLeavesMax`` leaves. That is the stated loss window.
/// - An error that ``AuditError/isFatal`` ends the log, and the process has to end with it. Any
///   other one leaves the log as it was before the call; no audit, no answer.
/// - Writing takes the audit *public* key only, so a sealed node can write and nobody who reads the
///   folder sees a record. Signing takes a ``NoteSigner``; a node without one anchors ``head()``.
/// - Who writes (`Node`) makes the records, owns the thread and the clock, and sends checkpoints to
///   the other members.
package struct AuditLog: ~Copyable {
    /// What a log is written with.
    package struct Settings: Sendable {
        /// Where the segments are. It is there already, and nothing else is in it.
        package let folder: String
        /// Vault and name of the log.
        package let log: LogIdentity
        /// The audit public key, 1216 bytes.
        package let recipient: [UInt8]
        /// A segment that has grown to so many bytes gets a successor.
        package let segmentBytes: Int

        /// - Parameter segmentBytes: at most ``AuditLimits/segmentBytesMax``.
        package init(
            folder: String,
            log: LogIdentity,
            recipient: [UInt8],
            segmentBytes: Int = AuditLimits.segmentBytesMax
        ) {
            precondition((1...AuditLimits.segmentBytesMax).contains(segmentBytes))
            self.folder = folder
            self.log = log
            self.recipient = recipient
            self.segmentBytes = segmentBytes
        }
    }

    /// Where a record stands in the log.
    package struct Receipt: Sendable, Equatable {
        /// Position; the first leaf is 0.
        package let index: UInt64
        /// The leaf's hash. An intent's rides in the batch that it announces.
        package let hash: TreeHash
    }

    private let settings: Settings
    private var segment: OpenSegment
    private var frontier: Frontier
    /// Bytes written since the last sync.
    private var unsyncedBytes = 0
    /// The newest checkpoint and who signed it.
    private var last: (size: UInt64, signer: NoteVerifier, note: SignedNote)?
    /// Why the log takes nothing any more.
    private var endedBy: String?

    /// Opens the log in a folder, or begins one there.
    ///
    /// Reads the newest segment only, whose opening tells the tree before it. A write that a crash
    /// has torn is cut off; how long it was is on the record in the next segment.
    /// - Throws: ``AuditError/damaged(path:offset:reason:)``, `missingSegments`, `otherLog`,
    ///   `wrongFormat`, `system`, `full`, `syncFailed`, `cryptography`.
    package static func open(
        _ settings: Settings,
        at now: Timestamp,
        entropy: inout some EntropySource
    ) throws(AuditError) -> AuditLog {
        let found = try FoundLog(settings)
        var frontier = found.frontier
        let segment = try OpenSegment.begin(
            SegmentOpening.Place(
                log: settings.log,
                number: found.segments + 1,
                frontier: frontier,
                made: now,
                cutBytes: found.cutBytes
            ),
            settings: settings,
            entropy: &entropy
        )
        frontier.append(segment.openingHash)
        return AuditLog(settings: settings, segment: segment, frontier: frontier)
    }

    private init(
        settings: Settings,
        segment: consuming OpenSegment,
        frontier: Frontier
    ) {
        self.settings = settings
        self.segment = segment
        self.frontier = frontier
    }

    /// Makes a log's folder, unless it is there.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)``, `syncFailed`.
    package static func makeFolder(_ path: String) throws(AuditError) {
        try AuditFolder.make(path)
    }

    /// Number of the segment that is written.
    package var segmentNumber: UInt64 { segment.number }

    /// Leaves in the log, those not yet durable included.
    package var size: UInt64 { frontier.size }

    /// Writes records, each as a leaf.
    ///
    /// - Parameter records: in their order; each at most ``AuditLimits/recordBytesMax`` bytes, all
    ///   of them, with 160 for each, at most ``AuditLimits/batchBytesMax``.
    /// - Returns: for each record where it stands.
    /// - Throws: ``AuditError/tooLong(limit:have:)``, `full`, `cryptography`: none was written.
    ///   Fatal ones: see ``AuditError/isFatal``.
    package mutating func append(
        _ records: [[UInt8]],
        at now: Timestamp,
        entropy: inout some EntropySource
    ) throws(AuditError) -> [Receipt] {
        try check()
        if let long = records.first(where: { $0.count > AuditLimits.recordBytesMax }) {
            throw .tooLong(limit: AuditLimits.recordBytesMax, have: long.count)
        }
        let length = records.reduce(0) { $0 + $1.count + 160 }
        guard length <= AuditLimits.batchBytesMax else {
            throw .tooLong(limit: AuditLimits.batchBytesMax, have: length)
        }
        if segment.isFull { try beginSegment(at: now, entropy: &entropy) }
        var grown = frontier
        var receipts: [Receipt] = []
        var writer = ByteWriter(capacity: length)
        for record in records {
            let leaf: LeafBox
            do throws(CryptographyError) {
                leaf = try segment.key.seal(record, index: grown.size, entropy: &entropy)
            } catch {
                throw .cryptography("a record cannot be sealed: \(error.summary)")
            }
            let content = leaf.encoded()
            let hash = TreeHash.leaf(content)
            Frame(.leaf, content).write(into: &writer)
            receipts.append(Receipt(index: grown.size, hash: hash))
            grown.append(hash)
        }
        if unsyncedBytes + writer.count > AuditLimits.unsyncedBytesMax { try sync() }
        try write(writer.bytes, leaves: UInt64(records.count))
        frontier = grown
        return receipts
    }

    /// Makes everything written so far durable.
    ///
    /// - Throws: ``AuditError/syncFailed(operation:path:code:)``, which is fatal.
    package mutating func sync() throws(AuditError) {
        try check()
        guard unsyncedBytes > 0 else { return }
        try makeDurable()
        var mark = ByteWriter(capacity: 8)
        mark.writeUInt64(frontier.size)
        try writeMark(Frame(.syncMark, mark.bytes))
    }

    /// The log as it is now, durable, for a node that has no key to sign with.
    ///
    /// - Throws: as ``sync()``.
    package mutating func head() throws(AuditError) -> Checkpoint {
        try sync()
        return Checkpoint(origin: settings.log.origin, size: frontier.size, root: frontier.root)
    }

    /// Makes everything durable, signs it, and keeps the note beside the leaves. Without new leaves
    /// it is the note of the last time.
    ///
    /// - Returns: what other members keep as an anchor.
    /// - Throws: as ``sync()``; ``AuditError/note(_:)`` if signing fails.
    package mutating func checkpoint(
        by signer: borrowing NoteSigner
    ) throws(AuditError) -> SignedNote {
        try check()
        if let last, last.size == frontier.size, last.signer == signer.verifier {
            return last.note
        }
        if unsyncedBytes > 0 { try makeDurable() }
        let checkpoint = Checkpoint(
            origin: settings.log.origin,
            size: frontier.size,
            root: frontier.root
        )
        let note: SignedNote
        do throws(NoteError) {
            note = try checkpoint.signed(by: signer)
        } catch {
            throw .note(error)
        }
        try writeMark(Frame(.checkpoint, note.bytes))
        last = (frontier.size, signer.verifier, note)
        return note
    }

    // MARK: - Writing

    private func check() throws(AuditError) {
        if let endedBy { throw .ended(endedBy) }
    }

    /// Remembers an error after which nothing may be written any more, as one that is fatal.
    private mutating func end(_ error: AuditError) -> AuditError {
        endedBy = error.summary
        return error.isFatal ? error : .ended(error.summary)
    }

    private mutating func makeDurable() throws(AuditError) {
        do throws(AuditError) {
            try segment.sync()
        } catch {
            throw end(error)
        }
        unsyncedBytes = 0
    }

    private mutating func write(_ bytes: [UInt8], leaves: UInt64) throws(AuditError) {
        do throws(AuditError) {
            try segment.write(bytes, leaves: leaves)
        } catch {
            if case .full = error { throw error }
            throw end(error)
        }
        unsyncedBytes += bytes.count
    }

    /// A mark is worth nothing by itself, so a full disk does not matter, and it waits for no sync.
    private mutating func writeMark(_ frame: Frame) throws(AuditError) {
        var writer = ByteWriter(capacity: frame.byteCount)
        frame.write(into: &writer)
        do throws(AuditError) {
            try segment.write(writer.bytes, leaves: 0)
        } catch {
            if case .full = error { return }
            throw end(error)
        }
    }

    /// The segment before is durable, its marks too, before the next one is there.
    private mutating func beginSegment(
        at now: Timestamp,
        entropy: inout some EntropySource
    ) throws(AuditError) {
        try makeDurable()
        do throws(AuditError) {
            segment = try OpenSegment.begin(
                SegmentOpening.Place(
                    log: settings.log,
                    number: segment.number + 1,
                    frontier: frontier,
                    made: now,
                    cutBytes: 0
                ),
                settings: settings,
                entropy: &entropy
            )
        } catch {
            throw error.isFatal ? end(error) : error
        }
        frontier.append(segment.openingHash)
    }
}
