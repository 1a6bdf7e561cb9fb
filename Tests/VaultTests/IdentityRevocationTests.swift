import Testing
import Wire

@testable import Engines
@testable import Vault

/// What becomes of the tokens of an entity that is disabled or removed.
@Suite("revocation by identity")
struct IdentityRevocationTests {
    /// Entities with users of a method `up`, and what logged in as them.
    private struct Bench {
        let vault: TestVault
        let before: [String]

        init() throws {
            vault = try TestVault()
            try vault.writePolicy("p", #"path "*" { capabilities = ["update", "read", "sudo"] }"#)
            try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#)
            for name in ["ann", "bob"] {
                let role = """
                    {"role_id":"\(name)","bind_secret_id":false,"token_policies":"p",
                    "secret_id_bound_cidrs":"127.0.0.0/8"}
                    """
                #expect(try vault.send("POST", "auth/ar/role/\(name)", role).status == 204)
            }
            // A job that has ended leaves the table of all jobs.
            before = try vault.leftovers()
        }

        func logIn(_ name: String) throws -> (token: String, entity: String) {
            let body = Array(#"{"role_id":"\#(name)"}"#.utf8)
            let target = "/v1/auth/ar/login"
            var call = TestVault.Call(method: "PUT", target: target, body: body, token: "")
            call.address = "127.0.0.1:4000"
            let answer = try vault.send(call)
            let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
            return (auth.text("client_token") ?? "", auth.text("entity_id") ?? "")
        }

        func set(_ entity: String, isDisabled: Bool) throws {
            let path = "identity/entity/id/\(entity)"
            let body = #"{"disabled":\#(isDisabled)}"#
            #expect(try vault.send("POST", path, body).status == 204)
        }
    }

    @Test("nothing is left of them, however many there are", arguments: [1, 40, 300])
    func sweep(_ count: Int) throws {
        let bench = try Bench()
        let (first, entity) = try bench.logIn("bob")
        var tokens = [first]
        while tokens.count < count {
            // A child belongs to the same entity.
            let isChild = tokens.count % 3 == 0
            tokens.append(
                try isChild ? bench.vault.create(as: first).token : bench.logIn("bob").token
            )
        }
        let other = try bench.logIn("ann").token
        try bench.set(entity, isDisabled: true)
        for token in tokens { #expect(try !bench.vault.isAlive(token)) }
        // Enabled again before the sweep has come by: what was revoked stays so, and what is made
        // now is not swept.
        try bench.set(entity, isDisabled: false)
        let later = try bench.logIn("bob").token
        for token in tokens { #expect(try !bench.vault.isAlive(token)) }
        #expect(try bench.vault.isAlive(later))
        try bench.vault.work()
        #expect(try bench.vault.isAlive(later))
        #expect(try bench.vault.isAlive(other))
        for token in [later, other] {
            try bench.vault.send(as: token, "POST", "auth/token/revoke-self", "")
        }
        #expect(try bench.vault.leftovers() == bench.before)
    }

    @Test("the same when the entity is removed, alone or with others", arguments: [1, 200])
    func removal(_ count: Int) throws {
        let bench = try Bench()
        var entities: [String] = []
        for name in ["ann", "bob"] {
            let (token, entity) = try bench.logIn(name)
            for _ in 1..<max(2, count) { try bench.vault.create(as: token) }
            entities.append(entity)
        }
        try bench.vault.send("DELETE", "identity/entity/id/\(entities[0])")
        let (fresh, entity) = try bench.logIn("ann")
        #expect(entity != entities[0])
        let body = #"{"entity_ids":["\#(entities[1])","\#(entity)"]}"#
        let answer = try bench.vault.send("POST", "identity/entity/batch-delete", body)
        #expect(answer.status == 204, "\(answer.text)")
        #expect(try !bench.vault.isAlive(fresh))
        try bench.vault.work()
        #expect(try bench.vault.leftovers() == bench.before)
    }

    @Test("tokens of entities that were merged into it are over, too")
    func merged() throws {
        let bench = try Bench()
        let (token, from) = try bench.logIn("ann")
        let named = try bench.vault.send("POST", "identity/entity", #"{"name":"eve"}"#)
        let to = try #require(try named.data("id")?.asString)
        let body = #"{"from_entity_ids":["\#(from)"],"to_entity_id":"\#(to)"}"#
        let answer = try bench.vault.send("POST", "identity/entity/merge", body)
        #expect(answer.status == 204, "\(answer.text)")
        #expect(try bench.vault.isAlive(token))
        try bench.set(to, isDisabled: true)
        #expect(try !bench.vault.isAlive(token))
        try bench.vault.work()
        #expect(try bench.vault.leftovers() == bench.before)
    }
}
