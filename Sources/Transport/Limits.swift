/// Every bound of the client-facing HTTP server. A number that is not here does not exist.
///
/// The defaults are those of the HTTP API that clients know: 64 KiB of request head, 32 MiB of
/// body, 90 s of idleness. Tests shorten the times; production code keeps them.
package struct HTTPLimits: Sendable {
    /// Request line and all header fields of one request, in bytes; more is 431.
    package var headerBytesMax = 64 << 10
    /// Header fields of one request; more is 431.
    package var headerFieldsMax = 256
    /// One request body after chunked decoding, in bytes; more is 413.
    package var bodyBytesMax = 32 << 20
    /// Requests of one connection that are handed out and not answered yet. At the bound the
    /// connection is not read until one is answered.
    package var pipelinedMax = 16
    /// Open connections of the whole server. A further one is closed at once.
    package var connectionsMax = 4_096
    /// Bytes of requests above 4 KiB that are held for all connections together; more is 503.
    package var requestBytesInFlightMax = 256 << 20
    /// From the accepted connection to the end of the TLS handshake.
    package var handshakeTime = Duration.seconds(10)
    /// From the first byte of a request head (or from the handshake, for the first request) to
    /// its last; then 408.
    package var headerTime = Duration.seconds(10)
    /// From the end of the head to the last byte of the body; then 408.
    package var bodyTime = Duration.seconds(90)
    /// Between the last answer and the first byte of the next request.
    package var idleTime = Duration.seconds(90)
    /// Without 4 KiB of progress while answers wait for the client to read.
    package var writeTime = Duration.seconds(30)
    /// How long input is still discarded after an answer that closes the connection, so that
    /// a client that is still sending gets to read that answer.
    package var lingerTime = Duration.seconds(5)

    /// The defaults.
    package init() {}
}

/// Every bound of the connections between members.
package struct PeerLimits: Sendable {
    /// Frames and bytes that wait in the queue of one control channel.
    package var control = QueueLimit(framesMax: 1_024, bytesMax: 1 << 20)
    /// The same for one data channel: eight full frames.
    package var data = QueueLimit(framesMax: 8_192, bytesMax: 64 << 20)
    /// The same for one snapshot channel. Small, because its sender waits for room.
    package var snapshot = QueueLimit(framesMax: 64, bytesMax: 8 << 20)
    /// Connections that other members may have open to this node at once.
    package var inboundConnectionsMax = 128
    /// From dialing, or from an accepted connection, to the end of the hello.
    package var helloTime = Duration.seconds(5)
    /// First pause before dialing again; doubles up to ``redialTimeMax``. Jitter is added.
    package var redialTimeMin = Duration.milliseconds(50)
    /// Longest pause before dialing again.
    package var redialTimeMax = Duration.seconds(1)
    /// Unacknowledged bytes or silent probes for this long make a link dead.
    package var deadTime = Duration.seconds(5)

    /// The defaults.
    package init() {}

    func queue(_ channel: PeerChannel) -> QueueLimit {
        switch channel {
        case .control: control
        case .data: data
        case .snapshot: snapshot
        }
    }
}

/// Room of one outgoing queue. An empty queue takes any one frame.
package struct QueueLimit: Sendable {
    /// Frames, headers included in their bytes.
    package var framesMax: Int
    package var bytesMax: Int

    /// - Precondition: both are above zero.
    package init(framesMax: Int, bytesMax: Int) {
        precondition(framesMax > 0 && bytesMax > 0, "a queue without room cannot carry a frame")
        self.framesMax = framesMax
        self.bytesMax = bytesMax
    }
}

/// Bounds that are part of the formats and cannot be set.
package enum TransportLimits {
    /// Payload of one frame between members.
    package static let framePayloadMax = 8 << 20
    /// Payload of a frame before the hello has been accepted.
    static let helloPayloadMax = 256 << 10
    /// The canonical initial configuration as it travels in a hello.
    static let configurationTextMax = 64 << 10
    /// Text of a refusal or of a farewell.
    static let reasonTextMax = 192 << 10
    /// Plain bytes written to a peer connection between two flushes.
    static let flushBytes = 256 << 10
    /// What one streamed answer keeps for a client that does not read; more is refused to its
    /// writer.
    package static let streamBytesKept = 256 << 10
    /// A buffer above this is let go when it is empty.
    static let bufferKeptMax = 1 << 20
    /// Requests up to this size do not count against ``HTTPLimits/requestBytesInFlightMax``.
    static let requestBytesUncounted = 4 << 10
    /// Certificates that one client shows in its handshake, and their bytes together; with more the
    /// handshake fails.
    package static let clientCertificatesMax = 10
    package static let clientCertificateBytesMax = 64 << 10
    /// A key or certificate file.
    static let fileBytesMax = 1 << 20
    /// One line of a chunked body that is not data: a size with its extensions.
    static let chunkLineMax = 4 << 10
    /// Documents that are fetched from servers of others at the same time.
    static let fetchesMax = 64
    /// Redirects that one of these fetches follows.
    static let redirectsMax = 3
    /// Sets of trusted certificates that are kept for them, and for how long.
    static let trustsMax = 64
    static let trustSeconds: Int64 = 3_600
}
