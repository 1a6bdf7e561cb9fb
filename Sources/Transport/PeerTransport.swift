package import Logging
package import NIOCore
import NIOPosix
package import Raft
import Synchronization

/// A member as the transport needs to know it.
package struct PeerEndpoint: Sendable, Equatable {
    /// Its place in the configuration.
    package let id: NodeID
    /// Where it listens for members.
    package let address: NetworkAddress
    /// SHA-256 over its public key's SubjectPublicKeyInfo, 32 bytes.
    package let pin: [UInt8]

    /// - Precondition: the pin has 32 bytes.
    package init(id: NodeID, address: NetworkAddress, pin: [UInt8]) {
        precondition(pin.count == 32, "a pin has 32 bytes")
        self.id = id
        self.address = address
        self.pin = pin
    }
}

/// Who this node is among its peers.
package struct PeerSettings: Sendable {
    /// This node's place in the configuration.
    package let id: NodeID
    /// SHA-256 over the canonical initial configuration, 32 bytes.
    package let clusterID: [UInt8]
    /// That configuration as a person can read it, at most 64 KiB; shown when ids differ.
    package let configurationText: String
    /// Where to listen for members; port 0 lets the system choose.
    package let listen: NetworkAddress
    package let limits: PeerLimits

    /// - Precondition: the cluster id has 32 bytes and the text fits into a hello.
    package init(
        id: NodeID,
        clusterID: [UInt8],
        configurationText: String,
        listen: NetworkAddress,
        limits: PeerLimits = PeerLimits()
    ) {
        precondition(clusterID.count == 32, "a cluster id has 32 bytes")
        precondition(
            configurationText.utf8.count <= TransportLimits.configurationTextMax,
            "the configuration text does not fit into a hello"
        )
        self.id = id
        self.clusterID = clusterID
        self.configurationText = configurationText
        self.listen = listen
        self.limits = limits
    }
}

/// What the owner of a ``PeerTransport`` learns. Called on the peer event loop; must not block,
/// since every heartbeat passes through that loop.
package protocol PeerHandler: AnyObject, Sendable {
    /// A whole, undamaged frame of a member whose key has been checked.
    func frameReceived(from peer: NodeID, channel: PeerChannel, kind: UInt8, payload: [UInt8])

    /// An established connection was ended by the other side, or nothing listens there any
    /// more: a hint that its process died. Once per loss, whatever the number of connections.
    func linkReset(_ peer: NodeID)

    /// An established connection ended, in either direction and for whatever reason: what was on
    /// its way over it, or was to be answered over it, is lost. Once for each connection, so a
    /// process that dies is reported several times, and nothing asked between two ends is missed.
    func connectionLost(to peer: NodeID, channel: PeerChannel)

    /// The link came up, or its queue has room again after it had refused a frame.
    func linkWritable(to peer: NodeID, channel: PeerChannel)

    /// A connection was refused here or there; the text is for a person and has been logged.
    func peerRefused(_ reason: String)

    /// A connection came to nothing because of a key. Once for each connection.
    func keyUnknown(_ key: UnknownKey)
}

/// Whose key nobody on the other side knows.
package enum UnknownKey: Sendable, Equatable {
    /// A caller's: it is none of the members' as this node knows them.
    case caller
    /// This node's own, as it seems: a member, whose key is the right one, ended the connection as
    /// soon as it had seen it.
    case own
}

/// Frames between members over mutual TLS 1.3 with pinned keys.
///
/// Each member dials each other member once per channel and sends on the connections that it
/// has dialed; what it receives comes on connections that others dialed. Nothing is sent twice:
/// a frame whose connection breaks is lost, and so is a frame that finds no room. The consensus
/// protocol above repeats what matters.
package final class PeerTransport: Sendable {
    /// A way to one peer on one channel.
    private struct Route: Sendable {
        let outbox: Outbox
        let link: NIOLoopBound<PeerLink>
        let callers: CallerChannels
    }

    /// The one event loop of all peer connections.
    package let eventLoop: any EventLoop

    private let group: MultiThreadedEventLoopGroup
    private let hub: NIOLoopBoundBox<PeerHub?>
    private let make: @Sendable () throws(TransportError) -> PeerHub
    private let listen: NetworkAddress
    private let logger: Logger
    private let routes = Mutex<[NodeID: [Route]]>([:])

    /// - Parameter handler: kept until ``stop()``.
    package init(
        identity: NodeIdentity,
        settings: PeerSettings,
        logger: Logger,
        handler: any PeerHandler
    ) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        eventLoop = loop
        hub = NIOLoopBoundBox.makeEmptyBox(eventLoop: loop)
        listen = settings.listen
        self.logger = logger
        make = { () throws(TransportError) in
            try PeerHub(
                identity: identity,
                settings: settings,
                logger: logger,
                handler: handler,
                eventLoop: loop
            )
        }
    }

    /// Dials the members and listens for them. Call once.
    ///
    /// - Parameter peers: known before the first caller is answered, so that none is refused only
    ///   because this node has just started. ``updatePeers(_:)`` changes them later.
    /// - Returns: where it listens, with the port that the system chose if 0 was asked for.
    /// - Throws: ``TransportError/bind(address:reason:)``, ``TransportError/tls(_:)``; the
    ///   transport has then been stopped.
    package func start(
        _ peers: [PeerEndpoint] = []
    ) async throws(TransportError) -> NetworkAddress {
        do {
            try await eventLoop.submit { [hub, make] in hub.value = try make() }.get()
        } catch let error as TransportError {
            throw error
        } catch {
            throw .tls(String(describing: error))
        }
        updatePeers(peers)
        do {
            let listener = try await bind(bootstrap(), to: listen)
            return NetworkAddress(
                host: listener.localAddress?.ipAddress ?? listen.host,
                port: listener.localAddress?.port ?? listen.port
            )
        } catch {
            await stop()
            throw .bind(address: listen.text, reason: String(describing: error))
        }
    }

    /// Ends all connections and the event loop. Afterwards every ``send`` is refused. Call once.
    package func stop() async {
        routes.withLock { $0 = [:] }
        try? await eventLoop.submit { [hub] in
            hub.value?.stop()
            hub.value = nil
        }.get()
        try? await group.shutdownGracefully()
    }

    /// Replaces the list of members. Connections of members that are gone or whose pin changed
    /// are closed; new ones are dialed. This node's own entry is ignored.
    package func updatePeers(_ peers: [PeerEndpoint]) {
        eventLoop.execute { [self] in
            guard let hub = hub.value else { return }
            hub.update(peers)
            let members = hub.peers
            routes.withLock { routes in
                routes = [:]
                for peer in members {
                    routes[peer.endpoint.id] = peer.links.map {
                        Route(
                            outbox: $0.outbox,
                            link: NIOLoopBound($0, eventLoop: eventLoop),
                            callers: peer.callers
                        )
                    }
                }
            }
        }
    }

    /// Hands a frame to the connection to a member. Any thread; never blocks.
    ///
    /// - Parameters:
    ///   - kind: below 0xF0; the meaning is the owner's.
    ///   - payload: at most 8 MiB.
    /// - Returns: false if the frame was dropped, because the link is down, its queue is full or
    ///   the payload is too large, which is logged. True promises nothing about arrival.
    package func send(
        kind: UInt8,
        payload: [UInt8],
        to peer: NodeID,
        channel: PeerChannel
    ) -> Bool {
        precondition(kind < FrameKind.reservedFirst, "this kind is the transport's own")
        guard payload.count <= TransportLimits.framePayloadMax else {
            // Sizes can be a client's doing, so this must not end the process.
            logger.error(
                """
                dropped a frame of kind \(kind) for node \(peer.number): \(payload.count) bytes, \
                the limit is \(TransportLimits.framePayloadMax)
                """
            )
            return false
        }
        guard let route = route(peer, channel), route.outbox.isOpen else { return false }
        let entry = Outbox.Entry(
            frame: Frame(kind: kind, payload: payload),
            checksum: FrameCodec.checksum(kind: kind, payload: payload)
        )
        switch route.outbox.offer(entry) {
        case .refused: return false
        case .taken: return true
        case .takenWakeLink:
            eventLoop.execute { route.link.value.drain() }
            return true
        }
    }

    /// Whether a frame of that many bytes would be taken now. After a no,
    /// ``PeerHandler/linkWritable(to:channel:)`` follows when it is worth asking again.
    package func canSend(
        to peer: NodeID,
        channel: PeerChannel,
        bytes: Int = 64 << 10
    ) -> Bool {
        route(peer, channel)?.outbox.canTake(bytes: bytes) ?? false
    }

    /// Whether the control connection that this node dialed is up.
    package func isConnected(to peer: NodeID) -> Bool {
        route(peer, .control)?.outbox.isOpen ?? false
    }

    /// Whether the peer has a connection to this node on that channel: what it says can arrive.
    package func isHeard(from peer: NodeID, channel: PeerChannel) -> Bool {
        route(peer, channel)?.callers.contains(channel) ?? false
    }

    /// Whether such a connection to any member is up.
    package var isConnectedToAny: Bool {
        routes.withLock { $0.values.contains { $0.first?.outbox.isOpen == true } }
    }

    private func route(_ peer: NodeID, _ channel: PeerChannel) -> Route? {
        routes.withLock { $0[peer]?[Int(channel.rawValue) - 1] }
    }

    private func bootstrap() -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { [hub] channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let hub = hub.value else { throw ChannelError.alreadyClosed }
                    try hub.prepareIncoming(channel)
                }
            }
    }
}
