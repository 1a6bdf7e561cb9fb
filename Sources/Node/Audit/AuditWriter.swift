import Audit
import Barrier
import Cryptography
import Replica
import Wire

/// Where a node keeps its audit logs, one for each vault that it ever knew.
struct AuditPlace: Sendable {
    /// A folder inside the data folder.
    let folder: String
    /// This node, unique in its cluster for all times.
    let node: String

    /// - Parameter pin: SHA-256 of the node's public key. A node that was replaced has another one,
    ///   so its log is another log, and not a truncated one.
    init(data: String, name: String, pin: [UInt8]) {
        folder = data + "/audit"
        node = name + "-" + Hex.encode(Array(pin.prefix(4)))
    }

    func folder(of vaultID: [UInt8]) -> String { folder + "/" + Hex.encode(vaultID) }
}

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
    var folder: String? { keys.map { place.folder(of: $0.vaultID) } }

    func isCheckpointDue(at now: Moment) -> Bool {
        guard let uncoveredSince, uncovered > 0 else { return false }
        return now - uncoveredSince >= .milliseconds(Limits.auditCheckpointMilliseconds)
    }

    func isSyncDue(at now: Moment) -> Bool {
        guard let unsyncedSince else { return false }
        return now - unsyncedSince >= .milliseconds(Limits.auditSyncMilliseconds)
    }

    // MARK: Opening

    /// Opens the log of a vault, unless it is open.
    ///
    /// - Returns: whether it was opened now.
    mutating func open(
        _ found: AuditKeyRecord,
        isFinal: Bool,
        at now: Timestamp
    ) throws(AuditError) -> Bool {
        if log != nil, found == keys {
            isSettled = isFinal
            return false
        }
        let identity: LogIdentity
        do throws(NoteError) {
            identity = try LogIdentity(
                vaultID: found.vaultID,
                origin: AuditNames.log(of: found.vaultID, node: place.node)
            )
        } catch {
            throw .note(error)
        }
        let folder = place.folder(of: found.vaultID)
        try AuditLog.makeFolder(place.folder)
        try AuditLog.makeFolder(folder)
        if log != nil { try sync() }
        let opened = try AuditLog.open(
            AuditLog.Settings(folder: folder, log: identity, recipient: found.recipient),
            at: now,
            entropy: &entropy
        )
        firstSegment = opened.segmentNumber
        (size, coveredSize) = (opened.size, 0)
        log = consume opened
        keys = found
        isSettled = isFinal
        noteLeaves(at: .now)
        return true
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
