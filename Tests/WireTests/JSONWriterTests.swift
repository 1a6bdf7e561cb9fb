import Testing
import Wire

@Suite("JSON writer")
struct JSONWriterTests {
    @Test("sets commas and colons")
    func structure() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("s")
        writer.string("x")
        writer.name("a")
        writer.beginArray()
        writer.int(-1)
        writer.uint(.max)
        writer.bool(true)
        writer.bool(false)
        writer.null()
        writer.raw(Array("{\"r\":1}".utf8))
        writer.beginArray()
        writer.endArray()
        writer.beginObject()
        writer.endObject()
        writer.endArray()
        writer.name("o")
        writer.write(["z": [1, "2", nil, true], "a": [:]])
        writer.endObject()
        let expected =
            #"{"s":"x","a":[-1,18446744073709551615,true,false,null,{"r":1},[],{}],"#
            + #""o":{"z":[1,"2",null,true],"a":{}}}"#
        #expect(text(writer.bytes) == expected)
    }

    static let escapes: [(text: String, written: String)] = [
        ("", ""), ("plain", "plain"), ("é€😀", "é€😀"), ("\"\\", #"\"\\"#),
        ("\n\r\t", #"\n\r\t"#), ("\u{0}\u{8}\u{C}\u{1F}", #"\u0000\u0008\u000c\u001f"#),
        ("<b>&", #"\u003cb\u003e\u0026"#), ("a\u{2028}b\u{2029}", #"a\u2028b\u2029"#),
        ("\u{2027}\u{202A}\u{20AC}", "\u{2027}\u{202A}\u{20AC}"), ("/\u{7F}'", "/\u{7F}'"),
        ("\u{E9}\n", #"é\n"#),
    ]

    @Test("escapes like Go's encoder", arguments: escapes.indices)
    func escaping(_ row: Int) throws {
        let (plain, written) = Self.escapes[row]
        var writer = JSONWriter(capacity: 0)
        writer.beginObject()
        writer.name(plain)
        writer.string(plain)
        writer.endObject()
        #expect(text(writer.bytes) == "{\"\(written)\":\"\(written)\"}")
        #expect(try JSONScanner.parse(writer.bytes) == .object([plain: .string(plain)]))
    }

    @Test("every scalar below U+3000 survives")
    func everyScalar() throws {
        for code in UInt32(0)..<0x3000 {
            let scalar = try #require(Unicode.Scalar(code))
            let plain = JSONValue.string("x\(Character(scalar))y")
            #expect(try JSONScanner.parse(plain.encoded(sortingKeys: false)) == plain)
        }
    }

    @Test("an end without a begin is a bug and stops the process")
    func unbalanced() async {
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.endObject()
        }
        await #expect(processExitsWith: .failure) {
            var writer = JSONWriter()
            writer.raw([])
        }
    }
}
