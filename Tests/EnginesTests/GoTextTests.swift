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

    @Test(
        "printable",
        arguments: [
            ("", true), ("a b~", true), ("é漢🦊", true), ("e\u{301}", true), ("\u{A0}", false),
            ("\u{200B}", false), ("\u{7F}", false), ("\t", false), ("\u{2028}", false),
            ("\u{E000}", false), ("\u{FFFD}", true),
        ]
    )
    func printable(_ text: String, _ expected: Bool) {
        #expect(GoText.isPrintable(text) == expected)
    }
}
