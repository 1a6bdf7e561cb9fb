import Glibc

/// A folder of its own for one test; removed with everything in it when nobody holds it any more.
package final class TemporaryFolder: Sendable {
    /// Where it is, without a slash at its end.
    package let path: String

    /// Makes an empty one where `TMPDIR` says.
    ///
    /// - Parameter inMemory: where the system has a file system for that, for what lives for a few
    ///   milliseconds, or should not wear a disk out.
    package init(inMemory: Bool = false) {
        let parent = inMemory && Self.hasMemory ? Self.memory : Self.disk
        var template = Array("\(parent)/holdfast-test-XXXXXX".utf8CString)
        precondition(unsafe mkdtemp(&template) != nil, "no temporary folder in \(parent)")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    private static let memory = "/dev/shm"
    private static var hasMemory: Bool { unsafe access(memory, W_OK) == 0 }

    private static var disk: String {
        unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
    }

    /// The names in a folder, sorted; none if it is no folder.
    package static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file, or a folder with everything in it. A link is removed, never followed.
    package static func remove(_ path: String) {
        guard unsafe unlink(path) != 0 else { return }
        for name in names(in: path) { remove(path + "/" + name) }
        _ = unsafe rmdir(path)
    }
}
