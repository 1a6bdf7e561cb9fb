import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Wire

/// What a server answered.
enum WebAnswer: Sendable {
    case body([UInt8])
    case redirect(String)
}

/// Asks for one document on a connection of its own and puts the answer together.
///
/// Lives on the fetcher's thread. Whatever ends it first counts; then the connection is closed.
final class WebAnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let address: WebAddress
    private let bytesMax: Int
    private let trace: String?
    private var promise: EventLoopPromise<WebAnswer>?
    private var channel: (any Channel)?
    private var body: [UInt8] = []
    private var isWanted = false
    /// Fails with ``WebFetchError``.
    let answer: EventLoopFuture<WebAnswer>

    init(
        _ address: WebAddress,
        bytesMax: Int,
        trace: String?,
        promise: EventLoopPromise<WebAnswer>
    ) {
        self.address = address
        self.bytesMax = bytesMax
        self.trace = trace
        self.promise = promise
        answer = promise.futureResult
    }

    /// The connection is there; over TLS the handshake comes first, by itself.
    func begin(on channel: any Channel) {
        guard promise != nil else { return channel.close(promise: nil) }
        self.channel = channel
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: address.target)
        head.headers.add(name: "Host", value: address.authority)
        head.headers.add(name: "User-Agent", value: "holdfast")
        head.headers.add(name: "Accept", value: "application/json")
        head.headers.add(name: "Connection", value: "close")
        if let trace { head.headers.add(name: "traceparent", value: trace) }
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// Ends it with a failure, unless it has ended.
    func end(_ reason: String) { end(.failure(WebFetchError(reason))) }

    private func end(_ result: Result<WebAnswer, WebFetchError>) {
        guard let promise else { return }
        self.promise = nil
        channel?.close(promise: nil)
        channel = nil
        body = []
        switch result {
        case .success(let answer): promise.succeed(answer)
        case .failure(let error): promise.fail(error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard promise != nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head): headArrived(head)
        case .body(let buffer):
            guard isWanted else { return }
            guard body.count + buffer.readableBytes <= bytesMax else {
                return end("the answer of \(address.origin) is longer than \(bytesMax) bytes")
            }
            body.append(contentsOf: buffer.readableBytesView)
        case .end:
            if isWanted { end(.success(.body(body))) }
        }
    }

    private func headArrived(_ head: HTTPResponseHead) {
        switch head.status.code {
        case 200: isWanted = true
        case 301, 302, 303, 307, 308:
            guard let location = head.headers.first(name: "location") else {
                return end("\(address.origin) redirects to nowhere")
            }
            end(.success(.redirect(location)))
        case let code: end("\(address.origin) answered with status \(code)")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end("\(address.origin) closed the connection")
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end("\(address.origin): \(Self.reason(error))")
        context.close(promise: nil)
    }

    /// Why a connection failed, in few words.
    static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let first = error.connectionErrors.first { return reason(first.error) }
            return error.dnsAError == nil
                ? "nothing answers there" : "the name \(error.host) is not known"
        case let error as IOError: return errorText(error.errnoCode)
        case let error as ChannelError:
            if case .connectTimeout = error { return "no answer in time" }
            return "\(error)"
        case is SocketAddressError: return "the name is not known"
        case is HTTPParserError: return "it does not speak HTTP"
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: return reason(ofTLS: error)
        default: return "\(error)"
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
        return "TLS failed: \(text)"
    }
}
