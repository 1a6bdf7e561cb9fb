import NIOCore
import NIOPosix
import NIOSSL

/// One keep-alive connection with at most one request under way. Lives on one event loop.
final class Link: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// What a link reports: a whole answer, or the end of the connection with its reason.
    enum Event {
        case answered(ResponseFramer.Response)
        case ended(String)
    }

    private(set) var isOpen = true
    /// When the request under way was sent, in nanoseconds of the monotonic clock.
    private(set) var sentAt: UInt64?
    private let channel: any Channel
    private let report: (Link, Event) -> Void
    private var framer = ResponseFramer()

    init(channel: any Channel, report: @escaping (Link, Event) -> Void) {
        self.channel = channel
        self.report = report
    }

    var allocator: ByteBufferAllocator { channel.allocator }

    func send(_ request: ByteBuffer) {
        precondition(sentAt == nil, "one request at a time")
        sentAt = monotonicNow()
        channel.writeAndFlush(request, promise: nil)
    }

    /// Closes without reporting; used when the owner has given up on the request under way.
    func abandon() {
        isOpen = false
        channel.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        framer.append(buffer.readableBytesView)
        do {
            while isOpen, let response = try framer.next() {
                // 1xx answers announce another one.
                if response.status < 200 { continue }
                if response.closes { isOpen = false }
                report(self, .answered(response))
                if response.closes { context.close(promise: nil) }
            }
        } catch {
            end("malformed answer: \(error)")
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) { end("closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(Self.reason(error))
        context.close(promise: nil)
    }

    /// Marks the request under way as done.
    func settle() { sentAt = nil }

    private func end(_ reason: String) {
        guard isOpen else { return }
        isOpen = false
        report(self, .ended(reason))
    }

    /// A short name for a failure, so that equal failures are counted together.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: "errno \(error.errnoCode)"
        case let error as NIOConnectionError:
            error.connectionErrors.isEmpty ? "connect" : "connect refused"
        case is NIOSSLError, is BoringSSLError: "tls: \(error)"
        case let error as ChannelError:
            if case .connectTimeout = error { "connect timeout" } else { "channel: \(error)" }
        default: "\(type(of: error))"
        }
    }
}

/// Opens links on one event loop.
struct LinkOpener {
    let loop: any EventLoop
    let tls: NIOSSLContext?
    let connectTimeout: TimeAmount

    /// Fails if the connection cannot be made; a failed handshake is reported by the link itself.
    func open(_ endpoint: Endpoint, report: @escaping (Link, Link.Event) -> Void)
        -> EventLoopFuture<NIOLoopBound<Link>>.Isolated
    {
        let tls = tls
        let bound = NIOLoopBound(report, eventLoop: loop)
        return ClientBootstrap(group: loop)
            .connectTimeout(connectTimeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if endpoint.usesTLS, let tls {
                        let handler = try NIOSSLClientHandler(context: tls, serverHostname: nil)
                        try channel.pipeline.syncOperations.addHandler(handler)
                    }
                    let link = Link(channel: channel, report: bound.value)
                    try channel.pipeline.syncOperations.addHandler(link)
                }
            }
            .connect(host: endpoint.host, port: endpoint.port)
            .flatMapThrowing { channel in
                let link = try channel.pipeline.syncOperations.handler(type: Link.self)
                return NIOLoopBound(link, eventLoop: channel.eventLoop)
            }
            .assumeIsolated()
    }
}

/// Nanoseconds of the monotonic clock, the same that Python's `time.monotonic_ns` reads.
func monotonicNow() -> UInt64 { NIODeadline.now().uptimeNanoseconds }
