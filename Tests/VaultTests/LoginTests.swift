import Barrier
import Engines
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// Logins in a whole vault: what they give, what they refuse, and who is locked out.
@Suite("logins")
struct LoginTests {
    private func vault(_ config: String = "{}") throws -> TestVault {
        let vault = try TestVault()
        try vault.writePolicy("team", #"path "secret/*" { capabilities = ["read"] }"#)
        let body = #"{"type":"userpass","config":\#(config)}"#
        #expect(try vault.send("POST", "sys/auth/up", body).status == 204)
        let user = #"{"password":"pw","token_policies":"team","token_ttl":"20m"}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", user).status == 204)
        return vault
    }

    @discardableResult
    private func login(
        _ vault: TestVault,
        _ name: String = "bob",
        _ password: String = "pw",
        from address: String? = "127.0.0.1:4000"
    ) throws -> TestVault.Answer {
        let body = Array(#"{"password":"\#(password)"}"#.utf8)
        let target = "/v1/auth/up/login/\(name)"
        var call = TestVault.Call(method: "PUT", target: target, body: body, token: "")
        call.address = address
        return try vault.send(call)
    }

    private func auth(_ answer: TestVault.Answer, _ member: String) throws -> JSONValue? {
        try answer.json().asObject?["auth"]?.asObject?[member]
    }

    @Test("the right password gives a token that works")
    func success() throws {
        let vault = try vault()
        let answer = try login(vault, "BOB")
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try auth(answer, "policies") == ["default", "team"])
        #expect(try auth(answer, "metadata") == ["username": "bob"])
        #expect(try auth(answer, "lease_duration") == 1_200)
        #expect(try auth(answer, "orphan") == true)
        let token = try #require(try auth(answer, "client_token")?.asString)
        let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try own.data("display_name") == "up-bob")
        #expect(try own.data("path") == "auth/up/login/BOB")
        #expect(try own.data("meta") == ["username": "bob"])
        #expect(try vault.send(as: token, "GET", "sys/mounts").status == 403)
    }

    @Test("a token that comes with a login is not looked at")
    func otherToken() throws {
        let vault = try vault()
        let answer = try vault.send(
            as: "nonsense",
            "PUT",
            "auth/up/login/bob",
            #"{"password":"pw"}"#
        )
        #expect(answer.status == 200)
    }

    @Test("a wrong password and a wrong name look the same, and other paths need a token")
    func refusals() throws {
        let vault = try vault()
        let wrong = try login(vault, "bob", "no")
        let unknown = try login(vault, "eve", "no")
        #expect(wrong.status == 400 && wrong.errors == ["invalid username or password"])
        #expect(unknown.status == wrong.status && unknown.body == wrong.body)
        let empty = try login(vault, "bob", "")
        #expect(empty.status == 500 && empty.errors == ["missing password"])
        for (method, path, status) in [
            ("GET", "auth/up/login/bob", 405), ("LIST", "auth/up/login", 404),
            ("PUT", "auth/up/login", 403), ("PUT", "auth/up/users/bob", 403),
            ("PUT", "auth/none/login/bob", 403),
        ] {
            let answer = try vault.send(as: "", method, path, "{}")
            #expect(answer.status == status, "\(method) \(path): \(answer.text)")
        }
    }

    @Test("each of them is one commit, whoever's the name is")
    func commits() throws {
        let vault = try vault()
        for name in ["bob", "eve"] {
            let request = try vault.vaultRequest(
                "PUT",
                "auth/up/login/\(name)",
                #"{"password":"no"}"#
            )
            guard
                case .commitRefusing(let batch, .engine(.badCredentials, isBare: true)) =
                    vault.step(request)
            else { throw TestFailure("\(name): no commit") }
            #expect(batch.operations.count <= 8)
        }
    }

    @Test("five failures lock a user out, also with the right password, and then no more")
    func lockout() throws {
        let vault = try vault()
        for name in ["bob", "eve"] {
            for _ in 0..<5 { #expect(try login(vault, name, "no").status == 400) }
            let locked = try login(vault, name)
            #expect(locked.status == 403 && locked.errors == ["permission denied"])
        }
        let list = try vault.send("GET", "sys/locked-users")
        #expect(try list.data("total") == 1, "\(list.text)")
        vault.now += 900 * 1_000_000_000
        #expect(try login(vault).status == 200)
        #expect(try vault.send("GET", "sys/locked-users").data("total") == 0)
    }

    @Test("a success forgets the failures before it")
    func forgets() throws {
        let vault = try vault()
        for _ in 0..<3 {
            for _ in 0..<4 { #expect(try login(vault, "bob", "no").status == 400) }
            #expect(try login(vault).status == 200)
        }
    }

    @Test("an operator lets a user in again, and tuning says when the lock comes")
    func unlock() throws {
        let vault = try vault()
        let tuning = #"{"user_lockout_config":{"lockout_threshold":2}}"#
        #expect(try vault.send("POST", "sys/auth/up/tune", tuning).status == 204)
        for _ in 0..<2 { try login(vault, "bob", "no") }
        #expect(try login(vault).status == 403)
        let shown = try vault.send("GET", "sys/auth/up").data("accessor")?.asString
        let accessor = try #require(shown)
        let path = "sys/locked-users/\(accessor)/unlock/bob"
        #expect(try vault.send("POST", path, "{}").status == 204)
        #expect(try login(vault).status == 200)
        let off = #"{"user_lockout_config":{"lockout_disable":true}}"#
        #expect(try vault.send("POST", "sys/auth/up/tune", off).status == 204)
        for _ in 0..<4 { try login(vault, "bob", "no") }
        #expect(try login(vault).status == 200)
    }

    @Test("a login that a lock overtakes is not applied")
    func race() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("PUT", "auth/up/login/bob", #"{"password":"pw"}"#)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("no login")
        }
        for _ in 0..<5 { try login(vault, "bob", "no") }
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the login passed the lock")
        }
    }

    @Test("a login of a user, or in a mount, that goes away meanwhile is not applied")
    func gone() throws {
        for removal in ["auth/up/users/bob", "sys/auth/up"] {
            let vault = try vault()
            let request = try vault.vaultRequest(
                "PUT",
                "auth/up/login/bob",
                #"{"password":"pw"}"#
            )
            guard case .commit(let batch, _) = vault.step(request) else {
                throw TestFailure("no login")
            }
            #expect(try vault.send("DELETE", removal).status == 204)
            guard case .rejected = try vault.commit(batch) else {
                throw TestFailure("\(removal): the login outlived it")
            }
        }
    }

    @Test("tokens of a mount that is disabled, or moved, are revoked")
    func revoked() throws {
        for (method, path, body) in [
            ("DELETE", "sys/auth/up", ""),
            ("POST", "sys/remount", #"{"from":"auth/up","to":"auth/down"}"#),
        ] {
            let vault = try vault()
            let token = try #require(try auth(login(vault), "client_token")?.asString)
            #expect(try vault.send(as: token, "GET", "auth/token/lookup-self").status == 200)
            #expect(try vault.send(method, path, body).status / 100 == 2)
            #expect(try vault.send(as: token, "GET", "auth/token/lookup-self").status == 403)
        }
    }

    @Test("the same name is the same entity, whose policies come along")
    func entity() throws {
        let vault = try vault()
        try vault.writePolicy("extra", #"path "sys/mounts" { capabilities = ["read"] }"#)
        let first = try login(vault)
        let id = try #require(try auth(first, "entity_id")?.asString)
        #expect(try auth(login(vault), "entity_id") == .string(id))
        let path = "identity/entity/id/\(id)"
        #expect(try vault.send("POST", path, #"{"policies":["extra"]}"#).status / 100 == 2)
        let third = try login(vault)
        #expect(try auth(third, "identity_policies") == ["extra"])
        #expect(try auth(third, "policies") == ["default", "extra", "team"])
        let token = try #require(try auth(first, "client_token")?.asString)
        #expect(try vault.send(as: token, "GET", "sys/mounts").status == 200)
        #expect(try vault.send("POST", path, #"{"disabled":true}"#).status / 100 == 2)
        #expect(try login(vault).status == 403)
    }

    @Test("addresses: who is bound may come from there only")
    func addresses() throws {
        let vault = try vault()
        let bound = #"{"token_bound_cidrs":"10.0.0.0/8"}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", bound).status == 204)
        #expect(try login(vault, from: "127.0.0.1:4000").status == 403)
        #expect(try login(vault, from: nil).status == 403)
        #expect(try login(vault, from: "10.1.2.3:4000").status == 200)
        // None of these was a guess.
        #expect(try vault.send("GET", "sys/locked-users").data("total") == 0)
        let strict = #"{"token_bound_cidrs":[],"token_strictly_bind_ip":true}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", strict).status == 204)
        let answer = try login(vault, from: "127.0.0.1:4000")
        let token = try #require(try auth(answer, "client_token")?.asString)
        var call = TestVault.Call(
            method: "GET",
            target: "/v1/auth/token/lookup-self",
            token: token
        )
        call.address = "127.0.0.1:5000"
        #expect(try vault.send(call).data("bound_cidrs") == ["127.0.0.1"])
        call.address = "127.0.0.2:5000"
        #expect(try vault.send(call).status == 403)
    }

    @Test("policies that no login may give")
    func reserved() throws {
        let vault = try vault()
        for (policy, text) in [
            ("root", "auth methods cannot create root tokens"),
            ("response-wrapping", #"cannot assign policy "response-wrapping""#),
        ] {
            let body = #"{"token_policies":"\#(policy)"}"#
            #expect(try vault.send("PUT", "auth/up/users/bob", body).status == 204)
            let answer = try login(vault)
            #expect(answer.status == 400 && answer.errors == [text])
        }
    }

    static let tokenKinds = [
        ("default-service", "default", "service"), ("default-service", "batch", "batch"),
        ("default-batch", "default", "batch"), ("default-batch", "service", "service"),
        ("batch", "service", "batch"), ("service", "batch", "service"),
    ]

    @Test(
        "a mount's kind of token decides, or is what nobody says otherwise",
        arguments: tokenKinds
    )
    func kinds(_ mount: String, _ user: String, _ expected: String) throws {
        let vault = try vault(#"{"token_type":"\#(mount)"}"#)
        let body = #"{"token_type":"\#(user)"}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", body).status == 204)
        #expect(try auth(login(vault), "token_type") == .string(expected))
    }

    @Test(
        "nothing counts the uses of a batch token, and it works",
        arguments: [
            ("batch", "default"), ("batch", "service"), ("default-batch", "default"),
        ]
    )
    func batchUses(_ mount: String, _ user: String) throws {
        let vault = try vault(#"{"token_type":"\#(mount)"}"#)
        let body = #"{"token_num_uses":2,"token_type":"\#(user)"}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", body).status == 204)
        let answer = try login(vault)
        #expect(try auth(answer, "token_type") == "batch")
        #expect(try auth(answer, "num_uses") == 0)
        let token = try #require(try auth(answer, "client_token")?.asString)
        for _ in 0..<4 {
            let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
            #expect(own.status == 200)
            #expect(try own.data("num_uses") == 0)
        }
    }

    @Test("the uses of a service token are counted, also where batch tokens are the rule")
    func serviceUses() throws {
        let vault = try vault(#"{"token_type":"default-batch"}"#)
        let body = #"{"token_num_uses":2,"token_type":"service"}"#
        #expect(try vault.send("PUT", "auth/up/users/bob", body).status == 204)
        let answer = try login(vault)
        #expect(try auth(answer, "num_uses") == 2)
        let token = try #require(try auth(answer, "client_token")?.asString)
        for status in [200, 200, 403] {
            let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
            #expect(own.status == status)
        }
    }

    @Test("times: capped by the mount, with a warning")
    func times() throws {
        let vault = try vault(#"{"max_lease_ttl":"10m"}"#)
        let answer = try login(vault)
        #expect(try auth(answer, "lease_duration") == 600)
        #expect(answer.text.contains("TTL value is capped accordingly"))
    }

    // MARK: approle

    @Test("a role with a secret id of two uses logs in twice")
    func approle() throws {
        let vault = try vault()
        try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#)
        let role = #"{"token_policies":"team","role_id":"me","secret_id_num_uses":2}"#
        #expect(try vault.send("PUT", "auth/ar/role/r", role).status == 204)
        let made = try vault.send(
            "POST",
            "auth/ar/role/r/secret-id",
            #"{"metadata":"{\"host\":\"b7\",\"role_name\":\"x\"}"}"#
        )
        let secretID = try #require(try made.data("secret_id")?.asString)
        let body = #"{"role_id":"me","secret_id":"\#(secretID)"}"#
        let first = try vault.send(as: "", "PUT", "auth/ar/login", body)
        #expect(first.status == 200, "\(first.text)")
        #expect(try auth(first, "metadata") == ["host": "b7", "role_name": "r"])
        let token = try #require(try auth(first, "client_token")?.asString)
        let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try own.data("display_name") == "ar")
        // Two at once, of one use that is left: one of them is made.
        let request = try vault.vaultRequest("PUT", "auth/ar/login", body)
        let other = try vault.vaultRequest("PUT", "auth/ar/login", body)
        guard case .commit(let one, _) = vault.step(request),
            case .commit(let two, _) = vault.step(other)
        else { throw TestFailure("no logins") }
        guard case .applied = try vault.commit(one), case .rejected = try vault.commit(two) else {
            throw TestFailure("a use was taken twice")
        }
        let last = try vault.send(as: "", "PUT", "auth/ar/login", body)
        #expect(last.status == 400 && last.errors == ["invalid role or secret ID"])
    }

    @Test("role ids, secret ids and their owners: what does not fit is refused in the same words")
    func approleRefusals() throws {
        let vault = try vault()
        try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#)
        for name in ["a", "b"] {
            try vault.send("PUT", "auth/ar/role/\(name)", #"{"role_id":"\#(name)"}"#)
            let custom = #"{"secret_id":"of \#(name)","ttl":"60s"}"#
            try vault.send("POST", "auth/ar/role/\(name)/custom-secret-id", custom)
        }
        func login(_ body: String) throws -> TestVault.Answer {
            try vault.send(as: "", "PUT", "auth/ar/login", body)
        }
        for body in [
            #"{"role_id":"a","secret_id":"of b"}"#, #"{"role_id":"c","secret_id":"of a"}"#,
            #"{"role_id":"a","secret_id":"nonsense"}"#,
        ] {
            let answer = try login(body)
            #expect(answer.status == 400 && answer.errors == ["invalid role or secret ID"])
        }
        #expect(try login("{}").errors == ["missing role_id"])
        #expect(try login(#"{"role_id":"a"}"#).errors == ["missing secret_id"])
        #expect(try login(#"{"role_id":"a","secret_id":"of a"}"#).status == 200)
        // The secret ids of a role that is made again under its name are others.
        #expect(try vault.send("DELETE", "auth/ar/role/b").status == 204)
        try vault.send("PUT", "auth/ar/role/b", #"{"role_id":"b"}"#)
        #expect(try login(#"{"role_id":"b","secret_id":"of b"}"#).status == 400)
        vault.now += 61 * 1_000_000_000
        #expect(try login(#"{"role_id":"a","secret_id":"of a"}"#).status == 400)
        #expect(try vault.send("LIST", "auth/ar/role/a/secret-id").status == 200)
        #expect(try vault.send("POST", "auth/ar/tidy/secret-id", "{}").status == 202)
        #expect(try vault.send("LIST", "auth/ar/role/a/secret-id").status == 404)
    }

    @Test("no secret id and no role id is a name on the disk or inside the barrier")
    func names() throws {
        let vault = try vault()
        try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#)
        try vault.send("PUT", "auth/ar/role/a", #"{"role_id":"find-me-role"}"#)
        let custom = #"{"secret_id":"find-me-secret"}"#
        try vault.send("POST", "auth/ar/role/a/custom-secret-id", custom)
        try vault.view { view in
            let mounts = try MountTable.load(view)
            let mount = try #require(mounts.entry(at: "auth/ar/"))
            var waiting = [""]
            var seen = 0
            while let folder = waiting.popLast() {
                for name in try view.list(mount.id, directory: folder) {
                    seen += 1
                    #expect(!name.contains("find-me"))
                    if name.hasSuffix("/") { waiting.append(folder + name) }
                }
            }
            #expect(seen > 6)
        }
    }
}
