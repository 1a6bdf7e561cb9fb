import Testing

@Suite("scenarios")
struct ScenarioTests {
    @Test("scenario", arguments: ScenarioFile.all)
    func scenario(_ file: ScenarioFile) {
        do {
            try Story(file).tell()
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test("the folder is found")
    func files() {
        // So many that a part of them cannot go missing unseen.
        #expect(ScenarioFile.all.count >= 105)
        #expect(ScenarioFile.all.allSatisfy { !$0.lines.isEmpty })
    }
}
