import TestSupport
import Testing

@testable import Transport

/// Requests, and what is made of them.
private enum BrokenRequests {
    static let sound: [[UInt8]] = [
        "GET /v1/sys/health?standbyok=true HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n",
        "PUT /v1/secret/a HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{\"a\":\"b c d\"}",
        "POST /v1/b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: t\r\n\r\n",
        "LIST /v1/c/ HTTP/1.1\r\nHost: x\r\nX-Vault-Token: s.abc\r\nConnection: close\r\n\r\n",
        "PUT /v1/d HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
    ].map { Array($0.utf8) }

    private static let mutator = Mutator([
        "\r\n", "\n", "\r", "\0", " ", ":", ",", "HTTP/1.1", "Content-Length: 9\r\n",
        "Transfer-Encoding: chunked\r\n", "Host: y\r\n", "0\r\n\r\n", "ffffffff\r\n", "GET / ",
        "Content-Length: 99999999999999999\r\n", "\r\n\r\n\r\n", "\u{FFFD}", "-1",
    ])

    static func mutated(_ bytes: [UInt8], _ dice: inout Seeded) -> [UInt8] {
        mutator.damaged(bytes, &dice)
    }

    static func attack(_ dice: inout Seeded) -> [UInt8] {
        guard Int.random(in: 0..<8, using: &dice) > 0 else {
            return (0..<Int.random(in: 1...200, using: &dice))
                .map { _ in UInt8.random(in: 0...255, using: &dice) }
        }
        let base = sound.randomElement(using: &dice) ?? []
        let twice = Bool.random(using: &dice) ? base : []
        return mutated(base + twice, &dice)
    }
}

extension NetworkTests {
    @Suite("HTTP fuzz")
    struct HTTPFuzzTests {
        @Test("thousands of broken requests leave one live server serving")
        func broken() async throws {
            var limits = HTTPLimits()
            limits.headerTime = .milliseconds(500)
            limits.bodyTime = .milliseconds(500)
            limits.lingerTime = .milliseconds(100)
            try await withServer(limits: limits, threads: 2, handler: echo) { server in
                var dice = Seeded(20_261_123)
                for _ in 0..<400 {
                    let attacks = (0..<10).map { _ in BrokenRequests.attack(&dice) }
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for attack in attacks {
                            group.addTask {
                                let client = try await RawClient.connect(to: server.boundAddress)
                                let middle = attack.count / 2
                                await client.sendAnyway(Array(attack[..<middle]))
                                await client.sendAnyway(Array(attack[middle...]))
                                await client.close()
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                let client = try await RawClient.connect(to: server.boundAddress)
                try await client.send("GET /alive HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response()?.text == "GET /alive 0")
                await client.close()
                try await eventually("all connections are gone") { server.connectionCount == 0 }
            }
        }
    }
}

/// Not among the tests with sockets, each of which has two minutes: a million inputs take longer.
@Suite("HTTP head fuzz")
struct HTTPHeadFuzzTests {
    /// The parsers alone, many more cases: nothing may trap, and a head that is accepted must
    /// say the same when it is read again.
    @Test("mutated heads never trap the parser")
    func heads() throws {
        var dice = Seeded(Fuzzing.seed(usual: 7))
        var accepted = 0
        var run = FuzzRun(usual: 20_000)
        let growth = try run.run { _ in
            let bytes = BrokenRequests.mutated(
                BrokenRequests.sound.randomElement(using: &dice) ?? [],
                &dice
            )
            guard let end = Self.headEnd(bytes) else { return }
            guard let head = try? HTTPHeadParser.parse(Array(bytes[..<end]), fieldsMax: 64)
            else { return }
            accepted += 1
            let method = head.block[head.method]
            #expect(!method.isEmpty && method.allSatisfy(isTokenByte))
            for field in head.fields {
                #expect(!field.name.isEmpty)
                #expect(!head.block[field.value].contains { $0 == 10 || $0 == 13 || $0 == 0 })
            }
        }
        #expect(accepted > run.inputs / 40)
        #expect(growth < FuzzRun.growthBytesMax)
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        return (4...bytes.count).first { bytes[$0 - 4..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}
