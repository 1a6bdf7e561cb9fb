import Glibc

/// The system's own words for an error number.
func errorText(_ code: Int32) -> String {
    guard let text = unsafe strerror(code) else { return "unknown" }
    return unsafe String(cString: text)
}

/// Small files that hold keys and certificates: read whole, written whole or not at all.
package enum PrivateFile {
    /// Replaces a file that only its owner may read, mode 0600.
    package static func writeSecret(
        _ bytes: [UInt8],
        to path: String
    ) throws(TransportError) {
        try write(bytes, to: path, mode: 0o600)
    }

    /// Reads a file that only its owner may read.
    ///
    /// - Returns: the bytes, or nil when there is no such file.
    /// - Throws: ``TransportError`` when others could read it.
    package static func readSecret(_ path: String) throws(TransportError) -> [UInt8]? {
        try read(path, isSecret: true)
    }

    /// Reads a whole file.
    ///
    /// - Parameter isSecret: refuses a file that anyone but its owner can read.
    /// - Returns: the bytes, or nil when there is no such file.
    static func read(_ path: String, isSecret: Bool) throws(TransportError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw .file(path: path, operation: "open", code: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .file(path: path, operation: "inspect", code: errno)
        }
        if isSecret && status.st_mode & 0o077 != 0 {
            throw .keyExposed(path: path, mode: UInt32(status.st_mode & 0o777))
        }
        return try readAll(descriptor, path: path)
    }

    /// Writes a file under another name, syncs it and puts it in place, so that after a crash
    /// there is either the old file or the whole new one.
    static func write(
        _ bytes: [UInt8],
        to path: String,
        mode: mode_t
    ) throws(TransportError) {
        let draft = path + ".new"
        unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .file(path: draft, operation: "create", code: errno) }
        do throws(TransportError) {
            try writeAll(bytes, descriptor, path: draft)
            guard fsync(descriptor) == 0 else {
                throw .file(path: draft, operation: "sync", code: errno)
            }
        } catch {
            close(descriptor)
            unsafe unlink(draft)
            throw error
        }
        close(descriptor)
        guard unsafe rename(draft, path) == 0 else {
            throw .file(path: path, operation: "put in place", code: errno)
        }
        try syncFolder(of: path)
    }

    private static func readAll(
        _ descriptor: Int32,
        path: String
    ) throws(TransportError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .file(path: path, operation: "read", code: errno)
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: piece[..<count])
            guard bytes.count <= TransportLimits.fileBytesMax else {
                throw .malformed(path: path, reason: "larger than a key or certificate can be")
            }
        }
    }

    private static func writeAll(
        _ bytes: [UInt8],
        _ descriptor: Int32,
        path: String
    ) throws(TransportError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { block in
                unsafe Glibc.write(descriptor, block.baseAddress, block.count)
            }
            if count < 0 {
                if errno == EINTR { continue }
                throw .file(path: path, operation: "write", code: errno)
            }
            rest = rest.dropFirst(count)
        }
    }

    private static func syncFolder(of path: String) throws(TransportError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = unsafe open(folder.isEmpty ? "/" : folder, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file(path: folder, operation: "open", code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else {
            throw .file(path: folder, operation: "sync", code: errno)
        }
    }
}
