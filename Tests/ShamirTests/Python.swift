import Glibc

/// The system's Python, where the reference implementation may be installed.
enum Python {
    static let hasReference = run("import shamir_mnemonic") != nil

    /// What `script` prints; nil if it cannot run. The script must not contain single quotes.
    static func run(_ script: String) -> String? {
        precondition(!script.contains("'"))
        guard let pipe = unsafe popen("python3 -c '\(script)' 2>/dev/null", "r") else { return nil }
        var output: [UInt8] = []
        while true {
            let byte = unsafe fgetc(pipe)
            guard byte >= 0 else { break }
            output.append(UInt8(byte))
        }
        guard unsafe pclose(pipe) == 0 else { return nil }
        return String(decoding: output, as: UTF8.self)
    }
}
