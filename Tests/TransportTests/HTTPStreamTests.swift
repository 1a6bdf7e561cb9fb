import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Transport

extension NetworkTests {
    /// Answers whose body is made while it is sent.
    @Suite("HTTP streams")
    struct HTTPStreamTests {
        /// Streams that the handler began, and how many of them have ended.
        private final class Begun: Sendable {
            let streams = Mutex<[HTTPStream]>([])
            let ended = Atomic(0)

            /// Begins a stream for `/stream`, else answers at once.
            @Sendable func handle(_ exchange: HTTPExchange) {
                guard exchange.request.target == Array("/stream".utf8) else {
                    return echo(exchange)
                }
                let stream = exchange.stream(status: 200, headers: [("X-Kind", "stream")])
                stream.whenEnded { [self] in ended.add(1, ordering: .sequentiallyConsistent) }
                streams.withLock { $0.append(stream) }
            }

            func first() async throws -> HTTPStream {
                try await eventually("the stream begins") { streams.withLock { !$0.isEmpty } }
                return streams.withLock { $0[0] }
            }

            var endedCount: Int { ended.load(ordering: .sequentiallyConsistent) }
        }

        private func text(_ client: RawClient) -> String {
            String(decoding: client.received, as: UTF8.self)
        }

        @Test("pieces leave as they are written, as chunks, and the end closes the connection")
        func chunks() async throws {
            let begun = Begun()
            try await withServer(handler: begun.handle) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                let stream = try await begun.first()
                try await eventually("the head leaves before any piece") {
                    text(client).hasSuffix("X-Kind: stream\r\n\r\n")
                }
                let head = text(client)
                #expect(head.contains("\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"))
                #expect(!head.contains("Content-Length"))
                #expect(stream.write(Array("one".utf8)))
                try await eventually("the first") { text(client) == head + "3\r\none\r\n" }
                #expect(stream.write([]))
                #expect(stream.write([UInt8](repeating: 0x61, count: 26)))
                let more = "1a\r\n" + String(repeating: "a", count: 26) + "\r\n"
                try await eventually("the second") {
                    text(client) == head + "3\r\none\r\n" + more
                }
                #expect(begun.endedCount == 0)
                stream.finish()
                try await eventually("the end") { client.isClosed && begun.endedCount == 1 }
                #expect(text(client).hasSuffix(more + "0\r\n\r\n"))
                #expect(!stream.write([1]), "it is over")
                stream.finish()
                #expect(begun.endedCount == 1)
            }
        }

        @Test("a client of HTTP/1.0 gets the bytes as they are")
        func plain() async throws {
            let begun = Begun()
            try await withServer(handler: begun.handle) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET /stream HTTP/1.0\r\n\r\n")
                let stream = try await begun.first()
                #expect(stream.write(Array("one\n".utf8)))
                stream.finish()
                try await eventually("the end") { client.isClosed }
                #expect(text(client).hasSuffix("X-Kind: stream\r\n\r\none\n"))
                #expect(!text(client).contains("Transfer-Encoding"))
            }
        }

        @Test("a client that does not read is not waited for, and what is kept for it is bounded")
        func slow() async throws {
            let begun = Begun()
            try await withServer(handler: begun.handle) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                let stream = try await begun.first()
                try await client.pauseReading()
                let piece = [UInt8](repeating: 0x61, count: 64 << 10)
                try await eventually("no more is taken") { !stream.write(piece) }
                // What the system keeps for both sides grows for a while; to some megabytes.
                var taken = 0
                for _ in 0..<4_000 where stream.write(piece) { taken += 1 }
                #expect(taken < 1_000, "of 250 MiB the most is refused")
                #expect(!stream.write([UInt8](repeating: 0, count: 1 << 20)), "more than is kept")
                await client.close()
                try await eventually("it has gone") { begun.endedCount == 1 }
                #expect(!stream.write([1]))
            }
        }

        @Test("a client that leaves ends it")
        func leaves() async throws {
            let begun = Begun()
            try await withServer(handler: begun.handle) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
                let stream = try await begun.first()
                await client.close()
                try await eventually("it is told") { begun.endedCount == 1 }
                #expect(!stream.write([1]))
            }
        }

        @Test("a server that stops ends it, and does not wait for it")
        func stops() async throws {
            let begun = Begun()
            let server = try await HTTPServer.start(
                address: NetworkAddress(host: "127.0.0.1", port: 0),
                tls: nil,
                threads: 1,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                handler: begun.handle
            )
            let client = try await RawClient.connect(to: server.boundAddress)
            try await client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
            let stream = try await begun.first()
            #expect(stream.write(Array("one".utf8)))
            let clock = ContinuousClock()
            let taken = await clock.measure { await server.stop(grace: .seconds(20)) }
            #expect(taken < .seconds(10))
            #expect(begun.endedCount == 1 && !stream.write([1]))
            try await eventually("its end came") {
                text(client).hasSuffix("3\r\none\r\n0\r\n\r\n")
            }
        }

        @Test("it waits for earlier answers, and nothing behind it is answered")
        func order() async throws {
            let begun = Begun()
            let first = Mutex<HTTPExchange?>(nil)
            try await withServer(handler: { exchange in
                guard exchange.request.target == Array("/slow".utf8) else {
                    return begun.handle(exchange)
                }
                first.withLock { $0 = exchange }
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(
                    "GET /slow HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\n\r\n"
                        + "GET /stream HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n"
                )
                let stream = try await begun.first()
                #expect(stream.write(Array("one".utf8)))
                try await eventually("all are handed out") {
                    begun.streams.withLock { $0.count == 2 }
                }
                #expect(text(client).isEmpty)
                first.withLock { $0.take() }?.respond(status: 204, headers: [], body: [])
                try await eventually("then it begins") { text(client).hasSuffix("3\r\none\r\n") }
                try await eventually("the one behind it has ended") { begun.endedCount == 1 }
                stream.finish()
                try await eventually("the end") { client.isClosed && begun.endedCount == 2 }
                #expect(text(client).hasSuffix("3\r\none\r\n0\r\n\r\n"))
            }
        }
    }
}
