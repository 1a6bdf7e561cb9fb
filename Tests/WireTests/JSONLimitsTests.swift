import TestSupport
import Testing
import Wire

@Suite("JSON limits")
struct JSONLimitsTests {
    static func nested(_ depth: Int) -> [UInt8] {
        Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
    }

    @Test("depth is bounded, and brackets side by side do not count")
    func depth() throws {
        _ = try JSONScanner.parse(Self.nested(128))
        #expect(throws: JSONError.tooDeep(limit: 128)) {
            _ = try JSONScanner.parse(Self.nested(129))
        }
        #expect(throws: JSONError.tooDeep(limit: 2)) {
            _ = try JSONScanner.parse(Array("{\"a\":[{}]}".utf8), limits: JSONLimits(depthMax: 2))
        }
        let wide = "[" + String(repeating: "[],{},", count: 400) + "[]]"
        _ = try scan(wide)
        _ = try JSONScanner.parse(Self.nested(512), limits: JSONLimits(depthMax: 512))
    }

    @Test("a million open brackets are refused, not followed")
    func hostileDepth() {
        #expect(throws: JSONError.tooDeep(limit: 128)) {
            _ = try JSONScanner.parse([UInt8](repeating: 0x5B, count: 1_000_000))
        }
    }

    @Test("a depth limit beyond the stack is a bug and stops the process")
    func depthLimit() async {
        await #expect(processExitsWith: .failure) { _ = JSONLimits(depthMax: 513) }
    }

    @Test("strings are counted, names included")
    func strings() throws {
        let limits = JSONLimits(stringsMax: 3)
        _ = try JSONScanner.parse(Array(#"{"a":"b","c":1}"#.utf8), limits: limits)
        #expect(throws: JSONError.tooManyStrings(limit: 3)) {
            _ = try JSONScanner.parse(Array(#"{"a":"b","c":"d"}"#.utf8), limits: limits)
        }
        let full = "[" + [String](repeating: "\"\"", count: 1_000).joined(separator: ",") + "]"
        _ = try scan(full)
        #expect(throws: JSONError.tooManyStrings(limit: 1_000)) { _ = try scan("[\"\",\(full)]") }
        _ = try JSONScanner.parse(Array("[\"\",\(full)]".utf8), limits: .trusted)
    }

    static let costs: [(document: String, bytes: Int)] = [
        ("1", 17), ("null", 16), ("[]", 16), ("[1,20]", 51), ("{}", 64),
        ("\"abc\"", 35), (#"{"ab":true}"#, 98),
    ]

    @Test("memory is estimated as documented", arguments: costs.indices)
    func memory(_ row: Int) throws {
        let (document, bytes) = Self.costs[row]
        let exact = JSONLimits(memoryBytesMax: bytes)
        let short = JSONLimits(memoryBytesMax: bytes - 1)
        _ = try JSONScanner.parse(Array(document.utf8), limits: exact)
        #expect(throws: JSONError.tooMuchMemory(limit: bytes - 1)) {
            _ = try JSONScanner.parse(Array(document.utf8), limits: short)
        }
    }

    @Test("what was refused for its cost says so")
    func complexity() {
        #expect(JSONError.tooDeep(limit: 1).isComplexity)
        #expect(JSONError.tooMuchMemory(limit: 1).isComplexity)
        let error = JSONError.tooManyStrings(limit: 1)
        #expect(error.isComplexity)
        #expect(error.summary == "exceeded maximum number of strings")
    }
}

@Suite("JSON fuzz")
struct JSONFuzzTests {
    static let sample = Array(
        (#" {"a\u00e9\ud83d\ude00":[1,-2.5e+10,true,false,null,"x\\\"y",{"b":{}}],"#
            + #""é€😀":[],"c":"\n"} "#).utf8
    )

    @Test("a document cut anywhere is refused and never traps")
    func truncated() throws {
        let value = try JSONScanner.parse(Self.sample)
        for count in 0..<Self.sample.count - 1 {
            #expect(throws: JSONError.unexpectedEnd, "\(count) bytes") {
                _ = try JSONScanner.parse(Array(Self.sample[..<count]))
            }
        }
        #expect(try JSONScanner.parse(Array(Self.sample.dropLast())) == value)
    }

    @Test("what is read is written and read again as the same value")
    func damaged() {
        var random = Seeded(7)
        var acceptedCount = 0
        for _ in 0..<20_000 {
            var bytes = Self.sample
            for _ in 0...random.below(3) {
                bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            }
            acceptedCount += checkRoundTrip(bytes) ? 1 : 0
        }
        #expect(acceptedCount > 100)
    }

    private static let corpus = [
        sample,
        Array(#"{"data":{"k":[1,2.5e3,"\u00e9",null]},"options":{"cas":1}}"#.utf8),
        Array(#"[[],{},"",0,-0.0,1e-7,true,{"a":{"b":[{"c":[[[]]]}]}}]"#.utf8),
        Array(#"{"numbers":[9007199254740993,-9223372036854775808,1e400,0.1]}"#.utf8),
    ]
    private static let mutator = Mutator(
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\n", "1",
            "-", ".", "e", "E+", "0", "99999999999999999999", "true", "false", "null", " ", "\n",
            "é", "\u{0}", "\u{1}", "[[[[[[[[[[[[[[[[", "\"\":{", "/*", "'",
        ],
        raw: [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xEF, 0xBB, 0xBF]]
    )

    @Test("damaged documents never trap, and what is read has one meaning")
    func mutated() throws {
        var random = Seeded(Fuzzing.seed(usual: 10))
        var acceptedCount = 0
        var run = FuzzRun(usual: 20_000)
        let growth = try run.run { _ in
            let bytes = Self.mutator.damaged(random.pick(Self.corpus), &random)
            acceptedCount += checkRoundTrip(bytes) ? 1 : 0
        }
        #expect(acceptedCount > run.inputs / 100)
        #expect(growth < FuzzRun.growthBytesMax)
    }

    @Test("random bytes never trap")
    func random() {
        var random = Seeded(8)
        for _ in 0..<10_000 {
            _ = checkRoundTrip(random.bytes(random.below(64)))
        }
    }

    @Test("random tokens never trap")
    func tokens() {
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"\\ud800\"", "\\", "\\u", "1", "-",
            "0.5", "e9", "true", "nul", " ", "é", "\u{1}",
        ]
        var random = Seeded(9)
        var acceptedCount = 0
        for _ in 0..<20_000 {
            let count = 1 + random.below(10)
            let document = (0..<count).map { _ in tokens[random.below(tokens.count)] }.joined()
            acceptedCount += checkRoundTrip(Array(document.utf8)) ? 1 : 0
        }
        #expect(acceptedCount > 100)
    }

    private func checkRoundTrip(_ bytes: [UInt8]) -> Bool {
        guard let value = try? JSONScanner.parse(bytes) else { return false }
        for isSorting in [false, true] {
            let again = try? JSONScanner.parse(value.encoded(sortingKeys: isSorting))
            #expect(again == value, "\(bytes)")
        }
        return true
    }
}
