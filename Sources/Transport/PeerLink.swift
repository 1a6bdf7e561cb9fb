import Glibc
import Logging
import NIOCore
import NIOPosix
import NIOTLS
import Raft

/// This node's connection to one member on one channel: dials, keeps dialing, and writes what
/// the ``Outbox`` holds. Lives on the peer event loop.
final class PeerLink {
    private enum State {
        case idle
        /// Until the hello is accepted.
        case dialing(attempt: UInt64)
        case up(OutgoingPeerConnection)
        case pausing(Scheduled<Void>)
        case stopped
    }

    let hub: PeerHub
    let channel: PeerChannel
    let outbox: Outbox
    private(set) weak var peer: PeerHub.Peer?
    let endpoint: PeerEndpoint

    private var state = State.idle
    private var attempt: UInt64 = 0
    private var pause: Duration
    private var upSince = NIODeadline.now()
    /// The connection of the present attempt that came first; there may be one per IP address.
    private var candidate: OutgoingPeerConnection?

    init(hub: PeerHub, peer: PeerHub.Peer, channel: PeerChannel) {
        self.hub = hub
        self.peer = peer
        self.channel = channel
        endpoint = peer.endpoint
        outbox = Outbox(limit: hub.settings.limits.queue(channel))
        pause = hub.settings.limits.redialTimeMin
    }

    /// Short text for the log.
    var name: String { "node \(endpoint.id.number) at \(endpoint.address.text) (\(channel))" }

    func dial() {
        if case .stopped = state { return }
        attempt += 1
        candidate = nil
        state = .dialing(attempt: attempt)
        let link = NIOLoopBound(self, eventLoop: hub.eventLoop)
        let limits = hub.settings.limits
        ClientBootstrap(group: hub.eventLoop)
            .connectTimeout(.nanoseconds(limits.helloTime.nanosecondsClamped))
            .channelInitializer { [attempt] channel in
                channel.eventLoop.makeCompletedFuture {
                    let link = link.value
                    try LinkOptions.apply(to: channel, limits: limits)
                    try link.hub.prepareOutgoing(
                        channel,
                        OutgoingPeerConnection(link: link, attempt: attempt)
                    )
                }
            }
            .connect(host: endpoint.address.host, port: endpoint.address.port)
            .whenFailure { [attempt] error in link.value.connectFailed(attempt, error) }
    }

    /// Ends a pause between two attempts.
    func dialSoon() {
        guard case .pausing(let timer) = state else { return }
        timer.cancel()
        pause = hub.settings.limits.redialTimeMin
        dial()
    }

    /// Closes for good.
    ///
    /// - Parameter farewell: told to the other side, if it is to know.
    func stop(farewell: String?) {
        let old = state
        state = .stopped
        outbox.close()
        switch old {
        case .pausing(let timer): timer.cancel()
        case .up(let connection): connection.close(farewell: farewell)
        case .idle, .dialing, .stopped: candidate?.close(farewell: nil)
        }
        candidate = nil
    }

    /// Writes one batch; if more is waiting, comes back in a later turn of the loop, so that
    /// other connections get theirs.
    func drain() {
        guard case .up(let connection) = state, connection.isWritable,
            let batch = outbox.take(bytesMax: TransportLimits.flushBytes)
        else { return }
        connection.write(batch)
        if batch.hasRoomAgain { hub.handler.linkWritable(to: endpoint.id, channel: channel) }
        guard batch.isPartial else { return }
        let link = NIOLoopBound(self, eventLoop: hub.eventLoop)
        hub.eventLoop.execute { link.value.drain() }
    }

    // MARK: What connections report

    /// - Returns: false if another connection of this attempt was faster.
    func claims(_ connection: OutgoingPeerConnection) -> Bool {
        guard case .dialing(connection.attempt) = state, candidate == nil else { return false }
        candidate = connection
        return true
    }

    /// - Returns: the connection's number, or nil if it is no longer wanted.
    func established(_ connection: OutgoingPeerConnection) -> UInt64? {
        guard case .dialing(connection.attempt) = state, candidate === connection, let peer
        else { return nil }
        state = .up(connection)
        candidate = nil
        upSince = .now()
        outbox.open()
        hub.logger.info("connected to \(name)")
        hub.handler.linkWritable(to: endpoint.id, channel: channel)
        return hub.established(peer)
    }

    /// - Parameters:
    ///   - number: nil if it never got so far as to have one.
    ///   - byPeer: see ``PeerHub/lost(_:number:byPeer:)``.
    ///   - reason: for the log; nil if it has been logged.
    func ended(
        _ connection: OutgoingPeerConnection,
        number: UInt64?,
        byPeer: Bool,
        reason: String?
    ) {
        switch state {
        case .up(let current) where current === connection: outbox.close()
        case .dialing(connection.attempt) where candidate === connection: break
        default: return
        }
        if let reason { hub.trouble(name, "no connection to \(name): \(reason)") }
        redial()
        guard let number, let peer else { return }
        hub.connectionLost(peer, channel: channel)
        hub.lost(peer, number: number, byPeer: byPeer)
    }

    private func connectFailed(_ attempt: UInt64, _ error: any Error) {
        guard case .dialing(attempt) = state else { return }
        hub.trouble(name, "cannot connect to \(name): \(Self.text(error))")
        redial()
        if Self.isRefusal(error), let peer { hub.connectRefused(peer) }
    }

    private func redial() {
        candidate = nil
        if case .up = state, NIODeadline.now() - upSince > .seconds(1) {
            pause = hub.settings.limits.redialTimeMin
        }
        let nanoseconds = max(1, pause.nanosecondsClamped)
        let jitter = Int64.random(in: 0...nanoseconds / 2)
        pause = min(pause * 2, hub.settings.limits.redialTimeMax)
        let link = NIOLoopBound(self, eventLoop: hub.eventLoop)
        state = .pausing(
            hub.eventLoop.scheduleTask(in: .nanoseconds(nanoseconds + jitter)) {
                link.value.dial()
            }
        )
    }

    private static func isRefusal(_ error: any Error) -> Bool {
        guard let error = error as? NIOConnectionError else { return false }
        return error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
    }

    private static func text(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError, let first = error.connectionErrors.first {
            return String(describing: first.error)
        }
        return String(describing: error)
    }
}

/// One connection that this node has dialed: TLS, hello, then frames outward only.
final class OutgoingPeerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let attempt: UInt64
    /// The end of this connection has been logged with a better reason than the network's.
    var isExplained = false

    private let link: PeerLink
    private var context: ChannelHandlerContext?
    private var inbox = FrameInbox()
    private var number: UInt64?
    /// The other side has proved to be the member that was dialed.
    private var isVerified = false
    private var timer: Scheduled<Void>?
    private var isClosedByUs = false
    private var isFarewell = false
    private var trouble: (any Error)?

    init(link: PeerLink, attempt: UInt64) {
        self.link = link
        self.attempt = attempt
    }

    var endpoint: PeerEndpoint { link.endpoint }
    var isWritable: Bool { context?.channel.isWritable ?? false }

    func write(_ batch: Outbox.Batch) {
        guard let context else { return }
        var buffer = context.channel.allocator.buffer(capacity: batch.byteCount)
        for entry in batch.entries {
            FrameCodec.encode(entry.frame, checksum: entry.checksum, into: &buffer)
        }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
    }

    func close(farewell: String?) {
        guard let context, !isClosedByUs else { return }
        isClosedByUs = true
        if let farewell {
            let frame = Frame(kind: FrameKind.farewell, payload: reasonPayload(farewell))
            context.writeAndFlush(wrapOutboundOut(FrameCodec.encode(frame)), promise: nil)
        }
        context.close(promise: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        guard link.claims(self) else {
            isExplained = true
            context.close(promise: nil)
            return
        }
        let limit = link.hub.settings.limits.helloTime.nanosecondsClamped
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(limit)) {
            [weak self] in
            self?.fail("it did not answer the hello in time")
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent, !isClosedByUs else { return }
        isVerified = true
        let hello = link.hub.hello(to: endpoint.id, channel: link.channel)
        let frame = Frame(kind: FrameKind.hello, payload: hello.encoded())
        context.writeAndFlush(wrapOutboundOut(FrameCodec.encode(frame)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosedByUs else { return }
        inbox.add(unwrapInboundIn(data))
        do throws(FrameError) {
            while !isClosedByUs,
                let frame = try inbox.next(payloadMax: TransportLimits.helloPayloadMax)
            {
                received(frame)
            }
        } catch {
            fail(error.summary)
        }
    }

    private func received(_ frame: Frame) {
        switch frame.kind {
        case FrameKind.accepted where number == nil:
            timer?.cancel()
            number = link.established(self)
            if number == nil { close(farewell: nil) }
        case FrameKind.refused where number == nil:
            isExplained = true
            link.hub.refused(
                "refused:\(link.name)",
                "\(link.name) refused this node: \(reasonText(frame.payload))"
            )
            close(farewell: nil)
        case FrameKind.farewell:
            isFarewell = true
            fail("it closed the connection: \(reasonText(frame.payload))")
        default:
            fail("it sent a frame of kind \(frame.kind), which has no place on this connection")
        }
    }

    private func fail(_ reason: String) {
        guard !isClosedByUs else { return }
        isExplained = true
        link.hub.trouble(link.name, "no connection to \(link.name): \(reason)")
        close(farewell: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { link.drain() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if trouble == nil { trouble = error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
        let byPeer = !isClosedByUs && !isFarewell && !PeerEnd.isSilence(trouble)
        if isVerified, byPeer, number == nil { link.hub.keyUnknown(.own) }
        link.ended(
            self,
            number: number,
            byPeer: byPeer,
            reason: isExplained ? nil : PeerEnd.text(trouble, isEstablished: number != nil)
        )
    }
}

/// How the end of a peer connection is to be read.
enum PeerEnd {
    /// The network or the host went silent; that says nothing about the process.
    static func isSilence(_ error: (any Error)?) -> Bool {
        guard let error = error as? IOError else { return false }
        return [ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN, EHOSTDOWN]
            .contains(error.errnoCode)
    }

    static func text(_ error: (any Error)?, isEstablished: Bool) -> String {
        if let error { return "the connection broke: \(error)" }
        return isEstablished
            ? "the other side closed it"
            : "the other side closed it before it answered the hello; see its log, it may not "
                + "know this node's pin"
    }
}
