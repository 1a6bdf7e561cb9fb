/// Names of users, roles and certificates, as OpenBao's paths allow them.
enum AuthName {
    /// The name in the form in which it is stored: lower case. Nil for one that no path has: it
    /// begins and ends with a letter, digit or `_`, and has only those, `-` and `.` inside.
    static func stored(_ name: String) -> String? {
        guard (1...EngineLimits.authNameBytesMax).contains(name.utf8.count) else { return nil }
        let bytes = Array(name.utf8)
        guard let first = bytes.first, let last = bytes.last, isWord(first), isWord(last),
            bytes.allSatisfy({ isWord($0) || $0 == 0x2D || $0 == 0x2E })
        else { return nil }
        return String(decoding: bytes.map(lowercased), as: UTF8.self)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F: true
        default: false
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (0x41...0x5A).contains(byte) ? byte + 0x20 : byte
    }
}
