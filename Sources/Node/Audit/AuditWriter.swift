import Audit
import Barrier
import Cryptography
import Replica
import Wire

/// The log and what the audit thread has to remember about it. Used by one thread at a time.
struct AuditWriter: ~Copyable {
    let place: AuditPlace
    private var log: AuditLog?
    private(set) var keys: AuditKeyRecord?
    /// Whether the vault that the log belongs to is there to stay. Until its first unseal it may be
    /// abandoned and another one made.
    private(set) var isSettled = false
    private var unsyncedSince: Moment?
    private var uncoveredSince: Moment?
    private var coveredSize: UInt64 = 0
    private var entropy = SystemEntropy()
    /// The segment that this process began with.
    private(set) var firstSegment: UInt64 = 0

    init(_ place: AuditPlace) { self.place = place }

    /// Leaves; 0 without a log.
    private(set) var size: UInt64 = 0

    /// Leaves that no checkpoint covers yet.
    var uncovered: UInt64 { size - coveredSize }

    /// The folder with the segments.
    var folder: String? { keys.map { place.folder(of: $0.vaultID, generation: generation) } }

    /// Counts this vault's logs of this node; above 1 there are damaged ones. 0 without a log.
    private(set) var generation: UInt64 = 0

    func isCheckpointDue(at now: Moment) -> Bool {
        guard let uncoveredSince, uncovered > 0 else { return false }
        return now - uncoveredSince >= .milliseconds(Limits.auditCheckpointMilliseconds)
    }

    func isSyncDue(at now: Moment) -> Bool {
        guard let unsyncedSince else { return false }
        return now - unsyncedSince >= .milliseconds(Limits.auditSyncMilliseconds)
    }

    // MARK: Opening

    /// Opens the log of a vault, unless it is open. A damaged one stays as it is; another one is
    /// begun beside it, whose first record tells of it.
    ///
    /// - Parameter anchor: the newest anchor of a log, by its name.
    /// - Returns: whether it was opened now, and what was damaged.
    mutating func open(
        _ found: AuditKeyRecord,
        isFinal: Bool,
        anchor: (_ origin: String) throws(AuditError) -> Audit.Checkpoint?,
        at now: Timestamp
    ) throws(AuditError) -> (isNew: Bool, damaged: AuditError?) {
        if log != nil, found == keys {
            isSettled = isFinal
            return (false, nil)
        }
        try AuditLog.makeFolder(place.folder)
        if log != nil { try sync() }
        let vaultID = found.vaultID
        var generation = try place.generation(of: vaultID)
        var damage: AuditError?
        var opened: AuditLog
        do throws(AuditError) {
            opened = try open(found, generation, anchor, at: now)
        } catch {
            guard error.isDamage, generation < AuditLimits.generationsMax else { throw error }
            damage = error
            generation += 1
            opened = try open(found, generation, anchor, at: now)
        }
        // Nothing but openings: what was to be its first record is not there yet.
        if generation > 1, opened.size == opened.segmentNumber {
            let before = place.origin(of: vaultID, generation: generation - 1)
            let seam = AuditBreak(
                origin: before,
                folder: place.folder(of: vaultID, generation: generation - 1),
                reason: damage?.summary ?? "",
                anchored: try anchor(before)
            )
            _ = try opened.append([seam.line(at: now)], at: now, entropy: &entropy)
        }
        firstSegment = opened.segmentNumber
        (size, coveredSize) = (opened.size, 0)
        log = consume opened
        keys = found
        self.generation = generation
        isSettled = isFinal
        noteLeaves(at: .now)
        return (true, damage)
    }

    private mutating func open(
        _ keys: AuditKeyRecord,
        _ generation: UInt64,
        _ anchor: (_ origin: String) throws(AuditError) -> Audit.Checkpoint?,
        at now: Timestamp
    ) throws(AuditError) -> AuditLog {
        let origin = place.origin(of: keys.vaultID, generation: generation)
        let identity: LogIdentity
        do throws(NoteError) {
            identity = try LogIdentity(vaultID: keys.vaultID, origin: origin)
        } catch {
            throw .note(error)
        }
        let folder = place.folder(of: keys.vaultID, generation: generation)
        try AuditLog.makeFolder(folder)
        return try AuditLog.open(
            AuditLog.Settings(folder: folder, log: identity, recipient: keys.recipient),
            anchored: try anchor(origin),
            at: now,
            entropy: &entropy
        )
    }

    // MARK: Writing

    mutating func append(
        _ lines: [[UInt8]],
        at time: Timestamp
    ) throws(AuditError) -> [AuditLog.Receipt] {
        guard let receipts = try log?.append(lines, at: time, entropy: &entropy) else {
            throw .ended("it is not open")
        }
        // A segment that was begun has a leaf of its own.
        if let last = receipts.last { size = last.index + 1 }
        noteLeaves(at: .now)
        return receipts
    }

    private mutating func noteLeaves(at now: Moment) {
        unsyncedSince = unsyncedSince ?? now
        uncoveredSince = uncoveredSince ?? now
    }

    /// Takes room on the disk ahead; nil without a log.
    mutating func tend() throws(AuditError) -> AuditLog.Room? { try log?.tend() }

    mutating func sync() throws(AuditError) {
        try log?.sync()
        unsyncedSince = nil
    }

    /// Makes everything durable and says where the log is; nil if there is nothing new.
    mutating func head(
        signedBy keys: AuditKeys?,
        at now: Moment
    ) throws(AuditError) -> AuditHead? {
        guard log != nil, uncovered > 0, let vaultID = self.keys?.vaultID else { return nil }
        let head: AuditHead?
        if let keys {
            let signer = try Self.signer(keys, vaultID)
            head = try (log?.checkpoint(by: signer)).map { .signed($0) }
        } else {
            head = try (log?.head()).map { .unsigned($0) }
        }
        coveredSize = size
        (unsyncedSince, uncoveredSince) = (nil, nil)
        return head
    }

    private static func signer(
        _ keys: AuditKeys,
        _ vaultID: [UInt8]
    ) throws(AuditError) -> NoteSigner {
        let key: SigningKey
        do throws(CryptographyError) {
            key = try keys.signingKey()
        } catch {
            throw .cryptography(error.summary)
        }
        do throws(NoteError) {
            return try NoteSigner(name: AuditNames.key(of: vaultID), key: key)
        } catch {
            throw .note(error)
        }
    }
}
