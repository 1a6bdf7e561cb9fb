/// Cuts an HCL text into tokens.
///
/// The dialect is version 1 of HCL as policies use it: comments `#`, `//` and `/* */`, quoted texts
/// with Go's escapes, heredocs, numbers, `true`, `false`, names.
struct HCLLexer {
    enum Token: Equatable {
        case name(String)
        case string(String)
        case number(String)
        case bool(Bool)
        case openBrace, closeBrace, openBracket, closeBracket, equals, comma
        case end

        var text: String {
            switch self {
            case .name(let text): "'\(text)'"
            case .string: "a text"
            case .number(let text): text
            case .bool(let flag): "\(flag)"
            case .openBrace: "'{'"
            case .closeBrace: "'}'"
            case .openBracket: "'['"
            case .closeBracket: "']'"
            case .equals: "'='"
            case .comma: "','"
            case .end: "the end of the text"
            }
        }
    }

    private let bytes: [UInt8]
    private var position = 0
    /// Of the next byte, from 1.
    private(set) var line = 1

    /// - Parameter bytes: UTF-8.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next token and the line that it begins on; ``Token/end`` for ever after the last one.
    mutating func next() throws(PolicyError) -> (token: Token, line: Int) {
        try skipSpace()
        let start = line
        guard let byte = peek() else { return (.end, start) }
        switch byte {
        case UInt8(ascii: "{"): return (take(.openBrace), start)
        case UInt8(ascii: "}"): return (take(.closeBrace), start)
        case UInt8(ascii: "["): return (take(.openBracket), start)
        case UInt8(ascii: "]"): return (take(.closeBracket), start)
        case UInt8(ascii: "="): return (take(.equals), start)
        case UInt8(ascii: ","): return (take(.comma), start)
        case UInt8(ascii: "\""): return (.string(try quoted()), start)
        case UInt8(ascii: "<"): return (.string(try heredoc()), start)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return (.number(try number()), start)
        case _ where Self.beginsName(byte): return (name(), start)
        default: throw problem("\(describe(byte)) cannot stand here")
        }
    }

    // MARK: Bytes

    private func peek(_ ahead: Int = 0) -> UInt8? {
        position + ahead < bytes.count ? bytes[position + ahead] : nil
    }

    private mutating func advance() {
        if bytes[position] == 0x0A { line += 1 }
        position += 1
    }

    private mutating func take(_ token: Token) -> Token {
        position += 1
        return token
    }

    private func problem(_ text: String) -> PolicyError { .syntax(line: line, problem: text) }

    private func describe(_ byte: UInt8) -> String {
        (0x21...0x7E).contains(byte)
            ? "'\(Character(Unicode.Scalar(byte)))'" : "byte \(byte)"
    }

    private static func beginsName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "_"):
            true
        default: byte >= 0x80
        }
    }

    private static func continuesName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: beginsName(byte)
        }
    }

    // MARK: Space and comments

    private mutating func skipSpace() throws(PolicyError) {
        while let byte = peek() {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: advance()
            case UInt8(ascii: "#"): skipLine()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "/"): skipLine()
            case UInt8(ascii: "/") where peek(1) == UInt8(ascii: "*"): try skipBlock()
            default: return
            }
        }
    }

    private mutating func skipLine() {
        while let byte = peek(), byte != 0x0A { advance() }
    }

    private mutating func skipBlock() throws(PolicyError) {
        let start = line
        position += 2
        while let byte = peek() {
            if byte == UInt8(ascii: "*"), peek(1) == UInt8(ascii: "/") {
                position += 2
                return
            }
            advance()
        }
        throw .syntax(line: start, problem: "the comment that begins here does not end")
    }

    // MARK: Names and numbers

    private mutating func name() -> Token {
        let start = position
        while let byte = peek(), Self.continuesName(byte) { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case let text: return .name(text)
        }
    }

    private mutating func number() throws(PolicyError) -> String {
        let start = position
        position += 1
        while let byte = peek(), Self.continuesName(byte) || byte == UInt8(ascii: "+") {
            position += 1
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw problem("'\(text)' is not a number")
        }
        return text
    }

    // MARK: Texts

    private mutating func quoted() throws(PolicyError) -> String {
        let start = line
        position += 1
        var text: [UInt8] = []
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                position += 1
                try escape(into: &text)
            case 0x0A:
                throw .syntax(line: start, problem: "the text that begins here has no end")
            default:
                text.append(byte)
                position += 1
            }
        }
        throw .syntax(line: start, problem: "the text that begins here has no end")
    }

    /// Go's escapes; the position is behind the backslash.
    private mutating func escape(into text: inout [UInt8]) throws(PolicyError) {
        guard let byte = peek() else { throw problem("a backslash ends the text") }
        position += 1
        switch byte {
        case UInt8(ascii: "a"): text.append(0x07)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "v"): text.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "\""): text.append(byte)
        case UInt8(ascii: "u"): try scalar(digits: 4, into: &text)
        case UInt8(ascii: "U"): try scalar(digits: 8, into: &text)
        default: throw problem("'\\' before \(describe(byte)) means nothing")
        }
    }

    private mutating func scalar(digits: Int, into text: inout [UInt8]) throws(PolicyError) {
        guard position + digits <= bytes.count,
            bytes[position..<position + digits].allSatisfy({
                Character(Unicode.Scalar($0)).isHexDigit && $0 < 0x80
            }),
            let value = UInt32(
                String(decoding: bytes[position..<position + digits], as: UTF8.self),
                radix: 16
            ),
            let scalar = Unicode.Scalar(value)
        else { throw problem("an escaped character needs \(digits) hexadecimal digits") }
        position += digits
        text.append(contentsOf: Array(String(scalar).utf8))
    }

    /// `<<END` or `<<-END` to a line that is only `END`; the latter takes the indentation away.
    private mutating func heredoc() throws(PolicyError) -> String {
        let start = line
        guard peek(1) == UInt8(ascii: "<") else { throw problem("'<' cannot stand here") }
        position += 2
        let isIndented = peek() == UInt8(ascii: "-")
        if isIndented { position += 1 }
        let nameStart = position
        while let byte = peek(), Self.continuesName(byte) { position += 1 }
        let anchor = Array(bytes[nameStart..<position])
        if peek() == 0x0D { position += 1 }
        guard !anchor.isEmpty, peek() == 0x0A else {
            throw problem("behind '<<' a name and the end of the line are needed")
        }
        advance()
        var lines: [ArraySlice<UInt8>] = []
        while peek() != nil {
            let lineStart = position
            while let byte = peek(), byte != 0x0A { position += 1 }
            var content = bytes[lineStart..<position]
            if content.last == 0x0D { content.removeLast() }
            if content.drop(while: { $0 == 0x20 || $0 == 0x09 }).elementsEqual(anchor) {
                return Self.joined(lines, removingIndentation: isIndented)
            }
            lines.append(content)
            if peek() != nil { advance() }
        }
        throw .syntax(line: start, problem: "the text that begins here has no end")
    }

    private static func joined(
        _ lines: [ArraySlice<UInt8>],
        removingIndentation: Bool
    ) -> String {
        let indentation = lines.map { $0.prefix { $0 == 0x20 || $0 == 0x09 }.count }.min() ?? 0
        let cut = removingIndentation ? indentation : 0
        var text: [UInt8] = []
        for line in lines {
            text.append(contentsOf: line.dropFirst(cut))
            text.append(0x0A)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
