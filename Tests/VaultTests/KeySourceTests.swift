import Cryptography
import Engines
import Store
import Testing
import Wire

@testable import API
@testable import Vault

/// The auth method jwt with keys that its issuer publishes, in a whole vault. What comes of effects is
/// the test's to say.
@Suite("published keys")
struct KeySourceTests {
    private static let url = "https://issuer.example/keys"
    private static let config = #"{"jwks_url":"\#(url)","bound_issuer":"me"}"#
    private static let claims = #"{"iss":"me","aud":"vault","sub":"deploy","exp":1795387500}"#
    private static let pem = "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n"

    /// Stands for the node: keeps what was asked, and answers with one set, under its revision.
    private final class Outside {
        var set: Result<(revision: UInt64, keys: String), TestFailure>
        var asked: [KeySetQuestion] = []
        var ids: [[UInt8]] = []

        init(_ keys: String...) {
            set = .success((1, #"{"keys":[\#(keys.joined(separator: ","))]}"#))
        }

        func publish(_ revision: UInt64, _ keys: String...) {
            set = .success((revision, #"{"keys":[\#(keys.joined(separator: ","))]}"#))
        }

        func perform(_ effect: Effect) -> EffectOutcome {
            guard effect.kind == .keySet,
                let question = try? KeySetQuestion(decoding: effect.body)
            else { return .failed("not a question") }
            asked.append(question)
            ids.append(effect.id)
            guard case .success(let set) = set else { return .failed("https://i:1: refused") }
            guard let keys = try? KeySet(parsing: Array(set.keys.utf8)) else {
                return .failed("no keys")
            }
            return .done(KeySetAnswer(revision: set.revision, keys: keys).encoded())
        }
    }

    private func vault(_ outside: Outside, config: String = config) throws -> TestVault {
        let vault = try TestVault()
        vault.perform = outside.perform
        #expect(try vault.send("POST", "sys/auth/j", #"{"type":"jwt"}"#).status == 204)
        let answer = try vault.send("POST", "auth/j/config", config)
        #expect(answer.status == 204, "\(answer.text)")
        let role = #"{"role_type":"jwt","user_claim":"sub","bound_audiences":"vault"}"#
        #expect(try vault.send("POST", "auth/j/role/r", role).status == 204)
        return vault
    }

    private func login(_ vault: TestVault, _ token: String) throws -> TestVault.Answer {
        try vault.send(as: "", "PUT", "auth/j/login", #"{"role":"r","jwt":"\#(token)"}"#)
    }

    private func needs(_ outside: Outside) -> [KeySetQuestion.Need] {
        defer { outside.asked = [] }
        return outside.asked.map(\.need)
    }

    @Test("the issuer is asked when it is configured, and what is kept when somebody logs in")
    func questions() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        #expect(outside.asked.map(\.source.url) == [Self.url])
        #expect(needs(outside) == [.now])
        let answer = try login(vault, issuer.token(Self.claims))
        #expect(answer.status == 200, "\(answer.text)")
        #expect(needs(outside) == [.kept])
        #expect(outside.ids.allSatisfy { $0.count == 24 })
        #expect(outside.ids[0] != outside.ids[1])
    }

    @Test("a key that is not known makes the vault ask for a newer set, once")
    func rotation() throws {
        let old = try TestIssuer(1)
        let new = try TestIssuer(2)
        let outside = Outside(old.key(id: "1"))
        let vault = try vault(outside)
        outside.asked = []
        let token = try new.token(Self.claims, header: #"{"alg":"EdDSA","kid":"2"}"#)
        let refused = try login(vault, token)
        #expect(refused.status == 400)
        #expect(
            refused.errors == [
                "error validating token: error verifying token signature: failed to verify id "
                    + "token signature"
            ]
        )
        #expect(needs(outside) == [.kept, .newer(than: 1)])
        outside.publish(2, old.key(id: "1"), new.key(id: "2"))
        #expect(try login(vault, token).status == 200)
        // What is kept is the new one already.
        #expect(needs(outside) == [.kept])
        #expect(try login(vault, old.token(Self.claims)).status == 200)
        // The old one's name on the new one's signature.
        let wrong = try new.token(Self.claims, header: #"{"alg":"EdDSA","kid":"1"}"#)
        #expect(try login(vault, wrong).status == 400)
        #expect(try login(vault, new.token(Self.claims, header: #"{"alg":"EdDSA"}"#)).status == 200)
    }

    @Test("a malformed token, or one of another algorithm, asks nobody")
    func junk() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(
            outside,
            config: #"{"jwks_url":"\#(Self.url)","jwt_supported_algs":["ES256"]}"#
        )
        outside.asked = []
        for token in [
            "a.b.c", "", try issuer.token(Self.claims),
            try issuer.token(Self.claims, header: #"{"alg":"EdDSA","kid":7}"#),
            try issuer.token(Self.claims, header: #"{"alg":"none"}"#),
        ] {
            #expect(try login(vault, token).status == 400)
        }
        #expect(outside.asked.isEmpty)
    }

    @Test("an issuer that is down is an error, which says no more to those without a token")
    func away() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        outside.set = .failure(TestFailure("down"))
        let answer = try login(vault, issuer.token(Self.claims))
        #expect(answer.status == 400)
        #expect(answer.errors.count == 1 && answer.errors[0].contains("fetching keys"))
        #expect(!answer.text.contains("refused"))
        let read = try vault.send("GET", "auth/j/config")
        #expect(try read.data("status") == "invalid")
        #expect(read.text.contains("https://i:1: refused"))
        outside.publish(2)
        #expect(try vault.send("GET", "auth/j/config").data("status") == "valid")
    }

    @Test("a configuration whose issuer cannot be asked is refused, unless that is wanted")
    func checks() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        outside.set = .failure(TestFailure("down"))
        outside.asked = []
        for (name, said) in [
            ("jwks_url", "error checking jwks URL: https://i:1: refused"),
            ("oidc_discovery_url", "error checking oidc discovery URL: https://i:1: refused"),
        ] {
            let body = #""\#(name)":"https://other.example""#
            let refused = try vault.send("POST", "auth/j/config", "{\(body)}")
            #expect(refused.status == 400 && refused.errors == [said], "\(refused.text)")
            #expect(needs(outside) == [.now])
            #expect(try vault.send("GET", "auth/j/config").data("jwks_url") == .string(Self.url))
            outside.asked = []
        }
        let taken = try vault.send(
            "POST",
            "auth/j/config",
            #"{"oidc_discovery_url":"https://other.example","skip_jwks_validation":true}"#
        )
        #expect(taken.status == 200)
        #expect(taken.text.contains("error checking oidc discovery URL"))
        let read = try vault.send("GET", "auth/j/config")
        #expect(try read.data("oidc_discovery_url") == "https://other.example")
        #expect(try read.data("jwks_url") == "")
    }

    /// Configurations that are refused before anybody is asked, and a part of the reason.
    static let wrong = [
        (#"{}"#, "exactly one of"), (#"{"jwks_pairs":[]}"#, "exactly one of"),
        (#"{"jwks_url":""}"#, "exactly one of"),
        (#"{"jwks_url":"\#(url)","oidc_discovery_url":"\#(url)"}"#, "exactly one of"),
        (#"{"jwks_url":"\#(url)","jwt_validation_pubkeys":["k"]}"#, "exactly one of"),
        (#"{"jwks_url":"http://issuer.example"}"#, "error checking jwks URL: http://"),
        (#"{"jwks_url":"issuer.example","skip_jwks_validation":true}"#, "error checking jwks URL"),
        (#"{"oidc_discovery_url":"ftp://a"}"#, "error checking oidc discovery URL"),
        (#"{"jwks_url":"\#(url)","jwks_ca_pem":"x"}"#, "error checking jwks_ca_pem"),
        (#"{"jwks_url":"\#(url)","jwks_ca_pem":"\#(pem)x"}"#, nil),
        (#"{"jwks_url":"\#(url)","jwks_ca_pem":"\#(pem)-----BEGIN CERTIFICATE-----"}"#, "jwks_ca"),
        (#"{"oidc_discovery_url":"\#(url)","oidc_discovery_ca_pem":"x"}"#, "oidc discovery URL"),
        (#"{"jwks_url":"\#(url)","jwt_supported_algs":["HS256"]}"#, "unsupported signing"),
        (
            #"{"jwks_url":"\#(url)","jwks_ca_pem":"\#(String(repeating: "x", count: 65_537))"}"#,
            "65536 bytes"
        ),
    ]

    @Test("mistakes are found before anybody is asked", arguments: wrong.indices)
    func mistakes(_ row: Int) throws {
        let (body, reason) = Self.wrong[row]
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        outside.asked = []
        let answer = try vault.send("POST", "auth/j/config", body)
        guard let reason else { return #expect(answer.status == 204, "\(answer.text)") }
        #expect(answer.status == 400)
        #expect(answer.errors.first?.contains(reason) ?? false, "\(answer.text)")
        #expect(outside.asked.isEmpty)
    }

    @Test("what is configured is shown, and keys in the configuration take its place")
    func shown() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let config =
            #"{"oidc_discovery_url":"\#(Self.url)","oidc_discovery_ca_pem":"\#(Self.pem)"}"#
        let vault = try vault(outside, config: config)
        #expect(outside.asked.map(\.source.kind) == [.discovery])
        let read = try vault.send("GET", "auth/j/config")
        #expect(try read.data("oidc_discovery_url") == .string(Self.url))
        #expect(
            try read.data("oidc_discovery_ca_pem")?.asString
                == Self.pem.replacing("\\n", with: "\n")
        )
        #expect(try read.data("jwks_url") == "" && read.data("jwks_ca_pem") == "")
        let own = #"{"jwt_validation_pubkeys":["\#(issuer.pem)"]}"#
        #expect(try vault.send("POST", "auth/j/config", own).status == 204)
        outside.asked = []
        #expect(try login(vault, issuer.token(Self.claims)).status == 200)
        #expect(try vault.send("GET", "auth/j/config").data("oidc_discovery_url") == "")
        #expect(outside.asked.isEmpty)
    }

    @Test("outcomes count for what was asked: another configuration asks again")
    func otherConfiguration() throws {
        let first = try TestIssuer(1)
        let second = try TestIssuer(2)
        let outside = Outside(first.key(id: "1"))
        let vault = try vault(outside)
        let token = try first.token(Self.claims)
        let request = try vault.vaultRequest(
            "PUT",
            "auth/j/login",
            #"{"role":"r","jwt":"\#(token)"}"#,
            token: ""
        )
        guard case .perform(let effect) = vault.step(request) else {
            throw TestFailure("nobody was asked")
        }
        let performed = [
            PerformedEffect(kind: effect.kind, body: effect.body, outcome: outside.perform(effect))
        ]
        guard case .commit(let batch, _) = vault.step(request, performed: performed) else {
            throw TestFailure("no login")
        }
        let other = #"{"jwks_url":"https://other.example"}"#
        outside.publish(1, second.key(id: "1"))
        #expect(try vault.send("POST", "auth/j/config", other).status == 204)
        // What was fetched for the old configuration opens nothing under the new one.
        guard case .rejected = try vault.commit(batch) else {
            throw TestFailure("the login outlived its configuration")
        }
        guard case .perform(let again) = vault.step(request, performed: performed) else {
            throw TestFailure("keys of another issuer counted")
        }
        #expect(try KeySetQuestion(decoding: again.body).source.url == "https://other.example")
        #expect(again.id != effect.id)
    }

    @Test("a token of limited uses pays once for a request that waited")
    func limitedUses() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        try vault.writePolicy("admin", #"path "auth/j/config" { capabilities = ["update"] }"#)
        let (token, _) = try vault.makeToken(["admin"], usesLeft: 2)
        #expect(try vault.send(as: token, "POST", "auth/j/config", Self.config).status == 204)
        #expect(try vault.send(as: token, "POST", "auth/j/config", Self.config).status == 204)
        #expect(try vault.send(as: token, "POST", "auth/j/config", Self.config).status == 403)
    }

    @Test("what no node says is damage, not a login")
    func damagedOutcome() throws {
        let issuer = try TestIssuer(1)
        let outside = Outside(issuer.key(id: "1"))
        let vault = try vault(outside)
        vault.perform = { _ in .done([1, 2, 3]) }
        #expect(try login(vault, issuer.token(Self.claims)).status == 500)
    }
}
