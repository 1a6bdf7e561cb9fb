import Barrier
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// Which rate limit is about a request, and how all of them are kept.
@Suite("rate limits")
struct RateLimitTests {
    static func rule(
        _ name: String,
        _ path: String,
        role: String = "",
        rate: Double = 5
    ) -> RateLimitRule {
        RateLimitRule(
            name: name,
            path: path,
            role: role,
            rate: rate,
            intervalSeconds: 1,
            blockSeconds: 0,
            isInheritable: path.isEmpty
        )
    }

    static func table(_ rules: [RateLimitRule]) -> RateLimitTable {
        var table = RateLimitTable()
        rules.forEach { table.put($0) }
        return table
    }

    @Test("are counted in whole requests", arguments: [(0.4, 1), (1.2, 1), (1.5, 2), (100, 100)])
    func wholeRequests(_ rate: Double, _ limit: UInt64) {
        #expect(Self.rule("a", "", rate: rate).limit == limit)
    }

    @Test(
        "the closest one counts",
        arguments: [
            ("secret/data/x", "exact"), ("secret/data/xy", "beginning"), ("secret/data/y", "short"),
            ("secret/other", "mount"), ("secret/other/", "mount"), ("secret", "mount"),
            ("secrets/x", "all"), ("sys/mounts", "all"), ("sys/health", nil),
            ("sys/quotas/config", nil), ("sys/quotas/rate-limit/all", nil), ("lists/a", nil),
        ] as [(String, String?)]
    )
    func closest(_ path: String, _ name: String?) throws {
        var table = Self.table([
            Self.rule("all", ""), Self.rule("mount", "secret/"),
            Self.rule("short", "secret/data/*"), Self.rule("beginning", "secret/data/x*"),
            Self.rule("exact", "secret/data/x"), Self.rule("role", "secret/", role: "r"),
        ])
        table.exemptPaths.append("lists/")
        let found = try table.rule(for: path) { () throws(VaultError) in nil }
        #expect(found?.name == name)
    }

    @Test("one for the role of a login comes first")
    func roles() throws {
        let table = Self.table([
            Self.rule("all", ""), Self.rule("login", "auth/approle/login"),
            Self.rule("ro", "auth/approle/", role: "ro"),
            Self.rule("ro-login", "auth/approle/login", role: "ro"),
        ])
        func name(_ path: String, _ role: String?) throws -> String? {
            try table.rule(for: path) { () throws(VaultError) in role }?.name
        }
        #expect(try name("auth/approle/login", "ro") == "ro-login")
        #expect(try name("auth/approle/login", "other") == "login")
        #expect(try name("auth/approle/login", nil) == "login")
        #expect(try name("auth/approle/role/ro", "ro") == "ro")
    }

    @Test("come back from the disk as they were, and damage is found")
    func stored() throws {
        var table = Self.table([
            Self.rule("b", "secret/", rate: 0.25), Self.rule("a", "auth/x/", role: "r", rate: 1e15),
        ])
        table.auditsRefusals = true
        table.exemptPaths = ["a", "b/"]
        let bytes = table.encoded()
        #expect(try RateLimitTable(decoding: bytes) == table)
        #expect(try RateLimitTable(decoding: RateLimitTable().encoded()) == RateLimitTable())
        for count in bytes.indices {
            #expect(throws: VaultError.self) {
                try RateLimitTable(decoding: Array(bytes[..<count]))
            }
        }
        #expect(throws: VaultError.self) { try RateLimitTable(decoding: [2] + bytes.dropFirst()) }
        var infinite = Self.rule("a", "", rate: 1)
        infinite = Self.rule(infinite.name, "", rate: .infinity)
        let wrong = Self.table([infinite]).encoded()
        #expect(throws: VaultError.self) { try RateLimitTable(decoding: wrong) }
    }

    @Test("a login is for the role that its id belongs to")
    func approle() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/auth/approle", #"{"type":"approle"}"#)
        try vault.send("POST", "auth/approle/role/ro", #"{"role_id":"r-1"}"#)
        let body = #"{"rate":3,"path":"auth/approle","role":"ro"}"#
        #expect(try vault.send("POST", "sys/quotas/rate-limit/ro", body).status == 204)
        let environment = vault.environment()
        func rule(_ roleID: String) throws -> String? {
            let call = TestVault.Call(
                method: "PUT",
                target: "/v1/auth/approle/login",
                body: Array(#"{"role_id":"\#(roleID)"}"#.utf8),
                token: ""
            )
            let route = Router.route(vault.request(call), isSealed: false)
            let subject = try #require(route.limited)
            return try vault.store.view { view throws(VaultError) in
                try RateLimits.load(nil, vault.keyring, view: view)
                    .rule(for: subject, in: environment, view: view)?.name
            }
        }
        #expect(try rule("r-1") == "ro")
        #expect(try rule("r-2") == nil)
    }

    @Test("are loaded again when they were changed, and only then")
    func loading() throws {
        let vault = try TestVault()
        func load(_ known: RateLimits?) throws -> RateLimits {
            try vault.store.view { view throws(VaultError) in
                try RateLimits.load(known, vault.keyring, view: view)
            }
        }
        let none = try load(nil)
        #expect(none.isEmpty && none.modificationIndex == 0)
        try vault.send("POST", "sys/quotas/rate-limit/a", #"{"rate":3}"#)
        let one = try load(none)
        #expect(!one.isEmpty && one.modificationIndex > 0)
        try vault.send("POST", "sys/mounts/k", #"{"type":"kv"}"#)
        #expect(try load(one).modificationIndex == one.modificationIndex)
        try vault.send("DELETE", "sys/quotas/rate-limit/a")
        #expect(try load(one).isEmpty)
    }
}
