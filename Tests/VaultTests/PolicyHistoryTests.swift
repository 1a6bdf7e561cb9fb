import Barrier
import Cryptography
import Store
import Testing
import Wire

@testable import Vault

/// Versions of policies: what is kept, shown, compared, brought back and forgotten.
@Suite("history of policies")
struct PolicyHistoryTests {
    private func text(_ number: Int) -> String {
        "path \"kv/\(number)\" { capabilities = [\"read\"] }\n"
    }

    /// A vault with these many versions of the policy `p`.
    private func vault(_ count: Int) throws -> TestVault {
        let vault = try TestVault()
        if count > 0 { for number in 1...count { try vault.writePolicy("p", text(number)) } }
        return vault
    }

    private func numbers(_ vault: TestVault, _ query: String = "") throws -> [Int]? {
        let path = "sys/policies/versions/acl/p" + (query.isEmpty ? "" : "?" + query)
        let answer = try vault.send("GET", path)
        return try answer.data("versions")?.asArray?.compactMap {
            $0.asObject?["version"]?.asInt
        }
    }

    @Test("every version is there, with its digest, its author and its text")
    func versions() throws {
        let vault = try vault(3)
        let answer = try vault.send("GET", "sys/policies/versions/acl/p")
        #expect(try answer.data("current") == 3)
        let accessor = try vault.send("GET", "auth/token/lookup-self").data("accessor")
        let list = try #require(try answer.data("versions")?.asArray)
        #expect(list.count == 3)
        for (position, value) in list.enumerated() {
            let facts = try #require(value.asObject)
            let text = text(position + 1)
            #expect(facts["version"] == .number(JSONNumber(position + 1)))
            #expect(facts["digest"] == .string(Hex.encode(sha256(Array(text.utf8)))))
            #expect(facts["author"] == accessor)
            #expect(facts["bytes"] == .number(JSONNumber(text.utf8.count)))
            let one = try vault.send(
                "GET",
                "sys/policies/versions/acl/P?version=\(position + 1)"
            )
            #expect(try one.data("policy") == .string(text))
            #expect(try one.data("digest") == facts["digest"])
        }
        for (query, status) in [("0", 400), ("4", 400), ("-1", 400), ("x", 400)] {
            let path = "sys/policies/versions/acl/p?version=\(query)"
            #expect(try vault.send("GET", path).status == status, "\(query)")
        }
        #expect(try vault.send("GET", "sys/policies/versions/acl/none").status == 404)
        #expect(try vault.send("GET", "sys/policies/versions/acl/none?version=1").status == 404)
    }

    @Test("all versions are kept, and shown in pages")
    func pages() throws {
        let shown = VaultLimits.policyVersionsShownMax
        let count = 2 * shown + 3
        let vault = try vault(count)
        #expect(try numbers(vault) == Array((shown + 4)...count))
        for (query, expected) in [
            ("before=\(shown + 4)", Array(4..<(shown + 4))), ("before=4", [1, 2, 3]),
            ("before=1", []), ("limit=2", [count - 1, count]), ("before=9&limit=1", [8]),
            ("before=\(count + 9)&limit=1", [count]),
        ] {
            #expect(try numbers(vault, query) == expected, "\(query)")
        }
        let page = try vault.send("GET", "sys/policies/versions/acl/p?before=9&limit=1")
        #expect(try page.data("earlier") == 7)
        #expect(try page.data("last") == JSONValue.number(JSONNumber(count)))
        for query in ["before=0", "limit=0", "before=-1", "limit=x"] {
            let answer = try vault.send("GET", "sys/policies/versions/acl/p?\(query)")
            #expect(answer.status == 400, "\(query)")
        }
        let first = try vault.send("GET", "sys/policies/versions/acl/p?version=1")
        #expect(try first.data("policy") == .string(text(1)))
        let back = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":1}"#)
        #expect(try back.data("version")?.asInt == count + 1)
    }

    @Test("a history too long for one batch goes in several, and what is left is history")
    func longPurge() throws {
        let vault = try vault(1)
        let record = try vault.view { view in
            try PolicyState.current(try #require(PolicyName("p")), view)?.record
        }
        var long = try #require(record)
        let most = VaultLimits.policyVersionsPurgedMax
        for first in stride(from: 1, through: most, by: 500) {
            try vault.change { builder in
                for number in first..<first + 500 {
                    long.version = UInt64(number)
                    let path = SystemPaths.policyVersion(
                        try #require(PolicyName("p")),
                        UInt64(number)
                    )
                    try builder.put(.system, path, long.encoded())
                }
            }
        }
        try vault.change { builder in
            long.version = UInt64(most) + 1
            try builder.put(
                .system,
                SystemPaths.policy(try #require(PolicyName("p"))),
                long.encoded()
            )
        }
        try vault.send("DELETE", "sys/policies/acl/p")
        let some = try vault.send("DELETE", "sys/policies/versions/acl/p")
        #expect(some.status == 200)
        let warnings = try some.json().asObject?.texts("warnings") ?? []
        #expect(warnings.first?.contains("repeat the call") == true)
        let left = try stride(from: 1, through: most + 1, by: 64).flatMap { first in
            try #require(try numbers(vault, "before=\(first + 64)"))
        }
        #expect(Set(left).count == 1, "one is history still")
        #expect(try vault.send("DELETE", "sys/policies/versions/acl/p").status == 204)
        #expect(try vault.send("GET", "sys/policies/versions/acl/p").status == 404)
    }

    @Test("nothing is left of a purged policy")
    func purge() throws {
        let vault = try vault(3)
        try vault.send("DELETE", "sys/policies/acl/p")
        try vault.send("DELETE", "sys/policies/versions/acl/p")
        let left = try vault.view { view in
            try view.systemNames("policies/history/") + view.systemNames("policies/deleted/")
        }
        #expect(left == [])
    }

    @Test("what changed between two versions")
    func diff() throws {
        let vault = try vault(3)
        let last = try vault.send("GET", "sys/policies/diff/acl/p")
        let expected = """
            --- p version 2
            +++ p version 3
            @@ -1,1 +1,1 @@
            -path "kv/2" { capabilities = ["read"] }
            +path "kv/3" { capabilities = ["read"] }

            """
        #expect(try last.data("diff") == .string(expected))
        #expect(try last.data("added") == 1)
        let wide = try vault.send("GET", "sys/policies/diff/acl/p?from=3&to=1")
        #expect(try wide.data("diff")?.asString?.contains("+path \"kv/1\"") == true)
        try vault.send("PUT", "sys/policies/acl/p", #"{"policy":"path \"kv/3\" {}","ttl":"1h"}"#)
        #expect(try vault.send("GET", "sys/policies/diff/acl/p").data("options_changed") == true)
        for query in ["from=0", "from=9", "to=1", "to=0", "to=9"] {
            let answer = try vault.send("GET", "sys/policies/diff/acl/p?\(query)")
            #expect(answer.status == 400, "\(query)")
        }
        #expect(try vault.send("GET", "sys/policies/diff/acl/none").status == 404)
    }

    @Test("one call goes back, and that is a version of its own")
    func rollback() throws {
        let vault = try vault(2)
        let answer = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":1}"#)
        #expect(answer.status == 200)
        #expect(try answer.data("version") == 3)
        #expect(try answer.data("restored_from") == 1)
        #expect(try vault.send("GET", "sys/policies/acl/p").data("policy") == .string(text(1)))
        #expect(try numbers(vault) == [1, 2, 3])
        let facts = try vault.send("GET", "sys/policies/versions/acl/p?version=3")
        #expect(try facts.data("restored_from") == 1)
        for body in [#"{}"#, #"{"version":0}"#, #"{"version":9}"#, #"{"version":1,"cas":2}"#] {
            let answer = try vault.send("PUT", "sys/policies/rollback/acl/p", body)
            #expect(answer.status == 400, "\(body)")
        }
        let current = #"{"version":2,"cas":3}"#
        #expect(try vault.send("PUT", "sys/policies/rollback/acl/p", current).status == 200)
        let root = try vault.send("PUT", "sys/policies/rollback/acl/root", #"{"version":1}"#)
        #expect(root.errors == ["cannot update \"root\" policy"])
        let none = try vault.send("PUT", "sys/policies/rollback/acl/none", #"{"version":1}"#)
        #expect(none.status == 404)
    }

    @Test("a deleted policy keeps its history, comes back by it, and never counts from one again")
    func deleted() throws {
        let vault = try vault(2)
        try vault.send("DELETE", "sys/policies/acl/p")
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 404)
        #expect(try numbers(vault) == [1, 2])
        #expect(try vault.send("GET", "sys/policies/versions/acl/p").data("current") == 0)
        #expect(try vault.send("DELETE", "sys/policies/acl/p").status == 204)
        let back = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":2}"#)
        #expect(try back.data("version") == 3)
        let live = try vault.send("DELETE", "sys/policies/versions/acl/p")
        #expect(live.status == 400)
        try vault.send("DELETE", "sys/policies/acl/p")
        #expect(try vault.send("DELETE", "sys/policies/versions/acl/p").status == 204)
        #expect(try vault.send("GET", "sys/policies/versions/acl/p").status == 404)
        #expect(try vault.send("DELETE", "sys/policies/versions/acl/p").status == 204)
    }

    @Test("an expired version is history, and cannot be brought back as it was")
    func expired() throws {
        let vault = try vault(1)
        try vault.send("PUT", "sys/policies/acl/p", #"{"policy":"path \"x\" {}","ttl":"10s"}"#)
        vault.now += 11_000_000_000
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 404)
        let body = #"{"policy":"path \"y\" {}","cas":-1}"#
        #expect(try vault.send("PUT", "sys/policies/acl/p", body).status == 204)
        #expect(try numbers(vault) == [1, 2, 3])
        let answer = try vault.send("PUT", "sys/policies/rollback/acl/p", #"{"version":2}"#)
        #expect(answer.status == 400)
        #expect(
            try vault.send("LIST", "sys/policies/acl").data("keys") == ["default", "p", "root"]
        )
        let marks = try vault.view { view in try view.systemNames(SystemPaths.expiringPolicies) }
        #expect(marks == [])
    }

    @Test("of two writes prepared at once one is prepared again, and no version is lost")
    func conflict() throws {
        let vault = try vault(1)
        let body = #"{"policy":"path \"x\" {}"}"#
        let request = try vault.vaultRequest("PUT", "sys/policies/acl/p", body)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("a write must write")
        }
        try vault.writePolicy("p", text(2))
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the second write must be prepared again")
        }
        guard case .commit(let again, _) = vault.step(request) else {
            throw TestFailure("a write must write")
        }
        try vault.commit(again)
        #expect(try numbers(vault) == [1, 2, 3])
        #expect(try vault.send("GET", "sys/policies/diff/acl/p").data("from") == 2)
    }

    @Test("names are kept apart byte by byte")
    func names() throws {
        let vault = try TestVault()
        let names = ["a/b", "a%2Fb", "a%2fb", "a", "a/b/c", "é", "e\u{301}", "%", "..x"]
        for (number, name) in names.enumerated() {
            try vault.writePolicy(Self.encoded(name), text(number))
        }
        // The two spellings of one policy.
        let expected: [String: Int] = ["a%2fb": 2]
        for (number, name) in names.enumerated() {
            let wanted = expected[name.lowercased()] ?? number
            let answer = try vault.send("GET", "sys/policies/acl/\(Self.encoded(name))")
            #expect(try answer.data("policy") == .string(text(wanted)), "\(name)")
        }
        let keys = try vault.send("LIST", "sys/policies/acl").data("keys")?.asArray
        #expect(keys?.count == names.count - 1 + 2)
    }

    private static func encoded(_ name: String) -> String {
        name.utf8.map { byte in
            let isPlain = byte == 0x2F || byte == 0x2E || (0x61...0x7A).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + Hex.encode([byte])
        }.joined()
    }

    @Test("the number of policies is bounded, deleted ones counted")
    func policiesMax() throws {
        let vault = try vault(1)
        try vault.change { builder in
            let table = PolicyTableRecord(liveCount: 2, deletedCount: VaultLimits.policiesMax - 2)
            try builder.put(.system, SystemPaths.policyTable, table.encoded())
        }
        let body = #"{"policy":"path \"x\" {}"}"#
        let refused = try vault.send("PUT", "sys/policies/acl/q", body)
        #expect(refused.status == 400 && refused.errors[0].contains("which is the limit"))
        #expect(try vault.send("PUT", "sys/policies/acl/p", body).status == 204)
    }
}
