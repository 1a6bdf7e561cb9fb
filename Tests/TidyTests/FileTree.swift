import Glibc

/// Reads the package's own files. The C library is enough; Foundation would be a heavy guest.
enum FileTree {
    /// The folder that holds `Package.swift`, found from where this file was compiled.
    static let root: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return parts.joined(separator: "/")
    }()

    /// Paths from the root of all `.swift` files below `folder`, sorted.
    static func swiftFiles(below folder: String) -> [String] {
        var found: [String] = []
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            if name.hasSuffix(".swift") {
                found.append(path)
            } else {
                found += swiftFiles(below: path)
            }
        }
        return found
    }

    /// Names in a folder, sorted, hidden ones left out; nothing if it is not a folder.
    static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir("\(root)/\(folder)") else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    unsafe String(cString: $0)
                }
            }
            if !name.hasPrefix(".") {
                names.append(name)
            }
        }
        return names.sorted()
    }

    /// The whole text of a file.
    static func text(of path: String) -> String {
        guard let stream = unsafe fopen("\(root)/\(path)", "r") else { return "" }
        defer { unsafe fclose(stream) }
        return unsafe contents(of: stream)
    }

    /// What a shell command prints to standard output, and whether it succeeded.
    static func output(of command: String) -> (text: String, isSuccess: Bool) {
        guard let stream = unsafe popen(command, "r") else { return ("", false) }
        let text = unsafe contents(of: stream)
        return (text, unsafe pclose(stream) == 0)
    }

    /// The program that runs now.
    static var ownExecutable: String {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe bytes.withUnsafeMutableBytes { buffer -> Int in
            guard let start = buffer.baseAddress else { return 0 }
            return unsafe readlink("/proc/self/exe", start, buffer.count)
        }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private static func contents(of stream: UnsafeMutablePointer<FILE>) -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { buffer in
                unsafe fread(buffer.baseAddress, 1, buffer.count, stream)
            }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
