package import Cryptography
package import Wire

/// The first leaf of each segment: what the segment is, and its key, which only the holder of the
/// audit key opens. It is in the tree, so nobody can exchange the key or the place of a segment.
///
/// Layout of the leaf, big-endian:
/// ```
/// leaf type             u8    1
/// format                u8    1
/// vault id              16
/// origin                string
/// segment number        u64   from 1
/// frontier              of the tree before this leaf: size u64, then a node of 32 bytes for each
///                       bit set in it; the size is this leaf's index
/// made                  u64   nanoseconds since 1970
/// cut bytes             u32   of a write that a crash cut off, removed from the segment before
/// recipient digest      32    SHA-256 of the audit public key
/// commitment            32    HKDF(segment key, commit-audit-segment)
/// sealed segment key    varint length, then HPKE base mode to the audit public key: 1120 ‖ 32 ‖ 16
/// ```
/// Associated data of the sealed key: label and everything before the commitment. A segment key
/// lives in one process only and is never stored otherwise, so a restart begins a new segment.
package struct SegmentOpening: Sendable, Equatable {
    static let leafType: UInt8 = 1
    static let formatVersion: UInt8 = 1
    private static let sealedKeyBytesMax = 2_048
    private static let info = Array("holdfast/audit-segment".utf8)

    /// Which log it belongs to.
    package let log: LogIdentity
    /// Counts the segments of the log from 1.
    package let number: UInt64
    /// The tree before this leaf.
    package let frontier: Frontier
    /// When it was made.
    package let made: Timestamp
    /// How much of a write was cut off behind the segment before, since a crash had torn it.
    package let cutBytes: UInt32
    /// SHA-256 of the public key that the segment key is sealed to.
    package let recipientDigest: [UInt8]
    private(set) var commitment: [UInt8] = []
    private(set) var sealedKey: [UInt8] = []

    /// Where a segment begins, as its writer knows it.
    struct Place {
        let log: LogIdentity
        let number: UInt64
        let frontier: Frontier
        let made: Timestamp
        let cutBytes: UInt32
    }

    /// Seals a fresh segment key.
    init(
        _ place: Place,
        sealing key: borrowing SecretBytes,
        to recipient: [UInt8]
    ) throws(CryptographyError) {
        log = place.log
        number = place.number
        frontier = place.frontier
        made = place.made
        cutBytes = place.cutBytes
        recipientDigest = sha256(recipient)
        commitment = keyCommitment(.commitAuditSegment, of: key, vaultID: log.vaultID)
        sealedKey = try HPKERecipient.seal(
            key,
            to: recipient,
            info: Self.info,
            associatedData: associatedData
        )
    }

    /// The leaf's content.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 2_048)
        writeHead(into: &writer)
        writer.writeBytes(commitment)
        writer.writeBlob(sealedKey)
        return writer.bytes
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// - Throws: ``WireError`` if it is not the opening of a segment.
    package init(decoding content: [UInt8]) throws(WireError) {
        var reader = ByteReader(content)
        guard try reader.readUInt8() == Self.leafType else {
            throw .malformed("the leaf is not the opening of a segment")
        }
        try reader.readFormat(Self.formatVersion, of: "the opening of a segment")
        log = try LogIdentity(from: &reader)
        number = try reader.readUInt64()
        frontier = try Frontier(from: &reader)
        made = Timestamp(nanoseconds: try reader.readUInt64())
        cutBytes = try reader.readUInt32()
        recipientDigest = try reader.readBytes(32)
        commitment = try reader.readBytes(32)
        sealedKey = try reader.readBlob(atMost: Self.sealedKeyBytesMax)
        try reader.finish()
    }

    /// The key of the segment's leaves.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` if this is not the key it was sealed to, or if
    ///   anything in the opening was changed.
    package func openKey(
        with privateKey: borrowing HPKERecipient.PrivateKey
    ) throws(AuditError) -> SegmentKey {
        try key(from: secret(with: privateKey))
    }

    /// What ``key(from:)`` takes: for whoever may read this one segment and has no private key.
    ///
    /// - Throws: as ``openKey(with:)``.
    package func secret(
        with privateKey: borrowing HPKERecipient.PrivateKey
    ) throws(AuditError) -> SecretBytes {
        let secret: SecretBytes
        do throws(CryptographyError) {
            secret = try privateKey.open(
                sealedKey,
                info: Self.info,
                associatedData: associatedData
            )
        } catch {
            throw .cryptography("segment \(number) does not open: \(error.summary)")
        }
        try check(secret)
        return secret
    }

    /// The key of the segment's leaves, from what was sealed.
    ///
    /// - Throws: ``AuditError/cryptography(_:)`` if it is of another segment.
    package func key(from secret: borrowing SecretBytes) throws(AuditError) -> SegmentKey {
        try check(secret)
        return SegmentKey(secret, log: log, number: number)
    }

    private func check(_ secret: borrowing SecretBytes) throws(AuditError) {
        let want = keyCommitment(.commitAuditSegment, of: secret, vaultID: log.vaultID)
        guard secret.count == XAESKey.keyBytes, constantTimeEquals(want, commitment) else {
            throw .cryptography("segment \(number) does not open: its commitment does not match")
        }
    }

    private func writeHead(into writer: inout ByteWriter) {
        writer.writeUInt8(Self.leafType)
        writer.writeUInt8(Self.formatVersion)
        log.write(into: &writer)
        writer.writeUInt64(number)
        frontier.write(into: &writer)
        writer.writeUInt64(made.nanoseconds)
        writer.writeUInt32(cutBytes)
        writer.writeBytes(recipientDigest)
    }

    private var associatedData: [UInt8] {
        var writer = ByteWriter(capacity: 256)
        writer.writeString("holdfast/audit-segment")
        writeHead(into: &writer)
        return writer.bytes
    }
}
