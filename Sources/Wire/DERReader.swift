/// One element of ASN.1 in DER: its tag byte, and where its content is.
package struct DERElement: Sendable, Equatable {
    /// Class, form and number in one byte: `0x30` a sequence, `0xA3` the context's number 3.
    package let tag: UInt8
    package let content: ArraySlice<UInt8>
    /// Tag, length and content.
    package let whole: ArraySlice<UInt8>
}

/// Reads ASN.1 in DER, as much of it as certificates need: tags of one byte, and lengths in the one
/// form that DER allows. A failure is the sender's fault: one thrown error, never a crash.
///
/// - Source: ITU-T X.690, sections 8.1 and 10.1.
package struct DERReader: Sendable {
    private var rest: ArraySlice<UInt8>

    /// Starts at the first byte.
    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    /// Starts at the first byte of a part, for instance what is in a sequence.
    package init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// Whether every byte was read.
    package var isAtEnd: Bool { rest.isEmpty }

    /// The tag of the next element; nil at the end.
    package var nextTag: UInt8? { rest.first }

    /// The next element, whatever it is.
    package mutating func read() throws(WireError) -> DERElement {
        guard rest.count >= 2 else { throw .truncated(need: 2, have: rest.count) }
        let start = rest.startIndex
        let tag = rest[start]
        guard tag & 0x1F != 0x1F else { throw .malformed("an ASN.1 tag of several bytes") }
        var length = Int(rest[start + 1])
        var head = 2
        if length >= 0x80 {
            let count = length & 0x7F
            guard (1...4).contains(count) else {
                throw .malformed("an ASN.1 length of \(count) bytes")
            }
            head += count
            guard rest.count >= head else { throw .truncated(need: head, have: rest.count) }
            length = rest[(start + 2)..<(start + head)].reduce(0) { $0 << 8 | Int($1) }
            guard length >= 0x80, rest[start + 2] != 0 else {
                throw .malformed("an ASN.1 length that is not the shortest")
            }
        }
        guard rest.count - head >= length else {
            throw .truncated(need: length, have: rest.count - head)
        }
        let end = start + head + length
        let element = DERElement(
            tag: tag,
            content: rest[(start + head)..<end],
            whole: rest[start..<end]
        )
        rest = rest[end...]
        return element
    }

    /// The next element, which has to have this tag.
    package mutating func read(_ tag: UInt8) throws(WireError) -> DERElement {
        guard rest.first == tag else {
            throw .malformed(
                "expected ASN.1 tag \(tag), have \(rest.first.map(String.init) ?? "the end")"
            )
        }
        return try read()
    }

    /// The next element if it has this tag.
    package mutating func readOptional(_ tag: UInt8) throws(WireError) -> DERElement? {
        rest.first == tag ? try read() : nil
    }

    /// - Throws: if bytes are left.
    package func finish() throws(WireError) {
        guard rest.isEmpty else { throw .trailing(rest.count) }
    }
}

extension DERElement {
    /// An object identifier as people write it: `2.5.29.17`.
    ///
    /// - Source: ITU-T X.690, section 8.19.
    package func objectIdentifier() throws(WireError) -> String {
        guard tag == 0x06, let last = content.last, last < 0x80, content.count <= 64 else {
            throw .malformed("an ASN.1 object identifier that does not end")
        }
        var numbers: [UInt64] = []
        var number: UInt64 = 0
        var isFirstByte = true
        for byte in content {
            guard !(isFirstByte && byte == 0x80), number < 1 << 56 else {
                throw .malformed("a number of an ASN.1 object identifier")
            }
            number = number << 7 | UInt64(byte & 0x7F)
            isFirstByte = byte < 0x80
            guard isFirstByte else { continue }
            numbers.append(number)
            number = 0
        }
        // The first number holds the first two.
        let head = min(numbers[0] / 40, 2)
        numbers[0] -= head * 40
        return ([head] + numbers).map(String.init).joined(separator: ".")
    }

    /// The bytes of a number that is not negative, without zeros in front; empty for 0.
    package func magnitude() throws(WireError) -> ArraySlice<UInt8> {
        guard tag == 0x02, let first = content.first else {
            throw .malformed("an ASN.1 number without a byte")
        }
        guard first < 0x80 else { throw .malformed("an ASN.1 number that is negative") }
        return content.drop { $0 == 0 }
    }

    /// The text of one of ASN.1's kinds of text; nil for anything else, and for what is none.
    package var text: String? {
        switch tag {
        case 0x0C: return String(validating: content, as: UTF8.self)
        case 0x12, 0x13, 0x16: return content.allSatisfy { $0 < 0x80 } ? latin : nil
        case 0x14: return latin
        case 0x1E:
            guard content.count % 2 == 0 else { return nil }
            var units: [UInt16] = []
            var high: UInt16?
            for byte in content {
                if let upper = high {
                    units.append(upper << 8 | UInt16(byte))
                    high = nil
                } else {
                    high = UInt16(byte)
                }
            }
            return String(validating: units, as: UTF16.self)
        default: return nil
        }
    }

    private var latin: String {
        var text = ""
        for byte in content { text.unicodeScalars.append(Unicode.Scalar(byte)) }
        return text
    }
}
