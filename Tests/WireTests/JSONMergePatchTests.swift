import Testing
import Wire

/// The examples of RFC 7396, and what a large document costs.
@Suite("JSON merge patch")
struct JSONMergePatchTests {
    @Test(
        "the RFC's examples",
        arguments: [
            (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
            (#"{"a":"b"}"#, #"{"a":null}"#, "{}"),
            (#"{"a":"b","b":"c"}"#, #"{"a":null}"#, #"{"b":"c"}"#),
            (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
            (#"{"a":"c"}"#, #"{"a":["b"]}"#, #"{"a":["b"]}"#),
            (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#),
            (#"{"a":[{"b":"c"}]}"#, #"{"a":[1]}"#, #"{"a":[1]}"#),
            (#"["a","b"]"#, #"["c","d"]"#, #"["c","d"]"#),
            (#"{"a":"b"}"#, #"["c"]"#, #"["c"]"#),
            (#"{"a":"foo"}"#, "null", "null"),
            (#"{"a":"foo"}"#, #""bar""#, #""bar""#),
            (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#),
            ("[1,2]", #"{"a":"b","c":null}"#, #"{"a":"b"}"#),
            ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
        ]
    )
    func examples(_ target: String, _ patch: String, _ expected: String) throws {
        let patched = try value(target).patched(with: try value(patch))
        #expect(patched == (try value(expected)))
    }

    @Test("numbers keep their spelling, and the members are sorted")
    func spelling() throws {
        let patched = try value(#"{"b":1.50,"a":12345678901234567890}"#)
            .patched(with: try value(#"{"c":1e2,"A":0}"#))
        let text = String(decoding: patched.encoded(sortingKeys: false), as: UTF8.self)
        #expect(text == #"{"A":0,"a":12345678901234567890,"b":1.50,"c":1e2}"#)
    }

    @Test("a document with very many members is patched in no more than sorting takes")
    func large() throws {
        let members = (0..<60_000).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
        let document = try JSONScanner.parse(Array("{\(members)}".utf8), limits: .trusted)
        let changes = (0..<60_000).map { #""k\#($0)":null"# }.joined(separator: ",")
        let patch = try JSONScanner.parse(Array("{\(changes),\"x\":1}".utf8), limits: .trusted)
        #expect(document.patched(with: patch) == ["x": 1])
    }

    private func value(_ text: String) throws -> JSONValue {
        try JSONScanner.parse(Array(text.utf8))
    }
}
