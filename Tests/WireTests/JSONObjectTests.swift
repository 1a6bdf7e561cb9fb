import Testing
import Wire

@Suite("JSON objects")
struct JSONObjectTests {
    @Test("a later duplicate replaces the value at the first one's place")
    func duplicates() throws {
        let value = try scan(#"{"a":1,"b":2,"a":3,"\u0061":4}"#)
        #expect(text(value.encoded(sortingKeys: false)) == #"{"a":4,"b":2}"#)
    }

    @Test("names are compared by bytes")
    func bytes() throws {
        let object = try #require(scan("{\"\u{E9}\":1,\"e\u{301}\":2}").asObject)
        #expect(object.count == 2)
        #expect(object["\u{E9}"] == 1)
        #expect(object["e\u{301}"] == 2)
    }

    @Test("many names keep their order and their last values")
    func many() throws {
        let names = (0..<300).map { "name-\($0 % 200)" }
        let pairs = names.enumerated().map { "\"\($1)\":\($0)" }
        let document = "{" + pairs.joined(separator: ",") + "}"
        let object = try #require(scan(document).asObject)
        #expect(object.members.map(\.name) == Array(names[..<200]))
        #expect(object.members.map(\.value.asInt) == (0..<200).map { $0 < 100 ? $0 + 200 : $0 })
    }

    @Test("setting appends, replaces in place and removes")
    func editing() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["c"] = 3
        object["a"] = "x"
        object["b"] = nil
        object["none"] = nil
        #expect(text(JSONValue.object(object).encoded(sortingKeys: false)) == #"{"a":"x","c":3}"#)
        #expect(object["b"] == nil)
        #expect(JSONObject() == [:])
        #expect(JSONObject().isEmpty)
    }

    @Test("sorting is by bytes; one level or all")
    func sorting() throws {
        let value = try scan(
            #"{"b":{"z":1,"Z":2,"é":3,"\uD83D\uDE00":4,"":5},"a":[{"y":1,"x":2}]}"#
        )
        let deep = #"{"a":[{"x":2,"y":1}],"b":{"":5,"Z":2,"z":1,"é":3,"😀":4}}"#
        #expect(text(value.encoded(sortingKeys: true)) == deep)
        let object = try #require(value.asObject)
        #expect(object.sorted().members.map(\.name) == ["a", "b"])
        #expect(object.sorted()["b"]?.asObject?.members.first?.name == "z")
    }

    @Test("equality ignores the order of members and nothing else")
    func equality() throws {
        #expect(try scan(#"{"a":1,"b":[2]}"#) == scan(#"{"b":[2],"a":1}"#))
        #expect(try scan(#"{"a":1,"b":2}"#) != scan(#"{"a":2,"b":1}"#))
        #expect(try scan(#"{"a":1}"#) != scan(#"{"a":1,"b":2}"#))
        #expect(try scan(#"{"a":1}"#) != scan(#"{"b":1}"#))
        #expect(try scan("[1,2]") != scan("[2,1]"))
        #expect(try scan("1") != scan("1.0"))
        #expect(try scan("1") != scan("\"1\""))
        #expect(try scan("null") != scan("false"))
        #expect(JSONValue.string("\u{E9}") != JSONValue.string("e\u{301}"))
    }

    @Test("accessors answer only for their own kind")
    func accessors() throws {
        let kinds: [JSONValue] = [nil, true, 7, "7", [7], ["n": 7]]
        #expect(kinds.map(\.isNull) == [true, false, false, false, false, false])
        #expect(kinds.map(\.asBool) == [nil, true, nil, nil, nil, nil])
        #expect(kinds.map(\.asInt) == [nil, nil, 7, nil, nil, nil])
        #expect(kinds.map(\.asString) == [nil, nil, nil, "7", nil, nil])
        #expect(kinds.map(\.asArray) == [nil, nil, nil, nil, [7], nil])
        #expect(kinds.map(\.asObject) == [nil, nil, nil, nil, nil, ["n": 7]])
    }

    static let numbers: [(text: String, int: Int?, uint64: UInt64?)] = [
        ("0", 0, 0), ("-0", 0, 0), ("-1", -1, nil), ("9223372036854775807", .max, 1 << 63 - 1),
        ("9223372036854775808", nil, 1 << 63), ("18446744073709551615", nil, .max),
        ("18446744073709551616", nil, nil), ("1.0", nil, nil), ("1e3", nil, nil),
    ]

    @Test("integers are exact or absent", arguments: numbers.indices)
    func integers(_ row: Int) throws {
        let (text, int, uint64) = Self.numbers[row]
        let number = try #require(JSONNumber(text: text))
        #expect(number.text == text)
        #expect(number.int == int)
        #expect(number.uint64 == uint64)
        #expect(JSONNumber(Int.min).text == "-9223372036854775808")
        #expect(JSONNumber(UInt64.max).text == "18446744073709551615")
    }

    @Test(
        "is not a JSON number",
        arguments: ["", "-", "+1", "01", "1.", ".5", "1e", "0x1", "1 ", " 1", "NaN", "1_000", "١"]
    )
    func notNumbers(_ text: String) {
        #expect(JSONNumber(text: text) == nil)
    }
}
