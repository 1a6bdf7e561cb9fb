import Barrier
import Engines
import Policy
import Store
import Testing
import Wire

@testable import Vault

/// Which requests are uses of a token, and which are not. Statuses and texts were compared with
/// OpenBao 2.7.2.
@Suite("tokens of limited uses")
struct LimitedUseTests {
    private func bench() throws -> TestVault {
        let vault = try TestVault()
        let rule = #"capabilities = ["create", "read", "update", "list", "sudo"]"#
        try vault.writePolicy("all", #"path "*" { \#(rule) }"#)
        try vault.writePolicy("plain", #"path "*" { capabilities = ["read", "update"] }"#)
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        return vault
    }

    private func limited(
        _ vault: TestVault,
        _ uses: Int,
        _ policy: String = "all"
    ) throws -> String {
        try vault.create(#"{"policies":["\#(policy)"],"num_uses":\#(uses),"ttl":"1h"}"#).token
    }

    private func left(_ vault: TestVault, _ token: String) throws -> Int? {
        try vault.lookup(token).number("num_uses")
    }

    @Test(
        "asking what a path is for is a use, whatever is there",
        arguments: [("kv/x", 200), ("auth/token/create", 200), ("nomount/x", 404)]
    )
    func help(_ path: String, _ status: Int) throws {
        let vault = try bench()
        let token = try limited(vault, 2, "default")
        let statuses = try (0..<4).map { _ in
            try vault.send(as: token, "GET", path + "?help=1").status
        }
        #expect(statuses == [status, status, 403, 403])
    }

    @Test("asking about a path that needs no token is none")
    func openHelp() throws {
        let vault = try bench()
        let token = try limited(vault, 2)
        let answer = try vault.send(as: token, "GET", "sys/internal/ui/mounts?help=1")
        #expect(answer.status == 200)
        #expect(try left(vault, token) == 2)
    }

    @Test("what user interfaces ask first is none, allowed or not")
    func probes() throws {
        let vault = try bench()
        let token = try limited(vault, 1, "default")
        for (path, status) in [
            ("mounts", 200), ("namespaces", 200), ("mounts/kv/x", 403), ("mounts/none/x", 403),
        ] {
            let answer = try vault.send(as: token, "GET", "sys/internal/ui/" + path)
            #expect(answer.status == status, "\(path): \(answer.text)")
        }
        #expect(try left(vault, token) == 1)
        #expect(try vault.send(as: token, "GET", "sys/internal/ui/resultant-acl").status == 200)
        #expect(try !vault.isAlive(token))
    }

    @Test("a wrapped answer that is there costs a use, and one that is not costs none")
    func unwrapping() throws {
        let vault = try bench()
        let token = try limited(vault, 3)
        let wish = [("X-Vault-Wrap-TTL", "60")]
        let wrapped = try vault.send("POST", "sys/wrapping/wrap", #"{"a":"b"}"#, wish)
        let info = try wrapped.json().asObject?["wrap_info"]?.asObject
        let body = #"{"token":"\#(try #require(info?.text("token")))"}"#
        #expect(try vault.send(as: token, "POST", "sys/wrapping/unwrap", body).status == 200)
        #expect(try left(vault, token) == 2)
        for path in ["unwrap", "rewrap"] {
            let answer = try vault.send(as: token, "POST", "sys/wrapping/" + path, body)
            #expect(answer.errors == ["wrapping token is not valid or does not exist"])
        }
        #expect(try left(vault, token) == 2)
    }

    @Test("what no mount serves counts, allowed or not, and ends with the last use")
    func operators() throws {
        let vault = try bench()
        for (policy, isAllowed) in [("all", true), ("default", false)] {
            let token = try limited(vault, 2, policy)
            for path in ["sys/host-info", "sys/step-down"] {
                let request = AccessRequest(path == "sys/step-down" ? .update : .read, path)
                #expect(vault.authorizes(token, request) == isAllowed)
            }
            #expect(try !vault.isAlive(token))
            #expect(!vault.authorizes(token, AccessRequest(.read, "sys/host-info")))
        }
    }

    @Test("two requests with the last use: one of them is counted, and the other one stopped")
    func operatorsAtOnce() throws {
        let vault = try bench()
        let token = try limited(vault, 1)
        func verdict() throws -> OperatorVerdict {
            let environment = vault.environment()
            return try vault.store.view { view throws(VaultError) in
                try VaultCore.authorizeOperator(
                    (Array(token.utf8), nil),
                    for: AccessRequest(.update, "sys/step-down"),
                    in: environment,
                    view: view
                )
            }
        }
        let (one, two) = (try verdict(), try verdict())
        #expect(one.refusal == nil && two.refusal == nil)
        let (first, second) = (try #require(one.counting), try #require(two.counting))
        guard case .applied = try vault.commit(first) else { throw TestFailure("the first") }
        guard case .rejected = try vault.commit(second) else { throw TestFailure("the second") }
    }

    @Test("a renewal shows the uses with itself, and the last use renews nothing")
    func renewal() throws {
        let vault = try bench()
        let made = try vault.create(#"{"policies":["all"],"num_uses":3,"ttl":"1h"}"#)
        let calls = [
            ("renew-self", "{}"), ("renew", #"{"token":"\#(made.token)"}"#),
            ("renew-accessor", #"{"accessor":"\#(made.accessor)"}"#),
        ]
        for (uses, call) in zip([3, 2], calls) {
            let answer = try vault.send(as: made.token, "POST", "auth/token/" + call.0, call.1)
            #expect(try answer.json().asObject?["auth"]?.asObject?.number("num_uses") == uses)
            #expect(try left(vault, made.token) == uses - 1)
        }
        let others = try vault.send("POST", "auth/token/renew", calls[1].1)
        #expect(try others.json().asObject?["auth"]?.asObject?.number("num_uses") == 1)
        let last = try vault.send(as: made.token, "POST", "auth/token/renew-self", "{}")
        #expect(last.status == 400 && last.errors == ["token not found"])
        #expect(try !vault.isAlive(made.token))
    }

    @Test("revoke-orphan asks for sudo in words of its own, once policies allow the rest")
    func orphans() throws {
        let vault = try bench()
        let victim = try vault.create("{}").token
        let words = ["root or sudo privileges required to revoke and orphan"]
        let plain = try limited(vault, 9, "plain")
        for token in [victim, "nope"] {
            let body = #"{"token":"\#(token)"}"#
            let answer = try vault.send(as: plain, "POST", "auth/token/revoke-orphan", body)
            #expect(answer.status == 400 && answer.errors == words)
        }
        let empty = try vault.send(as: plain, "POST", "auth/token/revoke-orphan", "{}")
        #expect(empty.errors == ["missing token ID"])
        #expect(try vault.send(as: plain, "GET", "auth/token/revoke-orphan").status == 405)
        #expect(try left(vault, plain) == 5)
        let body = #"{"token":"\#(victim)"}"#
        let below = try vault.send(as: plain, "POST", "auth/token/revoke-orphan/x", body)
        #expect(below.status == 403)
        let stranger = try limited(vault, 9, "default")
        let denied = try vault.send(as: stranger, "POST", "auth/token/revoke-orphan", body)
        #expect(denied.status == 403)
        #expect(try vault.isAlive(victim))
        let able = try limited(vault, 9)
        let done = try vault.send(as: able, "POST", "auth/token/revoke-orphan", body)
        #expect(done.status == 204)
        #expect(try !vault.isAlive(victim))
    }

    @Test("a mount is not moved from one namespace to another, and the answer says so")
    func moves() throws {
        let vault = try bench()
        for name in ["one", "two"] {
            #expect(try vault.send("POST", "sys/namespaces/" + name, "{}").status == 200)
        }
        for (source, target, place) in [
            ("kv", "one/kv", "one/"), ("one/kv", "kv", "one/"), ("two/kv", "one/kv", "two/"),
        ] {
            let body = #"{"from":"\#(source)","to":"\#(target)"}"#
            let answer = try vault.send("POST", "sys/remount", body)
            #expect(answer.status == 400)
            let text = answer.errors.first ?? ""
            #expect(text.contains("not moved from one namespace to another"), "\(text)")
            #expect(text.contains(#"into "\#(place)""#), "\(text)")
        }
        let taken = try vault.send("POST", "sys/remount", #"{"from":"kv","to":"one"}"#)
        #expect(taken.errors == [#"path already in use at "one/""#])
        #expect(try vault.send("GET", "sys/mounts/kv").status == 200)
    }
}
