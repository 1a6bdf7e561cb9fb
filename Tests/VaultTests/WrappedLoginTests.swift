import Barrier
import Engines
import Testing
import Wire

@testable import API
@testable import Vault

/// A login, or a secret id, that waits for its reader.
@Suite("wrapped logins and secret ids")
struct WrappedLoginTests {
    private func vault() throws -> TestVault {
        let vault = try TestVault()
        #expect(try vault.send("POST", "sys/auth/ar", #"{"type":"approle"}"#).status == 204)
        let role = #"{"token_ttl":"20m","secret_id_num_uses":3}"#
        #expect(try vault.send("POST", "auth/ar/role/r", role).status == 204)
        return vault
    }

    private func send(
        _ vault: TestVault,
        _ path: String,
        _ body: String,
        token: String? = nil
    ) throws -> TestVault.Answer {
        try vault.send(
            TestVault.Call(
                method: "PUT",
                target: "/v1/" + path,
                body: Array(body.utf8),
                headers: [("X-Vault-Wrap-TTL", "60")],
                token: token
            )
        )
    }

    private func info(_ answer: TestVault.Answer) throws -> JSONObject {
        try #require(try answer.json().asObject?["wrap_info"]?.asObject, "\(answer.text)")
    }

    private func unwrap(_ token: String, _ vault: TestVault) throws -> TestVault.Answer {
        try vault.send("POST", "sys/wrapping/unwrap", #"{"token":"\#(token)"}"#)
    }

    private func ids(_ vault: TestVault) throws -> (role: String, secret: String) {
        let role = try vault.send("GET", "auth/ar/role/r/role-id").data("role_id")?.asString
        let wrapped = try send(vault, "auth/ar/role/r/secret-id", "{}")
        #expect(try wrapped.json().asObject?["data"] == .null)
        let info = try info(wrapped)
        #expect(info["creation_path"] == "auth/ar/role/r/secret-id" && info["ttl"] == 60)
        let answer = try unwrap(try #require(info["token"]?.asString), vault)
        #expect(try answer.data("secret_id_accessor") == info["wrapped_accessor"])
        let secret = try #require(try answer.data("secret_id")?.asString, "\(answer.text)")
        return (try #require(role), secret)
    }

    @Test("a secret id is wrapped, logs in once it is unwrapped, and is given out once")
    func secretID() throws {
        let vault = try vault()
        let (role, secret) = try ids(vault)
        let body = #"{"role_id":"\#(role)","secret_id":"\#(secret)"}"#
        #expect(try vault.send(as: "", "PUT", "auth/ar/login", body).status == 200)
    }

    @Test("a login is wrapped: no token leaves with it, and the reader gets the whole of it")
    func login() throws {
        let vault = try vault()
        let (role, secret) = try ids(vault)
        let body = #"{"role_id":"\#(role)","secret_id":"\#(secret)"}"#
        let wrapped = try send(vault, "auth/ar/login", body, token: "")
        #expect(wrapped.status == 200, "\(wrapped.text)")
        #expect(try wrapped.json().asObject?["auth"] == .null)
        let info = try info(wrapped)
        #expect(info["creation_path"] == "auth/ar/login")
        let wrapping = try #require(info["token"]?.asString)
        let answer = try unwrap(wrapping, vault)
        let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
        #expect(auth["accessor"] == info["wrapped_accessor"])
        #expect(auth["metadata"] == ["role_name": "r"] && auth["lease_duration"] == 1_200)
        let token = try #require(auth["client_token"]?.asString)
        #expect(!wrapped.text.contains(token))
        #expect(try vault.isAlive(token))
        #expect(try unwrap(wrapping, vault).status == 400)
        // It took one use like any other login, and each of the two is one commit.
        let lookup = try vault.send(
            "PUT",
            "auth/ar/role/r/secret-id/lookup",
            #"{"secret_id":"\#(secret)"}"#
        )
        #expect(try lookup.data("secret_id_num_uses") == 2)
    }

    @Test("a login that fails is refused in the open, and counted")
    func failure() throws {
        let vault = try vault()
        let (role, _) = try ids(vault)
        let body = #"{"role_id":"\#(role)","secret_id":"x"}"#
        for _ in 0..<5 {
            let answer = try send(vault, "auth/ar/login", body, token: "")
            #expect(answer.status == 400 && answer.errors == ["invalid role or secret ID"])
        }
        #expect(try send(vault, "auth/ar/login", body, token: "").status == 403)
    }

    @Test("a batch token is wrapped too")
    func batchToken() throws {
        let vault = try vault()
        let (role, secret) = try ids(vault)
        let batch = #"{"token_type":"batch"}"#
        #expect(try vault.send("POST", "auth/ar/role/r", batch).status == 204)
        let body = #"{"role_id":"\#(role)","secret_id":"\#(secret)"}"#
        let wrapped = try send(vault, "auth/ar/login", body, token: "")
        let answer = try unwrap(try #require(info(wrapped)["token"]?.asString), vault)
        let auth = try #require(try answer.json().asObject?["auth"]?.asObject, "\(answer.text)")
        #expect(auth["token_type"] == "batch")
        #expect(try vault.isAlive(try #require(auth["client_token"]?.asString)))
    }
}
