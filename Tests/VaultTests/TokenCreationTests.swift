import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// `auth/token/create` and its relatives. Texts were compared with OpenBao 2.7.2.
@Suite("making tokens")
struct TokenCreationTests {
    /// A vault, and a token with policies `p` and `default`.
    private func bench(sudo: Bool = false) throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        let capabilities =
            #"["create", "update", "read", "list", "delete"\#(sudo ? #", "sudo""# : "")]"#
        try vault.writePolicy("p", #"path "auth/token/*" { capabilities = \#(capabilities) }"#)
        return (vault, try vault.create(#"{"policies":["p"]}"#).token)
    }

    private struct Refusal: CustomTestStringConvertible, Sendable {
        let body: String
        let text: String
        var path = "auth/token/create"
        /// Who asks: root, a token with `sudo`, or one without.
        var who = "plain"
        var testDescription: String { "\(who): \(path) \(body)" }
    }

    private static let refusals = [
        Refusal(body: #"{"policies":["p","x"]}"#, text: "child policies must be subset of parent"),
        Refusal(body: #"{"policies":["root"]}"#, text: "child policies must be subset of parent"),
        Refusal(
            body: #"{"policies":["root"]}"#,
            text: "root tokens may not be created without parent token being root",
            who: "sudo"
        ),
        Refusal(body: #"{"ttl":"-1h"}"#, text: "ttl must be positive"),
        Refusal(body: #"{"period":"-1h"}"#, text: "period must be positive", who: "root"),
        Refusal(body: #"{"explicit_max_ttl":"-1h"}"#, text: "explicit_max_ttl must be positive"),
        Refusal(body: #"{"ttl":"bogus"}"#, text: #"time: invalid duration "bogus""#),
        Refusal(body: #"{"ttl":3600.5}"#, text: #"time: missing unit in duration "3600.5""#),
        Refusal(body: #"{"num_uses":-1}"#, text: "number of uses cannot be negative"),
        Refusal(
            body: #"{"period":"1h"}"#,
            text: "root or sudo privileges required to create periodic token"
        ),
        Refusal(
            body: #"{"period":"1h"}"#,
            text: "root or sudo privileges required to create periodic token",
            path: "auth/token/create-orphan"
        ),
        Refusal(
            body: #"{"no_parent":true}"#,
            text: "root or sudo privileges required to create orphan token"
        ),
        Refusal(
            body: #"{"id":"abc"}"#,
            text: "root or sudo privileges required to specify token id"
        ),
        Refusal(
            body: #"{"id":"s.abc"}"#,
            text: "custom token ID cannot have the 's.' prefix",
            who: "root"
        ),
        Refusal(
            body: #"{"id":"b.c"}"#,
            text: "custom token ID cannot have a '.' in the value",
            who: "root"
        ),
        Refusal(
            body: #"{"policies":["response-wrapping"]}"#,
            text: #"cannot assign policy "response-wrapping""#,
            who: "root"
        ),
        Refusal(body: #"{"type":"zz"}"#, text: "invalid 'token_type' value"),
        Refusal(
            body: #"{"type":"batch","period":"1h"}"#,
            text: #"batch tokens cannot have "period" set"#,
            who: "sudo"
        ),
        Refusal(
            body: #"{"type":"batch","num_uses":1}"#,
            text: #"batch tokens cannot have "num_uses" set"#
        ),
        Refusal(
            body: #"{"type":"batch","explicit_max_ttl":"1h"}"#,
            text: #"batch tokens cannot have "explicit_max_ttl" set"#
        ),
        Refusal(
            body: #"{"type":"batch","policies":["root"]}"#,
            text: "batch tokens cannot be root tokens",
            who: "root"
        ),
        Refusal(
            body: #"{"entity_alias":"x"}"#,
            text: "'entity_alias' is only allowed in combination with token role"
        ),
        Refusal(body: "{}", text: "unknown role nope", path: "auth/token/create/nope"),
    ]

    @Test("what may not be is refused in OpenBao's words", arguments: refusals)
    private func refused(_ refusal: Refusal) throws {
        let (vault, plain) = try bench(sudo: refusal.who == "sudo")
        let token = refusal.who == "root" ? vault.rootToken : plain
        let before = try vault.leftovers()
        let answer = try vault.send(as: token, "POST", refusal.path, refusal.body)
        #expect(answer.status == 400)
        #expect(answer.errors == [refusal.text])
        #expect(try vault.leftovers() == before)
    }

    @Test("a child has its parent's policies, some of them, or with sudo any")
    func policies() throws {
        let (vault, plain) = try bench()
        func policies(_ body: String, as token: String) throws -> [String]? {
            let made = try vault.create(body, as: token)
            #expect(try vault.lookup(made.token).texts("policies") == made.auth.texts("policies"))
            return made.auth.texts("policies")
        }
        #expect(try policies("{}", as: plain) == ["default", "p"])
        #expect(try policies(#"{"policies":["default"]}"#, as: plain) == ["default"])
        #expect(try policies(#"{"policies":["P"," p "]}"#, as: plain) == ["default", "p"])
        #expect(try policies(#"{"no_default_policy":true}"#, as: plain) == ["p"])
        let bare = try vault.create(#"{"policies":["p"],"no_default_policy":true}"#).token
        #expect(try policies("{}", as: bare) == ["p"])
        #expect(try policies(#"{"policies":["p"]}"#, as: bare) == ["p"])
        #expect(try policies("{}", as: vault.rootToken) == ["root"])
        #expect(try policies(#"{"policies":["root","p"]}"#, as: vault.rootToken) == ["root"])
        #expect(try policies(#"{"policies":[" "]}"#, as: vault.rootToken) == ["default"])
        let odd = try vault.create(#"{"policies":"a,b"}"#)
        #expect(odd.auth.texts("policies") == ["a,b", "default"])
        #expect(odd.warnings == [#"Policy "a,b" does not exist"#])
        let (other, sudo) = try bench(sudo: true)
        let any = try other.create(#"{"policies":["x"]}"#, as: sudo)
        #expect(any.auth.texts("policies") == ["default", "x"])
        #expect(any.warnings == [#"Policy "x" does not exist"#])
    }

    private struct Life: CustomTestStringConvertible, Sendable {
        let body: String
        let seconds: Int
        var isRenewable = true
        var warnings: [String] = []
        var testDescription: String { body }
    }

    private static let capped =
        #"TTL of "9999h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly"#

    private static let lives = [
        Life(body: #"{"policies":["p"]}"#, seconds: 2_764_800),
        Life(body: #"{"policies":["p"],"ttl":"1h"}"#, seconds: 3_600),
        Life(body: #"{"policies":["p"],"lease":"1h"}"#, seconds: 3_600),
        Life(body: #"{"policies":["p"],"ttl":"60","num_uses":"5"}"#, seconds: 60),
        Life(body: #"{"policies":["p"],"ttl":"9999h"}"#, seconds: 2_764_800, warnings: [capped]),
        Life(body: #"{"policies":["p"],"period":"1h"}"#, seconds: 3_600),
        Life(body: #"{"policies":["p"],"period":"1h","explicit_max_ttl":"2h"}"#, seconds: 3_600),
        Life(
            body: #"{"policies":["p"],"period":"9999h"}"#,
            seconds: 2_764_800,
            warnings: [
                #"period of "9999h" exceeded the effective max_ttl of "768h"; period value is "#
                    + "capped accordingly"
            ]
        ),
        Life(
            body: #"{"policies":["p"],"explicit_max_ttl":"1h","ttl":"2h"}"#,
            seconds: 3_600,
            warnings: [
                #"TTL of "2h" exceeded the effective max_ttl of "1h"; TTL value is capped "#
                    + "accordingly"
            ]
        ),
        Life(body: #"{"policies":["p"],"explicit_max_ttl":"9999h"}"#, seconds: 2_764_800),
        Life(
            body: #"{"policies":["p"],"renewable":false}"#,
            seconds: 2_764_800,
            isRenewable: false
        ),
        Life(body: #"{"policies":["root"]}"#, seconds: 0, isRenewable: false),
        Life(body: #"{"policies":["root"],"ttl":"1h"}"#, seconds: 3_600),
        Life(body: #"{"policies":["root"],"explicit_max_ttl":"1h"}"#, seconds: 3_600),
    ]

    @Test("how long a token lives", arguments: lives)
    private func life(_ life: Life) throws {
        let (vault, _) = try bench()
        let made = try vault.create(life.body)
        #expect(made.auth.number("lease_duration") == life.seconds)
        #expect(made.auth.flag("renewable") == life.isRenewable)
        #expect(made.warnings == life.warnings)
        #expect(try vault.isAlive(made.token))
        guard life.seconds > 0 else { return }
        vault.now += UInt64(life.seconds - 1) * 1_000_000_000
        #expect(try vault.isAlive(made.token))
        vault.now += 1_000_000_000
        #expect(try !vault.isAlive(made.token))
    }

    @Test("everything that is said about a token is shown by lookup")
    func lookup() throws {
        let (vault, _) = try bench()
        let made = try vault.create(
            #"{"policies":["p"],"meta":{"b":1,"a":"x"},"display_name":"my app!","ttl":"1h"}"#
        )
        #expect(made.auth["metadata"] == ["a": "x", "b": "1"])
        let data = try vault.lookup(made.token)
        #expect(data["meta"] == ["a": "x", "b": "1"])
        #expect(data.text("display_name") == "token-my-app")
        #expect(data.text("path") == "auth/token/create")
        #expect(data.text("type") == "service")
        #expect(data.flag("orphan") == false)
        #expect(data.flag("renewable") == true)
        #expect(data.number("creation_ttl") == 3_600)
        #expect(data.text("id") == made.token)
        #expect(data.text("last_renewal") == nil)
        let byAccessor = try vault.send(
            "POST",
            "auth/token/lookup-accessor",
            #"{"accessor":"\#(made.accessor)"}"#
        )
        #expect(try byAccessor.data("id") == "")
        #expect(try byAccessor.data("accessor") == .string(made.accessor))
        let root = try vault.lookup(vault.rootToken)
        #expect(root.text("path") == "auth/token/root")
        #expect(root["issue_time"] == nil && root["renewable"] == nil)
        #expect(root.flag("orphan") == true)
    }

    @Test("a custom token is one for its owner alone")
    func customID() throws {
        let (vault, _) = try bench()
        let made = try vault.create(#"{"policies":["p"],"id":"abc"}"#)
        #expect(made.token == "abc")
        #expect(made.warnings.count == 1)
        #expect(try vault.isAlive("abc"))
        let again = try vault.send("POST", "auth/token/create", #"{"id":"abc"}"#)
        #expect(again.errors == ["cannot create a token with a duplicate ID"])
        #expect(try vault.lookup("abc").texts("policies") == ["default", "p"])
    }

    @Test("what a token leaves does not come to one that is made under its id")
    func customIDAgain() throws {
        let (vault, _) = try bench()
        let body = #"{"id":"abc","policies":["root"]}"#
        _ = try vault.create(body)
        let children = try (0..<150).map { _ in try vault.create(as: "abc").token }
        let batch = try vault.create(#"{"type":"batch","policies":["p"]}"#, as: "abc").token
        #expect(try vault.isAlive(batch))
        vault.seconds(1)
        #expect(try vault.send("POST", "auth/token/revoke", #"{"token":"abc"}"#).status == 204)
        let early = try vault.send("POST", "auth/token/create", body)
        #expect(early.errors == ["cannot create a token with a duplicate ID"])
        try vault.work()
        _ = try vault.create(body)
        #expect(try !vault.isAlive(batch))
        for child in children { #expect(try !vault.isAlive(child)) }
        let child = try vault.create(as: "abc").token
        try vault.work()
        #expect(try vault.isAlive(child) && vault.isAlive("abc"))
    }

    /// A whole batch of them: the job goes on once more when nothing is left.
    @Test("a sweep that is not over takes nothing of a token made anew under its id")
    func customIDMeanwhile() throws {
        let (vault, _) = try bench()
        let body = #"{"id":"abc","policies":["root"]}"#
        _ = try vault.create(body)
        for number in 0..<256 {
            let stored = try vault.send(as: "abc", "PUT", "cubbyhole/\(number)", #"{"a":1}"#)
            #expect(stored.status == 204)
        }
        #expect(try vault.send("POST", "auth/token/revoke", #"{"token":"abc"}"#).status == 204)
        var made = try vault.send("POST", "auth/token/create", body)
        if made.status == 400 {
            try vault.work()
            made = try vault.send("POST", "auth/token/create", body)
        }
        #expect(made.status == 200)
        let child = try vault.create(as: "abc").token
        #expect(try vault.send(as: "abc", "PUT", "cubbyhole/x", #"{"a":1}"#).status == 204)
        try vault.work()
        #expect(try vault.isAlive(child))
        #expect(try vault.send(as: "abc", "GET", "cubbyhole/x").status == 200)
    }

    @Test("tokens with limited uses, batch tokens and deep descendants make no tokens")
    func noChildren() throws {
        let (vault, plain) = try bench()
        let counted = try vault.create(#"{"num_uses":5}"#, as: plain).token
        let refused = try vault.send(as: counted, "POST", "auth/token/create", "{}")
        #expect(refused.errors == ["restricted use token cannot generate child tokens"])
        let batch = try vault.create(#"{"type":"batch"}"#, as: plain).token
        let answer = try vault.send(as: batch, "POST", "auth/token/create", "{}")
        #expect(answer.errors == ["batch tokens cannot create more tokens"])
        var token = plain
        // `plain` is a child of root already.
        for _ in 1..<TokenLimits.generationsMax { token = try vault.create(as: token).token }
        #expect(try vault.isAlive(token))
        #expect(try vault.send(as: token, "POST", "auth/token/create", "{}").status == 400)
        let orphan = try vault.create(as: token, at: "auth/token/create-orphan").token
        #expect(try vault.isAlive(vault.create(as: orphan).token))
    }

    @Test("a root token that ends makes none that does not")
    func expiringRoot() throws {
        let vault = try TestVault()
        let short = try vault.create(#"{"ttl":"1h"}"#).token
        let answer = try vault.send(as: short, "POST", "auth/token/create", "{}")
        #expect(
            answer.errors == ["expiring root tokens cannot create non-expiring root tokens"]
        )
        #expect(
            try vault.create(#"{"ttl":"1h"}"#, as: short).auth.number("lease_duration") == 3_600
        )
    }

    @Test("token and accessor are nowhere in the store's names, and not in its values")
    func noCredentialAtRest() throws {
        let vault = try TestVault()
        let made = try vault.create(#"{"policies":["p"],"ttl":"1h"}"#)
        let names = try vault.leftovers()
        #expect(names.contains { $0.contains(vault.hash(made.token)) })
        #expect(!names.contains { $0.contains(made.token) })
        for name in names where !name.hasPrefix("timer") {
            let value = try vault.view { try $0.systemRecord(name)?.value ?? [] }
            #expect(!String(decoding: value, as: UTF8.self).contains(made.token))
        }
    }
}
