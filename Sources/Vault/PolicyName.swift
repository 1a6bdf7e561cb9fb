import Engines
import Wire

/// The name of a policy as OpenBao normalises it: lower case, without white space at its ends. It
/// may hold slashes.
struct PolicyName: Hashable, Sendable {
    let text: String
    /// The same as a single name in the store: a policy is never a folder.
    let stored: String

    /// - Returns: nil for an empty name and for one over ``VaultLimits/policyNameBytesMax``: there
    ///   is no such policy.
    init?(_ written: String) {
        var bytes = Array(written.utf8)[...]
        while let first = bytes.first, Self.isSpace(first) { bytes.removeFirst() }
        while let last = bytes.last, Self.isSpace(last) { bytes.removeLast() }
        text = String(decoding: bytes, as: UTF8.self).lowercased()
        guard !text.isEmpty, text.utf8.count <= VaultLimits.policyNameBytesMax else { return nil }
        var stored: [UInt8] = []
        for byte in text.utf8 {
            if byte == 0x2F || byte == 0x25 {
                stored += Array("%\(Hex.encode([byte]))".utf8)
            } else {
                stored.append(byte)
            }
        }
        self.stored = String(decoding: stored, as: UTF8.self)
    }

    /// The name behind ``stored``.
    ///
    /// - Returns: nil if no policy is stored like that.
    init?(stored: String) {
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
        self.init(String(decoding: bytes, as: UTF8.self))
        guard utf8Equals(self.stored, stored) else { return nil }
    }

    static func == (a: PolicyName, b: PolicyName) -> Bool { utf8Equals(a.text, b.text) }

    func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }
}
