/// Base32 with the alphabet A-Z, 2-7.
///
/// - Source: RFC 4648, section 6.
package enum Base32 {
    /// Without padding.
    package static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + 4) / 5)
        var waiting: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            waiting = waiting << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(digit(waiting >> count & 31))
            }
            waiting &= (1 << count) - 1
        }
        if count > 0 { text.append(digit(waiting << (5 - count) & 31)) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes behind a text in either case, with its padding or without; bits that fill up the
    /// last digit do not count.
    ///
    /// - Throws: ``Base32Error``; where Go's decoder sees the first mistake in the padded text.
    package static func decode(_ text: String) throws(Base32Error) -> [UInt8] {
        let padded = Array(text.utf8)
        let digits = padded.prefix { $0 != 0x3D }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count * 5 / 8)
        var waiting: UInt32 = 0
        var count: UInt32 = 0
        for (position, character) in digits.enumerated() {
            guard let value = value(of: character) else { throw Base32Error(position: position) }
            waiting = waiting << 5 | value
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(waiting >> count & 0xFF))
                waiting &= (1 << count) - 1
            }
        }
        let rest = padded[digits.count...]
        let block = digits.count % 8
        guard block != 1 && block != 3 && block != 6,
            rest.allSatisfy({ $0 == 0x3D }),
            rest.count <= (8 - block) % 8
        else { throw Base32Error(position: digits.count) }
        return bytes
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        value < 26 ? UInt8(0x41 + value) : UInt8(0x32 + value - 26)
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case 0x41...0x5A: UInt32(character - 0x41)
        case 0x61...0x7A: UInt32(character - 0x61)
        case 0x32...0x37: UInt32(character - 0x32) + 26
        default: nil
        }
    }
}

/// A text that is not base32.
package struct Base32Error: Error, Equatable {
    /// Of the first byte that is wrong.
    package let position: Int

    /// - Parameter position: of the first byte that is wrong.
    package init(position: Int) { self.position = position }
}
