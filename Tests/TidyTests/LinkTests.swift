import Testing

/// Full Foundation and ICU are 50 MB that a vault does not need, and code that nobody here reviews.
@Suite("link")
struct LinkTests {
    static let banned = [
        "libFoundation.so", "lib_FoundationICU", "libFoundationInternat", "libicu",
    ]

    /// Libraries of `ldd`'s output that must not be there.
    static func intruders(in listing: String) -> [String] {
        listing.split(separator: "\n").filter { line in
            banned.contains { line.contains($0) }
        }.map { String($0.drop { $0 == "\t" || $0 == " " }) }
    }

    @Test("the binary links neither full Foundation nor ICU")
    func binary() throws {
        let folder = FileTree.ownExecutable.split(separator: "/").dropLast()
        let path = "/" + folder.joined(separator: "/") + "/holdfast"
        let (listing, isSuccess) = FileTree.output(of: "ldd '\(path)' 2>/dev/null")
        try #require(isSuccess, "\(path) is not built; run swift build first")
        #expect(listing.contains("libc.so"), "ldd printed nothing useful")
        #expect(Self.intruders(in: listing) == [])
    }

    @Test("an intruder is recognised")
    func recognition() {
        let listing = """
            \tlinux-vdso.so.1 (0x0000)
            \tlibFoundationEssentials.so => /usr/lib/libFoundationEssentials.so (0x0000)
            \tlibFoundation.so => /usr/lib/libFoundation.so (0x0000)
            \tlib_FoundationICU.so => /usr/lib/lib_FoundationICU.so (0x0000)
            \tlibicuuc.so.72 => /usr/lib/libicuuc.so.72 (0x0000)
            \tlibc.so.6 => /lib/libc.so.6 (0x0000)
            """
        #expect(
            Self.intruders(in: listing) == [
                "libFoundation.so => /usr/lib/libFoundation.so (0x0000)",
                "lib_FoundationICU.so => /usr/lib/lib_FoundationICU.so (0x0000)",
                "libicuuc.so.72 => /usr/lib/libicuuc.so.72 (0x0000)",
            ]
        )
    }
}
