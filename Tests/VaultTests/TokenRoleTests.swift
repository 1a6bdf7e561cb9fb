import Testing
import Wire

@testable import Vault

/// `auth/token/roles`. Texts were compared with OpenBao 2.7.2.
@Suite("roles of tokens")
struct TokenRoleTests {
    private func bench() throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        try vault.writePolicy(
            "p",
            #"path "auth/token/*" { capabilities = ["create", "update", "read", "list"] }"#
        )
        return (vault, try vault.create(#"{"policies":["p"]}"#).token)
    }

    @Test("a role is written, shown, listed and removed")
    func life() throws {
        let (vault, _) = try bench()
        #expect(try vault.send("LIST", "auth/token/roles").status == 404)
        #expect(try vault.send("GET", "auth/token/roles/r1").status == 404)
        #expect(try vault.send("POST", "auth/token/roles/r1", "{}").status == 204)
        let plain = try vault.send("GET", "auth/token/roles/r1").json().asObject?["data"]
        #expect(
            plain == [
                "allowed_entity_aliases": .null, "allowed_policies": [],
                "allowed_policies_glob": [], "disallowed_policies": [],
                "disallowed_policies_glob": [], "explicit_max_ttl": 0, "name": "r1",
                "orphan": false, "path_suffix": "", "period": 0, "renewable": true,
                "token_explicit_max_ttl": 0, "token_no_default_policy": false,
                "token_period": 0, "token_type": "default-service",
            ]
        )
        let body = """
            {"allowed_policies":"default,p5","orphan":true,"path_suffix":"sfx","period":3600,\
            "token_bound_cidrs":"127.0.0.0/8,10.0.0.1","token_num_uses":3}
            """
        #expect(try vault.send("POST", "auth/token/roles/r1", body).status == 204)
        let full = try vault.send("GET", "auth/token/roles/r1")
        #expect(try full.data("allowed_policies") == ["default", "p5"])
        #expect(try full.data("token_bound_cidrs") == ["127.0.0.0/8", "10.0.0.1"])
        #expect(try full.data("period") == 3_600)
        #expect(try full.data("token_period") == 3_600)
        #expect(try full.data("token_num_uses") == 3)
        #expect(try full.data("orphan") == true)
        #expect(try vault.send("LIST", "auth/token/roles").data("keys") == ["r1"])
        #expect(try vault.send("DELETE", "auth/token/roles/r1").status == 204)
        #expect(try vault.send("DELETE", "auth/token/roles/r1").status == 204)
        #expect(try vault.send("GET", "auth/token/roles/r1").status == 404)
        #expect(try vault.send("GET", "auth/token/roles/a/b").status == 404)
    }

    private static let refusals = [
        (
            #"{"token_type":"batch"}"#,
            "'token_type' cannot be 'batch' when role is set to generate non-orphan tokens"
        ),
        (
            #"{"token_type":"batch","orphan":true}"#,
            "'token_type' cannot be 'batch' when role is set to generate renewable tokens"
        ),
        (#"{"token_type":"zz"}"#, #"invalid 'token_type' value "zz""#),
        (
            #"{"path_suffix":"a b"}"#,
            #"given role path suffix contains invalid characters; must match \w[\w-.]+\w"#
        ),
        (
            #"{"token_bound_cidrs":"x"}"#,
            #"error parsing role fields: error parsing address "x": Unable to convert "x" to an "#
                + "IPv4 or IPv6 address, or a UNIX Socket"
        ),
        (
            #"{"token_period":"-1h"}"#,
            #"error converting input for field "token_period": cannot provide negative value "#
                + "'-3600'"
        ),
        (
            #"{"token_num_uses":-1}"#,
            "error parsing role fields: 'token_num_uses' cannot be negative"
        ),
    ]

    @Test("what a role cannot be is refused", arguments: refusals)
    func refused(_ body: String, _ text: String) throws {
        let (vault, _) = try bench()
        let answer = try vault.send("POST", "auth/token/roles/r", body)
        #expect(answer.status == 400 && answer.errors == [text])
        #expect(try vault.send("GET", "auth/token/roles/r").status == 404)
    }

    private struct Use: CustomTestStringConvertible, Sendable {
        let role: String
        let body: String
        /// Policies of the token, or what it is refused with.
        var policies: [String] = []
        var text = ""
        var testDescription: String { "\(role) \(body)" }
    }

    private static let patterns =
        #"{"allowed_policies_glob":"web-*","disallowed_policies":"web-x","#
        + #""disallowed_policies_glob":"web-z*","token_no_default_policy":true}"#

    private static let uses = [
        Use(role: patterns, body: #"{"policies":["web-a"]}"#, policies: ["web-a"]),
        Use(
            role: patterns,
            body: #"{"policies":["web-x"]}"#,
            text: #"token policy "web-x" is disallowed by this role"#
        ),
        Use(
            role: patterns,
            body: #"{"policies":["web-zz"]}"#,
            text: #"token policy "web-zz" is disallowed by this role"#
        ),
        Use(
            role: patterns,
            body: #"{"policies":["other"]}"#,
            text: #"token policies (["other"]) must be subset of the role's allowed policies ([]) "#
                + #"or glob policies (["web-*"])"#
        ),
        Use(role: patterns, body: "{}", policies: []),
        Use(
            role: #"{"disallowed_policies":"web-x"}"#,
            body: #"{"policies":["web-a"]}"#,
            policies: ["default", "web-a"]
        ),
        Use(
            role: #"{"disallowed_policies":"web-x"}"#,
            body: #"{"policies":["root"]}"#,
            text: "root tokens may not be created without parent token being root"
        ),
        Use(role: #"{"disallowed_policies":"web-x"}"#, body: "{}", policies: ["default", "p"]),
        Use(role: #"{"disallowed_policies":"default"}"#, body: "{}", text: "default"),
        Use(role: #"{"allowed_policies":"p1,q"}"#, body: "{}", policies: ["default", "p1", "q"]),
        Use(
            role: #"{"allowed_policies":"p1,q"}"#,
            body: #"{"policies":["root"]}"#,
            text: #"token policies (["root"]) must be subset of the role's allowed policies "#
                + #"(["default" "p1" "q"]) or glob policies ([])"#
        ),
        Use(
            role: #"{"allowed_policies":"p1,q"}"#,
            body: #"{"no_default_policy":true}"#,
            policies: ["p1", "q"]
        ),
        Use(
            role: "{}",
            body: #"{"policies":["q"]}"#,
            text: "child policies must be subset of parent"
        ),
        Use(role: "{}", body: #"{"entity_alias":"x"}"#, text: "invalid 'entity_alias' value"),
    ]

    @Test("what a role lets a token be", arguments: uses)
    private func used(_ use: Use) throws {
        let (vault, token) = try bench()
        #expect(try vault.send("POST", "auth/token/roles/r", use.role).status == 204)
        let answer = try vault.send(as: token, "POST", "auth/token/create/r", use.body)
        if use.text.isEmpty {
            let auth = try answer.json().asObject?["auth"]?.asObject
            #expect(auth?.texts("policies") == use.policies)
        } else if use.text == "default" {
            // The parent's `default` is what the role does not allow.
            #expect(answer.errors == [#"token policy "default" is disallowed by this role"#])
        } else {
            #expect(answer.status == 400 && answer.errors == [use.text])
        }
    }

    @Test("kind, suffix, period, uses, addresses and orphanhood come from the role")
    func everything() throws {
        let (vault, token) = try bench()
        let body = """
            {"orphan":true,"path_suffix":"sfx","token_period":"1h","token_num_uses":3,\
            "token_bound_cidrs":["127.0.0.0/8"]}
            """
        try vault.send("POST", "auth/token/roles/r", body)
        let made = try vault.create(
            #"{"num_uses":9,"period":"9h"}"#,
            as: token,
            at: "auth/token/create/r"
        )
        #expect(made.auth.number("num_uses") == 3)
        #expect(made.auth.flag("orphan") == true)
        #expect(made.auth.number("lease_duration") == 3_600)
        #expect(
            made.warnings == [
                "Period specified both during creation call and in role; using the lesser value of "
                    + "3600 seconds"
            ]
        )
        let data = try vault.lookup(made.token)
        #expect(data.text("path") == "auth/token/create/r/sfx")
        #expect(data.text("role") == "r")
        #expect(data.texts("bound_cidrs") == ["127.0.0.0/8"])
        let batch = try vault.send(
            as: token,
            "POST",
            "auth/token/create/r",
            #"{"type":"batch"}"#
        )
        #expect(batch.errors == [#"batch tokens cannot have "num_uses" set"#])
    }

    /// OpenBao shows what was asked for: 0, 3600, 10800.
    @Test(
        "a lookup shows the explicit maximum that binds, whoever set it",
        arguments: [
            ("{}", 7_200), (#"{"explicit_max_ttl":"1h"}"#, 3_600),
            (#"{"explicit_max_ttl":"3h"}"#, 7_200),
        ]
    )
    func explicitMax(_ body: String, _ seconds: Int) throws {
        let (vault, token) = try bench()
        try vault.send("POST", "auth/token/roles/r", #"{"token_explicit_max_ttl":"2h"}"#)
        let made = try vault.create(body, as: token, at: "auth/token/create/r")
        #expect(try vault.lookup(made.token).number("explicit_max_ttl") == seconds)
    }

    @Test("a renewal follows the role as it is then")
    func renewal() throws {
        let (vault, token) = try bench()
        try vault.send("POST", "auth/token/roles/r", #"{"token_period":"1h"}"#)
        let made = try vault.create(as: token, at: "auth/token/create/r")
        try vault.send("POST", "auth/token/roles/r", #"{"token_period":"2h"}"#)
        let renewed = try vault.send(as: made.token, "POST", "auth/token/renew-self", "{}")
        #expect(try renewed.json().asObject?["auth"]?.asObject?.number("lease_duration") == 7_200)
        try vault.send("DELETE", "auth/token/roles/r")
        let refused = try vault.send(as: made.token, "POST", "auth/token/renew-self", "{}")
        #expect(
            refused.errors == [#"original token role "r" could not be found, not renewing"#]
        )
    }

    private struct Bound: CustomTestStringConvertible, Sendable {
        /// What the token asks for, and what the role says before and after it is made.
        let body: String
        var before = "0"
        var after = "0"
        let seconds: Int
        var testDescription: String { "\(body) \(before) \(after)" }
    }

    private static let bounds = [
        Bound(body: "", seconds: 10_800),
        Bound(body: #""explicit_max_ttl":"1h","#, seconds: 3_599),
        Bound(body: #""explicit_max_ttl":"1h","#, after: "2h", seconds: 3_599),
        Bound(body: #""explicit_max_ttl":"1h","#, before: "2h", seconds: 3_599),
        Bound(body: #""explicit_max_ttl":"1h","#, after: "30m", seconds: 1_799),
        Bound(body: "", after: "1h", seconds: 3_599),
        Bound(body: "", before: "2h", after: "9h", seconds: 7_199),
        Bound(body: "", before: "2h", seconds: 7_199),
    ]

    /// OpenBao takes the role's maximum for the token's at the first renewal.
    @Test("no renewal goes beyond what the token was made for, nor the role", arguments: bounds)
    private func bounded(_ bound: Bound) throws {
        let (vault, token) = try bench()
        func write(_ most: String) throws {
            let role = #"{"token_explicit_max_ttl":"\#(most)"}"#
            #expect(try vault.send("POST", "auth/token/roles/r", role).status == 204)
        }
        try write(bound.before)
        let body = #"{\#(bound.body)"ttl":"10m"}"#
        let made = try vault.create(body, as: token, at: "auth/token/create/r").token
        try write(bound.after)
        // The second one shows that the first one forgot nothing.
        for age in [0, 300] {
            vault.now += UInt64(age) * 1_000_000_000
            let increment = #"{"increment":"3h"}"#
            let renewed = try vault.send(as: made, "POST", "auth/token/renew-self", increment)
            let auth = try renewed.json().asObject?["auth"]?.asObject
            let isBounded = bound.seconds < 10_800
            #expect(auth?.number("lease_duration") == bound.seconds - (isBounded ? age : 0))
        }
    }

    @Test("the role says who is an orphan, and no_parent nothing", arguments: [true, false])
    func orphans(_ isOrphan: Bool) throws {
        let (vault, token) = try bench()
        let role = #"{"orphan":\#(isOrphan)}"#
        #expect(try vault.send("POST", "auth/token/roles/r", role).status == 204)
        for owner in [vault.rootToken, token] {
            for body in ["{}", #"{"no_parent":true}"#, #"{"no_parent":false}"#] {
                let made = try vault.create(body, as: owner, at: "auth/token/create/r")
                #expect(made.auth.flag("orphan") == isOrphan)
                #expect(try vault.lookup(made.token).flag("orphan") == isOrphan)
            }
        }
        let last = try vault.create(#"{"no_parent":true}"#, as: token, at: "auth/token/create/r")
        try vault.send("POST", "auth/token/revoke", #"{"token":"\#(token)"}"#)
        try vault.work()
        #expect(try vault.isAlive(last.token) == isOrphan)
        // Without a role it counts, and asks for sudo.
        let plain = try vault.create(#"{"no_parent":true}"#)
        #expect(plain.auth.flag("orphan") == true)
    }

    @Test(
        "patterns",
        arguments: [
            ("web-*", "web-a", true), ("web-*", "web-", true), ("web-*", "wea-", false),
            ("*", "", true), ("*a*b", "xaxb", true), ("*a*b", "xaxbc", false), ("", "", true),
            ("", "a", false), ("a", "a", true), ("a*b*c", "abbbcbc", true), ("**", "x", true),
        ]
    )
    func globs(_ pattern: String, _ text: String, _ matches: Bool) {
        #expect(Glob.matches(Array(pattern.utf8), Array(text.utf8)) == matches)
    }
}
