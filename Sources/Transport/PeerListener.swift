import Logging
import NIOCore
import NIOTLS
import Raft

/// One connection that another member has dialed: TLS, hello, then frames inward only.
/// Lives on the peer event loop.
final class IncomingPeerConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The pin of the key that the caller proved to hold in this connection's handshake.
    var pin: [UInt8]?
    /// The end of this connection has been logged with a better reason than the network's.
    var isExplained = false
    private(set) var remoteText = "an unknown address"

    /// Who the caller is, once its hello was accepted.
    private struct Caller {
        let peer: PeerHub.Peer
        let channel: PeerChannel
        let number: UInt64
    }

    private let hub: PeerHub
    private var context: ChannelHandlerContext?
    private var inbox = FrameInbox()
    private var caller: Caller?
    private var timer: Scheduled<Void>?
    private var isClosing = false
    private var isFarewell = false
    private var trouble: (any Error)?

    init(hub: PeerHub) { self.hub = hub }

    func channelActive(context: ChannelHandlerContext) {
        self.context = context
        if let address = context.remoteAddress, let ip = address.ipAddress {
            remoteText = NetworkAddress(host: ip, port: address.port ?? 0).text
        }
        let limit = hub.settings.limits.helloTime.nanosecondsClamped
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(limit)) {
            [weak self] in
            self?.close(farewell: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case .handshakeCompleted? = event as? TLSUserEvent, pin == nil else { return }
        // A handshake without the pin check, such as a resumed session, proves nothing.
        close(farewell: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isClosing, pin != nil else { return }
        inbox.add(unwrapInboundIn(data))
        do throws(FrameError) {
            while !isClosing, let frame = try inbox.next(payloadMax: payloadMax) {
                received(frame)
            }
        } catch {
            fail(error.summary)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if trouble == nil { trouble = error }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        self.context = nil
        guard let caller else {
            let text = trouble.map { "\($0)" } ?? "it ended before the hello"
            if !isExplained && !isClosing {
                hub.logger.debug("a connection from \(remoteText) came to nothing: \(text)")
            }
            return
        }
        if caller.peer.incoming[caller.channel] === self {
            caller.peer.incoming[caller.channel] = nil
        }
        hub.connectionLost(caller.peer, channel: caller.channel)
        hub.lost(
            caller.peer,
            number: caller.number,
            byPeer: !isClosing && !isFarewell && !PeerEnd.isSilence(trouble)
        )
    }

    /// - Parameter farewell: told to the other side, if it is to know.
    func close(farewell: String?) {
        guard let context, !isClosing else { return }
        isClosing = true
        if let farewell { send(FrameKind.farewell, reasonPayload(farewell)) }
        context.close(promise: nil)
    }

    private var payloadMax: Int {
        caller == nil ? TransportLimits.helloPayloadMax : TransportLimits.framePayloadMax
    }

    private func received(_ frame: Frame) {
        guard let caller else {
            greeted(frame)
            return
        }
        switch frame.kind {
        case ..<FrameKind.reservedFirst:
            hub.handler.frameReceived(
                from: caller.peer.endpoint.id,
                channel: caller.channel,
                kind: frame.kind,
                payload: frame.payload
            )
        case FrameKind.farewell:
            isFarewell = true
            close(farewell: nil)
        default:
            fail("a frame of kind \(frame.kind) has no place here")
        }
    }

    /// The first frame decides whether there will be a second one.
    private func greeted(_ frame: Frame) {
        guard let pin else { return }
        do throws(HelloError) {
            guard frame.kind == FrameKind.hello else {
                throw HelloError(reason: "the first frame has kind \(frame.kind), not a hello")
            }
            let hello = try Hello(decoding: frame.payload)
            let peer = hub.peer(hello.sender)
            let own = hub.hello(to: hello.sender, channel: hello.channel)
            try hello.check(against: own, pin: pin, expected: peer?.endpoint.pin)
            if let peer { accept(hello, peer) }
        } catch {
            isExplained = true
            hub.refused(
                "hello:\(remoteText)",
                "refused a caller from \(remoteText): \(error.reason)"
            )
            send(FrameKind.refused, reasonPayload(error.reason))
            close(farewell: nil)
        }
    }

    private func accept(_ hello: Hello, _ peer: PeerHub.Peer) {
        timer?.cancel()
        peer.incoming[hello.channel]?.close(farewell: "a newer connection took its place")
        peer.incoming[hello.channel] = self
        caller = Caller(peer: peer, channel: hello.channel, number: hub.established(peer))
        send(FrameKind.accepted, [])
        hub.called(by: peer)
    }

    private func fail(_ reason: String) {
        let who = caller.map { "node \($0.peer.endpoint.id.number)" } ?? remoteText
        hub.trouble("incoming:\(who)", "closing a connection from \(who): \(reason)")
        isExplained = true
        close(farewell: reason)
    }

    private func send(_ kind: UInt8, _ payload: [UInt8]) {
        let frame = FrameCodec.encode(Frame(kind: kind, payload: payload))
        context?.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }
}
