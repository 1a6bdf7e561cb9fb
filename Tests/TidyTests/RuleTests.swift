import Testing

/// The linter, linted: each rule on a snippet that breaks it and on one that does not.
@Suite("rules")
struct RuleTests {
    private func file(_ module: String, _ text: String) -> SourceFile {
        SourceFile(path: "Sources/\(module)/Sample.swift", text: text)
    }

    static let importCases: [(module: String, text: String, problems: [String])] = [
        ("Store", "import Wire\nimport CLMDB\nimport Glibc", []),
        ("Replica", "package import Raft\n@preconcurrency import Logging", []),
        ("Store", "import Raft", ["line 1: Store (level 1) imports Raft (level 1)"]),
        ("Wire", "\npackage import Store", ["line 2: Wire (level 0) imports Store (level 1)"]),
        ("Vault", "import struct Raft.Term", ["line 1: Vault must not know Raft"]),
        ("API", "import Transport", ["line 1: API (level 6) imports Transport (level 6)"]),
        ("Raft", "import CLMDB", ["line 1: Raft may not import CLMDB"]),
        ("Node", "import COpenSSL", ["line 1: Node may not import COpenSSL"]),
        ("Node", "import Crypto", ["line 1: Node may not import Crypto"]),
        ("Vault", "import NIOCore", ["line 1: Vault may not import NIOCore"]),
        ("Wire", "import Dispatch", ["line 1: Wire may not import Dispatch"]),
        ("Node", "import Unheard", ["line 1: Node may not import Unheard"]),
        ("Node", "import Foundation", ["line 1: import Foundation is banned, use Glibc or Wire"]),
        ("Transport", "import FoundationEssentials", []),
        ("Wire", "// import Foundation\nlet a = \"import Foundation\"", []),
        ("Novel", "import Wire", ["target Novel has no level in LayerRules"]),
    ]

    @Test("imports", arguments: importCases.indices)
    func imports(_ row: Int) {
        let (module, text, problems) = Self.importCases[row]
        #expect(Layer.findings(in: file(module, text)).map(\.description) == problems)
    }

    static let nameCases: [(module: String, text: String, words: [String])] = [
        ("Wire", "assert(x)", ["assert("]), ("Wire", "precondition(x); myassert(y)", []),
        ("Wire", "let x = try! f()", ["try!"]), ("Wire", "let x = try? f()", []),
        ("Wire", "if try !f() { g() }", []), ("Wire", "return try\n    !f()", []),
        ("Wire", "let x = y as! Z", ["as!"]), ("Wire", "fatalError(\"x\")", ["fatalError("]),
        ("Wire", "assertionFailure()", ["assertionFailure("]),
        ("Wire", "public func f() {}", ["public"]), ("Wire", "let publicKey = 1", []),
        ("Wire", "// TO" + "DO later", ["TO" + "DO"]), ("Wire", "// FIX" + "ME", ["FIX" + "ME"]),
        ("Store", "let now = Date()", ["Date()"]), ("Node", "let d = myDate()", []),
        ("Store", "let now = Date.now", ["Date.now"]),
        ("Transport", "let d = Date(timeIntervalSince1970: seconds)", []),
        ("Store", "Int.random(in: 0..<3)", [".random(in"]),
        ("Store", "Bool.random()", [".random()"]),
        ("Cryptography", "SecretBytes.random(count: 32)", []),
        ("Store", "list.shuffled()", [".shuffled()"]),
        ("Store", "list.shuffled(using: &seeded)", []),
        ("Transport", "Int64.random(in: 0...jitter)", []),
        ("Store", "SystemRandomNumberGenerator()", ["SystemRandomNumberGenerator"]),
        ("Node", "ContinuousClock.now", []), ("Raft", "ContinuousClock.now", ["ContinuousClock"]),
        ("Store", "ContinuousClock.now", ["ContinuousClock"]), ("Node", "Moment.now", []),
        ("Simulator", "Moment.now", ["Moment.now"]),
        ("Vault", "Random.bytes(16)", ["Random."]), ("Node", "Random.bytes(16)", []),
        ("Vault", "func f() async {}", ["async"]), ("Node", "func f() async {}", []),
        ("Raft", "var a: Set<Int>", ["Set<"]), ("Raft", "let a = Set(b)", ["Set("]),
        ("Raft", "var a: [NodeID: Int]", ["a dictionary"]), ("Raft", "f([:])", ["a dictionary"]),
        ("Raft", "var a: [Raft.NodeID: Int]", ["a dictionary"]),
        ("Raft", "var a: Dictionary<A, B>", ["Dictionary"]),
        ("Raft", "let a = [b, c]; let d = e[f ? g : h]", []), ("Node", "var a: [NodeID: Int]", []),
    ]

    @Test("names", arguments: nameCases.indices)
    func names(_ row: Int) {
        let (module, text, words) = Self.nameCases[row]
        let problems = NameRules.findings(in: file(module, text)).map(\.problem)
        #expect(problems.count == words.count, "\(text): \(problems)")
        for (problem, word) in zip(problems, words) {
            #expect(problem.hasPrefix("\(word) is banned"), "\(text): \(problem)")
        }
    }

    @Test("a finding names the line and what to use instead")
    func wording() {
        let findings = NameRules.findings(in: file("Wire", "let a = 1\n  assert(a == 1)"))
        #expect(findings.map(\.description) == ["line 2: assert( is banned, use precondition("])
    }

    @Test("unsafe is fenced")
    func unsafeFence() {
        let text = "let a = unsafe b()\nlet s = \"unsafe\" // unsafe"
        #expect(UnsafeRules.findings(in: file("Store", text)).isEmpty)
        #expect(UnsafeRules.findings(in: file("Wire", text)).map(\.line) == [1])
        #expect(UnsafeRules.uses(in: file("Wire", "nonisolated(unsafe) let a = 1")) == [])
    }

    @Test("a switched-off race check needs its reason")
    func reasons() {
        let bare = "let x = 1\nfinal class A: @unchecked Sendable {}"
        #expect(UnsafeRules.findings(in: file("Store", bare)).map(\.line) == [2])
        let explained = """
            /// Never mutated after init.
            extension A: @unchecked Sendable {}
            nonisolated(unsafe) let a = 1  // constant
            nonisolated(unsafe) let b = 2

            nonisolated(unsafe) let c = 3
            """
        #expect(UnsafeRules.findings(in: file("Store", explained)).map(\.line) == [6])
    }

    @Test("allowances are counted for each target")
    func allowances() {
        let uses = String(repeating: "unsafe f()\n", count: 6)
        let problems = UnsafeRules.excesses(in: [
            file("Store", uses), file("Wire", "unsafe f()"),
            file("API", "nonisolated(unsafe) var a = 1"),
        ])
        #expect(
            problems == [
                "API switches race checks off 1 times, allowance is 0",
                "Wire says unsafe 1 times, its allowance is 0",
            ]
        )
    }
}

@Suite("shape rules")
struct ShapeRuleTests {
    private func findings(_ text: String) -> [String] {
        ShapeRules.findings(in: SourceFile(path: "Sources/Wire/Sample.swift", text: text))
            .map(\.description)
    }

    @Test("lines and files have a longest size, counted in characters")
    func lengths() {
        #expect(findings(String(repeating: "é", count: 100)) == [])
        #expect(findings("\n" + String(repeating: "é", count: 101)).count == 1)
        #expect(findings(String(repeating: "\n", count: 600)) == [])
        #expect(findings(String(repeating: "\n", count: 601)) == ["601 lines, at most 600"])
        #expect(findings(String(repeating: "\n", count: 600) + "a").count == 1)
    }

    private func body(_ head: String, lines: Int) -> String {
        "\(head) {\n" + String(repeating: "    f()\n", count: lines - 2) + "}\n"
    }

    @Test(
        "functions have a longest size",
        arguments: [
            "func f(a: Int = g { 1 }) throws(E) -> [Int]", "init(a: Int)",
            "init?<T>(_ a: T) where T: P",
            "private mutating func g<T>()\n    where T: P", "var x: Int",
            "subscript(i: Int) -> Int",
            "deinit", "package static func < (a: A, b: A) -> Bool",
        ]
    )
    func functionLength(_ head: String) {
        let headLines = head.split(separator: "\n").count
        let documented = "/// What.\n"
        #expect(findings(documented + body(head, lines: 70 - headLines + 1)) == [])
        #expect(findings(documented + body(head, lines: 71 - headLines + 1)).count == 1)
    }

    @Test("what is not a function has no longest size")
    func notFunctions() {
        #expect(findings(body("struct A", lines: 90)) == [])
        #expect(findings("protocol P {\n    func f()\n    var x: Int { get }\n}\n") == [])
        #expect(findings("protocol P {\n    func f()\n}\n" + body("struct A", lines: 90)) == [])
        #expect(findings("    var a: Int\n    var b = 1\n" + body("struct A", lines: 90)) == [])
        #expect(findings("let a = B.init(c)\nf(B.init)\n" + body("struct A", lines: 90)) == [])
    }

    @Test("nested functions are measured one by one")
    func nested() {
        let text = "func outer() {\n" + body("func inner()", lines: 71) + "}\n"
        let problems = findings(text)
        #expect(problems.count == 2)
        #expect(problems.first == "line 1: outer has 73 lines, at most 70")
        #expect(problems.last == "line 2: inner has 71 lines, at most 70")
    }

    static let packageCases: [(text: String, names: [String])] = [
        ("/// What.\npackage func f() {}", []), ("package func f() {}", ["f"]),
        ("// What.\npackage let a = 1", ["a"]), ("/// What.\n\npackage let a = 1", ["a"]),
        ("/// What.\n@inlinable\n@safe package struct A {}", []),
        ("@safe package final class A {}", ["A"]), ("package init(a: Int) {}", ["init"]),
        ("package private(set) var a = 1", ["a"]), ("package static let a = 1", ["a"]),
        ("package extension A {}", []), ("package import Wire", []), ("let package = 1", []),
        ("Package(package: name)", []), ("package subscript(a: Int) -> Int { 1 }", ["subscript"]),
        ("package var blame: Blame { .peer }", []), ("package enum E {}", ["E"]),
        ("package static func < (a: A, b: A) -> Bool { true }", []),
        ("package static func == (a: A, b: A) -> Bool { true }", []),
        ("package func hash(into hasher: inout Hasher) {}", []),
        ("package func hashed<T>(a: T) {}", ["hashed"]),
        ("package static func <= (a: A, b: A) -> Bool { true }", ["<="]),
        ("/// Both.\npackage let a: Int\npackage private(set) var b = 1", []),
        ("/// One.\npackage let a: Int\n\npackage var b = 1", ["b"]),
        ("/// One.\npackage func f() {}\npackage var b = 1", ["b"]),
        ("package init(a: Int, b: Int) {\n    self.a = a\n    self.b = b\n}", []),
        ("package init(a: Int) { self.a = a + 1 }", ["init"]),
        ("package init() {}", ["init"]),
    ]

    @Test("everything shared is explained", arguments: packageCases.indices)
    func documentation(_ row: Int) {
        let (text, names) = Self.packageCases[row]
        let file = SourceFile(path: "Sources/Wire/Sample.swift", text: text)
        let problems = ShapeRules.undocumented(in: file).map(\.problem)
        #expect(problems == names.map { "package \($0) has no doc comment" }, "\(text)")
    }
}
