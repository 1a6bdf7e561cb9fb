import Barrier
import Cryptography
import Store
import Testing
import Wire

@testable import Vault

/// Namespaces whose API is locked: nothing gets through, nothing in them is harmed, and only the key
/// or `sudo` opens them. Texts were compared with OpenBao 2.7.2.
@Suite("locks of namespaces")
struct NamespaceLockTests {
    private static let locking = "sys/namespaces/api-lock/lock"
    private static let unlocking = "sys/namespaces/api-lock/unlock"

    private static func refusal(_ path: String) -> [String] {
        [
            "API access to this namespace has been locked by an administrator - \"\(path)\" must be "
                + "unlocked to gain access."
        ]
    }

    /// Namespaces `a`, `a/b` and `c` with a secret and a user in each.
    private func bench() throws -> TestVault {
        let vault = try TestVault()
        for path in ["a", "a/b", "c"] {
            try vault.makeNamespace(path)
            try vault.send(in: path, "POST", "sys/mounts/kv", #"{"type":"kv"}"#)
            try vault.send(in: path, "POST", "kv/s", #"{"v":"1"}"#)
            try vault.send(in: path, "POST", "sys/auth/up", #"{"type":"userpass"}"#)
            try vault.send(in: path, "POST", "auth/up/users/u", #"{"password":"p"}"#)
        }
        return vault
    }

    /// A token that may do all but what needs `sudo`.
    private func plainToken(_ vault: TestVault, in place: String = "") throws -> String {
        let all = #"[\"create\",\"read\",\"update\",\"patch\",\"delete\",\"list\",\"scan\"]"#
        let policy = #"{"policy":"path \"*\" { capabilities = \#(all) }"}"#
        let written = try vault.send(in: place, "PUT", "sys/policies/acl/plain", policy)
        guard written.status == 204 else { throw TestFailure(written.text) }
        return try vault.createToken(in: place, #"{"policies":["plain"]}"#)
    }

    @discardableResult
    private func lock(_ vault: TestVault, _ path: String) throws -> String {
        let answer = try vault.send("POST", "\(Self.locking)/\(path)", "{}")
        guard answer.status == 200, let key = try answer.data("unlock_key")?.asString else {
            throw TestFailure("\(path): \(answer.status) \(answer.text)")
        }
        return key
    }

    private func wrapped(
        _ vault: TestVault,
        in place: String,
        _ method: String,
        _ path: String
    ) throws -> TestVault.Answer {
        try vault.send(
            TestVault.Call(
                method: method,
                target: "/v1/\(path)",
                headers: [("X-Vault-Namespace", place), ("X-Vault-Wrap-TTL", "3600")]
            )
        )
    }

    private func record(_ vault: TestVault, _ name: String) throws -> NamespaceRecord {
        let table = try vault.view { try vault.cache.mounts($0) }
        return try #require(table.namespace(named: name)).record
    }

    // MARK: locking and unlocking

    @Test("a lock gives a key out, once, and the key opens it, once")
    func key() throws {
        let vault = try bench()
        let key = try lock(vault, "a")
        #expect(key.utf8.count == 24)
        #expect(try vault.send("GET", "sys/namespaces/a").data("locked") == true)
        #expect(try vault.send("GET", "sys/namespaces/c").data("locked") == false)
        let all = try vault.send("SCAN", "sys/namespaces").data("key_info")?.asObject
        #expect(all?["a/"]?.asObject?["locked"] == true)
        #expect(all?["a/b/"]?.asObject?["locked"] == false)
        let token = try plainToken(vault)
        let wrong = [#"{"unlock_key":"x"}"#, #"{"unlock_key":"\#(key)x"}"#]
        for body in wrong {
            for token in [token, vault.rootToken] {
                let answer = try vault.send(as: token, "POST", "\(Self.unlocking)/a", body)
                #expect(answer.status == 400 && answer.errors == ["incorrect unlock key"])
            }
        }
        for body in ["{}", #"{"unlock_key":""}"#] {
            let answer = try vault.send(as: token, "POST", "\(Self.unlocking)/a", body)
            #expect(answer.status == 400)
            #expect(answer.errors == ["1 error occurred:\n\t* provided empty key\n\n"])
        }
        let body = #"{"unlock_key":"\#(key)"}"#
        #expect(try vault.send("GET", "a/kv/s").status == 503)
        let opened = try vault.send(as: token, "POST", "\(Self.unlocking)/a", body)
        #expect(opened.status == 204, "\(opened.text)")
        #expect(try vault.send("GET", "a/kv/s").data("v") == "1")
        #expect(try vault.send("GET", "sys/namespaces/a").data("locked") == false)
        let again = try vault.send(as: token, "POST", "\(Self.unlocking)/a", body)
        #expect(again.status == 400 && again.errors == ["namespace \"a/\" is not locked"])
        // Another lock has another key.
        #expect(try lock(vault, "a") != key)
        let old = try vault.send("POST", "\(Self.unlocking)/a", body)
        #expect(old.errors == ["incorrect unlock key"])
    }

    @Test("a key opens no other namespace")
    func othersKey() throws {
        let vault = try bench()
        let keys = try [lock(vault, "a"), lock(vault, "c")]
        let body = #"{"unlock_key":"\#(keys[0])"}"#
        #expect(try vault.send("POST", "\(Self.unlocking)/c", body).status == 400)
        #expect(try vault.send("POST", "\(Self.unlocking)/a", body).status == 204)
    }

    @Test("with sudo no key is needed, and the answer says so")
    func sudo() throws {
        let vault = try bench()
        let inside = try vault.adminToken(of: "a")
        for (place, path, token) in [
            ("", "\(Self.unlocking)/a", vault.rootToken), ("a", Self.unlocking, vault.rootToken),
            ("", "a/\(Self.unlocking)", vault.rootToken), ("a", Self.unlocking, inside),
        ] {
            try lock(vault, "a")
            let answer = try vault.send(in: place, as: token, "POST", path, "{}")
            #expect(answer.status == 200, "\(answer.text)")
            let warnings = try answer.json().asObject?["warnings"]
            #expect(warnings == ["Namespace unlocked using sudo capabilities"])
            #expect(try vault.send("GET", "a/kv/s").status == 200)
        }
    }

    @Test("what is kept is no key, and a record without a lock is as before")
    func atRest() throws {
        let vault = try bench()
        let before = try record(vault, "a").encoded()
        let key = try lock(vault, "a")
        let locked = try record(vault, "a")
        let bytes = locked.encoded()
        #expect(bytes.first == 2 && before.first == 1)
        #expect(try NamespaceRecord(decoding: bytes) == locked)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(!text.contains(key))
        // Nor is it a hash that anybody without the vault's key can compute or compare.
        #expect(!text.contains(Hex.encode(sha256(Array(key.utf8)))))
        #expect(!text.contains(vault.keyring.tokenPath(Array(key.utf8))))
        for count in 0..<bytes.count {
            #expect(throws: VaultError.self) {
                try NamespaceRecord(decoding: Array(bytes[..<count]))
            }
        }
        #expect(throws: VaultError.self) { try NamespaceRecord(decoding: bytes + [0]) }
        var noHash = bytes
        noHash[bytes.count - 1] = UInt8(ascii: "x")
        #expect(throws: VaultError.self) { try NamespaceRecord(decoding: noHash) }
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        #expect(try record(vault, "a").encoded() == before)
    }

    @Test("who changes a locked namespace leaves its lock, and who removes it needs no key")
    func management() throws {
        let vault = try bench()
        let key = try lock(vault, "a/b")
        let body = #"{"custom_metadata":{"k":"v"}}"#
        for method in ["POST", "PATCH"] {
            let answer = try vault.send(in: "a", method, "sys/namespaces/b", body)
            #expect(try answer.data("locked") == true, "\(answer.text)")
        }
        #expect(try vault.send("GET", "a/b/kv/s").status == 503)
        #expect(key.utf8.count == 24)
        #expect(try vault.send("DELETE", "a/sys/namespaces/b").status == 200)
        for path in [Self.locking, Self.unlocking] {
            let answer = try vault.send("POST", "\(path)/a/b", "{}")
            #expect(answer.errors == ["requested namespace does not exist"])
        }
        try vault.work()
        #expect(try vault.send("GET", "a/sys/namespaces/b").status == 404)
        try vault.makeNamespace("a/b")
        #expect(try vault.send("GET", "a/b/sys/mounts").status == 200)
    }

    private static let refusals: [(locked: [String], place: String, path: String, text: String)] = [
        ([], "", "lock", "root namespace cannot be locked/unlocked"),
        ([], "", "unlock", "root namespace cannot be locked/unlocked"),
        ([], "", "lock/x", "requested namespace does not exist"),
        ([], "", "unlock/x", "requested namespace does not exist"),
        ([], "", "lock/a/x", "requested namespace does not exist"),
        ([], "", "lock/root", "requested namespace does not exist"),
        ([], "a", "lock/a", "requested namespace does not exist"),
        ([], "", "lock/a/kv", "requested namespace does not exist"),
        ([], "", "lockk", "namespace name cannot contain /"),
        ([], "", "unlock/a", "namespace \"a/\" is not locked"),
        ([], "a", "unlock", "namespace \"a/\" is not locked"),
        (["a"], "", "lock/a", "cannot lock namespace \"a/\": is already locked"),
        (
            ["a"], "", "lock/a/b",
            "cannot lock namespace \"a/b/\": ancestor namespace \"a/\" is already locked"
        ),
        (["a"], "", "unlock/a/b", "namespace \"a/b/\" is not locked"),
        (["a"], "a/b", "unlock", "namespace \"a/b/\" is not locked"),
        (
            ["a/b", "a"], "", "unlock/a/b",
            "cannot unlock \"a/b/\" with namespace \"a/\" being locked"
        ),
        (
            ["a/b", "a"], "a/b", "unlock",
            "cannot unlock \"a/b/\" with namespace \"a/\" being locked"
        ),
    ]

    @Test("what cannot be locked or unlocked is told why, and nothing changes", arguments: refusals)
    func refused(
        _ row: (locked: [String], place: String, path: String, text: String)
    ) throws {
        let vault = try bench()
        for path in row.locked { try lock(vault, path) }
        let shown = try vault.send("SCAN", "sys/namespaces").data("key_info")
        let path = "sys/namespaces/api-lock/\(row.path)"
        let answer = try vault.send(in: row.place, "POST", path, "{}")
        #expect(answer.status == 400 && answer.errors == [row.text], "\(answer.text)")
        #expect(try vault.send("SCAN", "sys/namespaces").data("key_info") == shown)
    }

    @Test("only writes lock and unlock, and only who may")
    func operations() throws {
        let vault = try bench()
        for path in [Self.locking, Self.unlocking, "\(Self.locking)/a", "\(Self.unlocking)/a"] {
            for method in ["GET", "DELETE", "PATCH", "LIST"] {
                let body = method == "PATCH" ? "{}" : ""
                #expect(try vault.send(in: "", method, path, body).status == 405, "\(method)")
            }
            #expect(try vault.send(as: "", "POST", path, "{}").status == 403)
        }
        let nobody = try vault.createToken(in: "", #"{"policies":["default"]}"#)
        #expect(try vault.send(as: nobody, "POST", "\(Self.locking)/a", "{}").status == 403)
        #expect(try vault.send("GET", "a/kv/s").status == 200)
    }

    // MARK: nothing gets through

    private static let requests: [(method: String, path: String, body: String)] = [
        ("GET", "kv/s", ""), ("LIST", "kv", ""), ("POST", "kv/new", #"{"v":"1"}"#),
        ("DELETE", "kv/s", ""), ("GET", "sys/mounts", ""), ("GET", "nope", ""),
        ("POST", "sys/mounts/new", #"{"type":"kv"}"#), ("LIST", "sys/namespaces", ""),
        ("POST", "sys/namespaces/new", "{}"), ("GET", "sys/internal/ui/mounts", ""),
        ("GET", "sys/internal/ui/mounts/kv/s", ""), ("GET", "sys/internal/ui/namespaces", ""),
        ("GET", "sys/internal/specs/openapi", ""), ("GET", "auth/token/lookup-self", ""),
        ("POST", "auth/token/create", "{}"), ("POST", "auth/token/revoke-self", ""),
        ("POST", "sys/capabilities-self", #"{"paths":["kv/s"]}"#),
        ("POST", "auth/up/login/u", #"{"password":"p"}"#), ("HELP", "kv/s", ""),
        ("PUT", "sys/wrapping/wrap", #"{"a":"b"}"#), ("PUT", "sys/wrapping/unwrap", ""),
        ("POST", "sys/wrapping/lookup", ""), ("GET", "cubbyhole/c", ""),
        ("GET", "identity/entity/id", ""), ("PUT", "sys/policies/acl/p", #"{"policy":""}"#),
        ("POST", "sys/namespaces/api-lock/lock", "{}"), ("GET", "sys/audit", ""),
        ("POST", "sys/namespaces/api-lock/lock/b", "{}"), ("GET", "sys/key-status", ""),
        ("POST", "sys/namespaces/api-lock/unlock/b", "{}"), ("GET", "sys/leases", ""),
    ]

    @Test("whoever asks, and however the namespace is named, is told that it is locked")
    func everyRequest() throws {
        let vault = try bench()
        let inside = try vault.adminToken(of: "a")
        let below = try vault.adminToken(of: "a/b")
        try lock(vault, "a")
        let before = try vault.recordCount()
        for token in [vault.rootToken, inside, below, "", "nonsense"] {
            for (method, path, body) in Self.requests {
                for (place, front) in [("a", ""), ("", "a/"), ("a/b", ""), ("a", "b/")] {
                    let answer = try vault.send(
                        in: place,
                        as: token,
                        method,
                        front + path,
                        body
                    )
                    // With the header the router knows what there is once, as for any namespace.
                    if answer.text.contains("unavailable in namespaces") { continue }
                    #expect(answer.status == 503, "\(method) \(place) \(front)\(path)")
                    #expect(answer.errors == Self.refusal("a/"))
                }
            }
        }
        #expect(try vault.recordCount() == before)
        for place in ["", "c"] {
            #expect(try vault.send(in: place, "GET", "sys/mounts").status == 200)
        }
        #expect(try vault.send("GET", "sys/internal/ui/mounts/a/kv/s").status == 503)
        #expect(try vault.send("GET", "sys/internal/ui/namespaces").status == 200)
        #expect(try vault.send(in: "a/nope", "GET", "sys/mounts").status == 404)
        #expect(try vault.send(in: "nope", "GET", "sys/mounts").status == 404)
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        #expect(try vault.send(in: "a/b", as: below, "GET", "kv/s").data("v") == "1")
        #expect(try vault.send(in: "a", as: inside, "GET", "kv/s").data("v") == "1")
    }

    @Test("a lock above hides that below; the one below stays when that above is gone")
    func nested() throws {
        let vault = try bench()
        let key = try lock(vault, "a/b")
        #expect(try vault.send("GET", "a/b/kv/s").errors == Self.refusal("a/b/"))
        #expect(try vault.send("GET", "a/kv/s").status == 200)
        try lock(vault, "a")
        #expect(try vault.send("GET", "a/b/kv/s").errors == Self.refusal("a/"))
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        #expect(try vault.send("GET", "a/kv/s").status == 200)
        #expect(try vault.send("GET", "a/b/kv/s").errors == Self.refusal("a/b/"))
        let body = #"{"unlock_key":"\#(key)"}"#
        #expect(try vault.send(in: "a/b", "POST", Self.unlocking, body).status == 204)
        #expect(try vault.send("GET", "a/b/kv/s").status == 200)
    }

    @Test("tokens of a locked namespace do nothing elsewhere, and are as good as before after")
    func tokens() throws {
        let vault = try bench()
        let id = try vault.send("GET", "sys/namespaces/a").data("id")?.asString ?? ""
        let once = try vault.createToken(in: "a", #"{"policies":["default"],"num_uses":2}"#)
        let inside = try vault.adminToken(of: "a")
        let victim = try vault.createToken(in: "a", #"{"policies":["default"]}"#)
        let waiting = try wrapped(vault, in: "a", "GET", "kv/s").json().asObject?["wrap_info"]
        let wrapping = try #require(waiting?.asObject?.text("token"))
        try lock(vault, "a")
        let named = #"{"token":"\#(victim)"}"#
        let wrapped = #"{"token":"\#(wrapping)"}"#
        let lease = #"{"lease_id":"\#(vault.leaseID(victim)).\#(id)"}"#
        for (token, method, path, body) in [
            (once, "GET", "auth/token/lookup-self", ""), (once, "GET", "a/kv/s", ""),
            (inside, "POST", "auth/token/renew-self", ""),
            (inside, "POST", "auth/token/revoke-self", ""),
            (inside, "POST", "auth/token/revoke", named),
            (inside, "POST", "sys/leases/revoke", lease),
            (vault.rootToken, "POST", "auth/token/lookup", named),
            (vault.rootToken, "POST", "auth/token/renew", named),
            (vault.rootToken, "POST", "sys/leases/lookup", lease),
            (vault.rootToken, "POST", "sys/wrapping/unwrap", wrapped),
            (vault.rootToken, "POST", "sys/wrapping/rewrap", wrapped),
            (vault.rootToken, "POST", "sys/wrapping/lookup", wrapped),
            ("", "POST", "sys/wrapping/lookup", wrapped),
            (wrapping, "POST", "sys/wrapping/lookup", ""),
            (wrapping, "POST", "sys/wrapping/unwrap", ""),
            (wrapping, "POST", "sys/wrapping/unwrap", wrapped),
        ] {
            let answer = try vault.send(as: token, method, path, body)
            #expect(answer.errors == Self.refusal("a/"), "\(path): \(answer.text)")
        }
        for path in ["sys/mounts", "c/kv/s", "cubbyhole/c"] {
            #expect(try vault.send(as: inside, "GET", path).status == 403)
        }
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        #expect(try vault.isAlive(inside) && vault.isAlive(victim))
        #expect(try vault.isAlive(once) && vault.isAlive(once))
        #expect(try !vault.isAlive(once))
        let opened = try vault.send(as: wrapping, "POST", "sys/wrapping/unwrap")
        #expect(try opened.data("v") == "1", "\(opened.text)")
    }

    @Test("whoever is outside can take tokens and leases away from a locked namespace")
    func revocation() throws {
        let vault = try bench()
        let id = try vault.send("GET", "sys/namespaces/a").data("id")?.asString ?? ""
        for path in ["auth/token/revoke", "auth/token/revoke-orphan", "sys/leases/revoke"] {
            let victim = try vault.createToken(in: "a", #"{"policies":["default"]}"#)
            try lock(vault, "a")
            let body =
                path.hasPrefix("auth/")
                ? #"{"token":"\#(victim)"}"#
                : #"{"lease_id":"\#(vault.leaseID(victim)).\#(id)"}"#
            let plain = try vault.createToken(in: "", #"{"policies":["default"]}"#)
            #expect(try vault.send(as: plain, "POST", path, body).status == 403)
            #expect(try vault.send("POST", path, body).status == 204, "\(path)")
            try vault.send("POST", "\(Self.unlocking)/a", "{}")
            #expect(try !vault.isAlive(victim), "\(path)")
        }
    }

    @Test("what was on its way in, or is on its way below, is not written behind the lock")
    func onItsWay() throws {
        let vault = try bench()
        let token = try vault.adminToken(of: "a")
        let login = #"{"password":"p"}"#
        let late = try [
            vault.vaultRequest("POST", "a/kv/late", #"{"v":"1"}"#),
            vault.vaultRequest("POST", "a/b/kv/late", #"{"v":"1"}"#),
            vault.vaultRequest("POST", "a/b/kv/late", #"{"v":"1"}"#, token: token),
            vault.vaultRequest("POST", "a/auth/up/login/u", login, token: ""),
            vault.vaultRequest("POST", "a/b/auth/up/login/u", login, token: ""),
            vault.vaultRequest("POST", "a/sys/namespaces/new", "{}"),
            vault.vaultRequest("POST", "auth/token/renew-self", "{}", token: token),
        ]
        let batches = try late.map { request in
            guard case .commit(let batch, _) = vault.step(request) else {
                throw TestFailure("\(request.path) was refused")
            }
            return batch
        }
        try lock(vault, "a")
        for (request, batch) in zip(late, batches) {
            if case .applied = try vault.commit(batch) {
                Issue.record("\(request.path) was born behind")
            }
            guard case .refuse(.namespaceLocked(path: "a/")) = vault.step(request) else {
                throw TestFailure("\(request.path) was not refused")
            }
        }
        // A lock below and one above at the same moment: one of them.
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        let both = try ["a", "a/b"].map { path in
            vault.step(try vault.vaultRequest("POST", "\(Self.locking)/\(path)", "{}"))
        }
        var applied = 0
        for step in both {
            guard case .commit(let batch, _) = step else { throw TestFailure("\(step)") }
            if case .applied = try vault.commit(batch) { applied += 1 }
        }
        #expect(applied == 1)
    }

    @Test("what ends in a locked namespace ends at its time")
    func timers() throws {
        let vault = try bench()
        let policy = #"{"policy":"path \"kv/*\" { capabilities = [\"read\"] }","ttl":60}"#
        #expect(try vault.send(in: "a", "PUT", "sys/policies/acl/p", policy).status == 204)
        let token = try vault.createToken(in: "a", #"{"policies":["p"],"ttl":"1m"}"#)
        try lock(vault, "a")
        vault.seconds(62)
        #expect(try vault.runTasks() >= 2)
        try vault.send("POST", "\(Self.unlocking)/a", "{}")
        #expect(try !vault.isAlive(token))
        #expect(try vault.send(in: "a", "GET", "sys/policies/acl/p").status == 404)
    }

    @Test("a key may wait for its reader, but not behind the lock that it opens")
    func wrappedKey() throws {
        let vault = try bench()
        for (place, path) in [("a", Self.locking), ("", "a/\(Self.locking)")] {
            let refused = try wrapped(vault, in: place, "POST", path)
            #expect(refused.status == 400 && refused.text.contains("cannot be wrapped"))
        }
        #expect(try vault.send("GET", "a/kv/s").status == 200)
        let answer = try wrapped(vault, in: "", "POST", "\(Self.locking)/a")
        let token = try #require(
            try answer.json().asObject?["wrap_info"]?.asObject?.text("token")
        )
        #expect(!answer.text.contains("unlock_key"))
        let key = try vault.send(as: token, "POST", "sys/wrapping/unwrap").data("unlock_key")
        let body = JSONValue.object(["unlock_key": key ?? .null]).encoded(sortingKeys: true)
        let opened = try vault.send(
            "POST",
            "\(Self.unlocking)/a",
            String(decoding: body, as: UTF8.self)
        )
        #expect(opened.status == 204, "\(opened.text)")
    }
}
