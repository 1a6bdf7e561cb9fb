import Engines
import Testing
import Wire

@testable import API
@testable import Vault

/// From the bytes of a target to a route, tricks included. What the real server answers was seen on
/// OpenBao 2.7.2.
@Suite("router")
struct RouterTests {
    private func route(
        _ method: String,
        _ target: [UInt8],
        headers: APIHeaders = APIHeaders(),
        body: String = "",
        isSealed: Bool = false
    ) -> Route {
        let request = APIRequest(
            method: method,
            target: target,
            headers: headers,
            body: Array(body.utf8),
            requestID: [UInt8](repeating: 0, count: 16)
        )
        return Router.route(request, isSealed: isSealed)
    }

    private func reply(_ route: Route) throws -> APIResponse {
        guard case .reply(let response) = route else { throw TestFailure("no reply: \(route)") }
        return response
    }

    @Test(
        "paths that mean another path are redirected",
        arguments: [
            ("/v1//sys/mounts", "/v1/sys/mounts"), ("/v1/sys/../sys/mounts", "/v1/sys/mounts"),
            ("/v1/sys/./mounts", "/v1/sys/mounts"), ("/v1/s/data/a//b", "/v1/s/data/a/b"),
            ("/v1/s/data/a//", "/v1/s/data/a/"), ("/v1/s/data/..", "/v1/s"),
            ("/v1/../../etc/passwd", "/etc/passwd"), ("//evil.example/v1", "/evil.example/v1"),
            ("/..", "/"), ("//", "/"), ("/v1/s//a%2Fb?x=1&y", "/v1/s/a%2Fb?x=1&y"),
            ("http://host//v1/sys", "/v1/sys"), ("/v1//é", "/v1/%C3%A9"),
        ]
    )
    func redirects(_ target: String, _ location: String) throws {
        for method in ["GET", "PUT", "LIST"] {
            let response = try reply(route(method, Array(target.utf8)))
            #expect(response.status == 307)
            #expect(response.headers.map(\.name) == ["Location"])
            #expect(response.headers.first?.value == location)
            #expect(response.body.isEmpty == (method != "GET"))
        }
    }

    @Test(
        "paths that can mean nothing are refused",
        arguments: [
            ("/v1/sys/%2e%2e/mounts", 400), ("/v1/s/data/%2E%2E", 400), ("/v1/s/%2e", 400),
            ("/v1/s/data/a%2f..%2fb", 400), ("/v1/s/a%2F%2Fb", 400), ("/v1/%2Fs", 400),
            ("/v1/s/%00x", 400), ("/v1/s/%0a", 400), ("/v1/s/%7f", 400), ("/v1/s/%zz", 400),
            ("/v1/s/%e2%80%8b", 400), ("/v1/s/%C2%A0", 400), ("/v1/s/%", 400), ("/v1/s/%f", 400),
            ("/v1/s/%ff", 400), ("/v1/s/%C3", 400), ("/v1/s/a b", 400), ("/v1/s/a\u{7F}", 400),
            ("", 400), ("v1/sys/health", 400), ("*", 400), ("http://host", 400), ("?", 400),
            ("/", 404), ("/v1", 404), ("/V1/sys/health", 404), ("/v2/x", 404), ("/ui/", 404),
            ("/robots.txt", 404),
        ]
    )
    func refusals(_ target: String, _ status: Int) throws {
        #expect(try reply(route("GET", Array(target.utf8))).status == status)
    }

    @Test(
        "what looks odd and is a name reaches the vault",
        arguments: [
            ("/v1/s/data/a..b", "s/data/a..b"), ("/v1/s/..a", "s/..a"), ("/v1/s/...", "s/..."),
            ("/v1/s/%20", "s/ "), ("/v1/s/a+b", "s/a+b"), ("/v1/s/a%2520b", "s/a%20b"),
            ("/v1/s%2Fdata%2Fx", "s/data/x"), ("/v1/s/%C3%A9", "s/é"), ("/v1/s/é", "s/é"),
            ("/%76%31/s/x", "s/x"), ("/v1/s/a#b", "s/a#b"), ("/v1/s/a%3Fb", "s/a?b"),
            ("/v1/", ""), ("/v1/s/", "s/"), ("https://h:1/v1/s/x", "s/x"), ("/v1/s/a;b", "s/a;b"),
        ]
    )
    func names(_ target: String, _ path: String) throws {
        guard case .vault(let request) = route("GET", Array(target.utf8)) else {
            throw TestFailure("\(target) does not reach the vault")
        }
        #expect(utf8Equals(request.path, path))
    }

    @Test(
        "methods are operations",
        arguments: [
            ("GET", "/v1/s/x", Operation.read, "s/x"), ("PUT", "/v1/s/x", .update, "s/x"),
            ("POST", "/v1/s/x", .update, "s/x"), ("DELETE", "/v1/s/x", .delete, "s/x"),
            ("LIST", "/v1/s/x", .list, "s/x/"), ("LIST", "/v1/s/x/", .list, "s/x/"),
            ("SCAN", "/v1/s/x", .scan, "s/x/"), ("HELP", "/v1/s/x", .help, "s/x"),
            ("GET", "/v1/s/x?list=true", .list, "s/x/"), ("GET", "/v1/s/x?list=T", .list, "s/x/"),
            ("GET", "/v1/s/x?list=0", .read, "s/x"), ("GET", "/v1/s/x?scan=1", .scan, "s/x/"),
            ("GET", "/v1/s/x?help=1", .help, "s/x"), ("PUT", "/v1/s/x?list=1", .update, "s/x"),
            // Help about a call that the node or the cluster answers does not do it.
            ("GET", "/v1/sys/init?help=1", .help, "sys/init"),
            ("HELP", "/v1/sys/seal", .help, "sys/seal"),
            ("HELP", "/v1/sys/cluster/transfer", .help, "sys/cluster/transfer"),
            (
                "GET", "/v1/sys/storage/raft/configuration?help=1", .help,
                "sys/storage/raft/configuration"
            ),
            ("GET", "/v1/sys/host-info?help=1", .help, "sys/host-info"),
        ]
    )
    func operations(
        _ method: String,
        _ target: String,
        _ operation: Operation,
        _ path: String
    ) throws {
        guard case .vault(let request) = route(method, Array(target.utf8)) else {
            throw TestFailure("\(method) \(target) does not reach the vault")
        }
        #expect(request.operation == operation)
        #expect(request.path == path)
        #expect(request.isWrite == [.update, .delete].contains(operation))
        #expect(request.isLong == [.list, .scan, .help].contains(operation))
    }

    @Test("query parameters are decoded, listed when repeated, and bounded")
    func query() throws {
        let target = "/v1/s/x?a=1&b=%20+&c=1&c=2&c=3&d&bad=%zz&e;f=1&list=0&%C3%A9=x"
        guard case .vault(let request) = route("GET", Array(target.utf8)) else {
            throw TestFailure("the request does not reach the vault")
        }
        let expected: JSONObject = [
            "a": "1", "b": "  ", "c": ["1", "2", "3"], "d": "", "é": "x",
        ]
        #expect(request.fields == expected)
        let many = (0...APILimits.queryItemsMax).map { "a\($0)=1" }.joined(separator: "&")
        #expect(try reply(route("GET", Array("/v1/s/x?\(many)".utf8))).status == 400)
    }

    @Test("a sealed node says so before it looks further")
    func sealed() throws {
        for (method, target, body) in [
            ("GET", "/v1/s/x", ""), ("FOO", "/v1/s/x", ""), ("POST", "/v1/s/x/", "{bad"),
            ("GET", "/v1/sys/leader", ""), ("GET", "/v1/nomount", ""),
            ("GET", "/v1/sys/health?help=1", ""),
        ] {
            let response = try reply(
                route(method, Array(target.utf8), body: body, isSealed: true)
            )
            #expect(response.status == 503)
            #expect(response.body == Array("{\"errors\":[\"Vault is sealed\"]}\n".utf8))
        }
        let head = try reply(route("HEAD", Array("/v1/s/x".utf8), isSealed: true))
        #expect(head.status == 503 && head.body.isEmpty)
        for target in ["sys/init", "sys/seal-status", "sys/health"] {
            guard case .node = route("GET", Array("/v1/\(target)".utf8), isSealed: true) else {
                throw TestFailure("\(target) must be answered in any state")
            }
        }
    }

    @Test("the token comes from its header, else from the bearer, trimmed")
    func token() throws {
        for (token, authorization, expected) in [
            ("a", "Bearer b", "a"), ("", "Bearer b", "b"), (nil, "Bearer   b  ", "b"),
            (nil, "bearer b", ""), (nil, "Basic b", ""), (nil, nil, ""), (nil, "Bearer ", ""),
        ] as [(String?, String?, String)] {
            var headers = APIHeaders()
            headers.token = token
            headers.authorization = authorization
            guard case .vault(let request) = route("GET", Array("/v1/s/x".utf8), headers: headers)
            else { throw TestFailure("the request does not reach the vault") }
            #expect(request.token == Array(expected.utf8))
        }
    }

    @Test("the namespace header comes back, unless it could not stand in a header")
    func namespaceEcho() throws {
        for (namespace, isEchoed) in [
            ("root", true), ("a/b", true), ("", false), ("a\r\nb", false),
        ] {
            var headers = APIHeaders()
            headers.namespace = namespace
            let request = APIRequest(
                method: "GET",
                target: Array("/v1/s/x".utf8),
                headers: headers,
                body: [],
                requestID: [UInt8](repeating: 0, count: 16)
            )
            let response = Router.finish(APIResponse(status: 204), for: request)
            #expect(response.headers.map(\.value) == (isEchoed ? [namespace] : []))
        }
    }

    @Test("every answer carries the headers that clients expect")
    func standardHeaders() throws {
        let response = try reply(route("GET", Array("/nope".utf8)))
        #expect(response.hasStandardHeadersOnly)
        #expect(
            response.allHeaders.map { "\($0.name): \($0.value)" } == [
                "Cache-Control: no-store", "Content-Type: application/json",
                "Strict-Transport-Security: max-age=31536000; includeSubDomains",
            ]
        )
    }
}
