package import Wire

/// Why the store could not do what it was asked.
///
/// Failures of a sync are not here: they end the process (see `endProcess`).
package enum StoreError: OperatorError, Equatable {
    /// LMDB refused an operation. `code` is its number, `operation` its function.
    case lmdb(code: Int32, operation: String)
    /// A system call failed on something that is not being made durable. `code` is `errno`.
    case system(code: Int32, operation: String, path: String)
    /// Data that is there but wrong, with what and where.
    case corrupt(String)
    /// The header of this log entry fails its checksum or breaks the hash chain.
    case damagedLogHeader(index: UInt64, reason: String)
    /// The header of this log entry is good, its body is not. The entry's identity is intact.
    case damagedLogBody(index: UInt64, reason: String)
    /// Entries are missing inside the log: after `after` comes `next`.
    case logGap(after: UInt64, next: UInt64)
    /// The hard state says that the log reaches `want`; it ends at `have`.
    case logTailMissing(have: UInt64, want: UInt64)
    /// A record of the hard state fails its checksum, is missing, or contradicts another.
    case damagedHardState(String)
    /// The vote file cannot be trusted.
    case damagedVoteFile(String)
    /// Two different votes were found for one term.
    case twoVotes(term: UInt64, first: UInt64, second: UInt64)
    /// The stored record under this key does not decode. The key is in hex.
    case damagedRecord(key: String, reason: String)
    /// The records of this bucket of table `state` are not those that its digest stands for:
    /// some are missing, or were not written here.
    case damagedBucket(number: Int, reason: String)
    /// The entry at `index` was evaluated while this record was lost, and the record is back: what
    /// was decided is not what the other replicas decide. The key is in hex.
    case evaluatedOnLoss(index: UInt64, key: String)
    /// The remembered requests are not those that the digest stands for. Their table says all of
    /// it twice, so it may be mended from itself.
    case damagedRequests(String)
    /// A snapshot file that fails verification. Nothing was changed.
    case damagedSnapshot(String)
    /// A snapshot that does not fit this node now. Nothing was changed.
    case unsuitableSnapshot(String)
    /// Bytes of a batch that do not decode.
    case malformedBatch(String)
    /// A batch with an operation that this version does not know.
    case unknownOperation(code: UInt8)
    /// The map or the disk has no room for this transaction. Nothing was changed.
    case full
    /// A read transaction was open for that long: pages that it can see cannot be used again.
    case viewExpired(seconds: UInt64)
    /// Another process has the data folder open.
    case lockedByAnother(processID: Int32?)
    /// The data folder is in a newer format than this program knows.
    case wrongFormat(have: UInt64, want: UInt64)
    /// The data folder is on a network file system.
    case networkFileSystem(path: String, kind: String)
    /// The folder holds a store from another cluster. Both ids are in hex.
    case otherCluster(have: String, want: String)
    /// A caller broke a rule of this module. The transaction was dropped.
    case misuse(String)
    /// The caller's progress function asked to stop.
    case cancelled

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .malformedBatch, .unknownOperation: .peer
        case .misuse, .lmdb: .bug
        case .cancelled: .caller
        default: .operator
        }
    }
}
