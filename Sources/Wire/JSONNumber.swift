/// A JSON number, kept as written: `12345678901234567890`, `1.0` and `1e400` all survive.
package struct JSONNumber: Sendable, Equatable {
    /// Exactly what was written; always matches RFC 8259's grammar of a number.
    package let text: String

    /// The decimal spelling of `value`.
    package init(_ value: Int) { text = String(value) }

    /// The decimal spelling of `value`.
    package init(_ value: UInt64) { text = String(value) }

    /// Takes a spelling, or nil if it is not a JSON number (`+1`, `01`, `1.`, `.5`, `NaN`).
    package init?(text: String) {
        let bytes = text.utf8Span.span
        var position = 0
        guard case nil = JSONGrammar.number(in: bytes, from: &position), position == bytes.count
        else { return nil }
        self.text = text
    }

    /// Takes a spelling that the scanner has checked.
    init(checked text: String) { self.text = text }

    /// The value, if it is written without fraction and exponent and fits in 64 bits.
    package var int: Int? { Int(text) }

    /// The value, if it is written without fraction and exponent, not negative, and fits.
    package var uint64: UInt64? { UInt64(text) }
}
