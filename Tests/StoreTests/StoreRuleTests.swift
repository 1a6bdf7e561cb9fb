import CrashImages
import Testing

/// What is shown to find the bugs that are planted in the store (`Tests/planted`) finds nothing in
/// the store as it is.
@Suite("Rules of the store, by seed")
struct StoreRuleTests {
    @Test("no damage and no restart breaks one", arguments: StoreRule.allCases)
    func rules(rule: StoreRule) {
        for seed in UInt64(1)...25 {
            if let problem = rule.problem(seed: seed) { Issue.record("seed \(seed): \(problem)") }
        }
    }
}
