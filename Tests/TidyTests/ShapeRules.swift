/// Sizes that keep a reader oriented, and the rule that everything shared is explained.
enum ShapeRules {
    static let lineColumnsMax = 100
    static let functionLinesMax = 70
    static let fileLinesMax = 600

    static func findings(in file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
        if count > fileLinesMax {
            findings.append(Finding(line: 0, problem: "\(count) lines, at most \(fileLinesMax)"))
        }
        for (offset, line) in file.lines.enumerated() {
            // Bytes are an upper bound of characters and cheap to count.
            if line.utf8.count > lineColumnsMax, line.count > lineColumnsMax {
                let problem = "\(line.count) columns, at most \(lineColumnsMax)"
                findings.append(Finding(line: offset + 1, problem: problem))
            }
        }
        for function in functions(in: file) where function.lineCount > functionLinesMax {
            let problem =
                "\(function.name) has \(function.lineCount) lines, at most \(functionLinesMax)"
            findings.append(Finding(line: function.line, problem: problem))
        }
        return findings + undocumented(in: file)
    }

    struct Function: Equatable {
        let name: String
        let line: Int
        let lineCount: Int
    }

    /// Every function, initializer, subscript and computed property with a body.
    static func functions(in file: SourceFile) -> [Function] {
        let tokens = file.tokens
        return tokens.indices.compactMap { position in
            guard isFunctionStart(tokens, position),
                let open = bodyStart(tokens, after: position),
                let close = matchingBrace(tokens, from: open)
            else { return nil }
            let name = position + 1 < tokens.count ? tokens[position + 1].text : ""
            let isNamed = tokens[position].text == "func" || tokens[position].text == "var"
            return Function(
                name: isNamed ? name : tokens[position].text,
                line: tokens[position].line,
                lineCount: tokens[close].line - tokens[position].line + 1
            )
        }
    }

    private static func isFunctionStart(_ tokens: [Token], _ position: Int) -> Bool {
        let before = position > 0 ? tokens[position - 1] : nil
        switch tokens[position].text {
        case "func", "var": return true
        case "deinit", "subscript": return before?.text != "."
        case "init":
            let isCall = before?.text == "." || before?.text == "("
            let isStart = before.map { isModifier($0.text) } ?? true
            return !isCall && (tokens[position].isFirst || isStart)
        default: return false
        }
    }

    /// The brace that opens the body, or nil if the declaration has none.
    private static func bodyStart(_ tokens: [Token], after position: Int) -> Int? {
        let isProperty = tokens[position].text == "var"
        var depth = 0
        for next in (position + 1)..<max(position + 1, tokens.count) {
            let token = tokens[next]
            switch token.text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return next
            case "}" where depth == 0: return nil
            case "=" where depth == 0 && isProperty: return nil
            default:
                let isNewLine = token.isFirst && depth == 0
                if isNewLine && (isProperty || isDeclaration(token.text)) { return nil }
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func matchingBrace(_ tokens: [Token], from open: Int) -> Int? {
        var depth = 0
        for position in open..<tokens.count {
            if tokens[position].text == "{" { depth += 1 }
            if tokens[position].text == "}" { depth -= 1 }
            if depth == 0 { return position }
        }
        return nil
    }

    private static func isDeclaration(_ text: String) -> Bool {
        let keywords: Set = [
            "func", "var", "let", "init", "deinit", "subscript", "case", "struct", "enum", "class",
            "actor", "protocol", "extension", "typealias", "associatedtype", "import", "@", "#",
        ]
        return keywords.contains(text) || isModifier(text)
    }

    private static func isModifier(_ text: String) -> Bool {
        let modifiers: Set = [
            "package", "private", "fileprivate", "internal", "static", "final", "mutating",
            "nonmutating", "borrowing", "consuming", "nonisolated", "indirect", "override",
            "convenience", "required", "lazy", "weak", "unowned",
        ]
        return modifiers.contains(text)
    }

    /// Members that a protocol explains already.
    static let witnesses: Set = [
        "blame", "summary", "remedy", "description", "debugDescription", "testDescription",
        "hash", "==", "<", "~=",
    ]

    /// Declarations with `package` that no `///` precedes.
    static func undocumented(in file: SourceFile) -> [Finding] {
        let tokens = file.tokens
        return file.positions(of: ["package"]).compactMap { position in
            guard isDeclared(tokens, position) else { return nil }
            let name = declaredName(tokens, position)
            let line = tokens[position].line
            guard !witnesses.contains(name), !hasDocumentation(file, above: line),
                !isMemberwise(tokens, position)
            else { return nil }
            return Finding(line: line, problem: "package \(name) has no doc comment")
        }
    }

    /// Whether this `package` begins a declaration that needs words: extensions and imports do not.
    private static func isDeclared(_ tokens: [Token], _ position: Int) -> Bool {
        guard position + 1 < tokens.count else { return false }
        let next = tokens[position + 1].text
        let exempt: Set = ["extension", "import", "case", "#", "@"]
        return (isDeclaration(next) && !exempt.contains(next))
    }

    private static func declaredName(_ tokens: [Token], _ position: Int) -> String {
        let keywords: Set = [
            "func", "var", "let", "struct", "enum", "class", "actor", "protocol", "typealias",
        ]
        var next = position + 1
        while next < tokens.count, tokens[next].line <= tokens[position].line + 1 {
            let text = tokens[next].text
            if text == "init" || text == "subscript" || text == "deinit" { return text }
            let isClassMethod = text == "class" && isDeclaration(tokens[next + 1].text)
            if keywords.contains(text), !isClassMethod {
                var name = ""
                for token in tokens[(next + 1)...] {
                    // An operator is several tokens; a word is one.
                    if token.text == "(" || (token.text == "<" && name.first?.isLetter == true) {
                        break
                    }
                    name += token.text
                    if token.text.first?.isLetter == true { break }
                }
                return name
            }
            next += 1
        }
        return ""
    }

    /// Looks above the declaration, above the attributes that stand on lines of their own, and
    /// above neighbouring one-line constants and properties: one comment may speak for a block.
    private static func hasDocumentation(_ file: SourceFile, above line: Int) -> Bool {
        var above = line - 1
        let isProperty = isOneLineProperty(file.line(line))
        while true {
            let text = file.line(above).drop { $0 == " " }
            guard text.hasPrefix("@") || (isProperty && isOneLineProperty(text)) else {
                return text.hasPrefix("///")
            }
            above -= 1
        }
    }

    private static func isOneLineProperty(_ line: some StringProtocol) -> Bool {
        var words = line.split(separator: " ").prefix { $0 != "=" }
        guard words.first == "package" else { return false }
        words.removeAll { isModifier(String($0)) || $0 == "private(set)" }
        return words.first == "let" || words.first == "var"
    }

    /// Whether an initializer only hands each argument to the property of the same name, so that
    /// the comments of the properties are its documentation.
    private static func isMemberwise(_ tokens: [Token], _ position: Int) -> Bool {
        guard tokens[position + 1].text == "init",
            let open = bodyStart(tokens, after: position + 1),
            let close = matchingBrace(tokens, from: open)
        else { return false }
        var body = tokens[(open + 1)..<close].map(\.text)[...]
        while body.count >= 5 {
            let name = body[body.startIndex + 2]
            guard body.prefix(5) == ["self", ".", name, "=", name] else { return false }
            body.removeFirst(5)
        }
        return body.isEmpty && close > open + 1
    }
}
