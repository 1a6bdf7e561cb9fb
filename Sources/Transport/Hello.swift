import Raft
import Wire

/// What a member says first on a connection that it has dialed.
///
/// Payload layout, version 1: protocol version u8, cluster id 32 bytes, sender u64, receiver
/// u64, channel u8, the canonical initial configuration as a blob of text.
struct Hello: Sendable, Equatable {
    static let protocolVersion: UInt8 = 1

    let clusterID: [UInt8]
    let sender: NodeID
    /// Whom the sender believes to have dialed.
    let receiver: NodeID
    let channel: PeerChannel
    /// Only to be shown when the cluster ids differ.
    let configurationText: String

    func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 64 + configurationText.utf8.count)
        writer.writeUInt8(Self.protocolVersion)
        writer.writeBytes(clusterID)
        writer.writeUInt64(sender.number)
        writer.writeUInt64(receiver.number)
        writer.writeUInt8(channel.rawValue)
        writer.writeString(configurationText)
        return writer.bytes
    }

    /// - Throws: ``HelloError`` for another protocol version and for anything malformed.
    init(decoding bytes: [UInt8]) throws(HelloError) {
        var reader = ByteReader(bytes)
        do throws(WireError) {
            let version = try reader.readUInt8()
            guard version == Self.protocolVersion else { throw .malformed("version \(version)") }
            clusterID = try reader.readBytes(32)
            sender = NodeID(number: try reader.readUInt64())
            receiver = NodeID(number: try reader.readUInt64())
            let channel = try reader.readUInt8()
            guard let channel = PeerChannel(rawValue: channel) else {
                throw .malformed("channel \(channel)")
            }
            self.channel = channel
            configurationText = try reader.readString(
                atMost: TransportLimits.configurationTextMax
            )
            try reader.finish()
        } catch {
            throw HelloError(reason: "the hello cannot be read: \(error.summary)")
        }
    }

    init(
        clusterID: [UInt8],
        sender: NodeID,
        receiver: NodeID,
        channel: PeerChannel,
        configurationText: String
    ) {
        self.clusterID = clusterID
        self.sender = sender
        self.receiver = receiver
        self.channel = channel
        self.configurationText = configurationText
    }

    /// Compares a hello with what the receiving node knows.
    ///
    /// - Parameters:
    ///   - own: this node's cluster id and configuration; `own.sender` is this node.
    ///   - pin: the pin of the key that the sender has proved to hold.
    ///   - expected: the pin of the member that the sender claims to be, if there is one.
    func check(
        against own: Hello,
        pin: [UInt8],
        expected: [UInt8]?
    ) throws(HelloError) {
        guard clusterID == own.clusterID else { throw mismatch(own) }
        guard receiver == own.sender else {
            throw HelloError(
                reason: "node \(sender.number) dialed node \(receiver.number) but reached node "
                    + "\(own.sender.number); check the peer addresses"
            )
        }
        guard let expected else {
            throw HelloError(
                reason: "node \(sender.number) is no member of this cluster as node "
                    + "\(own.sender.number) knows it"
            )
        }
        guard pin == expected else {
            throw HelloError(
                reason: "node \(sender.number) has the pin \(Hex.encode(expected)) here, but "
                    + "the caller's key has the pin \(Hex.encode(pin))"
            )
        }
    }

    private func mismatch(_ own: Hello) -> HelloError {
        HelloError(
            reason: """
                node \(sender.number) and node \(own.sender.number) belong to different clusters
                node \(sender.number): cluster \(Hex.encode(clusterID)), made from
                \(printable(configurationText))
                node \(own.sender.number): cluster \(Hex.encode(own.clusterID)), made from
                \(printable(own.configurationText))
                """
        )
    }
}

/// Why a member is not let in. The text goes to both sides' logs.
struct HelloError: Error, Equatable {
    let reason: String
}

/// Text of another node as it may be logged: no control characters but line ends.
func printable(_ text: String) -> String {
    String(
        text.unicodeScalars.map {
            $0.value < 0x20 && $0 != "\n" || $0.value == 0x7F ? "?" : Character($0)
        }
    )
}

/// Text of a refusal or farewell, cut to what a frame may carry.
func reasonPayload(_ text: String) -> [UInt8] {
    Array(text.utf8.prefix(TransportLimits.reasonTextMax))
}

/// The same text on the other side.
func reasonText(_ payload: [UInt8]) -> String {
    printable(String(decoding: payload.prefix(TransportLimits.reasonTextMax), as: UTF8.self))
}
