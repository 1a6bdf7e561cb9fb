import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// Nothing of one namespace is read through another: the main claim, tried with everything that
/// can be named.
@Suite("isolation of namespaces")
struct NamespaceIsolationTests {
    /// Four namespaces, in each of them the same things under names that tell which it is.
    final class World {
        static let paths = ["", "a/", "a/b/", "c/"]

        let vault: TestVault
        /// By position in ``paths``: a token that may do all in its namespace and below.
        private(set) var tokens: [String] = []
        private(set) var accessors: [String] = []
        private(set) var leases: [String] = []
        private(set) var entities: [String] = []

        init() throws {
            vault = try TestVault()
            for path in Self.paths.dropFirst() { try vault.makeNamespace(path) }
            for path in Self.paths { try fill(path) }
        }

        func position(_ path: String) -> Int { Self.paths.firstIndex(of: path) ?? 0 }

        /// In every text of a namespace, and in none of another one.
        static func mark(_ path: String) -> String {
            "mark" + (path.isEmpty ? "0" : path.split(separator: "/").joined(separator: "0"))
                + "end"
        }

        private func fill(_ path: String) throws {
            let mark = Self.mark(path)
            func put(_ target: String, _ body: String) throws {
                let answer = try vault.send(in: path, "POST", target, body)
                guard answer.status < 300 else { throw TestFailure("\(target): \(answer.text)") }
            }
            try put("sys/mounts/kv", #"{"type":"kv","description":"\#(mark)"}"#)
            try put("kv/s", #"{"value":"\#(mark)"}"#)
            try put("kv/\(mark)", #"{"value":"x"}"#)
            try put("sys/auth/up", #"{"type":"userpass","description":"\#(mark)"}"#)
            try put("auth/up/users/\(mark)", #"{"password":"p","token_policies":["admin"]}"#)
            try put("auth/up/users/u", #"{"password":"\#(mark)","token_policies":["admin"]}"#)
            try put("identity/entity", #"{"name":"\#(mark)","metadata":{"m":"\#(mark)"}}"#)
            try put("identity/group", #"{"name":"\#(mark)"}"#)
            try put("auth/token/roles/\(mark)", "{}")
            try put(
                "sys/policies/password/\(mark)",
                #"{"policy":"length = 20\nrule \"charset\" { charset = \"ab\" }"}"#
            )
            let text = #"# \#(mark)\npath \"x\" { capabilities = [\"read\"] }"#
            try put("sys/policies/acl/\(mark)", #"{"policy":"\#(text)"}"#)
            let token = try vault.adminToken(of: path)
            tokens.append(token)
            let data = try vault.send(as: token, "GET", "auth/token/lookup-self")
            accessors.append(try data.data("accessor")?.asString ?? "")
            let suffix = token.split(separator: ".").count > 2 ? "." + token.suffix(6) : ""
            leases.append(vault.leaseID(token) + suffix)
            let entity = try vault.send(in: path, "GET", "identity/entity/name/\(mark)")
            entities.append(try entity.data("id")?.asString ?? "")
            _ = try vault.send(in: path, as: token, "POST", "cubbyhole/c", #"{"v":"\#(mark)"}"#)
        }

        /// Everything that can be asked about the namespace at a position.
        func questions(about position: Int) -> [(method: String, path: String, body: String)] {
            let mark = Self.mark(Self.paths[position])
            return [
                ("GET", "kv/s", ""), ("LIST", "kv", ""), ("GET", "kv/\(mark)", ""),
                ("POST", "kv/new", #"{"v":"1"}"#), ("DELETE", "kv/new", ""),
                ("GET", "sys/mounts", ""), ("GET", "sys/mounts/kv", ""),
                ("GET", "sys/mounts/kv/tune", ""), ("GET", "sys/auth", ""),
                ("GET", "sys/auth/up", ""), ("GET", "sys/internal/ui/mounts", ""),
                ("GET", "sys/internal/ui/mounts/kv/s", ""), ("GET", "sys/policy", ""),
                ("LIST", "sys/policies/acl", ""), ("GET", "sys/policies/acl/\(mark)", ""),
                ("LIST", "sys/policies/detailed/acl", ""),
                ("GET", "sys/policies/versions/acl/\(mark)", ""),
                ("LIST", "sys/policies/password", ""),
                ("GET", "sys/policies/password/\(mark)", ""),
                ("LIST", "auth/up/users", ""), ("GET", "auth/up/users/\(mark)", ""),
                ("LIST", "auth/token/roles", ""), ("GET", "auth/token/roles/\(mark)", ""),
                ("LIST", "auth/token/accessors", ""),
                (
                    "POST", "auth/token/lookup-accessor",
                    #"{"accessor":"\#(accessors[position])"}"#
                ),
                (
                    "POST", "sys/capabilities-accessor",
                    #"{"accessor":"\#(accessors[position])","paths":["kv/s"]}"#
                ),
                ("LIST", "sys/leases/lookup/auth/token/create", ""),
                ("PUT", "sys/leases/lookup", #"{"lease_id":"\#(leases[position])"}"#),
                ("LIST", "identity/entity/id", ""), ("LIST", "identity/entity/name", ""),
                ("GET", "identity/entity/id/\(entities[position])", ""),
                ("GET", "identity/entity/name/\(mark)", ""),
                ("POST", "identity/lookup/entity", #"{"name":"\#(mark)"}"#),
                ("LIST", "identity/group/name", ""), ("GET", "identity/group/name/\(mark)", ""),
                ("GET", "sys/locked-users", ""), ("LIST", "sys/namespaces", ""),
                ("GET", "sys/internal/counters/entities", ""), ("LIST", "sys/jobs", ""),
                ("LIST", "sys/retired-mounts", ""), ("HELP", "kv/s", ""),
                ("GET", "sys/internal/specs/openapi", ""),
                ("POST", "auth/token/create", #"{"policies":["admin"]}"#),
                (
                    "POST", "sys/policies/explain",
                    #"{"path":"kv/s","operation":"read","policies":["\#(mark)"]}"#
                ),
                ("PUT", "sys/policies/acl/new", #"{"policy":"path \"a\" {}"}"#),
                ("POST", "sys/mounts/new", #"{"type":"kv"}"#), ("DELETE", "sys/mounts/new", ""),
            ]
        }
    }

    /// What a caller may find without any right of its own there.
    private static let open = ["sys/internal/ui/mounts", "sys/internal/specs/openapi"]

    @Test("no answer holds a word of a namespace that is not the token's own or below it")
    func nothingIsRead() throws {
        let world = try World()
        for (from, owner) in World.paths.enumerated() {
            let token = world.tokens[from]
            for (to, target) in World.paths.enumerated() {
                let mayReach = target.hasPrefix(owner)
                for question in world.questions(about: to) {
                    for byHeader in [true, false] {
                        let answer = try world.vault.send(
                            in: byHeader ? target : "",
                            as: token,
                            question.method,
                            byHeader ? question.path : target + question.path,
                            question.body
                        )
                        let what = "\(owner) asks \(target): \(question) \(answer.text)"
                        if mayReach {
                            #expect(answer.status != 403, "\(what)")
                        } else if !Self.open.contains(question.path) {
                            #expect(answer.status == 403, "\(what)")
                        }
                        for other in World.paths where !other.hasPrefix(owner) {
                            let mark = World.mark(other)
                            // What the caller says itself comes back in some refusals.
                            if question.path.contains(mark) || question.body.contains(mark) {
                                continue
                            }
                            #expect(!answer.text.contains(mark), "\(what)")
                        }
                    }
                }
            }
        }
    }

    @Test("what one namespace writes, no other one has")
    func nothingIsWritten() throws {
        let world = try World()
        for (position, path) in World.paths.enumerated() {
            let answer = try world.vault.send(in: path, "GET", "kv/s")
            #expect(try answer.data("value") == .string(World.mark(path)))
            let own = try world.vault.send(
                in: path,
                as: world.tokens[position],
                "GET",
                "cubbyhole/c"
            )
            #expect(try own.data("v") == .string(World.mark(path)))
            let names = try world.vault.send(in: path, "LIST", "identity/entity/name").data("keys")
            #expect(names == [.string(World.mark(path))])
            let users = try world.vault.send(in: path, "LIST", "auth/up/users").data("keys")
            #expect(Set(users?.asArray?.compactMap(\.asString) ?? []) == ["u", World.mark(path)])
        }
    }

    @Test("a login is good where it was made, with the password of that place")
    func logins() throws {
        let world = try World()
        for path in World.paths {
            for other in World.paths {
                let body = #"{"password":"\#(World.mark(other))"}"#
                let answer = try world.vault.send(
                    in: path,
                    as: "",
                    "POST",
                    "auth/up/login/u",
                    body
                )
                #expect((answer.status == 200) == (path == other), "\(path) \(other)")
                guard answer.status == 200,
                    let auth = try answer.json().asObject?["auth"]?.asObject,
                    let token = auth.text("client_token")
                else { continue }
                for target in World.paths {
                    let read = try world.vault.send(in: target, as: token, "GET", "kv/s")
                    #expect((read.status == 200) == target.hasPrefix(path), "\(path) \(target)")
                }
            }
        }
    }

    /// Odd ways to name a place: headers, and paths in front of what is asked.
    private static let oddHeaders = [
        "", "a", "a/b", "c", "root", "/", ".", "..", "../c", "a/..", "a/../c", "a/b/..", "a/./b",
        "a//b", "//a//", "/a/b//", "root/a", "a/root", "root/..", "A", "a%2Fb", "a%2fb", "%61",
        "a\\b", "a b", "a/b/c", "c/a", "a.b", "a;c", "a,c", "*", "+", "a/*", "kv", "sys", "auth",
    ]
    private static let oddPaths = [
        "", "a/", "a/b/", "c/", "b/", "a/a/", "a//b/", "a/../", "a/../c/", "../c/", "../", "./",
        "a/./b/", "a%2Fb/", "a/%2e%2e/c/", "%2e%2e/c/", "%2E%2E%2Fc/", "%61/", "a%00/", "a%2F/",
        "root/", "a/root/", "A/", "v1/a/", "/c/", "sys/../c/", "kv/../c/", "auth/../c/", "+/", "*/",
    ]

    @Test("however a place is named, a token reaches its own namespace and what is below it")
    func oddNames() throws {
        let world = try World()
        var reached: Set<String> = []
        for (from, owner) in World.paths.enumerated() {
            for header in Self.oddHeaders {
                for path in Self.oddPaths {
                    for target in ["kv/s", "auth/token/accessors?list=true", "sys/policy"] {
                        let token = world.tokens[from]
                        let answer = try world.vault.send(
                            in: header,
                            as: token,
                            "GET",
                            path + target
                        )
                        let what = "\(owner) asks \(header) + \(path)\(target): \(answer.text)"
                        #expect(answer.status < 500, "\(what)")
                        for other in World.paths {
                            let isSeen =
                                answer.text.contains(World.mark(other))
                                || answer.text.contains(world.accessors[world.position(other)])
                            if isSeen, other.hasPrefix(owner) { reached.insert(other) }
                            #expect(!isSeen || other.hasPrefix(owner), "\(what)")
                        }
                    }
                    let written = try world.vault.send(
                        in: header,
                        as: world.tokens[from],
                        "POST",
                        path + "kv/odd",
                        #"{"by":"\#(owner)"}"#
                    )
                    #expect(written.status < 500, "\(owner) \(header) \(path) \(written.text)")
                }
            }
            for place in World.paths where !place.hasPrefix(owner) {
                let found = try world.vault.send(in: place, "GET", "kv/odd")
                #expect(!found.text.contains(#""by":"\#(owner)""#), "\(owner) wrote in \(place)")
            }
        }
        #expect(reached == Set(World.paths))
    }

    @Test("a namespace's own path, without anything behind it, is nothing")
    func bare() throws {
        let world = try World()
        for method in ["GET", "LIST", "POST", "DELETE", "HELP", "SCAN", "PATCH"] {
            for path in ["a", "a/", "a/b", "a/b/"] {
                for token in world.tokens + ["", "nonsense"] {
                    let answer = try world.vault.send(in: "", as: token, method, path, "{}")
                    #expect((300..<500).contains(answer.status), "\(method) \(path)")
                }
            }
        }
    }

    @Test("a batch token is what it was given as, and nothing that looks like it")
    func batchTokens() throws {
        let world = try World()
        for path in World.paths {
            let body = #"{"type":"batch","policies":["admin"]}"#
            let token = try world.vault.createToken(in: path, body)
            #expect(try world.vault.send(in: path, as: token, "GET", "kv/s").status == 200)
            let parts = token.split(separator: ".", omittingEmptySubsequences: false)
            let sealed = "b.\(parts[1])"
            let ending = parts.count > 2 ? ".\(parts[2])" : ""
            for odd in [
                "\(sealed).x\(ending)", "\(sealed).\(ending)", "\(token).", "\(token)\(ending).x",
                "\(sealed)=\(ending)", "\(sealed).aaaaaa\(ending)",
            ] {
                let answer = try world.vault.send(in: path, as: odd, "GET", "kv/s")
                #expect(answer.status == 403, "\(path) \(odd)")
            }
        }
    }

    @Test("a token is asked about by whoever has it; what its policies are, only by its own")
    func capabilities() throws {
        let world = try World()
        for (from, owner) in World.paths.enumerated() {
            for (to, place) in World.paths.enumerated() {
                let token = world.tokens[from]
                let asked = try world.vault.send(
                    in: place,
                    as: world.tokens[to],
                    "POST",
                    "sys/capabilities",
                    #"{"token":"\#(token)","paths":["kv/s"]}"#
                )
                let isBelow = place.hasPrefix(owner)
                #expect(asked.status == 200)
                let list = try asked.data("capabilities")?.asArray?.compactMap(\.asString) ?? []
                #expect(list.contains("read") == isBelow, "\(owner) in \(place): \(asked.text)")
                #expect((list == ["deny"]) != isBelow, "\(owner) in \(place): \(asked.text)")
                let explained = try world.vault.send(
                    in: place,
                    as: world.tokens[to],
                    "POST",
                    "sys/policies/explain",
                    #"{"path":"kv/s","operation":"read","token":"\#(token)"}"#
                )
                #expect((explained.status == 200) == owner.hasPrefix(place), "\(explained.text)")
            }
        }
        let inner = try world.vault.createToken(in: "a", #"{"policies":["default"]}"#)
        let all = try world.vault.send(in: "a", as: inner, "GET", "sys/internal/ui/resultant-acl")
        let paths = try all.data("exact_paths")?.asObject?.members.map(\.name) ?? []
        #expect(paths.contains("a/auth/token/lookup-self"))
        #expect(paths.allSatisfy { $0.hasPrefix("a/") })
    }

    @Test("another ending makes no token of another namespace")
    func endings() throws {
        let world = try World()
        let batch = try World.paths.map { path in
            let body = #"{"type":"batch","policies":["admin"]}"#
            return try world.vault.createToken(in: path, body)
        }
        let endings = world.tokens.map { token in
            token.split(separator: ".").count > 2 ? "." + token.suffix(6) : ""
        }
        for list in [world.tokens, batch] {
            for (from, token) in list.enumerated() {
                let bare = String(token.dropLast(endings[from].count))
                for (to, ending) in endings.enumerated() where to != from {
                    for path in World.paths {
                        let answer = try world.vault.send(
                            in: path,
                            as: bare + ending,
                            "GET",
                            "kv/s"
                        )
                        #expect(answer.status == 403, "\(from) as \(to) in \(path)")
                    }
                }
                #expect(try world.vault.isAlive(token))
            }
        }
    }

    @Test("a policy names what is below its namespace by the way there")
    func ways() throws {
        let world = try World()
        let rule = #"path \"b/kv/*\" { capabilities = [\"read\"] }"#
        let policy = #"{"policy":"\#(rule)"}"#
        try world.vault.send(in: "a", "PUT", "sys/policies/acl/below", policy)
        try world.vault.send("PUT", "sys/policies/acl/below", policy)
        let inner = try world.vault.createToken(in: "a", #"{"policies":["below"]}"#)
        #expect(try world.vault.send(in: "a/b", as: inner, "GET", "kv/s").status == 200)
        #expect(try world.vault.send(in: "a", as: inner, "GET", "b/kv/s").status == 200)
        #expect(try world.vault.send(in: "a", as: inner, "GET", "kv/s").status == 403)
        #expect(try world.vault.send(in: "a/b", as: inner, "GET", "sys/mounts").status == 403)
        let paths = #"{"paths":["kv/s","kv/x/y","sys/mounts"]}"#
        let shown = try world.vault.send(
            in: "a/b",
            as: inner,
            "POST",
            "sys/capabilities-self",
            paths
        )
        #expect(shown.status == 403)
        let outer = try world.vault.createToken(in: "", #"{"policies":["below"]}"#)
        #expect(try world.vault.send(in: "a/b", as: outer, "GET", "kv/s").status == 403)
    }

    @Test("no token of a namespace has the policy root, however it is asked for")
    func root() throws {
        let world = try World()
        let asked = try world.vault.send(
            in: "a",
            "POST",
            "auth/token/create",
            #"{"policies":["root"]}"#
        )
        #expect(asked.errors == ["root tokens may not be created from a parent namespace"])
        let silent = try world.vault.createToken(in: "a", "{}")
        let data = try world.vault.send(as: silent, "GET", "auth/token/lookup-self")
        #expect(try data.data("policies") == ["default"])
        try world.vault.send(
            in: "a",
            "POST",
            "auth/token/roles/r",
            #"{"allowed_policies":["root"]}"#
        )
        #expect(try world.vault.send(in: "a", "POST", "auth/token/create/r", "{}").status == 400)
        let policy = #"{"policy":"path \"*\" { capabilities = [\"read\"] }"}"#
        #expect(try world.vault.send(in: "a", "PUT", "sys/policies/acl/root", policy).status == 400)
        let custom = try world.vault.send(in: "a", "POST", "auth/token/create", #"{"id":"mine"}"#)
        #expect(custom.status == 400)
    }

    // MARK: families across namespaces

    @Test("a token dies with the one of the namespace above that made it")
    func children() throws {
        let world = try World()
        let parent = try world.vault.createToken(in: "", #"{"policies":["admin"]}"#)
        let body = #"{"policies":["admin"]}"#
        let child = try world.vault.createToken(in: "a", body, as: parent)
        let grandchild = try world.vault.createToken(in: "a/b", body, as: child)
        let late = try world.vault.vaultRequest("POST", "a/kv/late", "{\"v\":1}", token: child)
        guard case .commit(let batch, _) = world.vault.step(late) else {
            throw TestFailure("the write was refused")
        }
        for token in [child, grandchild] { #expect(try world.vault.isAlive(token)) }
        try world.vault.send("POST", "auth/token/revoke", #"{"token":"\#(parent)"}"#)
        for token in [child, grandchild] { #expect(try !world.vault.isAlive(token)) }
        if case .applied = try world.vault.commit(batch) { Issue.record("a late write went in") }
        try world.vault.work()
        for (path, token) in [("a", child), ("a/b", grandchild)] {
            let names = try world.vault.send(
                in: path,
                "LIST",
                "sys/leases/lookup/auth/token/create"
            )
            #expect(!names.text.contains(world.vault.hash(token)))
        }
    }

    @Test("orphans of a revoked parent live on in their namespaces")
    func freeing() throws {
        let world = try World()
        let parent = try world.vault.createToken(in: "", #"{"policies":["admin"]}"#)
        let child = try world.vault.createToken(in: "a", #"{"policies":["admin"]}"#, as: parent)
        let body = #"{"token":"\#(parent)"}"#
        #expect(try world.vault.send("POST", "auth/token/revoke-orphan", body).status == 204)
        try world.vault.work()
        #expect(try world.vault.isAlive(child))
        #expect(try world.vault.lookup(child)["orphan"] == true)
        let tidied = try world.vault.send("POST", "auth/token/tidy", "{}")
        #expect(tidied.status == 202)
        try world.vault.work()
        #expect(try world.vault.isAlive(child))
    }

    @Test("whoever may not make tokens in a namespace below makes none")
    func needsSudo() throws {
        let world = try World()
        let rule = #"path \"a/auth/token/create\" { capabilities = [\"update\"] }"#
        try world.vault.send("PUT", "sys/policies/acl/maker", #"{"policy":"\#(rule)"}"#)
        let maker = try world.vault.createToken(in: "", #"{"policies":["maker"]}"#)
        let answer = try world.vault.send(in: "a", as: maker, "POST", "auth/token/create", "{}")
        #expect(answer.status == 400)
        #expect(answer.text.contains("in a child namespace"))
    }

    @Test("a wrapped answer is read wherever its token is sent")
    func wrapping() throws {
        let world = try World()
        for path in World.paths {
            let call = TestVault.Call(
                method: "GET",
                target: "/v1/kv/s",
                headers: [("X-Vault-Namespace", path), ("X-Vault-Wrap-TTL", "60")]
            )
            for place in World.paths {
                let wrapped = try world.vault.send(call).json().asObject?["wrap_info"]?.asObject
                let token = try #require(wrapped?.text("token"))
                let answer = try world.vault.send(
                    in: place,
                    as: token,
                    "PUT",
                    "sys/wrapping/unwrap"
                )
                #expect(try answer.data("value") == .string(World.mark(path)), "\(path) \(place)")
                let again = try world.vault.send(
                    in: place,
                    as: token,
                    "PUT",
                    "sys/wrapping/unwrap"
                )
                #expect(again.status == 400)
            }
            let named = try world.vault.send(call).json().asObject?["wrap_info"]?.asObject
            let token = try #require(named?.text("token"))
            let body = #"{"token":"\#(token)"}"#
            let answer = try world.vault.send("PUT", "sys/wrapping/unwrap", body)
            #expect(try answer.data("value") == .string(World.mark(path)))
        }
    }
}
