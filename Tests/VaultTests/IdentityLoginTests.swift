import Barrier
import Store
import Testing
import Wire

@testable import Vault

/// What a login makes of an alias.
@Suite("identity at login")
struct IdentityLoginTests {
    /// Plans a login's batch, as an auth method's step does.
    private func plan(
        _ login: LoginAlias,
        _ vault: TestVault
    ) throws -> (batch: WriteBatch, identity: LoginIdentity) {
        let request = try vault.vaultRequest("PUT", "sys/policies/acl/unused", "{}")
        let environment = vault.environment()
        return try vault.view { view in
            let authority = try Authority.check(request.token, environment, view)
            var draft = try BatchDraft(request, authority, environment, view)
            let identity = try IdentityState.entity(
                for: login,
                in: &draft,
                at: environment.now,
                view
            )
            return (try draft.finish(), identity)
        }
    }

    private func login(_ login: LoginAlias, _ vault: TestVault) throws -> LoginIdentity {
        vault.now += 1_000
        let (batch, identity) = try plan(login, vault)
        guard case .applied = try vault.commit(batch) else {
            throw TestFailure("the login was rejected")
        }
        return identity
    }

    private func bob(_ metadata: String? = nil, groups: [String]? = nil) -> LoginAlias {
        var login = LoginAlias(name: "bob", mountAccessor: "auth_x_00000000")
        if let metadata { login.metadata = [(name: "dn", value: metadata)] }
        login.groups = groups
        return login
    }

    @Test("the first login makes an entity, later ones find it, in any spelling")
    func found() throws {
        let vault = try TestVault()
        let first = try login(bob("one"), vault)
        var shouted = LoginAlias(name: "BOB", mountAccessor: "auth_x_00000000")
        shouted.metadata = [(name: "dn", value: "two")]
        let second = try login(shouted, vault)
        #expect(first.isNew && !second.isNew)
        #expect(first.entityID == second.entityID && first.policies == second.policies)
        let other = LoginAlias(name: "bob", mountAccessor: "auth_y_00000000")
        #expect(try login(other, vault).entityID != first.entityID)
        let shown = try vault.send("GET", "identity/entity/id/\(first.entityID)")
        let alias = try #require(try shown.data("aliases")?.asArray?.first?.asObject)
        #expect(alias["name"] == "bob")
        #expect(alias["metadata"] == ["dn": "two"])
        let looked = try vault.view { view in
            try IdentityState.entity(forAlias: "Bob", mountAccessor: "auth_x_00000000", view)
        }
        #expect(looked?.id == first.entityID)
        #expect(looked?.isDisabled == false)
    }

    @Test("two first logins at once make one entity")
    func race() throws {
        let vault = try TestVault()
        let (first, firstIdentity) = try plan(bob(), vault)
        let (second, _) = try plan(bob(), vault)
        guard case .applied = try vault.commit(first), case .rejected = try vault.commit(second)
        else { throw TestFailure("exactly one must be applied") }
        let found = try login(bob(), vault)
        #expect(firstIdentity.isNew && !found.isNew)
        #expect(found.entityID == firstIdentity.entityID)
        let listed = try vault.send("LIST", "identity/entity/id").data("keys")?.asArray
        #expect(listed?.count == 1)
    }

    @Test("a disabled entity does not log in")
    func disabled() throws {
        let vault = try TestVault()
        let identity = try login(bob(), vault)
        let path = "identity/entity/id/\(identity.entityID)"
        // A login that is on its way is stopped, too.
        let (batch, _) = try plan(bob("new"), vault)
        try vault.send("POST", path, #"{"disabled":true}"#)
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the login must be rejected")
        }
        #expect(throws: VaultError.self) { try login(bob(), vault) }
        try vault.send("POST", path, #"{"disabled":false}"#)
        #expect(try login(bob(), vault).entityID == identity.entityID)
    }

    @Test("external groups follow what the method says, other groups do not")
    func groups() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/m", #"{"type":"kv"}"#)
        let accessor = try #require(
            try vault.send("GET", "sys/mounts/m").data("accessor")?.asString
        )
        var ids: [String] = []
        for name in ["a", "b"] {
            let body = #"{"name":"\#(name)","type":"external","policies":["p-\#(name)"]}"#
            let answer = try vault.send("POST", "identity/group", body)
            let id = try #require(try answer.data("id")?.asString)
            ids.append(id)
            try vault.send(
                "POST",
                "identity/group-alias",
                #"{"name":"x-\#(name)","mount_accessor":"\#(accessor)","canonical_id":"\#(id)"}"#
            )
        }
        var alias = LoginAlias(name: "bob", mountAccessor: accessor)
        alias.groups = ["x-a", "X-B", "unknown"]
        let identity = try login(alias, vault)
        #expect(identity.policies == ["p-a", "p-b"])
        let entity = identity.entityID
        let path = "identity/entity/id/\(entity)"
        let body = #"{"name":"in","member_entity_ids":["\#(entity)"],"policies":["p-in"]}"#
        #expect(try vault.send("POST", "identity/group", body).status == 200)
        alias.groups = ["x-b"]
        #expect(try login(alias, vault).policies == ["p-b", "p-in"])
        alias.groups = nil
        #expect(try login(alias, vault).policies == ["p-b", "p-in"])
        #expect(try vault.send("GET", path).data("direct_group_ids")?.asArray?.count == 2)
        let roster = try vault.send("GET", "identity/group/id/\(ids[0])")
        #expect(try roster.data("member_entity_ids") == .null)
        // Another name of the group: who was in it has to come again.
        let second = try vault.send("GET", "identity/group/id/\(ids[1])")
        let groupAlias = try #require(try second.data("alias.id")?.asString)
        try vault.send(
            "POST",
            "identity/group-alias/id/\(groupAlias)",
            #"{"name":"renamed","mount_accessor":"\#(accessor)"}"#
        )
        #expect(try vault.send("GET", path).data("direct_group_ids")?.asArray?.count == 1)
        alias.groups = []
        #expect(try login(alias, vault).policies == ["p-in"])
    }

    @Test("records are read back as written, and damage is noticed")
    func records() throws {
        let vault = try TestVault()
        let identity = try login(bob("one"), vault)
        let id = try #require(IdentityID(text: identity.entityID))
        let body = #"{"name":"g","member_entity_ids":["\#(id.text)"],"metadata":{"a":"b"}}"#
        let made = try vault.send("POST", "identity/group", body).data("id")?.asString
        let group = try #require(made.flatMap { IdentityID(text: $0) })
        let stored = try vault.view { view in
            try [IdentityPaths.entity(id), IdentityPaths.group(group), IdentityPaths.roster(group)]
                .map { try #require(try view.systemRecord($0)).value }
        }
        #expect(try EntityRecord(decoding: stored[0]).encoded() == stored[0])
        #expect(try GroupRecord(decoding: stored[1]).encoded() == stored[1])
        #expect(try RosterRecord(decoding: stored[2]).encoded() == stored[2])
        for length in 0..<stored[0].count {
            #expect(throws: VaultError.self) {
                try EntityRecord(decoding: Array(stored[0].prefix(length)))
            }
        }
        for length in 0..<stored[1].count {
            #expect(throws: VaultError.self) {
                try GroupRecord(decoding: Array(stored[1].prefix(length)))
            }
        }
        for length in 0..<stored[2].count {
            #expect(throws: VaultError.self) {
                try RosterRecord(decoding: Array(stored[2].prefix(length)))
            }
        }
        for bytes in stored {
            let changed = [bytes[0] ^ 0x40] + bytes.dropFirst()
            #expect(throws: VaultError.self) { try EntityRecord(decoding: changed) }
            #expect(throws: VaultError.self) { try GroupRecord(decoding: changed) }
            #expect(throws: VaultError.self) { try RosterRecord(decoding: changed) }
            #expect(throws: VaultError.self) { try EntityRecord(decoding: bytes + [0]) }
        }
        #expect(throws: VaultError.self) { try IdentityPointer(decoding: [1, 2, 3]) }
    }
}
