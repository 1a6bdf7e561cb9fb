import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import Transport

extension NetworkTests {
    /// What happens to records when a collector does not read, breaks off, or says nothing.
    @Suite("stream link")
    struct StreamLinkTests {
        /// Far more than a server's window, so that few fill a connection.
        private static let large = 1 << 20

        /// Each is different, so that none can stand for another.
        private func record(_ number: Int, bytes: Int = large) -> [UInt8] {
            [UInt8](repeating: UInt8(truncatingIfNeeded: number + 1), count: bytes)
        }

        private func send(_ link: StreamLink, _ bytes: [UInt8]) async -> String? {
            await withCheckedContinuation { done in
                link.send(bytes) { done.resume(returning: $0) }
            }
        }

        /// Sends until one is refused.
        ///
        /// - Returns: what was written; the refused one is the last.
        private func fill(_ link: StreamLink) async throws -> [[UInt8]] {
            var written: [[UInt8]] = []
            while written.count < 64 {
                written.append(record(written.count))
                guard let problem = await send(link, record(written.count - 1)) else { continue }
                #expect(problem.contains("not taken in time: "), "\(problem)")
                #expect(!problem.contains(" 0 bytes"), "\(problem)")
                #expect(written.count > 1, "it took none at all")
                return written
            }
            throw TookTooLong(description: "the connection is full")
        }

        private func joined(_ records: [[UInt8]]) -> [UInt8] {
            records.reduce(into: []) { $0 += $1 }
        }

        /// A server that reads nothing yet, and a link to it; both end with the body.
        private func withLink(
            server isServerTLS: Bool = false,
            client isClientTLS: Bool? = nil,
            _ body: (DeafServer, StreamLink) async throws -> Void
        ) async throws {
            let folder = TemporaryFolder()
            let tls = try ServerCertificate.loadOrCreate(
                folder: folder.path,
                names: ["127.0.0.1"],
                logger: quietLogger
            )
            let server = try await DeafServer.start(isServerTLS ? tls.serverContext() : nil)
            let trust = StreamLink.Trust(authorities: tls.certificatePEM, serverName: "")
            let place = StreamLink.Place(
                host: "127.0.0.1",
                port: server.port,
                trust: isClientTLS ?? isServerTLS ? trust : nil,
                timeout: .seconds(1)
            )
            let link = try StreamLink(place, on: clientGroup.next())
            do {
                try await body(server, link)
            } catch {
                link.close()
                await server.stop()
                throw error
            }
            link.close()
            await server.stop()
        }

        @Test(
            "who does not read refuses, and has all of it once it reads",
            arguments: [false, true]
        )
        func deaf(_ isTLS: Bool) async throws {
            try await withLink(server: isTLS) { server, link in
                var written = try await fill(link)
                for number in 100..<102 {
                    let began = ContinuousClock.now
                    let problem = await send(link, record(number, bytes: 10))
                    let took = ContinuousClock.now - began
                    #expect(problem?.contains("not taken in time: ") == true)
                    #expect(took > .milliseconds(900), "it waits for what is before it")
                    #expect(took < .seconds(30))
                }
                #expect(server.connections.count == 1)
                try await server.hear()
                let first = try #require(server.connections.first)
                let count = joined(written).count
                try await eventually("what was written") { first.received.count >= count }
                written.append(record(200))
                #expect(await send(link, record(200)) == nil)
                let expected = joined(written)
                try await eventually("the next") { first.received.count >= expected.count }
                // Not shown if it fails: that would be megabytes.
                let isSame = first.received == expected
                #expect(isSame, "whole records, in order, and nothing of those only refused")
                #expect(server.connections.count == 1)
            }
        }

        @Test("those that do not wait for one another keep their order")
        func order() async throws {
            try await withLink { server, link in
                let outcomes = Collector<(number: Int, problem: String?)>()
                let records = (0..<8).map { record($0) }
                for (number, bytes) in records.enumerated() {
                    link.send(bytes) { outcomes.add((number, $0)) }
                }
                try await eventually("a refusal") { outcomes.all.contains { $0.problem != nil } }
                try await server.hear()
                try await eventually("all are dealt with") { outcomes.count == records.count }
                let all = outcomes.all
                #expect(all.map(\.number) == Array(records.indices))
                #expect(all.last?.problem == nil)
                let refused = all.first { $0.problem != nil }?.number
                let written = all.filter { $0.problem == nil || $0.number == refused }
                let expected = joined(written.map { records[$0.number] })
                let first = try #require(server.connections.first)
                try await eventually("all arrive") { first.received.count >= expected.count }
                let isSame = first.received == expected
                #expect(isSame)
                #expect(server.connections.count == 1)
            }
        }

        @Test("a connection that breaks while it is full is replaced, from a whole record on")
        func breaksWhileFull() async throws {
            try await withLink { server, link in
                _ = try await fill(link)
                await server.breakConnections()
                let next = record(50, bytes: 10)
                #expect(await send(link, next) == nil)
                try await server.hear()
                try await eventually("a second connection") { server.connections.count == 2 }
                let second = try #require(server.connections.last)
                try await eventually("the next record") { second.received.count >= next.count }
                #expect(second.received == next)
            }
        }

        @Test("a connection that the other side ends is replaced, if there is anybody")
        func ends() async throws {
            try await withLink { server, link in
                try await server.hear()
                #expect(await send(link, record(0, bytes: 10)) == nil)
                try await eventually("a connection") { server.connections.count == 1 }
                await server.breakConnections()
                var last: [UInt8] = []
                // What is sent before the end is known here is lost, as these protocols have it.
                try await eventually("a second connection") {
                    last = record(last.count, bytes: last.count + 1)
                    #expect(await send(link, last) == nil)
                    return server.connections.count == 2
                }
                let second = try #require(server.connections.last)
                try await eventually("the last record") {
                    second.received.suffix(last.count) == last[...]
                }
                await server.stop()
                try await eventually("nobody is there") {
                    await send(link, last)?.contains("cannot connect: ") == true
                }
            }
        }

        @Test("who never answers the handshake is left, since nothing was sent to it")
        func noHandshake() async throws {
            try await withLink(client: true) { server, link in
                for number in 1...2 {
                    let problem = await send(link, record(number, bytes: 10))
                    #expect(problem?.contains("TLS handshake") == true, "\(problem ?? "sent")")
                    try await eventually("a connection") { server.connections.count == number }
                }
            }
        }

        @Test("one that is closed refuses what waits, and all that comes")
        func closed() async throws {
            try await withLink { server, link in
                _ = try await fill(link)
                let outcomes = Collector<String?>()
                for _ in 0..<2 { link.send([1]) { outcomes.add($0) } }
                link.close()
                #expect(await send(link, [1]) == "this link is closed")
                #expect(outcomes.all == ["this link is closed", "this link is closed"])
                #expect(server.connections.count == 1)
            }
        }

        /// As Linux told them of both kinds of connections.
        struct Seen: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let isSilent: Bool
            var unacknowledged: UInt32 = 0
            var retransmits: UInt8 = 0
            var probes: UInt8 = 0
            var heard: UInt32 = 0
            var sent: UInt32 = 0
            var roundTrip: UInt32 = 30
        }

        static let seen = [
            Seen(testDescription: "nothing is owed", isSilent: false, heard: 60_000, sent: 60_000),
            Seen(
                testDescription: "no room, and probes are answered now and then",
                isSilent: false,
                probes: 1,
                heard: 752,
                sent: 1_008
            ),
            Seen(
                testDescription: "no room, and no probe is answered any more",
                isSilent: true,
                probes: 3,
                heard: 3_248,
                sent: 3_496
            ),
            Seen(
                testDescription: "one is repeated",
                isSilent: false,
                unacknowledged: 2,
                retransmits: 1,
                heard: 2_004,
                sent: 280
            ),
            Seen(
                testDescription: "nothing comes back",
                isSilent: true,
                unacknowledged: 2,
                retransmits: 2,
                heard: 2_504,
                sent: 336
            ),
            Seen(
                testDescription: "what is repeated is dropped, and each time that is said",
                isSilent: false,
                unacknowledged: 2,
                retransmits: 4,
                heard: 336,
                sent: 336
            ),
            Seen(
                testDescription: "an answer may be on its way",
                isSilent: false,
                unacknowledged: 2,
                retransmits: 4,
                heard: 900,
                sent: 150,
                roundTrip: 100_000
            ),
        ]

        @Test("who is gone without a word is told from who does not read", arguments: seen)
        func silence(_ row: Seen) {
            var info = tcp_info()
            info.tcpi_unacked = row.unacknowledged
            info.tcpi_retransmits = row.retransmits
            info.tcpi_probes = row.probes
            info.tcpi_last_ack_recv = row.heard
            info.tcpi_last_data_sent = row.sent
            info.tcpi_rtt = row.roundTrip
            #expect(StreamLink.isSilent(info) == row.isSilent)
        }
    }
}

/// Takes connections, and reads nothing from them after the first bytes before it is told to: the
/// handshake of TLS, if it knows any, and a little.
private final class DeafServer: Sendable {
    private let listener = Mutex<(any Channel)?>(nil)
    private let accepted = Collector<Connection>()
    private let isHearing = Atomic(false)

    static func start(_ context: NIOSSLContext?) async throws -> DeafServer {
        let server = DeafServer()
        let listener = try await ServerBootstrap(group: clientGroup)
            // Connections have it from here.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: 4_096)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let connection = Connection(channel)
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try pipeline.addHandler(DeafHandler(server, connection))
                    server.accepted.add(connection)
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.listener.withLock { $0 = listener }
        return server
    }

    var port: Int { listener.withLock { $0?.localAddress?.port } ?? 0 }
    /// All there ever were, in their order.
    var connections: [Connection] { accepted.all }

    fileprivate var hears: Bool { isHearing.load(ordering: .acquiring) }

    /// Reads from now on, from all connections.
    func hear() async throws {
        isHearing.store(true, ordering: .releasing)
        for connection in connections where connection.channel.isActive {
            try await connection.channel.setOption(.autoRead, value: true).get()
        }
    }

    func breakConnections() async {
        for connection in connections { try? await connection.channel.close() }
    }

    func stop() async {
        try? await listener.withLock { $0 }?.close()
        await breakConnections()
    }
}

/// One connection of a ``DeafServer``.
private final class Connection: Sendable {
    let channel: any Channel
    private let bytes = Mutex<[UInt8]>([])

    init(_ channel: any Channel) { self.channel = channel }

    var received: [UInt8] { bytes.withLock { $0 } }

    func add(_ buffer: ByteBuffer) {
        bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }
}

private final class DeafHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let server: DeafServer
    private let connection: Connection

    init(_ server: DeafServer, _ connection: Connection) {
        (self.server, self.connection) = (server, connection)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.add(unwrapInboundIn(data))
        guard !server.hears else { return }
        context.channel.setOption(.autoRead, value: false).whenComplete { _ in }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
