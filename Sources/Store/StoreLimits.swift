/// Every size that the store promises. Relations between them are checked by a test.
package enum StoreLimits {
    /// Bytes in a log entry's body.
    package static let entryBytesMax = 4 << 20
    /// Bytes in a record's name box: a padded name of 4 KiB and what sealing adds to it.
    package static let nameBoxBytesMax = 8 << 10
    /// Bytes in a record's value box: a sealed value of 1 MiB and what sealing adds to it.
    package static let valueBoxBytesMax = 1 << 20 | 1 << 10
    /// Bytes in a whole record.
    package static let recordBytesMax = Record.headerBytes + nameBoxBytesMax + valueBoxBytesMax
    /// Keys that one view remembers as missed, and as damaged.
    package static let doubtsMax = 64
    /// Operations in one batch. Each step of a prune counts as one more. Two paths of the longest
    /// name, all folders, and what goes with them, fit.
    package static let operationsMax = 8_192
    /// Data-key ids that one batch may list.
    package static let dataKeyIDsMax = 1_024
    /// Ancestors in one prune operation: a name of 4 KiB has fewer folders than this.
    package static let pruneStepsMax = 2_048
    /// Bytes in a request id.
    package static let requestIDBytes = 16
    /// Request ids are forgotten each time that so many more indexes are applied.
    package static let requestsForgottenStep: UInt64 = 64
    /// Bytes in a batch's authentication tag (HMAC-SHA256).
    package static let tagBytes = 32
    /// Bytes in a digest, a chain hash and a cluster id (SHA-256).
    package static let digestBytes = 32
    /// Bytes in a storage key.
    package static let storageKeyBytes = 32
    /// Bytes of a log entry's body in one LMDB value: two fit a page, so none needs overflow pages.
    package static let bodyChunkBytes = 1_900
    /// Bytes of a record in one LMDB value: they fill a page of 4,096 but for its header of 16. A
    /// record that is longer lies in pieces.
    package static let recordPieceBytes = 4_080
    /// Bytes that the row of a record in pieces has at least: its header and most names.
    package static let recordRowBytesMin = 512
    /// Bytes in an encoded configuration.
    package static let configurationBytesMax = 64 << 10
    /// Bytes of records that one chunk of a snapshot file aims for.
    package static let snapshotChunkBytes = 256 << 10
    /// How often a bucket may change under the scrubber before it is looked at in one piece.
    static let scrubRestartsMax = 2
    /// How often in a row a view of the pages is opened to find that it is not the newest any more.
    static let pageViewsMax = 8
    /// Changes of the state that are remembered with what they replaced, and bytes of that.
    static let recentChangesMax = 32_768
    static let recentChangesBytesMax = 16 << 20
    /// Records between two words about a long opening.
    static let progressRecords: UInt64 = 100_000
    /// How often, and how far apart, the lock on the data folder is asked for.
    static let lockAttemptsMax = 50
    static let lockPauseMicroseconds: UInt32 = 20_000
}
