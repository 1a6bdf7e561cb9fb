import Barrier
import Store
import Testing
import Wire

@testable import Engines
@testable import Vault

/// What an entity and its groups add to a token, and how fast a change of them counts.
@Suite("identity behind a token")
struct IdentityAuthorityTests {
    private static func reader(_ path: String) -> String {
        #"path "\#(path)" { capabilities = ["create", "read", "update"] }"#
    }

    /// A vault with a mount `kv`, an entity `bob`, and a token of his without policies.
    private func bench() throws -> (vault: TestVault, entity: String, token: String) {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        let entity = try make(vault, "entity", #"{"name":"bob","metadata":{"team":"red"}}"#)
        return (vault, entity, try vault.makeToken([], entityID: entity).token)
    }

    private func make(_ vault: TestVault, _ kind: String, _ body: String) throws -> String {
        let answer = try vault.send("POST", "identity/\(kind)", body)
        return try #require(try answer.data("id")?.asString, "\(answer.text)")
    }

    private func status(_ vault: TestVault, _ token: String, _ path: String) throws -> Int {
        try vault.send(as: token, "GET", path).status
    }

    @Test("policies of the entity, of its groups and of theirs count at once")
    func policies() throws {
        let (vault, entity, token) = try bench()
        for name in ["own", "direct", "inherited"] {
            try vault.writePolicy(name, Self.reader("kv/\(name)"))
        }
        #expect(try status(vault, token, "kv/own") == 403)
        try vault.send("POST", "identity/entity/id/\(entity)", #"{"policies":["own"]}"#)
        #expect(try status(vault, token, "kv/own") == 404)
        let direct = try make(
            vault,
            "group",
            #"{"name":"d","policies":["direct"],"member_entity_ids":["\#(entity)"]}"#
        )
        #expect(try status(vault, token, "kv/direct") == 404)
        #expect(try status(vault, token, "kv/inherited") == 403)
        let upper = try make(
            vault,
            "group",
            #"{"name":"u","policies":["inherited"],"member_group_ids":["\#(direct)"]}"#
        )
        #expect(try status(vault, token, "kv/inherited") == 404)
        let shown = try vault.send(
            as: token,
            "POST",
            "sys/capabilities-self",
            #"{"path":"kv/own"}"#
        )
        #expect(shown.status == 403, "bob's token lacks even the default policy")
        try vault.send("POST", "identity/group/id/\(upper)", #"{"policies":[]}"#)
        #expect(try status(vault, token, "kv/inherited") == 403)
        try vault.send("POST", "identity/group/id/\(direct)", #"{"member_entity_ids":[]}"#)
        #expect(try status(vault, token, "kv/direct") == 403)
        #expect(try status(vault, token, "kv/own") == 404)
        try vault.send("POST", "identity/entity/id/\(entity)", #"{"policies":[]}"#)
        #expect(try status(vault, token, "kv/own") == 403)
    }

    @Test("a denial by a group wins over a grant by the token")
    func denial() throws {
        let (vault, entity, _) = try bench()
        try vault.writePolicy("all", Self.reader("kv/*"))
        try vault.writePolicy("none", #"path "kv/*" { capabilities = ["deny"] }"#)
        let token = try vault.makeToken(["all"], entityID: entity).token
        #expect(try status(vault, token, "kv/x") == 404)
        let body = #"{"name":"g","policies":["none"],"member_entity_ids":["\#(entity)"]}"#
        let group = try make(vault, "group", body)
        #expect(try status(vault, token, "kv/x") == 403)
        try vault.send("DELETE", "identity/group/id/\(group)")
        #expect(try status(vault, token, "kv/x") == 404)
    }

    @Test("a template that must not stand there bars this token from all, and no other one")
    func forbiddenTemplate() throws {
        let (vault, bob, _) = try bench()
        let deep = try make(vault, "entity", #"{"name":"deep","metadata":{"team":"a/b"}}"#)
        let denying = #"path "kv/{{identity.entity.metadata.team}}" { capabilities = ["deny"] }"#
        try vault.writePolicy("t", Self.reader("kv/*") + "\n" + denying)
        let deeps = try vault.makeToken(["t"], entityID: deep).token
        let bobs = try vault.makeToken(["t"], entityID: bob).token
        for _ in 0..<2 {
            #expect(try status(vault, deeps, "kv/x") == 403, "a rule of it might have denied this")
            #expect(try status(vault, bobs, "kv/x") == 404)
            #expect(try status(vault, bobs, "kv/red") == 403)
        }
        try vault.send("POST", "identity/entity/id/\(deep)", #"{"metadata":{"team":"c"}}"#)
        #expect(try status(vault, deeps, "kv/x") == 404)
        #expect(try status(vault, deeps, "kv/c") == 403)
    }

    @Test("a rule with such a template bars until it expires, and explain says why")
    func forbiddenTemplateExpires() throws {
        let (vault, _, _) = try bench()
        let deep = try make(vault, "entity", #"{"name":"deep","metadata":{"team":"a/b"}}"#)
        let end = Timestamp(nanoseconds: vault.now + 60_000_000_000).rfc3339
        let denying = #"path "kv/{{identity.entity.metadata.team}}" { capabilities = ["deny"] "#
        let ending = "expiration = \"\(end)\" }"
        try vault.writePolicy("t", Self.reader("kv/*") + "\n" + denying + ending)
        let token = try vault.makeToken(["t"], entityID: deep).token
        #expect(try status(vault, token, "kv/x") == 403)
        let question = #"{"path":"kv/x","operation":"read","token":"\#(token)"}"#
        let told = try vault.send("PUT", "sys/policies/explain", question)
        #expect(try told.data("remedy")?.asString?.contains("allow_slashes") == true)
        vault.now += 61_000_000_000
        #expect(try status(vault, token, "kv/x") == 404)
    }

    @Test("an entity in too many groups may do nothing, whatever others with its policies may")
    func tooManyGroups() throws {
        let (vault, bob, _) = try bench()
        try vault.writePolicy("all", Self.reader("kv/*"))
        let many = try make(vault, "entity", #"{"name":"many"}"#)
        let bobs = try vault.makeToken(["all"], entityID: bob).token
        let manys = try vault.makeToken(["all"], entityID: many).token
        #expect(try status(vault, manys, "kv/x") == 404)
        // More than an entity inherits from, by few memberships: 5 x 256 parents.
        for child in 0..<5 {
            let body = #"{"name":"c\#(child)","member_entity_ids":["\#(many)"]}"#
            let group = try make(vault, "group", body)
            for parent in 0..<250 {
                _ = try make(
                    vault,
                    "group",
                    #"{"name":"p\#(child)-\#(parent)","member_group_ids":["\#(group)"]}"#
                )
            }
        }
        for _ in 0..<2 {
            #expect(try status(vault, bobs, "kv/x") == 404)
            #expect(try status(vault, manys, "kv/x") == 403)
        }
    }

    @Test("templates speak of the token's own entity, its aliases and its groups")
    func templates() throws {
        let (vault, bob, _) = try bench()
        let ann = try make(vault, "entity", #"{"name":"ann","metadata":{"team":"blue"}}"#)
        let accessor = try #require(
            try vault.send("GET", "sys/mounts/kv").data("accessor")?.asString
        )
        _ = try make(
            vault,
            "entity-alias",
            #"{"name":"robert","canonical_id":"\#(bob)","mount_accessor":"\#(accessor)"}"#
        )
        let group = try make(
            vault,
            "group",
            #"{"name":"ops","metadata":{"room":"r1"},"member_entity_ids":["\#(bob)"]}"#
        )
        let paths = [
            "kv/id/{{identity.entity.id}}", "kv/name/{{identity.entity.name}}",
            "kv/team/{{identity.entity.metadata.team}}",
            "kv/alias/{{identity.entity.aliases.\(accessor).name}}",
            "kv/room/{{identity.groups.names.ops.metadata.room}}",
            "kv/group/{{identity.groups.ids.\(group).name}}",
        ]
        try vault.writePolicy("t", paths.map(Self.reader).joined(separator: "\n"))
        let bobs = try vault.makeToken(["t"], entityID: bob).token
        let anns = try vault.makeToken(["t"], entityID: ann).token
        let nobodys = try vault.makeToken(["t"]).token
        let rows = [
            ("kv/id/\(bob)", true, false), ("kv/id/\(ann)", false, true),
            ("kv/name/bob", true, false), ("kv/name/ann", false, true),
            ("kv/team/red", true, false), ("kv/team/blue", false, true),
            ("kv/alias/robert", true, false), ("kv/room/r1", true, false),
            ("kv/group/ops", true, false),
        ]
        // Twice: what was put together for one must not be used for the other.
        for (path, isBobs, isAnns) in rows + rows {
            #expect(try status(vault, bobs, path) == (isBobs ? 404 : 403), "bob, \(path)")
            #expect(try status(vault, anns, path) == (isAnns ? 404 : 403), "ann, \(path)")
            #expect(try status(vault, nobodys, path) == 403, "nobody, \(path)")
        }
        try vault.send("POST", "identity/entity/id/\(bob)", #"{"name":"rob"}"#)
        #expect(try status(vault, bobs, "kv/name/bob") == 403)
        #expect(try status(vault, bobs, "kv/name/rob") == 404)
        try vault.send("POST", "identity/group/id/\(group)", #"{"metadata":{"room":"r2"}}"#)
        #expect(try status(vault, bobs, "kv/room/r1") == 403)
        #expect(try status(vault, bobs, "kv/room/r2") == 404)
    }

    @Test("the default policy lets everybody see their own entity, and capabilities know it")
    func standardPolicy() throws {
        let (vault, bob, _) = try bench()
        let token = try vault.makeToken(["default"], entityID: bob).token
        #expect(try status(vault, token, "identity/entity/id/\(bob)") == 200)
        #expect(try status(vault, token, "identity/entity/name/bob") == 200)
        let other = try make(vault, "entity", #"{"name":"ann"}"#)
        #expect(try status(vault, token, "identity/entity/id/\(other)") == 403)
        try vault.writePolicy("own", Self.reader("kv/own"))
        try vault.send("POST", "identity/entity/id/\(bob)", #"{"policies":["own"]}"#)
        let expected: JSONValue = ["create", "read", "update"]
        let body = #"{"path":"kv/own"}"#
        let own = try vault.send(as: token, "POST", "sys/capabilities-self", body)
        #expect(try own.data("capabilities") == expected)
        let asked = #"{"token":"\#(token)","path":"kv/own"}"#
        #expect(try vault.send("POST", "sys/capabilities", asked).data("capabilities") == expected)
        let looked = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try looked.data("entity_id") == .string(bob))
        #expect(try looked.data("identity_policies") == ["own"])
    }

    @Test("a disabled or removed entity's tokens are over at once and for good")
    func disabled() throws {
        let (vault, bob, _) = try bench()
        let (token, accessor) = try vault.makeToken(["default"], entityID: bob)
        let root = try vault.makeToken(["root"], entityID: bob).token
        let body = #"{"token":"\#(token)","path":"kv/x"}"#
        let byAccessor = #"{"accessor":"\#(accessor)","path":"kv/x"}"#
        #expect(try status(vault, token, "auth/token/lookup-self") == 200)
        #expect(try vault.send("POST", "sys/capabilities", body).status == 200)
        try vault.send("POST", "identity/entity/id/\(bob)", #"{"disabled":true}"#)
        for refused in [token, root] {
            let answer = try vault.send(as: refused, "GET", "auth/token/lookup-self")
            #expect(answer.status == 403)
            #expect(answer.errors == ["permission denied"])
        }
        #expect(try vault.send("POST", "sys/capabilities", body).status == 400)
        #expect(try vault.send("POST", "sys/capabilities-accessor", byAccessor).status == 400)
        try vault.send("POST", "identity/entity/id/\(bob)", #"{"disabled":false}"#)
        #expect(try status(vault, root, "auth/token/lookup-self") == 403)
        let later = try vault.makeToken(["root"], entityID: bob).token
        #expect(try status(vault, later, "auth/token/lookup-self") == 200)
        try vault.send("DELETE", "identity/entity/id/\(bob)")
        #expect(try status(vault, later, "auth/token/lookup-self") == 403)
    }

    @Test("a token of a merged entity works on as the entity that it was merged into")
    func merged() throws {
        let (vault, bob, _) = try bench()
        let ann = try make(vault, "entity", #"{"name":"ann"}"#)
        let eve = try make(vault, "entity", #"{"name":"eve"}"#)
        let token = try vault.makeToken(["default"], entityID: bob).token
        for (from, to) in [(bob, ann), (ann, eve)] {
            let body = #"{"from_entity_ids":["\#(from)"],"to_entity_id":"\#(to)"}"#
            #expect(try vault.send("POST", "identity/entity/merge", body).status == 204)
            #expect(try status(vault, token, "identity/entity/id/\(to)") == 200)
        }
        try vault.send("POST", "identity/entity/id/\(eve)", #"{"disabled":true}"#)
        #expect(try status(vault, token, "auth/token/lookup-self") == 403)
        try vault.send("DELETE", "identity/entity/id/\(eve)")
        #expect(try status(vault, token, "auth/token/lookup-self") == 403)
    }

    @Test(
        "a write that was allowed is not applied after the identity behind it changed",
        arguments: ["disabled", "removed", "own policies", "group", "membership", "upper group"]
    )
    func fence(_ change: String) throws {
        let (vault, bob, token) = try bench()
        try vault.writePolicy("p", Self.reader("kv/*"))
        let isOwn = change == "own policies"
        let policies = isOwn ? #"{"policies":["p"]}"# : "{}"
        try vault.send("POST", "identity/entity/id/\(bob)", policies)
        let group = try make(
            vault,
            "group",
            #"{"name":"g","member_entity_ids":["\#(bob)"],"policies":[\#(isOwn ? "" : "\"p\"")]}"#
        )
        let request = try vault.vaultRequest("PUT", "kv/x", #"{"a":1}"#, token: token)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("the write must be allowed")
        }
        let before = try vault.vaultRequest("GET", "kv/x", token: token)
        try vault.store.view { view throws(any Error) in
            switch change {
            case "disabled":
                try vault.send("POST", "identity/entity/id/\(bob)", #"{"disabled":true}"#)
            case "removed": try vault.send("DELETE", "identity/entity/id/\(bob)")
            case "own policies":
                try vault.send("POST", "identity/entity/id/\(bob)", #"{"policies":[]}"#)
            case "group": try vault.send("POST", "identity/group/id/\(group)", #"{"policies":[]}"#)
            case "membership":
                try vault.send("POST", "identity/group/id/\(group)", #"{"member_entity_ids":[]}"#)
            default:
                try vault.writePolicy("no", #"path "kv/*" { capabilities = ["deny"] }"#)
                let body = #"{"policies":["no"],"member_group_ids":["\#(group)"]}"#
                _ = try make(vault, "group", body)
            }
            guard case .refuse(.engine(.notFound, _)) = vault.step(before, in: view) else {
                throw TestFailure("the old view must be decided by the old identity")
            }
        }
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the batch must be rejected")
        }
        guard case .refuse = vault.step(request) else {
            throw TestFailure("prepared again, the write is refused")
        }
        #expect(try vault.send("GET", "kv/x").status == 404)
    }
}
