import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// Trees that no batch takes, and what is set free or barred in them: nothing outlives what it
/// descends from, and nothing dies with what it does not descend from any more.
@Suite("trees of tokens")
struct TokenTreeTests {
    /// More than two batches of a sweep take.
    private static let many = 2 * TokenLimits.revocationsPerBatch + 22

    /// A vault with a role whose tokens may belong to any entity, and users of a method `ar`.
    private struct Bench {
        let vault: TestVault
        let before: [String]

        init() throws {
            vault = try TestVault()
            try vault.writePolicy(
                "p",
                #"path "*" { capabilities = ["create", "update", "read", "sudo"] }"#
            )
            let role = #"{"orphan":false,"allowed_entity_aliases":["*"]}"#
            #expect(try vault.send("POST", "auth/token/roles/r", role).status == 204)
            try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
            try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#)
            for name in ["ann", "bob"] {
                let role = """
                    {"role_id":"\(name)","bind_secret_id":false,"token_policies":"p",
                    "secret_id_bound_cidrs":"127.0.0.0/8"}
                    """
                #expect(try vault.send("POST", "auth/ar/role/\(name)", role).status == 204)
            }
            before = try vault.leftovers()
        }

        func logIn(_ name: String) throws -> TestVault.Made {
            let body = Array(#"{"role_id":"\#(name)"}"#.utf8)
            let target = "/v1/auth/ar/login"
            var call = TestVault.Call(method: "PUT", target: target, body: body, token: "")
            call.address = "127.0.0.1:4000"
            let answer = try vault.send(call)
            let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
            return TestVault.Made(
                token: auth.text("client_token") ?? "",
                accessor: auth.text("accessor") ?? "",
                auth: auth,
                warnings: []
            )
        }

        /// A child of another entity than its parent's.
        func alias(_ name: String, of parent: String, _ more: String = "") throws -> String {
            let body = #"{"entity_alias":"\#(name)"\#(more)}"#
            return try vault.create(body, as: parent, at: "auth/token/create/r").token
        }

        func makeChildren(_ count: Int, of parent: String) throws -> [String] {
            try (0..<count).map { _ in try vault.create(as: parent).token }
        }

        @discardableResult
        func act(_ path: String, on token: String) throws -> Int {
            try vault.send("POST", "auth/token/\(path)", #"{"token":"\#(token)"}"#).status
        }

        /// A batch on its way.
        func prepare(
            _ method: String,
            _ path: String,
            _ body: String,
            as token: String? = nil
        ) throws -> WriteBatch {
            let request = try vault.vaultRequest(method, path, body, token: token)
            guard case .commit(let batch, _) = vault.step(request) else {
                throw TestFailure("\(path) must be allowed")
            }
            return batch
        }

        func isRejected(_ batch: WriteBatch) throws -> Bool {
            if case .rejected = try vault.commit(batch) { true } else { false }
        }

        /// All of them were set free, and nothing but them is left.
        func finish(_ freed: [String]) throws {
            try vault.work()
            for token in freed {
                #expect(try vault.isAlive(token))
                #expect(try vault.lookup(token).flag("orphan") == true)
            }
            for token in freed { #expect(try act("revoke", on: token) == 204) }
            try vault.work()
            #expect(try vault.leftovers() == before)
        }
    }

    // MARK: entities

    /// How the entity of a parent goes.
    enum Loss: CaseIterable {
        case removed, disabled, renewed
    }

    @Test("a child of another entity dies with its parent's entity", arguments: Loss.allCases)
    func aliasChild(_ loss: Loss) throws {
        let bench = try Bench()
        let vault = bench.vault
        let (ann, bob) = (try bench.logIn("ann"), try bench.logIn("bob"))
        let child = try bench.alias("svc", of: ann.token)
        let batch = try bench.alias("svc", of: ann.token, #","type":"batch""#)
        let grandchild = try vault.create(as: child).token
        let tokens = [child, batch, grandchild]
        let entity = try #require(ann.auth.text("entity_id"))
        #expect(try vault.lookup(child).text("entity_id") != entity)
        // More than the sweep's first batch takes, before it comes to what is looked at here.
        _ = try bench.makeChildren(Self.many, of: bob.token)
        for token in tokens { #expect(try vault.isAlive(token)) }
        let writing = try bench.prepare("PUT", "kv/a", #"{"v":1}"#, as: batch)
        let creating = try bench.prepare("POST", "auth/token/create", "{}", as: child)
        let accessor = try #require(try vault.lookup(child).text("accessor"))
        let ids = #"["\#(bob.auth.text("entity_id") ?? "")","\#(entity)"]"#
        switch loss {
        case .removed:
            let body = #"{"entity_ids":\#(ids)}"#
            #expect(try vault.send("POST", "identity/entity/batch-delete", body).status == 204)
        case .disabled, .renewed:
            // The sweep of many of its own takes more than one batch, too.
            for _ in 0..<Self.many { _ = try bench.logIn("ann") }
            let path = "identity/entity/id/\(entity)"
            #expect(try vault.send("POST", path, #"{"disabled":true}"#).status == 204)
            guard loss == .renewed else { break }
            #expect(try vault.send("POST", path, #"{"disabled":false}"#).status == 204)
        }
        #expect(try vault.leftovers().contains { $0.hasPrefix(SystemPaths.jobs) })
        #expect(try bench.isRejected(writing))
        #expect(try bench.isRejected(creating))
        for token in [ann.token] + tokens {
            #expect(try !vault.isAlive(token))
            let seen = try vault.send("POST", "auth/token/lookup", #"{"token":"\#(token)"}"#)
            #expect(seen.errors == ["bad token"])
        }
        let body = #"{"accessor":"\#(accessor)"}"#
        #expect(try vault.send("POST", "auth/token/lookup-accessor", body).status == 400)
        try vault.work()
        for token in tokens { #expect(try !vault.isAlive(token)) }
        if loss != .removed { #expect(try bench.act("revoke", on: bob.token) == 204) }
        try vault.work()
        #expect(try vault.leftovers() == bench.before)
    }

    @Test("what is barred with its entity cannot set its children free")
    func barredParent() throws {
        let bench = try Bench()
        let vault = bench.vault
        let (ann, bob) = (try bench.logIn("ann"), try bench.logIn("bob"))
        let child = try bench.alias("svc", of: ann.token)
        _ = try bench.makeChildren(Self.many, of: bob.token)
        let body = #"{"token":"\#(ann.token)"}"#
        let freeing = try bench.prepare("POST", "auth/token/revoke-orphan", body)
        let ids = [bob, ann].map { "\"\($0.auth.text("entity_id") ?? "")\"" }
        let entities = #"{"entity_ids":[\#(ids.joined(separator: ","))]}"#
        #expect(try vault.send("POST", "identity/entity/batch-delete", entities).status == 204)
        #expect(try bench.isRejected(freeing))
        #expect(try bench.act("revoke-orphan", on: ann.token) == 400)
        #expect(try !vault.isAlive(child))
        try vault.work()
        #expect(try vault.leftovers() == bench.before)
    }

    // MARK: setting free

    /// What sweeps past a token whose children are being set free.
    enum Sweep: CaseIterable {
        case parent, grandparent, expiry, prefix, entity
    }

    @Test(
        "what was set free outlives every sweep that meets its parent",
        arguments: Sweep.allCases,
        [0, 1]
    )
    func freed(_ sweep: Sweep, _ stepsBefore: Int) throws {
        let bench = try Bench()
        let vault = bench.vault
        let top = try vault.create(#"{"policies":["p"],"ttl":"1h"}"#).token
        let middle = try vault.create(as: top).token
        let parent = try bench.alias("svc", of: middle)
        let entity = try #require(try vault.lookup(parent).text("entity_id"))
        // Neither of the entity nor under the path that is swept.
        let freed = try (0..<Self.many).map { _ in
            try sweep == .entity ? bench.alias("other", of: parent) : vault.create(as: parent).token
        }
        let grandchild = try vault.create(as: freed[Self.many - 1]).token
        #expect(try bench.act("revoke-orphan", on: parent) == 204)
        try vault.work(stepsMax: stepsBefore)
        #expect(try vault.leftovers().contains(SystemPaths.token(hash: vault.hash(parent))))
        switch sweep {
        case .parent: #expect(try bench.act("revoke", on: middle) == 204)
        case .grandparent: #expect(try bench.act("revoke", on: top) == 204)
        case .expiry: vault.now += 3_601_000_000_000
        case .prefix:
            let path = "sys/leases/revoke-prefix/auth/token/create/r"
            #expect(try vault.send("PUT", path, "{}").status == 204)
        case .entity:
            #expect(try vault.send("DELETE", "identity/entity/id/\(entity)").status == 204)
        }
        // A sweep that stands where it met the parent would not come to an end either.
        for _ in 0..<4 {
            #expect(try !vault.isAlive(parent))
            for token in freed + [grandchild] { #expect(try vault.isAlive(token)) }
            try vault.work(stepsMax: 1)
        }
        try vault.work()
        #expect(try vault.isAlive(grandchild))
        #expect(try vault.leftovers().allSatisfy { !$0.contains(vault.hash(parent)) })
        try bench.act("revoke", on: top)
        try bench.finish(freed)
    }

    @Test("so it does where the parent is of a namespace below its own parent's")
    func freedBelow() throws {
        let bench = try Bench()
        let vault = bench.vault
        try vault.makeNamespace("a")
        let rule = #"path \"*\" { capabilities = [\"create\", \"update\", \"read\"] }"#
        let policy = #"{"policy":"\#(rule)"}"#
        #expect(try vault.send(in: "a", "PUT", "sys/policies/acl/q", policy).status == 204)
        let top = try vault.create(#"{"policies":["p"]}"#).token
        let parent = try vault.createToken(in: "a", #"{"policies":["q"]}"#, as: top)
        let freed = try (0..<Self.many).map { _ in
            try vault.createToken(in: "a", "{}", as: parent)
        }
        func isAlive(_ token: String) throws -> Bool {
            try vault.send(in: "a", as: token, "GET", "auth/token/lookup-self").status == 200
        }
        let body = #"{"token":"\#(parent)"}"#
        #expect(try vault.send(in: "a", "POST", "auth/token/revoke-orphan", body).status == 204)
        #expect(try bench.act("revoke", on: top) == 204)
        let mark = SystemPaths.children(of: vault.hash(top))
        #expect(try vault.leftovers().allSatisfy { !$0.hasPrefix(mark) })
        for _ in 0..<3 {
            for token in freed { #expect(try isAlive(token)) }
            try vault.work(stepsMax: 1)
        }
        try vault.work()
        for token in freed {
            #expect(try isAlive(token))
            let body = #"{"token":"\#(token)"}"#
            let seen = try vault.send(in: "a", "POST", "auth/token/lookup", body)
            #expect(try seen.data("orphan") == true)
            try vault.send(in: "a", "POST", "auth/token/revoke", body)
        }
        #expect(try !isAlive(parent))
        try vault.work()
        #expect(try vault.leftovers() == bench.before)
    }

    @Test("a batch token dies with its parent at once, however many the parent sets free")
    func batchChild() throws {
        let bench = try Bench()
        let vault = bench.vault
        let parent = try vault.create(#"{"policies":["p"]}"#).token
        let freed = try bench.makeChildren(Self.many, of: parent)
        let batch = try vault.create(#"{"type":"batch"}"#, as: parent).token
        let below = try vault.create(#"{"type":"batch"}"#, as: freed[0]).token
        for token in [batch, below] { #expect(try vault.isAlive(token)) }
        let writing = try bench.prepare("PUT", "kv/a", #"{"v":1}"#, as: batch)
        #expect(try bench.act("revoke-orphan", on: parent) == 204)
        #expect(try vault.leftovers().contains(SystemPaths.token(hash: vault.hash(parent))))
        #expect(try bench.isRejected(writing))
        for _ in 0..<3 {
            #expect(try !vault.isAlive(batch))
            for token in freed + [below] { #expect(try vault.isAlive(token)) }
            try vault.work(stepsMax: 1)
        }
        try vault.work()
        #expect(try !vault.isAlive(batch))
        try bench.finish(freed)
        #expect(try !vault.isAlive(below))
    }

    // MARK: at the same moment

    @Test(
        "a sweep on its way removes nothing below a token that was set free meanwhile",
        arguments: ["revoke", "revoke-prefix"]
    )
    func sweepOnItsWay(_ kind: String) throws {
        let bench = try Bench()
        let vault = bench.vault
        let top = try vault.create(#"{"policies":["p"]}"#).token
        let parent = try bench.alias("svc", of: top)
        let child = try vault.create(as: parent).token
        let grandchildren = try bench.makeChildren(Self.many, of: child)
        // What it removes first are some of the last.
        let (path, body) =
            kind == "revoke"
            ? ("auth/token/revoke", #"{"token":"\#(top)"}"#)
            : ("sys/leases/revoke-prefix/auth/token/create/r", "{}")
        let sweeping = try bench.prepare("PUT", path, body)
        // One child: it is free at once.
        #expect(try bench.act("revoke-orphan", on: parent) == 204)
        #expect(try bench.isRejected(sweeping))
        #expect(try vault.send("PUT", path, body).status == 204)
        try vault.work()
        for token in [child] + grandchildren { #expect(try vault.isAlive(token)) }
        #expect(try vault.isAlive(top) == (kind != "revoke"))
        try bench.act("revoke", on: top)
        #expect(try bench.act("revoke", on: child) == 204)
        try bench.finish([])
    }

    @Test("what is over with its parent is not set free by a request that was on its way")
    func freeingOnItsWay() throws {
        let bench = try Bench()
        let vault = bench.vault
        let top = try vault.create(#"{"policies":["p"]}"#).token
        let parents = try bench.makeChildren(Self.many, of: top)
        let children = try parents.map { try vault.create(as: $0).token }
        let freeing = try parents.map {
            try bench.prepare("POST", "auth/token/revoke-orphan", #"{"token":"\#($0)"}"#)
        }
        #expect(try bench.act("revoke", on: top) == 204)
        // Most of them were not swept yet.
        #expect(try vault.leftovers().count > Self.many)
        for batch in freeing { #expect(try bench.isRejected(batch)) }
        for token in children { #expect(try !vault.isAlive(token)) }
        try bench.finish([])
    }
}
