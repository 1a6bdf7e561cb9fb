import Cryptography

/// Every bound in `Audit`. A number that is not here does not exist.
package enum AuditLimits {
    /// Longest name of a log or of a key, in bytes.
    package static let nameBytesMax = 255
    /// Largest signed note. One with 16 post-quantum signatures of 5 kB fits.
    package static let noteBytesMax = 128 << 10
    /// Most signatures of one note. Source: C2SP signed-note asks for at least 16.
    package static let signaturesMax = 64
    /// Most lines of a checkpoint behind its three own.
    package static let extensionsMax = 16
    /// Largest audit record, before it is sealed. A request of 1 MiB in the smallest values becomes
    /// about twice as long by their digests.
    package static let recordBytesMax = 4 << 20
    /// Records are padded to a multiple of this, so that a length tells less.
    static let paddingBytes = 64
    /// Largest content of a frame: a padded record with its number, nonce and tag.
    static let frameContentBytesMax = recordBytesMax + 1_024
    /// A segment that has grown to this gets a successor.
    package static let segmentBytesMax = 64 << 20
    /// The same for its leaves.
    package static let segmentLeavesMax: UInt64 = 1 << 20
    /// Most bytes of all records of one batch.
    package static let batchBytesMax = 8 << 20
    /// What may be written and not yet synced. The writer syncs by itself before it, so nothing
    /// longer can be lost in a crash and a longer unreadable end is damage. A batch fits.
    package static let unsyncedBytesMax = 16 << 20
    /// Largest single write.
    static let writeBytesMax = 1 << 20
    /// Room on the disk that a log keeps ahead of its end, and the same again for the segment that
    /// a start or a full one begins: with a full disk the log takes so much more.
    package static let reserveBytes = 16 << 20
    /// Of the room that a file has, so much is not counted on: file systems keep lists in it.
    static let roomMarginBytes: UInt64 = 64 << 10
    /// Logs that a node begins beside damaged ones, at most.
    package static let generationsMax: UInt64 = 999
    /// Leaves that may stand behind the last checkpoint: the loss window that the design states.
    package static let uncoveredLeavesMax: UInt64 = 1_000
    /// Largest file of checkpoints that is read as a whole.
    package static let anchorFileBytesMax = 64 << 20
    /// Most that a follower reads of a segment at once. A frame fits, and so does a batch: behind
    /// an unreadable place there are never so many bytes, unless it is damage.
    static let tailBytesMax = frameContentBytesMax + batchBytesMax
    /// Largest proof file: a leaf in base64, 64 hashes and a checkpoint.
    package static let proofBytesMax = 8 << 20
    /// Most findings that a verdict lists; the rest are counted.
    package static let findingsMax = 100
    /// Bytes of a vault's id.
    package static let vaultIDBytes = 16
    /// Most levels of a value in an audit record.
    static let valueDepthMax = 128
}
