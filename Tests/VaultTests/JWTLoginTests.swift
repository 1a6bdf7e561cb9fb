import Barrier
import Cryptography
import Engines
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// An issuer of JSON web tokens: an Ed25519 key.
struct TestIssuer: ~Copyable {
    private let key: SigningKey

    init(_ number: UInt8) throws {
        var seed = [UInt8](repeating: number, count: SigningKey.seedBytes)
        key = try SigningKey(seed: SecretBytes(wiping: &seed))
    }

    /// As administrators give it.
    var pem: String {
        let prefix = "302a300506032b6570032100"
        let info = (Hex.decode(prefix) ?? []) + key.publicKey
        return "-----BEGIN PUBLIC KEY-----\\n\(Base64.encode(info))\\n-----END PUBLIC KEY-----\\n"
    }

    /// As issuers publish it.
    func key(id: String) -> String {
        let x = Base64.encodeURL(key.publicKey)
        return #"{"kty":"OKP","crv":"Ed25519","kid":"\#(id)","x":"\#(x)"}"#
    }

    func token(_ claims: String, header: String = #"{"alg":"EdDSA","kid":"1"}"#) throws -> String {
        let head = Base64.encodeURL(Array(header.utf8))
        let message = head + "." + Base64.encodeURL(Array(claims.utf8))
        return message + "." + Base64.encodeURL(try key.sign(Array(message.utf8)))
    }
}

/// The auth method jwt in a whole vault.
@Suite("logins with JSON web tokens")
struct JWTLoginTests {
    private static let claims =
        #"{"iss":"me","aud":"vault","sub":"deploy","exp":1795387500,"team":"core","#
        + #""mail":"d@example","groups":["ops","dev"]}"#

    private func vault(_ issuer: borrowing TestIssuer) throws -> TestVault {
        let vault = try TestVault()
        try vault.writePolicy("team", #"path "secret/*" { capabilities = ["read"] }"#)
        #expect(try vault.send("POST", "sys/auth/j", #"{"type":"jwt"}"#).status == 204)
        let config = #"{"jwt_validation_pubkeys":["\#(issuer.pem)"],"bound_issuer":"me"}"#
        let answer = try vault.send("POST", "auth/j/config", config)
        #expect(answer.status == 204, "\(answer.text)")
        try write(vault, "r", #""token_ttl":"20m","claim_mappings":{"mail":"email"}"#)
        return vault
    }

    private func write(_ vault: TestVault, _ name: String, _ more: String) throws {
        let body =
            #"{"role_type":"jwt","user_claim":"sub","bound_audiences":"vault","#
            + #""token_policies":"team",\#(more)}"#
        let answer = try vault.send("POST", "auth/j/role/\(name)", body)
        #expect(answer.status == 204, "\(answer.text)")
    }

    private func login(
        _ vault: TestVault,
        _ token: String,
        role: String = "r"
    ) throws -> TestVault.Answer {
        let body = #"{"role":"\#(role)","jwt":"\#(token)"}"#
        return try vault.send(as: "", "PUT", "auth/j/login", body)
    }

    private func auth(_ answer: TestVault.Answer, _ member: String) throws -> JSONValue? {
        try answer.json().asObject?["auth"]?.asObject?[member]
    }

    @Test("a right token gives one that works, with the claims that the role maps")
    func success() throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        let answer = try login(vault, issuer.token(Self.claims))
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try auth(answer, "policies") == ["default", "team"])
        #expect(try auth(answer, "metadata") == ["email": "d@example", "role": "r"])
        #expect(try auth(answer, "lease_duration") == 1_200)
        let token = try #require(try auth(answer, "client_token")?.asString)
        let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try own.data("display_name") == "j-deploy")
        #expect(try vault.send(as: token, "GET", "auth/j/config").status == 403)
        // The same subject is the same entity, by whatever role.
        try write(vault, "other", #""bound_subject":"deploy""#)
        let other = try login(vault, issuer.token(Self.claims), role: "other")
        #expect(try auth(other, "entity_id") == auth(answer, "entity_id"))
    }

    @Test("groups of the token are external groups, for as long as it says so")
    func groups() throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        try write(vault, "g", #""groups_claim":"groups""#)
        let shown = try vault.send("GET", "sys/auth/j").data("accessor")?.asString
        let accessor = try #require(shown)
        let group = #"{"name":"ops","type":"external","policies":["of-ops"]}"#
        let id = try vault.send("POST", "identity/group", group).data("id")?.asString
        let alias =
            #"{"name":"ops","mount_accessor":"\#(accessor)","canonical_id":"\#(try #require(id))"}"#
        #expect(try vault.send("POST", "identity/group-alias", alias).status == 200)
        let within = try login(vault, issuer.token(Self.claims), role: "g")
        #expect(try auth(within, "identity_policies") == ["of-ops"])
        let outside = Self.claims.replacing(#""ops","#, with: "")
        let answer = try login(vault, issuer.token(outside), role: "g")
        #expect(try auth(answer, "identity_policies") == nil, "\(answer.text)")
    }

    static let refused = [
        (#"{"iss":"you","aud":"vault","sub":"deploy","exp":1795387500}"#, "issuer"),
        (#"{"aud":"vault","sub":"deploy","exp":1795387500}"#, "issuer"),
        (#"{"iss":"me","aud":"other","sub":"deploy","exp":1795387500}"#, "audience"),
        (#"{"iss":"me","sub":"deploy","exp":1795387500}"#, "audience"),
        (#"{"iss":"me","aud":"vault","exp":1795387500}"#, "\"sub\" not found"),
        (#"{"iss":"me","aud":"vault","sub":"","exp":1795387500}"#, "could not be converted"),
        (#"{"iss":"me","aud":"vault","sub":["deploy"],"exp":1795387500}"#, "could not be"),
        (#"{"iss":"me","aud":"vault","sub":"deploy","exp":1795380000}"#, "expired"),
        (#"{"iss":"me","aud":"vault","sub":"deploy"}"#, "no issued at"),
        (
            #"{"iss":"me","aud":"vault","sub":"deploy","exp":1795387500,"mail":7}"#,
            "error converting"
        ),
    ]

    @Test("a token that says something else is refused", arguments: refused)
    func refusals(_ claims: String, _ reason: String) throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        let answer = try login(vault, issuer.token(claims))
        #expect(answer.status == 400)
        #expect(answer.errors.count == 1 && answer.errors[0].contains(reason), "\(answer.text)")
    }

    @Test("a token by another key, or changed, is refused whatever it says")
    func signatures() throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        let other = try TestIssuer(2)
        let good = try issuer.token(Self.claims)
        let parts = good.split(separator: ".").map(String.init)
        let more = Base64.encodeURL(Array(Self.claims.replacing("deploy", with: "root").utf8))
        let none = Base64.encodeURL(Array(#"{"alg":"none"}"#.utf8))
        for token in [
            try other.token(Self.claims), "\(parts[0]).\(more).\(parts[2])",
            "\(none).\(parts[1]).", "\(none).\(parts[1]).\(parts[2])",
            try issuer.token(Self.claims, header: #"{"alg":"RS256"}"#),
            try issuer.token(Self.claims, header: #"{"alg":"EdDSA","crit":["x"]}"#),
            good + ".", good + "A", String(good.dropLast()),
        ] {
            let answer = try login(vault, token)
            #expect(answer.status == 400, "\(token)")
            #expect(answer.errors[0].utf8.starts(with: "error validating token: ".utf8))
        }
        #expect(try login(vault, good).status == 200)
        // An algorithm that the configuration leaves out is none of its keys'.
        let config =
            #"{"jwt_validation_pubkeys":["\#(issuer.pem)"],"jwt_supported_algs":["ES256"]}"#
        #expect(try vault.send("POST", "auth/j/config", config).status == 204)
        #expect(try login(vault, good).status == 400)
    }

    @Test("a login whose role, keys or mount change meanwhile is not applied")
    func overtaken() throws {
        let issuer = try TestIssuer(1)
        let other = try TestIssuer(2)
        let keys = #"{"jwt_validation_pubkeys":["\#(other.pem)"]}"#
        for (method, path, body) in [
            ("DELETE", "auth/j/role/r", ""), ("POST", "auth/j/config", keys),
            ("DELETE", "sys/auth/j", ""),
        ] {
            let vault = try vault(issuer)
            let claims = try issuer.token(Self.claims)
            let request = try vault.vaultRequest(
                "PUT",
                "auth/j/login",
                #"{"role":"r","jwt":"\#(claims)"}"#
            )
            guard case .commit(let batch, _) = vault.step(request) else {
                throw TestFailure("no login")
            }
            #expect(try vault.send(method, path, body).status == 204)
            guard case .rejected = try vault.commit(batch) else {
                throw TestFailure("\(path): the login outlived it")
            }
        }
    }

    @Test("what is not supported is refused, and its empty values are not")
    func unsupported() throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        let keys = #""jwt_validation_pubkeys":["\#(issuer.pem)"]"#
        let role = #""role_type":"jwt","user_claim":"sub","bound_audiences":"vault""#
        for (path, base, member, status) in [
            ("config", keys, #""oidc_client_id":"x""#, 400),
            ("config", keys, #""provider_config":{"provider":"azure"}"#, 400),
            ("config", keys, #""oidc_client_id":"","oidc_response_types":[]"#, 204),
            ("config", keys, #""provider_config":{},"oidc_client_secret":null"#, 204),
            ("role/r", role, #""token_policies_template_claims":true"#, 400),
            ("role/r", role, #""max_age":9"#, 400),
            ("role/r", role, #""max_age":0,"oidc_scopes":[],"verbose_oidc_logging":false"#, 204),
        ] {
            let answer = try vault.send("POST", "auth/j/\(path)", "{\(base),\(member)}")
            #expect(answer.status == status, "\(member): \(answer.text)")
            #expect(status == 204 || answer.text.contains("does not support"), "\(member)")
        }
    }

    @Test("roles and configurations hold no more than their limits")
    func limits() throws {
        let issuer = try TestIssuer(1)
        let vault = try vault(issuer)
        let many = (0..<65).map { #""c\#($0)":"x""# }.joined(separator: ",")
        let long = String(repeating: "x", count: 1_025)
        let leeway = #""clock_skew_leeway":"9000h""#
        for more in [
            #""bound_claims":{\#(many)}"#, #""claim_mappings":{\#(many)}"#, leeway,
            #""bound_subject":"\#(long)""#, #""claim_mappings":{"a":"\#(long)"}"#,
            #""claim_mappings":{"a":""}"#, #""bound_claims":{"a":"\#(long)"}"#,
        ] {
            let body = #"{"role_type":"jwt","user_claim":"sub","bound_audiences":"v",\#(more)}"#
            let answer = try vault.send("POST", "auth/j/role/x", body)
            #expect(answer.status == 400, "\(more.prefix(40)): \(answer.text)")
        }
        #expect(try vault.send("GET", "auth/j/role/x").status == 404)
        let keys = (0..<33).map { _ in issuer.pem }.joined()
        for list in [
            #"["\#(keys)"]"#, "[" + (0..<33).map { _ in "\"k\"" }.joined(separator: ",") + "]",
            #"["\#(issuer.pem)","no key"]"#,
        ] {
            let answer = try vault.send(
                "POST",
                "auth/j/config",
                #"{"jwt_validation_pubkeys":\#(list)}"#
            )
            #expect(answer.status == 400, "\(answer.text)")
        }
        let token = String(repeating: "a", count: 33 << 10)
        #expect(try login(vault, token).status == 400)
    }
}
