/// Writes compact JSON, append-only. Escapes like Go's encoder, so that text can stand inside HTML
/// and JavaScript: `<`, `>`, `&`, U+2028 and U+2029 become `\u` escapes.
///
/// Commas are set by the writer. Misuse (a value without a name in an object is not noticed, an end
/// without a begin is) stops the process, because it can only be a bug of ours.
package struct JSONWriter: Sendable {
    /// Everything written so far.
    package private(set) var bytes: [UInt8]
    private var isCommaDue = false
    private var depth = 0

    /// - Parameter capacity: bytes to reserve; a hint, not a limit.
    package init(capacity: Int = 256) {
        bytes = []
        bytes.reserveCapacity(capacity)
    }

    /// `{`
    package mutating func beginObject() { begin(0x7B) }
    /// `}`
    package mutating func endObject() { end(0x7D) }
    /// `[`
    package mutating func beginArray() { begin(0x5B) }
    /// `]`
    package mutating func endArray() { end(0x5D) }

    /// The name of the next member, with its colon.
    package mutating func name(_ name: String) {
        separate()
        appendQuoted(name)
        bytes.append(0x3A)
        isCommaDue = false
    }

    /// A string value.
    package mutating func string(_ value: String) {
        separate()
        appendQuoted(value)
        isCommaDue = true
    }

    /// A whole number.
    package mutating func int(_ value: Int) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
        isCommaDue = true
    }

    /// A whole number that may be above the range of `Int`.
    package mutating func uint(_ value: UInt64) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
        isCommaDue = true
    }

    /// `true` or `false`.
    package mutating func bool(_ value: Bool) {
        separate()
        bytes.append(contentsOf: (value ? "true" : "false").utf8)
        isCommaDue = true
    }

    /// `null`
    package mutating func null() {
        separate()
        bytes.append(contentsOf: "null".utf8)
        isCommaDue = true
    }

    /// A value that is JSON already. The bytes are trusted.
    package mutating func raw(_ value: [UInt8]) {
        precondition(!value.isEmpty, "an empty value is not JSON")
        separate()
        bytes.append(contentsOf: value)
        isCommaDue = true
    }

    /// Any value. Members are written in their own order.
    package mutating func write(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let flag): bool(flag)
        case .string(let text): string(text)
        case .number(let number):
            separate()
            bytes.append(contentsOf: number.text.utf8)
            isCommaDue = true
        case .array(let elements):
            beginArray()
            for element in elements {
                write(element)
            }
            endArray()
        case .object(let object):
            beginObject()
            for (name, value) in object.members {
                self.name(name)
                write(value)
            }
            endObject()
        }
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        depth += 1
        isCommaDue = false
    }

    private mutating func end(_ bracket: UInt8) {
        precondition(depth > 0, "an end without its begin")
        depth -= 1
        bytes.append(bracket)
        isCommaDue = true
    }

    private mutating func separate() {
        if isCommaDue {
            bytes.append(0x2C)
        }
    }

    private mutating func appendQuoted(_ text: String) {
        bytes.append(0x22)
        if isPlain(text.utf8Span.span) {
            bytes.append(contentsOf: text.utf8)
        } else {
            appendEscaped(text.utf8Span.span)
        }
        bytes.append(0x22)
    }

    /// Whether nothing needs an escape. 0xE2 begins U+2028 and U+2029, among others.
    private func isPlain(_ text: Span<UInt8>) -> Bool {
        for position in 0..<text.count {
            let byte = text[position]
            if byte < 0x20 || byte == 0x22 || byte == 0x26 || byte == 0x3C || byte == 0x3E
                || byte == 0x5C || byte == 0xE2
            {
                return false
            }
        }
        return true
    }

    private mutating func appendEscaped(_ text: Span<UInt8>) {
        var position = 0
        while position < text.count {
            let byte = text[position]
            switch byte {
            case 0x22, 0x5C:
                bytes.append(0x5C)
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x00..<0x20, 0x26, 0x3C, 0x3E:
                bytes.append(contentsOf: "\\u00".utf8)
                bytes.append(hexDigit(byte >> 4))
                bytes.append(hexDigit(byte & 15))
            case 0xE2 where isLineSeparator(text, at: position):
                bytes.append(contentsOf: (text[position + 2] == 0xA8 ? "\\u2028" : "\\u2029").utf8)
                position += 2
            default:
                bytes.append(byte)
            }
            position += 1
        }
    }

    /// Whether the three bytes here are U+2028 or U+2029. A `String` never ends inside a character.
    private func isLineSeparator(_ text: Span<UInt8>, at position: Int) -> Bool {
        text[position + 1] == 0x80 && (text[position + 2] == 0xA8 || text[position + 2] == 0xA9)
    }

    private func hexDigit(_ nibble: UInt8) -> UInt8 {
        nibble < 10 ? 0x30 + nibble : 0x57 + nibble
    }
}
