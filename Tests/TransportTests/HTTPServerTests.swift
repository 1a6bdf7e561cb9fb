import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// A server on a free local port, stopped at the end of the body.
func withServer(
    limits: HTTPLimits = HTTPLimits(),
    tls: TLSMaterial? = nil,
    threads: Int = 1,
    handler: @escaping @Sendable (HTTPExchange) -> Void,
    _ body: (HTTPServer) async throws -> Void
) async throws {
    let server = try await HTTPServer.start(
        address: NetworkAddress(host: "127.0.0.1", port: 0),
        tls: tls,
        threads: threads,
        limits: limits,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        handler: handler
    )
    do {
        try await body(server)
    } catch {
        await server.stop(grace: .zero)
        throw error
    }
    await server.stop(grace: .zero)
}

/// Answers with method, target, body size.
@Sendable func echo(_ exchange: HTTPExchange) {
    let request = exchange.request
    let target = String(decoding: request.target, as: UTF8.self)
    exchange.respond(
        status: 200,
        headers: [("X-Method", request.method)],
        body: Array("\(request.method) \(target) \(request.body.count)".utf8)
    )
}

extension NetworkTests {
    @Suite("HTTP server")
    struct HTTPServerTests {
        @Test("keeps a connection and answers with the fields that HTTP wants")
        func keepAlive() async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                for number in 0..<3 {
                    try await client.send("GET /v1/a\(number)?b=%20c HTTP/1.1\r\nHost: x\r\n\r\n")
                    let response = try #require(try await client.response())
                    #expect(response.text == "GET /v1/a\(number)?b=%20c 0")
                    #expect(response.head.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
                    #expect(response.head.contains(" GMT\r\n"))
                    #expect(response.head.contains("\r\nContent-Length: 19\r\n"))
                    #expect(response.head.contains("\r\nX-Method: GET\r\n"))
                    #expect(!response.head.contains("Connection"))
                }
                #expect(server.connectionCount == 1)
            }
        }

        @Test(
            "passes methods that HTTP does not know",
            arguments: ["LIST", "SCAN", "HELP", "PATCH"]
        )
        func methods(_ method: String) async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("\(method) /v1/secret/ HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response()?.text == "\(method) /v1/secret/ 0")
            }
        }

        @Test("finds header fields without regard to case, and the client's address")
        func fields() async throws {
            let seen = Mutex<[String?]>([])
            try await withServer(handler: { exchange in
                let request = exchange.request
                seen.withLock {
                    $0 = [
                        request.header("x-vault-token"), request.header("X-ABSENT"),
                        request.headerValues("X-Vault-MFA").joined(separator: "|"),
                        exchange.remoteAddress.hasPrefix("127.0.0.1:") ? "here" : "elsewhere",
                    ]
                }
                exchange.respond(status: 204, headers: [], body: [])
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(
                    "GET / HTTP/1.1\r\nhost:x\r\nX-Vault-Token: \t s.abc \r\n"
                        + "x-vault-mfa: a\r\nX-VAULT-MFA:b\r\n\r\n"
                )
                let response = try #require(try await client.response())
                #expect(response.status == 204)
                #expect(!response.head.contains("Content-Length"))
                #expect(seen.withLock { $0 } == ["s.abc", nil, "a|b", "here"])
            }
        }

        @Test("HEAD gets the length and no body")
        func head() async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(
                    "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n"
                )
                let response = try #require(try await client.response(hasBody: false))
                #expect(response.head.contains("Content-Length: 9\r\n"))
                #expect(try await client.response()?.text == "GET /b 0")
            }
        }

        @Test("reads a chunked body that arrives byte by byte, and what follows it")
        func chunked() async throws {
            try await withServer(handler: { exchange in
                exchange.respond(status: 200, headers: [], body: exchange.request.body)
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let request =
                    "PUT /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "5;ext=\"1\"\r\nhello\r\n1\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
                for byte in request.utf8 { try await client.send([byte]) }
                #expect(try await client.response()?.text == "hello 0123456789")
                try await client.send("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                #expect(try await client.response()?.text == "abc")
            }
        }

        @Test("asks for the body when the client waits for that")
        func expectContinue() async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(
                    "PUT /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
                        + "Content-Length: 2\r\n\r\n"
                )
                #expect(try await client.response()?.status == 100)
                try await client.send("ab")
                #expect(try await client.response()?.text == "PUT /a 2")
            }
        }

        @Test("a large body comes back whole")
        func largeBody() async throws {
            let size = 3 << 20
            try await withServer(handler: { exchange in
                exchange.respond(status: 200, headers: [], body: exchange.request.body)
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
                try await client.send(
                    "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n"
                )
                try await client.send(body)
                #expect(try await client.response()?.body == body)
            }
        }

        @Test("an exchange that nobody answers is answered with 500, from any thread")
        func dropped() async throws {
            try await withServer(handler: { exchange in
                if exchange.request.target.count == 2 {
                    Task.detached { _ = exchange.request.body.count }
                }
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                for target in ["/", "/a"] {
                    try await client.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
                    let response = try #require(try await client.response())
                    #expect(response.status == 500)
                    #expect(response.text == "{\"errors\":[\"internal error\"]}\n")
                }
            }
        }

        @Test("a second answer to one request is a programming error")
        func secondAnswer() async {
            await #expect(processExitsWith: .failure) {
                try await withServer(handler: { exchange in
                    exchange.respond(status: 200, headers: [], body: [])
                    exchange.respond(status: 200, headers: [], body: [])
                }) { server in
                    let client = try await RawClient.connect(to: server.boundAddress)
                    try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                    try await client.waitForClose()
                }
            }
        }

        @Test("a header value cannot break out of its line; the server's own fields are its own")
        func injection() async throws {
            try await withServer(handler: { exchange in
                exchange.respond(
                    status: 200,
                    headers: [
                        ("X-A", "1\r\nSet-Cookie: b\u{0}"), ("content-LENGTH", "7"),
                        ("Transfer-Encoding", "chunked"),
                    ],
                    body: [0x61]
                )
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try #require(try await client.response())
                #expect(response.head.contains("\r\nX-A: 1  Set-Cookie: b \r\n"))
                #expect(!response.head.contains("chunked"))
                #expect(response.text == "a")
            }
        }

        @Test("connections above the bound are turned away, and let in once there is room")
        func connectionsMax() async throws {
            var limits = HTTPLimits()
            limits.connectionsMax = 2
            try await withServer(limits: limits, handler: echo) { server in
                let request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
                let first = try await RawClient.connect(to: server.boundAddress)
                try await first.send(request)
                #expect(try await first.response()?.status == 200)
                let second = try await RawClient.connect(to: server.boundAddress)
                try await second.send(request)
                #expect(try await second.response()?.status == 200)
                let third = try await RawClient.connect(to: server.boundAddress)
                try await third.waitForClose()
                await first.close()
                try await eventually("there is room") { server.connectionCount < 2 }
                let fourth = try await RawClient.connect(to: server.boundAddress)
                try await fourth.send(request)
                #expect(try await fourth.response()?.status == 200)
            }
        }

        @Test("whoever works on a request hears that its client has gone, before it is answered")
        func clientGone() async throws {
            let waiting = Mutex<[HTTPExchange]>([])
            let gone = Collector<String>()
            let handler: @Sendable (HTTPExchange) -> Void = { exchange in
                let target = String(decoding: exchange.request.target, as: UTF8.self)
                exchange.whenGone { gone.add(target) }
                waiting.withLock { $0.append(exchange) }
            }
            try await withServer(handler: handler) { server in
                let first = try await RawClient.connect(to: server.boundAddress)
                let second = try await RawClient.connect(to: server.boundAddress)
                try await first.send("PUT /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
                try await eventually("the first is there") { waiting.withLock { $0.count == 1 } }
                // Answered: nobody hears of what comes after.
                waiting.withLock { $0[0] }.respond(status: 200, headers: [], body: [])
                #expect(try await first.response()?.status == 200)
                try await first.send("GET /2 HTTP/1.1\r\nHost: x\r\n\r\n")
                try await second.send("GET /3 HTTP/1.1\r\nHost: x\r\n\r\n")
                try await eventually("all are there") { waiting.withLock { $0.count == 3 } }
                await first.close()
                try await eventually("the second is known to be gone") { gone.count == 1 }
                #expect(gone.all == ["/2"])
                let late = try #require(
                    waiting.withLock { $0.first { $0.request.target == Array("/2".utf8) } }
                )
                late.whenGone { gone.add("late") }
                try await eventually("it is known at once") { gone.count == 2 }
                late.respond(status: 200, headers: [], body: [])
                waiting.withLock { $0.last }?.respond(status: 200, headers: [], body: [])
                #expect(try await second.response()?.status == 200)
                await second.close()
                #expect(gone.all == ["/2", "late"])
            }
        }

        @Test("stopping lets the running request finish and closes what is idle")
        func gracefulStop() async throws {
            let waiting = Mutex<HTTPExchange?>(nil)
            let server = try await HTTPServer.start(
                address: NetworkAddress(host: "127.0.0.1", port: 0),
                tls: nil,
                threads: 1,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                handler: { exchange in waiting.withLock { $0 = exchange } }
            )
            let idle = try await RawClient.connect(to: server.boundAddress)
            let busy = try await RawClient.connect(to: server.boundAddress)
            try await busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the request has arrived") { waiting.withLock { $0 != nil } }
            async let stopped: Void = server.stop(grace: .seconds(60))
            try await idle.waitForClose()
            #expect(!busy.isClosed)
            let exchange = waiting.withLock { $0.take() }
            exchange?.respond(status: 200, headers: [], body: [0x62])
            let response = try #require(try await busy.response())
            #expect(response.text == "b")
            #expect(response.head.contains("\r\nConnection: close\r\n"))
            try await busy.waitForClose()
            await stopped
            await #expect(throws: (any Error).self) {
                _ = try await RawClient.connect(to: server.boundAddress)
            }
        }
    }
}
