package import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A connection over which bytes go one way, TCP or TLS, that is made anew when it has broken.
///
/// What ``send(_:done:)`` reports as sent is in the hands of the system: a collector that takes
/// messages and loses them is not noticed, since the syslog protocols have no answer.
package final class StreamLink: Sendable {
    /// Where it leads.
    package struct Place: Sendable {
        /// Name or address.
        package var host: String
        /// 1 to 65535.
        package var port: Int
        /// Nil for plain TCP.
        package var trust: Trust?
        /// Connecting, and sending, fail after so long.
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

    private let place: Place
    private let context: NIOSSLContext?
    private let serverName: String?
    private let loop: any EventLoop
    private let channel = Mutex<(any Channel)?>(nil)

    /// - Throws: ``TransportError/malformed(path:reason:)`` for certificates that are none.
    package init(_ place: Place, on loop: any EventLoop) throws(TransportError) {
        self.place = place
        self.loop = loop
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
    /// - Parameter done: gets nil once the system has them all, or what is wrong. On the loop.
    package func send(_ bytes: [UInt8], done: @escaping @Sendable (String?) -> Void) {
        loop.execute { [self] in
            guard let open = channel.withLock({ $0 }), open.isActive else {
                return connectAndWrite(bytes, done)
            }
            write(bytes, on: open) { [self] problem in
                guard problem != nil else { return done(nil) }
                connectAndWrite(bytes, done)
            }
        }
    }

    /// Ends the connection.
    package func close() {
        let open = channel.withLock { channel -> (any Channel)? in
            defer { channel = nil }
            return channel
        }
        open?.close(promise: nil)
    }

    private func connectAndWrite(
        _ bytes: [UInt8],
        _ done: @escaping @Sendable (String?) -> Void
    ) {
        let (context, serverName) = (context, serverName)
        let milliseconds = place.timeout.components.seconds * 1_000
        ClientBootstrap(group: loop)
            .connectTimeout(.milliseconds(milliseconds))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: serverName)
                        )
                    }
                    try pipeline.addHandler(StreamEnd())
                }
            }
            .connect(host: place.host, port: place.port)
            .whenComplete { [self] result in
                switch result {
                case .failure(let error): done("cannot connect: \(error)")
                case .success(let opened):
                    channel.withLock { $0 = opened }
                    write(bytes, on: opened, done)
                }
            }
    }

    private func write(
        _ bytes: [UInt8],
        on channel: any Channel,
        _ done: @escaping @Sendable (String?) -> Void
    ) {
        let limit = TimeAmount.seconds(place.timeout.components.seconds)
        // Closing fails the write, so its end is told once in any case.
        let clock = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
        channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { result in
            clock.cancel()
            switch result {
            case .success: done(nil)
            case .failure(let error):
                channel.close(promise: nil)
                done("cannot send: \(error)")
            }
        }
    }
}

/// Closes a connection that has met an error. What the other side sends is dropped.
private final class StreamEnd: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
