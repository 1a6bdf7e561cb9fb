import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A test double: answers the client with what the test has prepared, and notes what it was sent.
final class FakeServer: Sendable {
    struct Received: Sendable, Equatable {
        var method: String
        var target: String
        var token: String?
        var namespace: String?
        var body: String
        /// Which connection of this server it came on, from 1.
        var connection: Int
    }

    enum Answer: Sendable {
        case http(status: Int, body: String, headers: [(String, String)])
        /// Close the connection without an answer.
        case hangUp
        /// Bytes as they are, then close.
        case raw(String)
        /// Nothing, ever.
        case silence

        static func json(_ status: Int, _ body: String) -> Answer {
            .http(status: status, body: body, headers: [])
        }
    }

    private struct State {
        var answers: [Answer] = []
        var received: [Received] = []
        var connections = 0
    }

    private let state = Mutex(State())
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let channel: Mutex<(any Channel)?> = Mutex(nil)

    init() throws {
        let server = try ServerBootstrap(group: group)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Handler(server: self, connection: self.newConnection()))
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        channel.withLock { $0 = server }
    }

    var port: Int { channel.withLock { $0?.localAddress?.port } ?? 0 }

    var address: String { "http://127.0.0.1:\(port)" }

    var received: [Received] { state.withLock { $0.received } }

    var unused: Int { state.withLock { $0.answers.count } }

    func prepare(_ answer: Answer) { state.withLock { $0.answers.append(answer) } }

    func stop() {
        channel.withLock { $0 }?.close(promise: nil)
        try? group.syncShutdownGracefully()
    }

    private func newConnection() -> Int {
        state.withLock { state in
            state.connections += 1
            return state.connections
        }
    }

    private func answer(_ request: Received) -> Answer {
        state.withLock { state in
            state.received.append(request)
            guard !state.answers.isEmpty else {
                return .json(599, #"{"errors":["the test has no answer for this request"]}"#)
            }
            return state.answers.removeFirst()
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let server: FakeServer
        private let connection: Int
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(server: FakeServer, connection: Int) {
            self.server = server
            self.connection = connection
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body = []
            case .body(let buffer): body.append(contentsOf: buffer.readableBytesView)
            case .end:
                guard let head else { return }
                let request = Received(
                    method: head.method.rawValue,
                    target: head.uri,
                    token: head.headers.first(name: "X-Vault-Token"),
                    namespace: head.headers.first(name: "X-Vault-Namespace"),
                    body: String(decoding: body, as: UTF8.self),
                    connection: connection
                )
                perform(server.answer(request), context)
            }
        }

        private func perform(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .silence: break
            case .hangUp: context.close(promise: nil)
            case .raw(let text):
                // Below the encoder, so that the bytes go out as they are.
                let pipeline = context.pipeline.syncOperations
                if let encoder = try? pipeline.context(handlerType: HTTPResponseEncoder.self) {
                    encoder.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
                }
                context.close(promise: nil)
            case .http(let status, let body, let headers):
                var head = HTTPResponseHead(
                    version: .http1_1,
                    status: HTTPResponseStatus(statusCode: status)
                )
                head.headers.add(name: "Content-Length", value: "\(body.utf8.count)")
                for (name, value) in headers { head.headers.add(name: name, value: value) }
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                let buffer = ByteBuffer(string: body)
                context.write(wrapOutboundOut(.body(.byteBuffer(buffer))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
