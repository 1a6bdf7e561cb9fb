import CLMDB
import Glibc

// What a person reads. Kept apart from the cases so that both stay readable.
extension StoreError {
    /// What happened, with the numbers.
    package var summary: String {
        switch self {
        case .lmdb(let code, let operation):
            "\(operation) failed: \(lmdbMessage(code)) (\(code))"
        case .system(let code, let operation, let path):
            "\(operation) failed on \(path): \(systemMessage(code)) (errno \(code))"
        case .corrupt(let what): "stored data is damaged: \(what)"
        case .damagedLogHeader(let index, let reason):
            "header of log entry \(index) is damaged: \(reason)"
        case .damagedLogBody(let index, let reason):
            "body of log entry \(index) is damaged: \(reason)"
        case .logGap(let after, let next):
            "log entries are missing: after \(after) comes \(next)"
        case .logTailMissing(let have, let want):
            "the end of the log is missing: it ends at entry \(have), not at \(want)"
        case .damagedHardState(let what): "hard state is damaged: \(what)"
        case .damagedVoteFile(let what): "vote file is damaged: \(what)"
        case .twoVotes(let term, let first, let second):
            "two different votes are stored for term \(term): node \(first) and node \(second)"
        case .damagedRecord(let key, let reason): "record \(key) is damaged: \(reason)"
        case .damagedBucket(let number, let reason): "bucket \(number) is damaged: \(reason)"
        case .evaluatedOnLoss(let index, let key):
            "entry \(index) was evaluated while record \(key) was lost, and the record is back"
        case .damagedRequests(let what): "remembered requests are damaged: \(what)"
        case .damagedSnapshot(let what): "snapshot file is damaged: \(what)"
        case .unsuitableSnapshot(let what): "snapshot does not fit this node: \(what)"
        case .malformedBatch(let what): "write batch does not decode: \(what)"
        case .unknownOperation(let code): "write batch has unknown operation \(code)"
        case .full: "no room left for the database on its disk"
        case .viewExpired(let seconds): "a read took longer than \(seconds) s and was ended"
        case .lockedByAnother(let processID):
            "data folder is in use by " + (processID.map { "process \($0)" } ?? "another process")
        case .wrongFormat(let have, let want):
            "data folder has format \(have), this program knows up to \(want)"
        case .networkFileSystem(let path, let kind): "\(path) is on a network file system (\(kind))"
        case .otherCluster(let have, let want):
            "data belongs to cluster \(have), this node to cluster \(want)"
        case .misuse(let what): "store was used wrongly: \(what)"
        case .cancelled: "the operation was stopped by its caller"
        }
    }

    /// The next action.
    package var remedy: String {
        switch self {
        case .lmdb, .misuse: "restart the node; if it happens again, report it with this text"
        case .system:
            "check that the folder exists, is writable by this user and its disk is healthy"
        case .evaluatedOnLoss:
            """
            nothing wrong was written: start the node again, it evaluates the entry once more; \
            check the disk
            """
        case .corrupt, .damagedLogHeader, .damagedLogBody, .logGap, .logTailMissing,
            .damagedHardState, .damagedRecord, .damagedBucket, .damagedRequests:
            """
            do not delete single files; check the disk, keep the folder aside as evidence, and \
            rebuild this node from the other members under a new incarnation
            """
        case .damagedVoteFile, .twoVotes:
            """
            this node must not vote: keep the folder aside as evidence and rebuild the node from \
            the other members under a new incarnation
            """
        case .damagedSnapshot, .unsuitableSnapshot: "take or fetch the snapshot again"
        case .malformedBatch: "find the node that proposed it and check its version and its health"
        case .unknownOperation: "upgrade this node to the version that the other members run"
        case .full: "give the disk more room, or delete secrets that are not needed"
        case .viewExpired: "try again; if it happens again, ask for less at a time"
        case .lockedByAnother: "stop the other process, or give this node a data folder of its own"
        case .wrongFormat: "run the version of the program that wrote the folder, or a newer one"
        case .networkFileSystem: "move the data folder to a local disk"
        case .otherCluster: "give this node the data folder of its own cluster"
        case .cancelled: "start it again"
        }
    }
}

/// LMDB's own words for one of its codes or for an `errno`.
private func lmdbMessage(_ code: Int32) -> String {
    guard let text = unsafe mdb_strerror(code) else { return "unknown error" }
    return unsafe String(cString: text)
}

/// The C library's words for an `errno`.
func systemMessage(_ code: Int32) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard unsafe strerror_r(code, &buffer, buffer.count) == 0 else { return "unknown error" }
    let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return String(decoding: text, as: UTF8.self)
}
