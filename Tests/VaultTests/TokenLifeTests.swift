import Barrier
import Engines
import Policy
import Store
import Testing
import Wire

@testable import Vault

/// Renewal, use and revocation of tokens.
@Suite("the life of tokens")
struct TokenLifeTests {
    private func bench() throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        try vault.writePolicy(
            "p",
            """
            path "auth/token/*" { capabilities = ["create", "update", "read", "list"] }
            path "kv/*" { capabilities = ["create", "update", "read"] }
            """
        )
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        return (vault, try vault.create(#"{"policies":["p"]}"#).token)
    }

    /// Records of a vault with one token: the root token of `init` and its accessor.
    private static let untouched = 2

    private func auth(_ answer: TestVault.Answer) throws -> JSONObject {
        guard let auth = try answer.json().asObject?["auth"]?.asObject else {
            throw TestFailure("\(answer.status) \(answer.text)")
        }
        return auth
    }

    // MARK: renewing

    @Test("a renewal counts from now, is capped by the maximum, and moves the timer")
    func renewal() throws {
        let (vault, _) = try bench()
        let made = try vault.create(#"{"policies":["p"],"ttl":"10m"}"#)
        vault.now += 300_000_000_000
        let answer = try vault.send(as: made.token, "POST", "auth/token/renew-self", "{}")
        #expect(try auth(answer).number("lease_duration") == 600)
        #expect(try auth(answer).text("client_token") == made.token)
        vault.now += 599_000_000_000
        #expect(try vault.isAlive(made.token))
        try vault.work()
        #expect(try vault.isAlive(made.token))
        let byAccessor = try vault.send(
            "POST",
            "auth/token/renew-accessor",
            #"{"accessor":"\#(made.accessor)","increment":"2h"}"#
        )
        #expect(try auth(byAccessor).text("client_token") == "")
        #expect(try auth(byAccessor).number("lease_duration") == 7_200)
        let again = try vault.send(as: made.token, "POST", "auth/token/renew-self", "{}")
        #expect(try auth(again).number("lease_duration") == 7_200)
        let other = try vault.send(
            "POST",
            "auth/token/renew",
            #"{"token":"\#(made.token)","increment":"9999h"}"#
        )
        let seconds = try auth(other).number("lease_duration") ?? 0
        #expect(seconds > 2_763_000 && seconds < 2_764_800)
        #expect(try other.json().asObject?.texts("warnings")?.count == 1)
        let data = try vault.lookup(made.token)
        #expect(data.text("last_renewal") != nil && data.number("last_renewal_time") != nil)
        #expect(data.number("creation_ttl") == 600)
        vault.now += 2_764_800_000_000_000
        #expect(try !vault.isAlive(made.token))
        try vault.work()
        #expect(try vault.leftovers().allSatisfy { !$0.contains(vault.hash(made.token)) })
    }

    @Test("a periodic token lives on, up to its explicit maximum")
    func periodic() throws {
        let (vault, _) = try bench()
        let endless = try vault.create(#"{"policies":["p"],"period":"1h"}"#).token
        let bounded = try vault.create(
            #"{"policies":["p"],"period":"1h","explicit_max_ttl":"90m"}"#
        ).token
        vault.now += 3_000_000_000_000
        for (token, seconds) in [(endless, 3_600), (bounded, 2_399)] {
            let body = #"{"increment":"3h"}"#
            let answer = try vault.send(as: token, "POST", "auth/token/renew-self", body)
            #expect(try auth(answer).number("lease_duration") == seconds)
        }
        for _ in 0..<1_000 {
            vault.now += 3_500_000_000_000
            let answer = try vault.send(as: endless, "POST", "auth/token/renew-self", "{}")
            #expect(answer.status == 200)
        }
        #expect(try !vault.isAlive(bounded))
    }

    @Test("what cannot be renewed says so")
    func notRenewable() throws {
        let (vault, plain) = try bench()
        let fixed = try vault.create(#"{"policies":["p"],"renewable":false}"#).token
        let batch = try vault.create(#"{"type":"batch"}"#, as: plain).token
        for (token, text) in [
            (vault.rootToken, "invalid lease ID"), (fixed, "lease is not renewable"),
            (batch, "batch tokens cannot be renewed"),
        ] {
            let answer = try vault.send(as: token, "POST", "auth/token/renew-self", "{}")
            #expect(answer.status == 400 && answer.errors == [text])
        }
        for (path, body, text) in [
            ("renew", "{}", "missing token ID"), ("renew", #"{"token":"x"}"#, "token not found"),
            ("revoke", "{}", "missing token ID"),
            ("revoke-orphan", #"{"token":"x"}"#, "token to revoke not found"),
        ] {
            let answer = try vault.send("POST", "auth/token/\(path)", body)
            #expect(answer.status == 400 && answer.errors == [text])
        }
        for path in ["lookup-accessor", "renew-accessor"] {
            let missing = try vault.send("POST", "auth/token/\(path)", "{}")
            #expect(missing.errors == ["1 error occurred:\n\t* missing accessor\n\n"])
            for accessor in ["nope", "a/b", "../x", ""] {
                let body = #"{"accessor":"\#(accessor)"}"#
                #expect(try vault.send("POST", "auth/token/\(path)", body).status == 400)
            }
        }
        let bad = try vault.send("POST", "auth/token/lookup", #"{"token":"nope"}"#)
        #expect(bad.status == 403 && bad.errors == ["bad token"])
    }

    // MARK: taking back

    @Test("a revoked token is gone with its whole tree, orphans live on")
    func tree() throws {
        let (vault, token) = try bench()
        let child = try vault.create(as: token).token
        let grandchild = try vault.create(as: child).token
        let batch = try vault.create(#"{"type":"batch"}"#, as: grandchild).token
        let orphan = try vault.create(as: child, at: "auth/token/create-orphan").token
        for living in [child, grandchild, batch, orphan] { #expect(try vault.isAlive(living)) }
        #expect(try vault.send(as: token, "POST", "auth/token/revoke-self", "").status == 204)
        for dead in [token, child, grandchild, batch] {
            #expect(try !vault.isAlive(dead))
            let answer = try vault.send(as: dead, "GET", "kv/x")
            #expect(answer.status == 403 && answer.errors == ["permission denied"])
        }
        #expect(try vault.isAlive(orphan))
        let body = #"{"token":"\#(orphan)"}"#
        #expect(try vault.send("POST", "auth/token/revoke", body).status == 204)
        #expect(try vault.send("POST", "auth/token/revoke", body).status == 204)
        try vault.work()
        #expect(try vault.leftovers().count == Self.untouched)
    }

    @Test("a tree that no batch holds is refused at once and swept by a job")
    func largeTree() throws {
        let (vault, token) = try bench()
        var all: [String] = []
        for _ in 0..<150 { all.append(try vault.create(as: token).token) }
        var deep = try vault.create(as: token).token
        for _ in 0..<30 {
            for _ in 0..<3 { all.append(try vault.create(as: deep).token) }
            deep = try vault.create(as: deep).token
            all.append(deep)
        }
        let body = #"{"token":"\#(token)"}"#
        #expect(try vault.send("POST", "auth/token/revoke", body).status == 204)
        let left = try vault.leftovers()
        #expect(left.contains { $0.hasPrefix(SystemPaths.jobs) })
        #expect(left.count > 300)
        for dead in all { #expect(try !vault.isAlive(dead)) }
        // Nobody can be given what is on its way out.
        let lookup = try vault.send("POST", "auth/token/lookup", #"{"token":"\#(all[7])"}"#)
        #expect(lookup.errors == ["bad token"])
        #expect(try vault.work() > 2)
        #expect(try vault.leftovers().count == Self.untouched)
    }

    @Test("a token's cubbyhole goes with it, however much is in it", arguments: [2, 300])
    func cubbyhole(_ count: Int) throws {
        let (vault, token) = try bench()
        let child = try vault.create(as: token).token
        for number in 0..<count {
            let owner = number % 3 == 0 ? child : token
            let path = "cubbyhole/a/\(number % 7)/\(number)"
            #expect(try vault.send(as: owner, "PUT", path, #"{"v":1}"#).status == 204)
        }
        try vault.send(as: token, "POST", "auth/token/revoke-self", "")
        #expect(try !vault.isAlive(child))
        try vault.work()
        #expect(try vault.leftovers().count == Self.untouched)
    }

    @Test("revoke-orphan frees the children, however many there are", arguments: [0, 3, 200])
    func freeing(_ count: Int) throws {
        let (vault, token) = try bench()
        var children: [String] = []
        for _ in 0..<count { children.append(try vault.create(as: token).token) }
        let grandchild = try children.first.map { try vault.create(as: $0).token }
        let body = #"{"token":"\#(token)"}"#
        #expect(try vault.send("POST", "auth/token/revoke-orphan", body).status == 204)
        #expect(try !vault.isAlive(token))
        for child in children { #expect(try vault.isAlive(child)) }
        try vault.work()
        for child in children {
            #expect(try vault.isAlive(child))
            #expect(try vault.lookup(child).flag("orphan") == true)
        }
        #expect(try vault.leftovers().allSatisfy { !$0.contains(vault.hash(token)) })
        if let child = children.first, let grandchild {
            #expect(try vault.isAlive(grandchild))
            try vault.send(as: child, "POST", "auth/token/revoke-self", "")
            #expect(try !vault.isAlive(grandchild))
        }
    }

    @Test("revoke-accessor, and what an unknown one gets")
    func accessors() throws {
        let (vault, token) = try bench()
        let made = try vault.create(as: token)
        let body = #"{"accessor":"\#(made.accessor)"}"#
        #expect(try vault.send("LIST", "auth/token/accessors").text.contains(made.accessor))
        #expect(try vault.send("POST", "auth/token/revoke-accessor", body).status == 204)
        #expect(try !vault.isAlive(made.token))
        #expect(try !vault.send("LIST", "auth/token/accessors").text.contains(made.accessor))
        let again = try vault.send("POST", "auth/token/revoke-accessor", body)
        #expect(again.status == 200)
        #expect(
            try again.json().asObject?.texts("warnings") == ["No token found with this accessor"]
        )
    }

    @Test("an expired token and its tree are swept by the timer, and were dead before")
    func expiry() throws {
        let (vault, _) = try bench()
        let before = try vault.leftovers()
        let parent = try vault.create(#"{"policies":["p"],"ttl":"10s"}"#).token
        let child = try vault.create(#"{"ttl":"1h"}"#, as: parent).token
        #expect(try vault.isAlive(child))
        vault.now += 10_000_000_000
        #expect(try !vault.isAlive(parent))
        #expect(try !vault.isAlive(child))
        vault.now += 1_000_000_000
        try vault.work()
        #expect(try vault.leftovers() == before)
    }

    // MARK: uses

    @Test("every request with a token of limited uses counts, whatever becomes of it")
    func uses() throws {
        let (vault, _) = try bench()
        let before = try vault.leftovers()
        let token = try vault.create(#"{"policies":["p"],"num_uses":5}"#).token
        func left() throws -> Int? { try vault.lookup(token).number("num_uses") }
        #expect(try left() == 5)
        #expect(try vault.send(as: token, "PUT", "kv/x", #"{"a":1}"#).status == 204)
        #expect(try left() == 4)
        #expect(try vault.send(as: token, "GET", "sys/mounts").status == 403)
        #expect(try left() == 3)
        #expect(try vault.send(as: token, "GET", "kv/none").status == 404)
        #expect(try left() == 2)
        let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try own.data("num_uses") == 1)
        let last = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try last.data("num_uses") == .number(JSONNumber(-1)))
        #expect(try !vault.isAlive(token))
        vault.now += 1_000_000_000
        try vault.work()
        #expect(try vault.leftovers() == before)
    }

    @Test("a write with the last use happens, and one behind it does not")
    func lastUse() throws {
        let (vault, _) = try bench()
        let token = try vault.create(#"{"policies":["p"],"num_uses":1}"#).token
        let first = try vault.vaultRequest("PUT", "kv/a", #"{"v":1}"#, token: token)
        let second = try vault.vaultRequest("PUT", "kv/b", #"{"v":1}"#, token: token)
        guard case .commit(let one, _) = vault.step(first),
            case .commit(let two, _) = vault.step(second)
        else { throw TestFailure("both were allowed on this view") }
        guard case .applied = try vault.commit(one) else { throw TestFailure("the first") }
        guard case .rejected = try vault.commit(two) else { throw TestFailure("the second") }
        #expect(try vault.send("GET", "kv/a").status == 200)
        #expect(try vault.send("GET", "kv/b").status == 404)
    }

    @Test("a limited token revokes itself with its last use")
    func lastUseRevokes() throws {
        let (vault, _) = try bench()
        let before = try vault.leftovers()
        let token = try vault.create(#"{"policies":["p"],"num_uses":1}"#).token
        #expect(try vault.send(as: token, "POST", "auth/token/revoke-self", "").status == 204)
        vault.now += 1_000_000_000
        try vault.work()
        #expect(try vault.leftovers() == before)
    }

    // MARK: batch tokens

    @Test("a batch token stores nothing, cannot be changed, and dies with its parent")
    func batch() throws {
        let (vault, token) = try bench()
        let before = try vault.leftovers()
        let made = try vault.create(#"{"type":"batch","ttl":"20m","meta":{"a":"b"}}"#, as: token)
        #expect(made.token.hasPrefix("b.") && made.accessor == "")
        #expect(made.auth.text("token_type") == "batch")
        #expect(made.auth.flag("renewable") == false)
        #expect(made.auth.number("lease_duration") == 1_200)
        #expect(try vault.leftovers() == before)
        #expect(try vault.send(as: made.token, "PUT", "kv/x", #"{"a":1}"#).status == 204)
        #expect(try vault.send(as: made.token, "GET", "sys/mounts").status == 403)
        let data = try vault.lookup(made.token)
        #expect(data.text("type") == "batch" && data["meta"] == ["a": "b"])
        let body = #"{"token":"\#(made.token)"}"#
        for path in ["revoke", "revoke-orphan"] {
            let answer = try vault.send("POST", "auth/token/\(path)", body)
            #expect(answer.errors == ["batch tokens cannot be revoked"])
        }
        for position in [2, 10, made.token.count - 1] {
            var bytes = Array(made.token.utf8)
            bytes[position] = bytes[position] == 0x41 ? 0x42 : 0x41
            #expect(try !vault.isAlive(String(decoding: bytes, as: UTF8.self)))
        }
        let orphan = try vault.create(
            #"{"type":"batch"}"#,
            as: token,
            at: "auth/token/create-orphan"
        ).token
        try vault.send(as: token, "POST", "auth/token/revoke-self", "")
        #expect(try !vault.isAlive(made.token))
        #expect(try vault.isAlive(orphan))
        vault.now += 2_764_801_000_000_000
        #expect(try !vault.isAlive(orphan))
    }

    @Test("another vault's batch token is none here")
    func foreignBatch() throws {
        let (vault, _) = try bench()
        let other = try TestVault(seed: 2)
        let token = try other.create(#"{"type":"batch","policies":["default"]}"#).token
        #expect(try other.isAlive(token))
        #expect(try !vault.isAlive(token))
    }

    // MARK: addresses

    @Test("a bound token is good from its addresses only, and its children too")
    func addresses() throws {
        let (vault, token) = try bench()
        try vault.send(
            "POST",
            "auth/token/roles/r",
            #"{"token_bound_cidrs":["10.0.0.0/8","::1"]}"#
        )
        let bound = try vault.create(as: token, at: "auth/token/create/r").token
        func status(_ token: String, from address: String?) throws -> Int {
            var call = TestVault.Call(method: "GET", target: "/v1/auth/token/lookup-self")
            call.token = token
            call.address = address
            return try vault.send(call).status
        }
        for address in ["10.1.2.3:4", "[::1]:4", "[::ffff:10.0.0.1]:4"] {
            #expect(try status(bound, from: address) == 200, "\(address)")
        }
        for address in ["11.1.2.3:4", "[::2]:4", "10.1.2.3", "unknown", nil] {
            #expect(try status(bound, from: address) == 403, "\(address ?? "none")")
        }
        var call = TestVault.Call(method: "POST", target: "/v1/auth/token/create")
        call.token = bound
        call.address = "10.1.2.3:4"
        let child = try vault.send(call).json().asObject?["auth"]?.asObject?.text("client_token")
        #expect(try status(child ?? "", from: "10.9.9.9:1") == 200)
        #expect(try status(child ?? "", from: "11.1.2.3:4") == 403)
    }

    @Test("a role without addresses frees no child, one with addresses decides")
    func addressesOfRoles() throws {
        let (vault, token) = try bench()
        for (name, body) in [
            ("bound", #"{"token_bound_cidrs":"10.0.0.0/8"}"#), ("plain", "{}"),
            ("other", #"{"token_bound_cidrs":"11.0.0.0/8"}"#), ("orphan", #"{"orphan":true}"#),
        ] {
            #expect(try vault.send("POST", "auth/token/roles/\(name)", body).status == 204)
        }
        let bound = try vault.create(as: token, at: "auth/token/create/bound").token
        func child(_ path: String, _ body: String = "{}") throws -> JSONObject {
            let target = "/v1/auth/token/\(path)"
            var call = TestVault.Call(method: "POST", target: target, body: Array(body.utf8))
            call.token = bound
            call.address = "10.1.2.3:4"
            return try vault.lookup(try auth(try vault.send(call)).text("client_token") ?? "")
        }
        for body in ["{}", #"{"type":"batch"}"#] {
            #expect(try child("create", body).texts("bound_cidrs") == ["10.0.0.0/8"])
            #expect(try child("create/plain", body).texts("bound_cidrs") == ["10.0.0.0/8"])
            #expect(try child("create/other", body).texts("bound_cidrs") == ["11.0.0.0/8"])
            // What does not die with its parent has nothing of it.
            #expect(try child("create/orphan", body)["bound_cidrs"] == nil)
        }
        // A parent that is not bound binds nobody.
        let free = try vault.create(as: token, at: "auth/token/create/plain").token
        #expect(try vault.lookup(free)["bound_cidrs"] == nil)
    }

    @Test("so it is for what no mount serves, and the record tells who asked and what decided")
    func operatorAddresses() throws {
        let vault = try TestVault()
        try vault.writePolicy("op", #"path "sys/seal" { capabilities = ["update", "sudo"] }"#)
        try vault.send(
            "POST",
            "auth/token/roles/op",
            #"{"token_bound_cidrs":["10.0.0.0/8"],"allowed_policies":["op"]}"#
        )
        let bound = try vault.create(#"{"policies":["op"]}"#, at: "auth/token/create/op").token
        let request = AccessRequest(.update, "sys/seal")
        #expect(vault.authorizes(bound, request, from: IPAddress("10.1.2.3")))
        #expect(!vault.authorizes(bound, request, from: IPAddress("11.1.2.3")))
        #expect(!vault.authorizes(bound, request))
        let trace = VaultTrace()
        let other = AccessRequest(.update, "sys/step-down")
        #expect(!vault.authorizes(bound, other, from: IPAddress("10.1.2.3"), trace: trace))
        #expect(trace.facts.isAllowed == false)
        #expect(trace.facts.deciding.map(\.name) == ["default", "op"], "no rule speaks of it")
        #expect(trace.facts.deciding.allSatisfy { $0.version == 1 && !$0.digest.isEmpty })
        #expect(trace.facts.caller?.accessor.isEmpty == false)
        #expect(vault.authorizes(bound, request, from: IPAddress("10.1.2.3"), trace: trace))
        #expect(trace.facts.deciding.map(\.name) == ["op"])
        #expect(trace.facts.deciding.map(\.version) == [1])
    }

    // MARK: authority

    @Test("a write on its way fails once an ancestor of its token is revoked")
    func fence() throws {
        let (vault, token) = try bench()
        let child = try vault.create(as: vault.create(as: token).token).token
        let write = try vault.vaultRequest("PUT", "kv/a", #"{"v":1}"#, token: child)
        let create = try vault.vaultRequest("POST", "auth/token/create", "{}", token: child)
        guard case .commit(let writing, _) = vault.step(write),
            case .commit(let creating, _) = vault.step(create)
        else { throw TestFailure("both are allowed on this view") }
        try vault.send(as: token, "POST", "auth/token/revoke-self", "")
        guard case .rejected = try vault.commit(writing) else { throw TestFailure("written") }
        guard case .rejected = try vault.commit(creating) else { throw TestFailure("born") }
    }

    @Test("the root token of init can be revoked, and everything of it goes")
    func initialRoot() throws {
        let vault = try TestVault()
        let child = try vault.create().token
        #expect(try vault.send("POST", "auth/token/revoke-self", "").status == 204)
        #expect(try !vault.isAlive(vault.rootToken))
        #expect(try !vault.isAlive(child))
        #expect(try vault.leftovers() == [])
    }
}
