package import NIOCore
import Synchronization

/// One request and the duty to answer it once.
///
/// The handler gets it on the connection's event loop and may answer there or from any other
/// thread, at once or later; the answer finds its own way back. An exchange that is dropped
/// without an answer answers 500.
package final class HTTPExchange: Sendable {
    /// The complete request.
    package let request: HTTPRequest
    /// The client as `ip:port`.
    package let remoteAddress: String
    /// What the client showed in its TLS handshake, DER, its own certificate first; empty without
    /// one. The client has the key of the first; nothing else about them is proved.
    package let clientCertificates: [[UInt8]]

    private let owner: NIOLoopBound<HTTPConnection>
    private let loop: any EventLoop
    private let service: HTTPService
    private let sequence: UInt64
    private let budget: ByteBudget.Share?
    private let arrived = NIODeadline.now()
    private let isAnswered = Atomic(false)

    init(
        request: HTTPRequest,
        sequence: UInt64,
        budget: ByteBudget.Share?,
        connection: HTTPConnection
    ) {
        self.request = request
        self.sequence = sequence
        self.budget = budget
        remoteAddress = connection.remoteAddress
        clientCertificates = connection.clientCertificates
        loop = connection.loop.eventLoop
        service = connection.service
        owner = NIOLoopBound(connection, eventLoop: loop)
    }

    /// The connection's event loop: for bounded work only, since other connections share it.
    package var eventLoop: any EventLoop { loop }

    /// How long ago the request was complete, on the monotonic clock.
    package var nanosecondsSinceArrival: Int64 { (NIODeadline.now() - arrived).nanoseconds }

    /// Answers the request.
    ///
    /// - Parameters:
    ///   - status: 200...599.
    ///   - headers: fields besides `Date`, `Content-Length`, `Connection` and
    ///     `Transfer-Encoding`, which are the server's own and are skipped here. A control byte
    ///     in a value is sent as a blank.
    ///   - body: not sent for HEAD, 204 and 304.
    /// - Precondition: the exchange has not been answered.
    package func respond(status: Int, headers: [(name: String, value: String)], body: [UInt8]) {
        respond(status: status, block: HTTPHeaderBlock(headers), body: body)
    }

    /// Answers the request with fields that were encoded before.
    ///
    /// - Precondition: the exchange has not been answered.
    package func respond(status: Int, block: HTTPHeaderBlock, body: [UInt8]) {
        precondition((200...599).contains(status), "not a final status")
        let wasAnswered = isAnswered.exchange(true, ordering: .acquiringAndReleasing)
        precondition(!wasAnswered, "a request is answered once")
        deliver(HTTPAnswer(status: status, fields: block, body: body))
    }

    /// Begins an answer whose body is made while it is sent: see ``HTTPStream``.
    ///
    /// - Precondition: the exchange has not been answered.
    package func stream(
        status: Int,
        headers: [(name: String, value: String)]
    ) -> HTTPStream {
        precondition((200...599).contains(status), "not a final status")
        let wasAnswered = isAnswered.exchange(true, ordering: .acquiringAndReleasing)
        precondition(!wasAnswered, "a request is answered once")
        let stream = HTTPStream(owner, service, on: loop)
        deliver(HTTPAnswer(status: status, fields: HTTPHeaderBlock(headers), stream: stream))
        return stream
    }

    /// Calls `body`, at most once and on the connection's loop, if the client goes away before the
    /// request is answered; at once if it has gone.
    package func whenGone(_ body: @escaping @Sendable () -> Void) {
        guard !service.isOver.load(ordering: .acquiring) else { return }
        loop.execute { [owner, sequence] in owner.value.watch(sequence, body) }
    }

    deinit {
        if !isAnswered.load(ordering: .acquiring) {
            deliver(HTTPAnswer(refusal: HTTPRefusal(status: 500, reason: "internal error")))
        }
    }

    private func deliver(_ answer: HTTPAnswer) {
        if loop.inEventLoop {
            owner.value.answered(sequence, answer)
        } else if !service.isOver.load(ordering: .acquiring) {
            loop.execute { [owner, sequence] in owner.value.answered(sequence, answer) }
        } else {
            answer.stream?.ended()
        }
    }
}

/// Header fields as they go on the wire, encoded once and used for many answers.
package struct HTTPHeaderBlock: Sendable {
    let bytes: [UInt8]

    /// - Parameter headers: see ``HTTPExchange/respond(status:headers:body:)``.
    package init(_ headers: [(name: String, value: String)]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headers.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count + 4 })
        for (name, value) in headers where Self.isAllowed(name) {
            bytes.append(contentsOf: name.utf8)
            bytes.append(0x3A)
            bytes.append(0x20)
            for byte in value.utf8 {
                bytes.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte)
            }
            bytes.append(0x0D)
            bytes.append(0x0A)
        }
        self.bytes = bytes
    }

    private static func isAllowed(_ name: String) -> Bool {
        precondition(
            !name.isEmpty && name.utf8.allSatisfy(isTokenByte),
            "not a header field name"
        )
        switch name.utf8.count {
        case 4, 10, 14, 17: return !own.contains(name.utf8.map(asciiLowered))
        default: return true
        }
    }

    private static let own = ["date", "connection", "content-length", "transfer-encoding"]
        .map { Array($0.utf8) }
}

/// What goes back for one request.
struct HTTPAnswer: Sendable {
    let status: Int
    let fields: HTTPHeaderBlock
    let body: [UInt8]
    let isRefusal: Bool
    /// Where the body comes from instead.
    let stream: HTTPStream?

    init(
        status: Int,
        fields: HTTPHeaderBlock,
        body: [UInt8] = [],
        stream: HTTPStream? = nil
    ) {
        self.status = status
        self.fields = fields
        self.body = body
        self.stream = stream
        isRefusal = false
    }

    init(refusal: HTTPRefusal) {
        status = refusal.status
        fields = Self.refusalFields
        body = refusal.body
        stream = nil
        isRefusal = true
    }

    private static let refusalFields = HTTPHeaderBlock([
        ("Cache-Control", "no-store"), ("Content-Type", "application/json"),
    ])
}
