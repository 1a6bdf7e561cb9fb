import Cryptography
import Testing
import Wire

@testable import Audit

/// Lines of a real server beside ours. The expected texts are what OpenBao 2.7.2 wrote, in
/// `log_raw` and by default, for requests that were sent to it; digests are masked, since its key
/// is not known.
@Suite("Audit format")
struct AuditFormatTests {
    private static let key = HMACKey(SecretBytes(copying: [UInt8](repeating: 9, count: 32).span))
    static let hash = ValueHash(key: key)

    private static func time(_ text: String) throws -> Timestamp {
        try #require(Timestamp(rfc3339: text))
    }

    private static func root(_ request: inout AuditRequest) throws -> AuditAuth {
        request.clientToken = "root"
        request.clientTokenAccessor = "nUPA9eR3f6LHxPlGr5ENQcBR"
        request.clientID = "0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8="
        request.remoteAddress = "127.0.0.1"
        var auth = AuditAuth()
        auth.clientToken = "root"
        auth.accessor = "nUPA9eR3f6LHxPlGr5ENQcBR"
        auth.displayName = "token"
        auth.policies = ["root"]
        auth.tokenPolicies = ["root"]
        auth.decision = AuditDecision(
            isAllowed: true,
            deciding: [AuditDecision.Policy(name: "root")]
        )
        auth.tokenType = "service"
        auth.issued = try time("2026-11-26T13:42:46.412Z")
        return auth
    }

    private static func mount(_ point: String, _ type: String, _ accessor: String) -> AuditMount {
        var mount = AuditMount()
        mount.point = point
        mount.type = type
        mount.accessor = accessor
        mount.runningVersion = "v2.7.2+builtin.bao"
        mount.kind = "secret"
        return mount
    }

    private static func object(_ text: String) throws -> JSONObject {
        try #require(try JSONScanner.parse(Array(text.utf8)).asObject)
    }

    /// The line with every digest replaced by stars.
    private static func masked(_ line: [UInt8]) -> String {
        var text = ""
        var rest = Substring(String(decoding: line, as: UTF8.self))
        while let found = rest.firstRange(of: "hmac-sha256:") {
            text += rest[..<found.upperBound] + "*"
            let tail = rest[found.upperBound...]
            #expect(tail.prefix(64).allSatisfy { $0.isHexDigit })
            rest = tail.dropFirst(64)
        }
        return text + rest
    }

    private static let rootAuth =
        #""auth":{"client_token":"root","accessor":"nUPA9eR3f6LHxPlGr5ENQcBR","#
        + #""display_name":"token","policies":["root"],"token_policies":["root"],"#
        + #""policy_results":{"allowed":true,"#
        + #""granting_policies":[{"name":"root","namespace_id":"root","type":"acl"}]},"#
        + #""token_type":"service","token_issue_time":"2026-11-26T13:42:46Z"}"#
    private static let hashedAuth =
        rootAuth.replacing(#""client_token":"root""#, with: #""client_token":"hmac-sha256:*""#)
        .replacing("nUPA9eR3f6LHxPlGr5ENQcBR", with: "hmac-sha256:*")

    private static func kvWrite() throws -> AuditRecord {
        var request = AuditRequest(
            id: "a122ce2f-5d58-448c-2780-1234d38ab468",
            operation: "create",
            path: "secret/data/a/b"
        )
        let auth = try root(&request)
        request.mount = mount("secret/", "kv", "kv_51baecbf")
        request.data = try object(#"{"options":{},"data":{"y":"hello","x":"1"}}"#)
        request.remotePort = 39_704
        var record = AuditRecord(time: try time("2026-11-26T13:42:47.199307349Z"), request: request)
        record.auth = auth
        return record
    }

    private static let kvRequest =
        #""request":{"id":"a122ce2f-5d58-448c-2780-1234d38ab468","#
        + #""client_id":"0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=","operation":"create","#
        + #""mount_point":"secret/","mount_type":"kv","mount_accessor":"kv_51baecbf","#
        + #""mount_running_version":"v2.7.2+builtin.bao","mount_class":"secret","#
        + #""client_token":"root","client_token_accessor":"nUPA9eR3f6LHxPlGr5ENQcBR","#
        + #""namespace":{"id":"root"},"path":"secret/data/a/b","#
        + #""data":{"data":{"x":"1","y":"hello"},"options":{}},"#
        + #""remote_address":"127.0.0.1","remote_port":39704}"#

    @Test("a request, with secrets as they are")
    func rawRequest() throws {
        var record = try Self.kvWrite()
        record.time = try Self.time("2026-11-26T13:42:47.198616152Z")
        let line = AuditFormat(hash: nil).line(record)
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"time":"2026-11-26T13:42:47.198616152Z","type":"request","#
                + Self.rootAuth + "," + Self.kvRequest + "}\n"
        )
    }

    @Test("a response, with secrets as they are")
    func rawResponse() throws {
        var record = try Self.kvWrite()
        var response = AuditResponse()
        response.data = try Self.object(
            #"{"version":1,"created_time":"2026-11-26T13:42:47.198858265Z","#
                + #""custom_metadata":null,"deletion_time":"","destroyed":false}"#
        )
        record.response = response
        let line = AuditFormat(hash: nil).line(record)
        #expect(
            String(decoding: line, as: UTF8.self)
                == #"{"time":"2026-11-26T13:42:47.199307349Z","type":"response","#
                + Self.rootAuth + "," + Self.kvRequest
                + #","response":{"mount_point":"secret/","mount_type":"kv","#
                + #""mount_accessor":"kv_51baecbf","#
                + #""mount_running_plugin_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""data":{"created_time":"2026-11-26T13:42:47.198858265Z","#
                + #""custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}}}"#
                + "\n"
        )
    }

    @Test("a wrapped answer, with digests")
    func wrapped() throws {
        var request = AuditRequest(
            id: "fe315c2b-ea86-2c0f-b3a1-952f61bfc165",
            operation: "read",
            path: "secret/data/a/b"
        )
        let auth = try Self.root(&request)
        request.mount = Self.mount("secret/", "kv", "kv_51baecbf")
        request.remotePort = 39_728
        request.wrapTTLSeconds = 60
        var record = AuditRecord(
            time: try Self.time("2026-11-26T13:42:48.271899382Z"),
            request: request
        )
        record.auth = auth
        var response = AuditResponse()
        response.wrap = AuditWrap(
            ttlSeconds: 60,
            token: "s.wrapping",
            accessor: "abc",
            created: try Self.time("2026-11-26T13:42:48.271626833Z"),
            path: "secret/data/a/b"
        )
        record.response = response
        #expect(
            Self.masked(AuditFormat(hash: Self.hash).line(record))
                == #"{"time":"2026-11-26T13:42:48.271899382Z","type":"response","#
                + Self.hashedAuth
                + #","request":{"id":"fe315c2b-ea86-2c0f-b3a1-952f61bfc165","#
                + #""client_id":"0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=","operation":"read","#
                + #""mount_point":"secret/","mount_type":"kv","mount_accessor":"kv_51baecbf","#
                + #""mount_running_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""client_token":"hmac-sha256:*","client_token_accessor":"hmac-sha256:*","#
                + #""namespace":{"id":"root"},"path":"secret/data/a/b","#
                + #""remote_address":"127.0.0.1","remote_port":39728,"wrap_ttl":60},"#
                + #""response":{"mount_point":"secret/","mount_type":"kv","#
                + #""mount_accessor":"kv_51baecbf","#
                + #""mount_running_plugin_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""wrap_info":{"ttl":60,"token":"hmac-sha256:*","accessor":"hmac-sha256:*","#
                + #""creation_time":"2026-11-26T13:42:48.271626833Z","#
                + #""creation_path":"secret/data/a/b"}}}"# + "\n"
        )
    }

    @Test("values with digests: strings at any depth, nothing else; headers too")
    func values() throws {
        var request = AuditRequest(
            id: "c3c100b2-4283-2c9c-82f6-13b93d689831",
            operation: "create",
            path: "cubbyhole/z"
        )
        let auth = try Self.root(&request)
        request.mount = Self.mount("cubbyhole/", "cubbyhole", "cubbyhole_e8064241")
        request.data = try Self.object(
            #"{"n":12345678901234567890,"list":["a",1,null,true],"m":{"k":"v"},"bytes":"<&>"}"#
        )
        request.remotePort = 38_522
        request.headers = [AuditHeader(name: "x-foo", values: ["bar"], isHashed: true)]
        var record = AuditRecord(
            time: try Self.time("2026-11-26T13:42:49.655951017Z"),
            request: request
        )
        record.auth = auth
        // The server wrote 12345678901234567000 here; Holdfast keeps what was sent.
        #expect(
            Self.masked(AuditFormat(hash: Self.hash).line(record))
                == #"{"time":"2026-11-26T13:42:49.655951017Z","type":"request","#
                + Self.hashedAuth
                + #","request":{"id":"c3c100b2-4283-2c9c-82f6-13b93d689831","#
                + #""client_id":"0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=","#
                + #""operation":"create","mount_point":"cubbyhole/","mount_type":"cubbyhole","#
                + #""mount_accessor":"cubbyhole_e8064241","#
                + #""mount_running_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""client_token":"hmac-sha256:*","client_token_accessor":"hmac-sha256:*","#
                + #""namespace":{"id":"root"},"path":"cubbyhole/z","#
                + #""data":{"bytes":"hmac-sha256:*","list":["hmac-sha256:*",1,null,true],"#
                + #""m":{"k":"hmac-sha256:*"},"n":12345678901234567890},"#
                + #""remote_address":"127.0.0.1","remote_port":38522,"#
                + #""headers":{"x-foo":["hmac-sha256:*"]}}}"# + "\n"
        )
    }

    @Test("a login's response")
    func login() throws {
        var request = AuditRequest(
            id: "5ae97179-0fed-fe48-4a16-cc943c89b7a8",
            operation: "update",
            path: "auth/userpass/login/u"
        )
        _ = try Self.root(&request)
        request.mount = Self.mount("auth/userpass/", "userpass", "auth_userpass_f8fd189e")
        request.mount.kind = "auth"
        request.data = try Self.object(#"{"password":"p"}"#)
        request.remotePort = 38_598
        var auth = AuditAuth()
        auth.clientToken = "s.new"
        auth.accessor = "new"
        auth.displayName = "userpass-u"
        auth.policies = ["default"]
        auth.tokenPolicies = ["default"]
        auth.metadata = [("username", "u")]
        auth.entityID = "bbf5200a-0a94-1511-c7b8-d4f60ad2d5d5"
        auth.tokenType = "service"
        auth.tokenTTLSeconds = 2_764_800
        var record = AuditRecord(
            time: try Self.time("2026-11-26T13:42:51.027506682Z"),
            request: request
        )
        var response = AuditResponse()
        response.auth = auth
        auth.entityCreated = true
        record.auth = auth
        record.response = response
        let common =
            #"{"client_token":"hmac-sha256:*","accessor":"hmac-sha256:*","#
            + #""display_name":"userpass-u","policies":["default"],"token_policies":["default"],"#
            + #""metadata":{"username":"u"},"entity_id":"bbf5200a-0a94-1511-c7b8-d4f60ad2d5d5","#
        #expect(
            Self.masked(AuditFormat(hash: Self.hash).line(record))
                == #"{"time":"2026-11-26T13:42:51.027506682Z","type":"response","auth":"#
                + common
                + #""entity_created":true,"token_type":"service","token_ttl":2764800},"#
                + #""request":{"id":"5ae97179-0fed-fe48-4a16-cc943c89b7a8","#
                + #""client_id":"0DHqvq2D77kL2/JTPSZkTMJbkFVmUu0TzMi0jiXcFy8=","#
                + #""operation":"update","mount_point":"auth/userpass/","mount_type":"userpass","#
                + #""mount_accessor":"auth_userpass_f8fd189e","#
                + #""mount_running_version":"v2.7.2+builtin.bao","mount_class":"auth","#
                + #""client_token":"hmac-sha256:*","client_token_accessor":"hmac-sha256:*","#
                + #""namespace":{"id":"root"},"path":"auth/userpass/login/u","#
                + #""data":{"password":"hmac-sha256:*"},"remote_address":"127.0.0.1","#
                + #""remote_port":38598},"response":{"auth":"# + common
                + #""token_type":"service","token_ttl":2764800},"#
                + #""mount_point":"auth/userpass/","mount_type":"userpass","#
                + #""mount_accessor":"auth_userpass_f8fd189e","#
                + #""mount_running_plugin_version":"v2.7.2+builtin.bao","mount_class":"auth"}}"#
                + "\n"
        )
    }

    @Test("a refused request of nobody")
    func refused() throws {
        var request = AuditRequest(
            id: "237153a2-abb1-9393-4543-0c5b4978e1f6",
            operation: "read",
            path: "cubbyhole/nope"
        )
        request.clientToken = "bad"
        request.mount = Self.mount("cubbyhole/", "cubbyhole", "")
        request.remoteAddress = "127.0.0.1"
        request.remotePort = 38_554
        var record = AuditRecord(
            time: try Self.time("2026-11-26T13:42:49.736403855Z"),
            request: request
        )
        var response = AuditResponse()
        response.data = ["error": "permission denied"]
        record.response = response
        record.error = "1 error occurred:\n\t* permission denied\n\n"
        #expect(
            String(decoding: AuditFormat(hash: nil).line(record), as: UTF8.self)
                == #"{"time":"2026-11-26T13:42:49.736403855Z","type":"response","#
                + #""auth":{"token_type":"default"},"#
                + #""request":{"id":"237153a2-abb1-9393-4543-0c5b4978e1f6","operation":"read","#
                + #""mount_point":"cubbyhole/","mount_type":"cubbyhole","#
                + #""mount_running_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""client_token":"bad","namespace":{"id":"root"},"path":"cubbyhole/nope","#
                + #""remote_address":"127.0.0.1","remote_port":38554},"#
                + #""response":{"mount_point":"cubbyhole/","mount_type":"cubbyhole","#
                + #""mount_running_plugin_version":"v2.7.2+builtin.bao","mount_class":"secret","#
                + #""data":{"error":"permission denied"}},"#
                + #""error":"1 error occurred:\n\t* permission denied\n\n"}"# + "\n"
        )
    }

    @Test("digests are HMAC-SHA256 in hexadecimal, the same for the same text")
    func digest() {
        let digest = Self.hash.text("hello")
        #expect(digest == "hmac-sha256:" + Hex.encode(Self.key.tag(Array("hello".utf8))))
        #expect(digest == Self.hash.text("hello"))
        #expect(digest != Self.hash.text("hello "))
        // RFC 4231, test case 2.
        let published = ValueHash(key: HMACKey(SecretBytes(copying: Array("Jefe".utf8).span)))
        #expect(
            published.text("what do ya want for nothing?")
                == "hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
    }

    @Test("names that a mount shows keep their own strings, those of a list below them too")
    func clearKeys() {
        let value: JSONValue = [
            "a": "x", "b": ["y", ["c": "z"]], "c": "w", "d": ["a": "v"], "e": ["a", ["b"]],
        ]
        let shown = Self.hash.value(value, clearKeys: ["a", "b"])
        func digest(_ text: String) -> JSONValue { .string(Self.hash.text(text)) }
        #expect(
            shown == [
                "a": "x", "b": ["y", ["c": digest("z")]], "c": digest("w"), "d": ["a": "v"],
                "e": [digest("a"), [digest("b")]],
            ]
        )
        var deep: JSONValue = "secret"
        for _ in 0..<200 { deep = [deep] }
        let text = String(decoding: Self.hash.value(deep).encoded(sortingKeys: true), as: UTF8.self)
        #expect(!text.contains("secret"))
    }

    @Test("what a device may choose: accessors, lists, a prefix; where a request came from")
    func choices() throws {
        var record = try Self.kvWrite()
        record.request.operation = "list"
        record.request.data = JSONObject()
        record.forwardedFrom = "10.0.0.1:8201"
        let plain = AuditFormat(
            hash: Self.hash,
            hashesAccessors: false,
            elidesLists: true,
            prefix: "@cee: "
        )
        let request = String(decoding: plain.line(record), as: UTF8.self)
        #expect(request.hasPrefix("@cee: {"))
        #expect(request.contains(#""accessor":"nUPA9eR3f6LHxPlGr5ENQcBR""#))
        #expect(request.contains(#""client_token_accessor":"nUPA9eR3f6LHxPlGr5ENQcBR""#))
        #expect(request.hasSuffix(#","forwarded_from":"10.0.0.1:8201"}"# + "\n"))
        var response = AuditResponse()
        response.data = ["keys": ["a", "b"], "key_info": ["a": ["x": "y"]]]
        response.warnings = ["careful"]
        response.leaseID = "database/creds/r/1"
        response.redirect = "https://a:1"
        record.response = response
        let answer = String(decoding: plain.line(record), as: UTF8.self)
        #expect(answer.contains(#""data":{"key_info":1,"keys":2}"#))
        #expect(answer.contains(#""secret":{"lease_id":"database/creds/r/1"}"#))
        #expect(answer.contains(#""warnings":["careful"],"redirect":"https://a:1""#))
        #expect(answer.hasSuffix(#","forwarded":true}"# + "\n"))
        let whole = String(decoding: AuditFormat(hash: nil).line(record), as: UTF8.self)
        #expect(whole.contains(#""keys":["a","b"]"#))
    }

    @Test("members that few tokens have")
    func rareMembers() throws {
        var record = try Self.kvWrite()
        record.auth.identityPolicies = ["i"]
        record.auth.otherPolicies = [("b/", ["y"]), ("a/", ["x"])]
        record.auth.noDefaultPolicy = true
        record.auth.useCount = 3
        record.auth.remainingUses = 2
        record.request.namespaceID = "abc"
        record.request.namespacePath = "team/"
        let line = String(decoding: AuditFormat(hash: nil).line(record), as: UTF8.self)
        #expect(
            line.contains(
                #""identity_policies":["i"],"external_namespace_policies":{"a/":["x"],"b/":["y"]},"#
                    + #""no_default_policy":true,"policy_results""#
            )
        )
        #expect(line.contains(#""num_uses":3,"remaining_uses":2,"token_type""#))
        #expect(line.contains(#""namespace":{"id":"abc","path":"team/"}"#))
    }

    @Test("which version of a policy decided is on the record")
    func policyVersion() throws {
        var record = try Self.kvWrite()
        record.auth.decision?.deciding[0].version = 7
        record.auth.decision?.deciding[0].digest = "ab"
        let line = String(decoding: AuditFormat(hash: Self.hash).line(record), as: UTF8.self)
        #expect(
            line.contains(
                #"{"name":"root","namespace_id":"root","type":"acl","version":7,"digest":"ab"}"#
            )
        )
        record.auth.decision?.isAllowed = false
        let denied = String(decoding: AuditFormat(hash: Self.hash).line(record), as: UTF8.self)
        #expect(denied.contains(#""allowed":false,"denying_policies":[{"name":"root","#))
        #expect(!denied.contains("granting_policies"))
    }

    @Test("a share is told by its place")
    func share() throws {
        var record = try Self.kvWrite()
        record.share = "share 2 of group 1"
        let line = String(decoding: AuditFormat(hash: Self.hash).line(record), as: UTF8.self)
        #expect(line.hasSuffix(#","share":"share 2 of group 1"}"# + "\n"))
    }
}
