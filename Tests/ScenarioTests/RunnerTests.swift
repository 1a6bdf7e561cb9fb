import Testing

@testable import Raft
@testable import RaftLaboratory

/// The language itself: what is wrong is found, and told with its line.
@Suite("scenarios: the language")
struct RunnerTests {
    private func problem(_ text: String) -> String {
        do {
            try Story(ScenarioFile(name: "story", text: text)).tell()
            return "none"
        } catch {
            return "\(error)".split(separator: "\n").first.map(String.init) ?? ""
        }
    }

    static let mistakes = [
        ("nodes 3\nelect 1\nlisten 1", "story:3: \"listen\" is no command"),
        ("elect 1", "story:1: \"nodes\" comes first"),
        ("nodes 3\n\n# nothing\ntick 4", "story:4: there is no node 4, only 3"),
        ("nodes 3\ntick x", "story:2: \"x\" is no node"),
        ("nodes 3\ntick", "story:2: a node is missing"),
        ("nodes 3\nelect 1 2", "story:2: \"2\" is one word too many"),
        ("nodes 3\nsettings append-entries 1", "story:2: settings come before nodes"),
        ("settings append 1", "story:1: \"append\" is no setting"),
        ("nodes 3\ndisk 1 terms 2 1", "story:2: no disk can hold that"),
        ("nodes 3\nelect 1\ndisk 1 terms 1", "story:3: disks are written after nodes and before"),
        ("nodes 3\ndeliver 1 -> 2", "story:2: nothing is under way there"),
        ("nodes 3\nelect 1\ndeliver 1 - 2", "story:3: \"->\" or \"<->\" is expected, not \"-\""),
        ("nodes 3\ncrash 1\ncrash 1", "story:3: node 1 is down"),
        ("nodes 3\nrestart 1", "story:2: node 1 is running"),
        ("nodes 3\nelect 1\nlose 1 -> 2 apend", "story:3: nothing was ever lost to this line"),
        ("nodes 3\nelect 1\nlose 1 -> 2 apend\nheal", "story:4: nothing was ever lost to line 3"),
        ("nodes 3\nelect 1\ncompact 1\ncompact 1", "story:4: there is nothing to compact"),
        ("nodes 3\nelect 1\nexpect 1 mood 3", "story:3: \"mood\" is nothing that can be expected"),
        ("# nothing", "story:1: nothing happens in it"),
    ]

    @Test("a mistake in the text is told with its line", arguments: mistakes)
    func mistake(_ row: (String, String)) {
        let found = problem(row.0)
        #expect(found.hasPrefix(row.1), "found: \(found)")
    }

    static let disappointments = [
        ("expect 1 term 2", "it is 1, not 2"),
        ("expect 1 term at-least 2", "it is 1, not 2"),
        ("expect 1 last at-most 0", "it is 1, not 0"),
        ("expect 2 is leader", "node 2 is follower, not leader"),
        ("expect leader 2", "leaders are [1], not [2]"),
        ("expect leader none", "leaders are [1], not []"),
        ("expect 2 leader none", "the leader of node 2 is 1"),
        ("expect 2 vote 3", "the vote of node 2 is 1"),
        ("expect 1 log 1 1", "its terms are [1], not [1, 1]"),
        ("expect 1 progress 2 probe", "the progress of 2 is replicate, not probe"),
        ("expect 2 match 1 1", "node 2 does not lead"),
        ("expect 2 down", "node 2 is running"),
        ("propose 2", "0 of 1 proposals were taken, not 1"),
        ("propose 1 refused", "1 of 1 proposals were taken, not 0"),
        ("tick 1 5\nexpect 1 -> 2 nothing", "under way from 1 to 2: [\"heartbeat\"]"),
    ]

    @Test("an expectation can fail", arguments: disappointments)
    func disappointment(_ row: (String, String)) {
        let found = problem("nodes 3\nelect 1\n" + row.0)
        #expect(found.hasSuffix(row.1), "found: \(found)")
    }

    @Test("a broken invariant is told with the line after which it was broken")
    func invariant() {
        // Two disks claim the same entry differs only where it cannot: term 2 at index 1 after
        // nothing, committed on one node, and another entry committed there on the other.
        let text = """
            nodes 3
            disk 1 terms 1 1 term 3 commit 2
            disk 2 terms 1 2 term 3 commit 2
            start all
            """
        let found = problem(text)
        #expect(found.hasPrefix("story:4: "), "found: \(found)")
        #expect(found.contains("committed another entry 2"), "found: \(found)")
    }

    @Test("a story after which the cluster cannot go on fails at its end")
    func convergence() {
        // Two of three members hold the same two votes' worth of nothing: impossible terms.
        let text = """
            nodes 3
            disk 1 term 4611686018427387904
            start all
            tick 1
            """
        #expect(problem(text).contains("alarm"))
    }

    @Test("kinds of messages are called by their names")
    func kinds() {
        #expect(Story.kind(of: .timeoutNow) == "timeout-now")
        #expect(Story.kind(of: .voteResponse(isGranted: true)) == "vote-response")
        #expect(Story.kind(of: .commitNotice(.zero)) == "commit-notice")
    }
}
