import Barrier
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// Tokens from logins are renewed by what the user or role says now.
@Suite("renewal of tokens from logins")
struct LoginRenewalTests {
    private func vault() throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/auth/up", #"{"type":"userpass"}"#).status == 204)
        let user = #"{"password":"pw","token_policies":"a","token_ttl":600}"#
        #expect(try vault.send("POST", "auth/up/users/bob", user).status == 204)
        return vault
    }

    private func login(
        _ vault: TestVault,
        _ path: String = "auth/up/login/bob",
        _ body: String = #"{"password":"pw"}"#
    ) throws -> String {
        let answer = try vault.send(as: "", "PUT", path, body)
        let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
        return try #require(auth["client_token"]?.asString)
    }

    private func renew(_ token: String, _ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("PUT", "auth/token/renew", #"{"token":"\#(token)"}"#)
    }

    /// Seconds that a renewal gives.
    private func seconds(_ answer: TestVault.Answer) throws -> JSONValue? {
        try answer.json().asObject?["auth"]?.asObject?["lease_duration"]
    }

    private func expires(_ token: String, _ vault: TestVault) throws -> JSONValue? {
        try vault.send("PUT", "auth/token/lookup", #"{"token":"\#(token)"}"#).data("expire_time")
    }

    @Test("the user's durations of now count, and what the mount allows now")
    func durations() throws {
        let vault = try vault()
        let token = try login(vault)
        #expect(try seconds(renew(token, vault)) == 600)
        // The policy `default` makes no difference.
        let user = #"{"token_ttl":900,"token_policies":"default,a"}"#
        #expect(try vault.send("POST", "auth/up/users/bob", user).status == 204)
        #expect(try seconds(renew(token, vault)) == 900)
        let period = #"{"token_period":100}"#
        #expect(try vault.send("POST", "auth/up/users/bob", period).status == 204)
        #expect(try seconds(renew(token, vault)) == 100)
        let free = #"{"token_period":0,"token_ttl":0}"#
        #expect(try vault.send("POST", "auth/up/users/bob", free).status == 204)
        #expect(try seconds(renew(token, vault)) == 2_764_799)
        let tuned = try vault.send("POST", "sys/auth/up/tune", #"{"max_lease_ttl":50}"#)
        #expect(tuned.status == 204, "\(tuned.text)")
        let capped = try renew(token, vault)
        #expect(try seconds(capped) == 49)
        #expect(capped.text.contains("exceeded the effective max_ttl of"))
    }

    @Test("a token is not renewed once its user has other policies, or is gone")
    func user() throws {
        let vault = try vault()
        let token = try login(vault)
        let before = try expires(token, vault)
        let other = #"{"token_policies":"b"}"#
        #expect(try vault.send("POST", "auth/up/users/bob", other).status == 204)
        let changed = try renew(token, vault)
        #expect(changed.status == 400)
        #expect(changed.text.contains("policies have changed, not renewing"))
        #expect(try vault.send("DELETE", "auth/up/users/bob").status == 204)
        // As OpenBao answers it.
        #expect(try renew(token, vault).status == 204)
        #expect(try expires(token, vault) == before)
    }

    @Test("a token is not renewed once its role is gone")
    func role() throws {
        let vault = try vault()
        #expect(try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#).status == 204)
        #expect(try vault.send("POST", "auth/ar/role/r", #"{"token_ttl":600}"#).status == 204)
        let read = try vault.send("GET", "auth/ar/role/r/role-id").data("role_id")
        let made = try vault.send("POST", "auth/ar/role/r/secret-id").data("secret_id")
        let (id, secret) = (try #require(read?.asString), try #require(made?.asString))
        let body = #"{"role_id":"\#(id)","secret_id":"\#(secret)"}"#
        let token = try login(vault, "auth/ar/login", body)
        let other = #"{"token_policies":"b","token_ttl":300}"#
        #expect(try vault.send("POST", "auth/ar/role/r", other).status == 204)
        #expect(try seconds(renew(token, vault)) == 300)
        #expect(try vault.send("DELETE", "auth/ar/role/r").status == 204)
        let gone = try renew(token, vault)
        #expect(gone.status == 400)
        #expect(gone.text.contains(#"role \"r\" does not exist during renewal"#))
    }

    @Test("a renewal rests on the user that it read")
    func conflict() throws {
        let vault = try vault()
        let token = try login(vault)
        let request = try vault.vaultRequest(
            "PUT",
            "auth/token/renew",
            #"{"token":"\#(token)"}"#
        )
        guard case .commit(let batch, _) = vault.step(request) else {
            throw TestFailure("no batch")
        }
        #expect(try vault.send("DELETE", "auth/up/users/bob").status == 204)
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the token of a user that is gone was renewed")
        }
    }
}
