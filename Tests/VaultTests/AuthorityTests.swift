import Barrier
import Store
import Testing
import Wire

@testable import Engines
@testable import Policy
@testable import Vault

/// What becomes of a token's authority when something that it rests on changes, is missing or is
/// damaged.
@Suite("authority")
struct AuthorityTests {
    private static let reader = #"path "kv/*" { capabilities = ["read", "update", "create"] }"#

    private func bench() throws -> (vault: TestVault, token: String) {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/kv", #"{"type":"kv"}"#)
        try vault.writePolicy("p", Self.reader)
        return (vault, try vault.makeToken(["p"]).token)
    }

    private func status(_ vault: TestVault, _ token: String) throws -> Int {
        try vault.send(as: token, "GET", "kv/x").status
    }

    @Test("a changed policy counts from the next request on")
    func changed() throws {
        let (vault, token) = try bench()
        #expect(try status(vault, token) == 404)
        try vault.writePolicy("p", #"path "kv/*" { capabilities = ["list"] }"#)
        #expect(try status(vault, token) == 403)
        try vault.writePolicy("p", Self.reader)
        #expect(try status(vault, token) == 404)
    }

    @Test("a view of before the change is decided by the policy of before")
    func ownView() throws {
        let (vault, token) = try bench()
        let request = try vault.vaultRequest("GET", "kv/x", token: token)
        try vault.store.view { view throws(any Error) in
            try vault.writePolicy("p", #"path "kv/*" { capabilities = ["list"] }"#)
            #expect(try status(vault, token) == 403)
            guard case .refuse(.engine(.notFound, _)) = vault.step(request, in: view) else {
                throw TestFailure("the old view must be decided by the old policy")
            }
            #expect(try status(vault, token) == 403)
        }
    }

    @Test("a write that was allowed is not applied after the policy changed")
    func fence() throws {
        let (vault, token) = try bench()
        let request = try vault.vaultRequest("PUT", "kv/x", #"{"a":1}"#, token: token)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("the write must be allowed")
        }
        try vault.writePolicy("p", #"path "kv/*" { capabilities = ["read"] }"#)
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the batch must be rejected")
        }
        guard case .refuse(.denied) = vault.step(request) else {
            throw TestFailure("prepared again, the write is denied")
        }
        #expect(try vault.send("GET", "kv/x").status == 404)
    }

    @Test("who may only create cannot overwrite, not even at the same moment")
    func creation() throws {
        let (vault, token) = try bench()
        try vault.writePolicy("p", #"path "kv/*" { capabilities = ["create"] }"#)
        let request = try vault.vaultRequest("PUT", "kv/x", #"{"a":1}"#, token: token)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("the creation must be allowed")
        }
        #expect(try vault.send("PUT", "kv/x", #"{"a":2}"#).status == 204)
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the creation must fail once the name is there")
        }
        #expect(try vault.send(as: token, "PUT", "kv/x", #"{"a":1}"#).status == 403)
        #expect(try vault.send("GET", "kv/x").data("a") == 2)
        #expect(try vault.send(as: token, "PUT", "kv/y", #"{"a":1}"#).status == 204)
    }

    @Test("who may only update cannot create, not even at the same moment")
    func update() throws {
        let (vault, token) = try bench()
        try vault.writePolicy("p", #"path "kv/*" { capabilities = ["update"] }"#)
        #expect(try vault.send("PUT", "kv/x", #"{"a":1}"#).status == 204)
        let request = try vault.vaultRequest("PUT", "kv/x", #"{"a":2}"#, token: token)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("the update must be allowed")
        }
        try vault.send("DELETE", "kv/x")
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the update must fail once the name is gone")
        }
        #expect(try vault.send(as: token, "PUT", "kv/x", #"{"a":2}"#).status == 403)
    }

    // MARK: what is not there

    @Test("a policy that nobody knows leaves the token nothing, whatever its others allow")
    func unknown() throws {
        let (vault, _) = try bench()
        let token = try vault.makeToken(["default", "later", "p"]).token
        #expect(try status(vault, token) == 403)
        #expect(try vault.send(as: token, "GET", "auth/token/lookup-self").status == 403)
        try vault.writePolicy("later", #"path "x" {}"#)
        #expect(try status(vault, token) == 404)
    }

    @Test("a policy that was deleted counts for nothing, and its rules are gone")
    func deleted() throws {
        let (vault, _) = try bench()
        try vault.writePolicy("no", #"path "kv/*" { capabilities = ["deny"] }"#)
        let token = try vault.makeToken(["no", "p"]).token
        #expect(try status(vault, token) == 403)
        try vault.send("DELETE", "sys/policies/acl/no")
        #expect(try status(vault, token) == 404)
        try vault.send("DELETE", "sys/policies/versions/acl/no")
        #expect(try status(vault, token) == 403)
    }

    @Test("a policy's record that is gone without a trace closes the token")
    func lost() throws {
        let (vault, token) = try bench()
        #expect(try status(vault, token) == 404)
        let name = try #require(PolicyName("p"))
        try vault.change { builder in
            try builder.delete(.system, SystemPaths.policy(name))
        }
        vault.cache.wipe()
        #expect(try status(vault, token) == 403)
    }

    @Test("a policy's record that cannot be read is an error, never a policy that is not there")
    func damaged() throws {
        let (vault, token) = try bench()
        let name = try #require(PolicyName("p"))
        let whole = try vault.view { view in
            try view.systemRecord(SystemPaths.policy(name))?.value ?? []
        }
        for bytes in [[], [9], Array(whole.dropLast()), whole + [0]] as [[UInt8]] {
            try vault.change { builder in
                try builder.put(.system, SystemPaths.policy(name), bytes)
            }
            vault.cache.wipe()
            #expect(try status(vault, token) == 500)
            #expect(try vault.send("GET", "sys/policies/acl/p").status == 500)
        }
        try vault.change { builder in
            try builder.put(.system, SystemPaths.policy(name), whole)
            try builder.put(.system, SystemPaths.policyTable, [7])
        }
        #expect(try status(vault, token) == 404)
        #expect(try vault.send("PUT", "sys/policies/acl/q", #"{"policy":"x"}"#).status == 500)
    }

    @Test("without the policy table nobody is allowed anything but root")
    func lostTable() throws {
        let (vault, token) = try bench()
        try vault.send("PUT", "kv/x", #"{"a":1}"#)
        try vault.change { builder in try builder.delete(.system, SystemPaths.policyTable) }
        #expect(try status(vault, token) == 500)
        #expect(try vault.send("GET", "kv/x").status == 200)
    }

    @Test("policies and rules that expire count for nothing from then on")
    func expired() throws {
        let (vault, token) = try bench()
        try vault.send(
            "PUT",
            "sys/policies/acl/p",
            #"{"policy":"path \"kv/*\" { capabilities = [\"read\"] }","ttl":"10s"}"#
        )
        #expect(try status(vault, token) == 404)
        vault.now += 11_000_000_000
        #expect(try status(vault, token) == 403)
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 404)
        #expect(try vault.send("LIST", "sys/policies/acl").data("keys") == ["default", "root"])
        let end = Timestamp(nanoseconds: vault.now + 10_000_000_000).rfc3339
        try vault.writePolicy(
            "p",
            #"path "kv/*" { capabilities = ["read"] expiration = "\#(end)" }"#
        )
        #expect(try status(vault, token) == 404)
        #expect(try vault.send("GET", "sys/policies/acl/p").status == 200)
        vault.now += 11_000_000_000
        #expect(try status(vault, token) == 403)
    }

    // MARK: tokens

    @Test("a token is over when its lifetime is, or its uses are")
    func lifetimes() throws {
        let (vault, _) = try bench()
        let short = try vault.makeToken(["p"], lifetimeSeconds: 10).token
        #expect(try status(vault, short) == 404)
        vault.now += 11_000_000_000
        let over = try vault.send(as: short, "GET", "kv/x")
        #expect(over.status == 403 && over.errors == ["permission denied"])
        let counted = try vault.makeToken(["p"], usesLeft: 2).token
        #expect(try status(vault, counted) == 404)
        #expect(try status(vault, counted) == 404)
        #expect(try status(vault, counted) == 403)
        let endless = try vault.makeToken(["p"], lifetimeSeconds: .max).token
        #expect(try status(vault, endless) == 404)
    }

    @Test("root among other policies is no root, and too many policies are none")
    func strangeTokens() throws {
        let (vault, _) = try bench()
        for policies in [
            ["p", "root"], ["root", "root"], ["Root"], ["", "p"],
        ] {
            let token = try vault.makeToken(policies).token
            #expect(try status(vault, token) == 403, "\(policies.prefix(2))")
        }
        let twice = try vault.makeToken(["p", "P"]).token
        #expect(try status(vault, twice) == 404)
    }

    @Test("more rules than a token may have leave it nothing")
    func tooManyRules() throws {
        let (vault, _) = try bench()
        let block = (0..<4_900).map { "path \"a/\($0)\" {}\n" }.joined()
        for name in ["m1", "m2", "m3"] { try vault.writePolicy(name, block) }
        let two = try vault.makeToken(["m1", "m2", "p"]).token
        #expect(try status(vault, two) == 404)
        let three = try vault.makeToken(["m1", "m2", "m3", "p"]).token
        #expect(try status(vault, three) == 403)
        let comment = String(repeating: "#", count: 500 << 10) + "\n"
        for name in ["l1", "l2", "l3", "l4", "l5"] { try vault.writePolicy(name, comment) }
        let four = try vault.makeToken(["l1", "l2", "l3", "l4", "p"]).token
        #expect(try status(vault, four) == 404)
        let five = try vault.makeToken(["l1", "l2", "l3", "l4", "l5", "p"]).token
        #expect(try status(vault, five) == 403)
    }

    @Test("what is kept in memory is bounded, and forgetting it changes no decision")
    func cacheBound() throws {
        let (vault, token) = try bench()
        let filler = String(repeating: "#", count: 500 << 10) + "\n"
        for number in 0..<20 {
            try vault.writePolicy("f\(number)", filler)
            let other = try vault.makeToken(["f\(number)", "p"]).token
            #expect(try status(vault, other) == 404)
            #expect(try status(vault, token) == 404)
            #expect(vault.cache.policyTextBytes <= VaultLimits.cachedPolicyBytesMax)
        }
    }
}
