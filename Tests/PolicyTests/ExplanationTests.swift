import Testing
import Wire

@testable import Policy

@Suite("explanations and cases")
struct ExplanationTests {
    @Test("the rule that decides comes first, the others say why they do not")
    func matches() throws {
        let list = try accessList(
            "path \"a/*\" { capabilities = [\"read\"] }",
            "path \"a/+/c\" { capabilities = [\"update\"] }\npath \"a/b/c\" { policy = \"deny\" }"
        )
        let explanation = list.explain(AccessRequest(.read, "a/b/c"))
        #expect(explanation.matches.map(\.path) == ["a/b/c", "a/+/c", "a/*"])
        #expect(explanation.matches.map { $0.yieldsBecause == nil } == [true, false, false])
        #expect(explanation.matches[0].origins == [.init(policy: "p1", path: "a/b/c", line: 2)])
        #expect(explanation.summary.contains("path \"a/b/c\" of policy p1 says deny"))
        #expect(explanation.remedy?.contains("take the deny out of policy p1") == true)
    }

    static let remedies: [(text: String, request: AccessRequest, expected: String)] = [
        ("", AccessRequest(.read, "x/y"), "path \"x/y\" { capabilities = [\"read\"] }"),
        (
            "path \"x/*\" { capabilities = [\"list\"] }", AccessRequest(.read, "x/y"),
            "path \"x/*\" { capabilities = [\"list\", \"read\"] }"
        ),
        (
            "path \"x\" { capabilities = [\"read\"] max_wrapping_ttl = 9 }",
            AccessRequest(.read, "x"), "for at most 9 s"
        ),
    ]

    @Test("what would be needed, as a block to paste", arguments: remedies)
    func remedy(_ text: String, _ request: AccessRequest, _ expected: String) throws {
        let list = try accessList(text)
        #expect(list.explain(request).remedy?.contains(expected) == true)
        #expect(list.explain(request).decision == list.decide(request))
    }

    @Test("an allowed request needs no remedy")
    func allowed() throws {
        let list = try accessList("path \"x\" { capabilities = [\"read\"] }")
        let explanation = list.explain(AccessRequest(.read, "x"))
        #expect(explanation.remedy == nil && explanation.summary.hasPrefix("allowed: "))
    }

    @Test("cases run against their policy")
    func cases() throws {
        let policy = try source(
            "team",
            """
            path "secret/data/{{identity.entity.name}}/*" { capabilities = ["read"] }
            path "secret/data/shared" { capabilities = ["read"] }
            """
        )
        let good = try PolicyCase(
            [
                "name": "own", "path": "secret/data/ann/x", "capability": "read",
                "expect": "allow", "who": ["entity": ["id": "1", "name": "ann"]],
            ]
        )
        #expect(PolicyCase.failures(of: [good], in: policy, at: someday) == [])
        #expect(try PolicyCase(good.json) == good)
        let bad = try PolicyCase(
            ["path": "secret/data/shared", "capability": "read", "expect": "deny"]
        )
        let failures = PolicyCase.failures(of: [good, bad, good], in: policy, at: someday)
        let failure = try #require(failures.count == 1 ? failures[0] : nil)
        #expect(failure.contains("wants this denied") && failure.contains("policy team"))
        // Nothing is allowed to whom a template cannot be filled in for, and the reason is told.
        let slash = try PolicyCase(
            [
                "path": "secret/data/shared", "capability": "read", "expect": "allow",
                "who": ["entity": ["id": "2", "name": "a/b"]],
            ]
        )
        let barred = try #require(PolicyCase.failures(of: [slash], in: policy, at: someday).first)
        #expect(barred.contains("wants this allowed") && barred.contains("'/', '*' or '+'"))
        #expect(!barred.contains("no rule"))
    }

    static let wrongCases: [(json: JSONValue, expected: String)] = [
        (1, "not an object"), ([:], "has no \"path\""),
        (["path": "a", "capability": "fly", "expect": "allow"], "no capability"),
        (["path": "a", "capability": "read", "expect": "maybe"], "not \"maybe\""),
        (["path": "a", "capability": "read", "expect": "deny", "x": 1], "unknown member \"x\""),
        (["path": "a", "capability": "read", "expect": "deny", "who": ["y": 1]], "\"y\""),
    ]

    @Test("wrong cases say what is wrong", arguments: wrongCases)
    func wrongCase(_ json: JSONValue, _ expected: String) {
        let error = #expect(throws: PolicyCaseError.self) { try PolicyCase(json) }
        #expect(error?.summary.contains(expected) == true)
    }
}
