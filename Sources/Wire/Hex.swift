/// Lower-case hexadecimal text.
///
/// Both directions use arithmetic only: no table, and no branch on a byte's value, because shares
/// and tokens pass through here and must not show in cache or branch timing.
package enum Hex {
    /// Two lower-case digits for each byte.
    package static func encode(_ bytes: [UInt8]) -> String {
        let source = bytes.span
        var digits = [UInt8](repeating: 0, count: 2 * source.count)
        var target = digits.mutableSpan
        for position in 0..<source.count {
            target[2 * position] = digit(source[position] >> 4)
            target[2 * position + 1] = digit(source[position] & 15)
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// The bytes that `text` spells, or nil unless it is an even number of digits in either case.
    package static func decode(_ text: String) -> [UInt8]? {
        decode(text.utf8Span.span)
    }

    /// The bytes that ASCII digits spell. See ``decode(_:)-(String)``.
    package static func decode(_ digits: Span<UInt8>) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: digits.count / 2)
        var target = bytes.mutableSpan
        var isValid: Int32 = -1
        for position in 0..<target.count {
            let high = value(of: digits[2 * position], isValid: &isValid)
            let low = value(of: digits[2 * position + 1], isValid: &isValid)
            target[position] = UInt8(truncatingIfNeeded: high << 4 | low)
        }
        return isValid == 0 ? nil : bytes
    }

    private static func digit(_ nibble: UInt8) -> UInt8 {
        // 87 is "a" - 10. The mask is all ones for 0...9 and takes 39 back to reach "0".
        let isDecimal = within(nibble, 0, 9)
        return UInt8(truncatingIfNeeded: Int32(nibble) + 87 - (39 & isDecimal))
    }

    private static func value(of digit: UInt8, isValid: inout Int32) -> Int32 {
        let code = Int32(digit)
        let isDecimal = within(digit, 0x30, 0x39)
        let isLower = within(digit, 0x61, 0x66)
        let isUpper = within(digit, 0x41, 0x46)
        isValid &= isDecimal | isLower | isUpper
        return (isDecimal & (code - 48)) | (isLower & (code - 87)) | (isUpper & (code - 55))
    }
}

/// All ones if `low <= byte <= high`, else 0. Without a branch: both differences are negative, and
/// so have their sign bit set, only inside the range.
func within(_ byte: UInt8, _ low: Int32, _ high: Int32) -> Int32 {
    ((low - 1 - Int32(byte)) & (Int32(byte) - high - 1)) >> 31
}
