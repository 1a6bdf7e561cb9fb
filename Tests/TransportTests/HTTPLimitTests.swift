import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Bytes that are sent as the first thing on a connection, and what comes back.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: String
    let status: Int

    init(_ testDescription: String, _ bytes: String, _ status: Int) {
        self.testDescription = testDescription
        self.bytes = bytes
        self.status = status
    }
}

extension NetworkTests {
    @Suite("HTTP limits")
    struct HTTPLimitTests {
        static let refusals: [RefusalCase] = [
            RefusalCase("no method", " / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("method with a colon", "G:T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase(
                "endless method",
                String(repeating: "A", count: 40) + " / HTTP/1.1\r\n\r\n",
                400
            ),
            RefusalCase("no target", "GET  HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("target without a slash", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("target with DEL", "GET /\u{7F} HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("CONNECT", "CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("two blanks", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("no version", "GET /\r\nHost: x\r\n\r\n", 400),
            RefusalCase("lower-case version", "GET / http/1.1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("version without minor", "GET / HTTP/1\r\nHost: x\r\n\r\n", 400),
            RefusalCase("version 2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
            RefusalCase("bare line feed", "GET / HTTP/1.1\nHost: x\n\n", 400),
            RefusalCase("bare carriage return", "GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400),
            RefusalCase("blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            RefusalCase("folded line", "GET / HTTP/1.1\r\nHost: x\r\n y\r\n\r\n", 400),
            RefusalCase("field without a name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400),
            RefusalCase("field without a colon", "GET / HTTP/1.1\r\nHost: x\r\nabc\r\n\r\n", 400),
            RefusalCase("control byte in a value", "GET / HTTP/1.1\r\nHost: x\u{0}\r\n\r\n", 400),
            RefusalCase("no host", "GET / HTTP/1.1\r\n\r\n", 400),
            RefusalCase("two hosts", "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", 400),
            RefusalCase(
                "negative length",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
                400
            ),
            RefusalCase(
                "signed length",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
                400
            ),
            RefusalCase(
                "length list",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1,1\r\n\r\n",
                400
            ),
            RefusalCase(
                "empty length",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n",
                400
            ),
            RefusalCase(
                "length of 20 digits",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n",
                400
            ),
            RefusalCase(
                "two lengths",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
                400
            ),
            RefusalCase(
                "two framings",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n",
                400
            ),
            RefusalCase(
                "two codings",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
                501
            ),
            RefusalCase(
                "coding in 1.0",
                "PUT / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
                400
            ),
            RefusalCase(
                "chunk size that is none",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                400
            ),
            RefusalCase(
                "chunk size with a sign",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\na\r\n",
                400
            ),
            RefusalCase(
                "chunk longer than its size",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
                400
            ),
            RefusalCase(
                "chunk size beyond a machine word",
                "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "fffffffffffffffff\r\n",
                413
            ),
            RefusalCase(
                "unknown expectation",
                "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\n\r\n",
                417
            ),
            RefusalCase(
                "announced body above the limit",
                "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 33554433\r\n\r\n",
                413
            ),
        ]

        @Test("refuses and closes", arguments: refusals)
        func refuses(_ row: RefusalCase) async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(row.bytes)
                let response = try #require(try await client.response())
                #expect(response.status == row.status)
                #expect(response.text.hasPrefix("{\"errors\":[\"http: "))
                #expect(response.head.contains("\r\nConnection: close\r\n"))
                try await client.waitForClose()
            }
        }

        @Test(
            "accepts what is unusual but sound",
            arguments: [
                ("\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a 0"),
                ("GET http://x:80/a?b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /a?b 0"),
                ("OPTIONS * HTTP/1.1\r\nHost:\r\n\r\n", "OPTIONS * 0"),
                ("GET /a HTTP/1.0\r\n\r\n", "GET /a 0"),
                ("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 000\r\n\r\n", "PUT /a 0"),
                ("GET /%zz/\u{E4} HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%zz/\u{E4} 0"),
            ]
        )
        func unusual(_ request: String, _ text: String) async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(request)
                #expect(try await client.response()?.text == text)
            }
        }

        @Test("a head above the limit is 431, with and without an end", arguments: [true, false])
        func headTooLarge(hasEnd: Bool) async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let value = String(repeating: "a", count: 65 << 10)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\nA: \(value)")
                if hasEnd { await client.sendAnyway(Array("\r\n\r\n".utf8)) }
                #expect(try await client.response()?.status == 431)
                try await client.waitForClose()
            }
        }

        @Test("a head just below the limit and below the number of fields is fine, one more is 431")
        func headAtTheLimit() async throws {
            try await withServer(handler: echo) { server in
                for (fields, status) in [(255, 200), (256, 431)] {
                    let client = try await RawClient.connect(to: server.boundAddress)
                    let lines = String(
                        repeating: "a: \(String(repeating: "b", count: 240))\r\n",
                        count: fields
                    )
                    try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\(lines)\r\n")
                    #expect(try await client.response()?.status == status)
                }
            }
        }

        @Test("a client that keeps sending a body that is too large can read why not")
        func bodyTooLarge() async throws {
            var limits = HTTPLimits()
            limits.bodyBytesMax = 1 << 20
            try await withServer(limits: limits, handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(
                    "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                )
                let chunk =
                    Array("10000\r\n".utf8) + [UInt8](repeating: 0x61, count: 65_536) + [13, 10]
                for _ in 0..<64 { await client.sendAnyway(chunk) }
                let response = try #require(try await client.response())
                #expect(response.status == 413)
                #expect(response.text == "{\"errors\":[\"http: request body too large\"]}\n")
                await client.close()
                let other = try await RawClient.connect(to: server.boundAddress)
                try await other.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n")
                try await other.send([UInt8](repeating: 0x61, count: 1 << 20))
                #expect(try await other.response()?.text == "PUT / 1048576")
            }
        }

        @Test("bodies above the common budget are refused, and let in when it is free again")
        func budget() async throws {
            var limits = HTTPLimits()
            limits.requestBytesInFlightMax = 100_000
            let held = Mutex<HTTPExchange?>(nil)
            try await withServer(
                limits: limits,
                handler: { exchange in
                    held.withLock { held in
                        if held == nil { held = exchange } else { echo(exchange) }
                    }
                }
            ) { server in
                let request =
                    "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n"
                    + String(repeating: "a", count: 60_000)
                let first = try await RawClient.connect(to: server.boundAddress)
                try await first.send(request)
                try await eventually("the first request is handed out") {
                    held.withLock { $0 != nil }
                }
                let second = try await RawClient.connect(to: server.boundAddress)
                try await second.send(request)
                #expect(try await second.response()?.status == 503)
                held.withLock { $0 }?.respond(status: 200, headers: [], body: [])
                #expect(try await first.response()?.status == 200)
                held.withLock { $0 = nil }
                try await first.send(request)
                try await eventually("the third request is handed out") {
                    held.withLock { $0 != nil }
                }
            }
        }
    }
}

extension NetworkTests {
    @Suite("HTTP time-outs")
    struct HTTPTimeoutTests {
        private static let short = Duration.milliseconds(80)

        private func limits(_ change: (inout HTTPLimits) -> Void) -> HTTPLimits {
            var limits = HTTPLimits()
            change(&limits)
            return limits
        }

        @Test("a head that trickles in is 408")
        func slowHead() async throws {
            try await withServer(limits: limits { $0.headerTime = .seconds(1) }, handler: echo) {
                server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response()?.status == 200)
                for byte in "GET / HTTP/1.1\r\nHost: x\r\n".utf8 {
                    await client.sendAnyway([byte])
                    try await Task.sleep(for: .milliseconds(10))
                }
                #expect(try await client.response()?.status == 408)
                try await client.waitForClose()
            }
        }

        @Test("a connection that says nothing is closed without an answer")
        func silent() async throws {
            try await withServer(limits: limits { $0.headerTime = Self.short }, handler: echo) {
                server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.waitForClose()
                #expect(client.received.isEmpty)
            }
        }

        @Test("a body that does not come is 408")
        func slowBody() async throws {
            try await withServer(limits: limits { $0.bodyTime = Self.short }, handler: echo) {
                server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nab")
                #expect(try await client.response()?.status == 408)
                try await client.waitForClose()
            }
        }

        @Test("an idle connection is closed, one whose request is being handled is not")
        func idle() async throws {
            let held = Mutex<HTTPExchange?>(nil)
            try await withServer(
                limits: limits { $0.idleTime = Self.short },
                handler: { exchange in held.withLock { $0 = exchange } }
            ) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try await Task.sleep(for: .milliseconds(400))
                #expect(!client.isClosed)
                held.withLock { $0.take() }?.respond(status: 200, headers: [], body: [])
                #expect(try await client.response()?.status == 200)
                try await client.waitForClose()
            }
        }

        @Test("a client that never reads its answer is let go")
        func stalled() async throws {
            let body = [UInt8](repeating: 0x61, count: 24 << 20)
            try await withServer(
                limits: limits { $0.writeTime = Self.short },
                handler: { $0.respond(status: 200, headers: [], body: body) }
            ) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.pauseReading()
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                try await eventually("the server lets go") { server.connectionCount == 0 }
                await client.close()
            }
        }

        @Test("a TLS handshake that does not begin is given up")
        func handshake() async throws {
            let folder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["localhost"],
                logger: SeenLines().logger
            )
            try await withServer(
                limits: limits { $0.handshakeTime = Self.short },
                tls: tls,
                handler: echo
            ) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await eventually("the server lets go") { server.connectionCount == 0 }
                await client.close()
            }
        }
    }
}
