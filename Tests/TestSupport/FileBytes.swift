import Glibc

/// Files as a test spoils them.
package enum FileBytes {
    /// What a file operation of a test met.
    package struct Failure: Error {
        let path: String
        let code: Int32
    }

    /// All of a file.
    package static func read(_ path: String) throws -> [UInt8] {
        let file = try open(path, O_RDONLY)
        defer { _ = close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = unsafe Glibc.read(file, &chunk, chunk.count)
            guard count >= 0 else { throw Failure(path: path, code: errno) }
            guard count > 0 else { return bytes }
            bytes += chunk.prefix(count)
        }
    }

    /// Replaces what is in a file, in place.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let file = try open(path, O_WRONLY | O_CREAT | O_TRUNC)
        defer { _ = close(file) }
        var done = 0
        while done < bytes.count {
            let rest = Array(bytes[done...])
            let count = unsafe Glibc.write(file, rest, rest.count)
            guard count > 0 else { throw Failure(path: path, code: errno) }
            done += count
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let file = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(path: path, code: errno) }
        return file
    }
}
