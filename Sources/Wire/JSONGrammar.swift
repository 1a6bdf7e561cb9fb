/// The two lexical rules of RFC 8259 that need more than one byte: numbers and strings. Both move
/// `position` to the first byte behind what they read, and never past the end.
enum JSONGrammar {
    /// Reads a number whose first byte, a minus or a digit, is at `position`.
    ///
    /// - Returns: the problem, or nil. What follows the number is for the caller to judge, so `01`
    ///   reads as `0` here.
    static func number(in bytes: Span<UInt8>, from position: inout Int) -> JSONError? {
        if position < bytes.count && bytes[position] == 0x2D {
            position += 1
        }
        guard position < bytes.count else { return .unexpectedEnd }
        if bytes[position] == 0x30 {
            position += 1
        } else if let problem = digits(in: bytes, from: &position, .inNumber) {
            return problem
        }
        if position < bytes.count && bytes[position] == 0x2E {
            position += 1
            if let problem = digits(in: bytes, from: &position, .afterPoint) { return problem }
        }
        if position < bytes.count && bytes[position] | 0x20 == 0x65 {
            position += 1
            if position < bytes.count && (bytes[position] == 0x2B || bytes[position] == 0x2D) {
                position += 1
            }
            if let problem = digits(in: bytes, from: &position, .inExponent) { return problem }
        }
        return nil
    }

    /// Reads the inside of a string up to its closing quote, where `position` stays.
    ///
    /// - Returns: true if it has no escape, so that its bytes are its text.
    static func stringBody(
        in bytes: Span<UInt8>,
        from position: inout Int
    ) throws(JSONError) -> Bool {
        var isPlain = true
        while position < bytes.count {
            let byte = bytes[position]
            if byte == 0x22 { return isPlain }
            guard byte >= 0x20 else { throw .invalidCharacter(byte, .inString) }
            position += 1
            if byte == 0x5C {
                isPlain = false
                try escape(in: bytes, from: &position)
            }
        }
        throw .unexpectedEnd
    }

    /// Reads an escape behind its backslash.
    private static func escape(
        in bytes: Span<UInt8>,
        from position: inout Int
    ) throws(JSONError) {
        guard position < bytes.count else { throw .unexpectedEnd }
        let letter = bytes[position]
        position += 1
        switch letter {
        case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
            return
        case 0x75:
            for _ in 0..<4 {
                guard position < bytes.count else { throw .unexpectedEnd }
                guard hexValue(bytes[position]) != nil else {
                    throw .invalidCharacter(bytes[position], .inUnicodeEscape)
                }
                position += 1
            }
        default:
            throw .invalidCharacter(letter, .inEscape)
        }
    }

    private static func digits(
        in bytes: Span<UInt8>,
        from position: inout Int,
        _ place: JSONPlace
    ) -> JSONError? {
        guard position < bytes.count else { return .unexpectedEnd }
        guard isDigit(bytes[position]) else { return .invalidCharacter(bytes[position], place) }
        while position < bytes.count && isDigit(bytes[position]) {
            position += 1
        }
        return nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// 0...15, or nil if the byte is not a hexadecimal digit.
    static func hexValue(_ byte: UInt8) -> UInt32? {
        switch byte {
        case 0x30...0x39: UInt32(byte) - 48
        case 0x61...0x66: UInt32(byte) - 87
        case 0x41...0x46: UInt32(byte) - 55
        default: nil
        }
    }
}
