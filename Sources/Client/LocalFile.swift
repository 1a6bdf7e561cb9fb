import Glibc
package import Wire

/// Why a file or stream of this machine cannot be used.
package enum LocalError: OperatorError, Equatable {
    /// A file or stream cannot be read or written; the system's reason.
    case failed(String, reason: String)
    /// More bytes than allowed.
    case tooLarge(String, limit: Int)
    /// There is no terminal to ask at.
    case noTerminal
    /// Ctrl-C was typed at a prompt.
    case interrupted

    /// The caller's, always.
    package var blame: Blame { .caller }

    /// What happened.
    package var summary: String {
        switch self {
        case .failed(let name, let reason): "\(name): \(reason)"
        case .tooLarge(let name, let limit): "\(name) is larger than \(limit) bytes"
        case .noTerminal: "there is no terminal to ask at"
        case .interrupted: "interrupted"
        }
    }

    /// What to do next.
    package var remedy: String {
        switch self {
        case .failed: "check that it exists and may be used by this user"
        case .tooLarge: "check that the right file was named"
        case .noTerminal: "give it on standard input"
        case .interrupted: "nothing was sent"
        }
    }
}

/// Files that a command reads and writes.
package enum LocalFile {
    /// The whole file.
    ///
    /// - Throws: ``LocalError``; also if the file is larger than `limit` bytes.
    package static func read(_ path: String, atMost limit: Int) throws(LocalError) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .failed(path, reason: lastReason()) }
        defer { _ = close(descriptor) }
        return try StandardStreams.read(descriptor, named: path, atMost: limit)
    }

    /// Writes a file that only its owner may read, in one step: readers see the old content or
    /// the new one.
    package static func writePrivate(_ path: String, _ bytes: [UInt8]) throws(LocalError) {
        let draft = path + ".new"
        _ = unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .failed(path, reason: lastReason()) }
        let isWritten = StandardStreams.write(bytes, to: descriptor)
        let reason = lastReason()
        guard close(descriptor) == 0, isWritten else {
            _ = unsafe unlink(draft)
            throw .failed(path, reason: reason)
        }
        guard unsafe rename(draft, path) == 0 else {
            throw .failed(path, reason: lastReason())
        }
    }

    /// The system's words for the last error.
    static func lastReason() -> String { reason(errno) }

    static func reason(_ code: Int32) -> String {
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        let words = unsafe String(cString: text)
        return words.prefix(1).lowercased() + words.dropFirst()
    }
}
