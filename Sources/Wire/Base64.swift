/// Base64 text (RFC 4648): the standard alphabet with padding, and the URL alphabet without.
///
/// Decoding is strict: no white space, no missing or extra padding, and the bits that the last
/// character has too many must be zero, so a byte string has exactly one spelling. Arithmetic only,
/// for the reason given at ``Hex``.
package enum Base64 {
    /// Standard alphabet, padded with `=` to a multiple of four characters.
    package static func encode(_ bytes: [UInt8]) -> String {
        encode(bytes.span, with: .standard)
    }

    /// The bytes of standard, padded base64, or nil.
    package static func decode(_ text: String) -> [UInt8]? {
        let characters = text.utf8Span.span
        guard characters.count % 4 == 0 else { return nil }
        var count = characters.count
        while count > 0 && characters.count - count < 2 && characters[count - 1] == 0x3D {
            count -= 1
        }
        return decode(characters.extracting(..<count), with: .standard)
    }

    /// URL alphabet (`-` and `_`), no padding.
    package static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes.span, with: .url)
    }

    /// The bytes of URL base64 without padding, or nil.
    package static func decodeURL(_ text: String) -> [UInt8]? {
        decode(text.utf8Span.span, with: .url)
    }

    private struct Alphabet {
        let plus: UInt8
        let slash: UInt8
        let isPadded: Bool

        static let standard = Alphabet(plus: 0x2B, slash: 0x2F, isPadded: true)
        static let url = Alphabet(plus: 0x2D, slash: 0x5F, isPadded: false)

        func character(_ sextet: UInt32) -> UInt8 {
            let value = UInt8(truncatingIfNeeded: sextet & 63)
            let number = Int32(value)
            let upper = within(value, 0, 25) & (number + 65)
            let lower = within(value, 26, 51) & (number + 71)
            let digit = within(value, 52, 61) & (number - 4)
            let rest62 = within(value, 62, 62) & Int32(plus)
            let rest63 = within(value, 63, 63) & Int32(slash)
            return UInt8(truncatingIfNeeded: upper | lower | digit | rest62 | rest63)
        }

        func sextet(_ character: UInt8, isValid: inout Int32) -> UInt32 {
            let code = Int32(character)
            let isUpper = within(character, 65, 90)
            let isLower = within(character, 97, 122)
            let isDigit = within(character, 48, 57)
            let isPlus = within(character, Int32(plus), Int32(plus))
            let isSlash = within(character, Int32(slash), Int32(slash))
            isValid &= isUpper | isLower | isDigit | isPlus | isSlash
            let letter = (isUpper & (code - 65)) | (isLower & (code - 71))
            let rest = (isDigit & (code + 4)) | (isPlus & 62) | (isSlash & 63)
            return UInt32(truncatingIfNeeded: letter | rest)
        }
    }

    private static func encode(_ bytes: Span<UInt8>, with alphabet: Alphabet) -> String {
        let whole = bytes.count / 3
        let left = bytes.count % 3
        let tail = left == 0 ? 0 : (alphabet.isPadded ? 4 : left + 1)
        var characters = [UInt8](repeating: 0x3D, count: 4 * whole + tail)
        var target = characters.mutableSpan
        for group in 0..<whole {
            let word =
                UInt32(bytes[3 * group]) << 16 | UInt32(bytes[3 * group + 1]) << 8
                | UInt32(bytes[3 * group + 2])
            target[4 * group] = alphabet.character(word >> 18)
            target[4 * group + 1] = alphabet.character(word >> 12)
            target[4 * group + 2] = alphabet.character(word >> 6)
            target[4 * group + 3] = alphabet.character(word)
        }
        if left > 0 {
            let second = left == 2 ? UInt32(bytes[3 * whole + 1]) : 0
            let word = UInt32(bytes[3 * whole]) << 16 | second << 8
            target[4 * whole] = alphabet.character(word >> 18)
            target[4 * whole + 1] = alphabet.character(word >> 12)
            if left == 2 {
                target[4 * whole + 2] = alphabet.character(word >> 6)
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Decodes characters without padding.
    private static func decode(_ source: Span<UInt8>, with alphabet: Alphabet) -> [UInt8]? {
        let whole = source.count / 4
        let left = source.count % 4
        guard left != 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 3 * whole + max(0, left - 1))
        var target = bytes.mutableSpan
        var isValid: Int32 = -1
        for group in 0..<whole {
            var word: UInt32 = 0
            for offset in 0..<4 {
                word = word << 6 | alphabet.sextet(source[4 * group + offset], isValid: &isValid)
            }
            target[3 * group] = UInt8(truncatingIfNeeded: word >> 16)
            target[3 * group + 1] = UInt8(truncatingIfNeeded: word >> 8)
            target[3 * group + 2] = UInt8(truncatingIfNeeded: word)
        }
        if left > 0 {
            var word: UInt32 = 0
            for offset in 0..<left {
                word = word << 6 | alphabet.sextet(source[4 * whole + offset], isValid: &isValid)
            }
            word <<= UInt32(6 * (4 - left))
            target[3 * whole] = UInt8(truncatingIfNeeded: word >> 16)
            if left == 3 {
                target[3 * whole + 1] = UInt8(truncatingIfNeeded: word >> 8)
            }
            let spare: UInt32 = left == 2 ? 0xFFFF : 0xFF
            guard word & spare == 0 else { return nil }
        }
        return isValid == 0 ? nil : bytes
    }
}
