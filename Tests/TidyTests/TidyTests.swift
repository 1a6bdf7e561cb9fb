import Testing

/// The house style, checked. One issue for each file, with all its findings.
@Suite("tidy")
struct TidyTests {
    @Test("source file", arguments: SourceFile.all)
    func file(_ file: SourceFile) {
        let findings =
            Layer.findings(in: file) + NameRules.findings(in: file)
            + UnsafeRules.findings(in: file) + ShapeRules.findings(in: file)
        guard !findings.isEmpty else { return }
        let list = findings.map { "  \($0)" }.joined(separator: "\n")
        Issue.record("\(file.path): \(findings.count) findings\n\(list)")
    }

    @Test("the word unsafe and switched-off race checks stay within their allowance")
    func allowances() {
        let excesses = UnsafeRules.excesses(in: SourceFile.all)
        #expect(excesses.isEmpty, "\(excesses.joined(separator: "; "))")
    }

    @Test("every target below Sources has a level, and every level has its target")
    func levelsAreComplete() {
        let folders = FileTree.names(in: "Sources").filter {
            !FileTree.swiftFiles(below: "Sources/\($0)").isEmpty
        }
        #expect(!folders.isEmpty, "no sources found below \(FileTree.root)")
        #expect(folders.filter { Layer.levels[$0] == nil } == [])
        #expect(Layer.levels.keys.filter { !folders.contains($0) }.sorted() == [])
    }

    @Test("the README's table has every setting that the reader takes, and no other")
    func settings() {
        let reader = FileTree.text(of: "Sources/Node/SettingsReader.swift")
        let taken = reader.split(separator: "(\"").dropFirst().compactMap { rest -> String? in
            guard let end = rest.firstIndex(of: "\""), rest[end...].hasPrefix("\", .") else {
                return nil
            }
            return String(rest[..<end])
        }
        #expect(taken.contains("node") && taken.contains("autopilot.cleanup_dead_servers"))
        let rows = FileTree.text(of: "README.md").split(separator: "\n")
            .drop { $0 != "| setting | meaning | default |" }.dropFirst(2)
            .prefix { $0.hasPrefix("|") }
        let named = rows.filter { !$0.contains("[[member]]`:") }.flatMap { row in
            row.split(separator: "|")[0].split(separator: "`").map(String.init)
                .filter { $0.contains { $0.isLetter } }
        }
        #expect(named.sorted() == taken.sorted())
    }
}
