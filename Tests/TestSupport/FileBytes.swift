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

    /// Flips bits of one byte wherever `needle` stands in a file: in the pages of a database that
    /// count, and in the copies of them that are free. It has to stand somewhere.
    ///
    /// - Parameters:
    ///   - offset: from where `needle` begins to the byte, which may be behind it.
    package static func flip(
        _ bits: UInt8,
        at offset: Int,
        from needle: [UInt8],
        in path: String
    ) throws {
        try change(needle, in: path) { (bytes, place) in
            (place + offset, [bytes[place + offset] ^ bits])
        }
    }

    /// Writes other bytes wherever `needle` stands in a file. It has to stand somewhere.
    package static func overwrite(
        _ needle: [UInt8],
        with bytes: [UInt8],
        in path: String
    ) throws {
        precondition(needle.count == bytes.count, "another number of bytes")
        try change(needle, in: path) { (_, place) in (place, bytes) }
    }

    /// - Parameter change: given all of the file and where `needle` begins, what to write where.
    private static func change(
        _ needle: [UInt8],
        in path: String,
        _ change: ([UInt8], Int) -> (place: Int, bytes: [UInt8])
    ) throws {
        let bytes = try read(path)
        let places = places(of: needle, in: bytes)
        precondition(!places.isEmpty, "what is to be damaged is not in \(path)")
        let file = try open(path, O_RDWR)
        defer { _ = close(file) }
        for place in places {
            let changed = change(bytes, place)
            let count = unsafe pwrite(
                file,
                changed.bytes,
                changed.bytes.count,
                off_t(changed.place)
            )
            guard count == changed.bytes.count else { throw Failure(path: path, code: errno) }
        }
    }

    /// Where `needle` begins. Looks for a byte of it that is not 0 first: most of a database is
    /// zeros.
    package static func places(of needle: [UInt8], in bytes: [UInt8]) -> [Int] {
        guard let rare = needle.firstIndex(where: { $0 != 0 }) else { return [] }
        return unsafe bytes.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return [] }
            var found: [Int] = []
            var start = rare
            while start < bytes.count,
                let place = unsafe memchr(base + start, Int32(needle[rare]), bytes.count - start)
            {
                let offset = unsafe UnsafeRawPointer(place) - base - rare
                if offset + needle.count <= bytes.count,
                    unsafe memcmp(base + offset, needle, needle.count) == 0
                {
                    found.append(offset)
                }
                start = offset + rare + 1
            }
            return found
        }
    }

    private static func open(_ path: String, _ flags: Int32) throws -> Int32 {
        let file = unsafe Glibc.open(path, flags | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw Failure(path: path, code: errno) }
        return file
    }
}
