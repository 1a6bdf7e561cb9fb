import TestSupport
import Testing
import Wire

@testable import API

/// Nobody can stop a node with bytes.
@Suite("nothing traps")
struct FuzzTests {
    /// Requests that mean something, to be damaged.
    private static let seeds: [(method: String, target: String, body: String)] = [
        ("GET", "/v1/m/data/a/b?version=1", ""), ("LIST", "/v1/m/metadata/a/", ""),
        ("PUT", "/v1/m/data/a", #"{"data":{"k":[1,2.5e3,"\u00e9",null]},"options":{"cas":1}}"#),
        ("POST", "/v1/m/delete/a", #"{"versions":["1",2,3]}"#),
        ("POST", "/v1/m/metadata/a", #"{"custom_metadata":{"a":"b"},"max_versions":4}"#),
        ("PUT", "/v1/old/a%2Fb", #"{"ttl":"1h","x":{"y":[{}]}}"#),
        ("POST", "/v1/sys/mounts/new", #"{"type":"kv","options":{"version":"2"},"config":{}}"#),
        ("POST", "/v1/sys/mounts/old/tune", #"{"default_lease_ttl":"1h","options":{"a":"b"}}"#),
        ("GET", "/v1/sys/internal/ui/mounts/m/x", ""), ("DELETE", "/v1/m/data/a", ""),
        ("PUT", "/v1/sys/init", #"{"secret_shares":5,"secret_threshold":3,"groups":null}"#),
        ("PUT", "/v1/sys/unseal", #"{"key":"00","reset":false}"#),
        ("GET", "/v1/sys/health?standbyok=true&activecode=200", ""),
        ("POST", "/v1/sys/capabilities-self", #"{"paths":["a","b"]}"#),
        ("PATCH", "/v1/m/data/a", #"{"data":{}}"#),
        (
            "PUT", "/v1/sys/policies/acl/p",
            #"{"policy":"path \"a/+/*\" { capabilities = [\"read\"] }","cas":0,"ttl":"1h","#
                + #""cases":[{"path":"a","capability":"read","expect":"deny"}],"force":true}"#
        ),
        (
            "PUT", "/v1/sys/policies/explain",
            #"{"path":"m/data/a","operation":"write","policies":["default"],"parameters":{}}"#
        ),
        ("GET", "/v1/sys/policies/versions/acl/default?version=1", ""),
        ("GET", "/v1/sys/policies/diff/acl/default?from=1&to=1", ""),
        ("PUT", "/v1/sys/policies/rollback/acl/default", #"{"version":1,"cas":1}"#),
        ("PUT", "/v1/sys/policy/p", #"{"rules":"path \"a\" { policy = \"write\" }"}"#),
        ("PUT", "/v1/sys/capabilities", #"{"token":"s.x","paths":["a","b"]}"#),
        (
            "PUT", "/v1/auth/j/role/r",
            #"{"role_type":"jwt","user_claim":"sub","bound_audiences":"v","claim_mappings":"#
                + #"{"a":"b"},"bound_claims":{"a":["x",1]},"bound_claims_type":"glob"}"#
        ),
        ("PUT", "/v1/auth/j/login", #"{"role":"r","jwt":"eyJhbGciOiJFUzI1NiJ9.e30.AA"}"#),
        ("PUT", "/v1/auth/j/config", #"{"jwt_validation_pubkeys":["-----BEGIN PUBLIC KEY-----"]}"#),
        (
            "PUT", "/v1/auth/c/certs/r",
            #"{"certificate":"-----BEGIN CERTIFICATE-----\n\#(CertificateVectors.ca)\n-----END "#
                + #"CERTIFICATE-----","allowed_names":"a*","required_extensions":"1.2.3:x"}"#
        ),
        (
            "PUT", "/v1/auth/c/crls/r",
            #"{"crl":"-----BEGIN X509 CRL-----\n\#(CertificateVectors.list)\n-----END X509 CRL-----"}"#
        ),
        ("PUT", "/v1/auth/c/login", #"{"name":"r"}"#),
    ]

    private static let mutator = Mutator(
        [
            "..", "/", "//", "%", "%2F", "%2e%2e", "%00", "?", "&", "=", "list=true", "{", "}", "[",
            "]", "\"", "\\u", ",", ":", "null", "true", "-", "1e9999", "99999999999999999999",
            "\\ud800", "\u{0}", "é", "versions", "data", "options", "-9223372036854775808", "path",
        ],
        raw: [[0xFF], [0xC3], [0xE2, 0x80, 0x8B]]
    )

    private func damage(_ bytes: [UInt8], _ random: inout Seeded) -> [UInt8] {
        Self.mutator.damaged(bytes, &random)
    }

    private func header(_ random: inout Seeded) -> String? {
        [nil, "", "root", "a/b", "60", "-1", "x", "\u{1}", "application/merge-patch+json", ";"][
            random.below(10)
        ]
    }

    @Test("damaged requests are answered, and most of them refused")
    func requests() throws {
        let vault = try TestVault()
        try vault.send("POST", "sys/mounts/m", #"{"type":"kv-v2"}"#)
        try vault.send("POST", "sys/mounts/old", #"{"type":"kv"}"#)
        try vault.send("POST", "sys/auth/j", #"{"type":"jwt"}"#)
        try vault.send("POST", "sys/auth/c", #"{"type":"cert"}"#)
        let role = #"{"role_type":"jwt","user_claim":"sub","bound_audiences":"v"}"#
        #expect(try vault.send("POST", "auth/j/role/r", role).status == 204)
        let config = #"{"jwt_validation_pubkeys":["\#(try TestIssuer(1).pem)"]}"#
        #expect(try vault.send("POST", "auth/j/config", config).status == 204)
        var random = Seeded(Fuzzing.seed(usual: 42))
        var refused = 0
        var run = FuzzRun(usual: 20_000)
        let growth = try run.run { round in
            let seed = Self.seeds[random.below(Self.seeds.count)]
            var headers = APIHeaders()
            headers.token = random.below(8) == 0 ? header(&random) : vault.rootToken
            if random.below(4) == 0 { headers.namespace = header(&random) }
            if random.below(4) == 0 { headers.wrapTTL = header(&random) }
            if random.below(4) == 0 { headers.contentType = header(&random) }
            let target = damage(Array(seed.target.utf8), &random)
            let body =
                random.below(2) == 0
                ? damage(Array(seed.body.utf8), &random) : Array(seed.body.utf8)
            let request = APIRequest(
                method: seed.method,
                target: target,
                headers: headers,
                body: body,
                requestID: [UInt8](repeating: UInt8(round % 256), count: 16)
            )
            let status: Int
            switch Router.route(request, isSealed: round % 50 == 0) {
            case .reply(let response): status = response.status
            case .node, .cluster: status = 200
            case .vault(let vaultRequest):
                // Steps are not committed: every request meets the same state.
                let step = vault.step(vaultRequest)
                status = Reply.response(to: step, requestID: request.requestID).status
            }
            #expect((200...599).contains(status))
            #expect(status != 500, "\(seed.method) \(target) \(body)")
            if status >= 300 { refused += 1 }
        }
        #expect(refused > run.inputs / 4)
        #expect(growth < FuzzRun.growthBytesMax)
        #expect(try vault.send("GET", "sys/mounts").status == 200)
    }

    private static let request: APIRequest = {
        var headers = APIHeaders()
        headers.token = "s.token"
        headers.namespace = "root"
        headers.contentType = "application/json"
        return APIRequest(
            method: "PUT",
            target: Array("/v1/m/data/a?x=1".utf8),
            headers: headers,
            body: Array(#"{"data":{}}"#.utf8),
            requestID: Array(0..<16)
        )
    }()

    @Test("a forwarded request and a relayed answer arrive as they left")
    func coding() throws {
        let request = Self.request
        #expect(try APIRequest(decoding: request.encoded()) == request)
        #expect(request.isForwardable)
        for consistency in [nil, "linearizable"] {
            var headers = request.headers
            headers.consistency = consistency
            let placed = APIRequest(
                method: "GET",
                target: request.target,
                headers: headers,
                body: [1],
                requestID: request.requestID,
                remoteAddress: "[::1]:51234"
            )
            let bytes = placed.encoded()
            #expect(try APIRequest(decoding: bytes) == placed)
            #expect(placed.confirmedAndReported.remoteAddress == "[::1]:51234")
            for count in 0..<bytes.count {
                #expect(throws: WireError.self) {
                    try APIRequest(decoding: Array(bytes.prefix(count)))
                }
            }
        }
        let response = APIResponse(
            status: 307,
            headers: [("Location", "/v1/x")],
            contentType: "text/html",
            body: [1, 2]
        )
        let copy = try APIResponse(decoding: response.encoded())
        #expect(copy.status == 307 && copy.body == [1, 2] && copy.contentType == "text/html")
        #expect(copy.headers.map(\.value) == ["/v1/x"])
        let big = APIRequest(
            method: "PUT",
            target: [],
            headers: APIHeaders(),
            body: [UInt8](repeating: 0, count: APILimits.forwardBytesMax),
            requestID: Array(0..<16)
        )
        #expect(!big.isForwardable)
    }

    @Test("what a peer sends is read or refused")
    func peers() {
        var random = Seeded(7)
        let request = Self.request.encoded()
        let response = APIResponse(status: 200, headers: [("A", "b")], body: [1]).encoded()
        for count in 0..<request.count {
            #expect(throws: WireError.self) {
                try APIRequest(decoding: Array(request.prefix(count)))
            }
        }
        for _ in 0..<5_000 {
            _ = try? APIRequest(decoding: damage(request, &random))
            _ = try? APIResponse(decoding: damage(response, &random))
        }
        for (name, value) in [("A\r\nB", "c"), ("A", "b\r\nSet-Cookie: x"), ("", "b"), ("A:", "b")]
        {
            let bad = APIResponse(status: 200, headers: [(name, value)]).encoded()
            #expect(throws: WireError.self) { try APIResponse(decoding: bad) }
        }
    }
}
