import NIOCore
import NIOSSL
import NIOTLS
import Synchronization

/// What all connections of one server share. Crosses event loops.
final class HTTPService: Sendable {
    let limits: HTTPLimits
    let budget: ByteBudget
    let handler: @Sendable (HTTPExchange) -> Void
    /// Set when the event loops are about to end; answers after that have nowhere to go.
    let isOver = Atomic(false)

    init(limits: HTTPLimits, handler: @escaping @Sendable (HTTPExchange) -> Void) {
        self.limits = limits
        self.handler = handler
        budget = ByteBudget(bytesMax: limits.requestBytesInFlightMax)
    }
}

/// One client connection: bytes in, complete requests to the handler, answers out in order.
///
/// Lives on one event loop. Requests that change something are handled alone; safe ones that
/// were pipelined are handled side by side, up to the limit, and answered in their order.
/// When nothing more can be taken in, the connection is not read, so TCP holds the client back.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A request whose body is still arriving.
    private struct Partial {
        let head: HTTPHead
        var reader: HTTPBodyReader
        var share: ByteBudget.Share?
        var owesContinue: Bool
    }

    /// A complete request that waits for earlier ones to be answered.
    private struct Held {
        let request: HTTPRequest
        let share: ByteBudget.Share?
    }

    /// A place in the order of answers.
    private struct Slot {
        let isHead: Bool
        var isModern = true
        let closes: Bool
        var answer: HTTPAnswer?
    }

    /// What the connection waits for; decides which limit of time applies.
    private enum Waiting: Equatable {
        case handshake
        case head
        case body
        case handler
        case idle
        case farewell
    }

    let loop: HTTPLoop
    /// Place in the loop's list; owned by the loop.
    var position = Int.max
    private(set) var remoteAddress = "unknown"
    /// What the client showed in its TLS handshake: see ``HTTPExchange/clientCertificates``.
    private(set) var clientCertificates: [[UInt8]] = []

    let service: HTTPService
    private let isSecure: Bool
    private var context: ChannelHandlerContext?

    private var inbox = ByteBuffer()
    private var scanned = 0
    private var partial: Partial?
    private var held: Held?
    private var acceptsInput = true
    private var hasSeenRequest = false
    private var isAdvancing = false
    private var isReadHeld = false

    private var slots = CircularBuffer<Slot>(initialCapacity: 4)
    private var firstSequence: UInt64 = 0
    private var isUnsafeInFlight = false
    /// The answer that is written while it is made: that of the first place, and the last one.
    private var streaming: (stream: HTTPStream, isChunked: Bool)?
    /// Whom it concerns that the client of a request goes away before it is answered.
    private var watchers: [(sequence: UInt64, body: @Sendable () -> Void)] = []

    private var out: ByteBuffer?
    private var isInBurst = false
    private var isClosing = false

    private var waiting = Waiting.idle
    private var waitingSince: UInt64 = .max
    private var deadline: UInt64 = .max
    private var stalledBytes = 0
    private var stallDeadline: UInt64 = .max

    init(service: HTTPService, loop: HTTPLoop, isSecure: Bool) {
        self.service = service
        self.loop = loop
        self.isSecure = isSecure
    }

    // MARK: Life

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        remoteAddress = context.remoteAddress.map(Self.text) ?? remoteAddress
        loop.add(self)
        wait(for: isSecure ? .handshake : .head)
        if loop.isStopping { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
        acceptsInput = false
        partial = nil
        held = nil
        out = nil
        streaming = nil
        dropSlots()
        inbox = ByteBuffer()
        let watchers = watchers
        self.watchers = []
        for watcher in watchers { watcher.body() }
    }

    /// See ``HTTPExchange/whenGone(_:)``.
    func watch(_ sequence: UInt64, _ body: @escaping @Sendable () -> Void) {
        guard context != nil else { return body() }
        guard sequence >= firstSequence, !isClosing else { return }
        watchers.append((sequence, body))
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent else { return }
        clientCertificates = ClientChain.shown(in: context)
        wait(for: .head)
    }

    /// Every error here is the client's or the network's, and the end of this connection only.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// The server stops: idle means done, busy means one more round.
    func serverStops() {
        if let streaming { return streaming.stream.finish() }
        guard slots.isEmpty && partial == nil && !isClosing else { return }
        context?.close(promise: nil)
    }

    /// The server has stopped waiting.
    func abandon() { context?.close(promise: nil) }

    private static func text(_ address: SocketAddress) -> String {
        NetworkAddress(host: address.ipAddress ?? "local", port: address.port ?? 0).text
    }

    // MARK: Time

    /// Called once per tick of the loop.
    func beat() {
        checkStall()
        guard loop.tick >= deadline else { return }
        deadline = .max
        switch waiting {
        case .head where inbox.readableBytes > 0, .body: refuse(.tooSlow)
        case .head, .handshake, .idle, .farewell: context?.close(promise: nil)
        case .handler: break
        }
    }

    private func wait(for waiting: Waiting) {
        let sequence = nextSequence
        guard waiting != self.waiting || sequence != waitingSince else { return }
        self.waiting = waiting
        waitingSince = sequence
        switch waiting {
        case .handshake: deadline = loop.deadline(after: service.limits.handshakeTime)
        case .head: deadline = loop.deadline(after: service.limits.headerTime)
        case .body: deadline = loop.deadline(after: service.limits.bodyTime)
        case .idle: deadline = loop.deadline(after: service.limits.idleTime)
        case .farewell: deadline = loop.deadline(after: service.limits.lingerTime)
        case .handler: deadline = .max
        }
    }

    private func waitForNext() {
        if isClosing || waiting == .handshake || context == nil { return }
        if !acceptsInput || !canTakeMore {
            wait(for: .handler)
        } else if partial != nil {
            wait(for: .body)
        } else if inbox.readableBytes > 0 || !hasSeenRequest {
            wait(for: .head)
        } else {
            wait(for: slots.isEmpty ? .idle : .handler)
        }
    }

    /// Ends a connection whose client does not read its answers.
    private func checkStall() {
        guard let context, let options = context.channel.syncOptions,
            let pending = try? options.getOption(ChannelOptions.bufferedWritableBytes)
        else { return }
        if pending == 0 {
            stallDeadline = .max
        } else if stallDeadline == .max || stalledBytes - pending >= 4_096 {
            stalledBytes = pending
            stallDeadline = loop.deadline(after: service.limits.writeTime)
        } else if loop.tick >= stallDeadline {
            context.close(promise: nil)
        }
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard acceptsInput else { return }
        var bytes = unwrapInboundIn(data)
        if inbox.readableBytes == 0 {
            inbox = bytes
            scanned = 0
        } else {
            inbox.writeBuffer(&bytes)
        }
        isInBurst = true
        advance()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isInBurst = false
        flush()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        advance()
        resumeReading()
    }

    func read(context: ChannelHandlerContext) {
        if self.context == nil || canTakeMore || isClosing {
            context.read()
        } else {
            isReadHeld = true
        }
    }

    private var canTakeMore: Bool {
        held == nil && slots.count < service.limits.pipelinedMax
            && context?.channel.isWritable ?? false
    }

    private func resumeReading() {
        guard isReadHeld, canTakeMore, let context else { return }
        isReadHeld = false
        context.read()
    }

    /// Turns bytes into requests as far as the order of handling lets it.
    private func advance() {
        guard !isAdvancing else { return }
        isAdvancing = true
        do throws(HTTPRefusal) {
            while acceptsInput || held != nil {
                if let held {
                    guard canDispatch(held.request.head) else { break }
                    self.held = nil
                    dispatch(held.request, held.share)
                } else if partial != nil {
                    guard try readBody() else { break }
                } else {
                    guard canTakeMore, try readHead() else { break }
                }
            }
        } catch {
            refuse(error)
        }
        isAdvancing = false
        if inbox.readableBytes == 0 {
            inbox = ByteBuffer()
            scanned = 0
        } else if inbox.readerIndex > 64 << 10 {
            inbox.discardReadBytes()
        }
        payContinue()
        waitForNext()
        if !isInBurst {
            flush()
            resumeReading()
        }
    }

    /// - Returns: true if a request head was taken from the inbox.
    private func readHead() throws(HTTPRefusal) -> Bool {
        guard let length = try headLength() else { return false }
        scanned = 0
        guard let block = inbox.readBytes(length: length) else { return false }
        let head = try HTTPHeadParser.parse(block, fieldsMax: service.limits.headerFieldsMax)
        hasSeenRequest = true
        let share = try service.budget.hold(block.count, in: nil)
        switch head.framing {
        case .none:
            accept(HTTPRequest(head: head, body: []), share)
            return true
        case .length(let count) where count > service.limits.bodyBytesMax:
            throw .bodyTooLarge
        case .length, .chunked:
            let reader = HTTPBodyReader(
                framing: head.framing,
                bytesMax: service.limits.bodyBytesMax
            )
            partial = Partial(
                head: head,
                reader: reader,
                share: share,
                owesContinue: head.expectsContinue
            )
            return true
        }
    }

    /// Looks for the end of the head, each byte once.
    ///
    /// - Returns: bytes through the empty line, or nil while that has not arrived.
    private func headLength() throws(HTTPRefusal) -> Int? {
        // Empty lines before a request line are skipped. Source: RFC 9112 section 2.2.
        while inbox.getInteger(at: inbox.readerIndex, as: UInt16.self) == 0x0D0A {
            inbox.moveReaderIndex(forwardBy: 2)
            scanned = 0
        }
        return try HTTPHeadScan.length(
            in: inbox,
            scanned: &scanned,
            limit: service.limits.headerBytesMax
        )
    }

    /// - Returns: true if the body is complete and the request was passed on.
    private func readBody() throws(HTTPRefusal) -> Bool {
        guard var partial else { return false }
        self.partial = nil
        let isComplete = try partial.reader.read(&inbox)
        let bytes = partial.head.block.count + partial.reader.bytes.count
        partial.share = try service.budget.hold(bytes, in: partial.share)
        guard isComplete else {
            self.partial = partial
            return false
        }
        accept(HTTPRequest(head: partial.head, body: partial.reader.bytes), partial.share)
        return true
    }

    private func accept(_ request: HTTPRequest, _ share: ByteBudget.Share?) {
        if !request.head.isKeptAlive { acceptsInput = false }
        if canDispatch(request.head) {
            dispatch(request, share)
        } else {
            held = Held(request: request, share: share)
        }
    }

    private func canDispatch(_ head: HTTPHead) -> Bool {
        slots.isEmpty
            || (head.isSafe && !isUnsafeInFlight && slots.count < service.limits.pipelinedMax)
    }

    private func dispatch(_ request: HTTPRequest, _ share: ByteBudget.Share?) {
        let sequence = nextSequence
        isUnsafeInFlight = !request.head.isSafe
        slots.append(
            Slot(
                isHead: request.head.isMethod(.head),
                isModern: request.head.isModern,
                closes: !request.head.isKeptAlive
            )
        )
        service.handler(
            HTTPExchange(request: request, sequence: sequence, budget: share, connection: self)
        )
    }

    private var nextSequence: UInt64 { firstSequence + UInt64(slots.count) }

    /// Answers in the handler's place, after all earlier answers, and takes no more input.
    private func refuse(_ refusal: HTTPRefusal) {
        guard acceptsInput, context != nil else { return }
        acceptsInput = false
        partial = nil
        slots.append(Slot(isHead: false, closes: true, answer: HTTPAnswer(refusal: refusal)))
        drain()
        waitForNext()
        if !isInBurst { flush() }
    }

    // MARK: Output

    /// An exchange of this connection has its answer.
    func answered(_ sequence: UInt64, _ answer: HTTPAnswer) {
        guard context != nil, sequence >= firstSequence, !isClosing, streaming == nil else {
            answer.stream?.ended()
            return
        }
        watchers.removeAll { $0.sequence == sequence }
        let offset = Int(sequence - firstSequence)
        precondition(offset < slots.count, "an answer to a request that was never handed out")
        slots[offset: offset].answer = answer
        drain()
        if !isAdvancing { advance() }
    }

    /// Encodes every answer whose turn has come.
    private func drain() {
        while !isClosing, let slot = slots.first, let answer = slot.answer {
            if let stream = answer.stream {
                guard slot.isHead else { return begin(answer, stream, slot.isModern) }
                stream.ended()
            }
            slots.removeFirst()
            firstSequence += 1
            if slots.isEmpty { isUnsafeInFlight = false }
            let isLast = loop.isStopping && slots.isEmpty && held == nil && partial == nil
            encode(answer, isHead: slot.isHead, closes: slot.closes || isLast)
        }
    }

    private func encode(_ answer: HTTPAnswer, isHead: Bool, closes: Bool) {
        let body = min(answer.body.count, HTTPResponseEncoder.bodyCopiedMax)
        let capacity = HTTPResponseEncoder.headBytes + answer.fields.bytes.count + body
        var buffer = out ?? loop.takeScratch(capacity: capacity)
        out = nil
        let rest = HTTPResponseEncoder.encode(
            answer,
            hasBody: !isHead,
            closes: closes,
            date: loop.date,
            into: &buffer
        )
        out = buffer
        if let rest, let context {
            writeOut(context)
            context.write(wrapOutboundOut(ByteBuffer(bytes: rest)), promise: nil)
            context.flush()
        } else if buffer.readableBytes >= HTTPResponseEncoder.bodyCopiedMax {
            // Answers to many requests of one read must not pile up where the watermark of the
            // channel does not see them.
            flush()
        }
        // Input that nobody will read makes the system reset the connection, and a reset can
        // overtake the answer. So such a client is listened to for a little longer.
        if closes { endOutput(lingers: answer.isRefusal || inbox.readableBytes > 0) }
    }

    /// What was written is the last answer.
    private func endOutput(lingers: Bool) {
        acceptsInput = false
        isClosing = true
        held = nil
        dropSlots()
        finish(lingers: lingers)
    }

    private func dropSlots() {
        for slot in slots { slot.answer?.stream?.ended() }
        slots.removeAll()
    }

    // MARK: Streams

    /// Sends the head of a streamed answer. No request behind it is answered.
    private func begin(_ answer: HTTPAnswer, _ stream: HTTPStream, _ isChunked: Bool) {
        acceptsInput = false
        partial = nil
        held = nil
        inbox = ByteBuffer()
        for slot in slots.dropFirst() { slot.answer?.stream?.ended() }
        slots.removeLast(slots.count - 1)
        streaming = (stream, isChunked)
        var buffer = out ?? loop.takeScratch(capacity: HTTPResponseEncoder.headBytes)
        out = nil
        HTTPResponseEncoder.encodeHead(
            of: answer,
            isChunked: isChunked,
            date: loop.date,
            into: &buffer
        )
        out = buffer
        flush()
        if loop.isStopping { stream.finish() }
        pump()
        resumeReading()
    }

    /// A stream of this connection has more to send, or its end.
    func streamHasMore(_ stream: HTTPStream) {
        guard streaming?.stream === stream else { return }
        pump()
    }

    /// Sends what the stream has, if the client takes it; else once it does.
    private func pump() {
        guard let (stream, isChunked) = streaming, context?.channel.isWritable ?? false else {
            return
        }
        let (bytes, isLast) = stream.take()
        var buffer = out ?? loop.takeScratch(capacity: bytes.count + 32)
        out = nil
        HTTPResponseEncoder.encodePiece(
            bytes,
            isLast: isLast,
            isChunked: isChunked,
            into: &buffer
        )
        out = buffer
        if isLast {
            streaming = nil
            endOutput(lingers: false)
        } else {
            flush()
        }
    }

    /// Asks for the body of a request whose client waits for that.
    private func payContinue() {
        guard acceptsInput, slots.isEmpty, held == nil, partial?.owesContinue == true else {
            return
        }
        partial?.owesContinue = false
        guard partial?.reader.bytes.isEmpty == true else { return }
        var buffer = out ?? loop.takeScratch(capacity: 32)
        out = nil
        buffer.writeStaticString("HTTP/1.1 100 Continue\r\n\r\n")
        out = buffer
    }

    private func writeOut(_ context: ChannelHandlerContext) {
        guard let buffer = out else { return }
        out = nil
        if buffer.readableBytes > 0 { context.write(wrapOutboundOut(buffer), promise: nil) }
        loop.giveBack(buffer)
    }

    private func flush() {
        guard out != nil, let context else { return }
        writeOut(context)
        context.flush()
    }

    /// Closes once everything has been handed to the system.
    private func finish(lingers: Bool) {
        guard let context else { return }
        writeOut(context)
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: written)
        let channel = NIOLoopBound(context.channel, eventLoop: context.eventLoop)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        written.futureResult.whenComplete { _ in
            let connection = connection.value
            guard lingers else {
                channel.value.close(promise: nil)
                return
            }
            connection.wait(for: .farewell)
            connection.inbox = ByteBuffer()
            channel.value.close(mode: .output, promise: nil)
            connection.context?.read()
        }
    }
}
