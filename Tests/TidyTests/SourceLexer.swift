/// One word or punctuation byte of Swift code, with comments and the insides of strings left out.
struct Token: Equatable, Sendable {
    let text: String
    /// 1 is the first line of the file.
    let line: Int
    /// Whether nothing but space stands before it on its line.
    let isFirst: Bool
    /// Whether it touches the token before it: `try!`, but not `try !isDone`.
    let isGlued: Bool
}

/// Splits Swift source into tokens well enough to judge style: it knows comments (nested ones too)
/// and strings (escaped, raw, multi-line, with code inside interpolations), and nothing of grammar.
struct SourceLexer {
    private enum Context {
        /// Code; inside an interpolation, `depth` counts its open parentheses.
        case code(depth: Int)
        case string(hashes: Int, isMultiline: Bool)
    }

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1
    private var isFirst = true
    private var lastEnd = -1
    private var contexts: [Context] = [.code(depth: 0)]
    private var tokens: [Token] = []

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// The tokens of `text` in order.
    static func tokens(of text: String) -> [Token] {
        var lexer = SourceLexer(text)
        while lexer.position < lexer.bytes.count {
            switch lexer.contexts[lexer.contexts.count - 1] {
            case .code: lexer.code()
            case .string(let hashes, let isMultiline): lexer.string(hashes, isMultiline)
            }
        }
        return lexer.tokens
    }

    private func byte(_ offset: Int = 0) -> UInt8 {
        position + offset < bytes.count ? bytes[position + offset] : 0
    }

    private func starts(with text: StaticString, at offset: Int = 0) -> Bool {
        for (index, expected) in text.description.utf8.enumerated()
        where byte(offset + index) != expected {
            return false
        }
        return true
    }

    /// Steps over bytes that are no tokens, counting lines.
    private mutating func skip(_ count: Int = 1) {
        for _ in 0..<count where position < bytes.count {
            if bytes[position] == 0x0A {
                line += 1
                isFirst = true
            }
            position += 1
        }
    }

    private mutating func emit(_ count: Int) {
        let text = String(decoding: bytes[position..<position + count], as: UTF8.self)
        let isGlued = position == lastEnd
        tokens.append(Token(text: text, line: line, isFirst: isFirst, isGlued: isGlued))
        isFirst = false
        position += count
        lastEnd = position
    }

    private mutating func code() {
        let first = byte()
        if starts(with: "//") {
            while position < bytes.count && byte() != 0x0A { skip() }
        } else if starts(with: "/*") {
            blockComment()
        } else if let (hashes, quotes) = stringStart() {
            contexts.append(.string(hashes: hashes, isMultiline: quotes == 3))
            emit(hashes + quotes)
        } else if isWord(first) {
            var count = 1
            while isWord(byte(count)) { count += 1 }
            emit(count)
        } else if first == 0x20 || first == 0x09 || first == 0x0A || first == 0x0D {
            skip()
        } else {
            if first == 0x28 || first == 0x29 { parenthesis(isOpen: first == 0x28) }
            if first == 0x60 { skip() } else { emit(1) }
        }
    }

    /// Counts parentheses, because the one that closes an interpolation goes back to the string.
    private mutating func parenthesis(isOpen: Bool) {
        guard contexts.count > 1, case .code(let depth) = contexts[contexts.count - 1] else {
            return
        }
        contexts.removeLast()
        if isOpen || depth > 1 {
            contexts.append(.code(depth: isOpen ? depth + 1 : depth - 1))
        }
    }

    private mutating func blockComment() {
        var depth = 0
        repeat {
            if starts(with: "/*") {
                depth += 1
                skip(2)
            } else if starts(with: "*/") {
                depth -= 1
                skip(2)
            } else {
                skip()
            }
        } while depth > 0 && position < bytes.count
    }

    /// Hashes and quotes (1 or 3) if a string begins here.
    private func stringStart() -> (hashes: Int, quotes: Int)? {
        var hashes = 0
        while byte(hashes) == 0x23 { hashes += 1 }
        guard byte(hashes) == 0x22 else { return nil }
        return (hashes, starts(with: "\"\"\"", at: hashes) ? 3 : 1)
    }

    private mutating func string(_ hashes: Int, _ isMultiline: Bool) {
        let quotes = isMultiline ? 3 : 1
        if byte() == 0x5C && areHashes(hashes, at: 1) {
            if byte(1 + hashes) == 0x28 {
                contexts.append(.code(depth: 1))
                skip(2 + hashes)
            } else {
                skip(2 + hashes)
            }
        } else if starts(with: isMultiline ? "\"\"\"" : "\"") && areHashes(hashes, at: quotes) {
            contexts.removeLast()
            emit(quotes + hashes)
        } else {
            if byte() == 0x0A && !isMultiline { contexts.removeLast() }
            skip()
        }
    }

    private func areHashes(_ count: Int, at offset: Int) -> Bool {
        for index in 0..<count where byte(offset + index) != 0x23 {
            return false
        }
        return true
    }

    private func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x5F, 0x80...: true
        default: false
        }
    }
}
