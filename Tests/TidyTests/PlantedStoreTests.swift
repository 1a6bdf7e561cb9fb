import Testing

/// A rule that the simulator's disks keep in code of their own is not shown to be watched in the
/// product by a run of the simulator: its fault is planted in both, and tried on both grounds.
@Suite("planted bugs of the store")
struct PlantedStoreTests {
    private static func hooks(inSimulator isThere: Bool) -> Set<String> {
        SourceFile.all
            .filter { $0.path != "Sources/Wire/Planted.swift" }
            .filter { ($0.module == "Simulator") == isThere }
            .reduce(into: []) {
                let text = $1.lines.joined(separator: "\n")
                $0.formUnion(PlantedTests.names(after: "planted(", in: text))
            }
    }

    /// The names that `Tests/planted` tries on real data folders.
    private static var tried: [String] {
        FileTree.text(of: "Tests/planted").split(separator: "\n")
            .drop { $0 != "store_bugs='" }.dropFirst().prefix { $0 != "'" }
            .map { String($0) }
    }

    @Test("each hook of the simulator stands in the product, too, and is tried there")
    func hooks() {
        let doubled = Self.hooks(inSimulator: true)
        #expect(doubled.subtracting(Self.hooks(inSimulator: false)).sorted() == [])
        #expect(doubled.sorted() == Self.tried.sorted())
        #expect(doubled.count >= 5)
    }

    @Test("the table in the documents has each of them, and says what caught it")
    func table() {
        let rows = FileTree.text(of: "Sources/Simulator/PlantedBugs.md").split(separator: "\n")
            .filter { $0.hasPrefix("| store |") }
            .map { $0.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } } }
        #expect(rows.map { $0[1] } == Self.tried)
        for row in rows {
            #expect(UInt64(row[3]) != nil && row[2] != "**nothing**", "\(row[1]) was not caught")
        }
    }
}
