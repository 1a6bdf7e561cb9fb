import NIOCore
import NIOSSL
import Raft
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Transport

/// What a peer's owner was told.
final class SeenEvents: PeerHandler {
    struct Received: Equatable, Sendable {
        let from: NodeID
        let channel: PeerChannel
        let kind: UInt8
        let payload: [UInt8]
    }

    private let frames = Mutex<[Received]>([])
    private let resetPeers = Mutex<[NodeID]>([])
    private let lostConnections = Mutex<[PeerChannel]>([])
    private let writable = Mutex<[PeerChannel]>([])
    private let refusals = Mutex<[String]>([])
    private let keys = Mutex<[UnknownKey]>([])

    var received: [Received] { frames.withLock { $0 } }
    var resets: [NodeID] { resetPeers.withLock { $0 } }
    /// Channels of the connections that ended, sorted.
    var lost: [PeerChannel] {
        lostConnections.withLock { $0.sorted { $0.rawValue < $1.rawValue } }
    }
    var writables: [PeerChannel] { writable.withLock { $0 } }
    var refused: [String] { refusals.withLock { $0 } }
    var unknownKeys: [UnknownKey] { keys.withLock { $0 } }

    func frameReceived(from peer: NodeID, channel: PeerChannel, kind: UInt8, payload: [UInt8]) {
        let frame = Received(from: peer, channel: channel, kind: kind, payload: payload)
        frames.withLock { $0.append(frame) }
    }

    func linkReset(_ peer: NodeID) { resetPeers.withLock { $0.append(peer) } }

    func connectionLost(to peer: NodeID, channel: PeerChannel) {
        lostConnections.withLock { $0.append(channel) }
    }

    func linkWritable(to peer: NodeID, channel: PeerChannel) {
        writable.withLock { $0.append(channel) }
    }

    func peerRefused(_ reason: String) { refusals.withLock { $0.append(reason) } }

    func keyUnknown(_ key: UnknownKey) { keys.withLock { $0.append(key) } }
}

/// A node as its peers see it, on a free local port.
final class TestNode: Sendable {
    let id: NodeID
    let identity: NodeIdentity
    let events = SeenEvents()
    let seen = SeenLines()
    let transport: PeerTransport
    let address: NetworkAddress

    /// - Parameter port: 0 for a free one.
    init(
        _ number: UInt64,
        folder: TemporaryFolder,
        cluster: UInt8 = 1,
        port: Int = 0,
        limits: PeerLimits = PeerLimits()
    ) async throws {
        id = NodeID(number: number)
        identity = try NodeIdentity.loadOrCreate(folder: folder.path)
        let settings = PeerSettings(
            id: id,
            clusterID: [UInt8](repeating: cluster, count: 32),
            configurationText: "configuration of cluster \(cluster)",
            listen: NetworkAddress(host: "127.0.0.1", port: port),
            limits: limits
        )
        transport = PeerTransport(
            identity: identity,
            settings: settings,
            logger: seen.logger,
            handler: events
        )
        address = try await transport.start()
    }

    var endpoint: PeerEndpoint { PeerEndpoint(id: id, address: address, pin: identity.pin) }

    /// Sends as soon as the link takes it.
    func send(
        _ kind: UInt8,
        _ payload: [UInt8],
        to peer: NodeID,
        _ channel: PeerChannel = .control
    ) async throws {
        try await eventually("a frame is taken") {
            transport.send(kind: kind, payload: payload, to: peer, channel: channel)
        }
    }

    func isConnected(to other: TestNode) -> Bool {
        PeerChannel.allCases.allSatisfy { transport.canSend(to: other.id, channel: $0) }
    }
}

/// Two nodes that know each other; stopped at the end of the body.
func withPair(
    limits: PeerLimits = PeerLimits(),
    clusters: (UInt8, UInt8) = (1, 1),
    areConnected: Bool = true,
    _ body: (TestNode, TestNode) async throws -> Void
) async throws {
    let folders = [TemporaryFolder(), TemporaryFolder()]
    let a = try await TestNode(1, folder: folders[0], cluster: clusters.0, limits: limits)
    let b = try await TestNode(2, folder: folders[1], cluster: clusters.1, limits: limits)
    for node in [a, b] { node.transport.updatePeers([a.endpoint, b.endpoint]) }
    if areConnected {
        try await eventually("both are connected") { a.isConnected(to: b) && b.isConnected(to: a) }
    }
    do {
        try await body(a, b)
    } catch {
        await a.transport.stop()
        await b.transport.stop()
        throw error
    }
    await a.transport.stop()
    await b.transport.stop()
}

/// A connection to a node's peer port that holds a member's key and sends what a test likes.
func rogue(_ identity: NodeIdentity, at node: TestNode) async throws -> RawClient {
    let context = try identity.context(isServer: false)
    return try await RawClient.connect(to: node.address) { channel in
        let tls = try NIOSSLClientHandler(context: context, serverHostname: nil) { _, verdict in
            verdict.succeed(.certificateVerified)
        }
        try channel.pipeline.syncOperations.addHandler(tls)
    }
}
