import Wire

/// Reads an HCL document, or the JSON that means the same, into ``HCLItem``s.
struct HCLParser {
    private var lexer: HCLLexer
    private var token = HCLLexer.Token.end
    private var line = 1

    /// - Parameter text: a policy. JSON if its first character is a brace, as OpenBao decides.
    static func parse(_ text: String) throws(PolicyError) -> [HCLItem] {
        let bytes = Array(text.utf8)
        guard bytes.count <= PolicyLimits.textBytesMax else {
            throw .tooLarge(
                "the policy has \(bytes.count) bytes, more than \(PolicyLimits.textBytesMax)"
            )
        }
        let first = bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
        if first == UInt8(ascii: "{") { return try HCLFromJSON.items(of: bytes) }
        var parser = HCLParser(lexer: HCLLexer(bytes))
        try parser.advance()
        return try parser.items(until: .end, depth: 0)
    }

    private init(lexer: HCLLexer) { self.lexer = lexer }

    private mutating func advance() throws(PolicyError) {
        (token, line) = try lexer.next()
    }

    private func unexpected(_ wanted: String) -> PolicyError {
        .syntax(line: line, problem: "expected \(wanted), found \(token.text)")
    }

    private mutating func items(
        until close: HCLLexer.Token,
        depth: Int
    ) throws(PolicyError) -> [HCLItem] {
        guard depth <= PolicyLimits.depthMax else {
            throw .syntax(line: line, problem: "more than \(PolicyLimits.depthMax) levels")
        }
        var items: [HCLItem] = []
        while token != close {
            items.append(try item(depth: depth))
            // A comma may stand between items, as in `{ "a" = [], "b" = [] }`.
            if token == .comma, close != .end { try advance() }
        }
        return items
    }

    private mutating func item(depth: Int) throws(PolicyError) -> HCLItem {
        let start = line
        var keys: [String] = []
        while let key = key() {
            keys.append(key)
            guard keys.count <= 4 else { throw unexpected("'{' or '='") }
            try advance()
        }
        guard !keys.isEmpty else { throw unexpected("a key") }
        if token == .equals {
            guard keys.count == 1 else { throw unexpected("'{'") }
            try advance()
            return HCLItem(keys: keys, value: try value(depth: depth), line: start)
        }
        guard token == .openBrace else { throw unexpected("'{' or '='") }
        return HCLItem(keys: keys, value: try object(depth: depth), line: start)
    }

    private func key() -> String? {
        switch token {
        case .name(let text), .string(let text): text
        case .bool(let flag): "\(flag)"
        default: nil
        }
    }

    private mutating func object(depth: Int) throws(PolicyError) -> HCLValue {
        try advance()
        let items = try items(until: .closeBrace, depth: depth + 1)
        try advance()
        return .object(items)
    }

    private mutating func value(depth: Int) throws(PolicyError) -> HCLValue {
        let value: HCLValue
        switch token {
        case .string(let text): value = .string(text)
        case .number(let text): value = .number(text)
        case .bool(let flag): value = .bool(flag)
        case .openBrace: return try object(depth: depth)
        case .openBracket: return try list(depth: depth)
        default: throw unexpected("a value")
        }
        try advance()
        return value
    }

    private mutating func list(depth: Int) throws(PolicyError) -> HCLValue {
        guard depth < PolicyLimits.depthMax else {
            throw .syntax(line: line, problem: "more than \(PolicyLimits.depthMax) levels")
        }
        try advance()
        var elements: [HCLValue] = []
        while token != .closeBracket {
            elements.append(try value(depth: depth + 1))
            if token == .comma {
                try advance()
            } else if token != .closeBracket {
                throw unexpected("',' or ']'")
            }
        }
        try advance()
        return .list(elements)
    }
}

/// JSON in the place of HCL: an object's members are items with one key each.
private enum HCLFromJSON {
    static func items(of bytes: [UInt8]) throws(PolicyError) -> [HCLItem] {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONScanner.parse(bytes, limits: limits)
        } catch {
            throw .json(error.summary)
        }
        guard case .object(let items) = try value(document), case .object = document else {
            throw .json("the document is not an object")
        }
        return items
    }

    /// The scanner would take the last of two blocks for one path, and a deny in the first would
    /// be lost.
    private static let limits = JSONLimits(
        depthMax: PolicyLimits.depthMax,
        stringsMax: 200_000,
        allowsDuplicateNames: false
    )

    private static func value(_ json: JSONValue) throws(PolicyError) -> HCLValue {
        switch json {
        case .null: throw .json("null means nothing in a policy")
        case .bool(let flag): return .bool(flag)
        case .number(let number): return .number(number.text)
        case .string(let text): return .string(text)
        case .array(let elements):
            var values: [HCLValue] = []
            for element in elements { values.append(try value(element)) }
            return .list(values)
        case .object(let object):
            var items: [HCLItem] = []
            for (name, member) in object.members {
                items.append(HCLItem(keys: [name], value: try value(member), line: 0))
            }
            return .object(items)
        }
    }
}
