import Wire

/// Names that may hold slashes and are a single name in the store all the same: `/` and `%` are
/// written as `%2f` and `%25`.
enum StoredName {
    static func encode(_ name: String) -> String {
        var stored: [UInt8] = []
        for byte in name.utf8 {
            if byte == 0x2F || byte == 0x25 {
                stored += Array("%\(Hex.encode([byte]))".utf8)
            } else {
                stored.append(byte)
            }
        }
        return String(decoding: stored, as: UTF8.self)
    }

    /// - Returns: nil if no name is stored like that.
    static func decode(_ stored: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(stored.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x25 else {
                bytes.append(byte)
                continue
            }
            guard let decoded = Hex.decode(String(decoding: rest.prefix(2), as: UTF8.self)),
                decoded.count == 1
            else { return nil }
            bytes += decoded
            rest.removeFirst(2)
        }
        let name = String(decoding: bytes, as: UTF8.self)
        return utf8Equals(encode(name), stored) ? name : nil
    }
}
