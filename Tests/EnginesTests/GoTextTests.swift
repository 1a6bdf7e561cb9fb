import Testing

@testable import Engines

@Suite("texts as Go writes them")
struct GoTextTests {
    @Test(
        "quoted",
        arguments: [
            ("", #""""#), ("a b", #""a b""#), (#"a"b\"#, #""a\"b\\""#), ("a\u{1}", #""a\x01""#),
            ("\n\r\t", #""\n\r\t""#), ("é", #""é""#), ("\u{200B}", #""\u200b""#),
            ("\u{E0001}", #""\U000e0001""#),
        ]
    )
    func quoted(_ text: String, _ expected: String) {
        #expect(GoText.quoted(text) == expected)
    }

    @Test("several errors are counted")
    func errors() {
        #expect(GoText.errors(["a"]) == "1 error occurred:\n\t* a\n\n")
        #expect(GoText.errors(["a", "b"]) == "2 errors occurred:\n\t* a\n\t* b\n\n")
    }
}
