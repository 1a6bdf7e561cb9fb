import Testing

@Suite("lexer")
struct LexerTests {
    static let cases: [(name: String, source: String, words: [String])] = [
        ("words and punctuation", "let a=b.c(1)", ["let", "a", "=", "b", ".", "c", "(", "1", ")"]),
        ("line comment", "a // try! b\nc", ["a", "c"]),
        ("nested comment", "a /* x /* y */ z */ b", ["a", "b"]),
        ("string", #"a("try! \" x") b"#, ["a", "(", "\"", "\"", ")", "b"]),
        ("comment sign in a string", #"a("//") b"#, ["a", "(", "\"", "\"", ")", "b"]),
        ("interpolation is code", #""x \(f(y) + "z") w""#, ["\"", "f", "(", "y", ")", "+"] + rest),
        ("raw string", "#\"a \\(b) \"c\"# d", ["#\"", "\"#", "d"]),
        ("raw interpolation", "#\"a \\#(b) c\"# d", ["#\"", "b", ")", "\"#", "d"]),
        ("multi-line string", "\"\"\"\n try! \"x\"\n \"\"\" a", ["\"\"\"", "\"\"\"", "a"]),
        ("directive", "#if os(Linux)", ["#", "if", "os", "(", "Linux", ")"]),
        ("quoted name", "case `operator`", ["case", "operator"]),
        ("unclosed string ends with its line", "\"abc\nd", ["\"", "d"]),
    ]
    static let rest = ["\"", "\"", ")", "\""]

    @Test("splits", arguments: cases.indices)
    func splits(_ row: Int) {
        let (name, source, words) = Self.cases[row]
        #expect(SourceLexer.tokens(of: source).map(\.text) == words, "\(name)")
    }

    @Test("knows lines and first places")
    func lines() {
        let tokens = SourceLexer.tokens(of: "a b\n\n  c /*\n*/ d")
        #expect(tokens.map(\.line) == [1, 1, 3, 4])
        #expect(tokens.map(\.isFirst) == [true, false, true, true])
    }

    @Test("comes to an end on any input")
    func endings() {
        let sources = [
            "\"", "#\"", "\"\"\"", "/*", "/", "\\", "\"\\", "\"\\(", "#", "`", "\"\\(\"",
        ]
        for source in sources {
            #expect(SourceLexer.tokens(of: source).count <= source.count, "\(source)")
        }
    }
}
