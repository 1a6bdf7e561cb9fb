import Testing
import Wire

@testable import Engines

/// Loose conversions: what the command line sends as text has to work, and what cannot be meant gets the
/// words that clients of OpenBao know.
@Suite("parameters")
struct FieldsTests {
    private func convert(
        _ json: String,
        _ kind: FieldSchema.Kind
    ) throws -> Result<FieldValue, ConversionError> {
        let value = try JSONScanner.parse(Array(json.utf8))
        do throws(ConversionError) {
            return .success(try Conversion.value(of: value, as: kind))
        } catch {
            return .failure(error)
        }
    }

    struct Row: Sendable {
        let kind: FieldSchema.Kind
        let json: String
        let value: FieldValue
    }

    static let good = [
        Row(kind: .text, json: #""x""#, value: .text("x")),
        Row(kind: .text, json: "1.50", value: .text("1.50")),
        Row(kind: .text, json: "true", value: .text("1")),
        Row(kind: .text, json: "null", value: .text("")),
        Row(kind: .int, json: "7", value: .int(7)),
        Row(kind: .int, json: #""-7""#, value: .int(-7)),
        Row(kind: .int, json: #""""#, value: .int(0)),
        Row(kind: .int, json: "null", value: .int(0)),
        Row(kind: .int, json: "true", value: .int(1)),
        Row(kind: .bool, json: #""T""#, value: .bool(true)),
        Row(kind: .bool, json: #""0""#, value: .bool(false)),
        Row(kind: .bool, json: "2", value: .bool(true)),
        Row(kind: .bool, json: "null", value: .bool(false)),
        Row(kind: .map, json: #"{"a":1}"#, value: .map(["a": 1])),
        Row(kind: .map, json: "[]", value: .map([:])),
        Row(kind: .map, json: "null", value: .map([:])),
        Row(kind: .pairs, json: #"{"a":2,"b":true}"#, value: .map(["a": "2", "b": "1"])),
        Row(kind: .pairs, json: #""a=b=c""#, value: .map(["a": "b=c"])),
        Row(kind: .pairs, json: #"["a=b","c="]"#, value: .map(["a": "b", "c": ""])),
        Row(kind: .ints, json: #"["1",2,null]"#, value: .ints([1, 2, 0])),
        Row(kind: .ints, json: #""1, 2""#, value: .ints([1, 2])),
        Row(kind: .ints, json: "3", value: .ints([3])),
        Row(kind: .ints, json: "{}", value: .ints([])),
        Row(kind: .texts, json: #""a, b,c""#, value: .texts(["a", "b", "c"])),
        Row(kind: .texts, json: #"["a,b",1]"#, value: .texts(["a,b", "1"])),
        Row(kind: .texts, json: #""""#, value: .texts([])),
        Row(kind: .seconds, json: #""1h30m""#, value: .int(5_400)),
        Row(kind: .seconds, json: "90", value: .int(90)),
        Row(kind: .seconds, json: #""1d""#, value: .int(86_400)),
        Row(kind: .signedSeconds, json: #""-1s""#, value: .int(-1)),
    ]

    @Test("convert", arguments: good)
    func converts(_ row: Row) throws {
        #expect(try convert(row.json, row.kind).get() == row.value, "\(row.json)")
    }

    struct BadRow: Sendable {
        let kind: FieldSchema.Kind
        let json: String
        let text: String
    }

    static let bad = [
        BadRow(
            kind: .int,
            json: #""x""#,
            text: "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax"
        ),
        BadRow(
            kind: .int,
            json: "99999999999999999999",
            text: "'' cannot parse value as 'int': strconv.ParseInt: value out of range"
        ),
        BadRow(
            kind: .int,
            json: "-99999999999999999999",
            text: "'' cannot parse value as 'int': strconv.ParseInt: value out of range"
        ),
        BadRow(
            kind: .int,
            json: "[]",
            text: "'' expected type 'int', got unconvertible type '[]interface {}'"
        ),
        BadRow(
            kind: .bool,
            json: #""yes""#,
            text: "'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax"
        ),
        BadRow(
            kind: .map,
            json: "1",
            text: "'' expected type 'map[string]interface {}', got unconvertible type "
                + "'json.Number'"
        ),
        BadRow(
            kind: .map,
            json: #"["x"]"#,
            text: "'[0]' expected type 'map[string]interface {}', got unconvertible type 'string'"
        ),
        BadRow(kind: .pairs, json: #""x""#, text: #"invalid key/value pair "x""#),
        BadRow(
            kind: .ints,
            json: #"[1,"x"]"#,
            text: "decoding failed due to the following error(s):\n\n'[1]' cannot parse value as "
                + "'int': strconv.ParseInt: invalid syntax"
        ),
        BadRow(
            kind: .texts,
            json: "[{}]",
            text: "'[0]' expected type 'string', got unconvertible type "
                + "'map[string]interface {}'"
        ),
        BadRow(kind: .seconds, json: #""-1s""#, text: "cannot provide negative value '-1'"),
        BadRow(kind: .seconds, json: "1.5", text: #"time: missing unit in duration "1.5""#),
        BadRow(kind: .seconds, json: #""x""#, text: #"time: invalid duration "x""#),
    ]

    @Test("refuse", arguments: bad)
    func refuses(_ row: BadRow) throws {
        #expect(
            try convert(row.json, row.kind) == .failure(ConversionError(text: row.text)),
            "\(row.json)"
        )
    }

    @Test("unknown and captured names are reported, known ones are not")
    func warnings() throws {
        let schema = FieldSchema([("a", .int)], captured: ["path"])
        let fields = try Fields(["z": 1, "a": "2", "path": "x", "b": nil], schema)
        #expect(fields.int("a") == 2)
        #expect(!fields.has("z"))
        #expect(
            fields.warnings == [
                "Endpoint ignored these unrecognized parameters: [b z]",
                "Endpoint replaced the value of these parameters with the values captured from the "
                    + "endpoint's path: [path]",
            ]
        )
        #expect(try Fields([:], schema).warnings == [])
    }

    @Test("the words before an error depend on whether the endpoint looks before it writes")
    func prefix() throws {
        for (looksFirst, prefix) in [(true, ""), (false, "Field validation failed: ")] {
            do {
                _ = try Fields(["a": "x"], FieldSchema([("a", .int)], looksFirst: looksFirst))
                Issue.record("a text is no number")
            } catch {
                #expect(error.summary.hasPrefix(prefix + "error converting input for field \"a\""))
            }
        }
    }
}
