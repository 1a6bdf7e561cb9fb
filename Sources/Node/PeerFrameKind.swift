import Transport

/// The kinds of frames between members; the channel that each travels on is fixed.
enum PeerFrameKind: UInt8 {
    /// A consensus message; control or data channel as the message says.
    case consensus = 1
    /// ``ForwardedRequest``, data channel.
    case forwardedRequest = 2
    /// ``ForwardedReply``, data channel.
    case forwardedReply = 3
    /// A frame of a snapshot stream, snapshot channel.
    case snapshot = 4
    /// A question or answer about damage, data channel.
    case repair = 5
    /// ``ForwardedNews``, data channel.
    case forwardedNews = 6
    /// What a member's clock shows (``ClusterClock/heard(_:from:)``), control channel.
    case clock = 7
}
