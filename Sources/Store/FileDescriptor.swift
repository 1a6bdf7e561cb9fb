import CLMDB
import Glibc

/// Owns one open file. Closed when the owner lets go.
struct FileDescriptor: ~Copyable, Sendable {
    let number: Int32
    /// For error texts.
    let path: String

    /// Opens with `O_CLOEXEC`; a file that is made gets mode 0600.
    ///
    /// - Returns: nil when the file is missing and `flags` do not ask to make it.
    static func open(_ path: String, _ flags: Int32) throws(StoreError) -> FileDescriptor? {
        while true {
            let number = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
            if number >= 0 { return FileDescriptor(number: number, path: path) }
            if errno == EINTR { continue }
            if errno == ENOENT && flags & O_CREAT == 0 { return nil }
            throw .system(code: errno, operation: "open", path: path)
        }
    }

    private init(number: Int32, path: String) {
        self.number = number
        self.path = path
    }

    /// A second descriptor of a file that somebody else has open, by whatever name it has now.
    init(duplicating lent: Int32, path: String) throws(StoreError) {
        let number = fcntl(lent, F_DUPFD_CLOEXEC, 0)
        guard number >= 0 else { throw .system(code: errno, operation: "fcntl", path: path) }
        self.init(number: number, path: path)
    }

    deinit { _ = close(number) }

    /// Bytes in the file.
    func size() throws(StoreError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(number, &status) == 0 else { throw failure("fstat") }
        return UInt64(max(0, status.st_size))
    }

    /// Up to `count` bytes from `offset`; fewer only at the end of the file.
    func read(_ count: Int, at offset: UInt64) throws(StoreError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let part = unsafe bytes.withUnsafeMutableBytes { target in
                unsafe pread(
                    number,
                    target.baseAddress?.advanced(by: done),
                    count - done,
                    off_t(offset) + off_t(done)
                )
            }
            if part < 0 && errno == EINTR { continue }
            guard part >= 0 else { throw failure("pread") }
            if part == 0 { break }
            done += part
        }
        bytes.removeLast(count - done)
        return bytes
    }

    /// All of `bytes` at `offset`.
    func write(_ bytes: [UInt8], at offset: UInt64) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let part = unsafe bytes.withUnsafeBytes { source in
                unsafe pwrite(
                    number,
                    source.baseAddress?.advanced(by: done),
                    bytes.count - done,
                    off_t(offset) + off_t(done)
                )
            }
            if part < 0 && errno == EINTR { continue }
            guard part > 0 else { throw failure("pwrite") }
            done += part
        }
    }

    /// Makes the content durable. An error ends the process.
    func sync() {
        guard fdatasync(number) == 0 else {
            endProcess("fdatasync", on: path, code: errno)
        }
    }

    func failure(_ operation: String) -> StoreError {
        .system(code: errno, operation: operation, path: path)
    }
}

/// The pages of part of a file, all written out, will not be needed again soon: the page cache is
/// for the database. Only advice.
func forgetPages(_ descriptor: Int32, _ offset: UInt64, _ count: UInt64) {
    let (start, length) = (off_t(clamping: offset), off_t(clamping: count))
    _ = posix_fadvise(descriptor, start, length, POSIX_FADV_DONTNEED)
}

/// Has these bytes written, and waits for it, without a flush: when the file is synced, or a log
/// beside it, few are left to wait for. What cannot be written shows in the sync, too.
///
/// - Returns: false where the file system cannot do it: sync instead.
func writeOut(_ descriptor: Int32, _ offset: UInt64, _ count: UInt64) -> Bool {
    let (start, length) = (Int64(clamping: offset), Int64(clamping: count))
    // Before, during and after: SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE and _WAIT_AFTER.
    return sync_file_range(descriptor, start, length, 1 | 2 | 4) == 0
}

/// Makes the names in a folder durable. An error ends the process.
func syncFolder(_ path: String) throws(StoreError) {
    guard let folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else {
        throw .system(code: ENOENT, operation: "open", path: path)
    }
    guard fsync(folder.number) == 0 else {
        endProcess("fsync of the folder", on: path, code: errno)
    }
}

/// Gives `path` its final name, durably. The content must be durable already.
func renameDurably(_ source: String, to target: String, in folder: String) throws(StoreError) {
    guard unsafe rename(source, target) == 0 else {
        throw .system(code: errno, operation: "rename", path: source)
    }
    try syncFolder(folder)
}

/// The names of what is in a folder.
func fileNames(in folder: String) throws(StoreError) -> [String] {
    guard let stream = unsafe opendir(folder) else {
        throw .system(code: errno, operation: "opendir", path: folder)
    }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while let entry = unsafe readdir(stream) {
        names.append(
            unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        )
    }
    return names
}

/// The folder that a path is in.
func parentFolder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Removes a file; one that is not there is fine.
func removeFile(_ path: String) throws(StoreError) {
    guard unsafe unlink(path) == 0 || errno == ENOENT else {
        throw .system(code: errno, operation: "unlink", path: path)
    }
}
