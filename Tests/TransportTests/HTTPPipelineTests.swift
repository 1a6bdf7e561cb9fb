import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Requests that a handler has got and not answered yet.
private final class Waiting: Sendable {
    private let exchanges = Mutex<[HTTPExchange]>([])
    private let most = Mutex(0)

    func add(_ exchange: HTTPExchange) {
        let count = exchanges.withLock {
            $0.append(exchange)
            return $0.count
        }
        most.withLock { $0 = max($0, count) }
    }

    var count: Int { exchanges.withLock(\.count) }
    var mostAtOnce: Int { most.withLock { $0 } }
    var targets: [String] {
        exchanges.withLock { $0.map { String(decoding: $0.request.target, as: UTF8.self) } }
    }

    /// Answers with the target, the youngest first.
    func answerBackward() {
        let all = exchanges.withLock {
            let all = $0
            $0 = []
            return all
        }
        for exchange in all.reversed() {
            exchange.respond(status: 200, headers: [], body: exchange.request.target)
        }
    }
}

extension NetworkTests {
    @Suite("HTTP pipelining")
    struct HTTPPipelineTests {
        private func get(_ target: String) -> String { "GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n" }

        @Test("answers leave in the order of requests, and a bounded number is handed out")
        func orderAndBound() async throws {
            let waiting = Waiting()
            var limits = HTTPLimits()
            limits.pipelinedMax = 4
            try await withServer(limits: limits, handler: { waiting.add($0) }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send((0..<50).map { get("/\($0)") }.joined())
                for first in stride(from: 0, to: 50, by: 4) {
                    let batch = min(4, 50 - first)
                    try await eventually("a full batch is handed out") { waiting.count == batch }
                    waiting.answerBackward()
                    for number in first..<first + batch {
                        #expect(try await client.response()?.text == "/\(number)")
                    }
                }
                #expect(waiting.mostAtOnce == 4)
            }
        }

        @Test("a request that changes something is handled alone")
        func unsafeAlone() async throws {
            let waiting = Waiting()
            try await withServer(handler: { waiting.add($0) }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let put = "PUT /c HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1"
                try await client.send(get("/a") + get("/b") + put + get("/d") + get("/e"))
                for batch in [["/a", "/b"], ["/c"], ["/d", "/e"]] {
                    try await eventually("\(batch) is handed out") { waiting.targets == batch }
                    waiting.answerBackward()
                }
                for target in ["/a", "/b", "/c", "/d", "/e"] {
                    #expect(try await client.response()?.text == target)
                }
            }
        }

        @Test("a malformed request is refused after the answers before it")
        func refusalInOrder() async throws {
            let waiting = Waiting()
            try await withServer(handler: { waiting.add($0) }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send(get("/a") + "BROKEN\r\n\r\n" + get("/b"))
                try await eventually("the good request is handed out") { waiting.count == 1 }
                waiting.answerBackward()
                #expect(try await client.response()?.text == "/a")
                #expect(try await client.response()?.status == 400)
                try await client.waitForClose()
                #expect(waiting.mostAtOnce == 1)
            }
        }

        @Test("nothing is read after the last request of a connection")
        func closeIsLast() async throws {
            try await withServer(handler: echo) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let last = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: foo , Close\r\n\r\n"
                try await client.send(get("/a") + last + get("/never"))
                #expect(try await client.response()?.text == "GET /a 0")
                let response = try #require(try await client.response())
                #expect(response.text == "GET /last 0")
                #expect(response.head.contains("\r\nConnection: close\r\n"))
                try await client.waitForClose()
                #expect(client.received.isEmpty)
            }
        }

        @Test("a last request that has to wait for earlier ones is handled all the same")
        func heldLast() async throws {
            let waiting = Waiting()
            try await withServer(handler: { waiting.add($0) }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                let last = "PUT /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                try await client.send(get("/a") + last)
                for target in ["/a", "/b"] {
                    try await eventually("\(target) is handed out") { waiting.targets == [target] }
                    waiting.answerBackward()
                    #expect(try await client.response()?.text == target)
                }
                try await client.waitForClose()
            }
        }

        @Test("answers given on the loop and on other threads keep their order")
        func mixedThreads() async throws {
            try await withServer(
                threads: 2,
                handler: { exchange in
                    let number = Int(
                        String(decoding: exchange.request.target.dropFirst(), as: UTF8.self)
                    )
                    guard let number, !number.isMultiple(of: 3) else { return echo(exchange) }
                    Task.detached { echo(exchange) }
                }
            ) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send((0..<500).map { get("/\($0)") }.joined())
                for number in 0..<500 {
                    #expect(try await client.response()?.text == "GET /\(number) 0")
                }
            }
        }

        @Test("a client that does not read its answers is not read either")
        func backPressure() async throws {
            let handled = Atomic(0)
            let answer = [UInt8](repeating: 0x61, count: 64 << 10)
            try await withServer(handler: { exchange in
                handled.add(1, ordering: .relaxed)
                exchange.respond(status: 200, headers: [], body: answer)
            }) { server in
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.pauseReading()
                // 2,000 answers are 128 MiB, far above what sockets and watermarks hold.
                try await client.send((0..<2_000).map { get("/\($0)") }.joined())
                var before = -1
                try await eventually("handling comes to rest") {
                    let now = handled.load(ordering: .relaxed)
                    defer { before = now }
                    try? await Task.sleep(for: .milliseconds(100))
                    return now > 0 && now == before
                }
                #expect(handled.load(ordering: .relaxed) < 1_000)
                await client.close()
            }
        }
    }
}
