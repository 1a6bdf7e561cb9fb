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
        stored = StoredName.encode(text)
    }

    /// The name behind ``stored``.
    ///
    /// - Returns: nil if no policy is stored like that.
    init?(stored: String) {
        guard let name = StoredName.decode(stored) else { return nil }
        self.init(name)
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
