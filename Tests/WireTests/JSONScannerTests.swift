import Testing
import Wire

func scan(_ document: String) throws(JSONError) -> JSONValue {
    try JSONScanner.parse(Array(document.utf8))
}

func number(_ text: String) throws -> JSONValue {
    .number(try #require(JSONNumber(text: text)))
}

@Suite("JSON scanner")
struct JSONScannerTests {
    static let values: [(document: String, value: JSONValue)] = [
        ("null", nil), ("true", true), ("false", false), (" \t\r\n7\n", 7), ("-0", .zero("-0")),
        ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("\"\"", ""), ("\"x\"", "x"),
        ("[1,2 , 3]", [1, 2, 3]), ("[[],[[]],{}]", [[], [[]], [:]]),
        (#"{"a":1,"b":[true,null]}"#, ["a": 1, "b": [true, nil]]),
        (#"{"":{"":""}}"#, ["": ["": ""]]),
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC\uFFFF""#, "Aé€\u{FFFF}"), (#""\u0000""#, "\u{0}"),
        (#""\ud83d\ude00""#, "😀"), (#""\uD83D\uDE00x""#, "😀x"), ("\"é€😀\u{7F}\"", "é€😀\u{7F}"),
        (#""\ud800""#, "\u{FFFD}"), (#""\udc00""#, "\u{FFFD}"), (#""a\ud800b""#, "a\u{FFFD}b"),
        (#""\ud800\u0041""#, "\u{FFFD}A"), (#""\ud800\n""#, "\u{FFFD}\n"),
        (#""\ud800\ud83d\ude00""#, "\u{FFFD}😀"), (#""\udc00\ud800""#, "\u{FFFD}\u{FFFD}"),
        (#""\ud800\\""#, "\u{FFFD}\\"), (#""\u2028<>&""#, "\u{2028}<>&"),
    ]

    @Test("reads", arguments: values.indices)
    func reads(_ row: Int) throws {
        let (document, value) = Self.values[row]
        #expect(try scan(document) == value, "\(document)")
    }

    static let problems: [(document: String, summary: String)] = [
        ("", "unexpected end of JSON input"), ("  ", "unexpected end of JSON input"),
        ("b", "invalid character 'b' looking for beginning of value"),
        ("\u{FEFF}{}", "invalid character 'ï' looking for beginning of value"),
        ("'a'", "invalid character '\\'' looking for beginning of value"),
        ("\\", "invalid character '\\\\' looking for beginning of value"),
        ("\u{0}", "invalid character '\\x00' looking for beginning of value"),
        ("\u{C}", "invalid character '\\f' looking for beginning of value"),
        ("\u{7F}", "invalid character '\\x7f' looking for beginning of value"),
        ("\u{A0}", "invalid character 'Â' looking for beginning of value"),
        ("1x", "invalid character 'x' after top-level value"),
        ("{} {}", "invalid character '{' after top-level value"),
        ("01", "invalid character '1' after top-level value"),
        ("\"a\" \"", "invalid character '\"' after top-level value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
        ("+1", "invalid character '+' looking for beginning of value"),
        (".5", "invalid character '.' looking for beginning of value"),
        ("-", "unexpected end of JSON input"), ("-a", "invalid character 'a' in numeric literal"),
        ("1.", "unexpected end of JSON input"),
        ("1.e1", "invalid character 'e' after decimal point in numeric literal"),
        ("1e", "unexpected end of JSON input"), ("1e+", "unexpected end of JSON input"),
        ("1ex", "invalid character 'x' in exponent of numeric literal"),
        ("tru", "unexpected end of JSON input"),
        ("trux", "invalid character 'x' in literal true (expecting 'e')"),
        ("falze", "invalid character 'z' in literal false (expecting 's')"),
        ("nuLl", "invalid character 'L' in literal null (expecting 'l')"),
        ("nullx", "invalid character 'x' after top-level value"),
        ("[", "unexpected end of JSON input"), ("[1", "unexpected end of JSON input"),
        ("[1,", "unexpected end of JSON input"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("[,1]", "invalid character ',' looking for beginning of value"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1}", "invalid character '}' after array element"),
        ("{", "unexpected end of JSON input"), ("{\"a\"", "unexpected end of JSON input"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ("{1:1}", "invalid character '1' looking for beginning of object key string"),
        ("{,}", "invalid character ',' looking for beginning of object key string"),
        ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
        ("{\"a\" 1}", "invalid character '1' after object key"),
        ("{\"a\":}", "invalid character '}' looking for beginning of value"),
        ("{\"a\":1 \"b\":2}", "invalid character '\"' after object key:value pair"),
        ("{\"a\":1]", "invalid character ']' after object key:value pair"),
        ("\"", "unexpected end of JSON input"), ("\"\\", "unexpected end of JSON input"),
        ("\"\\\"", "unexpected end of JSON input"), ("\"\\u12", "unexpected end of JSON input"),
        ("\"a\nb\"", "invalid character '\\n' in string literal"),
        ("\"\t\"", "invalid character '\\t' in string literal"),
        ("\"\u{1F}\"", "invalid character '\\x1f' in string literal"),
        ("\"\\x\"", "invalid character 'x' in string escape code"),
        ("\"\\u12g4\"", "invalid character 'g' in \\u hexadecimal character escape"),
        ("// c\n1", "invalid character '/' looking for beginning of value"),
    ]

    @Test("refuses with Go's words", arguments: problems.indices)
    func refuses(_ row: Int) {
        let (document, summary) = Self.problems[row]
        do {
            _ = try scan(document)
            Issue.record("\(document) was accepted")
        } catch {
            #expect(error.summary == summary, "\(document)")
            #expect(!error.isComplexity)
        }
    }

    @Test("bytes above 0x7F are shown as Latin-1, unprintable ones escaped")
    func latin1() {
        let rows: [(UInt8, String)] = [
            (0x80, "\\u0080"), (0xA0, "\\u00a0"), (0xAD, "\\u00ad"), (0xFF, "ÿ"),
        ]
        for (byte, shown) in rows {
            let error = JSONError.invalidCharacter(byte, .inString)
            #expect(error.summary == "invalid character '\(shown)' in string literal")
        }
    }

    @Test(
        "a number stays as written",
        arguments: [
            "0", "-0", "10", "-1", "1.0", "1.50", "0.1", "1e5", "1E+05", "1e-400", "-1.25e10",
            "12345678901234567890", "123456789012345678901234567890.5",
        ]
    )
    func exactNumbers(_ text: String) throws {
        let value = try scan(text)
        #expect(try value == number(text))
        let list = JSONValue.array([value]).encoded(sortingKeys: false)
        #expect(list == Array("[\(text)]".utf8))
    }

    /// Go replaces every bad byte, where Unicode's advice would replace a run by one.
    static let repairs: [(bytes: [UInt8], text: String)] = [
        ([0xFF], "\u{FFFD}"), ([0x61, 0x80, 0x62], "a\u{FFFD}b"),
        ([0xE2, 0x82], "\u{FFFD}\u{FFFD}"), ([0xE2, 0x82, 0x61], "\u{FFFD}\u{FFFD}a"),
        ([0xC0, 0xAF], "\u{FFFD}\u{FFFD}"), ([0xC3], "\u{FFFD}"),
        ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF0, 0x9F, 0x98], "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF0, 0x8F, 0xBF, 0xBF], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xF5, 0x80, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"),
        ([0xC3, 0xA9, 0xFF], "é\u{FFFD}"), ([0xF0, 0x9F, 0x98, 0x80, 0xFF], "😀\u{FFFD}"),
        ([0x5C, 0x6E, 0xFF, 0xE2, 0x82, 0xAC], "\n\u{FFFD}€"),
    ]

    @Test("invalid UTF-8 in a string is repaired as Go does", arguments: repairs.indices)
    func repaired(_ row: Int) throws {
        let (bytes, text) = Self.repairs[row]
        let value = try JSONScanner.parse([0x22] + bytes + [0x22])
        #expect(value == .string(text), "\(bytes)")
    }

    @Test("invalid UTF-8 outside a string is refused")
    func strayBytes() {
        #expect(throws: JSONError.invalidCharacter(0xC3, .afterElement)) {
            _ = try JSONScanner.parse([0x5B, 0x31, 0xC3, 0xA9, 0x5D])
        }
    }
}

extension JSONValue {
    fileprivate static func zero(_ text: String) -> JSONValue {
        JSONNumber(text: text).map(JSONValue.number) ?? .null
    }
}
