import Testing

/// One Swift file below `Sources/`, read and split into tokens.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// From the package's root: `Sources/Wire/Hex.swift`.
    let path: String
    /// Raw lines without their line ends.
    let lines: [String]
    let tokens: [Token]

    /// The first folder below `Sources/`, which is the target's name.
    let module: String

    var testDescription: String { path }

    init(path: String, text: String) {
        self.path = path
        module = path.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        tokens = SourceLexer.tokens(of: text)
    }

    /// Every Swift file of every target, sorted by path.
    static let all: [SourceFile] = FileTree.swiftFiles(below: "Sources").map { path in
        SourceFile(path: path, text: FileTree.text(of: path))
    }
}

/// One violation of the house style.
struct Finding: Equatable, CustomStringConvertible {
    /// 1 is the first line; 0 when the file as a whole is meant.
    let line: Int
    let problem: String

    var description: String { line == 0 ? problem : "line \(line): \(problem)" }
}

extension SourceFile {
    /// Positions of tokens at which exactly these texts follow each other. An exclamation mark must
    /// touch what stands before it, because `try !a` is not `try! a`.
    func positions(of texts: [String]) -> [Int] {
        guard let first = texts.first, tokens.count >= texts.count else { return [] }
        return (0...tokens.count - texts.count).filter { position in
            tokens[position].text == first
                && texts.indices.allSatisfy { offset in
                    let token = tokens[position + offset]
                    return token.text == texts[offset] && (token.text != "!" || token.isGlued)
                }
        }
    }

    /// The raw line, or nothing outside the file.
    func line(_ number: Int) -> String {
        lines.indices.contains(number - 1) ? lines[number - 1] : ""
    }

    /// Whether the line holds nothing but a comment.
    func isComment(_ number: Int) -> Bool {
        line(number).drop { $0 == " " }.hasPrefix("//")
    }
}
