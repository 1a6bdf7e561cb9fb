import Glibc

/// Folders that a command makes.
package enum LocalFolder {
    /// Makes a folder that only its owner may enter, and those above it. One that is there stays
    /// as it is.
    package static func make(_ path: String) throws(LocalError) {
        if unsafe mkdir(path, 0o700) == 0 || errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw .failed(path, reason: LocalFile.lastReason())
        }
        try make(String(path[..<slash]))
        guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw .failed(path, reason: LocalFile.lastReason())
        }
    }

    /// Makes a new folder under the system's folder for temporary files.
    ///
    /// - Returns: its path.
    package static func makeTemporary(in parent: String, prefix: String) throws(LocalError)
        -> String
    {
        var pattern = Array("\(parent)/\(prefix)XXXXXX".utf8CString)
        let isMade = unsafe pattern.withUnsafeMutableBufferPointer { buffer in
            guard let template = buffer.baseAddress else { return false }
            return unsafe mkdtemp(template) != nil
        }
        guard isMade else { throw .failed(parent, reason: LocalFile.lastReason()) }
        let bytes = pattern.dropLast().map { UInt8(bitPattern: $0) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Removes a folder and what is in it; symbolic links are removed, not followed.
    package static func remove(_ path: String) throws(LocalError) {
        guard let folder = unsafe opendir(path) else {
            throw .failed(path, reason: LocalFile.lastReason())
        }
        var names: [String] = []
        while let entry = unsafe readdir(folder) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        _ = unsafe closedir(folder)
        for name in names {
            let inner = "\(path)/\(name)"
            if unsafe unlink(inner) == 0 { continue }
            guard errno == EISDIR || errno == EPERM else {
                throw .failed(inner, reason: LocalFile.lastReason())
            }
            try remove(inner)
        }
        guard unsafe rmdir(path) == 0 else {
            throw .failed(path, reason: LocalFile.lastReason())
        }
    }
}
