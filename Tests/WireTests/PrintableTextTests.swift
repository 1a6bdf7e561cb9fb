import Testing
import Wire

@Suite("printable text")
struct PrintableTextTests {
    @Test(
        "printable",
        arguments: [
            ("", true), ("a b~", true), ("é漢🦊", true), ("e\u{301}", true), ("\u{A0}", false),
            ("\u{200B}", false), ("\u{7F}", false), ("\t", false), ("\u{2028}", false),
            ("\u{E000}", false), ("\u{FFFD}", true),
        ]
    )
    func printable(_ text: String, _ expected: Bool) {
        #expect(text.isPrintable == expected)
    }
}
