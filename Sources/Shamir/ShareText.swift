package import Cryptography
import Wire

// The forms in which a share is written down. Words are for people, the 42 bytes for programs; they
// carry the same bits, checksum included.

extension Share {
    /// 33 lower-case words with single spaces between them.
    package var words: String {
        let words = encoded()
        return (0..<words.count).map { WordList.word(words[$0]) }.joined(separator: " ")
    }

    /// 330 bits of words, big-endian, and 6 zero bits.
    package var bytes42: SecretBytes { encoded().packed() }

    /// `bytes42` as 84 lower-case hexadecimal digits.
    package var hex: String { written { Hex.encode($0) } }

    /// `bytes42` as 56 base64 characters; no padding is needed.
    package var base64: String { written { Base64.encode($0) } }

    private func written(_ encode: ([UInt8]) -> String) -> String {
        var bytes = bytes42.exposedCopy()
        defer { wipe(&bytes) }
        return encode(bytes)
    }

    /// Reads a share that somebody typed or pasted. See the variant over bytes.
    package static func parse(_ text: String) throws(ShareError) -> Share {
        var bytes = Array(text.utf8)
        defer { wipe(&bytes) }
        return try parse(bytes.span)
    }

    /// Reads a share from locked memory. See the variant over bytes.
    package static func parse(_ text: borrowing SecretBytes) throws(ShareError) -> Share {
        try text.withBytes { text throws(ShareError) in try parse(text) }
    }

    /// Reads a share in any of its forms.
    ///
    /// White space around it is ignored, and so is upper case in words and hexadecimal digits. What
    /// contains white space is words. Anything else is hexadecimal if it has exactly 84 digits, and
    /// base64 otherwise. Hexadecimal digits may be broken over lines.
    /// - Throws: what is wrong, as exactly as can be said without repeating the share.
    package static func parse(_ text: Span<UInt8>) throws(ShareError) -> Share {
        guard text.count <= Limits.textBytesMax else { throw .tooLong(characters: text.count) }
        let tokens = ShareToken.split(text)
        guard let first = tokens.first else { throw .empty }
        if let share = try hexadecimal(text, tokens) { return share }
        let isSingleWord = WordList.value(of: text, first) != nil
        guard tokens.count == 1, !isSingleWord else {
            return try decode(wordValues(text, tokens))
        }
        return try base64(text, first)
    }

    private static func wordValues(
        _ text: Span<UInt8>,
        _ tokens: [Range<Int>]
    ) throws(ShareError) -> ShareWords {
        guard tokens.count <= Limits.wordsMax else { throw .wordCount(have: tokens.count) }
        return try ShareWords(count: tokens.count) { position throws(ShareError) in
            guard let value = WordList.value(of: text, tokens[position]) else {
                let nearest = WordList.nearest(to: text, tokens[position])
                throw .unknownWord(position: position + 1, nearest: nearest)
            }
            return value
        }
    }

    /// Nil if the text is not meant as hexadecimal.
    private static func hexadecimal(
        _ text: Span<UInt8>,
        _ tokens: [Range<Int>]
    ) throws(ShareError) -> Share? {
        let count = tokens.reduce(0) { $0 + $1.count }
        let positions = tokens.flatMap { Array($0) }
        let wrong = positions.firstIndex { ShareToken.hexValue(text[$0]) == nil }
        guard count == Limits.shareHexDigits else {
            // Only digits, but too few or too many of them: say so, unless base64 fits.
            let isOther = wrong != nil || count == Limits.shareBase64Characters
            if isOther || tokens.count > 1 { return nil }
            throw .hexLength(have: count)
        }
        if let wrong {
            guard tokens.count == 1 else { return nil }
            throw .hexDigit(position: wrong + 1)
        }
        let packed = SecretBytes(count: Limits.shareBytes) { bytes in
            for position in bytes.indices {
                let high = ShareToken.hexValue(text[positions[2 * position]]) ?? 0
                let low = ShareToken.hexValue(text[positions[2 * position + 1]]) ?? 0
                bytes[position] = high << 4 | low
            }
        }
        return try decode(ShareWords.unpack(packed))
    }

    private static func base64(
        _ text: Span<UInt8>,
        _ token: Range<Int>
    ) throws(ShareError) -> Share {
        guard token.count == Limits.shareBase64Characters else {
            throw .unrecognised(characters: token.count)
        }
        let packed = try SecretBytes(count: Limits.shareBytes) { bytes throws(ShareError) in
            for group in 0..<Limits.shareBytes / 3 {
                var value: UInt32 = 0
                for offset in group * 4..<group * 4 + 4 {
                    let digit = ShareToken.base64Value(text[token.lowerBound + offset])
                    guard let digit else { throw .base64Character(position: offset + 1) }
                    value = value << 6 | digit
                }
                bytes[3 * group] = UInt8(value >> 16)
                bytes[3 * group + 1] = UInt8(value >> 8 & 255)
                bytes[3 * group + 2] = UInt8(value & 255)
            }
        }
        return try decode(ShareWords.unpack(packed))
    }
}

/// Characters of a share's text.
enum ShareToken {
    /// The pieces between ASCII white space.
    static func split(_ text: Span<UInt8>) -> [Range<Int>] {
        var tokens: [Range<Int>] = []
        var start: Int?
        for position in text.indices {
            let isSpace = text[position] == 0x20 || (0x09...0x0d).contains(text[position])
            if isSpace, let first = start {
                tokens.append(first..<position)
                start = nil
            } else if !isSpace, start == nil {
                start = position
            }
        }
        if let start { tokens.append(start..<text.count) }
        return tokens
    }

    /// 0 to 15, either case.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// 0 to 63, of the standard alphabet.
    static func base64Value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x41...0x5a: UInt32(byte - 0x41)
        case 0x61...0x7a: UInt32(byte - 0x61) + 26
        case 0x30...0x39: UInt32(byte - 0x30) + 52
        case 0x2b: 62
        case 0x2f: 63
        default: nil
        }
    }
}
