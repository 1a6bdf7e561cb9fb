/// Turns the inside of a JSON string, already checked by ``JSONGrammar``, into text.
enum JSONText {
    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]

    /// The text of bytes without escapes. One copy if they are valid UTF-8.
    static func text(of bytes: Span<UInt8>) -> String {
        if let valid = try? UTF8Span(validating: bytes) {
            return String(copying: valid)
        }
        return unescaped(bytes)
    }

    /// The text of bytes with escapes, with U+FFFD for every bad byte and lone surrogate.
    static func unescaped(_ bytes: Span<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0x5C {
                position += 1
                appendEscape(in: bytes, from: &position, to: &text)
            } else if byte < 0x80 {
                text.append(byte)
                position += 1
            } else {
                appendSequence(in: bytes, from: &position, to: &text)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func appendEscape(
        in bytes: Span<UInt8>,
        from position: inout Int,
        to text: inout [UInt8]
    ) {
        let letter = bytes[position]
        position += 1
        switch letter {
        case 0x62: text.append(0x08)
        case 0x66: text.append(0x0C)
        case 0x6E: text.append(0x0A)
        case 0x72: text.append(0x0D)
        case 0x74: text.append(0x09)
        case 0x75: appendUnicodeEscape(in: bytes, from: &position, to: &text)
        default: text.append(letter)
        }
    }

    /// Reads four digits, and a second escape if the two make a surrogate pair.
    private static func appendUnicodeEscape(
        in bytes: Span<UInt8>,
        from position: inout Int,
        to text: inout [UInt8]
    ) {
        let first = unit(in: bytes, at: position)
        position += 4
        var code = first
        if (0xD800...0xDBFF).contains(first), position + 6 <= bytes.count,
            bytes[position] == 0x5C, bytes[position + 1] == 0x75
        {
            let second = unit(in: bytes, at: position + 2)
            if (0xDC00...0xDFFF).contains(second) {
                code = 0x1_0000 + (first - 0xD800) << 10 + (second - 0xDC00)
                position += 6
            }
        }
        guard let scalar = Unicode.Scalar(code) else {
            text.append(contentsOf: replacement)
            return
        }
        text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }

    private static func unit(in bytes: Span<UInt8>, at position: Int) -> UInt32 {
        var value: UInt32 = 0
        for offset in position..<position + 4 {
            value = value << 4 | (JSONGrammar.hexValue(bytes[offset]) ?? 0)
        }
        return value
    }

    /// Copies one well-formed sequence, or replaces one byte.
    private static func appendSequence(
        in bytes: Span<UInt8>,
        from position: inout Int,
        to text: inout [UInt8]
    ) {
        let count = sequenceCount(in: bytes, at: position)
        guard count > 0 else {
            text.append(contentsOf: replacement)
            position += 1
            return
        }
        for offset in position..<position + count {
            text.append(bytes[offset])
        }
        position += count
    }

    /// Bytes of the well-formed multi-byte sequence here, or 0. Unicode 16, table 3-7.
    private static func sequenceCount(in bytes: Span<UInt8>, at position: Int) -> Int {
        let first = bytes[position]
        let count: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch first {
        case 0xC2...0xDF: count = 2
        case 0xE0...0xEF: count = 3
        case 0xF0...0xF4: count = 4
        default: return 0
        }
        switch first {
        case 0xE0: second = 0xA0...0xBF
        case 0xED: second = 0x80...0x9F
        case 0xF0: second = 0x90...0xBF
        case 0xF4: second = 0x80...0x8F
        default: break
        }
        guard position + count <= bytes.count, second.contains(bytes[position + 1]) else {
            return 0
        }
        for offset in 2..<max(2, count) where bytes[position + offset] & 0xC0 != 0x80 {
            return 0
        }
        return count
    }
}
