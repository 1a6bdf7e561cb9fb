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

        /// A token that is its own record.
        func logInForBatch(_ name: String) throws -> String {
            try setKind("batch", of: name)
            let token = try logIn(name).token
            #expect(token.hasPrefix("b."))
            try setKind("service", of: name)
            return token
        }

        private func setKind(_ kind: String, of name: String) throws {
            let body = #"{"token_type":"\#(kind)"}"#
            let answer = try vault.send("POST", "auth/ar/role/\(name)", body)
            #expect(answer.status == 204, "\(answer.text)")
        }

        func set(_ entity: String, isDisabled: Bool) throws {
            let path = "identity/entity/id/\(entity)"
            let body = #"{"disabled":\#(isDisabled)}"#
            #expect(try vault.send("POST", path, body).status == 204)
        }

        /// Takes an entity's tokens away and lets it log in again.
        func renew(_ entity: String) throws {
            try set(entity, isDisabled: true)
            try set(entity, isDisabled: false)
        }

        /// An entity that no auth method knows.
        func makeEntity(_ name: String) throws -> String {
            let named = try vault.send("POST", "identity/entity", #"{"name":"\#(name)"}"#)
            return try #require(named.data("id")?.asString)
        }

        func merge(_ from: String, into to: String) throws {
            let body = #"{"from_entity_ids":["\#(from)"],"to_entity_id":"\#(to)"}"#
            let answer = try vault.send("POST", "identity/entity/merge", body)
            #expect(answer.status == 204, "\(answer.text)")
        }

        func isAlive(_ tokens: [String]) throws -> [Bool] {
            try tokens.map { try vault.isAlive($0) }
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
        let to = try bench.makeEntity("eve")
        try bench.merge(from, into: to)
        #expect(try bench.vault.isAlive(token))
        try bench.set(to, isDisabled: true)
        #expect(try !bench.vault.isAlive(token))
        try bench.vault.work()
        #expect(try bench.vault.leftovers() == bench.before)
    }

    // MARK: merging

    @Test("a merge brings no token of a disabled entity back", arguments: [1, 300])
    func disabledThenMerged(_ count: Int) throws {
        let bench = try Bench()
        let (first, from) = try bench.logIn("bob")
        var tokens = [first, try bench.logInForBatch("bob")]
        while tokens.count <= count { tokens.append(try bench.logIn("bob").token) }
        let to = try bench.makeEntity("eve")
        try bench.set(from, isDisabled: true)
        // Before the sweep has come by.
        try bench.merge(from, into: to)
        for token in tokens { #expect(try !bench.vault.isAlive(token)) }
        let (later, entity) = try bench.logIn("bob")
        #expect(entity == to)
        #expect(try bench.vault.isAlive(later))
        try bench.vault.work()
        for token in tokens { #expect(try !bench.vault.isAlive(token)) }
        #expect(try bench.vault.isAlive(later))
        try bench.vault.send(as: later, "POST", "auth/token/revoke-self", "")
        #expect(try bench.vault.leftovers() == bench.before)
    }

    @Test("nor one that was revoked before its entity was enabled again")
    func enabledThenMerged() throws {
        let bench = try Bench()
        let (_, from) = try bench.logIn("bob")
        let old = try bench.logInForBatch("bob")
        try bench.renew(from)
        let new = [try bench.logIn("bob").token, try bench.logInForBatch("bob")]
        try bench.merge(from, into: try bench.makeEntity("eve"))
        #expect(try !bench.vault.isAlive(old))
        #expect(try bench.isAlive(new) == [true, true])
    }

    @Test("a merge takes no token away for what was revoked of the other entity")
    func mergedIntoEnabled() throws {
        let bench = try Bench()
        let to = try bench.makeEntity("eve")
        let (token, from) = try bench.logIn("bob")
        var tokens = [token, try bench.logInForBatch("bob")]
        try bench.renew(to)
        try bench.merge(from, into: to)
        #expect(try bench.isAlive(tokens) == [true, true])
        // It still is a token of the entity that its parent was made for.
        tokens.append(try bench.vault.create(as: token).token)
        #expect(try bench.isAlive(tokens) == [true, true, true])
        try bench.renew(to)
        #expect(try bench.isAlive(tokens) == [false, false, false])
        try bench.vault.work()
        #expect(try bench.vault.leftovers() == bench.before)
    }

    @Test("into a disabled entity go no tokens, also if that is enabled later")
    func mergedIntoDisabled() throws {
        let bench = try Bench()
        let to = try bench.makeEntity("eve")
        let (token, from) = try bench.logIn("bob")
        let tokens = [token, try bench.logInForBatch("bob")]
        try bench.set(to, isDisabled: true)
        try bench.merge(from, into: to)
        #expect(try bench.isAlive(tokens) == [false, false])
        try bench.vault.work()
        #expect(try bench.vault.leftovers() == bench.before)
        try bench.set(to, isDisabled: false)
        #expect(try bench.isAlive(tokens) == [false, false])
        #expect(try bench.vault.isAlive(try bench.logIn("bob").token))
    }

    /// Which entity of a chain of merges was disabled and enabled while it held the tokens.
    enum Link: CaseIterable {
        case first, second, third, none
    }

    @Test(
        "in a chain of merges each revocation counts that found the tokens there",
        arguments: Link.allCases
    )
    func chain(_ link: Link) throws {
        let bench = try Bench()
        let (second, third) = (try bench.makeEntity("eve"), try bench.makeEntity("kim"))
        let (token, first) = try bench.logIn("bob")
        let old = [token, try bench.logInForBatch("bob")]
        // These two concern nobody's tokens.
        try bench.renew(second)
        if link == .first { try bench.renew(first) }
        let new = [try bench.logIn("bob").token, try bench.logInForBatch("bob")]
        try bench.merge(first, into: second)
        if link == .second { try bench.renew(second) }
        try bench.renew(third)
        try bench.merge(second, into: third)
        if link == .third { try bench.renew(third) }
        for _ in 0..<2 {
            #expect(try bench.isAlive(old) == (link == .none ? [true, true] : [false, false]))
            let isSpared = link == .none || link == .first
            #expect(try bench.isAlive(new) == (isSpared ? [true, true] : [false, false]))
            try bench.vault.work()
        }
        #expect(try bench.vault.isAlive(try bench.logIn("bob").token))
    }

    @Test("where a merged entity leads is read in both formats, and damage is found")
    func mergedRecord() throws {
        let id = try #require(IdentityID([UInt8](repeating: 7, count: 16)))
        let moments = [nil, Timestamp(nanoseconds: 8), Timestamp(nanoseconds: .max)]
        for revoked in moments {
            let since = Timestamp(nanoseconds: 9)
            let record = MergedEntity(into: id, since: since, revokedThrough: revoked)
            let bytes = record.encoded()
            #expect(try MergedEntity(decoding: bytes) == record)
            for length in 0..<bytes.count {
                #expect(throws: VaultError.self) {
                    try MergedEntity(decoding: Array(bytes.prefix(length)))
                }
            }
            #expect(throws: VaultError.self) { try MergedEntity(decoding: bytes + [0]) }
            #expect(throws: VaultError.self) { try MergedEntity(decoding: [3] + bytes.dropFirst()) }
        }
        // Before moments were kept, every revocation of the other entity counted.
        let old = try MergedEntity(decoding: IdentityPointer(id: id).encoded())
        #expect(old.into == id)
        let moment = Timestamp(nanoseconds: 1)
        #expect(old.revokedThrough(with: moment) == moment)
        #expect(old.revokedThrough(with: nil) == nil)
    }

    // MARK: moments

    @Test("in one second: what was made before the disabling is over, what is made after is not")
    func sameSecond() throws {
        let bench = try Bench()
        let entity = try bench.logIn("bob").entity
        let second: UInt64 = 1_000_000_000
        bench.vault.now = (bench.vault.now / second + 1) * second + 300_000_000
        let end = bench.vault.now + second / 2
        var old: [String] = []
        for _ in 0..<3 {
            let token = try bench.logInForBatch("bob")
            #expect(try bench.vault.isAlive(token))
            try bench.renew(entity)
            old.append(token)
            #expect(try bench.isAlive(old).allSatisfy { !$0 })
        }
        #expect(bench.vault.now < end, "all of it was in one second")
    }

    @Test("a token of a node whose clock is ahead is over as well")
    func clocks() throws {
        let bench = try Bench()
        let (token, entity) = try bench.logIn("bob")
        let tokens = [token, try bench.logInForBatch("bob")]
        // Another node disables it, and enables it later.
        bench.vault.now -= 20_000_000
        try bench.set(entity, isDisabled: true)
        #expect(try bench.isAlive(tokens) == [false, false])
        bench.vault.now += 1_000_000_000
        try bench.set(entity, isDisabled: false)
        #expect(try bench.isAlive(tokens) == [false, false])
        // A login that was under way when it was enabled gives no token that is over already.
        bench.vault.now -= 20_000_000
        let body = Array(#"{"role_id":"bob"}"#.utf8)
        var call = TestVault.Call(method: "PUT", target: "/v1/auth/ar/login", body: body, token: "")
        call.address = "127.0.0.1:4000"
        #expect(try bench.vault.send(call).status == 403)
        bench.vault.now += 20_000_000
        #expect(try bench.vault.isAlive(try bench.logIn("bob").token))
    }
}
