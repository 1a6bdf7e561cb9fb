import Glibc

/// A file that is written or read in chunks: a snapshot on its way between two members.
///
/// Closed when the owner lets go. Mode 0600, never followed through a symbolic link.
package struct ChunkFile: ~Copyable {
    private let descriptor: Int32
    private let path: String

    /// Opens an existing file for reading.
    package init(reading path: String) throws(StoreError) {
        self.path = path
        descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
    }

    /// Makes an empty file, replacing one of that name.
    package init(creating path: String) throws(StoreError) {
        self.path = path
        let flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        descriptor = unsafe open(path, flags, 0o600)
        guard descriptor >= 0 else { throw Self.failure("open", path) }
    }

    /// Opens a file for reading and writing; nil when it is missing.
    static func existing(_ path: String) throws(StoreError) -> ChunkFile? {
        let descriptor = unsafe open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        if descriptor < 0 && errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw failure("open", path) }
        return ChunkFile(path, descriptor)
    }

    private init(_ path: String, _ descriptor: Int32) {
        self.path = path
        self.descriptor = descriptor
    }

    /// Up to `most` bytes from `offset`; fewer only at the end of the file.
    package borrowing func read(
        at offset: UInt64,
        atMost most: Int
    ) throws(StoreError) -> [UInt8] {
        var failed = false
        let descriptor = descriptor
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: most) { buffer, filled in
            filled = 0
            while filled < most {
                let got = unsafe pread(
                    descriptor,
                    buffer.baseAddress?.advanced(by: filled),
                    most - filled,
                    off_t(clamping: offset) + off_t(filled)
                )
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failed = true }
                if got <= 0 { return }
                filled += got
            }
        }
        if failed { throw Self.failure("pread", path) }
        return bytes
    }

    /// Bytes in the file.
    package borrowing func size() throws(StoreError) -> UInt64 {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Self.failure("fstat", path) }
        return UInt64(clamping: status.st_size)
    }

    /// Writes all of `bytes` at `offset`.
    package borrowing func write(_ bytes: [UInt8], at offset: UInt64) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let rest = bytes[done...]
            let put = unsafe rest.withUnsafeBytes {
                unsafe pwrite(
                    descriptor,
                    $0.baseAddress,
                    $0.count,
                    off_t(clamping: offset) + off_t(done)
                )
            }
            if put < 0 && errno == EINTR { continue }
            guard put > 0 else { throw Self.failure("pwrite", path) }
            done += put
        }
    }

    /// Drops everything from `size` on.
    borrowing func cut(to size: UInt64) throws(StoreError) {
        guard ftruncate(descriptor, off_t(clamping: size)) == 0 else {
            throw Self.failure("ftruncate", path)
        }
    }

    /// Has what was written so far put on disk. The file is a copy: a failure spoils it, nothing
    /// else.
    package borrowing func settle() throws(StoreError) {
        guard fdatasync(descriptor) == 0 else { throw Self.failure("fdatasync", path) }
    }

    /// Has these bytes written now, and waits for it, without a flush if that can be.
    borrowing func writeOut(_ offset: UInt64, _ count: UInt64) throws(StoreError) {
        if !Store.writeOut(descriptor, offset, count) { try settle() }
    }

    /// The bytes will not be needed again soon. Only advice.
    package borrowing func forget(_ offset: UInt64, _ count: UInt64) {
        forgetPages(descriptor, offset, count)
    }

    deinit { _ = close(descriptor) }

    /// Gives the file another name in the same folder, atomically.
    package static func rename(_ path: String, to newPath: String) throws(StoreError) {
        guard unsafe Glibc.rename(path, newPath) == 0 else { throw failure("rename", path) }
    }

    /// Removes one file.
    package static func remove(_ path: String) throws(StoreError) {
        guard unsafe unlink(path) == 0 else { throw failure("unlink", path) }
    }

    /// Removes the files in `folder` whose names are meant.
    package static func removeAll(
        in folder: String,
        where isMeant: (String) -> Bool
    ) throws(StoreError) {
        for name in try fileNames(in: folder) where isMeant(name) {
            try removeFile(folder + "/" + name)
        }
    }

    private static func failure(_ operation: String, _ path: String) -> StoreError {
        .system(code: errno, operation: operation, path: path)
    }
}
