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
        #expect(ScenarioFile.all.count >= 1)
        #expect(ScenarioFile.all.allSatisfy { !$0.lines.isEmpty })
    }
}
