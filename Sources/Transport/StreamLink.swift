import Glibc
package import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

/// A connection over which bytes go one way, TCP or TLS, that is made anew when it has broken.
///
/// What ``send(_:done:)`` reports as sent is in the hands of the system: a collector that takes
/// messages and loses them is not noticed, since the syslog protocols have no answer.
///
/// A connection that the other side does not read is kept, since to end it would lose what the
/// system has. Nothing is added to it before all that was written is taken, so what waits for the
/// other side here is one message at most, which may have been refused meanwhile.
package final class StreamLink: Sendable {
    /// Where it leads.
    package struct Place: Sendable {
        /// Name or address.
        package var host: String
        /// 1 to 65535.
        package var port: Int
        /// Nil for plain TCP.
        package var trust: Trust?
        /// Connecting, and sending, fail after so long. Whole seconds.
        package var timeout: Duration

        package init(host: String, port: Int, trust: Trust?, timeout: Duration) {
            self.host = host
            self.port = port
            self.trust = trust
            self.timeout = timeout
        }
    }

    /// What vouches for the other side.
    package struct Trust: Sendable {
        /// Certificates in PEM; empty for those that the system trusts.
        package var authorities: String
        /// The name in its certificate; empty for the host's.
        package var serverName: String

        package init(authorities: String, serverName: String) {
            self.authorities = authorities
            self.serverName = serverName
        }
    }

    /// What somebody wants to be sent.
    private struct Job: Sendable {
        let bytes: [UInt8]
        let done: @Sendable (String?) -> Void
        var isWritten = false
        /// The connection was made for it; if that breaks as well, it is refused.
        var isOnNewConnection = false
    }

    private struct State {
        var channel: (any Channel)?
        /// The system has not taken all that was written to the channel. What is on its way may be
        /// of a job that was refused.
        var isBusy = false
        /// Whose turn it is.
        var current: Job?
        /// Counts the turns, so that what comes late is known.
        var turn = 0
        /// When the current one is refused.
        var clock: Scheduled<Void>?
        var waiting: [Job] = []
        var isClosed = false
    }

    private static let closed = "this link is closed"

    private let place: Place
    private let context: NIOSSLContext?
    private let serverName: String?
    private let loop: any EventLoop
    private let state: NIOLoopBoundBox<State>

    /// - Throws: ``TransportError/malformed(path:reason:)`` for certificates that are none.
    package init(_ place: Place, on loop: any EventLoop) throws(TransportError) {
        self.place = place
        self.loop = loop
        state = .makeBoxSendingValue(State(), eventLoop: loop)
        guard let trust = place.trust else {
            (context, serverName) = (nil, nil)
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        do {
            if !trust.authorities.isEmpty {
                let found = try NIOSSLCertificate.fromPEMBytes(Array(trust.authorities.utf8))
                configuration.trustRoots = .certificates(found)
            }
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw .malformed(path: "tls_ca_cert", reason: "it is not certificates in PEM")
        }
        let name = trust.serverName.isEmpty ? place.host : trust.serverName
        // A certificate for an address is checked against the address of the connection.
        let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
        serverName = isAddress ? nil : name
    }

    /// Sends bytes after all earlier ones; over a new connection if the one there is has broken,
    /// and once more over a new one if it breaks now.
    ///
    /// They are refused if they, and what is on its way before them, are not taken in time. Those
    /// that were written by then are not taken back: they arrive if the other side reads again.
    ///
    /// - Parameter done: gets nil once the system has them all, or what is wrong. On the loop.
    package func send(_ bytes: [UInt8], done: @escaping @Sendable (String?) -> Void) {
        loop.execute { [self] in
            guard !state.value.isClosed else { return done(Self.closed) }
            state.value.waiting.append(Job(bytes: bytes, done: done))
            begin()
        }
    }

    /// Ends the connection for good, and refuses what is not sent.
    package func close() {
        loop.execute { [self] in
            state.value.isClosed = true
            state.value.clock?.cancel()
            let jobs = (state.value.current.map { [$0] } ?? []) + state.value.waiting
            (state.value.current, state.value.waiting) = (nil, [])
            forget()?.close(promise: nil)
            for job in jobs { job.done(Self.closed) }
        }
    }

    // MARK: on the loop

    private func begin() {
        guard state.value.current == nil, !state.value.waiting.isEmpty else { return }
        state.value.current = state.value.waiting.removeFirst()
        guard let channel = state.value.channel, channel.isActive else { return connect() }
        startClock()
        if !state.value.isBusy { write(on: channel) }
    }

    private func connect() {
        let (context, serverName) = (context, serverName)
        state.value.clock?.cancel()
        state.value.current?.isOnNewConnection = true
        _ = forget()
        ClientBootstrap(group: loop)
            .connectTimeout(.seconds(place.timeout.components.seconds))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: serverName)
                        )
                    }
                    try pipeline.addHandler(StreamEnd(isReady: context == nil))
                }
            }
            .connect(host: place.host, port: place.port)
            .whenComplete { [self] result in
                switch result {
                case .failure(let error): end("cannot connect: \(error)")
                case .success(let channel):
                    guard !state.value.isClosed else { return channel.close(promise: nil) }
                    state.value.channel = channel
                    startClock()
                    write(on: channel)
                }
            }
    }

    private func write(on channel: any Channel) {
        guard let job = state.value.current else { return }
        state.value.current?.isWritten = true
        state.value.isBusy = true
        channel.writeAndFlush(ByteBuffer(bytes: job.bytes)).whenComplete { [self] result in
            // What was given up has been dealt with.
            guard state.value.channel === channel else { return }
            state.value.isBusy = false
            switch result {
            case .failure(let error): giveUp(channel, "cannot send: \(error)")
            case .success:
                guard let current = state.value.current else { return }
                if current.isWritten { end(nil) } else { write(on: channel) }
            }
        }
    }

    private func startClock() {
        let (turn, limit) = (state.value.turn, place.timeout.components.seconds)
        state.value.clock = loop.scheduleTask(in: .seconds(limit)) { [self] in
            guard state.value.turn == turn, let channel = state.value.channel else { return }
            let pipeline = channel.pipeline.syncOperations
            guard let last = try? pipeline.handler(type: StreamEnd.self), last.isReady else {
                // Nothing was sent over it, so nothing is lost.
                return giveUp(channel, "the other side does not answer the TLS handshake")
            }
            Self.isSilent(channel).whenSuccess { [self] isSilent in
                guard state.value.turn == turn, state.value.channel === channel else { return }
                if isSilent { return giveUp(channel, "the other side does not answer") }
                let count = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
                end("not taken in time: \(count ?? 0) bytes wait for the other side to read")
            }
        }
    }

    /// Ends a connection that is of no use. The current job goes over a new one, once.
    private func giveUp(_ channel: any Channel, _ problem: String) {
        _ = forget()
        channel.close(promise: nil)
        guard let job = state.value.current else { return }
        if job.isOnNewConnection { end(problem) } else { connect() }
    }

    private func forget() -> (any Channel)? {
        defer { (state.value.channel, state.value.isBusy) = (nil, false) }
        return state.value.channel
    }

    private func end(_ problem: String?) {
        guard let job = state.value.current else { return }
        state.value.clock?.cancel()
        state.value.current = nil
        state.value.turn += 1
        job.done(problem)
        // Later, since a write may end at once, and many may wait.
        loop.execute { [self] in begin() }
    }

    // MARK: who does not read, and who is not there

    /// False where the system does not say: what it has may still arrive.
    private static func isSilent(_ channel: any Channel) -> EventLoopFuture<Bool> {
        guard let socket = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeSucceededFuture(false)
        }
        return socket.getTCPInfo().map { isSilent($0) }
            .flatMapErrorThrowing { _ in false }
    }

    /// Whether the other side is gone without a word: what it would have acknowledged was sent
    /// three times, and nothing came back.
    ///
    /// One that only does not read acknowledges what it has room for, and then answers the probes
    /// that ask for room; not each of them, since systems answer such only so often.
    static func isSilent(_ info: tcp_info) -> Bool {
        guard info.tcpi_unacked > 0 else { return info.tcpi_probes >= 3 }
        // One without room for what was promised drops it, and says so each time. Its answer takes
        // a round trip, here two; they are in microseconds, the others in milliseconds.
        return info.tcpi_retransmits >= 2
            && info.tcpi_last_ack_recv > info.tcpi_last_data_sent
            && info.tcpi_last_data_sent > info.tcpi_rtt / 500
    }
}

/// Closes a connection that has met an error. What the other side sends is dropped.
private final class StreamEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    /// What is written goes to the network: there is no handshake to wait for.
    private(set) var isReady: Bool

    init(isReady: Bool) { self.isReady = isReady }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { isReady = true }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
