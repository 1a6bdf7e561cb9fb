import Glibc

/// A file outside the data folder that audit lines are added to, in the clear but for the digests
/// in them. Whoever rotates it may rename or remove it: the next lines go into a new one.
package struct DeviceFile: ~Copyable, Sendable {
    private let path: String
    private let mode: UInt32?
    private var number: Int32
    private var identity: (device: UInt64, inode: UInt64)

    /// Opens the file at its end, or makes it, and the folders above it.
    ///
    /// A pipe that nobody reads is refused. Writing to one that is full takes as long as it takes.
    /// - Parameter mode: its permissions; nil leaves them as they are.
    /// - Throws: ``AuditError/system(operation:path:code:)``, ``AuditError/noReader(path:)``.
    package init(_ path: String, mode: UInt32?) throws(AuditError) {
        self.path = path
        self.mode = mode
        (number, identity) = try Self.open(path, mode)
    }

    deinit { _ = close(number) }

    /// Adds bytes at the end.
    ///
    /// - Throws: ``AuditError/system(operation:path:code:)``, `full`, after which a part may be
    ///   there; `noReader`.
    package mutating func write(_ bytes: [UInt8]) throws(AuditError) {
        var status = stat()
        let isThere = unsafe stat(path, &status) == 0
        if !isThere || identity != Self.identity(status) {
            let (next, found) = try Self.open(path, mode)
            _ = close(number)
            (number, identity) = (next, found)
        }
        try Self.write(bytes, to: number, path)
    }

    /// Adds bytes to the standard output of this process.
    ///
    /// - Throws: as ``write(_:)``.
    package static func writeToStandardOutput(_ bytes: [UInt8]) throws(AuditError) {
        try write(bytes, to: STDOUT_FILENO, "the standard output")
    }

    private static func write(
        _ bytes: [UInt8],
        to number: Int32,
        _ path: String
    ) throws(AuditError) {
        var done = 0
        while done < bytes.count {
            let part = unsafe bytes.withUnsafeBytes { source in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: source[done...])
                return unsafe Glibc.write(number, rest.baseAddress, rest.count)
            }
            if part < 0 && errno == EINTR { continue }
            if part < 0 && (errno == ENOSPC || errno == EDQUOT) { throw .full(path: path) }
            guard part > 0 else { throw .system(operation: "write", path: path, code: errno) }
            done += part
        }
    }

    private static func open(
        _ path: String,
        _ mode: UInt32?
    ) throws(AuditError) -> (Int32, (device: UInt64, inode: UInt64)) {
        try makeParents(of: path)
        while true {
            // Not to wait for a reader of a pipe: that may take for ever, and so would the thread.
            let flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK
            let number = unsafe Glibc.open(path, flags, mode ?? 0o600)
            if number < 0 && errno == EINTR { continue }
            guard number >= 0 else { throw refusal(errno, path) }
            var status = stat()
            // What is written later waits for room.
            let waits = fcntl(number, F_SETFL, O_APPEND) == 0
            guard waits, unsafe fstat(number, &status) == 0,
                mode.map({ fchmod(number, $0) }) ?? 0 == 0
            else {
                let code = errno
                _ = close(number)
                throw .system(operation: waits ? "fchmod" : "fcntl", path: path, code: code)
            }
            return (number, identity(status))
        }
    }

    /// Why it cannot be opened.
    private static func refusal(_ code: Int32, _ path: String) -> AuditError {
        var status = stat()
        let isPipe = unsafe stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
        return isPipe && code == ENXIO
            ? .noReader(path: path) : .system(operation: "open", path: path, code: code)
    }

    private static func makeParents(of path: String) throws(AuditError) {
        for position in path.indices.dropFirst() where path[position] == "/" {
            let folder = String(path[..<position])
            guard
                unsafe mkdir(folder, 0o700) == 0 || errno == EEXIST || errno == EROFS
                    || errno == EACCES || errno == EPERM
            else { throw .system(operation: "mkdir", path: folder, code: errno) }
        }
    }

    private static func identity(_ status: stat) -> (device: UInt64, inode: UInt64) {
        (UInt64(status.st_dev), UInt64(status.st_ino))
    }
}
