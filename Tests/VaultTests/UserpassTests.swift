import Barrier
import Engines
import Store
import Testing
import Wire

@testable import Vault

/// Users with passwords in a whole vault: what no transcript shows.
@Suite("userpass in the vault")
struct UserpassTests {
    private func vault() throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/auth/up", #"{"type":"userpass"}"#).status == 204)
        return vault
    }

    private func stored(_ vault: TestVault, _ name: String) throws -> [UInt8] {
        let record = try vault.view { view -> [UInt8]? in
            let mounts = try MountTable.load(view)
            let mount = try #require(mounts.entry(at: "auth/up/"))
            return try view.read(mount.id, "users/\(name)")?.value
        }
        return try #require(record)
    }

    @Test("the same password of two users, and set twice, never has the same hash")
    func salts() throws {
        let vault = try vault()
        var seen: [[UInt8]] = []
        for name in ["bob", "eve", "bob"] {
            let answer = try vault.send("PUT", "auth/up/users/\(name)", #"{"password":"same"}"#)
            #expect(answer.status == 204)
            let tail = Array(try stored(vault, name).suffix(32))
            #expect(!seen.contains(tail))
            seen.append(tail)
        }
    }

    @Test("a request prepared again asks for the same change")
    func repeated() throws {
        let vault = try vault()
        let request = try vault.vaultRequest("PUT", "auth/up/users/bob", #"{"password":"pw"}"#)
        let seed = [UInt8](repeating: 5, count: 32)
        let steps = (0..<2).map { _ in vault.step(request, seed: seed) }
        guard case .commit(let first, _) = steps[0], case .commit(let again, _) = steps[1] else {
            throw TestFailure("no batches")
        }
        #expect(first == again)
    }

    @Test("a change of a user that was changed meanwhile is prepared again")
    func conflict() throws {
        let vault = try vault()
        try vault.send("PUT", "auth/up/users/bob", #"{"password":"a"}"#)
        let request = try vault.vaultRequest("PUT", "auth/up/users/bob", #"{"token_ttl":60}"#)
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("no batch")
        }
        try vault.send("PUT", "auth/up/users/bob/password", #"{"password":"b"}"#)
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the old password would have come back")
        }
    }

    @Test("users need the capability: create for a new one, update for an old one")
    func capabilities() throws {
        let vault = try vault()
        try vault.writePolicy("maker", #"path "auth/up/users/*" { capabilities = ["create"] }"#)
        let maker = try vault.makeToken(["maker"]).token
        let body = #"{"password":"pw"}"#
        #expect(try vault.send(as: maker, "PUT", "auth/up/users/new", body).status == 204)
        #expect(try vault.send(as: maker, "PUT", "auth/up/users/new", body).status == 403)
        #expect(try vault.send(as: maker, "GET", "auth/up/users/new").status == 403)
    }

    @Test("users of a mount that is disabled are gone, and a new mount does not see them")
    func disabled() throws {
        let vault = try vault()
        try vault.send("PUT", "auth/up/users/bob", #"{"password":"a"}"#)
        #expect(try vault.send("DELETE", "sys/auth/up").status == 204)
        #expect(try vault.send("GET", "auth/up/users/bob").status == 404)
        try vault.send("POST", "sys/auth/up", #"{"type":"userpass"}"#)
        #expect(try vault.send("LIST", "auth/up/users").status == 404)
    }
}
