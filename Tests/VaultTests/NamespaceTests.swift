import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// `sys/namespaces`, the ways to name a namespace, and what is not there in one. Texts were
/// compared with OpenBao 2.7.2.
@Suite("namespaces")
struct NamespaceTests {
    // MARK: making, showing, changing

    @Test("a namespace is made, shown, listed, changed and removed")
    func life() throws {
        let vault = try TestVault()
        #expect(try vault.send("LIST", "sys/namespaces").status == 404)
        #expect(try vault.send("SCAN", "sys/namespaces").json().asObject?["data"] == [:])
        let body = #"{"custom_metadata":{"team":"x"}}"#
        let made = try vault.send("POST", "sys/namespaces/a", body)
        #expect(made.status == 200)
        let id = try #require(try made.data("id")?.asString)
        #expect(id.utf8.count == 6)
        #expect(try made.data("path") == "a/" && made.data("tainted") == false)
        #expect(try made.data("custom_metadata.team") == "x" && made.data("locked") == false)
        #expect(try uuidBytes(made.data("uuid")?.asString ?? "") != nil)
        #expect(try vault.send("GET", "sys/namespaces/a").data("id") == .string(id))
        #expect(try vault.send("GET", "sys/namespaces/b").status == 404)
        let list = try vault.send("LIST", "sys/namespaces")
        #expect(try list.data("keys") == ["a/"])
        let info = try list.data("key_info")?.asObject?["a/"]?.asObject
        #expect(info?.text("id") == id && info?.text("path") == "a/")
        let merged = try vault.send(
            in: "",
            "PATCH",
            "sys/namespaces/a",
            #"{"custom_metadata":{"team":null,"mail":"y"}}"#
        )
        #expect(try merged.data("custom_metadata") == ["mail": "y"])
        let replaced = try vault.send("POST", "sys/namespaces/a", #"{"custom_metadata":{"z":"1"}}"#)
        #expect(try replaced.data("custom_metadata") == ["z": "1"])
        #expect(try replaced.data("id") == .string(id))
        let removed = try vault.send("DELETE", "sys/namespaces/a")
        #expect(try removed.data("status") == "in-progress")
        #expect(try vault.send("GET", "sys/namespaces/a").data("tainted") == true)
        try vault.work()
        #expect(try vault.send("GET", "sys/namespaces/a").status == 404)
        #expect(try vault.send("DELETE", "sys/namespaces/a").text.contains("does not exist"))
    }

    private static let wrongNames = [
        "root", "sys", "auth", "audit", "cubbyhole", "identity", "a%2Fb", "a%20b", "a+b", "a*",
        "a%C2%A0b", String(repeating: "x", count: 600),
    ]

    @Test("names that cannot be are refused, and nothing is made", arguments: wrongNames)
    func refusedNames(_ name: String) throws {
        let vault = try TestVault()
        let answer = try vault.send("POST", "sys/namespaces/\(name)", "{}")
        #expect(answer.status == 400, "\(answer.status) \(answer.text)")
        #expect(try vault.send("LIST", "sys/namespaces").status == 404)
    }

    @Test("a mount and a namespace never have the same path")
    func conflicts() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/team/kv", #"{"type":"kv"}"#)
        let over = try vault.send("POST", "sys/namespaces/team", "{}")
        #expect(over.status == 400)
        #expect(over.errors == ["new namespace conflicts with existing mount: team/kv/"])
        try vault.makeNamespace("a")
        for path in ["a", "a/kv"] {
            let answer = try vault.send("POST", "sys/mounts/\(path)", #"{"type":"kv"}"#)
            #expect(answer.status == 400, "\(path): \(answer.text)")
            let body = #"{"from":"team/kv","to":"\#(path)"}"#
            #expect(try vault.send("POST", "sys/remount", body).status == 400)
        }
        #expect(try vault.send(in: "a", "POST", "sys/mounts/a", #"{"type":"kv"}"#).status == 204)
    }

    @Test("what is no object of texts is no metadata")
    func metadata() throws {
        let vault = try TestVault()
        let refused = try vault.send("POST", "sys/namespaces/a", #"{"custom_metadata":{"n":1}}"#)
        #expect(refused.errors == ["custom_metadata values must be strings"])
        #expect(try vault.send("GET", "sys/namespaces/a").status == 404)
        try vault.makeNamespace("a")
        for (value, kind) in [
            ("1", "json.Number"), ("true", "bool"), ("[]", "[]interface {}"),
            ("{}", "map[string]interface {}"),
        ] {
            let body = #"{"custom_metadata":{"n":\#(value)}}"#
            let patched = try vault.send(in: "", "PATCH", "sys/namespaces/a", body)
            let text = "metadata patch can only have string or null values, got \(kind)"
            #expect(patched.status == 400 && patched.errors == [text], "\(patched.text)")
        }
        let missing = try vault.send(in: "", "PATCH", "sys/namespaces/b", "{}")
        #expect(missing.status == 400 && missing.errors == ["namespace not found"])
    }

    @Test("locked users are shown with those of all namespaces below")
    func lockedUsers() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a/b")
        try vault.send(in: "a/b", "POST", "sys/auth/up", #"{"type":"userpass"}"#)
        try vault.send(in: "a/b", "POST", "auth/up/users/u", #"{"password":"p"}"#)
        for _ in 0..<6 {
            try vault.send(
                in: "a/b",
                as: "",
                "POST",
                "auth/up/login/u",
                #"{"password":"no"}"#
            )
        }
        for (place, paths) in [
            ("", ["", "a/", "a/b/"]), ("a", ["a/", "a/b/"]), ("a/b", ["a/b/"]),
        ] {
            let answer = try vault.send(in: place, "GET", "sys/locked-users")
            let lines = try answer.data("by_namespace")?.asArray ?? []
            #expect(lines.map { $0.asObject?.text("namespace_path") } == paths)
            #expect(try answer.data("total") == 1)
            #expect(lines.last?.asObject?["counts"] == 1)
        }
    }

    // MARK: naming one

    private static let namings: [(header: String, path: String)] = [
        ("a/b", "kv/s"), ("a/b/", "kv/s"), ("/a/b/", "kv/s"), ("a//b", "kv/s"), ("a", "b/kv/s"),
        ("", "a/b/kv/s"), ("root", "a/b/kv/s"), ("/", "a/b/kv/s"),
    ]

    @Test("a namespace is named by header, by path, or by both", arguments: namings)
    func forms(_ form: (header: String, path: String)) throws {
        let vault = try TestVault()
        try vault.makeNamespace("a/b")
        try vault.send(in: "a/b", "POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        let written = try vault.send(in: form.header, "POST", form.path, #"{"v":"x"}"#)
        #expect(written.status == 204, "\(written.text)")
        #expect(try vault.send(in: "a/b", "GET", "kv/s").data("v") != nil)
    }

    @Test("a header that names no namespace is 404, whoever asks", arguments: ["x", "a/x", "A"])
    func unknown(_ header: String) throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        for token in [nil, "", "nonsense"] as [String?] {
            let answer = try vault.send(in: header, as: token, "GET", "sys/mounts")
            #expect(answer.status == 404 && answer.errors == ["namespace not found"])
        }
    }

    private static let rootOnly = [
        "sys/audit", "sys/audit-hash/x", "sys/config/cors", "sys/quotas/config",
        "sys/quotas/rate-limit/x", "sys/storage/raft/configuration", "sys/loggers",
        "sys/host-info", "sys/metrics", "sys/health", "sys/seal", "sys/init", "sys/audit-key",
    ]

    @Test("what there is once is not there in a namespace", arguments: rootOnly)
    func restricted(_ path: String) throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        let inPath = try vault.send("GET", "a/\(path)")
        #expect(inPath.status == 400)
        #expect(inPath.errors == ["operation only available in root namespace"], "\(inPath.text)")
        let inHeader = try vault.send(in: "a", "GET", path)
        #expect(inHeader.status == 400)
        // What the router knows has other words than what the vault knows, as in OpenBao.
        let refusals = ["operation unavailable in namespaces", inPath.errors.first ?? ""]
        #expect(refusals.contains(inHeader.errors.first ?? "none"), "\(inHeader.text)")
    }

    @Test("seals of a namespace's own are no paths", arguments: ["a/seal", "a/unseal"])
    func unsupported(_ path: String) throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        let answer = try vault.send("PUT", "sys/namespaces/\(path)", "{}")
        #expect(answer.status == 404)
        #expect(answer.errors == ["1 error occurred:\n\t* unsupported path\n\n"])
    }

    @Test("a namespace has no keys to rotate, and no seal to look at")
    func notSealable() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        for (method, place, path) in [
            ("GET", "a", "sys/key-status"), ("PUT", "a", "sys/rotate"),
            ("GET", "", "a/sys/key-status"), ("PUT", "", "a/sys/rotate"),
            ("GET", "", "sys/namespaces/a/seal-status"),
        ] {
            let answer = try vault.send(in: place, method, path)
            #expect(answer.status == 400 && answer.errors == ["namespace is not sealable"])
        }
        #expect(try vault.send("GET", "sys/namespaces/b/seal-status").status == 404)
    }

    @Test("a seal of its own is refused, not left out in silence")
    func ownSeal() throws {
        let vault = try TestVault()
        let seal = #"{"seal":"seal \"shamir\" { shares = 3 threshold = 2 }"}"#
        let answer = try vault.send("POST", "sys/namespaces/a", seal)
        #expect(answer.status == 400 && answer.text.contains("no seal of its own"))
        #expect(try vault.send("GET", "sys/namespaces/a").status == 404)
        try vault.makeNamespace("a")
        #expect(try vault.send("POST", "sys/namespaces/a", seal).status == 400)
    }

    @Test("namespaces nest, and are seen from where one stands")
    func nesting() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a/b/c")
        try vault.makeNamespace("a/d")
        #expect(try vault.send("LIST", "sys/namespaces").data("keys") == ["a/"])
        #expect(try vault.send(in: "a", "LIST", "sys/namespaces").data("keys") == ["b/", "d/"])
        let all = try vault.send("SCAN", "sys/namespaces")
        #expect(try all.data("keys") == ["a/", "a/b/", "a/d/", "a/b/c/"])
        let inside = try vault.send(in: "a", "SCAN", "sys/namespaces")
        #expect(try inside.data("keys") == ["b/", "d/", "b/c/"])
        let info = try inside.data("key_info")?.asObject?["b/c/"]?.asObject
        #expect(info?.text("path") == "a/b/c/")
        let refused = try vault.send("DELETE", "sys/namespaces/a")
        #expect(refused.status == 400)
        #expect(refused.text.contains("containing child namespaces"))
        let path = String(repeating: "n/", count: VaultLimits.namespaceDepthMax)
        try vault.makeNamespace(path)
        let deeper = try vault.send(in: path, "POST", "sys/namespaces/n", "{}")
        #expect(deeper.status == 400, "\(deeper.text)")
    }

    // MARK: what it has

    @Test("a namespace has its own mounts, policies, identity, and says so")
    func contents() throws {
        let vault = try TestVault()
        let id = try #require(try vault.makeNamespace("a").data("id")?.asString)
        let mounts = try vault.send(in: "a", "GET", "sys/mounts")
        let names = try mounts.json().asObject?["data"]?.asObject?.members.map(\.name)
        #expect(names == ["cubbyhole/", "identity/", "sys/"])
        let system = try mounts.json().asObject?["data"]?.asObject?["sys/"]?.asObject
        #expect(system?.text("type") == "ns_system")
        let root = try vault.send("GET", "sys/mounts").json().asObject?["data"]?.asObject
        #expect(root?["sys/"]?.asObject?.text("uuid") != system?.text("uuid"))
        let methods = try vault.send(in: "a", "GET", "sys/auth").json().asObject?["data"]?.asObject
        #expect(methods?["token/"]?.asObject?.text("type") == "ns_token")
        let policies = try vault.send(in: "a", "LIST", "sys/policies/acl")
        #expect(try policies.data("keys") == ["default"])
        let entity = try vault.send(in: "a", "POST", "identity/entity", "{}")
        let name = try #require(try entity.data("name")?.asString)
        #expect(name.hasSuffix(".\(id)"))
        let entityID = try #require(try entity.data("id")?.asString)
        #expect(entityID.hasSuffix(".\(id)"))
        let read = try vault.send(in: "a", "GET", "identity/entity/id/\(entityID)")
        #expect(try read.data("namespace_id") == .string(id))
        #expect(try vault.send("GET", "identity/entity/id/\(entityID)").status == 404)
    }

    @Test("tokens, accessors and leases end with the namespace's id")
    func suffixes() throws {
        let vault = try TestVault()
        let id = try #require(try vault.makeNamespace("a").data("id")?.asString)
        let token = try vault.createToken(in: "a", #"{"policies":["default"]}"#)
        #expect(token.hasSuffix(".\(id)") && token.utf8.count == 26 + 7)
        let data = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try data.data("accessor")?.asString?.hasSuffix(".\(id)") == true)
        #expect(try data.data("namespace_path") == "a/")
        #expect(try data.data("policies") == ["default"] && data.data("orphan") == false)
        let lease = vault.leaseID(token) + ".\(id)"
        let found = try vault.send("PUT", "sys/leases/lookup", #"{"lease_id":"\#(lease)"}"#)
        #expect(try found.data("id") == .string(lease))
        let names = try vault.send(in: "a", "LIST", "sys/leases/lookup/auth/token/create")
        #expect(try names.data("keys") == [.string("h\(vault.hash(token)).\(id)")])
        #expect(try vault.send("LIST", "sys/leases/lookup/auth/token/create").status == 404)
        let revoked = try vault.send("PUT", "sys/leases/revoke", #"{"lease_id":"\#(lease)"}"#)
        #expect(revoked.status == 204)
        #expect(try !vault.isAlive(token))
    }

    @Test("a job belongs to its namespace; whoever operates the vault sees it")
    func jobs() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        try vault.send(in: "a", "POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        try vault.send(in: "a", "POST", "kv/s", #"{"v":"1"}"#)
        let tune = #"{"options":{"version":"2"}}"#
        #expect(try vault.send(in: "a", "POST", "sys/mounts/kv/tune", tune).status == 200)
        #expect(try vault.send("LIST", "sys/jobs").data("total") == 1)
        #expect(try vault.send(in: "a", "LIST", "sys/jobs").data("total") == 1)
        try vault.makeNamespace("c")
        #expect(try vault.send(in: "c", "LIST", "sys/jobs").status == 404)
        try vault.work()
        #expect(try vault.send(in: "a", "GET", "kv/data/s").data("data.v") == "1")
        #expect(try vault.send("LIST", "sys/jobs").status == 404)
    }

    @Test("a token and a policy of a namespace end at their time")
    func timers() throws {
        let vault = try TestVault()
        try vault.makeNamespace("a")
        let policy = #"{"policy":"path \"kv/*\" { capabilities = [\"read\"] }","ttl":60}"#
        #expect(try vault.send(in: "a", "PUT", "sys/policies/acl/p", policy).status == 204)
        let token = try vault.createToken(in: "a", #"{"policies":["p"],"ttl":"1m"}"#)
        vault.seconds(62)
        #expect(try vault.runTasks() >= 2)
        #expect(try !vault.isAlive(token))
        #expect(try vault.send(in: "a", "GET", "sys/policies/acl/p").status == 404)
        let kept = try vault.send(in: "a", "GET", "sys/policies/versions/acl/p")
        #expect(kept.status == 200)
        #expect(try vault.send(in: "a", "LIST", "auth/token/accessors").status == 404)
    }
}
