import NIOCore
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

/// One request that arrives in pieces, read as a connection reads it.
private struct Arrival {
    enum Outcome: Equatable {
        case headIncomplete
        case bodyIncomplete([UInt8])
        case complete(body: [UInt8], rest: [UInt8])
        case refused(HTTPRefusal)
    }

    static let headBytesMax = 2 << 10
    static let bodyBytesMax = 600

    private var inbox = ByteBuffer()
    private var scanned = 0
    private var reader: HTTPBodyReader?

    /// What has become of it when all of the pieces are there, each read as soon as it came.
    static func outcome(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
        var arrival = Arrival()
        var isComplete = false
        for piece in pieces {
            arrival.inbox.writeBytes(piece)
            do throws(HTTPRefusal) {
                isComplete = try arrival.read()
            } catch {
                return .refused(error)
            }
            if !isComplete, !arrival.keepsLittle {
                Issue.record("\(arrival.inbox.readableBytes) bytes wait")
            }
        }
        guard let reader = arrival.reader else { return .headIncomplete }
        #expect(reader.bytes.count <= Self.bodyBytesMax)
        guard isComplete else { return .bodyIncomplete(reader.bytes) }
        return .complete(body: reader.bytes, rest: Array(arrival.inbox.readableBytesView))
    }

    /// - Returns: whether all of the request is there.
    private mutating func read() throws(HTTPRefusal) -> Bool {
        if reader == nil {
            let limit = Self.headBytesMax
            guard let count = try HTTPHeadScan.length(in: inbox, scanned: &scanned, limit: limit),
                let block = inbox.readBytes(length: count)
            else { return false }
            let head = try HTTPHeadParser.parse(block, fieldsMax: 64)
            if case .length(let count) = head.framing, count > Self.bodyBytesMax {
                throw .bodyTooLarge
            }
            reader = HTTPBodyReader(framing: head.framing, bytesMax: Self.bodyBytesMax)
        }
        return try reader?.read(&inbox) ?? false
    }

    /// Whether no more waits than a head or a line that is not complete.
    private var keepsLittle: Bool {
        inbox.readableBytes < (reader == nil ? Self.headBytesMax : TransportLimits.chunkLineMax)
    }
}

/// Not among the tests with sockets, as the heads.
@Suite("HTTP body fuzz")
struct HTTPBodyFuzzTests {
    @Test("a body comes out as it went in, however it was framed and cut")
    func sound() throws {
        var dice = Seeded(Fuzzing.seed(usual: 8))
        var run = FuzzRun(usual: 20_000)
        let growth = try run.run { _ in
            let body = dice.bytes(dice.below(dice.pick([2, 20, 60, Arrival.bodyBytesMax + 1])))
            let request = Self.request(body, &dice)
            let rest = dice.chance(1, of: 3) ? dice.bytes(dice.below(30)) : []
            let outcome = Arrival.outcome(Self.cut(request + rest, &dice))
            #expect(outcome == .complete(body: body, rest: rest))
        }
        #expect(growth < FuzzRun.growthBytesMax)
    }

    @Test("damaged requests mean the same, however they are cut, and never trap the readers")
    func damaged() throws {
        var dice = Seeded(Fuzzing.seed(usual: 9))
        var run = FuzzRun(usual: 20_000)
        var counts = (complete: 0, incomplete: 0, inBody: 0, tooLarge: 0, lineTooLong: 0)
        let growth = try run.run { _ in
            let body = dice.bytes(dice.below(dice.pick([2, 20, 60, Arrival.bodyBytesMax + 100])))
            var request = Self.request(body, &dice)
            if dice.chance(1, of: 50) {
                // Somewhere in the body, a line that does not end.
                let place = request.count - dice.below(body.count + 1)
                request.insert(contentsOf: [UInt8](repeating: 0x3B, count: 5_000), at: place)
            } else {
                request = BrokenRequests.mutated(request, &dice)
            }
            let outcome = Arrival.outcome([request[...]])
            #expect(Arrival.outcome(Self.cut(request, &dice)) == outcome)
            switch outcome {
            case .headIncomplete: break
            case .bodyIncomplete: counts.incomplete += 1
            case .complete: counts.complete += 1
            case .refused(.bodyTooLarge): counts.tooLarge += 1
            case .refused(let refusal):
                if refusal.reason.contains("chunk") { counts.inBody += 1 }
                if refusal.reason.contains("line too long") { counts.lineTooLong += 1 }
            }
        }
        // Each way to end is met often.
        #expect(counts.complete > run.inputs / 10, "\(counts)")
        #expect(counts.incomplete > run.inputs / 100, "\(counts)")
        #expect(counts.inBody > run.inputs / 100, "\(counts)")
        #expect(counts.lineTooLong > run.inputs / 1_000, "\(counts)")
        #expect(counts.tooLarge > run.inputs / 100, "\(counts)")
        #expect(growth < FuzzRun.growthBytesMax)
    }

    // MARK: making them

    private static func request(_ body: [UInt8], _ dice: inout Seeded) -> [UInt8] {
        let start = "PUT /v1/secret/a HTTP/1.1\r\nHost: x\r\n"
        if dice.chance(1, of: 3) {
            return Array("\(start)Content-Length: \(body.count)\r\n\r\n".utf8) + body
        }
        return Array("\(start)Transfer-Encoding: chunked\r\n\r\n".utf8) + chunks(body, &dice)
    }

    private static func chunks(_ body: [UInt8], _ dice: inout Seeded) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = body[...]
        // Hundreds of chunks take long to read and say no more than a few.
        let sizeMax = dice.pick(body.count > 60 ? [50, 700] : [1, 9, 30])
        while !rest.isEmpty {
            let size = min(rest.count, 1 + dice.below(sizeMax))
            bytes += sizeLine(size, &dice) + rest.prefix(size) + [0x0D, 0x0A]
            rest = rest.dropFirst(size)
        }
        bytes += sizeLine(0, &dice)
        if dice.chance(1, of: 4) { bytes += Array("Trailer: x\r\nT:\r\n".utf8) }
        return bytes + [0x0D, 0x0A]
    }

    /// In one of the spellings that a size has.
    private static func sizeLine(_ size: Int, _ dice: inout Seeded) -> [UInt8] {
        var text = String(size, radix: 16, uppercase: dice.chance(1, of: 2))
        if dice.chance(1, of: 6) { text = "00" + text }
        if dice.chance(1, of: 6) { text += dice.pick([";a=b", " ", "\t;x", ";"]) }
        return Array("\(text)\r\n".utf8)
    }

    /// In a few pieces, or byte by byte.
    private static func cut(_ bytes: [UInt8], _ dice: inout Seeded) -> [ArraySlice<UInt8>] {
        if dice.chance(1, of: 50) { return bytes.indices.map { bytes[$0...$0] } }
        let places = (0..<dice.below(8)).map { _ in dice.below(bytes.count + 1) }.sorted()
        return zip([0] + places, places + [bytes.count]).map { bytes[$0..<$1] }
    }
}
