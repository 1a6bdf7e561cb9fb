import Glibc
package import Wire

/// Why an audit log cannot be written or read.
package enum AuditError: OperatorError, Equatable {
    /// A system call failed; nothing that was acknowledged depends on it. `code` is `errno`.
    case system(operation: String, path: String, code: Int32)
    /// The disk is full. What was to be written was taken back whole; it can be tried again.
    case full(path: String)
    /// A pipe that an audit device writes to has no reader.
    case noReader(path: String)
    /// Whether what was written is on the disk is not known any more, and never will be: the
    /// process has to end. See ``isFatal``.
    case syncFailed(operation: String, path: String, code: Int32)
    /// The log met a fatal error before and takes nothing any more. Names that error.
    case ended(String)
    /// Bytes that are there and are wrong, and that no crash explains.
    case damaged(path: String, offset: UInt64, reason: String)
    /// Segments are missing between two that are there.
    case missingSegments(after: UInt64, next: UInt64)
    /// The log ends before the place where it was seen elsewhere. In leaves.
    case cut(path: String, have: UInt64, anchored: UInt64)
    /// The folder holds another log than the caller means.
    case otherLog(path: String, have: String, want: String)
    /// A segment of a format that this program does not know.
    case wrongFormat(path: String, have: UInt8, want: UInt8)
    /// A record is longer than a leaf takes. In bytes.
    case tooLong(limit: Int, have: Int)
    /// A key could not be drawn or sealed, or a leaf does not open.
    case cryptography(String)
    /// A checkpoint could not be made or is not accepted.
    case note(NoteError)
    /// There is no log in this folder.
    case empty(path: String)
    /// The log has no such leaf.
    case noLeaf(index: UInt64, size: UInt64)
    /// No checkpoint that was signed by a given key covers this leaf.
    case notCovered(index: UInt64, covered: UInt64)
    /// The leaves in the folder do not give the root that was signed.
    case altered(size: UInt64)
    /// A file is not a proof; the text says why.
    case badProof(String)

    /// Whether the process has to end now. After a failed sync Linux marks pages clean, so a second
    /// attempt would report success for data that is lost (Rebello et al., USENIX ATC 2020).
    package var isFatal: Bool {
        switch self {
        case .syncFailed, .ended: true
        default: false
        }
    }

    /// Whether what is in the folder is not what was written there. A log that is found so is kept
    /// as it is, and another one is begun beside it.
    package var isDamage: Bool {
        switch self {
        case .damaged, .missingSegments, .cut, .altered, .note: true
        case .system(let operation, _, let code):
            code == EIO && ["open", "opendir", "readdir", "pread"].contains(operation)
        default: false
        }
    }

    /// Whose fault it is.
    package var blame: Blame {
        switch self {
        case .tooLong, .noLeaf, .notCovered, .badProof, .empty: .caller
        case .note(let error): error.blame
        default: .operator
        }
    }

    /// What happened.
    package var summary: String {
        switch self {
        case .system(let operation, let path, let code):
            "\(operation) failed on \(path): \(systemMessage(code)) (errno \(code))"
        case .full(let path): "no space left for \(path)"
        case .noReader(let path): "nobody reads the pipe \(path)"
        case .syncFailed(let operation, let path, let code):
            "\(operation) failed on \(path): \(systemMessage(code)) (errno \(code)); what the disk "
                + "holds is not known now"
        case .ended(let reason): "the audit log has ended: \(reason)"
        case .damaged(let path, let offset, let reason):
            "\(path) is damaged at byte \(offset): \(reason)"
        case .missingSegments(let after, let next):
            "after segment \(after) comes segment \(next)"
        case .cut(let path, let have, let anchored):
            "\(path) has \(have) leaves, and \(anchored) when members kept its checkpoint"
        case .otherLog(let path, let have, let want):
            "\(path) belongs to the log \(have), not to \(want)"
        case .wrongFormat(let path, let have, let want):
            "\(path) has format \(have), this program knows \(want)"
        case .tooLong(let limit, let have):
            "a record of \(have) bytes is above the limit of \(limit)"
        case .cryptography(let reason): reason
        case .note(let error): error.summary
        case .empty(let path): "there is no audit log in \(path)"
        case .noLeaf(let index, let size): "there is no leaf \(index), the log has \(size)"
        case .notCovered(let index, let covered):
            "no checkpoint covers leaf \(index): they reach to leaf \(covered), exclusively"
        case .altered(let size):
            "the first \(size) leaves do not have the root that was signed for them"
        case .badProof(let reason): "not a proof: \(reason)"
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .system: "check the folder, its owner and the disk, then start again"
        case .full: "make room on the disk; no request is answered that cannot be recorded"
        case .noReader: "start what reads it, or disable the audit device"
        case .syncFailed, .ended:
            "look for disk errors in the kernel's log, replace a failing disk, start the node again"
        case .damaged, .missingSegments, .cut, .altered:
            "keep a copy of the folder as it is; holdfast audit verify says what can still be read"
        case .otherLog: "give the folder of this node, or move the foreign files away"
        case .wrongFormat: "use a program that is at least as new as the one that wrote it"
        case .tooLong: "send a smaller request"
        case .cryptography: "check that the key is the audit key of this vault"
        case .note(let error): error.remedy
        case .empty: "give the folder with the files audit-….log"
        case .noLeaf: "holdfast audit verify prints how many leaves there are"
        case .notCovered: "wait for the next checkpoint, or copy the folder again"
        case .badProof: "give a file that holdfast audit prove wrote"
        }
    }
}
