import CLinux
import Glibc

/// The system's own words for an error number.
func systemMessage(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "unknown error" }
    return unsafe String(cString: text)
}

/// One open file of a log. Closed when the owner lets go. Mode 0600, never followed through a
/// symbolic link.
struct AuditFile: ~Copyable, Sendable {
    let path: String
    private let number: Int32

    /// Makes a file that must not be there yet.
    static func create(_ path: String) throws(AuditError) -> AuditFile {
        try AuditFile(path, O_RDWR | O_CREAT | O_EXCL)
    }

    /// Opens a file for reading only.
    init(reading path: String) throws(AuditError) { try self.init(path, O_RDONLY) }

    /// Opens a file to cut and to sync it.
    init(changing path: String) throws(AuditError) { try self.init(path, O_RDWR) }

    /// Opens a file, or makes it.
    init(making path: String) throws(AuditError) { try self.init(path, O_RDWR | O_CREAT) }

    private init(_ path: String, _ flags: Int32) throws(AuditError) {
        self.path = path
        while true {
            let number = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
            if number >= 0 {
                self.number = number
                return
            }
            if errno == ENOSPC || errno == EDQUOT { throw .full(path: path) }
            guard errno == EINTR else {
                throw .system(operation: "open", path: path, code: errno)
            }
        }
    }

    deinit { _ = close(number) }

    /// All of the file, unless it has more than `limit` bytes.
    func readAll(atMost limit: Int) throws(AuditError) -> [UInt8] {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw failure("fstat") }
        guard status.st_size <= limit else {
            throw .damaged(path: path, offset: UInt64(limit), reason: "it is too long")
        }
        return try read(Int(status.st_size), at: 0)
    }

    /// So many bytes at `offset`, or as many as there are.
    private func read(_ count: Int, at offset: UInt64) throws(AuditError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < bytes.count {
            let part = unsafe bytes.withUnsafeMutableBytes { target in
                let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: target[done...])
                let place = off_t(offset) + off_t(done)
                return unsafe pread(number, rest.baseAddress, rest.count, place)
            }
            if part < 0 && errno == EINTR { continue }
            guard part >= 0 else { throw failure("pread") }
            if part == 0 { break }
            done += part
        }
        bytes.removeLast(bytes.count - done)
        return bytes
    }

    /// What the file has from `offset` on, at most `limit` bytes of it.
    ///
    /// - Throws: ``AuditError/damaged(path:offset:reason:)`` if the file ends before `offset`.
    func read(from offset: UInt64, atMost limit: Int) throws(AuditError) -> [UInt8] {
        let size = try bytes().size
        guard size >= offset else {
            throw .damaged(
                path: path,
                offset: size,
                reason: "it ends here, and \(offset) bytes of it were read before"
            )
        }
        return try read(Int(min(size - offset, UInt64(limit))), at: offset)
    }

    /// All of `bytes` at `offset`.
    ///
    /// - Throws: ``AuditError/full(path:)`` if there is no room for them; some may be there then.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(AuditError) {
        var done = 0
        while done < bytes.count {
            let part = unsafe bytes.withUnsafeBytes { source in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: source[done...])
                let count = min(rest.count, AuditLimits.writeBytesMax)
                return unsafe pwrite(number, rest.baseAddress, count, off_t(offset) + off_t(done))
            }
            if part < 0 && errno == EINTR { continue }
            if part < 0 && (errno == ENOSPC || errno == EDQUOT) { throw .full(path: path) }
            guard part > 0 else { throw failure("pwrite") }
            done += part
        }
    }

    /// Takes room for the first `size` bytes, so that writing them needs none of the disk's any
    /// more. The file does not become longer.
    ///
    /// - Returns: false where none can be taken ahead: not every file system does.
    /// - Throws: ``AuditError/full(path:)`` if there is not so much; some of it may be taken then.
    func reserve(_ size: UInt64) throws(AuditError) -> Bool {
        while fallocate(number, Self.keepSize, 0, off_t(size)) != 0 {
            switch errno {
            case EINTR: continue
            case ENOSPC, EDQUOT, EFBIG: throw .full(path: path)
            default: return false
            }
        }
        return true
    }

    /// `FALLOC_FL_KEEP_SIZE` of `linux/falloc.h`.
    private static let keepSize: Int32 = 1

    /// How long the file is, and how much room of the disk it has.
    func bytes() throws(AuditError) -> (size: UInt64, room: UInt64) {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw failure("fstat") }
        // The unit of the count is 512 bytes on every file system.
        return (UInt64(status.st_size), UInt64(status.st_blocks) * 512)
    }

    /// Drops everything from `size` on, and the room behind it.
    func cut(to size: UInt64) throws(AuditError) {
        guard ftruncate(number, off_t(size)) == 0 else { throw failure("ftruncate") }
    }

    /// Makes the content durable.
    ///
    /// - Throws: ``AuditError/syncFailed(operation:path:code:)``, which is fatal.
    func sync() throws(AuditError) {
        guard fdatasync(number) == 0 else {
            throw .syncFailed(operation: "fdatasync", path: path, code: errno)
        }
    }

    private func failure(_ operation: String) -> AuditError {
        .system(operation: operation, path: path, code: errno)
    }
}

/// The folder of a log.
enum AuditFolder {
    /// The names of what is in it.
    static func names(in folder: String) throws(AuditError) -> [String] {
        guard let stream = unsafe opendir(folder) else {
            throw .system(operation: "opendir", path: folder, code: errno)
        }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = unsafe readdir(stream) {
            names.append(
                unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
            )
            errno = 0
        }
        guard errno == 0 else { throw .system(operation: "readdir", path: folder, code: errno) }
        return names
    }

    /// Makes a folder that only this user can enter, durably, unless it is there.
    static func make(_ path: String) throws(AuditError) {
        guard unsafe mkdir(path, 0o700) != 0 else {
            let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
            return try sync(folder: parent)
        }
        guard errno == EEXIST else {
            if errno == ENOSPC || errno == EDQUOT { throw .full(path: path) }
            throw .system(operation: "mkdir", path: path, code: errno)
        }
    }

    private static func sync(folder: String) throws(AuditError) {
        let number = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else {
            throw .syncFailed(operation: "open of the folder", path: folder, code: errno)
        }
        defer { _ = close(number) }
        guard fsync(number) == 0 else {
            throw .syncFailed(operation: "fsync of the folder", path: folder, code: errno)
        }
    }

    /// Gives a file another name in the same folder, durably. Its content must be durable already.
    ///
    /// - Throws: ``AuditError/syncFailed(operation:path:code:)`` if the name may be lost.
    static func rename(_ path: String, to target: String, in folder: String) throws(AuditError) {
        guard unsafe Glibc.rename(path, target) == 0 else {
            if errno == ENOSPC || errno == EDQUOT { throw .full(path: target) }
            throw .system(operation: "rename", path: path, code: errno)
        }
        try sync(folder: folder)
    }

    /// Removes a file; one that is not there is fine.
    static func remove(_ path: String) throws(AuditError) {
        guard unsafe unlink(path) == 0 || errno == ENOENT else {
            throw .system(operation: "unlink", path: path, code: errno)
        }
    }
}
