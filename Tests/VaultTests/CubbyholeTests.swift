import Barrier
import Engines
import Store
import Testing
import Wire

@testable import Vault

/// Each token has a place of its own, and nobody else gets in.
@Suite("cubbyholes")
struct CubbyholeTests {
    private let rule = """
        path "cubbyhole/*" { capabilities = ["create", "read", "update", "delete", "list"] }
        """

    @Test("two tokens and root see each their own")
    func apart() throws {
        let vault = try TestVault()
        try vault.writePolicy("c", rule)
        let tokens = try [
            vault.rootToken, vault.makeToken(["c"]).token, vault.makeToken(["c"]).token,
        ]
        for (number, token) in tokens.enumerated() {
            let body = #"{"n":\#(number)}"#
            #expect(try vault.send(as: token, "POST", "cubbyhole/k", body).status == 204)
            #expect(try vault.send(as: token, "POST", "cubbyhole/d/\(number)", body).status == 204)
        }
        for (number, token) in tokens.enumerated() {
            let answer = try vault.send(as: token, "GET", "cubbyhole/k")
            #expect(try answer.data("n")?.asInt == number)
            let names = try vault.send(as: token, "LIST", "cubbyhole/d").data("keys")
            #expect(names == [.string("\(number)")])
        }
        #expect(try vault.send(as: tokens[1], "DELETE", "cubbyhole/k").status == 204)
        #expect(try vault.send(as: tokens[1], "GET", "cubbyhole/k").status == 404)
        #expect(try vault.send(as: tokens[2], "GET", "cubbyhole/k").status == 200)
    }

    @Test("what a path says cannot lead into another token's place")
    func escapes() throws {
        let vault = try TestVault()
        try vault.writePolicy("c", rule)
        let victim = try vault.makeToken(["c"]).token
        try vault.send(as: victim, "POST", "cubbyhole/k", #"{"secret":1}"#)
        let name = vault.keyring.tokenPath(Array(victim.utf8))
        for path in [
            "../\(name)/k", "%2e%2e/\(name)/k", "\(name)/k", "/\(name)/k", "..%2F\(name)/k",
        ] {
            let answer = try vault.send("GET", "cubbyhole/\(path)")
            #expect(answer.status != 200, "\(path)")
        }
    }

    @Test("creating and updating are told apart")
    func existence() throws {
        let vault = try TestVault()
        try vault.writePolicy("c", #"path "cubbyhole/*" { capabilities = ["create"] }"#)
        try vault.writePolicy("u", #"path "cubbyhole/*" { capabilities = ["update"] }"#)
        let creator = try vault.makeToken(["c"]).token
        #expect(try vault.send(as: creator, "POST", "cubbyhole/k", #"{"a":1}"#).status == 204)
        #expect(try vault.send(as: creator, "POST", "cubbyhole/k", #"{"a":2}"#).status == 403)
        let updater = try vault.makeToken(["u"]).token
        #expect(try vault.send(as: updater, "POST", "cubbyhole/k", #"{"a":1}"#).status == 403)
    }

    @Test("a write that was prepared before its token went is not applied")
    func revoked() throws {
        let vault = try TestVault()
        try vault.writePolicy("c", rule)
        let token = try vault.makeToken(["c"]).token
        let request = try vault.vaultRequest("POST", "cubbyhole/k", #"{"a":1}"#, token: token)
        guard case .commit(let batch, _) = vault.step(request) else {
            Issue.record("a write needs a batch")
            return
        }
        let path = SystemPaths.token(hash: vault.hash(token))
        try vault.change { try $0.delete(.system, path) }
        if case .applied = try vault.commit(batch) { Issue.record("written without a token") }
        let folder = try #require(
            CubbyholePlace.folder(of: vault.keyring.tokenPath(Array(token.utf8)))
        )
        #expect(try vault.view { try $0.list(.system, directory: folder) }.isEmpty)
    }

    @Test("a client without a token's record has none")
    func nobody() {
        #expect(CubbyholePlace.folder(of: "") == nil)
    }

    @Test("a name that is too long is refused, and the longest one works")
    func longNames() throws {
        let vault = try TestVault()
        let longest = String(repeating: "n", count: EngineLimits.cubbyholeNameBytesMax)
        #expect(try vault.send("POST", "cubbyhole/\(longest)", #"{"a":1}"#).status == 204)
        #expect(try vault.send("GET", "cubbyhole/\(longest)").data("a") == 1)
        #expect(try vault.send("POST", "cubbyhole/\(longest)n", #"{"a":1}"#).status == 400)
        #expect(try vault.send("GET", "cubbyhole/\(longest)n").status == 404)
    }
}
