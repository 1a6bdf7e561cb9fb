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
        /// Room on the disk that is kept ahead, twice: see ``AuditLimits/reserveBytes``. 0: none.
        package let reserveBytes: Int

        /// - Parameters:
        ///   - segmentBytes: at most ``AuditLimits/segmentBytesMax``.
        ///   - reserveBytes: at most as many.
        package init(
            folder: String,
            log: LogIdentity,
            recipient: [UInt8],
            segmentBytes: Int = AuditLimits.segmentBytesMax,
            reserveBytes: Int = AuditLimits.reserveBytes
        ) {
            precondition((1...AuditLimits.segmentBytesMax).contains(segmentBytes))
            precondition((0...AuditLimits.segmentBytesMax).contains(reserveBytes))
            self.reserveBytes = reserveBytes
            self.folder = folder
            self.log = log
            self.recipient = recipient
            self.segmentBytes = segmentBytes
        }

        /// The file that becomes the next segment.
        var reservePath: String { folder + "/" + SegmentName.reserve }
    }

    /// Room on the disk that the log has taken ahead.
    package struct Room: Sendable, Equatable {
        /// In bytes; nil where the file system takes none ahead.
        package let bytes: UInt64?
        /// Whether it should be more, and the disk has no more.
        package let isShort: Bool
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
    /// Room of the file that becomes the next segment.
    private var spareBytes: UInt64 = 0

    /// Opens the log in a folder, or begins one there.
    ///
    /// Reads the newest segment only, whose opening tells the tree before it. A write that a crash
    /// has torn is cut off; how long it was is on the record in the next segment.
    /// - Parameter anchored: what is known elsewhere of the log; a shorter one is damaged.
    /// - Throws: ``AuditError/damaged(path:offset:reason:)``, `missingSegments`, `cut`, `altered`,
    ///   `otherLog`, `wrongFormat`, `system`, `full`, `syncFailed`, `cryptography`, `note`. Where
    ///   it ``AuditError/isDamage`` nothing in the folder was changed.
    package static func open(
        _ settings: Settings,
        anchored: Checkpoint? = nil,
        at now: Timestamp,
        entropy: inout some EntropySource
    ) throws(AuditError) -> AuditLog {
        let found = try FoundLog(settings, anchored: anchored)
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
        var log = AuditLog(settings: settings, segment: segment, frontier: frontier)
        _ = try log.tend()
        return log
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

    /// The names in a folder in which each log has a folder of its own.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)``.
    package static func logs(in folder: String) throws(AuditError) -> [String] {
        try AuditFolder.names(in: folder)
    }

    /// Number of the segment that is written.
    package var segmentNumber: UInt64 { segment.number }

    /// Leaves in the log, those not yet durable included.
    package var size: UInt64 { frontier.size }

    // MARK: - Room

    /// Takes room on the disk ahead, as far as there is any. Called several times a second.
    ///
    /// - Returns: what there is now.
    /// - Throws: ``AuditError/system(operation:path:code:)``.
    package mutating func tend() throws(AuditError) -> Room {
        try check()
        try segment.tend()
        guard let room = segment.room else { return Room(bytes: nil, isShort: false) }
        let want = UInt64(settings.reserveBytes)
        if spareBytes < want { spareBytes = try makeSpare(want) }
        return Room(bytes: room + spareBytes, isShort: spareBytes < want || room < want / 2)
    }

    private func makeSpare(_ want: UInt64) throws(AuditError) -> UInt64 {
        do throws(AuditError) {
            let file = try AuditFile(making: settings.reservePath)
            do throws(AuditError) {
                return try file.reserve(want) ? want : 0
            } catch {
                guard case .full = error else { throw error }
                return min(try file.bytes().room, want)
            }
        } catch {
            guard case .full = error else { throw error }
            return 0
        }
    }

    // MARK: - Records

    /// Writes records, each as a leaf. With a full disk they go into the room that was taken ahead,
    /// and when the segment's has ended, into a next segment's.
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
        do throws(AuditError) {
            return try add(records, length, &entropy)
        } catch {
            guard case .full = error, spareBytes > UInt64(length) + AuditLimits.roomMarginBytes
            else { throw error }
            try beginSegment(at: now, entropy: &entropy)
            return try add(records, length, &entropy)
        }
    }

    private mutating func add(
        _ records: [[UInt8]],
        _ length: Int,
        _ entropy: inout some EntropySource
    ) throws(AuditError) -> [Receipt] {
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
            let next = try OpenSegment.begin(
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
            try segment.release()
            segment = next
        } catch {
            throw error.isFatal ? end(error) : error
        }
        frontier.append(segment.openingHash)
        spareBytes = 0
        _ = try tend()
    }
}
