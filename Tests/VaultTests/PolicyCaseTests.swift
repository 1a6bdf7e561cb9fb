import Testing
import Wire

@testable import Vault

/// Cases that travel with a policy, and explanations of what policies do.
@Suite("cases and explanations")
struct PolicyCaseTests {
    private static let cases: JSONValue = [
        ["name": "own", "path": "kv/mine", "capability": "read", "expect": "allow"],
        ["name": "other", "path": "kv/yours", "capability": "read", "expect": "deny"],
    ]
    private static let good = #"path "kv/mine" { capabilities = ["read"] }"#
    private static let wide = #"path "kv/*" { capabilities = ["read"] }"#

    private func body(_ members: JSONObject) -> String {
        String(decoding: JSONValue.object(members).encoded(sortingKeys: false), as: UTF8.self)
    }

    private func write(
        _ vault: TestVault,
        _ members: JSONObject,
        _ method: String = "PUT"
    ) throws -> TestVault.Answer {
        let headers = [("Content-Type", "application/merge-patch+json")]
        return try vault.send(
            method,
            "sys/policies/acl/p",
            body(members),
            method == "PATCH" ? headers : []
        )
    }

    @Test("a policy that fails one of its cases is not written")
    func refused() throws {
        let vault = try TestVault()
        let answer = try write(vault, ["policy": .string(Self.wide), "cases": Self.cases])
        #expect(answer.status == 400)
        let error = try #require(answer.errors.first)
        #expect(error.contains("case \"other\" wants this denied"))
        #expect(error.contains("path \"kv/*\" of policy p"))
        #expect(!error.contains("own"))
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 404)
        #expect(
            try write(vault, ["policy": .string(Self.good), "cases": Self.cases]).status == 204
        )
    }

    @Test("cases stay with the policy when clients write it that do not know them")
    func kept() throws {
        let vault = try TestVault()
        _ = try write(vault, ["policy": .string(Self.good), "cases": Self.cases])
        #expect(try vault.send("GET", "sys/policies/acl/p").data("cases") == Self.cases)
        #expect(try write(vault, ["policy": .string(Self.wide)]).status == 400)
        #expect(try write(vault, ["policy": .string(Self.wide)], "PATCH").status == 400)
        let forced = try write(vault, ["policy": .string(Self.wide), "force": true])
        #expect(forced.status == 200)
        let warnings = try forced.json().asObject?["warnings"]?.asArray
        #expect(warnings?.count == 1)
        #expect(try vault.send("GET", "sys/policies/acl/p").data("cases") == Self.cases)
        let back = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":1}"#)
        #expect(back.status == 200)
        let again = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":2}"#)
        #expect(again.status == 400)
        #expect(try write(vault, ["cases": []], "PATCH").status == 200)
        #expect(try write(vault, ["policy": .string(Self.wide)]).status == 204)
    }

    @Test("the command line sends cases as text")
    func asText() throws {
        let vault = try TestVault()
        let text = String(decoding: Self.cases.encoded(sortingKeys: false), as: UTF8.self)
        let answer = try write(vault, ["policy": .string(Self.good), "cases": .string(text)])
        #expect(answer.status == 204)
        #expect(try vault.send("GET", "sys/policies/acl/p").data("cases") == Self.cases)
    }

    @Test("what is no list of cases is refused")
    func wrong() throws {
        let vault = try TestVault()
        let wrong: [JSONValue] = [
            "x", 1, [:], [1], [["path": "a"]], "[{]",
            [["path": "a", "capability": "fly", "expect": "allow"]],
            .array(
                Array(
                    repeating: ["path": "a", "capability": "read", "expect": "deny"],
                    count: VaultLimits.policyCasesMax + 1
                )
            ),
        ]
        for cases in wrong {
            let answer = try write(vault, ["policy": .string(Self.good), "cases": cases])
            #expect(answer.status == 400)
        }
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 404)
    }

    // MARK: explanations

    private func explain(
        _ vault: TestVault,
        _ members: JSONObject,
        as token: String? = nil
    ) throws -> TestVault.Answer {
        let bytes = JSONValue.object(members).encoded(sortingKeys: false)
        return try vault.send(
            TestVault.Call(
                method: "PUT",
                target: "/v1/sys/policies/explain",
                body: bytes,
                token: token
            )
        )
    }

    @Test("an explanation names the rule, its policy and version, and what would be needed")
    func explanation() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        try vault.writePolicy("p", Self.good)
        try vault.writePolicy("p", Self.wide)
        let denied = try explain(
            vault,
            ["path": "/v1/kv/x", "operation": "write", "policies": ["p", "default"]]
        )
        #expect(try denied.data("allowed") == false)
        #expect(try denied.data("operation") == "create")
        #expect(try denied.data("path") == "kv/x")
        let reason = try #require(try denied.data("reason")?.asString)
        #expect(
            reason == "denied: create on \"kv/x\", because path \"kv/*\" of policy p lacks create"
        )
        let remedy = try #require(try denied.data("remedy")?.asString)
        #expect(remedy.contains(#"path "kv/*" { capabilities = ["create", "read"] }"#))
        let policies = try #require(try denied.data("policies")?.asArray)
        #expect(policies.first?.asObject?["name"] == "p")
        #expect(policies.first?.asObject?["version"] == 2)
        let match = try denied.data("matches")?.asArray?.first?.asObject
        #expect(match?["decides"] == true)
        #expect(match?["from"]?.asArray?.first?.asObject?["line"] == 1)
        try vault.send("PUT", "kv/x", #"{"a":1}"#)
        let update = try explain(vault, ["path": "kv/x", "operation": "write", "policies": "p"])
        #expect(try update.data("operation") == "update")
        let list = try explain(vault, ["path": "kv", "operation": "list", "policies": "p"])
        #expect(try list.data("path") == "kv/")
        let sudo = try explain(vault, ["path": "sys/seal", "operation": "update"])
        #expect(try sudo.data("needs_sudo") == true)
        #expect(try sudo.data("allowed") == true)
    }

    @Test("an explanation agrees with what happens, for a token, an accessor and oneself")
    func agreement() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        try vault.writePolicy(
            "p",
            Self.good + #" path "sys/policies/explain" { capabilities = ["update"] }"#
        )
        let made = try vault.makeToken(["default", "p"])
        for (path, isAllowed) in [("kv/mine", true), ("kv/yours", false), ("sys/mounts", false)] {
            let status = try vault.send(as: made.token, "GET", path).status
            #expect((status != 403) == isAllowed)
            let asked: [JSONObject] = [
                ["path": .string(path), "token": .string(made.token)],
                ["path": .string(path), "accessor": .string(made.accessor)],
                ["path": .string(path), "policies": "p,default"],
            ]
            for members in asked {
                #expect(try explain(vault, members).data("allowed") == .bool(isAllowed))
            }
            let own = try explain(vault, ["path": .string(path)], as: made.token)
            #expect(try own.data("allowed") == .bool(isAllowed))
        }
    }

    @Test("who may not ask reads that permission is denied, and nothing else")
    func onlyWhoMay() throws {
        let vault = try TestVault()
        try vault.writePolicy("p", Self.good)
        let token = try vault.makeToken(["default", "p"]).token
        let answer = try explain(vault, ["path": "kv/mine"], as: token)
        #expect(answer.status == 403)
        #expect(answer.errors == ["1 error occurred:\n\t* permission denied\n\n"])
        #expect(try vault.send("GET", "sys/policies/explain").status == 405)
    }

    @Test("a token that names a policy that nobody knows is told so, to who may ask")
    func missing() throws {
        let vault = try TestVault()
        let token = try vault.makeToken(["default", "later"]).token
        let answer = try explain(vault, ["path": "kv/x", "token": .string(token)])
        #expect(try answer.data("allowed") == false)
        #expect(try answer.data("reason")?.asString?.contains("\"later\" does not exist") == true)
    }

    @Test("questions without sense are refused")
    func wrongQuestions() throws {
        let vault = try TestVault()
        let wrong: [JSONObject] = [
            [:], ["path": ""], ["path": "/v1/"], ["path": "x", "operation": "fly"],
            ["path": "x", "operation": "help"], ["path": "x", "token": "nope"],
            ["path": "x", "accessor": "nope"],
            ["path": "x", "token": "a", "policies": "b"],
            ["path": .string(String(repeating: "x", count: 5_000))],
        ]
        for members in wrong {
            #expect(try explain(vault, members).status == 400, "\(members)")
        }
    }
}
