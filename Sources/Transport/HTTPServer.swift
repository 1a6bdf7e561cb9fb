package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// The client-facing HTTP/1.1 server.
///
/// It has its own threads, one event loop each, and hands complete requests to one handler on
/// the loop of their connection. Limits: ``HTTPLimits``. Anything malformed ends its own
/// connection only.
package final class HTTPServer: Sendable {
    /// Where it listens, with the port that the system chose if 0 was asked for.
    package let boundAddress: NetworkAddress

    private let listener: any Channel
    private let group: MultiThreadedEventLoopGroup
    private let loops: [NIOLoopBound<HTTPLoop>]
    private let service: HTTPService
    private let connections: ConnectionCount
    private let logger: Logger

    /// Listens and serves until ``stop(grace:)``.
    ///
    /// - Parameters:
    ///   - tls: certificate and key; nil serves plain HTTP, which the operator has to ask for.
    ///   - threads: event loops, 1 or more.
    ///   - handler: called on an event loop with each request; must not block.
    /// - Throws: ``TransportError/bind(address:reason:)``, ``TransportError/tls(_:)``.
    package static func start(
        address: NetworkAddress,
        tls: TLSMaterial?,
        threads: Int = 2,
        limits: HTTPLimits = HTTPLimits(),
        logger: Logger,
        handler: @escaping @Sendable (HTTPExchange) -> Void
    ) async throws(TransportError) -> HTTPServer {
        precondition(threads > 0, "a server needs an event loop")
        let context = try tls.map { material throws(TransportError) in
            try material.serverContext()
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        let service = HTTPService(limits: limits, handler: handler)
        let connections = ConnectionCount(max: limits.connectionsMax)
        do {
            let loops = try await makeLoops(group, limits)
            let bootstrap = ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: 1_024)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try connections.enter(channel)
                        let loop = loops.first { $0.eventLoop === channel.eventLoop }
                        guard let loop else { throw ChannelError.inappropriateOperationForState }
                        try add(to: channel, service, loop.value, context)
                    }
                }
            let listener = try await bind(bootstrap, to: address)
            return HTTPServer(
                listener: listener,
                asked: address,
                group: group,
                loops: loops,
                service: service,
                connections: connections,
                logger: logger
            )
        } catch {
            try? await group.shutdownGracefully()
            throw .bind(address: address.text, reason: String(describing: error))
        }
    }

    private init(
        listener: any Channel,
        asked: NetworkAddress,
        group: MultiThreadedEventLoopGroup,
        loops: [NIOLoopBound<HTTPLoop>],
        service: HTTPService,
        connections: ConnectionCount,
        logger: Logger
    ) {
        self.listener = listener
        self.group = group
        self.loops = loops
        self.service = service
        self.connections = connections
        self.logger = logger
        boundAddress = NetworkAddress(
            host: listener.localAddress?.ipAddress ?? asked.host,
            port: listener.localAddress?.port ?? asked.port
        )
    }

    /// Open client connections now.
    package var connectionCount: Int { connections.count }

    /// Accepts no more, closes idle connections, lets running requests finish for at most
    /// `grace`, then ends what is left and its threads. Call once.
    package func stop(grace: Duration) async {
        try? await listener.close()
        for loop in loops {
            loop.eventLoop.execute { loop.value.beginStop() }
        }
        let patience = ContinuousClock.now + grace
        while connections.count > 0 && ContinuousClock.now < patience {
            try? await Task.sleep(for: .milliseconds(10))
        }
        let left = connections.count
        if left > 0 { logger.warning("closing \(left) client connections that are still busy") }
        for loop in loops {
            try? await loop.eventLoop.submit { loop.value.finishStop() }.get()
        }
        service.isOver.store(true, ordering: .releasing)
        try? await group.shutdownGracefully()
    }

    private static func add(
        to channel: any Channel,
        _ service: HTTPService,
        _ loop: HTTPLoop,
        _ context: NIOSSLContext?
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        if let context {
            try pipeline.addHandler(
                NIOSSLServerHandler(
                    context: context,
                    customVerificationCallbackWithMetadata: ClientChain.accept
                )
            )
        }
        try pipeline.addHandler(
            HTTPConnection(service: service, loop: loop, isSecure: context != nil)
        )
    }

    private static func makeLoops(
        _ group: MultiThreadedEventLoopGroup,
        _ limits: HTTPLimits
    ) async throws -> [NIOLoopBound<HTTPLoop>] {
        var loops: [NIOLoopBound<HTTPLoop>] = []
        for eventLoop in group.makeIterator() {
            let loop = try await eventLoop.submit {
                let loop = HTTPLoop(eventLoop: eventLoop, limits: limits)
                loop.start()
                return NIOLoopBound(loop, eventLoop: eventLoop)
            }.get()
            loops.append(loop)
        }
        return loops
    }
}

/// Listens on every local address when no host is given, IPv6 included where there is one.
func bind(_ bootstrap: ServerBootstrap, to address: NetworkAddress) async throws -> any Channel {
    guard address.host.isEmpty else {
        return try await bootstrap.bind(host: address.host, port: address.port).get()
    }
    do {
        return try await bootstrap.bind(host: "::", port: address.port).get()
    } catch {
        return try await bootstrap.bind(host: "0.0.0.0", port: address.port).get()
    }
}

/// Counts open connections and turns away those above the bound.
final class ConnectionCount: Sendable {
    private let max: Int
    private let open = Atomic(0)

    init(max: Int) { self.max = max }

    var count: Int { open.load(ordering: .relaxed) }

    /// - Throws: when there is no room; the caller's initializer then closes the channel.
    func enter(_ channel: any Channel) throws {
        let (_, now) = open.add(1, ordering: .relaxed)
        channel.closeFuture.whenComplete { [self] _ in open.subtract(1, ordering: .relaxed) }
        guard now <= max else { throw ChannelError.operationUnsupported }
    }
}
