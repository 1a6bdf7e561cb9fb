/// Why a text is not an acceptable JSON document. Summaries read like those of Go's
/// `encoding/json`, because clients of the API know them.
package enum JSONError: OperatorError, Equatable {
    /// A byte that cannot stand where it does. Bytes above 0x7F are shown as Latin-1, as Go does.
    case invalidCharacter(UInt8, JSONPlace)
    /// The document stops in the middle of a value, or is empty.
    case unexpectedEnd
    /// More arrays and objects inside each other than allowed.
    case tooDeep(limit: Int)
    /// More strings, member names included, than allowed.
    case tooManyStrings(limit: Int)
    /// The document would take more memory than allowed.
    case tooMuchMemory(limit: Int)
    /// A name that stands twice in one object, where ``JSONLimits`` does not allow it.
    case duplicateName(String)

    /// Whoever sent the document.
    package var blame: Blame { .caller }

    /// Whether the document may be well-formed and was refused for its cost only.
    package var isComplexity: Bool {
        switch self {
        case .invalidCharacter, .unexpectedEnd, .duplicateName: false
        case .tooDeep, .tooManyStrings, .tooMuchMemory: true
        }
    }

    /// Go's words for what is wrong.
    package var summary: String {
        switch self {
        case .invalidCharacter(let byte, let place):
            "invalid character \(quoted(byte)) \(place.rawValue)"
        case .unexpectedEnd: "unexpected end of JSON input"
        case .tooDeep: "exceeded max depth"
        case .tooManyStrings: "exceeded maximum number of strings"
        case .tooMuchMemory: "exceeded maximum estimated memory limits"
        case .duplicateName(let name): "the name \"\(name)\" stands twice in one object"
        }
    }

    /// What the sender can do.
    package var remedy: String {
        switch self {
        case .invalidCharacter, .unexpectedEnd: "send one complete JSON document (RFC 8259)"
        case .tooDeep(let limit): "nest at most \(limit) arrays and objects"
        case .tooManyStrings(let limit): "split the request: at most \(limit) names and strings"
        case .tooMuchMemory(let limit): "split the request: at most \(limit) bytes when decoded"
        case .duplicateName: "join the two members into one"
        }
    }
}

/// Where in a document an unexpected character stood, in Go's words.
package enum JSONPlace: String, Sendable, Equatable {
    case beginningOfValue = "looking for beginning of value"
    case beginningOfName = "looking for beginning of object key string"
    case afterName = "after object key"
    case afterMember = "after object key:value pair"
    case afterElement = "after array element"
    case afterDocument = "after top-level value"
    case inString = "in string literal"
    case inEscape = "in string escape code"
    case inUnicodeEscape = "in \\u hexadecimal character escape"
    case inNumber = "in numeric literal"
    case afterPoint = "after decimal point in numeric literal"
    case inExponent = "in exponent of numeric literal"
    case trueNeedsR = "in literal true (expecting 'r')"
    case trueNeedsU = "in literal true (expecting 'u')"
    case trueNeedsE = "in literal true (expecting 'e')"
    case falseNeedsA = "in literal false (expecting 'a')"
    case falseNeedsL = "in literal false (expecting 'l')"
    case falseNeedsS = "in literal false (expecting 's')"
    case falseNeedsE = "in literal false (expecting 'e')"
    case nullNeedsU = "in literal null (expecting 'u')"
    case nullNeedsL = "in literal null (expecting 'l')"
}

/// The byte as Go quotes it: in single quotes, escaped if it does not print.
private func quoted(_ byte: UInt8) -> String {
    switch byte {
    case 0x27: return "'\\''"
    case 0x5C: return "'\\\\'"
    case 0x07: return "'\\a'"
    case 0x08: return "'\\b'"
    case 0x09: return "'\\t'"
    case 0x0A: return "'\\n'"
    case 0x0B: return "'\\v'"
    case 0x0C: return "'\\f'"
    case 0x0D: return "'\\r'"
    case 0x00..<0x20, 0x7F: return "'\\x\(Hex.encode([byte]))'"
    case 0x80...0xA0, 0xAD: return "'\\u00\(Hex.encode([byte]))'"
    default: return "'\(Character(Unicode.Scalar(byte)))'"
    }
}
