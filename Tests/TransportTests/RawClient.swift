import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestSupport
import Testing

@testable import Transport

/// Threads of all test clients.
let clientGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)

/// A TCP or TLS connection that sends and collects plain bytes.
final class RawClient: Sendable {
    private let channel: any Channel
    private let collector: Received

    private init(_ channel: any Channel, _ collector: Received) {
        self.channel = channel
        self.collector = collector
    }

    /// - Parameter secure: adds TLS to the new channel.
    static func connect(
        to address: NetworkAddress,
        secure: @escaping @Sendable (any Channel) throws -> Void = { _ in }
    ) async throws -> RawClient {
        let collector = Received()
        let channel = try await ClientBootstrap(group: clientGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try secure(channel)
                    try channel.pipeline.syncOperations.addHandler(CollectingHandler(collector))
                }
            }
            .connect(host: address.host, port: address.port).get()
        return RawClient(channel, collector)
    }

    /// Everything that has arrived and was not taken yet.
    var received: [UInt8] { collector.bytes.withLock { $0 } }
    /// The first error that the connection met.
    var problem: String? { collector.problem.withLock { $0 } }
    var isClosed: Bool { collector.isClosed.load(ordering: .acquiring) }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// Sends what may not arrive, since the server may have closed.
    func sendAnyway(_ bytes: [UInt8]) async { try? await send(bytes) }

    func close() async { try? await channel.close() }

    /// Stops taking bytes off the network.
    func pauseReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    /// Waits for one whole response.
    ///
    /// - Parameter hasBody: false for the answer to HEAD.
    func response(hasBody: Bool = true) async throws -> RawResponse? {
        var response: RawResponse?
        try await eventually("a response") {
            collector.bytes.withLock { bytes in
                guard let (found, length) = RawResponse.first(in: bytes, hasBody: hasBody)
                else { return isClosed }
                bytes.removeFirst(length)
                response = found
                return true
            }
        }
        return response
    }

    func waitForClose() async throws { try await eventually("the connection closes") { isClosed } }
}

/// One HTTP response, read loosely.
struct RawResponse: Sendable {
    let status: Int
    let head: String
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    static func first(in bytes: [UInt8], hasBody: Bool) -> (RawResponse, Int)? {
        guard bytes.count >= 4 else { return nil }
        for end in 3..<bytes.count where bytes[end - 3...end].elementsEqual([13, 10, 13, 10]) {
            let head = String(decoding: bytes[...end], as: UTF8.self)
            let words = head.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let status = Int(words[1]) else { return nil }
            let field = head.split(separator: "\r\n").first {
                $0.lowercased().hasPrefix("content-length: ")
            }
            let announced = field.flatMap { Int($0.dropFirst(16)) } ?? 0
            let length = hasBody && status >= 200 ? announced : 0
            guard bytes.count > end + length else { return nil }
            let body = Array(bytes[(end + 1)..<(end + 1 + length)])
            return (RawResponse(status: status, head: head, body: body), end + 1 + length)
        }
        return nil
    }
}

/// What a client has received.
final class Received: Sendable {
    let bytes = Mutex<[UInt8]>([])
    let isClosed = Atomic(false)
    let problem = Mutex<String?>(nil)
}

private final class CollectingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let collector: Received

    init(_ collector: Received) { self.collector = collector }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        collector.bytes.withLock { $0.append(contentsOf: buffer.readableBytesView) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        collector.problem.withLock { $0 = $0 ?? String(describing: error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        collector.isClosed.store(true, ordering: .releasing)
    }
}
