import Testing

/// Faults that are planted to show that the simulator sees: hooks, catalogue and table agree.
@Suite("planted bugs")
struct PlantedTests {
    private static let catalogue = "Sources/simulate/PlantedBugs.swift"

    /// What stands between quotes after each `opening` in a text, spaces and line ends left out.
    static func names(after opening: String, in text: String) -> Set<String> {
        var found: Set<String> = []
        var rest = text[...]
        while let range = rest.firstRange(of: opening) {
            rest = rest[range.upperBound...].drop { $0 == " " || $0 == "\n" }
            guard rest.first == "\"" else { continue }
            found.insert(String(rest.dropFirst().prefix { $0 != "\"" }))
        }
        return found
    }

    private static var hooked: Set<String> {
        SourceFile.all.filter { $0.path != "Sources/Wire/Planted.swift" }.reduce(into: []) {
            $0.formUnion(names(after: "planted(", in: $1.lines.joined(separator: "\n")))
        }
    }

    private static var catalogued: Set<String> {
        names(after: ".init(", in: FileTree.text(of: catalogue))
    }

    @Test("each hook is in the catalogue, and each bug of the catalogue has a hook")
    func agreement() {
        // A disk that breaks its word is planted by the simulator's settings, not by a hook.
        let planted = Self.catalogued.filter { !$0.hasPrefix("disk ") }
        #expect(Self.hooked.subtracting(planted).sorted() == [])
        #expect(planted.subtracting(Self.hooked).sorted() == [])
        #expect(planted.count >= 40)
    }

    @Test("the table in the documents has each of them, and nothing was missed")
    func table() {
        let rows = FileTree.text(of: "Sources/Simulator/PlantedBugs.md")
            .split(separator: "\n").filter { $0.hasPrefix("| `") }
        let told = rows.compactMap { $0.split(separator: "`").dropFirst().first }.map(String.init)
        #expect(told.sorted() == Self.catalogued.sorted())
        #expect(rows.filter { $0.contains("**nothing**") } == [])
    }

    @Test("names are found")
    func recognition() {
        let text = "a || planted(\"one\"), .init(\n    \"two\", .b) planted(name)"
        #expect(Self.names(after: "planted(", in: text) == ["one"])
        #expect(Self.names(after: ".init(", in: text) == ["two"])
    }
}
