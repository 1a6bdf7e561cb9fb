import Barrier
import Engines
import Store
import TestSupport
import Testing
import Wire

@testable import API
@testable import Vault

/// The auth method cert in a whole vault.
@Suite("logins with client certificates")
struct CertLoginTests {
    private typealias Vectors = CertificateVectors

    private func pem(_ text: String, _ label: String = "CERTIFICATE") -> String {
        "-----BEGIN \(label)-----\\n\(text)\\n-----END \(label)-----\\n"
    }

    private func vault() throws -> TestVault {
        let vault = try TestVault()
        vault.now = UInt64(Vectors.now) * 1_000_000_000
        try vault.writePolicy("team", #"path "secret/*" { capabilities = ["read"] }"#)
        #expect(try vault.send("POST", "sys/auth/c", #"{"type":"cert"}"#).status == 204)
        try write(vault, "web", Vectors.ca, #""token_policies":"team","token_ttl":"20m""#)
        return vault
    }

    private func write(
        _ vault: TestVault,
        _ name: String,
        _ certificate: String,
        _ more: String = #""foo":1"#
    ) throws {
        let body = #"{"certificate":"\#(pem(certificate))",\#(more)}"#
        let answer = try vault.send("POST", "auth/c/certs/\(name)", body)
        #expect(answer.status < 300, "\(answer.text)")
    }

    private func call(
        _ path: String,
        _ shown: [String],
        _ body: String = "{}",
        token: String = ""
    ) throws -> TestVault.Call {
        var call = TestVault.Call(
            method: "PUT",
            target: "/v1/" + path,
            body: Array(body.utf8),
            token: token
        )
        call.certificates = try shown.map { try #require(Base64.decode($0)) }
        return call
    }

    private func login(
        _ vault: TestVault,
        _ shown: [String],
        _ body: String = "{}"
    ) throws -> TestVault.Answer {
        try vault.send(call("auth/c/login", shown, body))
    }

    private func auth(_ answer: TestVault.Answer, _ member: String) throws -> JSONValue? {
        try answer.json().asObject?["auth"]?.asObject?[member]
    }

    @Test("a certificate of a role's authority gives a token with what it says")
    func success() throws {
        let vault = try vault()
        let answer = try login(vault, [Vectors.web])
        #expect(answer.status == 200, "\(answer.text)")
        #expect(try auth(answer, "policies") == ["default", "team"])
        let metadata = try #require(try auth(answer, "metadata")?.asObject)
        #expect(metadata["cert_name"] == "web" && metadata["common_name"] == "web.example")
        #expect(metadata["serial_number"] == "4660")
        #expect(metadata["subject_key_id"]?.asString?.utf8.count == 59)
        let token = try #require(try auth(answer, "client_token")?.asString)
        let own = try vault.send(as: token, "GET", "auth/token/lookup-self")
        #expect(try own.data("display_name") == "c-web")
        // The name is the alias: another certificate for it is the same entity.
        try write(vault, "pinned", Vectors.web)
        let other = try login(vault, [Vectors.web], #"{"name":"Pinned"}"#)
        #expect(try auth(other, "entity_id") == auth(answer, "entity_id"))
    }

    @Test("who shows nothing, or what no role trusts, stays out")
    func refusals() throws {
        let vault = try vault()
        try write(vault, "rules", Vectors.other, #""allowed_names":"x""#)
        for (shown, body, reason) in [
            ([], "{}", "no client certificate found"),
            ([Vectors.lone], "{}", "invalid certificate or no client"),
            ([Vectors.deep], "{}", "invalid certificate or no client"),
            ([Vectors.child, Vectors.web], "{}", "invalid certificate or no client"),
            ([Vectors.forserver], "{}", "not for clients"),
            ([Vectors.short], "{}", "expired"), ([Vectors.critical], "{}", "breaks rule"),
            ([Vectors.nameless], "{}", "common name"),
            ([Vectors.web], #"{"name":"rules"}"#, "invalid certificate or no client"),
            ([Vectors.web], #"{"name":"none"}"#, "invalid certificate or no client"),
            ([Vectors.web], #"{"name":"../web"}"#, "invalid certificate or no client"),
            ([Vectors.other], "{}", "no chain matching all constraints"),
            (["AAAA"], "{}", "cannot be read"), ([Vectors.web, "AAAA"], "{}", "cannot be read"),
        ] as [([String], String, String)] {
            let answer = try login(vault, shown, body)
            #expect(answer.status == 400, "\(answer.text)")
            #expect(answer.errors.first?.contains(reason) ?? false, "\(answer.text)")
        }
        // Only the TLS handshake shows certificates.
        let body = #"{"certificate":"\#(pem(Vectors.web))"}"#
        let header = [("X-SSL-Client-Cert", Vectors.web), ("X-Forwarded-Client-Cert", Vectors.web)]
        var call = try call("auth/c/login", [], body)
        call.headers = header
        #expect(try vault.send(call).errors == ["no client certificate found"])
    }

    @Test("a list of revoked certificates keeps out whom it names, and above whom")
    func revocation() throws {
        let vault = try vault()
        let list = #"{"crl":"\#(pem(Vectors.list, "X509 CRL"))"}"#
        let token = try #require(
            try auth(try login(vault, [Vectors.web]), "client_token")?.asString
        )
        #expect(try vault.send("POST", "auth/c/crls/A", list).status == 204)
        #expect(try vault.send("LIST", "auth/c/crls").data("keys") == ["a"])
        #expect(
            try vault.send("GET", "auth/c/crls/a").data("serials") == ["300": [:], "4660": [:]]
        )
        #expect(try login(vault, [Vectors.web]).status == 400)
        try write(vault, "pinned", Vectors.web)
        #expect(try login(vault, [Vectors.web], #"{"name":"pinned"}"#).status == 400)
        #expect(try login(vault, [Vectors.deep, Vectors.middle]).status == 200)
        let renewal = try call("auth/token/renew-self", [Vectors.web], token: token)
        #expect(try vault.send(renewal).status == 400)
        let empty = #"{"crl":"\#(pem(Vectors.emptyList, "X509 CRL"))"}"#
        #expect(try vault.send("POST", "auth/c/crls/a", empty).status == 204)
        #expect(try login(vault, [Vectors.web]).status == 200)
        #expect(try vault.send("POST", "auth/c/crls/b", list).status == 204)
        #expect(try login(vault, [Vectors.web]).status == 400)
        #expect(try vault.send("DELETE", "auth/c/crls/b").status == 204)
        #expect(try vault.send(renewal).status == 200)
        for body in ["{}", #"{"url":"https://x/crl"}"#, #"{"crl":"x"}"#] {
            #expect(try vault.send("POST", "auth/c/crls/c", body).status == 400)
        }
    }

    @Test("a renewal wants the certificate that logged in, unless the mount says otherwise")
    func renewals() throws {
        let vault = try vault()
        let token = try #require(
            try auth(try login(vault, [Vectors.web]), "client_token")?.asString
        )
        func renew(_ shown: [String]) throws -> TestVault.Answer {
            try vault.send(call("auth/token/renew-self", shown, token: token))
        }
        #expect(try renew([]).errors == ["no client certificate found"])
        #expect(try renew([Vectors.web]).status == 200)
        let other = try renew([Vectors.deep, Vectors.middle])
        #expect(other.errors.first?.contains("client identity") ?? false, "\(other.text)")
        #expect(try renew([Vectors.lone]).status == 400)
        #expect(try vault.send("POST", "auth/c/config", #"{"disable_binding":true}"#).status == 204)
        #expect(try renew([]).status == 200)
        try write(vault, "web", Vectors.ca, #""token_policies":"other""#)
        let changed = try renew([Vectors.web])
        #expect(changed.errors.first?.contains("policies have changed") ?? false)
        #expect(try vault.send("DELETE", "auth/c/certs/web").status == 204)
        #expect(try renew([Vectors.web]).status == 204)
    }

    @Test("a login whose role, settings, lists or mount change meanwhile is not applied")
    func overtaken() throws {
        let list = #"{"crl":"\#(pem(Vectors.list, "X509 CRL"))"}"#
        for (method, path, body) in [
            ("DELETE", "auth/c/certs/web", ""), ("POST", "auth/c/crls/a", list),
            ("POST", "auth/c/config", #"{"enable_identity_alias_metadata":true}"#),
            ("DELETE", "sys/auth/c", ""),
        ] {
            let vault = try vault()
            let request = vault.request(try call("auth/c/login", [Vectors.web]))
            guard case .vault(let call) = Router.route(request, isSealed: false),
                case .commit(let batch, _) = vault.step(call)
            else { throw TestFailure("no login") }
            #expect(try vault.send(method, path, body).status == 204)
            guard case .rejected = try vault.commit(batch) else {
                throw TestFailure("\(path): the login outlived it")
            }
        }
    }

    @Test("roles hold no more than their limits, and nothing that is not checked")
    func limits() throws {
        let vault = try vault()
        let many = (0..<129).map { #""n\#($0)""# }.joined(separator: ",")
        let long = String(repeating: "x", count: 1_025)
        for more in [
            #""allowed_names":[\#(many)]"#, #""allowed_names":"\#(long)""#,
            #""display_name":"\#(long)""#, #""allowed_metadata_extensions":[\#(many)]"#,
            #""required_extensions":"1.2.3""#, #""ocsp_enabled":true"#, #""ocsp_fail_open":true"#,
            #""ocsp_ca_certificates":"x""#, #""ocsp_servers_override":"http://x""#,
        ] {
            let body = #"{"certificate":"\#(pem(Vectors.ca))",\#(more)}"#
            let answer = try vault.send("POST", "auth/c/certs/x", body)
            #expect(answer.status == 400, "\(more.prefix(40)): \(answer.text)")
        }
        let server = #"{"certificate":"\#(pem(Vectors.forserver))"}"#
        #expect(try vault.send("POST", "auth/c/certs/x", server).status == 400)
        let big = #"{"certificate":"\#(String(repeating: "x", count: 129 << 10))"}"#
        #expect(try vault.send("POST", "auth/c/certs/x", big).status == 400)
        #expect(try vault.send("GET", "auth/c/certs/x").status == 404)
        #expect(try vault.send("POST", "auth/c/config", #"{"ocsp_cache_size":5}"#).status == 400)
        for number in 0..<256 { try write(vault, "r\(number)", Vectors.other) }
        let answer = try login(vault, [Vectors.web])
        #expect(answer.errors.first?.contains("more than 256 roles") ?? false, "\(answer.text)")
        #expect(try login(vault, [Vectors.web], #"{"name":"web"}"#).status == 200)
    }
}
