import Glibc

/// What the operating system says about the machine: files that it makes up when they are read, and
/// the room on its disks.
package enum Machine {
    /// The beginning of a small file such as `/proc/meminfo`, as text; nil where there is none.
    ///
    /// - Parameter limit: most bytes read.
    package static func text(_ path: String, limit: Int = 1 << 20) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < limit {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe read(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes.prefix(limit), as: UTF8.self)
    }

    /// Room on the disk that holds a path.
    package struct DiskRoom: Sendable, Equatable {
        /// Bytes: all, those that nothing is in, and those that an ordinary user may have.
        package let total: UInt64
        package let free: UInt64
        package let available: UInt64
        /// Files and folders that there can be, and how many more.
        package let inodes: UInt64
        package let inodesFree: UInt64
    }

    /// Nil where the system does not say.
    package static func room(_ path: String) -> DiskRoom? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        let unit = UInt64(status.f_frsize)
        return DiskRoom(
            total: UInt64(status.f_blocks) &* unit,
            free: UInt64(status.f_bfree) &* unit,
            available: UInt64(status.f_bavail) &* unit,
            inodes: UInt64(status.f_files),
            inodesFree: UInt64(status.f_ffree)
        )
    }

    /// The machine's architecture, `x86_64`.
    package static var architecture: String {
        #if arch(x86_64)
            "x86_64"
        #elseif arch(arm64)
            "aarch64"
        #else
            "unknown"
        #endif
    }
}
