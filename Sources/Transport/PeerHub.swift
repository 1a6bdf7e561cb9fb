import Logging
import NIOCore
import NIOSSL
import Raft
import Synchronization
import Wire

/// Everything about peer connections that lives on the peer event loop: who the members are,
/// which connections there are, what was reported. Never leaves that loop.
final class PeerHub {
    /// One member with its connections in both directions.
    final class Peer {
        let endpoint: PeerEndpoint
        /// In the order of ``PeerChannel``.
        var links: [PeerLink] = []
        /// By channel; a new connection takes the place of an older one.
        var incoming: [PeerChannel: IncomingPeerConnection] = [:] {
            didSet { callers.set(Set(incoming.keys)) }
        }
        /// The keys of ``incoming``, for other threads.
        let callers = CallerChannels()
        var losses = LossLedger()

        init(endpoint: PeerEndpoint) { self.endpoint = endpoint }

        var isAnythingUp: Bool { !incoming.isEmpty || links.contains { $0.outbox.isOpen } }
    }

    let settings: PeerSettings
    let ownPin: [UInt8]
    let eventLoop: any EventLoop
    let handler: any PeerHandler
    let logger: Logger

    private let serverContext: NIOSSLContext
    private let clientContext: NIOSSLContext
    private let incomingCount: ConnectionCount
    private var throttle = LogThrottle()
    /// Sorted by id, so that what is dialed and logged has one order.
    private(set) var peers: [Peer] = []
    private(set) var isStopped = false

    init(
        identity: NodeIdentity,
        settings: PeerSettings,
        logger: Logger,
        handler: any PeerHandler,
        eventLoop: any EventLoop
    ) throws(TransportError) {
        self.settings = settings
        self.logger = logger
        self.handler = handler
        self.eventLoop = eventLoop
        ownPin = identity.pin
        serverContext = try identity.context(isServer: true)
        clientContext = try identity.context(isServer: false)
        incomingCount = ConnectionCount(max: settings.limits.inboundConnectionsMax)
    }

    /// What this node says of itself to `receiver`.
    func hello(to receiver: NodeID, channel: PeerChannel) -> Hello {
        Hello(
            clusterID: settings.clusterID,
            sender: settings.id,
            receiver: receiver,
            channel: channel,
            configurationText: settings.configurationText
        )
    }

    // MARK: Members

    func update(_ endpoints: [PeerEndpoint]) {
        let wanted = endpoints.filter { $0.id != settings.id }.sorted { $0.id < $1.id }
        let known = peers
        peers = wanted.map { endpoint in
            known.first { $0.endpoint == endpoint } ?? Peer(endpoint: endpoint)
        }
        for peer in known where !peers.contains(where: { $0 === peer }) {
            let why =
                "node \(settings.id.number) has new members or a new key or address for "
                + "node \(peer.endpoint.id.number)"
            peer.links.forEach { $0.stop(farewell: why) }
            PeerChannel.allCases.forEach { peer.incoming[$0]?.close(farewell: why) }
        }
        for peer in peers where peer.links.isEmpty {
            peer.links = PeerChannel.allCases.map { channel in
                PeerLink(hub: self, peer: peer, channel: channel)
            }
            peer.links.forEach { $0.dial() }
        }
    }

    func peer(_ id: NodeID) -> Peer? { peers.first { $0.endpoint.id == id } }

    func stop() {
        isStopped = true
        for peer in peers {
            peer.links.forEach { $0.stop(farewell: nil) }
            PeerChannel.allCases.forEach { peer.incoming[$0]?.close(farewell: nil) }
        }
        peers = []
    }

    // MARK: Connections

    /// TLS towards a member: its key must have the pin of that member.
    func prepareOutgoing(_ channel: any Channel, _ connection: OutgoingPeerConnection) throws {
        let expected = connection.endpoint
        let tls = try NIOSSLClientHandler(context: clientContext, serverHostname: nil) {
            [self] certificates, verdict in
            let pin = certificates.first.flatMap { try? Pin.of($0) }
            guard pin == expected.pin else {
                refused(
                    "pin:\(expected.id.number)",
                    "node \(expected.id.number) at \(expected.address.text) showed a key with the "
                        + "pin \(Self.text(pin)), but that node's pin is "
                        + Self.text(expected.pin)
                )
                connection.isExplained = true
                verdict.succeed(.failed)
                return
            }
            verdict.succeed(.certificateVerified)
        }
        try channel.pipeline.syncOperations.addHandlers([tls, connection])
    }

    /// TLS from a member: its key must have the pin of some member; of which one is checked
    /// when the hello names it.
    func prepareIncoming(_ channel: any Channel) throws {
        try incomingCount.enter(channel)
        try LinkOptions.apply(to: channel, limits: settings.limits)
        let connection = IncomingPeerConnection(hub: self)
        let tls = NIOSSLServerHandler(context: serverContext) {
            [self] certificates, verdict in
            let pin = certificates.first.flatMap { try? Pin.of($0) }
            guard let pin, peers.contains(where: { $0.endpoint.pin == pin }) else {
                let known =
                    peers
                    .map { "node \($0.endpoint.id.number) \(Self.text($0.endpoint.pin))" }
                refused(
                    "incoming",
                    "a caller from \(connection.remoteText) showed a key with the pin "
                        + "\(Self.text(pin)), the pins of this cluster's other members are "
                        + known.joined(separator: ", ")
                )
                connection.isExplained = true
                keyUnknown(.caller)
                verdict.succeed(.failed)
                return
            }
            connection.pin = pin
            verdict.succeed(.certificateVerified)
        }
        try channel.pipeline.syncOperations.addHandlers([tls, connection])
    }

    /// A connection with an accepted hello begins to carry frames.
    ///
    /// - Returns: its number among the connections with that peer.
    func established(_ peer: Peer) -> UInt64 { peer.losses.established() }

    /// A member has called, so it is there: whoever waits to dial it again need not wait. Without
    /// this a node that has just restarted would be heard for up to a second and a half before it
    /// could be answered.
    func called(by peer: Peer) { peer.links.forEach { $0.dialSoon() } }

    /// An established connection ended.
    ///
    /// - Parameter byPeer: the other side ended it and did not say why.
    func lost(_ peer: Peer, number: UInt64, byPeer: Bool) {
        guard byPeer, !isStopped, peers.contains(where: { $0 === peer }),
            peer.losses.isNews(number, isLast: !peer.isAnythingUp)
        else { return }
        handler.linkReset(peer.endpoint.id)
    }

    /// Whatever was on its way on this connection is lost, and so is what it would have answered.
    func connectionLost(_ peer: Peer, channel: PeerChannel) {
        guard !isStopped else { return }
        handler.connectionLost(to: peer.endpoint.id, channel: channel)
    }

    /// Nothing listens at the peer's address.
    func connectRefused(_ peer: Peer) {
        guard !peer.isAnythingUp, !isStopped, peer.losses.isNewsSinceLast() else { return }
        handler.linkReset(peer.endpoint.id)
    }

    func keyUnknown(_ key: UnknownKey) {
        guard !isStopped else { return }
        handler.keyUnknown(key)
    }

    /// Logs a refusal and tells the owner, repetitions excepted.
    func refused(_ subject: String, _ reason: String) {
        guard !isStopped, throttle.allows(subject, reason, now: .now()) else { return }
        logger.error("\(reason)")
        handler.peerRefused(reason)
    }

    /// Logs trouble that mends itself, repetitions excepted.
    func trouble(_ subject: String, _ text: String) {
        guard !isStopped, throttle.allows(subject, text, now: .now()) else { return }
        logger.warning("\(text)")
    }

    private static func text(_ pin: [UInt8]?) -> String { pin.map(Hex.encode) ?? "none" }
}

/// On which channels a member has a connection to this node. Read from any thread.
final class CallerChannels: Sendable {
    private let channels = Mutex<Set<PeerChannel>>([])

    func set(_ new: Set<PeerChannel>) { channels.withLock { $0 = new } }

    func contains(_ channel: PeerChannel) -> Bool { channels.withLock { $0.contains(channel) } }
}

/// Which losses of connections are news.
///
/// A process that dies takes all its connections with it, and each end is noticed on its own.
/// So connections are numbered, and a loss is news only if the connection began after the last
/// loss that was reported. The end of the last one is news once more: what the process had still
/// sent may be read from another connection after the first loss was reported, and would be taken
/// for a sign of life.
struct LossLedger {
    private var last: UInt64 = 0
    private var reported: UInt64 = 0

    mutating func established() -> UInt64 {
        last += 1
        return last
    }

    /// - Parameters:
    ///   - number: of the connection that was lost.
    ///   - isLast: none is left.
    mutating func isNews(_ number: UInt64, isLast: Bool) -> Bool {
        guard number > reported || isLast else { return false }
        reported = last
        return true
    }

    /// Whether a connection began after the last loss that was reported.
    mutating func isNewsSinceLast() -> Bool { isNews(last, isLast: false) }
}

/// Keeps repetitions out of the log: the same text about the same subject once a minute, and
/// at most twenty lines in ten seconds, so that nobody can fill a disk from outside.
struct LogThrottle {
    private struct Line {
        let subject: String
        let text: String
        let time: NIODeadline
    }

    private var lines: [Line] = []

    mutating func allows(_ subject: String, _ text: String, now: NIODeadline) -> Bool {
        lines.removeAll { $0.time + .seconds(60) <= now }
        guard lines.count < 256, lines.filter({ $0.time + .seconds(10) > now }).count < 20,
            !lines.contains(where: { $0.subject == subject && $0.text == text })
        else { return false }
        lines.append(Line(subject: subject, text: text, time: now))
        return true
    }
}
