import Testing
import Wire

@testable import Policy

@Suite("policy texts")
struct DocumentTests {
    @Test("all keys of a block are read")
    func allKeys() throws {
        let document = try PolicyDocument(
            parsing: """
                # comment
                name = "team" // another
                /* and
                   one more */
                path "/secret/data/team/*" {
                  capabilities        = ["create", "read", "sudo",]
                  required_parameters = ["Data"]
                  allowed_parameters  = { "data" = [], "Options" = ["a*", 1, true] }
                  denied_parameters {
                    "version" = ["1"]
                  }
                  min_wrapping_ttl    = "1s"
                  max_wrapping_ttl    = 90
                  expiration          = "2030-01-01T00:00:00Z"
                  pagination_limit    = 7
                  comment             = "why"
                }
                path "list/" {
                  policy = "read"
                  list_scan_response_keys_filter_path = "list/{{ .path }}{{.key}}"
                }
                """
        )
        #expect(document.name == "team")
        #expect(document.rules.count == 2)
        let rule = document.rules[0]
        #expect(rule.path == "secret/data/team/*")
        #expect(rule.line == 5)
        #expect(rule.capabilities == [.create, .read, .sudo])
        #expect(rule.parameters.required == ["data"])
        #expect(rule.parameters.allowed?.map(\.name) == ["data", "options"])
        #expect(rule.parameters.denied.map(\.name) == ["version"])
        #expect(rule.wrappingSecondsMin == 1 && rule.wrappingSecondsMax == 90)
        #expect(rule.expiration == Timestamp(rfc3339: "2030-01-01T00:00:00Z"))
        #expect(rule.paginationLimit == 7)
        #expect(document.rules[1].capabilities == [.read, .list])
        #expect(document.rules[1].keysFilter?.expanded(path: "a/", key: "b") == "list/a/b")
    }

    @Test("JSON means the same as HCL")
    func jsonTwin() throws {
        let hcl = try PolicyDocument(
            parsing: """
                path "a/*" { capabilities = ["read"] allowed_parameters = { "x" = ["1", 2] } }
                path "b" { capabilities = ["list"] }
                """
        )
        let forms = [
            #"{"path":{"a/*":{"capabilities":["read"],"allowed_parameters":{"x":["1",2]}},"#
                + #""b":{"capabilities":["list"]}}}"#,
            #"{"path":[{"a/*":{"capabilities":["read"],"allowed_parameters":{"x":["1",2]}}},"#
                + #"{"b":{"capabilities":["list"]}}]}"#,
        ]
        for form in forms {
            let json = try PolicyDocument(parsing: form)
            #expect(json.rules.map(\.path) == hcl.rules.map(\.path))
            #expect(json.rules.map(\.capabilities) == hcl.rules.map(\.capabilities))
            #expect(json.rules.map(\.parameters) == hcl.rules.map(\.parameters))
        }
    }

    @Test("a deny leaves nothing else in its block, but its end")
    func deny() throws {
        let document = try PolicyDocument(
            parsing: """
                path "a" {
                  capabilities = ["read", "deny"]
                  required_parameters = ["x"]
                  expiration = "2030-01-01T00:00:00Z"
                }
                """
        )
        #expect(document.rules[0].capabilities == .deny)
        #expect(document.rules[0].parameters.isEmpty)
        #expect(document.rules[0].expiration != nil)
    }

    static let oldWords: [(String, Capabilities)] = [
        ("deny", .deny), ("read", [.read, .list]),
        ("write", [.create, .read, .update, .delete, .list]),
        ("sudo", [.create, .read, .update, .delete, .list, .sudo]),
    ]

    @Test("old words", arguments: oldWords)
    func oldWord(_ word: String, _ expected: Capabilities) throws {
        let document = try PolicyDocument(parsing: "path \"a\" { policy = \"\(word)\" }")
        #expect(document.rules[0].capabilities == expected)
    }

    @Test("texts: escapes and heredocs")
    func texts() throws {
        let document = try PolicyDocument(
            parsing: #"path "a\"\u00e9\\" { capabilities = ["read"] }"#
        )
        #expect(document.rules[0].path == "a\"é\\")
        let named = try PolicyDocument(
            parsing: "name = <<-END\n    one\n      two\n    END\npath \"x\" {}\n"
        )
        #expect(named.name == "one\n  two\n")
    }

    static let wrong: [(text: String, expected: String)] = [
        ("bar = 1", "invalid key \"bar\" on line 1"),
        ("\npath \"a\" {\n foo = 1\n}", "path \"a\": invalid key \"foo\" on line 3"),
        ("path \"a\" { capabilities = [\"fly\"] }", "invalid capability \"fly\""),
        ("path \"a\" { policy = \"bogus\" }", "invalid policy \"bogus\""),
        ("path \"a/+*\" { capabilities = [\"read\"] }", "('+*' is forbidden)"),
        ("path \"a\" { capabilities = \"read\" }", "needs a list of texts, not a text"),
        ("path \"a\" { capabilities = [1] }", "needs a text, not a number"),
        ("path \"a\" { capabilities = [\"read\"", "line 1: expected ',' or ']', found the end"),
        ("path \"a\"", "expected '{' or '='"),
        ("path { }}", "line 1: expected a key, found '}'"),
        ("path = \"a\"", "`path` needs one path and a block"),
        ("path \"a\" \"b\" {}", "`path` needs one path and a block"),
        ("path \"a {\n}", "line 1: the text that begins here has no end"),
        ("/* x", "line 1: the comment that begins here does not end"),
        ("path \"a\" { min_wrapping_ttl = \"9s\" max_wrapping_ttl = \"1s\" }", "cannot be less"),
        ("path \"a\" { min_wrapping_ttl = \"soon\" }", "needs a duration"),
        ("path \"a\" { max_wrapping_ttl = \"500ms\" }", "is below a second"),
        ("path \"a\" { max_wrapping_ttl = \"-1s\" }", "needs a duration"),
        ("path \"a\" { expiration = \"tomorrow\" }", "needs a moment"),
        ("path \"a\" { pagination_limit = 0 }", "above 0"),
        ("path \"a\" { capabilities = [] capabilities = [] }", "stands twice"),
        ("path \"a\" { control_group = {} }", "not supported by this server"),
        ("path \"a\" { mfa_methods = [\"x\"] }", "not supported by this server"),
        ("path \"{{a\" { }", "braces"),
        ("path \"a\" { allowed_parameters = { \"x\" = 1 } }", "\"x\" needs a list"),
        ("path \"a\" { list_scan_response_keys_filter_path = \"{{ .mount }}\"}", ".key"),
        (
            "path \"a\" { list_scan_response_keys_filter_path = \"{{ .key }}\"}",
            "needs list or scan"
        ),
        ("{\"path\":{\"a\":{}, \"a\":{}}}", "the name \"a\" stands twice"),
        ("{\"path\":null}", "null means nothing"),
        ("{\"path\":", "unexpected end"),
        ("path \"a\" { comment = \"\\q\" }", "means nothing"),
        ("path \"a\" { x = -z }", "is not a number"),
        ("&", "'&' cannot stand here"),
        ("a " + String(repeating: "{ b ", count: 40), "more than 16 levels"),
        ("a = " + String(repeating: "[", count: 40), "more than 16 levels"),
        (String(repeating: " ", count: PolicyLimits.textBytesMax + 1), "more than 524288"),
    ]

    @Test("wrong texts say what and where", arguments: wrong)
    func wrongTexts(_ text: String, _ expected: String) {
        let error = #expect(throws: PolicyError.self) { try PolicyDocument(parsing: text) }
        let summary = error?.summary ?? ""
        #expect(summary.contains(expected), "\(summary)")
        #expect(error?.remedy.isEmpty == false)
    }
}
