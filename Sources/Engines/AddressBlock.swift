import Wire

/// An IPv4 or IPv6 address as bytes, so that one address has one form.
package struct IPAddress: Sendable, Equatable {
    /// 4 or 16 bytes, most significant first. An IPv4 address inside an IPv6 one has 4.
    package let bytes: [UInt8]

    /// - Parameter text: dotted decimal without leading zeros, or IPv6 as RFC 4291 writes it,
    ///   without a zone. Nil for anything else.
    package init?(_ text: String) {
        if let bytes = Self.fourBytes(text.utf8[...]) {
            self.bytes = bytes
        } else if let bytes = Self.sixteenBytes(Array(text.utf8)) {
            let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            self.bytes = bytes.starts(with: mapped) ? Array(bytes.suffix(4)) : bytes
        } else {
            return nil
        }
    }

    /// Dotted decimal, or eight groups of IPv6 without any left out.
    package var text: String {
        if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map { position in
            String(UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1]), radix: 16)
        }
        return groups.joined(separator: ":")
    }

    /// Nil unless there are 4 or 16.
    fileprivate init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    private static func fourBytes(_ text: Substring.UTF8View) -> [UInt8]? {
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            // A leading zero would be octal to some readers and decimal to others.
            guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30,
                part.allSatisfy({ (0x30...0x39).contains($0) }),
                let byte = UInt8(String(part) ?? "")
            else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func sixteenBytes(_ text: [UInt8]) -> [UInt8]? {
        guard text.count <= 45, text.contains(0x3A) else { return nil }
        let halves = split(text)
        guard let head = groups(halves.head) else { return nil }
        guard let rest = halves.tail else { return head.count == 16 ? head : nil }
        guard let tail = groups(rest), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// What stands before and after the first `::`.
    private static func split(
        _ text: [UInt8]
    ) -> (head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>?) {
        for position in text.indices.dropLast()
        where text[position] == 0x3A && text[position + 1] == 0x3A {
            return (text[..<position], text[(position + 2)...])
        }
        return (text[...], nil)
    }

    /// Groups of up to four hex digits between colons; the last may be an IPv4 address.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: 0x3A, omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var bytes: [UInt8] = []
        for (position, part) in parts.enumerated() {
            let spelled = String(decoding: part, as: UTF8.self)
            if position == parts.count - 1, let four = fourBytes(spelled.utf8[...]) {
                bytes += four
                continue
            }
            guard (1...4).contains(part.count), part.first != 0x2B, part.first != 0x2D,
                let group = UInt16(spelled, radix: 16)
            else { return nil }
            bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
        }
        return bytes.count <= 16 ? bytes : nil
    }
}

/// A block of addresses, as `token_bound_cidrs` and its relatives name them: `10.0.0.0/8`, `::1`.
package struct AddressBlock: Sendable, Equatable {
    /// As it is shown: a single address without the number of its bits.
    package let text: String
    private let bytes: [UInt8]
    private let prefixBits: Int

    /// - Parameter text: an address, or one with `/` and the bits of it that count. Nil for
    ///   anything else. A path of a UNIX socket is not an address here: no client comes by one.
    package init?(_ text: String) {
        let parts = text.utf8.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = String(parts[0]), let address = IPAddress(first) else {
            return nil
        }
        let bitsMax = address.bytes.count * 8
        var bits = bitsMax
        if parts.count == 2 {
            guard let spelled = String(parts[1]), (1...3).contains(spelled.utf8.count),
                spelled.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let given = Int(spelled)
            else { return nil }
            // `::ffff:10.0.0.0/104` is `10.0.0.0/8`.
            bits = first.utf8.contains(0x3A) && bitsMax == 32 ? given - 96 : given
        }
        guard (0...bitsMax).contains(bits) else { return nil }
        self.text = bits == bitsMax ? first : text
        bytes = address.bytes
        prefixBits = bits
    }

    /// Whether the address is in the block. An IPv4 address is in no block of IPv6.
    package func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == bytes.count else { return false }
        let whole = prefixBits / 8
        guard address.bytes[..<whole].elementsEqual(bytes[..<whole]) else { return false }
        let rest = prefixBits % 8
        guard rest > 0 else { return true }
        return (address.bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0
    }

    /// Whether every address of another block is in this one.
    package func contains(_ other: AddressBlock) -> Bool {
        guard let first = IPAddress(bytes: other.bytes) else { return false }
        return other.prefixBits >= prefixBits && contains(first)
    }

    /// Whether a client at this address may come: one that is bound to nothing may come from
    /// everywhere, one whose address is not known only where nothing is bound.
    ///
    /// - Parameter texts: blocks that were checked when they were stored. One that does not read
    ///   holds nobody.
    package static func allow(_ address: IPAddress?, in texts: [String]) -> Bool {
        if texts.isEmpty { return true }
        guard let address else { return false }
        return texts.contains { AddressBlock($0)?.contains(address) ?? false }
    }
}
