import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOSSL
import Testing
import Wire

@testable import Client

@Suite("client on the wire")
struct ClientTests {
    private func client(
        _ server: FakeServer,
        _ change: (inout ClientSettings) -> Void = { _ in }
    ) throws -> VaultClient {
        var settings = ClientSettings(address: try ServerAddress(server.address))
        settings.retriesMax = 0
        // Never the limit on a machine that is slow or busy; tests of a limit set their own.
        settings.timeoutSeconds = 60
        change(&settings)
        return try VaultClient(settings)
    }

    @Test("requests share one connection and carry token and namespace")
    func keepAlive() throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.json(200, #"{"a":1}"#))
        server.prepare(.json(204, ""))
        let client = try client(server) {
            $0.token = "s.token"
            $0.namespace = "a/b"
        }
        let first = try client.call(ClientRequest(.get, "x y/ü", query: [("v", "1&2")]))
        #expect(first?["a"]?.asInt == 1)
        #expect(try client.call(ClientRequest(.post, "z", body: ["k": "v"])) == nil)
        #expect(
            server.received == [
                FakeServer.Received(
                    method: "GET",
                    target: "/v1/x%20y/%C3%BC?v=1%262",
                    token: "s.token",
                    namespace: "a/b",
                    body: "",
                    connection: 1
                ),
                FakeServer.Received(
                    method: "POST",
                    target: "/v1/z",
                    token: "s.token",
                    namespace: "a/b",
                    body: #"{"k":"v"}"#,
                    connection: 1
                ),
            ]
        )
    }

    @Test("one redirect is followed with method, body and token")
    func redirect() throws {
        let standby = try FakeServer()
        let leader = try FakeServer()
        defer {
            standby.stop()
            leader.stop()
        }
        let target = "\(leader.address)/v1/moved?x=1"
        standby.prepare(.http(status: 307, body: "", headers: [("Location", target)]))
        leader.prepare(.json(200, #"{"here":true}"#))
        let client = try client(standby) { $0.token = "s.token" }
        let answer = try client.call(ClientRequest(.put, "path", body: ["k": "v"]))
        #expect(answer?["here"]?.asBool == true)
        let request = try #require(leader.received.first)
        #expect(request.method == "PUT" && request.target == "/v1/moved?x=1")
        #expect(request.token == "s.token" && request.body == #"{"k":"v"}"#)
    }

    @Test("a second redirect is an answer, not a chase")
    func secondRedirect() throws {
        let server = try FakeServer()
        defer { server.stop() }
        for _ in 0..<2 {
            server.prepare(.http(status: 307, body: "", headers: [("Location", "/v1/again")]))
        }
        let response = try client(server).send(ClientRequest(.get, "path"))
        #expect(response.status == 307)
        #expect(server.received.count == 2)
    }

    @Test(
        "a redirect to nowhere is refused",
        arguments: ["ftp://a:1/x", "https:/x", "nonsense", "http://a:x/y", "http://u@a:1/y"]
    )
    func badRedirect(_ location: String) throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.http(status: 307, body: "", headers: [("Location", location)]))
        let client = try client(server)
        #expect(throws: ClientError.badRedirect(server.address, to: location)) {
            try client.send(ClientRequest(.get, "path"))
        }
    }

    @Test("a lost answer to a write is told as unknown and not repeated")
    func lostAnswer() throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.hangUp)
        server.prepare(.json(200, "{}"))
        let client = try client(server) { $0.retriesMax = 2 }
        #expect(
            throws: ClientError.outcomeUnknown(
                server.address,
                reason: "the connection was closed"
            )
        ) {
            try client.send(ClientRequest(.put, "path", body: nil))
        }
        #expect(server.received.count == 1)
    }

    @Test("a lost answer to a read is asked for again")
    func repeatedRead() throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.hangUp)
        server.prepare(.json(200, #"{"a":1}"#))
        let client = try client(server) { $0.retriesMax = 1 }
        #expect(try client.call(ClientRequest(.get, "path"))?["a"]?.asInt == 1)
    }

    @Test("an answer that never comes ends with the time-out")
    func timeOut() throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.silence)
        let client = try client(server) { $0.timeoutSeconds = 0.2 }
        #expect(
            throws: ClientError.outcomeUnknown(server.address, reason: "no answer within 0.2 s")
        ) {
            try client.send(ClientRequest(.put, "path", body: nil))
        }
    }

    @Test(
        "answers that are not HTTP or not an object are told",
        arguments: ["SSH-2.0-OpenSSH_9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n"]
    )
    func notHTTP(_ text: String) throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.raw(text))
        let client = try client(server)
        #expect(throws: ClientError.badAnswer(server.address, reason: "it is not HTTP")) {
            try client.send(ClientRequest(.get, "path"))
        }
    }

    @Test("a body that is not an object is told")
    func notJSON() throws {
        let server = try FakeServer()
        defer { server.stop() }
        server.prepare(.json(200, "[1]"))
        let client = try client(server)
        #expect(throws: ClientError.badAnswer(server.address, reason: "it is not a JSON object")) {
            try client.call(ClientRequest(.get, "path"))
        }
    }

    @Test("a plain server at an https address is told apart from a wrong certificate")
    func noTLS() throws {
        let server = try FakeServer()
        defer { server.stop() }
        let address = try ServerAddress("https://127.0.0.1:\(server.port)")
        let client = try client(server) { $0.address = address }
        #expect(throws: ClientError.untrusted(address.text, reason: "it does not speak TLS")) {
            try client.send(ClientRequest(.get, "path"))
        }
    }

    @Test("what ends a connection before its first request is not lost")
    func endedEarly() throws {
        let address = try ServerAddress("https://127.0.0.1:1")
        let collector = AnswerCollector(address: address)
        let channel = EmbeddedChannel()
        try channel.pipeline.addHTTPClientHandlers().wait()
        try channel.pipeline.syncOperations.addHandler(collector)
        channel.pipeline.fireErrorCaught(NIOSSLError.handshakeFailed(.sslError([])))
        let answer = collector.send(
            HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"),
            body: nil,
            within: .hours(1),
            on: channel
        )
        var outcome: Result<ClientResponse, any Error>?
        answer.assumeIsolated().whenComplete { outcome = $0 }
        guard case .failure(ClientError.untrusted) = outcome else {
            Issue.record("the reason was lost: \(String(describing: outcome))")
            return
        }
        _ = try? channel.finish()
    }

    @Test("nobody there")
    func refused() throws {
        let server = try FakeServer()
        let client = try client(server)
        let address = server.address
        server.stop()
        #expect(throws: ClientError.unreachable(address, reason: "connection refused")) {
            try client.send(ClientRequest(.get, "path"))
        }
    }

    @Test(
        "a token with a line break cannot become a header",
        arguments: ["a\nb", "a b", "ü", "a\r"]
    )
    func badToken(_ token: String) throws {
        var settings = ClientSettings(address: try ServerAddress("http://127.0.0.1:1"))
        settings.token = token
        #expect(throws: ClientError.badHeaderText(of: "token")) { try VaultClient(settings) }
    }

    /// What a request to a locked namespace is told; the namespace's name is in between.
    private static let locked = #"""
        API access to this namespace has been locked by an administrator - \"ns1/\" must be unlocked \#
        to gain access.
        """#

    @Test(
        "what is repeated",
        arguments: [
            (503, #"{"errors":["no active Vault instance found"]}"#, true, true),
            (503, #"{"errors":["Vault is sealed"]}"#, false, false),
            (503, #"{"errors":["\#(ClientTests.locked)"]}"#, false, false),
            (429, "", true, true), (500, "", true, false), (502, "", true, false),
            (501, "", false, false), (404, "", false, false), (200, "", false, false),
            (409, "", false, false),
        ]
    )
    func policy(_ status: Int, _ body: String, _ repeatsGet: Bool, _ repeatsPut: Bool) throws {
        let policy = RetryPolicy(retriesMax: 2)
        let response = ClientResponse(
            status: status,
            body: Array(body.utf8),
            address: try ServerAddress("http://a:1")
        )
        func pause(_ method: ClientRequest.Method, _ attempt: Int) -> Int? {
            policy.pauseMilliseconds(after: response, to: method, attempt: attempt)
        }
        #expect(pause(.get, 0) == (repeatsGet ? 1_000 : nil))
        #expect(pause(.get, 1) == (repeatsGet ? 1_500 : nil))
        #expect(pause(.put, 0) == (repeatsPut ? 1_000 : nil))
        #expect(pause(.get, 2) == nil)
    }
}
