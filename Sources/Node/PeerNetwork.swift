import Logging
import Raft
import Replica
import Synchronization
import Transport
import Wire

/// The node's side of the connections to the other members: consensus messages, forwarded
/// requests and snapshot streams become frames, and frames become calls.
final class PeerNetwork: PeerLink, PeerHandler {
    private struct Sinks: Sendable {
        var transport: PeerTransport?
        var replica: LocalReplica?
        var forwarder: Forwarder?
        var clock: ClusterClock?
        var serve: (@Sendable (ForwardedRequest, NodeID) -> Void)?
    }

    private let sinks = Mutex(Sinks())
    private let estrangement = Mutex(Estrangement())
    /// This node's name and data folder, for its operator.
    private let place: (node: String, data: String)
    private let logger: Logger

    init(_ settings: Settings, logger: Logger) {
        place = (settings.node, settings.data)
        self.logger = logger
    }

    /// Connects the parts, which need each other, once all of them exist.
    func attach(
        transport: PeerTransport,
        replica: LocalReplica,
        forwarder: Forwarder,
        clock: ClusterClock,
        serve: @escaping @Sendable (ForwardedRequest, NodeID) -> Void
    ) {
        sinks.withLock {
            $0 = Sinks(
                transport: transport,
                replica: replica,
                forwarder: forwarder,
                clock: clock,
                serve: serve
            )
        }
    }

    private var attached: Sinks { sinks.withLock { $0 } }

    // MARK: Out

    func send(_ message: Message, to member: NodeID) {
        var writer = ByteWriter(capacity: 128)
        message.encode(into: &writer)
        let channel: PeerChannel = message.channel == .control ? .control : .data
        _ = attached.transport?.send(
            kind: PeerFrameKind.consensus.rawValue,
            payload: writer.bytes,
            to: member,
            channel: channel
        )
    }

    func sendSnapshot(_ frame: SnapshotFrame, to member: NodeID) -> Bool {
        attached.transport?.send(
            kind: PeerFrameKind.snapshot.rawValue,
            payload: frame.encoded(),
            to: member,
            channel: .snapshot
        ) ?? false
    }

    func sendRepair(_ frame: RepairFrame, to member: NodeID) -> Bool {
        attached.transport?.send(
            kind: PeerFrameKind.repair.rawValue,
            payload: frame.encoded(),
            to: member,
            channel: .data
        ) ?? false
    }

    /// - Returns: false if it was not taken, or if the reply could not come: the member has no
    ///   data connection to this node yet.
    func send(_ request: ForwardedRequest, to member: NodeID) -> Bool {
        guard let transport = attached.transport,
            transport.isHeard(from: member, channel: .data)
        else { return false }
        return transport.send(
            kind: PeerFrameKind.forwardedRequest.rawValue,
            payload: request.encoded(),
            to: member,
            channel: .data
        )
    }

    func send(_ reply: ForwardedReply, to member: NodeID) {
        _ = attached.transport?.send(
            kind: PeerFrameKind.forwardedReply.rawValue,
            payload: reply.encoded(),
            to: member,
            channel: .data
        )
    }

    func send(_ news: ForwardedNews, to member: NodeID) {
        _ = attached.transport?.send(
            kind: PeerFrameKind.forwardedNews.rawValue,
            payload: news.encoded(),
            to: member,
            channel: .data
        )
    }

    func sendClock(_ payload: [UInt8], to member: NodeID) {
        _ = attached.transport?.send(
            kind: PeerFrameKind.clock.rawValue,
            payload: payload,
            to: member,
            channel: .control
        )
    }

    /// Dials who takes part now, and ends the connections of who does not any more.
    func updateMembers(_ configuration: Configuration) {
        var endpoints: [PeerEndpoint] = []
        for member in configuration.members {
            do {
                endpoints.append(try PeerEndpoint(member))
            } catch {
                logger.error("member \(member.name) has no usable peer address: \(error)")
            }
        }
        attached.transport?.updatePeers(endpoints)
    }

    // MARK: In

    func frameReceived(from member: NodeID, channel: PeerChannel, kind: UInt8, payload: [UInt8]) {
        let parts = attached
        do {
            switch (PeerFrameKind(rawValue: kind), channel) {
            case (.consensus, .control), (.consensus, .data):
                var reader = ByteReader(payload)
                let message = try Message(from: &reader)
                try reader.finish()
                parts.replica?.received(message, from: member)
            case (.snapshot, .snapshot):
                parts.replica?.received(try SnapshotFrame(decoding: payload), from: member)
            case (.repair, .data):
                parts.replica?.received(try RepairFrame(decoding: payload), from: member)
            case (.forwardedRequest, .data):
                parts.serve?(try ForwardedRequest(decoding: payload), member)
            case (.forwardedReply, .data):
                parts.forwarder?.replied(try ForwardedReply(decoding: payload), from: member)
            case (.clock, .control):
                if let clock = parts.clock, try clock.heard(payload, from: member) {
                    sendClock(clock.payload, to: member)
                }
            case (.forwardedNews, .data):
                parts.forwarder?.heard(try ForwardedNews(decoding: payload), from: member)
            default:
                logger.warning(
                    "a peer sent a frame of unknown kind",
                    metadata: ["peer": "\(member.number)", "kind": "\(kind)"]
                )
            }
        } catch {
            logger.warning(
                "a peer's frame was refused: \(error)",
                metadata: ["peer": "\(member.number)", "kind": "\(kind)"]
            )
        }
    }

    func linkReset(_ peer: NodeID) {
        attached.replica?.linkReset(peer)
    }

    func connectionLost(to peer: NodeID, channel: PeerChannel) {
        switch channel {
        // Forwarded requests and their replies travel on the data connections.
        case .data: attached.forwarder?.connectionLost(peer)
        case .snapshot: attached.replica?.snapshotLinkLost(peer)
        case .control: break
        }
    }

    func linkWritable(to peer: NodeID, channel: PeerChannel) {}

    /// The transport has logged it, with both pins or both configurations.
    func peerRefused(_ reason: String) {}

    func keyUnknown(_ key: UnknownKey) {
        let isInTouch = attached.transport?.isConnectedToAny ?? false
        let isToBeTold = estrangement.withLock { $0.seen(at: .now, isInTouch: isInTouch) }
        guard isToBeTold else { return }
        let text = Estrangement.text(key, node: place.node, data: place.data)
        logger.critical("\(text.summary)", metadata: ["remedy": "\(text.remedy)"])
    }
}

extension PeerEndpoint {
    /// - Throws: `NetworkAddress`'s error for an address that cannot be parsed.
    init(_ member: Member) throws {
        self.init(
            id: member.id,
            address: try NetworkAddress(parsing: member.peerAddress),
            pin: member.pin
        )
    }
}
