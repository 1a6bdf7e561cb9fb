import NIOCore
import NIOHTTP1
import NIOSSL

/// Sends requests on one connection, one after the other, and puts each answer together.
///
/// Lives on the connection's event loop.
final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// Largest body that is taken.
    static let bodyBytesMax = 64 << 20

    private let address: ServerAddress
    private var promise: EventLoopPromise<ClientResponse>?
    private var isSent = false
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []
    private var timeOut: Scheduled<Void>?
    /// Why the connection is of no use any more. It can end before the first request: a TLS
    /// handshake goes on by itself, and what went wrong in it must not get lost.
    private var ending: ClientError?

    init(address: ServerAddress) { self.address = address }

    /// Sends one request. The future fails with ``ClientError``.
    func send(
        _ request: HTTPRequestHead,
        body: ByteBuffer?,
        within limit: TimeAmount,
        on channel: any Channel
    ) -> EventLoopFuture<ClientResponse> {
        precondition(promise == nil, "one request at a time")
        if let ending { return channel.eventLoop.makeFailedFuture(ending) }
        let promise = channel.eventLoop.makePromise(of: ClientResponse.self)
        self.promise = promise
        isSent = false
        head = nil
        self.body = []
        timeOut = channel.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            self.fail("no answer within \(Double(limit.nanoseconds) / 1e9) s")
            channel.close(promise: nil)
        }
        channel.write(HTTPClientRequestPart.head(request), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil) }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil)).assumeIsolated().whenSuccess {
            self.isSent = true
        }
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= Self.bodyBytesMax else {
                end(.badAnswer(address.text, reason: "more than 64 MiB"))
                return context.close(promise: nil)
            }
            body.append(contentsOf: buffer.readableBytesView)
        case .end:
            guard let head else { return }
            let response = ClientResponse(
                status: Int(head.status.code),
                body: body,
                location: head.headers.first(name: "location"),
                address: address
            )
            finish(.success(response))
            if !head.isKeepAlive { context.close(promise: nil) }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(Self.closed)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            if isSent {
                fail(Self.closed)
            } else {
                end(.untrusted(address.text, reason: Self.reason(ofTLS: error)))
            }
        case is HTTPParserError:
            end(.badAnswer(address.text, reason: "it is not HTTP"))
        case let error as IOError:
            fail(LocalFile.reason(error.errnoCode))
        default:
            fail("\(error)")
        }
        context.close(promise: nil)
    }

    /// The answer did not come; what that means depends on whether the request went out whole.
    private func fail(_ reason: String) {
        let isUnknown = promise != nil && isSent
        let text = address.text
        end(isUnknown ? .outcomeUnknown(text, reason: reason) : .notSent(text, reason: reason))
    }

    private func end(_ error: ClientError) {
        // For a later request what counts is that nothing of it was sent.
        ending = ending ?? (promise == nil ? error : .notSent(address.text, reason: Self.closed))
        finish(.failure(error))
    }

    private static let closed = "the connection was closed"

    private func finish(_ result: Result<ClientResponse, ClientError>) {
        timeOut?.cancel()
        timeOut = nil
        let promise = promise
        self.promise = nil
        switch result {
        case .success(let response): promise?.succeed(response)
        case .failure(let error): promise?.fail(error)
        }
    }

    private static func reason(ofTLS error: any Error) -> String {
        let text = "\(error)"
        if text.contains("CERTIFICATE_VERIFY_FAILED") {
            return "its certificate is not one of those trusted"
        }
        let plainSigns = ["WRONG_VERSION_NUMBER", "HTTP_REQUEST", "EOF during handshake"]
        if plainSigns.contains(where: text.contains) { return "it does not speak TLS" }
        if error is NIOSSLExtraError { return "its certificate is for another name" }
        if case .uncleanShutdown? = error as? NIOSSLError {
            return "the connection was closed during the TLS handshake"
        }
        return "TLS failed: \(text)"
    }
}
