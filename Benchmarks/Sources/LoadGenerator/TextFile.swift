import Glibc

/// Reads a small file as text.
enum TextFile {
    /// Throws if the file cannot be read or is larger than 1 MiB.
    static func read(_ path: String) throws(Options.Failure) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Options.Failure("\(path) cannot be read") }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        var filled = 0
        while filled < bytes.count {
            let have = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            }
            guard have >= 0 else { throw Options.Failure("\(path) cannot be read") }
            if have == 0 { return String(decoding: bytes[..<filled], as: UTF8.self) }
            filled += have
        }
        throw Options.Failure("\(path) is larger than 1 MiB")
    }
}
